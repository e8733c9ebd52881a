using System.Globalization;
using System.Text;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Testing;

/// <summary>
/// One world in which a workflow runs from start to end, made anew for each crash: its program, what happens to it from outside, and what it leaves behind.
/// </summary>
public sealed record CrashScenario
{
    /// <summary>Registers workflows, actions and services, the fakes of this world among them. Called once for each worker's process.</summary>
    public required Action<SignalboxBuilder> Configure { get; init; }

    /// <summary>
    /// Starts runs and does what comes from outside: signals, answers. It must come to the same with and without crashes: drive with
    /// <see cref="WorkflowHarness.RunUntilIdleAsync"/>, then look, then speak.
    /// </summary>
    public required Func<WorkflowHarness, Task> Drive { get; init; }

    /// <summary>A store of one's own for each replay, on the replay's clock; it is disposed. By default one in memory.</summary>
    public Func<ManualClock, IRunStore>? Store { get; init; }

    /// <summary>What the outside world shows in the end, in any order; for a target that takes an action twice, the calls it took.</summary>
    public Func<IEnumerable<string>> Effects { get; init; } = () => [];

    /// <summary>What must hold in the end of every replay; throws if it does not.</summary>
    public Func<WorkflowHarness, Task> Check { get; init; } = _ => Task.CompletedTask;
}

/// <summary>How much a crash test tries.</summary>
public sealed record CrashTestOptions
{
    /// <summary>Decides the order of everything, and where the random crashes come.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>How many replays have several crashes at random points, each under a seed of its own.</summary>
    public int RandomReplays { get; init; } = 25;

    /// <summary>How many crashes such a replay has at most. More than four in a row without a new step would rightly quarantine a run.</summary>
    public int CrashesMax { get; init; } = 4;

    /// <summary>How many points between two tasks are tried at most; beyond it, evenly spread ones. Appends and leases are always all tried.</summary>
    public int TasksMax { get; init; } = 500;
}

/// <summary>What a crash test has tried.</summary>
public sealed record CrashTestReport(int Replays, int Crashes, int Appends, int Leases, int Tasks);

/// <summary>With a crash, a workflow ended otherwise than without. The message has the point, the seed, the difference and the journals.</summary>
public sealed class CrashTestException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// Crashes a workflow's worker at every append (before it is written; after it is written, before its answer arrives), at every lease and between all tasks of its process, hence in every
/// await of a handler; recovers with a fresh worker; and compares what comes out (each run's status, state and case; what the outside world shows) with the replay that did not crash.
/// Then the same with several crashes at random points.
/// </summary>
public static class CrashTest
{
    /// <summary>Runs the whole test. <paramref name="scenario"/> makes a fresh world for each replay.</summary>
    /// <exception cref="CrashTestException">A replay ended otherwise, or its check failed.</exception>
    public static async Task<CrashTestReport> RunAsync(Func<CrashScenario> scenario, CrashTestOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        options ??= new CrashTestOptions();
        var (expected, counts, _) = await ReplayAsync(scenario(), options.Seed, [], null);
        var appends = counts(CrashKind.BeforeAppend);
        var leases = counts(CrashKind.AfterLease);
        var tasks = counts(CrashKind.BetweenTasks);
        var (replays, crashes) = (1, 0);

        foreach (var point in Points(appends, leases, tasks, options.TasksMax))
        {
            var (_, _, hit) = await ReplayAsync(scenario(), options.Seed, [point], expected);
            replays++;
            crashes += hit;
        }

        for (var i = 0; i < options.RandomReplays; i++)
        {
            var seed = options.Seed + 1 + (ulong)i;
            var random = new SeededEntropy(seed);
            var points = Enumerable.Range(0, 1 + random.Below(options.CrashesMax)).Select(_ => random.Below(3) switch
            {
                0 => new CrashPoint(CrashKind.BeforeAppend, 1 + random.Below(2 * appends)),
                1 => new CrashPoint(CrashKind.AfterAppend, 1 + random.Below(2 * appends)),
                _ => new CrashPoint(CrashKind.BetweenTasks, 1 + random.Below(2 * tasks)),
            }).ToArray();
            var (_, _, hit) = await ReplayAsync(scenario(), seed, points, expected);
            replays++;
            crashes += hit;
        }

        return new CrashTestReport(replays, crashes, appends, leases, tasks);
    }

    /// <summary>One replay, to look into what a report named.</summary>
    /// <exception cref="CrashTestException">It ended otherwise than without a crash, or its check failed.</exception>
    public static async Task ReplayAsync(Func<CrashScenario> scenario, ulong seed, params CrashPoint[] points)
    {
        ArgumentNullException.ThrowIfNull(scenario);
        var (expected, _, _) = await ReplayAsync(scenario(), seed, [], null);
        await ReplayAsync(scenario(), seed, points, expected);
    }

    private static IEnumerable<CrashPoint> Points(int appends, int leases, int tasks, int tasksMax)
    {
        for (var n = 1; n <= appends; n++)
        {
            yield return new CrashPoint(CrashKind.BeforeAppend, n);
            yield return new CrashPoint(CrashKind.AfterAppend, n);
        }

        for (var n = 1; n <= leases; n++)
        {
            yield return new CrashPoint(CrashKind.AfterLease, n);
        }

        for (double n = 1; n <= tasks; n += Math.Max(1, tasks / (double)tasksMax))
        {
            yield return new CrashPoint(CrashKind.BetweenTasks, (int)n);
        }
    }

    private static async Task<(string EndState, Func<CrashKind, int> Counts, int Crashes)> ReplayAsync(CrashScenario scenario, ulong seed, CrashPoint[] points, string? expected)
    {
        var clock = new ManualClock();
        await using var store = scenario.Store?.Invoke(clock);
        await using var harness = await WorkflowHarness.StartAsync(scenario.Configure, new HarnessOptions { Seed = seed, Clock = clock, Store = store }, points);
        var what = points.Length == 0 ? $"Without a crash (seed {seed})" : $"With a crash {string.Join(" and ", points)} (seed {seed})";
        try
        {
            await scenario.Drive(harness);
            await scenario.Check(harness);
        }
        catch (Exception e)
        {
            throw new CrashTestException($"{what}: {e.Message}\n\n{await TellAsync(harness)}", e);
        }

        var end = await EndStateAsync(harness, scenario);
        return expected is null || end == expected
            ? (end, harness.Plan.Count, harness.Crashes.Count)
            : throw new CrashTestException($"{what} it ended otherwise than without.\n\nExpected:\n{expected}\nGot:\n{end}\n{await TellAsync(harness)}");
    }

    private static async Task<string> EndStateAsync(WorkflowHarness harness, CrashScenario scenario)
    {
        var text = new StringBuilder();
        foreach (var head in (await harness.RunsAsync()).OrderBy(h => h.Row.Run.Value, StringComparer.Ordinal))
        {
            var row = head.Row;
            var entered = (await harness.Store.ReadAsync(row.Run, row.VisitSeq, 1, CancellationToken.None))[0];
            var value = Body.Read<StateEntered>(entered).Case;
            var @case = value.Reference is { } hash ? await harness.Store.FindPayloadAsync(hash, CancellationToken.None) ?? default : value.Utf8;
            text.Append(CultureInfo.InvariantCulture, $"run {row.Run} of {row.Workflow} v{row.Version} is {row.Status} in {row.State}#{row.Visit} {row.ReasonCode} case {Encoding.UTF8.GetString(@case.Span)}\n");
        }

        foreach (var effect in scenario.Effects().Order(StringComparer.Ordinal))
        {
            text.Append("effect ").Append(effect).Append('\n');
        }

        return text.ToString();
    }

    private static async Task<string> TellAsync(WorkflowHarness harness)
    {
        var text = new StringBuilder();
        foreach (var head in await harness.RunsAsync())
        {
            text.Append("Journal of run ").Append(head.Row.Run.Value).Append(":\n").Append(await harness.TellAsync(head.Row.Run));
        }

        return text.Append("Log:\n").AppendJoin('\n', harness.Log).ToString();
    }
}
