using System.Diagnostics;
using System.Globalization;
using Signalbox;
using Signalbox.HistoryChecker;
using Signalbox.Journal;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace SecurityAlerts.Tests;

/// <summary>A folder and a target in which the sample is killed until it is done.</summary>
internal interface IKillRound : IAsyncDisposable
{
    World World { get; }

    /// <summary>What the sample is told beside the alerts.</summary>
    IReadOnlyList<string> Options { get; }

    IReadOnlyDictionary<string, string> Environment { get; }

    /// <summary>Completes when the target has changed: an effect that the sample cannot have recorded yet. Null where the target cannot tell.</summary>
    Task? ChangedAsync() => null;

    /// <summary>Checks the target, and gives what the history checker needs of it.</summary>
    Task<HistoryOptions> CheckTargetAsync();
}

/// <summary>
/// The sample as a real process, ended with SIGKILL at random moments and started again until all alerts are handled; again and again in fresh rounds,
/// until it was killed so many times. <c>SIGNALBOX_KILLS</c> sets how many (30), <c>SIGNALBOX_SEED</c> repeats the moments of a run.
/// </summary>
/// <param name="output">Where the figures go.</param>
/// <param name="alerts">The folder with the alerts; null for the sample's own.</param>
/// <param name="begin">Begins a round.</param>
internal sealed class KillLoop(ITestOutputHelper output, string? alerts, Func<Task<IKillRound>> begin)
{
    private static int Kills => Number("SIGNALBOX_KILLS") ?? 30;

    public async Task RunAsync()
    {
        var seed = Number("SIGNALBOX_SEED") ?? Random.Shared.Next();
        output.WriteLine($"seed {seed}: repeat with SIGNALBOX_SEED={seed}");
        var random = new Random(seed);
        var expected = await ExpectedAsync();
        var span = await MeasureAsync();
        var kills = 0;
        for (var number = 1; kills < Kills; number++)
        {
            await using var round = await begin();
            var begun = Stopwatch.GetTimestamp();
            var killsOfRound = await KillUntilDoneAsync(round, random, span, Kills - kills);
            if (killsOfRound == 0 && Stopwatch.GetElapsedTime(begun) is var undisturbed && undisturbed < span)
            {
                // The machine has become quieter: later moments would come after the end.
                span = undisturbed;
            }

            kills += killsOfRound;
            var history = await CheckAsync(round, expected);
            output.WriteLine($"round {number}: killed {killsOfRound} times; {history}");
        }

        output.WriteLine($"killed {kills} times in all, an undisturbed run takes {span.TotalSeconds:0.0} s");
    }

    /// <summary>Before each model call its reservation is recorded: none follows its reply.</summary>
    internal static void AssertNotAskedAgain(IEnumerable<Entry> entries) => Assert.Empty(
        entries.Where(entry => entry.Kind is EntryKinds.BudgetReserved or EntryKinds.StepCompleted).GroupBy(entry => (entry.Run, entry.Visit, entry.Scope, entry.Step))
            .Where(step => step.SkipWhile(entry => entry.Kind == EntryKinds.BudgetReserved).Any(entry => entry.Kind == EntryKinds.BudgetReserved))
            .Select(step => $"{step.Key} was asked again after its reply was recorded"));

    /// <summary>What a run without any crash decides.</summary>
    private async Task<Dictionary<string, string>> ExpectedAsync()
    {
        var data = await AlertData.ReadAsync(alerts ?? World.OwnAlerts);
        return (await Triage.AllAsync(data)).ToDictionary(alert => alert.CaseFile.Alert.Id, alert => alert.Verdict.Decision.InText());
    }

    private async Task<TimeSpan> MeasureAsync()
    {
        await using var round = await begin();
        var begun = Stopwatch.GetTimestamp();
        await using var process = Start(round);
        var end = await process.EndAsync();
        Assert.True(end.ExitCode == 0, $"exit code {end.ExitCode}\n{end.Output}\n{end.Errors}");
        return Stopwatch.GetElapsedTime(begun);
    }

    /// <summary>
    /// Every third kill comes early: while .NET starts, the store is made or opened, and the first runs are begun or taken over. Where the target tells, every second one
    /// comes between an effect and its record.
    /// </summary>
    private async Task<int> KillUntilDoneAsync(IKillRound round, Random random, TimeSpan span, int killsMax)
    {
        for (var kills = 0; ; kills++)
        {
            var moment = span * random.NextDouble() * (random.Next(3) == 0 ? 0.3 : 1);
            var isAtEffect = random.Next(2) == 0;
            await using var process = Start(round);
            var kill = isAtEffect && round.ChangedAsync() is { } changed ? changed : Task.Delay(moment);
            if (kills == killsMax || !await process.KillAfterAsync(kill))
            {
                var end = await process.EndAsync();
                Assert.True(end.ExitCode == 0, $"exit code {end.ExitCode} after {kills} kills\n{end.Output}\n{end.Errors}");
                return kills;
            }
        }
    }

    private SampleProcess Start(IKillRound round) =>
        SampleProcess.Start(round.World, round.Environment, [.. alerts is null ? [] : (string[])["--data", alerts], "--decisions", "decisions.jsonl", .. round.Options]);

    private async Task<string> CheckAsync(IKillRound round, Dictionary<string, string> expected)
    {
        await using var access = await SqliteRunAccess.OpenAsync(round.World.Path_("signalbox.db"));
        var entries = await JournalExport.ReadAsync(access.Reader);
        var all = await access.Reader.ListAsync(new RunQuery { Limit = 10_000 }, default);
        var runs = all.Where(head => head.Row.Workflow == AlertResponse.WorkflowName).ToList();

        // One run for each alert, which ended or asks a person: none lost, none twice, none held for the deaths of others.
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), runs.Select(head => head.Row.Key!).Order(StringComparer.Ordinal));
        Assert.All(all, head => Assert.True(
            head.Row.Status == RunStatus.Completed || (head.Row.Status == RunStatus.Waiting && head.Waits.Any(wait => wait.Kind == WaitKind.Approval)),
            $"{head.Row.Key}: {head.Row.Status} {head.Row.ReasonCode} {head.Row.Reason}"));
        if (alerts is null)
        {
            // Customer care came to the same too: one address stays blocked until a person says otherwise.
            Assert.Equal(
                ["care-1 Completed", "care-2 Waiting", "care-3 Completed"],
                all.Except(runs).Select(head => $"{head.Row.Key} {head.Row.Status}").Order(StringComparer.Ordinal));
        }

        Assert.DoesNotContain(entries, entry => entry.Kind is EntryKinds.RunHeld or EntryKinds.RunFailed);

        // Each alert was decided once, as it would have been without a crash, and the file says so.
        var decisions = The_command.Decisions(round.World);
        Assert.Equal(expected.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Key} {pair.Value}"),
            decisions.OrderBy(alert => alert.Id, StringComparer.Ordinal).Select(alert => $"{alert.Id} {alert.Decision}"));
        AssertOnce(entries.Where(entry => entry.Kind is EntryKinds.DecisionMade or EntryKinds.AgentBegan));
        Assert.All(entries.Where(entry => entry.State == nameof(AlertState.Decide)).GroupBy(entry => entry.Run), run => Assert.Single(run, entry => entry.Kind == EntryKinds.AgentBegan));

        // No model call that was recorded was made again.
        AssertNotAskedAgain(entries);

        // No step has two outcomes, no action two intents.
        AssertOnce(entries.Where(entry => entry.Kind is EntryKinds.StepCompleted or EntryKinds.StepFailed));
        AssertOnce(entries.Where(entry => entry.Kind is EntryKinds.ActionIntended));
        AssertOnce(entries.Where(entry => entry.Kind is EntryKinds.ActionVerified or EntryKinds.ActionNotApplied or EntryKinds.ActionDiverged or EntryKinds.ActionRefused));

        // The target holds what was decided.
        var target = await round.CheckTargetAsync() with { Action = "block_address", Resource = "address" };
        Assert.Empty(HistoryCheck.Run(await JournalExport.LinesAsync(access.Reader), target));
        return $"{all.Count} runs, {entries.Count} entries, {target.TargetState!.Count()} addresses denied, {entries.Count(entry => entry.Kind == EntryKinds.RunLeased)} leases, "
            + $"{entries.Count(FoundDone)} effects found done after a crash, {entries.Count(Replayed)} repeated calls refused";
    }

    private static bool FoundDone(Entry entry) => entry.Kind == EntryKinds.ActionVerified && Body.Read<ActionObserved>(entry).Reason == "found so when the target was asked";

    private static bool Replayed(Entry entry) => entry.Kind == EntryKinds.ActionExecuted && Body.Read<ActionExecuted>(entry).Receipt is { } receipt && receipt.ToString().Contains("done before", StringComparison.Ordinal);

    private static void AssertOnce(IEnumerable<Entry> outcomes) => Assert.Empty(
        outcomes.GroupBy(entry => (entry.Run, entry.Visit, entry.Scope, entry.Step)).Where(step => step.Count() > 1).Select(step => $"{step.Key}: {step.Count()} times"));

    private static int? Number(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
