using System.Diagnostics;
using System.Globalization;
using Signalbox;
using Signalbox.HistoryChecker;
using Signalbox.Journal;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace SecurityAlerts.Tests;

/// <summary>
/// The sample as a real process, ended with SIGKILL at random moments and started again until all alerts are handled; again and again in fresh folders,
/// until it was killed so many times. <c>SIGNALBOX_KILLS</c> sets how many (30), <c>SIGNALBOX_SEED</c> repeats the moments of a run.
/// </summary>
public sealed class Killed_without_warning(ITestOutputHelper output)
{
    private static int Kills => Number("SIGNALBOX_KILLS") ?? 30;

    [Fact]
    public async Task Loses_nothing_and_does_nothing_twice()
    {
        var seed = Number("SIGNALBOX_SEED") ?? Random.Shared.Next();
        output.WriteLine($"seed {seed}: repeat with SIGNALBOX_SEED={seed}");
        var random = new Random(seed);
        var expected = await ExpectedAsync();
        var span = await MeasureAsync();
        var kills = 0;
        for (var round = 1; kills < Kills; round++)
        {
            using var world = new World();
            var begun = Stopwatch.GetTimestamp();
            var killsOfRound = await KillUntilDoneAsync(world, random, span);
            if (killsOfRound == 0 && Stopwatch.GetElapsedTime(begun) is var undisturbed && undisturbed < span)
            {
                // The machine has become quieter: later moments would come after the end.
                span = undisturbed;
            }

            kills += killsOfRound;
            var history = await CheckAsync(world, expected);
            output.WriteLine($"round {round}: killed {killsOfRound} times; {history}");
        }

        output.WriteLine($"killed {kills} times in all, an undisturbed run takes {span.TotalSeconds:0.0} s");
    }

    private static List<string> Arguments =>
        World.FindRealAlerts() is { } folder ? ["--data", folder, "--decisions", "decisions.jsonl"] : ["--decisions", "decisions.jsonl"];

    /// <summary>What a run without any crash decides.</summary>
    private static async Task<Dictionary<string, string>> ExpectedAsync()
    {
        var data = World.FindRealAlerts() is null ? await AlertData.ReadAsync(World.OwnAlerts) : await World.RealAlertsAsync();
        return (await Triage.AllAsync(data)).ToDictionary(alert => alert.CaseFile.Alert.Id, alert => alert.Verdict.Decision.InText());
    }

    private static async Task<TimeSpan> MeasureAsync()
    {
        using var world = new World();
        var begun = Stopwatch.GetTimestamp();
        Assert.Equal(0, (await SampleProcess.RunAsync(world, Arguments)).ExitCode);
        return Stopwatch.GetElapsedTime(begun);
    }

    /// <summary>Every third kill comes early: while .NET starts, the store is made or opened, and the first runs are begun or taken over.</summary>
    private static async Task<int> KillUntilDoneAsync(World world, Random random, TimeSpan span)
    {
        for (var kills = 0; ; kills++)
        {
            var moment = span * random.NextDouble() * (random.Next(3) == 0 ? 0.3 : 1);
            await using var process = SampleProcess.Start(world, Arguments);
            if (!await process.KillAfterAsync(moment))
            {
                var end = await process.EndAsync();
                Assert.True(end.ExitCode == 0, $"exit code {end.ExitCode} after {kills} kills\n{end.Output}\n{end.Errors}");
                return kills;
            }
        }
    }

    private static async Task<string> CheckAsync(World world, Dictionary<string, string> expected)
    {
        await using var access = await SqliteRunAccess.OpenAsync(world.Path_("signalbox.db"));
        var entries = await JournalExport.ReadAsync(access.Reader);
        var runs = await access.Reader.ListAsync(new RunQuery { Limit = 10_000 }, default);

        // One run for each alert, which ended or asks a person: none lost, none twice, none held for the deaths of others.
        Assert.Equal(expected.Keys.Order(StringComparer.Ordinal), runs.Select(head => head.Row.Key!).Order(StringComparer.Ordinal));
        Assert.All(runs, head => Assert.True(
            head.Row.Status == RunStatus.Completed || (head.Row.Status == RunStatus.Waiting && head.Waits.Any(wait => wait.Kind == WaitKind.Approval)),
            $"{head.Row.Key}: {head.Row.Status} {head.Row.ReasonCode} {head.Row.Reason}"));
        Assert.DoesNotContain(entries, entry => entry.Kind is EntryKinds.RunHeld or EntryKinds.RunFailed);

        // Each alert was decided once, as it would have been without a crash, and the file says so.
        var decisions = The_command.Decisions(world);
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

        // The lists hold what was decided, each entry on one line.
        var denied = The_command.Lines(world, "deny.list");
        Assert.Equal(denied.Distinct().Count(), denied.Count);
        var violations = HistoryCheck.Run(
            await JournalExport.LinesAsync(access.Reader),
            new HistoryOptions { TargetState = denied, Action = "block_address", Resource = "address" });
        Assert.Empty(violations);
        return $"{runs.Count} runs, {entries.Count} entries, {denied.Count} addresses denied, {entries.Count(entry => entry.Kind == EntryKinds.RunLeased)} leases";
    }

    private static void AssertOnce(IEnumerable<Entry> outcomes) => Assert.Empty(
        outcomes.GroupBy(entry => (entry.Run, entry.Visit, entry.Scope, entry.Step)).Where(step => step.Count() > 1).Select(step => $"{step.Key}: {step.Count()} times"));

    /// <summary>Before each model call its reservation is recorded: none follows its reply.</summary>
    internal static void AssertNotAskedAgain(IEnumerable<Entry> entries) => Assert.Empty(
        entries.Where(entry => entry.Kind is EntryKinds.BudgetReserved or EntryKinds.StepCompleted).GroupBy(entry => (entry.Run, entry.Visit, entry.Scope, entry.Step))
            .Where(step => step.SkipWhile(entry => entry.Kind == EntryKinds.BudgetReserved).Any(entry => entry.Kind == EntryKinds.BudgetReserved))
            .Select(step => $"{step.Key} was asked again after its reply was recorded"));

    private static int? Number(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
