using System.Diagnostics;

namespace Signalbox.Targets.Tests;

/// <summary>This very program in another part, as a child process.</summary>
internal static class OwnProgram
{
    public static Process Start(params IEnumerable<string> arguments)
    {
        // Not the native launcher beside it: that one needs to be told where .NET is.
        return Process.Start(new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [Path.Combine(AppContext.BaseDirectory, "Signalbox.Targets.Tests.dll"), .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
    }
}
