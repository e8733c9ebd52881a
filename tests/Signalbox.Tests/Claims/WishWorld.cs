using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Storage;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Claims;

/// <summary>One seed's world of agents that want what others do not, its nemesis, and what must hold in the end.</summary>
internal sealed class WishWorld
{
    private static readonly string[] s_places = ["10.0.0.5", "10.0.0.6", "::ffff:10.0.0.5", "10.0.0.0/24", "10.0.0.4/31", "web", "web/root", "web/anna", "db/root"];
    private static readonly string[] s_kinds = ["wish", "wish", "meek", "ranked", "high", "brief", "grave"];

    private readonly SeededEntropy _nemesis;
    private readonly Wall _wall = new();
    private readonly HashSet<string> _failed = [];
    private readonly int _places;
    private readonly bool _undoesOnCancel;

    public WishWorld(ulong seed)
    {
        Seed = seed;
        _nemesis = new SeededEntropy(seed ^ 0x5749);
        _places = 2 + Below(s_places.Length - 1);
        _undoesOnCancel = Below(2) == 0;
        _wall.Policy = new ActionPolicy
        {
            HoldWithin = Below(4) == 0 ? TimeSpan.FromSeconds(5) : TimeSpan.FromHours(1),
            Attempts = 1 + Below(3),
            Looks = 1 + Below(4),
        };
    }

    public ulong Seed { get; }

    public Dictionary<string, int> Seen { get; } = [];

    /// <summary>The longest time that an action of this world waited for its turn.</summary>
    public TimeSpan LongestWait { get; private set; }

    public string Told { get; private set; } = "";

    public async Task PlayAsync()
    {
        var crashes = Enumerable.Range(0, Below(4)).Select(_ => new CrashPoint((CrashKind)Below(4), 1 + Below(200))).ToArray();
        var options = new HarnessOptions { Seed = Seed, TimeMax = TimeSpan.FromDays(20) };
        await using var harness = await WorkflowHarness.StartAsync(Configure, options, crashes);
        harness.Scheduler.StepsMax = 50_000;
        _wall.Position = () => LogAsync(harness).AsTask().GetAwaiter().GetResult().Count;
        try
        {
            var runs = await DriveAsync(harness);
            await SettleAsync(harness);
            await CheckAsync(harness, runs);
            Count("crash", harness.Crashes.Count);
        }
        catch
        {
            foreach (var run in await harness.RunsAsync())
            {
                Told += $"{run.Row.Run} is {run.Row.Status} {run.Row.ReasonCode} {run.Row.Reason}\n{Cut(await harness.TellAsync(run.Row.Run))}\n";
            }

            Told += string.Join('\n', _wall.Strokes) + "\n" + string.Join('\n', harness.Log) + "\n";
            Told += string.Join('\n', await harness.Store.ClaimsAsync(new ClaimQuery { Limit = 1000 }, CancellationToken.None));
            throw;
        }

        static string Cut(string told) => string.Join('\n', told.Split('\n').Select(line => line.Length > 700 ? line[..700] : line));
    }

    private void Configure(SignalboxBuilder signalbox)
    {
        signalbox.Services.AddSingleton(_wall);
        signalbox.AddWishes().Add(new Flow(ActAsync, Three: UndoAllAsync) { OnCancel = _undoesOnCancel ? Step.Three : null });
    }

    /// <summary>Does what the case's lines say, one after the other or, with a name before it, in branches.</summary>
    private async Task<Next> ActAsync(Visit<Step, Note> visit)
    {
        foreach (var line in visit.Case.Lines!)
        {
            if (line.StartsWith("both ", StringComparison.Ordinal))
            {
                await Task.WhenAll(line[5..].Split('|').Select((l, i) => visit.Branch($"b{i}", async scope =>
                {
                    await DoAsync(scope, l);
                    return 0;
                })));
            }
            else
            {
                await DoAsync(visit, line);
            }
        }

        if (visit.Case.Number == 1 && _failed.Add(visit.Run.Value))
        {
            throw new IOException("the agent has lost its way");
        }

        return visit.GoTo(Step.Done);
    }

    private static async Task<Next> UndoAllAsync(Visit<Step, Note> visit)
    {
        foreach (var line in visit.Case.Lines!.SelectMany(l => l.StartsWith("both ", StringComparison.Ordinal) ? l[5..].Split('|') : [l]).Where(l => l.StartsWith("act ", StringComparison.Ordinal)).Reverse())
        {
            await DoAsync(visit, "undo " + line[4..]);
        }

        return visit.GoTo(Step.Done);
    }

    private static async Task DoAsync(VisitScope scope, string line)
    {
        var words = line.Split(' ');
        if (words[0] == "delay")
        {
            await scope.Delay(TimeSpan.FromMinutes(int.Parse(words[1], CultureInfo.InvariantCulture)));
            return;
        }

        var (undo, want, places) = (words[0] == "undo", words[2], words[3].Split(','));
        _ = words[1] switch
        {
            "wish" => await ActAsync(new Urge(want, places)),
            "meek" => await ActAsync(new MeekUrge(want, places)),
            "ranked" => await ActAsync(new RankedUrge(want, places)),
            "high" => await ActAsync(new HighUrge(want, places)),
            "brief" => await ActAsync(new BriefUrge(want, places)),
            _ => await ActAsync(new GraveUrge(want, places)),
        };

        Task<ActionOutcome> ActAsync<T>(T wish)
            where T : Urge => undo ? scope.Undo(wish) : scope.Act(wish);
    }

    private Note Script()
    {
        var acts = new List<string>();
        for (var i = 1 + Below(3); i > 0; i--)
        {
            var count = Below(3) == 0 ? 1 + Below(Math.Min(3, _places)) : 1;
            var places = Enumerable.Range(0, count).Select(_ => s_places[Below(_places)]).DistinctBy(Places.Plain);
            acts.Add($"{s_kinds[Below(s_kinds.Length)]} {(Below(5) == 0 ? "watch" : Below(2) == 0 ? "block" : "allow")} {string.Join(',', places)}");
        }

        var lines = new List<string>();
        if (Below(5) == 0 && acts.Distinct().Count() == acts.Count)
        {
            lines.Add("both " + string.Join('|', acts.Select(a => "act " + a)));
        }
        else
        {
            lines.AddRange(acts.Select(a => "act " + a));
        }

        if (Below(3) == 0)
        {
            lines.Add($"delay {1 + Below(40)}");
        }

        if (Below(3) == 0)
        {
            lines.Add("undo " + acts[Below(acts.Count)]);
        }

        return new Note("", Below(8) == 0 ? 1 : 0, lines);
    }

    private async Task<List<RunId>> DriveAsync(WorkflowHarness harness)
    {
        var runs = new List<RunId>();
        var wanted = 2 + Below(7);
        for (var move = 0; runs.Count < wanted || move < 40; move++)
        {
            switch (Below(16))
            {
                case < 4 when runs.Count < wanted:
                    runs.Add(await harness.StartRunAsync("flow", Script(), $"k-{runs.Count}"));
                    break;
                case 4:
                    harness.IsDiskFull = Below(3) == 0;
                    break;
                case 5 when Below(2) == 0:
                    _wall.Faults.Enqueue((TargetFault)Below(6));
                    break;
                case 6 when Below(2) == 0:
                    _wall.UnclearLooks = Below(6);
                    break;
                case 7 when Below(3) == 0:
                    await harness.CrashAndRestartAsync();
                    break;
                case 8 when Below(4) == 0:
                    await harness.StartWorkerAsync();
                    break;
                case 9 when Below(4) == 0 && runs.Count > 0:
                    await harness.Client("person:otto").CancelAsync(runs[Below(runs.Count)], "enough");
                    break;
                case 10 when runs.Count > 0:
                    await AnswerAsync(harness, runs[Below(runs.Count)]);
                    break;
                case 11 when runs.Count > 0 && Below(2) == 0:
                    await harness.Client("person:otto").ReleaseAsync(runs[Below(runs.Count)], (ReleaseVerb)(1 + Below(3)));
                    break;
                case < 14:
                    await harness.SettleAsync(1 + Below(50));
                    break;
                default:
                    await harness.AdvanceAsync(TimeSpan.FromMilliseconds(Below(4) switch { 0 => 1, 1 => 700, 2 => 20_000, _ => 600_000 }));
                    break;
            }
        }

        return runs;
    }

    private async Task AnswerAsync(WorkflowHarness harness, RunId run)
    {
        foreach (var wait in (await harness.HeadAsync(run)).Waits.Where(w => w.Kind == WaitKind.Approval))
        {
            Count("answer " + await Answers.GiveAsync(harness.Store, run, wait, "person:vera", ["approver"], Below(3) > 0 ? OpenApproval.Approve : OpenApproval.Reject));
        }
    }

    /// <summary>The world heals, people answer or never do, and everything comes to rest.</summary>
    private async Task SettleAsync(WorkflowHarness harness)
    {
        harness.IsDiskFull = false;
        _wall.Faults.Clear();
        _wall.UnclearLooks = 0;
        var answers = Below(3) > 0;
        for (var round = 0; round < 100; round++)
        {
            await harness.RunUntilSettledAsync(answers);
            var open = (await harness.RunsAsync()).Where(r => r.Row.IsOpen || r.Row is { Status: RunStatus.Failed, ReasonCode: TroubleCodes.HandlerFailed }).ToList();
            if (open.Count == 0)
            {
                return;
            }

            foreach (var run in open)
            {
                switch (run.Row.Status)
                {
                    case RunStatus.Failed:
                        Assert.Contains("lost its way", run.Row.Reason, StringComparison.Ordinal);
                        await harness.Client("person:otto").RetryAsync(run.Row.Run, "again");
                        Count("retried");
                        break;
                    case RunStatus.Held:
                        Assert.True(run.Row.ReasonCode is TroubleCodes.ActionInDoubt or TroubleCodes.Quarantined, $"run '{run.Row.Run}' is held: {run.Row.ReasonCode} {run.Row.Reason}");
                        await harness.Client("person:otto").ReleaseAsync(run.Row.Run, round > 50 ? ReleaseVerb.Accept : ReleaseVerb.Retry);
                        Count("held " + run.Row.ReasonCode);
                        break;
                    default:
                        Assert.True(answers && run.Waits.Any(w => w.Kind == WaitKind.Approval), $"run '{run.Row.Run}' is {run.Row.Status} and waits for nobody");
                        await AnswerAsync(harness, run.Row.Run);
                        break;
                }
            }
        }

        Assert.Fail("It does not come to rest.");
    }

    private async Task CheckAsync(WorkflowHarness harness, List<RunId> runs)
    {
        var heads = await harness.RunsAsync();
        foreach (var head in heads)
        {
            Assert.True(head.Row.Status is RunStatus.Completed or RunStatus.Canceled, $"run '{head.Row.Run}' is {head.Row.Status}: {head.Row.Reason}");
            Count($"ended {head.Row.Status}");
        }

        Assert.Equal(runs.Count, heads.Count);
        var log = await LogAsync(harness);
        var oracle = new WishOracle(log, _wall);
        oracle.Check();
        foreach (var (what, times) in oracle.Seen)
        {
            Count(what, times);
        }

        foreach (var entry in log)
        {
            Count(entry.Kind);
        }

        await CheckTableAsync(harness, log, oracle);
        CheckWall(log[^1].At, oracle);
        CheckWaits(log);
        Assert.DoesNotContain(harness.Log, line => line.Contains("The engine failed", StringComparison.Ordinal));
    }

    /// <summary>The table is what the log makes it, and has nothing of runs that have ended but what stands.</summary>
    private static async Task CheckTableAsync(WorkflowHarness harness, IReadOnlyList<Entry> log, WishOracle oracle)
    {
        var folded = new MemoryClaimTable();
        foreach (var entry in log)
        {
            if (CommitRules.Apply([entry], folded))
            {
                // What was told its turn is told in the log's next entries.
                ClaimRules.Turns(folded, entry.At);
            }
        }

        var at = Microseconds.From(harness.Clock.GetUtcNow());
        var rows = await harness.Store.ClaimsAsync(new ClaimQuery { Limit = 10_000 }, CancellationToken.None);
        Assert.Equal(Tell(folded.All.Where(r => r.IsLive(at))), Tell(rows));
        Assert.True(rows.All(r => r.Phase == ClaimPhase.Standing), $"left of runs that have ended: {Tell(rows.Where(r => r.Phase != ClaimPhase.Standing))}");
        Assert.Equal(
            string.Join('\n', oracle.Stands.Where(s => s.IsLive(at)).Select(s => $"{s.ActionId} {s.Claim.Intent} {s.Claim.Resource.Path}").Order(StringComparer.Ordinal)),
            string.Join('\n', rows.Select(r => $"{r.ActionId} {r.Claim.Intent} {r.Claim.Resource.Path}").Order(StringComparer.Ordinal)));

        static string Tell(IEnumerable<ClaimRow> rows) => string.Join('\n', rows.Select(r => $"{r.ActionId} {r.Phase} {r.Claim.Intent} {r.Claim.Resource.Path} {r.Run} {r.Position} {r.Made} {r.Undo} {r.Until}").Order(StringComparer.Ordinal));
    }

    /// <summary>What stands is so.</summary>
    private void CheckWall(long at, WishOracle oracle)
    {
        foreach (var stands in oracle.Stands.Where(s => s.IsLive(at) && !oracle.IsBlurred(s.Run)))
        {
            Assert.True(_wall.Stands(stands.Claim.Intent, stands.Claim.Resource.Name), $"'{stands.Claim.Intent}' on {stands.Claim.Resource} of {stands.ActionId} stands, and the wall does not have it");
        }
    }

    /// <summary>Nobody waits for longer than they said they would, and of two who wait for the same the first comes first.</summary>
    private void CheckWaits(IReadOnlyList<Entry> log)
    {
        var queued = new Dictionary<string, (ClaimQueued Body, Entry Entry)>();
        foreach (var entry in log)
        {
            var ends = entry.Kind switch
            {
                EntryKinds.ActionIntended => Body.Read<ActionIntended>(entry).ActionId,
                EntryKinds.ActionVerified or EntryKinds.ActionRefused or EntryKinds.ActionNotApplied => Body.Read<ActionObserved>(entry).ActionId,
                EntryKinds.ClaimWithdrawn => ActionRunner.ActionId(entry.Run, entry.Visit, new ScopedStep(entry.Scope, entry.Step)),
                _ => null,
            };
            if (entry.Kind == EntryKinds.ActionIntended)
            {
                var intended = Body.Read<ActionIntended>(entry);
                var own = queued.TryGetValue(intended.ActionId, out var q) ? q.Entry.Position : long.MaxValue;
                foreach (var (id, other) in queued.Where(o => o.Key != intended.ActionId && o.Value.Entry.Position < own && o.Value.Body.Due > entry.At))
                {
                    Assert.False(
                        other.Body.Claims.Any(c => intended.Claims!.Any(i => i.Resource.Overlaps(c.Resource))),
                        $"entry {entry.Position}: {intended.ActionId} took a hold before {id}, which waits since entry {other.Entry.Position}");
                }
            }

            if (entry.Kind == EntryKinds.ClaimQueued)
            {
                var body = Body.Read<ClaimQueued>(entry);
                queued[body.ActionId] = (body, entry);
            }
            else if (ends is not null && queued.Remove(ends, out var waited))
            {
                var wait = TimeSpan.FromMicroseconds(entry.At - waited.Entry.At);
                LongestWait = wait > LongestWait ? wait : LongestWait;
            }
            else if (entry.Kind == EntryKinds.RunHeld)
            {
                foreach (var gone in queued.Where(o => o.Value.Entry.Run == entry.Run).Select(o => o.Key).ToArray())
                {
                    queued.Remove(gone);
                }
            }
        }

        Assert.Empty(queued);
    }

    private static ValueTask<IReadOnlyList<Entry>> LogAsync(WorkflowHarness harness) => harness.Store.ReadLogAsync(0, int.MaxValue, CancellationToken.None);

    private int Below(int bound) => _nemesis.Below(bound);

    private void Count(string what, int times = 1) => Seen[what] = Seen.GetValueOrDefault(what) + times;
}
