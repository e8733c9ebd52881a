using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.Tests.PlantedBugs;

public enum Bug
{
    None,
    StepRecordedTwice,
    EpochUnchecked,
    ExpectedSeqUnchecked,
    SeqGap,
    HashWrong,
    SignalConsumedTwice,
    LostTransition,
    LostStep,
    DoubleStartForOneKey,
    HalfACommit,
    WakeUpLost,
    PayloadLost,
    OtherRunsCommitLost,
    LeaseGivenTwice,
    ReservationLeftOut,
    ReservationOfOtherSize,
    PinsAToolTooMany,
    CutReplyTaken,
    UnsureDecisionStands,
    ModelAskedAgain,
    TurnForgotten,
    EscalationLeftOut,
    ApprovalConsumedTwice,
    SelfApproval,
    ApprovalCheckedOnlyAtDecision,
    ExpiryOnlyBySweeper,
    HashOmitsAnArgument,
    ClaimFreedBeforeVerify,
    ClaimsInArrivalOrder,
    ClaimsUnchecked,
    QueueJumped,
    RulingInOneRunAlone,
    LimitUncounted,
    UnknownTakenForFailed,
    OneLookTakenForVerified,
    LooksThatNeverWere,
}

/// <summary>A store in memory as it should be, but for one bug. It shows that the checker and the crash test would find that bug in an engine or in a store.</summary>
internal sealed class PlantedStore(ManualClock clock, Bug bug) : IRunStore
{
    private readonly SeededEntropy _entropy = new(7);
    private readonly List<Entry> _log = [];
    private readonly Dictionary<RunId, RunHead> _heads = [];
    private readonly Dictionary<(string, string), RunId> _keys = [];
    private readonly Dictionary<PayloadHash, ReadOnlyMemory<byte>> _payloads = [];
    private readonly Dictionary<string, DateTimeOffset> _workers = [];
    private readonly List<Action<RunChange>> _subscribers = [];
    private readonly Dictionary<RunId, long> _approvals = [];
    private int _struck;
    private bool _turns;

    private MemoryClaimTable Claims { get; } = new();

    public ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        var changes = new List<RunChange>();
        var result = Append(commit, changes);
        foreach (var other in result.IsCommitted && bug is not (Bug.OtherRunsCommitLost or Bug.RulingInOneRunAlone) ? commit.Also : [])
        {
            Append(other, changes);
        }

        foreach (var turn in _turns ? ClaimRules.Turns(Claims, Now()) : [])
        {
            Append(turn, changes);
        }

        _turns = false;
        Tell(changes);
        return ValueTask.FromResult(result);
    }

    public ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellationToken)
    {
        var now = Now();
        var changes = new List<RunChange>();
        var given = new List<RunHead>();
        foreach (var head in _heads.Values.Where(h => request.Workflows.Contains(new WorkflowVersion(h.Row.Workflow, h.Row.Version))).ToList())
        {
            var dead = head.Row.Status == RunStatus.Running && !(_workers.TryGetValue(head.Row.Worker!, out var until) && until > clock.GetUtcNow());
            if (dead || head.ReadyAt <= now)
            {
                var draft = dead ? LeaseRules.TakeOver(head, [], request.Worker, idle: true)! : LeaseRules.Take(head, request.Worker);
                var result = Append(new Commit { Run = head.Row.Run, Entries = [draft] }, changes);
                given.Add(result.Head!);
            }
            else if (bug == Bug.LeaseGivenTwice && head.Row.Status == RunStatus.Running && head.Row.Worker != request.Worker && Strikes(1))
            {
                given.Add(head); // to a second worker, under the first one's epoch
            }
        }

        var next = _heads.Values.Select(h => h.ReadyAt).Where(d => d > now).Min();
        Tell(changes);
        return ValueTask.FromResult(new LeaseResult(given, next is { } due ? Microseconds.ToTime(due) : null, false));
    }

    public ValueTask<bool> HeartbeatAsync(string worker, TimeSpan lease, CancellationToken cancellationToken)
    {
        _workers[worker] = clock.GetUtcNow() + lease;
        return ValueTask.FromResult(true);
    }

    public ValueTask RetireAsync(string worker, CancellationToken cancellationToken)
    {
        _workers.Remove(worker);
        return ValueTask.CompletedTask;
    }

    public IDisposable Subscribe(Action<RunChange> onChange)
    {
        _subscribers.Add(onChange);
        return new MemoryStream(); // nobody unsubscribes here
    }

    public ValueTask<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) => ValueTask.FromResult(_heads.GetValueOrDefault(run));

    public ValueTask<RunHead?> FindByKeyAsync(string workflow, string key, CancellationToken cancellationToken) =>
        ValueTask.FromResult(_keys.TryGetValue((workflow, key), out var run) ? _heads[run] : null);

    public ValueTask<IReadOnlyList<RunHead>> ListAsync(RunQuery query, CancellationToken cancellationToken) => ValueTask.FromResult<IReadOnlyList<RunHead>>(
        [.. _heads.Values.Reverse().Where(h => query.FingerprintIsNot is null && (query.Statuses.Count == 0 || query.Statuses.Contains(h.Row.Status)))]);

    public ValueTask<IReadOnlyList<Entry>> ReadAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IReadOnlyList<Entry>>([.. _log.Where(e => e.Run == run && e.Seq >= fromSeq).Take(max)]);

    public ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IReadOnlyList<Entry>>([.. _log.Where(e => e.Position > position).Take(max)]);

    public ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IReadOnlyList<ClaimRow>>([.. Claims.All.Where(r => query.Overlapping?.Any(o => o.Overlaps(r.Claim.Resource)) != false && r.IsLive(Now())).OrderBy(r => r.Position)]);

    public ValueTask<long> UsedAsync(string limit, long after, CancellationToken cancellationToken) => ValueTask.FromResult(Claims.Used(limit, after));

    public ValueTask<ReadOnlyMemory<byte>?> FindPayloadAsync(PayloadHash hash, CancellationToken cancellationToken) =>
        ValueTask.FromResult<ReadOnlyMemory<byte>?>(_payloads.TryGetValue(hash, out var bytes) ? bytes : null);

    /// <summary>The position of the last entry.</summary>
    public long Position => _log.Count;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private CommitResult Append(Commit commit, List<RunChange> changes)
    {
        commit = Planted(commit);
        var head = _heads.GetValueOrDefault(commit.Run);
        var key = CommitRules.StartKey(commit);
        var holder = key is { } k && bug != Bug.DoubleStartForOneKey && _keys.TryGetValue(k, out var run) ? _heads[run] : null;
        if (Check(commit, head, holder) is { } refused)
        {
            return refused;
        }

        commit = PlantedUnchecked(commit);

        var (after, entries) = CommitRules.Seal(commit, bug == Bug.SeqGap && head?.Seq == 4 ? head with { Seq = 5 } : head, _log.Count + 1, Now(), _entropy);
        if (bug == Bug.HashWrong && entries[0].Kind == EntryKinds.StepCompleted && Strikes(1))
        {
            entries[0] = entries[0] with { Cause = "written after it was hashed" };
        }

        if ((bug == Bug.LostTransition && entries[^1].Kind == EntryKinds.StateEntered && head is not null && Strikes(1))
            || (bug == Bug.LostStep && entries[^1].Kind == EntryKinds.StepCompleted && Strikes(1)))
        {
            return new(CommitStatus.Committed, after, entries); // acknowledged, and never written
        }

        foreach (var payload in commit.Entries.SelectMany(d => d.Payloads).Where(_ => bug != Bug.PayloadLost || head is null))
        {
            _payloads.TryAdd(payload.Hash, payload.Bytes);
        }

        if (key is { } taken)
        {
            _keys[taken] = commit.Run;
        }

        if (bug == Bug.SignalConsumedTwice && head is { Mailbox.Length: > 0 } && after.Mailbox.Length == 0 && Strikes(1))
        {
            after = after with { Mailbox = head.Mailbox };
        }

        _turns |= CommitRules.Apply(entries, Claims);
        FreeEarly(entries);
        _log.AddRange(entries);
        _heads[commit.Run] = after;
        if (head?.Row.Status != after.Row.Status || commit.Epoch is null)
        {
            changes.Add(new RunChange(commit.Run, after.Row.Status, after.Row.CancelRequested, commit.Epoch is null));
        }

        return new(CommitStatus.Committed, after, entries);
    }

    private CommitResult? Check(Commit commit, RunHead? head, RunHead? holder)
    {
        var at = bug switch
        {
            Bug.ApprovalCheckedOnlyAtDecision when commit.Entries.Any(e => e.Kind == EntryKinds.ActionIntended) => 0,
            Bug.ExpiryOnlyBySweeper when commit.Entries.Any(e => e.Kind == EntryKinds.ApprovalAnswered) => 0,
            _ => Now(),
        };
        var seen = bug switch
        {
            Bug.ClaimsUnchecked => new PartOfClaims(Claims, r => r.Phase != ClaimPhase.Hold),
            Bug.QueueJumped => new PartOfClaims(Claims, r => r.Phase != ClaimPhase.Queued),
            Bug.LimitUncounted => new PartOfClaims(Claims, _ => true, countsLimits: false),
            _ => (IClaimTable)Claims,
        };

        // Whoever takes one claim after the other has the first before anybody looks at the second.
        var asked = bug == Bug.ClaimsInArrivalOrder ? Altered<ActionIntended>(commit, EntryKinds.ActionIntended, i => i with { Claims = [.. (i.Claims ?? []).Take(1)] }) : commit;
        return CommitRules.Check(asked, head, holder, seen, at);
    }

    /// <summary>What a store or an engine would record that does not check it.</summary>
    private Commit PlantedUnchecked(Commit commit) => bug switch
    {
        Bug.ApprovalConsumedTwice => Altered<ActionIntended>(commit, EntryKinds.ActionIntended, i => i.Approval is null ? i : i with { Approval = First(commit.Run, i.Approval.Value) }),
        _ => commit,
    };

    private long First(RunId run, long approval) => _approvals.TryGetValue(run, out var first) ? first : _approvals[run] = approval;

    /// <summary>A claim that ends when the target has answered, whatever the target then shows.</summary>
    private void FreeEarly(IReadOnlyList<Entry> entries)
    {
        foreach (var entry in entries.Where(e => bug == Bug.ClaimFreedBeforeVerify && e.Kind == EntryKinds.ActionExecuted))
        {
            foreach (var row in Claims.Of(Body.Read<ActionExecuted>(entry).ActionId).Where(r => r.Phase == ClaimPhase.Hold))
            {
                Claims.Remove(row);
            }

            _turns = true;
        }
    }

    private Commit Planted(Commit commit) => bug switch
    {
        Bug.SelfApproval => Altered<ApprovalRequested>(commit, EntryKinds.ApprovalRequested, r => r.Terms is null ? r : r with { Terms = r.Terms with { Barred = null } }),
        Bug.HashOmitsAnArgument => WithHashOfLess(commit),
        Bug.UnknownTakenForFailed => commit with { Entries = [.. commit.Entries.Select(e => e.Kind == EntryKinds.ActionUnknown ? e with { Kind = EntryKinds.ActionNotApplied } : e)] },
        Bug.OneLookTakenForVerified => Altered<ActionObserved>(commit, EntryKinds.ActionVerified, o => o.Agreement is null ? o : o with { Agreement = o.Agreement with { Looks = 1, Over = 0 } }),
        Bug.LooksThatNeverWere => Altered<ActionObserved>(commit, EntryKinds.ActionVerified, o => o.Agreement is null ? o : o with { Agreement = new Agreement(3, 2_000_000, 3, 2_000_000) }),
        Bug.EpochUnchecked => commit with { Epoch = null },
        Bug.ExpectedSeqUnchecked or Bug.WakeUpLost => commit with { ExpectedSeq = null },
        Bug.StepRecordedTwice when commit.Entries[^1].Kind == EntryKinds.StepCompleted && Strikes(1) => commit with { Entries = [.. commit.Entries, commit.Entries[^1]] },
        Bug.HalfACommit when commit.Entries.Count > 1 && commit.Entries[^1].Kind == EntryKinds.RunCompleted => commit with { Entries = [commit.Entries[^1]] },
        Bug.ReservationLeftOut => Without(commit, EntryKinds.BudgetReserved),
        Bug.EscalationLeftOut => Without(commit, EntryKinds.EscalationRaised),
        Bug.ReservationOfOtherSize => Altered<BudgetReserved>(commit, EntryKinds.BudgetReserved, r => r with { Amount = r.Amount with { OutputTokens = 1 } }),
        Bug.PinsAToolTooMany => commit with { Entries = [.. commit.Entries.Select(e => e.Kind == EntryKinds.AgentBegan ? WithAnotherTool(e) : e)] },
        Bug.CutReplyTaken => Altered<StepCompleted>(commit, EntryKinds.StepCompleted, s => s.Model is null ? s : s with { Model = s.Model with { FinishReason = "length" } }),
        Bug.UnsureDecisionStands => Altered<DecisionMade>(commit, EntryKinds.DecisionMade, d => d with { Stands = true }),
        Bug.ModelAskedAgain when IsReply(commit) && Strikes(1) => commit with
        {
            Entries = [.. commit.Entries, commit.Entries[^1] with { Kind = EntryKinds.BudgetReserved, Body = Body.Write(new BudgetReserved("judge", "fast-1", new Spending { Calls = 1 })), Payloads = [] }],
        },
        Bug.TurnForgotten => Altered<StepCompleted>(commit, EntryKinds.StepCompleted, s => s.Model is null ? s : s with { Model = s.Model with { Turn = 1 } }),
        _ => commit,
    };

    /// <summary>The hash of an action's arguments is that of the first of them, wherever it is stated.</summary>
    private static Commit WithHashOfLess(Commit commit)
    {
        var less = Altered<ActionProposed>(commit, EntryKinds.ActionProposed, Less);
        less = Altered<ApprovalRequested>(less, EntryKinds.ApprovalRequested, r => r.Action is null ? r : r with { Action = Less(r.Action), Terms = r.Terms! with { ArgumentsHash = Less(r.Action).ArgumentsHash } });
        return Altered<ActionIntended>(less, EntryKinds.ActionIntended, i => i with { ArgumentsHash = Hash(i.Arguments) });

        static ActionProposed Less(ActionProposed proposed) => proposed with { ArgumentsHash = Hash(proposed.Arguments) };

        static string Hash(RawJson arguments)
        {
            using var document = JsonDocument.Parse(arguments.Utf8);
            return Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(CanonicalJson.Of(JsonSerializer.SerializeToUtf8Bytes(document.RootElement.EnumerateObject().First().Value))));
        }
    }

    /// <summary>As if the engine wrote no such entry: one that says nothing stands in its place.</summary>
    private static Commit Without(Commit commit, string kind) => commit with
    {
        Entries = [.. commit.Entries.Select(e => e.Kind == kind ? e with { Kind = EntryKinds.StepStarted, Body = Body.Write(new StepStarted(0)) } : e)],
    };

    private static bool IsReply(Commit commit) => commit.Entries[^1].Kind == EntryKinds.StepCompleted && commit.Entries[^1].Body.Span.IndexOf("\"finishReason\""u8) >= 0;

    private static Commit Altered<T>(Commit commit, string kind, Func<T, T> alter) => commit with
    {
        Entries = [.. commit.Entries.Select(e => e.Kind == kind ? e with { Body = Body.Write(alter((T)JsonSerializer.Deserialize(e.Body.Span, typeof(T), BodyJson.Default)!)) } : e)],
    };

    /// <summary>The agent is pinned to a tool that its state does not give it.</summary>
    private static EntryDraft WithAnotherTool(EntryDraft draft)
    {
        var configuration = JsonSerializer.Deserialize<AgentConfiguration>(draft.Payloads[0].Bytes.Span, SignalboxJson.Options)!;
        var altered = Payload.Of(JsonSerializer.SerializeToUtf8Bytes(configuration with { Tools = [.. configuration.Tools, configuration.Tools[0] with { Name = "launch" }] }, SignalboxJson.Options));
        return draft with { Body = Body.Write(new AgentBegan(configuration.Agent, RawJson.To(altered.Hash))), Payloads = [altered] };
    }

    /// <summary>A bug of the rare kind: it strikes so many times, then never again.</summary>
    private bool Strikes(int times) => _struck++ < times;

    private long Now() => Microseconds.From(clock.GetUtcNow());

    private void Tell(List<RunChange> changes)
    {
        foreach (var change in changes)
        {
            foreach (var subscriber in _subscribers.ToArray())
            {
                subscriber(change);
            }
        }
    }
}

/// <summary>The claims as a store sees them that overlooks some, or does not add up what is used of limits.</summary>
internal sealed class PartOfClaims(IClaimTable all, Func<ClaimRow, bool> sees, bool countsLimits = true) : IClaimTable
{
    public IReadOnlyList<ClaimRow> Overlapping(string path) => [.. all.Overlapping(path).Where(sees)];

    public IReadOnlyList<ClaimRow> Of(string actionId) => all.Of(actionId);

    public IReadOnlyList<ClaimRow> OfRun(RunId run) => all.OfRun(run);

    public IReadOnlyList<ClaimRow> Queued() => all.Queued();

    public void Put(ClaimRow row) => all.Put(row);

    public void Remove(ClaimRow row) => all.Remove(row);

    public long Used(string limit, long after) => countsLimits ? all.Used(limit, after) : 0;

    public void Use(string limit, long at, long amount, long forget) => all.Use(limit, at, amount, forget);
}
