using System.Diagnostics;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Tests;

/// <summary>What only a process of its own can show: pipes, signals, exit codes.</summary>
public sealed class As_a_process : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    private Process Start(params string[] args) => Process.Start(new ProcessStartInfo(
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [typeof(Cli).Assembly.Location, .. args, "--store", _store.Path])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    private async Task<(int Exit, string Output, string Error)> RunAsync(params string[] args)
    {
        using var process = Start(args);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Limit);
        return (process.ExitCode, await output, await error);
    }

    private Task<TestStore> ManyEntriesAsync() => _store.WriteAsync(async journals =>
    {
        var run = await journals.StartAsync("r-many1");
        for (var i = 0; i < 40; i++)
        {
            var drafts = Enumerable.Range(0, 500).Select(n => new EntryDraft { Kind = EntryKinds.StepCompleted, Step = $"s{i}x{n}/-/1", Body = Body.Write(new StepCompleted(null, Journals.Json("1"), 1)) });
            await journals.Store.CommitAsync(new() { Run = run, Entries = [.. drafts] }, default);
        }
    });

    [Fact]
    public async Task Writes_plain_lines_into_a_pipe_and_tells_by_its_exit_code()
    {
        await _store.WriteAsync(async journals => await journals.FailAsync(await journals.StartAsync("r-1", "key")));

        var listed = await RunAsync("runs");
        var retried = await RunAsync("retry", "r-1");
        var again = await RunAsync("retry", "r-1");
        var wrong = await RunAsync("retry");

        Assert.Equal((0, ""), (listed.Exit, listed.Error));
        Assert.Contains("Failed handler_failed", listed.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', listed.Output);
        Assert.Equal((0, 1, 2), (retried.Exit, again.Exit, wrong.Exit));
        Assert.StartsWith("not_failed: ", again.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ends_quietly_when_its_reader_goes_away()
    {
        await ManyEntriesAsync();
        using var process = Start("export");

        Assert.Equal("{\"signalbox\":1}", await process.StandardOutput.ReadLineAsync());
        process.StandardOutput.Close();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Limit);

        Assert.Equal((141, ""), (process.ExitCode, error));
    }

    [Fact]
    public async Task Ends_cleanly_when_it_is_interrupted()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no POSIX signals.");
        await ManyEntriesAsync();
        using var process = Start("export");
        await process.StandardOutput.ReadLineAsync(); // it is at work; from here on its pipe is full

        using (var interrupt = Process.Start("kill", ["-INT", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
        {
            await interrupt.WaitForExitAsync().WaitAsync(Limit);
        }

        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(Limit);

        Assert.Equal((130, "Stopped.\n"), (process.ExitCode, await error));
        Assert.EndsWith("}\n", await output, StringComparison.Ordinal);
    }
}
