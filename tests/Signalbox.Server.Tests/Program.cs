using Signalbox.Server.Tests;
using Signalbox.Server.Tests.Telemetry;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

return args switch
{
    [TracedProcess.Verb, var store, var endpoint, var runs] => await TracedProcess.RunAsync(store, endpoint, int.Parse(runs, System.Globalization.CultureInfo.InvariantCulture)),
    _ when args.Any(arg => arg is "--server" or "--internal-msbuild-node") => await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
    _ => await ConsoleRunner.Run(args),
};
