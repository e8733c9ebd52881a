using System.Diagnostics;
using System.Globalization;

namespace Signalbox.Mcp.Tests;

/// <summary>Looks after processes that tests started.</summary>
internal static class Processes
{
    /// <summary>The time limit over whatever a test awaits.</summary>
    public static TimeSpan Limit => TimeSpan.FromSeconds(60);

    /// <summary>The ids of the odd servers that were started on a folder, in order.</summary>
    public static int[] OddServersOf(TempFolder folder) => [.. File.ReadLines(folder.File("pids")).Select(line => int.Parse(line, CultureInfo.InvariantCulture))];

    /// <summary>Kills one at whatever instruction it is (SIGKILL), without its children.</summary>
    public static void Kill(int id)
    {
        using var process = Process.GetProcessById(id);
        process.Kill();
    }

    /// <summary>Waits until a process has ended.</summary>
    public static async Task GoneAsync(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            await process.WaitForExitAsync().WaitAsync(Limit);
        }
        catch (ArgumentException)
        {
            // Gone already.
        }
    }

    public static bool IsAlive(int id)
    {
        try
        {
            using var process = Process.GetProcessById(id);
            return !process.HasExited;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>The processes whose command line holds a text.</summary>
    public static int[] With(string text) =>
    [
        .. Directory.GetDirectories("/proc")
            .Select(path => int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out var id) ? id : 0)
            .Where(id => id > 0 && id != Environment.ProcessId && CommandLine(id).Contains(text, StringComparison.Ordinal)),
    ];

    private static string CommandLine(int id)
    {
        try
        {
            return File.ReadAllText($"/proc/{id}/cmdline");
        }
        catch (IOException)
        {
            return "";
        }
    }
}
