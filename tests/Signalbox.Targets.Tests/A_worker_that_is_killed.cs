using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Signalbox.HistoryChecker;
using Signalbox.Journal;
using Signalbox.Sqlite;
using Signalbox.Storage;
using Signalbox.Targets.Tests.Server;
using Signalbox.Targets.Tests.Victims;
using Signalbox.Tests;

namespace Signalbox.Targets.Tests;

/// <summary>
/// A worker as a real process that acts over HTTP on a real server, ended with SIGKILL and started again until its runs are settled. The server's own log says what was done: nothing is lost, nothing done twice,
/// also while the server refuses calls and loses answers.
/// <c>SIGNALBOX_KILLS</c> sets how many random kills there are (60, and some 40 at chosen writes), <c>SIGNALBOX_SEED</c> repeats their moments.
/// </summary>
public sealed class A_worker_that_is_killed(ServerProcess server, ITestOutputHelper output) : IClassFixture<ServerProcess>
{
    private const int RunsOfARandomVictim = 6;

    private static readonly HttpFault[] s_faults = [HttpFault.Refuse, HttpFault.CutBefore, HttpFault.CutAfter, HttpFault.FailAfter, HttpFault.Flood];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task At_any_write_loses_nothing_and_does_nothing_twice(bool after)
    {
        var write = 1;
        for (var dies = true; dies; write++)
        {
            using var folder = new TempFolder();
            dies = await DiesAtAsync(folder, PlanFlow.Plan, new Death(after, write));
            await CheckAsync(folder, runs: 1, $"{(after ? "after" : "before")} write {write}");
        }

        Assert.True(write > 15, $"The victim wrote only {write - 2} times.");
        output.WriteLine($"killed at each of {write - 2} writes");
    }

    [Fact]
    public async Task At_any_write_sends_no_second_mail_and_leaves_the_doubt_to_a_person()
    {
        var sent = new HashSet<int>();
        foreach (var after in new[] { false, true })
        {
            var write = 1;
            for (var dies = true; dies; write++)
            {
                using var folder = new TempFolder();
                dies = await DiesAtAsync(folder, MailFlow.MailOnly, new Death(after, write));
                await using var access = await SqliteRunAccess.OpenAsync(Victim.StorePath(folder.Path));
                var row = Assert.Single(await access.Reader.ListAsync(new RunQuery(), default)).Row;
                Assert.Equal((RunStatus.Held, TroubleCodes.ActionInDoubt), (row.Status, row.ReasonCode));
                var mails = server.Of("mails", Victim.Name(folder.Path, 0)).Count;
                Assert.InRange(mails, dies ? 0 : 1, 1);
                sent.Add(mails);
            }

            Assert.True(write > 5, $"The victim wrote only {write - 2} times.");
        }

        Assert.Equal([0, 1], sent.Order()); // the doubt is real: between intent and record there are both
    }

    [Fact]
    public async Task At_any_write_sends_no_second_mail_and_takes_the_answer_on_record_for_an_end_where_that_is_trusted()
    {
        var ends = new HashSet<(RunStatus Status, int Mails)>();
        foreach (var after in new[] { false, true })
        {
            var write = 1;
            for (var dies = true; dies; write++)
            {
                using var folder = new TempFolder();
                dies = await DiesAtAsync(folder, TrustedMailFlow.TrustedMail, new Death(after, write));
                await using var access = await SqliteRunAccess.OpenAsync(Victim.StorePath(folder.Path));
                var row = Assert.Single(await access.Reader.ListAsync(new RunQuery(), default)).Row;
                var kinds = (await access.Reader.ReadAsync(row.Run, 0, 1000, default)).Select(e => e.Kind).ToArray();
                var isAnswered = kinds.Contains(EntryKinds.ActionExecuted);
                Assert.Equal(isAnswered ? (RunStatus.Completed, null) : (RunStatus.Held, TroubleCodes.ActionInDoubt), (row.Status, row.ReasonCode));
                Assert.Equal(isAnswered, kinds.Contains(EntryKinds.ActionUnverified));
                var effects = server.Of("mails", Victim.Name(folder.Path, 0));
                Assert.InRange(effects.Count, isAnswered ? 1 : 0, 1);
                Assert.Empty(HistoryCheck.Run(await JournalExport.LinesAsync(access.Reader), new HistoryOptions { TargetLog = effects.Select(CheckerLine) }));
                ends.Add((row.Status, effects.Count));
            }

            Assert.True(write > 5, $"The victim wrote only {write - 2} times.");
        }

        Assert.Equal(new HashSet<(RunStatus, int)> { (RunStatus.Completed, 1), (RunStatus.Held, 0), (RunStatus.Held, 1) }, ends);
    }

    [Fact]
    public async Task At_random_loses_nothing_and_does_nothing_twice()
    {
        var wanted = Number("SIGNALBOX_KILLS") ?? 60;
        var seed = Number("SIGNALBOX_SEED") ?? Random.Shared.Next();
        output.WriteLine($"seed {seed}: repeat with SIGNALBOX_SEED={seed}");
        var random = new Random(seed);
        var span = await MeasureAsync();
        var (kills, rounds) = (0, 0);
        for (; kills < wanted; rounds++)
        {
            using var folder = new TempFolder();
            var begun = Stopwatch.GetTimestamp();
            var before = kills;
            while (true)
            {
                Assert.True(kills - before < 200, $"The runs of round {rounds} (seed {seed}) do not come to their end, however late the worker is killed.");
                await GoesWrongAsync(folder, random);

                // Later and later, so that each round comes to its end on a machine that has become slower.
                await using var victim = VictimProcess.Start(folder.Path, server.Url, PlanFlow.Plan, RunsOfARandomVictim);
                if (await victim.EndsWellWithinAsync(span * random.NextDouble() * (1 + ((kills - before) / 5.0))))
                {
                    break;
                }

                kills++;
            }

            if (kills == before && Stopwatch.GetElapsedTime(begun) is var undisturbed && undisturbed < span)
            {
                // The machine has become quieter: later moments would come after the end.
                span = undisturbed;
            }

            await CheckAsync(folder, RunsOfARandomVictim, $"round {rounds}, seed {seed}");
        }

        output.WriteLine($"killed {kills} times in {rounds} rounds of {RunsOfARandomVictim} runs; an undisturbed one takes {span.TotalSeconds:0.0} s");
    }

    /// <summary>Lets the server misbehave once, at some resource of the victim's, every other time.</summary>
    private async Task GoesWrongAsync(TempFolder folder, Random random)
    {
        if (random.Next(2) == 0)
        {
            var fault = s_faults[random.Next(s_faults.Length)];
            var name = Victim.Name(folder.Path, random.Next(RunsOfARandomVictim));
            var (kind, resource) = random.Next(3) switch { 0 => ("blocks", name + "-stays"), 1 => ("blocks", name + "-goes"), _ => ("rules", name) };
            await server.PlantAsync(fault, kind, resource);
        }
    }

    /// <summary>Lets a victim die at a write, and another bring its work to an end. False: it wrote less often.</summary>
    private async Task<bool> DiesAtAsync(TempFolder folder, string workflow, Death death)
    {
        await using (var victim = VictimProcess.Start(folder.Path, server.Url, workflow, 1, death))
        {
            if (await victim.EndsWellAsync())
            {
                return false;
            }
        }

        await using var heir = VictimProcess.Start(folder.Path, server.Url, workflow, 1);
        Assert.True(await heir.EndsWellAsync());
        return true;
    }

    private async Task<TimeSpan> MeasureAsync()
    {
        using var folder = new TempFolder();
        var begun = Stopwatch.GetTimestamp();
        await using var victim = VictimProcess.Start(folder.Path, server.Url, PlanFlow.Plan, RunsOfARandomVictim);
        Assert.True(await victim.EndsWellAsync());
        await CheckAsync(folder, RunsOfARandomVictim, "undisturbed");
        return Stopwatch.GetElapsedTime(begun);
    }

    private async Task CheckAsync(TempFolder folder, int runs, string when)
    {
        await using var access = await SqliteRunAccess.OpenAsync(Victim.StorePath(folder.Path));
        var heads = await access.Reader.ListAsync(new RunQuery { Limit = 1000 }, default);
        var names = Enumerable.Range(0, runs).Select(i => Victim.Name(folder.Path, i)).ToArray();
        Assert.Equal(names.Order(StringComparer.Ordinal), heads.Select(head => head.Row.Key!).Order(StringComparer.Ordinal));
        Assert.All(heads, head => Assert.True((head.Row.Status, head.Row.State) == (RunStatus.Completed, nameof(Stage.Done)), $"{when}: {head.Row.Key} is {head.Row.Status} in {head.Row.State}: {head.Row.Reason}"));

        // By the server's own log: each effect once, in order.
        var effects = server.Effects.Where(e => e.Resource.StartsWith(Victim.Prefix(folder.Path), StringComparison.Ordinal)).ToArray();
        var expected = names.SelectMany(name => new[] { $"blocks/{name}-stays execute", $"rules/{name} execute", $"blocks/{name}-goes execute undo" });
        var done = effects.Where(e => e.Applied).GroupBy(e => $"{e.Kind}/{e.Resource}").Select(resource => $"{resource.Key} {string.Join(' ', resource.Select(e => e.Op))}");
        Assert.Equal(expected.Order(StringComparer.Ordinal), done.Order(StringComparer.Ordinal));

        var violations = HistoryCheck.Run(
            await JournalExport.LinesAsync(access.Reader),
            new HistoryOptions { TargetLog = effects.Where(e => e.Op != "fence").Select(CheckerLine) });
        Assert.True(violations.Count == 0, $"{when}: {string.Join('\n', violations)}");
    }

    internal static string CheckerLine(Effect e) => JsonSerializer.Serialize(new { actionId = e.ActionId, op = e.Op, resource = e.Resource, applied = e.Applied });

    private static int? Number(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
