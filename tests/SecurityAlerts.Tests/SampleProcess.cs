using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace SecurityAlerts.Tests;

/// <summary>How the sample ended, and what it said.</summary>
internal sealed record SampleEnd(int ExitCode, string Output, string Errors);

/// <summary>The sample as a real process, in a folder of a test. Only what was started here is ever ended, by its handle.</summary>
internal sealed class SampleProcess : IAsyncDisposable
{
    public const int Interrupt = 2;
    public const int Terminate = 15;

    private const string Sample = "SecurityAlerts.dll";

    private static readonly TimeSpan TimeLimit = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private readonly List<(string Text, TaskCompletionSource<string> Seen)> _awaited = [];
    private readonly Task _reading;

    // Not the native launcher beside it: that one needs to be told where .NET is.
    private static string Dotnet => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    private SampleProcess(string folder, string file, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(file)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };

        // Whoever runs the tests may have keys, or develop: no test asks anybody outside, or is let in without a key.
        foreach (var key in new[] { "ANTHROPIC_API_KEY", "OPENAI_API_KEY", "DOTNET_ENVIRONMENT", "ASPNETCORE_ENVIRONMENT", "OTEL_EXPORTER_OTLP_ENDPOINT" })
        {
            start.Environment.Remove(key);
        }

        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[name] = value;
        }

        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
        _reading = Task.WhenAll(ReadAsync(_process.StandardOutput, _output), ReadAsync(_process.StandardError, _errors));
    }

    public int Id => _process.Id;

    public static SampleProcess Start(World world, params IReadOnlyList<string> arguments) => new(world.Folder, Dotnet, [Beside(Sample), .. arguments]);

    public static SampleProcess Start(World world, IReadOnlyDictionary<string, string> environment, params IReadOnlyList<string> arguments) => new(world.Folder, Dotnet, [Beside(Sample), .. arguments], environment);

    public static async Task<SampleEnd> RunAsync(World world, params IReadOnlyList<string> arguments)
    {
        await using var process = Start(world, arguments);
        return await process.EndAsync();
    }

    public static SampleProcess StartCli(World world, params IReadOnlyList<string> arguments) => new(world.Folder, Dotnet, [Beside("Signalbox.Cli.dll"), .. arguments]);

    /// <summary>Starts it as a person does, at a terminal. What is typed there goes to <see cref="TypeAsync"/>.</summary>
    public static SampleProcess StartAtTerminal(World world, params IReadOnlyList<string> arguments)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/script"), "There is no 'script', which makes a terminal.");
        var command = "exec " + string.Join(' ', new[] { Dotnet, Beside(Sample) }.Concat(arguments).Select(word => $"'{word}'"));
        return new(world.Folder, "/usr/bin/script", ["-qec", command, "/dev/null"], new Dictionary<string, string> { ["TERM"] = "dumb" });
    }

    public async Task TypeAsync(string text)
    {
        await _process.StandardInput.WriteAsync(text);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Runs the <c>signalbox</c> command, which lies beside the sample.</summary>
    public static async Task<SampleEnd> RunCliAsync(World world, params IReadOnlyList<string> arguments)
    {
        await using var process = StartCli(world, arguments);
        return await process.EndAsync();
    }

    /// <summary>Completes when the process has said a text, with the line that it stands in.</summary>
    public Task<string> UntilItSaysAsync(string text)
    {
        var seen = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_output)
        {
            if (_output.ToString().Split('\n').FirstOrDefault(line => line.Contains(text, StringComparison.Ordinal)) is { } said)
            {
                return Task.FromResult(said);
            }

            _awaited.Add((text, seen));
        }

        return seen.Task.WaitAsync(TimeLimit);
    }

    public async Task<SampleEnd> EndAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(TimeLimit);
        await _reading.WaitAsync(TimeLimit);
        return new(_process.ExitCode, _output.ToString(), _errors.ToString());
    }

    /// <summary>Ends the process with SIGKILL when something has happened, unless it ends by itself before. True if it was killed.</summary>
    public async Task<bool> KillAfterAsync(Task moment)
    {
        var ended = _process.WaitForExitAsync();
        if (await Task.WhenAny(ended, moment) == ended)
        {
            return false;
        }

        _process.Kill();
        await EndAsync();
        return _process.ExitCode != 0;
    }

    /// <summary>Ends the process with SIGKILL, now.</summary>
    public void Kill() => _process.Kill();

    public void Signal(int signal) => Assert.Equal(0, NativeMethods.Kill(_process.Id, signal));

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static string Beside(string program) => Path.Combine(AppContext.BaseDirectory, program);

    private async Task ReadAsync(StreamReader reader, StringBuilder into)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lock (_output)
            {
                into.Append(line).Append('\n');
                foreach (var (text, seen) in _awaited.Where(awaited => line.Contains(awaited.Text, StringComparison.Ordinal)))
                {
                    seen.TrySetResult(line);
                }
            }
        }
    }

    private static class NativeMethods
    {
        [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int Kill(int process, int signal);
    }
}
