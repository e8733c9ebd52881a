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

    /// <summary>An action that was approved, until its intent consumes that.</summary>
    Approved,

    /// <summary>That holds of others on what an action claims are settled.</summary>
    Claim,
}

/// <summary>
/// An open wait of a run. <paramref name="Name"/> is the signal's name; <paramref name="Due"/> is in microseconds since 1970; <paramref name="Approval"/> says of a question who may answer it and who has.
/// </summary>
public sealed record OpenWait(string Scope, string Step, WaitKind Kind, string? Name, long? Due, long Seq, OpenApproval? Approval = null)
{
    /// <summary>When it wakes its run by itself, in microseconds since 1970. That an approval lapses is no news to anybody: its action goes on, or has something else to wait for.</summary>
    public long? WakesAt => Kind == WaitKind.Approved ? null : Due;
}

/// <summary>Who may answer an open question, and what was answered so far: by whom, and which choice.</summary>
public sealed record OpenApproval(ApprovalTerms Terms, IReadOnlyList<Voice> Voices)
{
    /// <summary>The choices that every question about an action has.</summary>
    public const string Approve = "approve";

    /// <inheritdoc cref="Approve" />
    public const string Reject = "reject";

    /// <summary>The choice to propose other arguments.</summary>
    public const string Edit = "edit";

    /// <summary>As a store keeps it.</summary>
    public string ToJson() => System.Text.Json.JsonSerializer.Serialize(this, BodyJson.Default.OpenApproval);

    /// <summary>What <see cref="ToJson"/> wrote.</summary>
    public static OpenApproval FromJson(string json) => System.Text.Json.JsonSerializer.Deserialize(json, BodyJson.Default.OpenApproval) ?? throw new System.Text.Json.JsonException("null");

    /// <inheritdoc />
    public bool Equals(OpenApproval? other) => other is not null && (ReferenceEquals(this, other) || ToJson() == other.ToJson());

    /// <inheritdoc />
    public override int GetHashCode() => Voices.Count;

    /// <summary>Whether one more voice for that choice decides. Refusing needs one, whatever approving needs.</summary>
    public bool Decides(string choice) =>
        choice == Terms.Safe || choice is Reject or Edit || Voices.Count(v => v.Choice == choice) + 1 >= Terms.Quorum;

    /// <summary>Why this actor's answer does not count; null if it does.</summary>
    public Refusal? Refuses(string actor, ApprovalAnswered answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        const string Nothing = "The answer is recorded and changed nothing.";
        return answer switch
        {
            _ when !Caller.IsPerson(actor) => new("approval_not_a_person", $"Only a person may answer this; '{actor}' is none. {Nothing}"),
            _ when !Caller.IsIn(answer.Roles, Terms.Roles) => new("approval_role", $"{actor} has none of the roles that may answer this ({string.Join(", ", Terms.Roles)}). {Nothing}"),
            _ when Terms.Barred?.Contains(actor, StringComparer.Ordinal) == true => new("approval_self", $"{actor} has proposed this or asked for it, so that somebody else must answer. {Nothing}"),
            _ when Voices.Any(v => v.Actor == actor) => new("approval_repeated", $"{actor} has answered already; {Terms.Quorum} different persons are needed. {Nothing}"),
            _ when answer.Hash is not null && answer.Hash != Terms.ArgumentsHash => new("approval_stale", $"What was answered for ({answer.Hash}) is not what is asked ({Terms.ArgumentsHash}): look at the question again. {Nothing}"),
            _ when !Terms.Choices.Contains(answer.Choice, StringComparer.Ordinal) => new("choice_unknown", $"'{answer.Choice}' is not one of the choices ({string.Join(", ", Terms.Choices)}). {Nothing}"),
            { Choice: Edit, Edited: null } => new("choice_unknown", $"To edit needs the arguments that are proposed instead. {Nothing}"),
            _ => null,
        };
    }
}

/// <summary>An answer to an open question that needs several.</summary>
public sealed record Voice(string Actor, string Choice);

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
        RunStatus.Waiting => Waits.Where(w => w.WakesAt is not null).Select(w => w.WakesAt).DefaultIfEmpty().Min(),
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
            _ when Row.IsErased => new("run_erased", $"What run '{Row.Run}' was about was erased; nothing can follow."),
            EntryKinds.RunErased when Row.IsOpen => new("run_not_ended", $"Run '{Row.Run}' is {status}; only a run that has ended can be erased. End it first: signalbox cancel {Row.Run}"),
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
            EntryKinds.ApprovalAnswered when Find(draft)!.Approval is { } open => open.Refuses(draft.Actor, Body.Read<ApprovalAnswered>(draft)),
            EntryKinds.ActionIntended => RefusesIntent(draft, Body.Read<ActionIntended>(draft), at),
            _ => null,
        };

        Refusal Ended(string what, string remedy) => new("run_ended", $"Run '{Row.Run}' is {status} and {what}. {remedy}");
    }

    /// <summary>An approval is consumed by the intent that it is for: exactly that action, once, in time; and nothing happens while a person is still asked.</summary>
    private Refusal? RefusesIntent(EntryDraft draft, ActionIntended intended, long at)
    {
        var asked = Find(draft);
        return (asked, intended.Approval) switch
        {
            ({ Kind: WaitKind.Approval }, _) => new("approval_missing", $"Action '{intended.Action}' of run '{Row.Run}' waits for a person."),
            ({ Kind: WaitKind.Approved }, null) => new("approval_missing", $"Action '{intended.Action}' of run '{Row.Run}' was approved, and its intent does not say so."),
            (not { Kind: WaitKind.Approved }, { } seq) => new("approval_not_valid", $"Action '{intended.Action}' of run '{Row.Run}' has no approval {seq}: it was consumed, withdrawn or never given."),
            (_, { } seq) when asked!.Seq != seq || asked.Approval!.Terms.ArgumentsHash != intended.ArgumentsHash => new("approval_not_valid", $"The approval {seq} is not for this action and these arguments."),
            (_, not null) when asked!.Due <= at => new("approval_lapsed", $"The approval of action '{intended.Action}' was good until {Microseconds.ToTime(asked.Due!.Value):u}."),
            _ => null,
        };
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
        EntryKinds.RunHeld => (Free(RunStatus.Held, entry) with { Waits = Waits.RemoveAll(w => w.Kind == WaitKind.Claim) }).Because(Body.Read<Trouble>(entry)),
        EntryKinds.RunFailed => Free(RunStatus.Failed, entry).Because(Body.Read<Trouble>(entry)),
        EntryKinds.RunResumed => Free(RunStatus.Pending, entry).Innocent(),
        EntryKinds.RunRetried => Free(RunStatus.Pending, entry).Innocent(),
        EntryKinds.RunCompleted => Free(RunStatus.Completed, entry),
        EntryKinds.RunCanceled => Free(RunStatus.Canceled, entry),
        EntryKinds.RunErased => this with { Row = Row with { IsErased = true, Key = null, Labels = new Dictionary<string, string>(), Reason = null, ChangedAt = entry.Time }, Waits = [], Mailbox = [] },
        EntryKinds.CancelRequested => (this with { Row = Row with { CancelRequested = true } }).Woken(entry, Row.Status is RunStatus.Waiting or RunStatus.Held),
        EntryKinds.WaitOpened => Opened(entry, Body.Read<WaitOpened>(entry)),
        EntryKinds.ApprovalRequested => Asked(entry, Body.Read<ApprovalRequested>(entry)),
        EntryKinds.ClaimQueued => this with { Waits = WithoutClaim(entry).Waits.Add(new(entry.Scope, entry.Step, WaitKind.Claim, null, Body.Read<ClaimQueued>(entry).Due, entry.Seq)) },
        EntryKinds.ClaimFreed => Woken(entry, Row.Status == RunStatus.Waiting),
        EntryKinds.WaitCompleted => Completed(entry, Body.Read<WaitCompleted>(entry).SignalSeq),
        EntryKinds.WaitWithdrawn or EntryKinds.ApprovalWithdrawn or EntryKinds.ApprovalExpired => Without(entry),
        EntryKinds.ClaimWithdrawn => WithoutClaim(entry),
        EntryKinds.ApprovalAnswered => Answered(entry),
        EntryKinds.ActionIntended or EntryKinds.ActionVerified or EntryKinds.ActionNotApplied or EntryKinds.ActionDiverged or EntryKinds.ActionUnverified or EntryKinds.ActionRefused
            when Waits.Length > 0 => Without(entry),
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

    /// <summary>A question that is asked anew takes the place of the one before it, and of its approval.</summary>
    private RunHead Asked(Entry entry, ApprovalRequested body) =>
        this with { Waits = Without(entry).Waits.Add(new(entry.Scope, entry.Step, WaitKind.Approval, null, body.Due, entry.Seq, body.Terms is { } terms ? new OpenApproval(terms, []) : null)) };

    /// <summary>An answer ends a question, or is one voice of several. An approval of an action stays until the action's intent consumes it.</summary>
    private RunHead Answered(Entry entry)
    {
        var asked = Waits.FirstOrDefault(w => w.Scope == entry.Scope && w.Step == entry.Step);
        if (asked?.Approval is not { } open)
        {
            return Without(entry).Woken(entry, Row.Status == RunStatus.Waiting);
        }

        var choice = Body.Read<ApprovalAnswered>(entry).Choice;
        var heard = open with { Voices = [.. open.Voices, new Voice(entry.Actor, choice)] };
        if (!open.Decides(choice))
        {
            return this with { Waits = Waits.Replace(asked, asked with { Approval = heard }) };
        }

        var answered = open.Terms.ActionId is not null && choice == OpenApproval.Approve
            ? this with { Waits = Waits.Replace(asked, asked with { Kind = WaitKind.Approved, Due = entry.At + open.Terms.ValidFor, Approval = heard }) }
            : Without(entry);
        return answered.Woken(entry, Row.Status == RunStatus.Waiting);
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

    private RunHead WithoutClaim(Entry entry) => this with { Waits = Waits.RemoveAll(w => w.Kind == WaitKind.Claim && w.Scope == entry.Scope && w.Step == entry.Step) };

    private OpenWait? Find(EntryDraft draft) => Waits.FirstOrDefault(w => w.Scope == draft.Scope && w.Step == draft.Step);
}
