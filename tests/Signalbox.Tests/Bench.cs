using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;
using Check = Signalbox.HistoryChecker.HistoryCheck;
using CheckOptions = Signalbox.HistoryChecker.HistoryOptions;
using Usage = Signalbox.HistoryChecker.Usage;

namespace Signalbox.Tests;

/// <summary>
/// A test's own world: a harness, a target, a model. When it ends, the history checker reads the whole journal beside the target's log, and the engine must not have
/// failed by itself.
/// </summary>
public sealed class Bench : IAsyncDisposable
{
    private Bench(WorkflowHarness harness, FaultyTarget target)
    {
        Harness = harness;
        Target = target;
    }

    public WorkflowHarness Harness { get; }

    public FaultyTarget Target { get; }

    public RunId Run { get; private set; }

    /// <summary>False for a test that damages the journal or plants a bug.</summary>
    public bool ChecksHistory { get; set; } = true;

    /// <summary>Whether the journals stay out of the test's output.</summary>
    public bool IsQuiet { get; set; }

    public static async Task<Bench> StartAsync(Action<SignalboxBuilder> configure, FaultyTarget? target = null, HarnessOptions? options = null)
    {
        var faulty = target ?? new FaultyTarget();
        return new Bench(await WorkflowHarness.StartAsync(Configured(configure, faulty), options), faulty);
    }

    /// <summary>A bench with one workflow, as its states are given.</summary>
    public static Task<Bench> OfAsync(Flow flow, FaultyTarget? target = null, HarnessOptions? options = null) => StartAsync(signalbox => signalbox.Add(flow), target, options);

    public static Action<SignalboxBuilder> Configured(Action<SignalboxBuilder> configure, FaultyTarget target) => signalbox =>
    {
        signalbox.Services.AddSingleton(target);
        signalbox.AddAction<Block, BlockHandler>("block");
        configure(signalbox);
    };

    public async Task<RunId> StartRunAsync(Note? note = null, string workflow = "flow", string? key = null, string by = "client:test") =>
        Run = (await Harness.Client(by).StartAsync(workflow, note ?? new Note(), key)).Run;

    /// <summary>Starts a run and drives it until nothing more happens by itself.</summary>
    public async Task<RunRow> RunAsync(Note? note = null)
    {
        await StartRunAsync(note);
        return await IdleAsync();
    }

    public async Task<RunRow> IdleAsync()
    {
        await Harness.RunUntilIdleAsync();
        return await RowAsync();
    }

    public Task<RunRow> RowAsync() => Harness.GetAsync(Run);

    public Task<Note> NoteAsync() => Harness.CaseAsync<Note>(Run);

    public Task<IReadOnlyList<Entry>> JournalAsync() => Harness.JournalAsync(Run);

    public async Task<IReadOnlyList<Entry>> EntriesAsync(string kind) => [.. (await JournalAsync()).Where(e => e.Kind == kind)];

    public async Task<Entry> EntryAsync(string kind) => Assert.Single(await EntriesAsync(kind));

    public async Task<T> BodyAsync<T>(string kind) => Body.Read<T>(await EntryAsync(kind));

    /// <summary>The kinds of the run's entries, in order.</summary>
    public async Task<string> KindsAsync() => string.Join(" ", (await JournalAsync()).Select(e => e.Kind));

    public Task<CommandResult> SignalAsync<T>(string signal, T value) => Harness.Client().SignalAsync(Run, signal, value).AsTask();

    public Task<CommandResult> AnswerAsync(string choice, string? step = null, string by = "person:anna") => Harness.Client(by).AnswerAsync(Run, choice, step).AsTask();

    public Task<CommandResult> CancelAsync() => Harness.Client("person:otto").CancelAsync(Run, "enough").AsTask();

    public Task<CommandResult> ReleaseAsync(ReleaseVerb verb) => Harness.Client("person:otto").ReleaseAsync(Run, verb).AsTask();

    public Task<CommandResult> RetryAsync() => Harness.Client("person:otto").RetryAsync(Run, "try again").AsTask();

    /// <summary>The budgets that the history checker is told.</summary>
    public IReadOnlyList<string>? Budgets { get; set; }

    public async Task CheckAsync() => await CheckAsync(Harness, Target, Budgets);

    public static async Task CheckAsync(WorkflowHarness harness, FaultyTarget? target = null, IReadOnlyList<string>? budgets = null)
    {
        var lines = await JournalExport.LinesAsync(harness.Store);
        foreach (var run in await harness.RunsAsync())
        {
            Queries.SpanTree.Check(await harness.JournalAsync(run.Row.Run));
        }

        var report = Check.Report(lines, new CheckOptions { TargetLog = target is null || target.TargetClass == TargetClass.T4 ? null : target.ToCheckerLog(), Budgets = budgets });
        Assert.True(report.Violations.Count == 0, $"The history checker found:\n{string.Join("\n", report.Violations)}");
        foreach (var row in (await harness.RunsAsync()).Select(r => r.Row))
        {
            var spent = row.Spent;
            Assert.Equal(new Usage(spent.Calls, spent.InputTokens, spent.OutputTokens, spent.Micros, spent.Microseconds, spent.Rejections), report.Used.GetValueOrDefault(row.Run.Value));
        }

        Assert.DoesNotContain(harness.Log, line => line.Contains("The engine failed", StringComparison.Ordinal));
    }

    public async ValueTask DisposeAsync()
    {
        if (!IsQuiet)
        {
            foreach (var run in await Harness.RunsAsync())
            {
                TestContext.Current.TestOutputHelper?.WriteLine(await Harness.TellAsync(run.Row.Run));
            }

            TestContext.Current.TestOutputHelper?.WriteLine(string.Join("\n", Harness.Log));
        }

        if (ChecksHistory)
        {
            await CheckAsync();
        }

        await Harness.DisposeAsync();
    }
}
