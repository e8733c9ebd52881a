using System.Diagnostics;

namespace Signalbox.Mcp.Tests;

/// <summary>A process that uses a server, to be killed without warning.</summary>
internal static class Victim
{
    public const string Argument = "--victim";

    public static async Task<int> RunAsync(string folder)
    {
        var server = new McpServer("odd", McpTransport.Stdio(OddServer.Executable, [OddServer.Argument, "obliging", folder], inherit: ["DOTNET_ROOT"])).Read("hang");
        await server.CallAsync("hang");
        return 1;
    }

    public static Process Start(TempFolder folder) => Process.Start(OddServer.Executable, [Argument, folder.Path]);
}
