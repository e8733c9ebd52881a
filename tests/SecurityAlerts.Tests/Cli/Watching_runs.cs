using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Signalbox.CommandLine.Rendering;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Tests;

public sealed class Watching_runs : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    [Theory]
    [InlineData("completed", 0, "Run r-a is Completed in state Done, visit 2.")]
    [InlineData("asks", 4, "Run r-a is Waiting in state Start, visit 1.")]
    [InlineData("held", 4, "Run r-a is Held (quarantined) in state Start, visit 1.")]
    [InlineData("failed", 5, "Run r-a is Failed (handler_failed) in state Start, visit 1.")]
    public async Task Of_one_ends_where_it_ended_and_tells_by_the_exit_code(string how, int exit, string standing)
    {
        await _store.WriteAsync(async journals =>
        {
            var run = await journals.StartAsync("r-a");
            await (how switch
            {
                "completed" => journals.CompleteAsync(run),
                "asks" => journals.AskAsync(run),
                "held" => journals.HoldAsync(run),
                _ => journals.FailAsync(run),
            });
        });

        var outcome = await _store.RunAsync("watch", "r-a");

        Assert.Equal((exit, ""), (outcome.Exit, outcome.Error));
        Assert.Contains("started by client:test", outcome.Lines[1], StringComparison.Ordinal);
        Assert.Contains(standing, outcome.Lines);
    }

    [Fact]
    public async Task Of_one_follows_what_another_process_writes_until_it_ends()
    {
        await _store.WriteAsync(async journals => await journals.StartAsync("r-a"));
        using var watch = Start("watch", "r-a", "--json");
        Assert.Equal(EntryKinds.RunStarted, await KindAsync(watch));
        Assert.Equal(EntryKinds.StateEntered, await KindAsync(watch));
        Assert.Equal(EntryKinds.RunLeased, await KindAsync(watch));

        await _store.WriteAsync(async journals =>
        {
            await journals.EnterAsync(new RunId("r-a"), "Start", "Ask", "it is shut", 2);
            Assert.Equal(EntryKinds.StateEntered, await KindAsync(watch)); // while this process owns the store
            await journals.CompleteAsync(new RunId("r-a"), visit: 3);
        });

        Assert.Equal(EntryKinds.StateEntered, await KindAsync(watch));
        Assert.Equal(EntryKinds.RunCompleted, await KindAsync(watch));
        await watch.WaitForExitAsync().WaitAsync(Limit);
        Assert.Equal(0, watch.ExitCode);
    }

    [Fact]
    public async Task Of_one_that_asks_may_go_on_to_its_end()
    {
        await _store.WriteAsync(async journals => await journals.AskAsync(await journals.StartAsync("r-a")));
        using var watch = Start("watch", "r-a", "--stay", "--json");
        while (await KindAsync(watch) != EntryKinds.RunWaiting)
        {
        }

        await _store.WriteAsync(async journals => await journals.FailAsync(new RunId("r-a")));

        Assert.Equal(EntryKinds.RunFailed, await KindAsync(watch));
        await watch.WaitForExitAsync().WaitAsync(Limit);
        Assert.Equal(5, watch.ExitCode);
    }

    [Fact]
    public async Task Of_all_writes_a_plain_line_for_each_change_into_a_pipe_and_ends_cleanly()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There are no POSIX signals.");
        await _store.WriteAsync(async journals => await journals.StartAsync("r-a"));
        using var watch = Start("watch", "--workflow", "door");
        Assert.EndsWith("r-a  door v2  Start  Running", await LineAsync(watch), StringComparison.Ordinal);

        await _store.WriteAsync(async journals =>
        {
            await journals.StartAsync("r-b");
            await journals.AskAsync(new RunId("r-a"));
            await journals.FailAsync(new RunId("r-b"), reason: "the hinge \u001b[31m is rusty");
        });

        var lines = new List<string>();
        while (lines.Count(l => l.Contains("asks", StringComparison.Ordinal) || l.Contains("Failed", StringComparison.Ordinal)) < 2)
        {
            lines.Add(await LineAsync(watch));
        }

        Assert.Contains(lines, l => l.EndsWith("r-a  door v2  Start  Waiting, asks", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.EndsWith("""r-b  door v2  Start  Failed handler_failed  the hinge \u001B[31m is rusty""", StringComparison.Ordinal));
        using (var interrupt = Process.Start("kill", ["-INT", watch.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await interrupt.WaitForExitAsync().WaitAsync(Limit);
        }

        Assert.Equal("Stopped.\n", await watch.StandardError.ReadToEndAsync().WaitAsync(Limit));
        await watch.WaitForExitAsync().WaitAsync(Limit);
        Assert.Equal(130, watch.ExitCode);
    }

    [Fact]
    public async Task Of_all_writes_over_its_table_on_a_terminal_and_leaves_the_cursor_visible()
    {
        await _store.WriteAsync(async journals => await journals.StartAsync("r-a", null, ("note", "\u001b[2J")));
        using var stop = new CancellationTokenSource();
        var output = new Terminal();
        var watching = Cli.RunAsync(["watch", "--store", _store.Path], output, new StringWriter(), new Surface { IsTerminal = true, IsLive = true }, stop.Token);
        await output.UntilAsync("Running");
        await _store.WriteAsync(async journals => await journals.FailAsync(new RunId("r-a")));
        await output.UntilAsync("Failed handler_failed");
        await stop.CancelAsync();

        Assert.Equal(130, await watching.WaitAsync(Limit));
        Assert.DoesNotContain("\u001b[2J", output.ToString(), StringComparison.Ordinal);
        Assert.True(output.ToString().LastIndexOf("\u001b[?25h", StringComparison.Ordinal) > output.ToString().LastIndexOf("\u001b[?25l", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Of_none_says_which_is_missing()
    {
        await _store.WriteAsync(async journals => await journals.StartAsync("r-a"));

        Assert.Equal(1, (await _store.RunAsync("watch", "r-b")).Exit);
    }

    private Process Start(params string[] args) => Process.Start(new ProcessStartInfo(
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [typeof(Cli).Assembly.Location, .. args, "--store", _store.Path])
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    private static async Task<string> LineAsync(Process watch) => await watch.StandardOutput.ReadLineAsync().WaitAsync(Limit) ?? throw new EndOfStreamException(await watch.StandardError.ReadToEndAsync());

    private static async Task<string> KindAsync(Process watch) => JsonDocument.Parse(await LineAsync(watch)).RootElement.GetProperty("kind").GetString()!;

    /// <summary>A terminal that keeps all it was told.</summary>
    private sealed class Terminal : StringWriter
    {
        private readonly SemaphoreSlim _written = new(0);

        public override void Flush() => _written.Release();

        public override async Task FlushAsync(CancellationToken cancellationToken) => await Task.CompletedTask;

        public override void Write(string? value)
        {
            lock (_written)
            {
                base.Write(value);
            }
        }

        public override string ToString()
        {
            lock (_written)
            {
                return base.ToString();
            }
        }

        public async Task UntilAsync(string text)
        {
            while (!ToString().Contains(text, StringComparison.Ordinal))
            {
                Assert.True(await _written.WaitAsync(Limit), $"'{text}' was not shown; but: {this}");
            }
        }
    }
}
