using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Signalbox.Mcp.Tests;

/// <summary>The real servers, which test.sh installs beside these sources. A test that needs one skips where they are not.</summary>
internal static class Npm
{
    private static readonly string s_project = FindProject();

    public static string Everything => Script("server-everything");

    public static string Filesystem => Script("server-filesystem");

    public static string Project => s_project;

    /// <summary>The server that shows everything, on stdio. <paramref name="mark"/> stands on its command line, for tests that look for its process.</summary>
    public static McpTransport EverythingTransport(string mark = "") => McpTransport.Stdio("node", [Everything, "stdio", mark]);

    /// <summary>The server of a folder's files.</summary>
    public static McpTransport FilesystemTransport(TempFolder folder) => McpTransport.Stdio("node", [Filesystem, folder.Path]);

    /// <summary>Starts the server that shows everything behind HTTP and waits until it listens.</summary>
    public static async Task<Process> StartHttpAsync(int port)
    {
        var start = new ProcessStartInfo("node", [Everything, "streamableHttp"]) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["PORT"] = port.ToString(CultureInfo.InvariantCulture);
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        var listening = new TaskCompletionSource();
        process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null)
            {
                listening.TrySetException(new InvalidOperationException("The HTTP server did not start."));
            }
            else if (line.Data.Contains("listening", StringComparison.Ordinal))
            {
                listening.TrySetResult();
            }
        };
        process.BeginErrorReadLine();
        await listening.Task.WaitAsync(Processes.Limit);
        return process;
    }

    /// <summary>A port that was free a moment ago.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string Script(string package)
    {
        var script = Path.Combine(s_project, "node_modules", "@modelcontextprotocol", package, "dist", "index.js");
        if (!File.Exists(script))
        {
            Assert.Skip($"The npm package @modelcontextprotocol/{package} is not installed: run npm ci in tests/Signalbox.Mcp.Tests (test.sh does).");
        }

        return script;
    }

    private static string FindProject()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Signalbox.slnx")))
        {
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }

        return Path.Combine(folder, "tests", "Signalbox.Mcp.Tests");
    }
}
