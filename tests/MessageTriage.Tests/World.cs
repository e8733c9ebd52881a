using System.Diagnostics;
using System.Runtime.InteropServices;
using Signalbox;

namespace MessageTriage.Tests;

/// <summary>A folder of a test's own, and the sample as a real process in it.</summary>
internal sealed class World : IDisposable
{
    public const int Interrupt = 2;

    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(2);

    public string Folder { get; } = Directory.CreateTempSubdirectory("message-triage-").FullName;

    public string PathOf(string name) => Path.Combine(Folder, name);

    public void Write(string name, params IEnumerable<string> lines) => File.WriteAllLines(PathOf(name), lines);

    public EvaluationReport Report(string name = "out.json") => EvaluationReport.FromJson(File.ReadAllText(PathOf(name)));

    /// <summary>Runs the sample to its end. With <paramref name="interruptAfter"/>, it is sent SIGINT as soon as it has said that text.</summary>
    public async Task<(int ExitCode, string Output, string Errors)> RunAsync(IReadOnlyList<string> arguments, string? interruptAfter = null)
    {
        // Not the native launcher beside it: that one needs to be told where .NET is.
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [Path.Combine(AppContext.BaseDirectory, "MessageTriage.dll"), .. arguments])
        {
            WorkingDirectory = Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        try
        {
            var errors = process.StandardError.ReadToEndAsync();
            var output = new System.Text.StringBuilder();
            while (await process.StandardOutput.ReadLineAsync().WaitAsync(s_limit) is { } line)
            {
                output.Append(line).Append('\n');
                if (interruptAfter is not null && line.Contains(interruptAfter, StringComparison.Ordinal))
                {
                    Assert.Equal(0, NativeMethods.Kill(process.Id, Interrupt));
                    interruptAfter = null;
                }
            }

            await process.WaitForExitAsync().WaitAsync(s_limit);
            return (process.ExitCode, output.ToString(), await errors.WaitAsync(s_limit));
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    /// <summary>Where the real messages are: <c>SIGNALBOX_DATA</c>, or <c>shared/data</c> in a folder above. Skips the test where they are not.</summary>
    public static string RealMessages()
    {
        var candidates = new List<string>();
        if (Environment.GetEnvironmentVariable("SIGNALBOX_DATA") is { Length: > 0 } named)
        {
            candidates.Add(named);
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            candidates.Add(Path.Combine(folder.FullName, "shared", "data"));
        }

        var found = candidates.Select(data => Path.Combine(data, "alerts", "triage")).FirstOrDefault(Directory.Exists);
        Assert.SkipWhen(found is null, "The real messages are not on this machine: set SIGNALBOX_DATA to the folder that holds alerts/triage.");
        return found!;
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static class NativeMethods
    {
        [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int Kill(int process, int signal);
    }
}
