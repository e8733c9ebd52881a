using System.Globalization;
using Signalbox.Targets.Tests;
using Signalbox.Targets.Tests.Server;
using Signalbox.Targets.Tests.Victims;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

return args switch
{
    [TargetServer.Argument, var log] => await TargetServer.RunAsync(log),
    [Victim.Argument, var folder, var server, var workflow, var runs, var death] => await Victim.RunAsync(folder, new Uri(server), workflow, int.Parse(runs, CultureInfo.InvariantCulture), Death.Parse(death)),
    _ when args.Any(arg => arg is "--server" or "--internal-msbuild-node") => await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
    _ => await ConsoleRunner.Run(args),
};
