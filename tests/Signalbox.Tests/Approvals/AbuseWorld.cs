using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Storage;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Approvals;

/// <summary>Pays somebody. How many people must approve it, and in which role, follows from the amount.</summary>
public sealed record Pay(string To, int Amount);

/// <summary>What has been paid, in order, and how long the store's log was then.</summary>
internal sealed class Till
{
    private readonly HashSet<Pay> _paid = [];

    public Func<long> Position { get; set; } = () => 0;

    public List<(long Position, string ActionId, RunId Run, Pay Pay)> Effects { get; } = [];

    public Queue<TargetFault> Faults { get; } = new();

    public int UnclearLooks { get; set; }

    public async Task<Observation> LookAsync(Pay pay)
    {
        await FaultyCall.SomeTimeAsync();
        if (UnclearLooks > 0)
        {
            UnclearLooks--;
            return Observation.Unclear("the till is shut");
        }

        return _paid.Contains(pay) ? Observation.So($"{pay} is paid") : Observation.NotSo($"{pay} is not paid");
    }

    public Task<string?> PayAsync(Pay pay, ActionContext context) => FaultyCall.RunAsync(Faults, () =>
    {
        Effects.Add((Position(), context.ActionId, context.Run, pay));
        _paid.Add(pay);
    });
}

internal sealed class PayHandler(Till till) : ActionHandler<Pay>
{
    public override TargetClass TargetClass => TargetClass.T3;

    public override ActionPolicy Policy => ActionPolicy.Default with { Attempts = 1, Looks = 2, HoldWithin = TimeSpan.FromMinutes(30) };

    public override Reversibility Reversibility => Reversibility.Irreversible;

    public static ApprovalRule Rule(int amount) => new()
    {
        Roles = amount % 4 == 3 ? ["chief"] : ["approver"],
        Quorum = 1 + (amount % 3),
        Within = TimeSpan.FromHours(1),
        ValidFor = TimeSpan.FromMinutes(10),
        MayEdit = amount % 5 != 4,
    };

    public override ApprovalRule? Approval(Pay action) => Rule(action.Amount);

    public override IReadOnlyList<Claim> Claims(Pay action) =>
        action.Amount < 0 ? throw new InvalidOperationException("nobody pays less than nothing") : [new Claim(Resource.Of("account", action.To), "pay")];

    public override Task<Observation> ProbeAsync(Pay action, ActionContext context, CancellationToken cancellationToken) => till.LookAsync(action);

    public override Task<string?> ExecuteAsync(Pay action, ActionContext context, CancellationToken cancellationToken) => till.PayAsync(action, context);
}

/// <summary>One seed's world of people who answer for payments, and what must hold in the end.</summary>
internal sealed class AbuseWorld
{
    private static readonly string[] s_actors = ["person:p0", "person:p1", "person:p2", "person:p3", "person:p4", "person:p5", "agent:payer", "client:test", "person:", "person:p0\nperson:p1", "workflow:flow"];

    private static readonly string[] s_edits =
    [
        """{"to":"bob","amount":4}""", """{"to":"bob","amount":7,"more":"than it knows"}""", """{"to":"eve","amount":-5}""", """{"to":1}""", """{"amount":"x"}""", """{"to":"bob","amount":1,"amount":2}""",
        """{"to":"\u202Ebob","amount":3}""", "[]", "null", """{"to":"\ud800","amount":1}""", "{\"to\":\"" + new string('a', 2_000) + "\",\"amount\":1}",
        string.Concat(Enumerable.Repeat("{\"to\":", 70)) + "1" + new string('}', 70), """{"to":"ann","amount":12}""",
    ];

    private readonly SeededEntropy _nemesis;
    private readonly Till _till = new();
    private readonly HashSet<string> _revoked = [];
    private readonly bool _hasRoleSource;
    private int _answers;

    public AbuseWorld(ulong seed)
    {
        Seed = seed;
        _nemesis = new SeededEntropy(seed ^ 0x4142);
        _hasRoleSource = Below(3) == 0;
    }

    public ulong Seed { get; }

    public Dictionary<string, int> Seen { get; } = [];

    public string Told { get; private set; } = "";

    public async Task PlayAsync()
    {
        var crashes = Enumerable.Range(0, Below(4)).Select(_ => new CrashPoint((CrashKind)Below(4), 1 + Below(150))).ToArray();
        await using var harness = await WorkflowHarness.StartAsync(Configure, new HarnessOptions { Seed = Seed, TimeMax = TimeSpan.FromDays(20) }, crashes);
        harness.Scheduler.StepsMax = 50_000;
        _till.Position = () => LogAsync(harness).AsTask().GetAwaiter().GetResult().Count;
        try
        {
            await DriveAsync(harness);
            await SettleAsync(harness);
            await CheckAsync(harness);
            Count("crash", harness.Crashes.Count);
        }
        catch
        {
            foreach (var run in await harness.RunsAsync())
            {
                Told += $"{run.Row.Run} is {run.Row.Status} {run.Row.ReasonCode} {run.Row.Reason}\n{string.Join('\n', (await harness.TellAsync(run.Row.Run)).Split('\n').Select(line => line.Length > 900 ? line[..900] : line))}\n";
            }

            Told += string.Join('\n', _till.Effects) + "\n" + string.Join('\n', harness.Log);
            throw;
        }
    }

    /// <summary>The roles by the world's own book.</summary>
    private static string[] RolesOf(string actor) => actor switch
    {
        "person:p0" or "person:p4" => ["approver"],
        "person:p1" => ["approver", "chief"],
        "person:p2" => ["chief", "approvers", "APPROVER"],
        "person:p5" => [Caller.AnyRole],
        "person:p3" => [],
        _ => ["approver", "chief"],
    };

    private void Configure(SignalboxBuilder signalbox)
    {
        signalbox.Services.AddSingleton(_till);
        signalbox.AddAction<Pay, PayHandler>("pay");
        if (_hasRoleSource)
        {
            signalbox.UseRoles(actor => _revoked.Contains(actor) ? [] : RolesOf(actor));
        }

        signalbox.Add(new Flow(PayAsync)).Add(new Flow(ThroughChildAsync) { Name = "parent" });
    }

    private static async Task<Next> PayAsync(Visit<Step, Note> visit)
    {
        var outcome = await visit.Act(new Pay(visit.Case.Text, visit.Case.Number));
        return outcome.IsVerified ? visit.GoTo(Step.Done) : throw new IOException($"not paid: {outcome.Status} {outcome.Reason}");
    }

    private static async Task<Next> ThroughChildAsync(Visit<Step, Note> visit)
    {
        var child = await visit.StartChild("flow", visit.Case);
        await visit.ChildEnd(child);
        return visit.GoTo(Step.Done);
    }

    private async Task DriveAsync(WorkflowHarness harness)
    {
        var started = 0;
        for (var move = 0; move < 60; move++)
        {
            var runs = await harness.RunsAsync();
            if (Below(4) > 0 && runs.Where(r => r.Waits.Any(w => w.Kind is WaitKind.Approval or WaitKind.Approved)).ToArray() is { Length: > 0 } asking)
            {
                runs = asking;
            }

            var run = runs.Count > 0 ? runs[Below(runs.Count)] : null;
            switch (Below(20))
            {
                case < 2 when started < 4:
                    started++;
                    await harness.Client(s_actors[Below(8)]).StartAsync(Below(3) == 0 ? "parent" : "flow", new Note($"acc-{Below(2)}", Below(13)), $"k-{started}");
                    break;
                case < 9 when run is not null:
                    for (var i = 1 + Below(3); i > 0; i--)
                    {
                        await AnswerAsync(harness, run.Row.Run);
                    }

                    break;
                case 9 when run?.Waits.FirstOrDefault(w => w.Kind is WaitKind.Approval or WaitKind.Approved)?.Due is { } due:
                    // To the very instant, or just before it.
                    var left = Microseconds.ToTime(due) - harness.Clock.GetUtcNow() - TimeSpan.FromMicroseconds(Below(2));
                    if (left > TimeSpan.Zero)
                    {
                        if (Below(2) == 0)
                        {
                            await harness.AdvanceAsync(left);
                        }
                        else
                        {
                            harness.Clock.Advance(left);
                        }
                    }

                    await AnswerAsync(harness, run.Row.Run);
                    break;
                case 10 when run is not null && Below(3) == 0:
                    await harness.Client("person:otto").CancelAsync(run.Row.Run, "enough");
                    break;
                case 11 when run is not null:
                    await harness.Client("person:otto").RetryAsync(run.Row.Run, "again");
                    break;
                case 12 when run is not null:
                    await harness.Client("person:otto").ReleaseAsync(run.Row.Run, ReleaseVerb.Retry);
                    break;
                case 13:
                    _till.Faults.Enqueue((TargetFault)Below(6));
                    break;
                case 14 when Below(2) == 0:
                    _till.UnclearLooks = Below(5);
                    break;
                case 15 when Below(2) == 0:
                    await harness.CrashAndRestartAsync();
                    break;
                case 16:
                    harness.IsDiskFull = Below(3) == 0;
                    break;
                case 17 when _hasRoleSource:
                    if (!_revoked.Remove("person:p0"))
                    {
                        _revoked.Add("person:p0");
                    }

                    break;
                case 18:
                    await harness.AdvanceAsync(TimeSpan.FromMilliseconds(Below(3) switch { 0 => 1, 1 => 500, _ => 400_000 }));
                    break;
                default:
                    await harness.SettleAsync(1 + Below(40));
                    break;
            }
        }
    }

    private async Task AnswerAsync(WorkflowHarness harness, RunId run)
    {
        var head = await harness.HeadAsync(run);
        var wait = head.Waits.FirstOrDefault(w => w.Kind == WaitKind.Approval);
        var choice = Below(10) switch { < 6 => OpenApproval.Approve, 6 => OpenApproval.Reject, 7 => "yes", _ => OpenApproval.Edit };
        var hash = Below(4) switch { 0 => Convert.ToHexStringLower(SHA256.HashData([(byte)Below(3)])), < 3 => wait?.Approval?.Terms.ArgumentsHash, _ => null };
        RawJson? edited = choice == OpenApproval.Edit && Below(8) > 0 ? new RawJson(System.Text.Encoding.UTF8.GetBytes(s_edits[Below(s_edits.Length)])) : null;
        await SayAsync(harness, s_actors[Below(s_actors.Length)], new AnswerApproval(run, choice, Below(3) == 0 ? wait?.Step : null, "because", hash, edited));
    }

    private AnswerApproval Willingly(RunId run, OpenWait wait, bool may) => Below(8) switch
    {
        < 2 when may && wait.Approval!.Terms.Choices.Contains(OpenApproval.Edit) => new(run, OpenApproval.Edit, wait.Step, Edited: new RawJson(System.Text.Encoding.UTF8.GetBytes(s_edits[Below(2)]))),
        < 7 when may => new(run, OpenApproval.Approve, wait.Step),
        _ => new(run, OpenApproval.Reject, wait.Step),
    };

    private async Task SayAsync(WorkflowHarness harness, string actor, AnswerApproval answer)
    {
        var result = await RunCommands.ExecuteAsync(harness.Store, answer, new Caller(actor, RolesOf(actor)), CancellationToken.None);
        _answers++;
        Count("answer " + result.Code);
    }

    /// <summary>The world heals; whoever may answers, or nobody does; and everything comes to rest.</summary>
    private async Task SettleAsync(WorkflowHarness harness)
    {
        harness.IsDiskFull = false;
        _till.Faults.Clear();
        _till.UnclearLooks = 0;
        _revoked.Clear();
        var isAnswered = Below(3) > 0;
        for (var round = 0; round < 60; round++)
        {
            await Claims.Answers.RunUntilSettledAsync(harness, isAnswered);
            var open = (await harness.RunsAsync()).Where(r => r.Row.IsOpen).ToList();
            if (open.Count == 0)
            {
                return;
            }

            foreach (var run in open)
            {
                if (run.Row.Status == RunStatus.Held)
                {
                    Assert.True(run.Row.ReasonCode is TroubleCodes.ActionInDoubt or TroubleCodes.Quarantined, $"run '{run.Row.Run}' is held: {run.Row.ReasonCode} {run.Row.Reason}");
                    await harness.Client("person:otto").ReleaseAsync(run.Row.Run, ReleaseVerb.Retry);
                    continue;
                }

                Assert.True(run.Row.Status == RunStatus.Waiting, $"run '{run.Row.Run}' is {run.Row.Status}");
                var wait = run.Waits.FirstOrDefault(w => w.Kind == WaitKind.Approval);
                Assert.True(wait is null ? run.Waits.Any(w => w.Kind is WaitKind.Signal) : isAnswered, $"run '{run.Row.Run}' waits for nobody");
                if (wait is not null)
                {
                    var heard = wait.Approval!.Voices.Select(v => v.Actor).Concat(wait.Approval.Terms.Barred ?? []);
                    var willing = s_actors.Take(6).Where(a => Caller.IsIn(RolesOf(a), wait.Approval.Terms.Roles)).Except(heard).ToArray();
                    await SayAsync(harness, willing.FirstOrDefault() ?? "person:otto", Willingly(run.Row.Run, wait, willing.Length > 0));
                    if (willing.Length == 0)
                    {
                        // Nobody is left who may: its time runs out.
                        await harness.AdvanceAsync(TimeSpan.FromHours(2));
                    }
                }
            }
        }

        Assert.Fail("It does not come to rest.");
    }

    private async Task CheckAsync(WorkflowHarness harness)
    {
        var log = await LogAsync(harness);
        var journals = log.GroupBy(e => e.Run).ToDictionary(g => g.Key, g => g.ToArray());
        foreach (var head in await harness.RunsAsync())
        {
            Assert.True(head.Row.Status is RunStatus.Completed or RunStatus.Canceled or RunStatus.Failed, $"run '{head.Row.Run}' is {head.Row.Status}: {head.Row.Reason}");
            Count($"ended {head.Row.Status}");
        }

        foreach (var entry in log)
        {
            Count(entry.Kind);
        }

        Assert.Equal(_answers, log.Count(e => e.Kind is EntryKinds.ApprovalAnswered or EntryKinds.ApprovalIgnored));
        var consumed = new HashSet<(RunId, long)>();
        var intents = log.Where(e => e.Kind == EntryKinds.ActionIntended).ToArray();
        foreach (var intent in intents)
        {
            CheckIntent(intent, Body.Read<ActionIntended>(intent), journals, consumed);
        }

        foreach (var (position, actionId, run, pay) in _till.Effects)
        {
            var intent = intents.LastOrDefault(e => e.Position <= position && Body.Read<ActionIntended>(e).ActionId == actionId);
            Assert.True(intent is not null && intent.Run == run, $"{pay} was paid for {actionId} of {run}, which was not intended by entry {position}");
            var intended = Body.Read<ActionIntended>(intent);
            Assert.True(intended.ArgumentsHash == HashOf(pay), $"{pay} was paid for {actionId}, of which other arguments were intended");
            Count("effect");
            Count(intent.Scope.Contains("edit-", StringComparison.Ordinal) ? "effect of an edit" : "effect as asked");
            Count(PayHandler.Rule(pay.Amount).Quorum > 1 ? "effect by more than one" : "effect by one");
            Count(journals[run].Any(e => e.Kind == EntryKinds.RunRetried && e.Seq < intent.Seq) ? "effect after a retry" : "effect at first");
        }

        Assert.Equal(_till.Effects.Count, _till.Effects.DistinctBy(e => (e.ActionId, e.Pay)).Count());
        Assert.DoesNotContain(await harness.Store.ClaimsAsync(new ClaimQuery { Limit = 10_000 }, CancellationToken.None), r => r.Phase != ClaimPhase.Standing);
        await Bench.CheckAsync(harness);
    }

    /// <summary>Says of an intent, from the journals and the world's own book of roles and rules, whether a whole approval of exactly that stands behind it.</summary>
    private void CheckIntent(Entry intent, ActionIntended intended, Dictionary<RunId, Entry[]> journals, HashSet<(RunId, long)> consumed)
    {
        var journal = journals[intent.Run];
        var what = $"{intended.Arguments} of {intent.Run} #{intent.Seq}";
        Assert.True(intended.Approval is { } given && journal[given].Kind == EntryKinds.ApprovalRequested, $"{what} has no approval");
        Assert.True(consumed.Add((intent.Run, intended.Approval.Value)), $"{what}: its approval was consumed before");
        var asked = journal[intended.Approval.Value];
        var request = Body.Read<ApprovalRequested>(asked);
        Assert.True(request.Action!.ActionId == intended.ActionId && request.Action.ArgumentsHash == intended.ArgumentsHash, $"{what}: its approval is for {request.Action}");
        var pay = JsonSerializer.Deserialize<Pay>(intended.Arguments.Utf8.Span, SignalboxJson.Options)!;
        var rule = PayHandler.Rule(pay.Amount);
        var between = journal.Where(e => e.Seq > asked.Seq && e.Seq < intent.Seq && e.Scope == asked.Scope && e.Step == asked.Step).ToArray();
        Assert.DoesNotContain(between, e => e.Kind is EntryKinds.ApprovalExpired or EntryKinds.ApprovalWithdrawn or EntryKinds.ActionRefused);
        var barred = new HashSet<string> { Starter(journals, intent.Run) };
        if (asked.Scope.LastIndexOf("edit-", StringComparison.Ordinal) is >= 0 and var at)
        {
            barred.Add(journal.Last(e => e.Seq < asked.Seq && e.Kind == EntryKinds.ApprovalAnswered && e.Scope == asked.Scope[..Math.Max(0, at - 1)]).Actor);
        }

        var answers = between.Where(e => e.Kind == EntryKinds.ApprovalAnswered).ToArray();
        foreach (var answer in answers)
        {
            Assert.True(Body.Read<ApprovalAnswered>(answer).Choice == OpenApproval.Approve, $"{what}: {answer.Actor} did not approve");
            Assert.True(s_actors.Take(6).Contains(answer.Actor), $"{what}: '{answer.Actor}' is no person");
            Assert.True(RolesOf(answer.Actor).Any(r => r == Caller.AnyRole || rule.Roles.Contains(r)), $"{what}: {answer.Actor} has not the role");
            Assert.False(barred.Contains(answer.Actor), $"{what}: {answer.Actor} has approved their own wish");
            Assert.True(answer.At < asked.At + (long)rule.Within.TotalMicroseconds, $"{what}: {answer.Actor} was late");
        }

        Assert.Equal(answers.Length, answers.DistinctBy(a => a.Actor).Count());
        Assert.True(answers.Length >= rule.Quorum, $"{what}: {answers.Length} of {rule.Quorum} have approved");
        Assert.True(intent.At < answers.Max(a => a.At) + (long)rule.ValidFor.TotalMicroseconds, $"{what}: its approval had lapsed");
    }

    private static string Starter(Dictionary<RunId, Entry[]> journals, RunId run) =>
        Body.Read<RunStarted>(journals[run][0]).Parent is { } parent ? Starter(journals, parent) : journals[run][0].Actor;

    private static string HashOf(Pay pay) => Convert.ToHexStringLower(SHA256.HashData(CanonicalJson.Of(JsonSerializer.SerializeToUtf8Bytes(pay, SignalboxJson.Options))));

    private static ValueTask<IReadOnlyList<Entry>> LogAsync(WorkflowHarness harness) => harness.Store.ReadLogAsync(0, int.MaxValue, CancellationToken.None);

    private int Below(int bound) => _nemesis.Below(bound);

    private void Count(string what, int times = 1) => Seen[what] = Seen.GetValueOrDefault(what) + times;
}
