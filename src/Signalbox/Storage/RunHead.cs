using System.Collections.Immutable;
using Signalbox.Journal;

namespace Signalbox.Storage;

/// <summary>What a durable wait waits for.</summary>
public enum WaitKind
{
    /// <summary>A time alone.</summary>
    Timer,

    /// <summary>A signal, perhaps with a time limit.</summary>
    Signal,

    /// <summary>A person's answer, perhaps with a time limit.</summary>
    Approval,
}

/// <summary>An open wait of a run. <paramref name="Name"/> is the signal's name; <paramref name="Due"/> is in microseconds since 1970.</summary>
public sealed record OpenWait(string Scope, string Step, WaitKind Kind, string? Name, long? Due, long Seq);

/// <summary>A signal that nobody has consumed; its value stands in the entry <paramref name="Seq"/>.</summary>
public sealed record MailboxSignal(long Seq, string Name);

/// <summary>Why an entry may not follow on a run as it is.</summary>
public sealed record Refusal(string Code, string Why);

/// <summary>
/// A run as its entries make it: its row, its open waits, its mailbox and the end of its hash chain. The one place that
/// says what an entry does to a run and whether it may follow; every store keeps what this fold gives and adds no rule of its own.
/// Pure: no clock, no I/O. Immutable.
/// </summary>
public sealed record RunHead
{
    /// <summary>The row.</summary>
    public required RunRow Row { get; init; }

    /// <summary>The open waits, in the order of their opening.</summary>
    public ImmutableArray<OpenWait> Waits { get; init; } = [];

    /// <summary>The signals that wait to be consumed, in the order of their arrival.</summary>
    public ImmutableArray<MailboxSignal> Mailbox { get; init; } = [];

    /// <summary>The seq of the last entry.</summary>
    public required long Seq { get; init; }

    /// <summary>The hash of the last entry.</summary>
    public required ReadOnlyMemory<byte> Hash { get; init; }

    /// <summary>Whether nothing more happens to it by itself: it has ended, is held, or only waits and asks a person. (An unanswered question may have a time limit: then its safe choice counts.)</summary>
    public bool IsSettled => !Row.IsOpen || Row.Status == RunStatus.Held || (Row.Status == RunStatus.Waiting && Waits.Any(w => w.Kind == WaitKind.Approval));

    /// <summary>
    /// From when on a worker may take it (microseconds since 1970): since its last change when pending, at the first due time
    /// when waiting, never (null) otherwise.
    /// </summary>
    public long? ReadyAt => Row.Status switch
    {
        RunStatus.Pending => Microseconds.From(Row.ChangedAt),
        RunStatus.Waiting => Waits.Where(w => w.Due is not null).Select(w => w.Due).DefaultIfEmpty().Min(),
        _ => null,
    };

    /// <summary>Why <paramref name="draft"/> may not follow on this run as it is; null if it may. <paramref name="at"/> is the store's time, microseconds since 1970.</summary>
    public Refusal? Refuses(EntryDraft draft, long at)
    {
        ArgumentNullException.ThrowIfNull(draft);
        var status = Row.Status;
        return draft.Kind switch
        {
            EntryKinds.RunStarted => new("run_exists", $"Run '{Row.Run}' exists already."),
            EntryKinds.SignalReceived when !Row.IsOpen => Ended("takes no signal", "Start a new run."),
            EntryKinds.CancelRequested when !Row.IsOpen => Ended("cannot be canceled", "Start a new run to undo its effects."),
            EntryKinds.CancelRequested when Row.CancelRequested => new("cancel_requested_already", $"Somebody asked already that run '{Row.Run}' be canceled; nothing was changed."),
            EntryKinds.RunRetried when status != RunStatus.Failed || ReachedItsEnd => new("not_failed", ReachedItsEnd
                ? $"Run '{Row.Run}' reached the end '{Row.State}', which its workflow declares no success; there is nothing to try again. Start a new run."
                : $"Run '{Row.Run}' is {status}; only a failed run can be retried."),
            EntryKinds.RunResumed when status != RunStatus.Held => new("not_held", $"Run '{Row.Run}' is {status}; only a held run can be released."),
            EntryKinds.ApprovalAnswered when !Row.IsOpen || draft.Visit != Row.Visit || Find(draft)?.Kind != WaitKind.Approval =>
                new("approval_not_open", $"Run '{Row.Run}' has no open question '{draft.Step}'; the answer changed nothing. See: signalbox show {Row.Run}"),
            EntryKinds.ApprovalAnswered when Find(draft)!.Due <= at =>
                new("approval_expired", $"The question '{draft.Step}' of run '{Row.Run}' expired at {Microseconds.ToTime(Find(draft)!.Due!.Value):u}; the answer changed nothing."),
            _ => null,
        };

        Refusal Ended(string what, string remedy) => new("run_ended", $"Run '{Row.Run}' is {status} and {what}. {remedy}");
    }

    private bool ReachedItsEnd => Row.Status == RunStatus.Failed && Row.ReasonCode == TroubleCodes.EndedWithoutSuccess;

    /// <summary>The head after <paramref name="entry"/>, of which the fold trusts that nothing refused it. <paramref name="head"/> is null before a run's first entry.</summary>
    /// <exception cref="JournalDamagedException">A body is not of its kind's shape, or the first entry is not <see cref="EntryKinds.RunStarted"/>.</exception>
    public static RunHead Apply(RunHead? head, Entry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (head is null)
        {
            return Start(entry);
        }

        return head.With(entry) with { Seq = entry.Seq, Hash = entry.Hash };
    }

    private static RunHead Start(Entry entry)
    {
        if (entry.Kind != EntryKinds.RunStarted)
        {
            throw new JournalDamagedException(entry.Run, entry.Seq, $"a journal begins with '{EntryKinds.RunStarted}', this one with '{entry.Kind}'");
        }

        var body = Body.Read<RunStarted>(entry);
        return new RunHead
        {
            Seq = entry.Seq,
            Hash = entry.Hash,
            Row = new RunRow
            {
                Run = entry.Run,
                Workflow = body.Workflow,
                Version = body.Version,
                Fingerprint = body.Definition.Reference?.Value ?? "",
                Key = body.Key,
                Labels = body.Labels ?? new Dictionary<string, string>(),
                Parent = body.Parent,
                ParentStep = body.ParentStep,
                Status = RunStatus.Pending,
                StartedAt = entry.Time,
                ChangedAt = entry.Time,
            },
        };
    }

    private RunHead With(Entry entry) => entry.Kind switch
    {
        EntryKinds.StateEntered => this with { Row = Row with { State = entry.State, Visit = entry.Visit, VisitSeq = entry.Seq, ChangedAt = entry.Time } },
        EntryKinds.RunLeased => Leased(entry, Body.Read<RunLeased>(entry)),
        EntryKinds.RunWaiting => Free(RunStatus.Waiting, entry),
        EntryKinds.RunReleased => Free(RunStatus.Pending, entry).Innocent(),
        EntryKinds.RunHeld => Free(RunStatus.Held, entry).Because(Body.Read<Trouble>(entry)),
        EntryKinds.RunFailed => Free(RunStatus.Failed, entry).Because(Body.Read<Trouble>(entry)),
        EntryKinds.RunResumed => Free(RunStatus.Pending, entry).Innocent(),
        EntryKinds.RunRetried => Free(RunStatus.Pending, entry).Innocent(),
        EntryKinds.RunCompleted => Free(RunStatus.Completed, entry),
        EntryKinds.RunCanceled => Free(RunStatus.Canceled, entry),
        EntryKinds.CancelRequested => (this with { Row = Row with { CancelRequested = true } }).Woken(entry, Row.Status is RunStatus.Waiting or RunStatus.Held),
        EntryKinds.WaitOpened => Opened(entry, Body.Read<WaitOpened>(entry)),
        EntryKinds.ApprovalRequested => this with { Waits = Waits.Add(new(entry.Scope, entry.Step, WaitKind.Approval, null, Body.Read<ApprovalRequested>(entry).Due, entry.Seq)) },
        EntryKinds.WaitCompleted => Completed(entry, Body.Read<WaitCompleted>(entry).SignalSeq),
        EntryKinds.WaitWithdrawn or EntryKinds.ApprovalWithdrawn or EntryKinds.ApprovalExpired => Without(entry),
        EntryKinds.ApprovalAnswered => Without(entry).Woken(entry, Row.Status == RunStatus.Waiting),
        EntryKinds.SignalReceived => Received(entry, Body.Read<SignalReceived>(entry).Name),
        _ => Spend(Spending.Of(entry)),
    };

    private RunHead Leased(Entry entry, RunLeased body) => this with
    {
        Row = Row with
        {
            Status = RunStatus.Running,
            Epoch = entry.Epoch,
            Worker = body.Worker,
            LeaseSeq = entry.Seq,
            Deaths = body.Deaths,
            DeathsAlone = body.DeathsAlone,
            Alone = body.Alone,
            ChangedAt = entry.Time,
        },
    };

    private RunHead Free(RunStatus status, Entry entry) => this with
    {
        Row = Row with { Status = status, Worker = null, Alone = false, Reason = null, ReasonCode = null, ChangedAt = entry.Time },
    };

    private RunHead Innocent() => this with { Row = Row with { Deaths = 0, DeathsAlone = 0 } };

    private RunHead Because(Trouble trouble) => this with { Row = Row with { ReasonCode = trouble.Code, Reason = trouble.Reason } };

    private RunHead Woken(Entry entry, bool wakes) => wakes ? Free(RunStatus.Pending, entry) : this;

    private RunHead Opened(Entry entry, WaitOpened body)
    {
        var kind = body.Signal is null ? WaitKind.Timer : WaitKind.Signal;
        return this with { Waits = Waits.Add(new(entry.Scope, entry.Step, kind, body.Signal, body.Due, entry.Seq)) };
    }

    private RunHead Completed(Entry entry, long? signal)
    {
        var without = Without(entry);
        return signal is null ? without : without with { Mailbox = Mailbox.RemoveAll(s => s.Seq == signal) };
    }

    private RunHead Received(Entry entry, string name) =>
        (this with { Mailbox = Mailbox.Add(new(entry.Seq, name)) })
        .Woken(entry, Row.Status == RunStatus.Waiting && Waits.Any(w => w.Kind == WaitKind.Signal && w.Name == name));

    private RunHead Spend(Spending amount) => amount.IsNone ? this : this with { Row = Row with { Spent = Row.Spent + amount } };

    private RunHead Without(Entry entry) => this with { Waits = Waits.RemoveAll(w => w.Scope == entry.Scope && w.Step == entry.Step) };

    private OpenWait? Find(EntryDraft draft) => Waits.FirstOrDefault(w => w.Scope == draft.Scope && w.Step == draft.Step);
}
