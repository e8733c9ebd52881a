using Signalbox.Mcp.Tests;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

return args switch
{
    [OddServer.Argument, var manner, var folder, ..] => await OddServer.RunAsync(manner, folder),
    [Victim.Argument, var folder, ..] => await Victim.RunAsync(folder),
    _ when args.Any(arg => arg is "--server" or "--internal-msbuild-node") => await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
    _ => await ConsoleRunner.Run(args),
};
