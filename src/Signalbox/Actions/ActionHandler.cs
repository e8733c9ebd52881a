using Signalbox.Journal;

namespace Signalbox;

/// <summary>What a target can promise about effects (docs/architecture.md): how the engine may treat a call whose reply is missing.</summary>
public enum TargetClass
{
    /// <summary>The target is the store's own database.</summary>
    T0,

    /// <summary>Keyed: it remembers action ids and refuses a second effect.</summary>
    T1,

    /// <summary>Conditional: it takes a fence or compares before it sets.</summary>
    T2,

    /// <summary>Probe-only: it can be asked whether it is so; doing it twice changes nothing more.</summary>
    T3,

    /// <summary>Blind: it cannot be asked. A missing reply holds the run, and so does any reply unless the action's policy says otherwise (<see cref="ActionPolicy.Blind"/>).</summary>
    T4,
}

/// <summary>What becomes of an action whose target cannot be asked (<see cref="TargetClass.T4"/>) when the target has answered the call.</summary>
public enum BlindRule
{
    /// <summary>An answer proves nothing: the run is held, and a person looks.</summary>
    Hold,

    /// <summary>
    /// The action ends as <see cref="ActionStatus.Unverified"/>, on the target's word alone. Only an answer that was recorded counts: where it is missing (an error, a time-out, a crash before it was on
    /// record) the run is held as ever, and the target is not called again. The policy counts as it is when the action is settled.
    /// </summary>
    TrustAnswer,
}

/// <summary>Whether an effect can be taken back.</summary>
public enum Reversibility
{
    /// <summary>Undoing it leaves no trace.</summary>
    Reversible,

    /// <summary>Undoing it makes up for it; that it happened stays (a mail that corrects a mail).</summary>
    Compensable,

    /// <summary>It cannot be undone: it comes last, and by default a person is asked.</summary>
    Irreversible,
}

/// <summary>What the target shows.</summary>
public enum ObservationKind
{
    /// <summary>It is so.</summary>
    So,

    /// <summary>It is not so.</summary>
    NotSo,

    /// <summary>The target cannot say.</summary>
    Unclear,
}

/// <summary>A look at the target. <paramref name="Proof"/> says what was seen, for people.</summary>
public sealed record Observation(ObservationKind Kind, string Proof)
{
    /// <summary>It is so.</summary>
    public static Observation So(string proof) => new(ObservationKind.So, proof);

    /// <summary>It is not so.</summary>
    public static Observation NotSo(string proof) => new(ObservationKind.NotSo, proof);

    /// <summary>The target cannot say.</summary>
    public static Observation Unclear(string why) => new(ObservationKind.Unclear, why);
}

/// <summary>Which attempt of which action a handler works for. <paramref name="ActionId"/> is the same for every attempt: use it as the target's idempotency key.</summary>
public sealed record ActionContext(string ActionId, RunId Run, int Epoch, int Attempt, DateTimeOffset IntendedAt);

/// <summary>How long the phases of an action may take and how often they are tried.</summary>
public sealed record ActionPolicy
{
    /// <summary>The defaults below.</summary>
    public static ActionPolicy Default { get; } = new();

    /// <summary>The time limit of one call to the target that changes something. After it the action is in doubt, and the target is asked.</summary>
    public TimeSpan ExecuteWithin { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The time limit of one look at the target.</summary>
    public TimeSpan ProbeWithin { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often the target is called in all, when it shows that a call had no effect.</summary>
    public int Attempts { get; init; } = 3;

    /// <summary>How often a look is tried that fails or is unclear, before the action counts as unknown; and how often verification looks at least before it counts as diverged.</summary>
    public int Looks { get; init; } = 4;

    /// <summary>How many looks must agree, over how long, for the action to count as verified, and how long the target may take to show it.</summary>
    public Verification Verification { get; init; } = Verification.Default;

    /// <summary>
    /// How long a keyed target (<see cref="TargetClass.T1"/>) remembers an action's id; null: for ever. After half of it a call whose reply is missing is not repeated: the run is held, because the target might do it twice.
    /// </summary>
    public TimeSpan? RemembersFor { get; init; }

    /// <summary>How long the claims of a verified action stand, by the store's clock; null: until they are released or overruled.</summary>
    public TimeSpan? StandsFor { get; init; }

    /// <summary>What happens when a claim is against one that stands.</summary>
    public ConflictRule OnConflict { get; init; } = ConflictRule.Person;

    /// <summary>What counts where <see cref="ConflictRule.Priority"/> decides; the higher wins.</summary>
    public int Priority { get; init; }

    /// <summary>How long it waits for holds of others to be settled. Then it is refused.</summary>
    public TimeSpan HoldWithin { get; init; } = TimeSpan.FromHours(1);

    /// <summary>What an answer is worth at a target that cannot be asked (<see cref="TargetClass.T4"/>). At any other, which can, there is nothing to choose.</summary>
    public BlindRule Blind { get; init; } = BlindRule.Hold;

    /// <summary>The pause between looks and after a failed attempt; each further one is twice as long.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>What is wrong with it for a target of that class.</summary>
    internal IEnumerable<string> Faults(TargetClass targetClass)
    {
        foreach (var fault in Verification.Faults(Pause))
        {
            yield return fault;
        }

        if (Blind == BlindRule.TrustAnswer && targetClass != TargetClass.T4)
        {
            yield return $"Blind may be {nameof(BlindRule.TrustAnswer)} only where the target cannot be asked ({nameof(TargetClass.T4)}); this one is {targetClass}, so it is asked.";
        }
    }
}

/// <summary>
/// The behaviour of one kind of action, registered under a stable name. The engine looks (probe), records the intent, looks again, executes and verifies; after a crash it
/// settles what is in doubt by asking here, without the workflow. Instances come from the visit's service scope.
/// </summary>
public abstract class ActionHandler<TAction>
    where TAction : notnull
{
    /// <summary>What the target can promise.</summary>
    public abstract TargetClass TargetClass { get; }

    /// <summary>Limits and retries.</summary>
    public virtual ActionPolicy Policy => ActionPolicy.Default;

    /// <summary>Whether its effect can be taken back. By default it can where <see cref="UndoAsync"/> is overridden.</summary>
    public virtual Reversibility Reversibility =>
        GetType().GetMethod(nameof(UndoAsync), [typeof(TAction), typeof(ActionContext), typeof(CancellationToken)])!.DeclaringType == typeof(ActionHandler<TAction>) ? Reversibility.Irreversible : Reversibility.Reversible;

    /// <summary>
    /// What the action has a stake in: taken all together or not at all when its intent is recorded, so that nobody else touches it before the action is settled. By default the action itself, by its name and its
    /// arguments. Pure: it is asked again after a crash.
    /// </summary>
    public virtual IReadOnlyList<Claim> Claims(TAction action) => [];

    /// <summary>Who must approve the action, policies apart; null for nobody. By default what is irreversible asks one person.</summary>
    public virtual ApprovalRule? Approval(TAction action) => Reversibility == Reversibility.Irreversible ? ApprovalRule.Default : null;

    /// <summary>Asks the real system whether the action's effect stands, past every cache.</summary>
    public abstract Task<Observation> ProbeAsync(TAction action, ActionContext context, CancellationToken cancellationToken);

    /// <summary>Makes the effect. The reply is recorded and proves nothing; throwing leaves the action in doubt.</summary>
    public abstract Task<string?> ExecuteAsync(TAction action, ActionContext context, CancellationToken cancellationToken);

    /// <summary>Asks the real system, by another path than the call's own reply, whether the effect stands. By default the probe.</summary>
    public virtual Task<Observation> VerifyAsync(TAction action, ActionContext context, CancellationToken cancellationToken) => ProbeAsync(action, context, cancellationToken);

    /// <summary>Takes the effect back. By default the action cannot be undone.</summary>
    /// <exception cref="NotSupportedException">It cannot.</exception>
    public virtual Task<string?> UndoAsync(TAction action, ActionContext context, CancellationToken cancellationToken) =>
        throw new NotSupportedException($"{typeof(TAction).Name} cannot be undone.");
}

/// <summary>How an action ended. A missing reply is never one of these: an unknown outcome holds the run.</summary>
public enum ActionStatus
{
    /// <summary>The target was asked, and it is so.</summary>
    Verified,

    /// <summary>The target was asked, and nothing was changed.</summary>
    NotApplied,

    /// <summary>The call went through, but the target does not show it.</summary>
    Diverged,

    /// <summary>It was not attempted: a person, a policy, a ruling or an expiry.</summary>
    Refused,

    /// <summary>The target answered the call and cannot be asked whether it is so (<see cref="BlindRule.TrustAnswer"/>): done by its word alone, which proves nothing.</summary>
    Unverified,
}

/// <summary>The settled outcome of an action. <paramref name="Proof"/> is what the target showed; <paramref name="MadeByUs"/>: the effect did not stand before; false where nobody can know.</summary>
public sealed record ActionOutcome(ActionStatus Status, string ActionId, string? Reason, string? Proof, bool MadeByUs)
{
    /// <summary>Other arguments, by which a person replaced those that were asked for: then this is the outcome of those, and nothing was done by the asked ones. Null if nobody did.</summary>
    public RawJson? Edited { get; init; }

    /// <summary>Whether the target shows the effect. At one that cannot be asked it never does.</summary>
    public bool IsVerified => Status == ActionStatus.Verified;

    /// <summary>
    /// Chooses by the outcome; none can be forgotten. <paramref name="unverified"/> is for actions whose policy trusts the answer of a blind target; without it that goes to <paramref name="diverged"/>, whose
    /// reason then says so, and never to <paramref name="verified"/>.
    /// </summary>
    public T Match<T>(
        Func<ActionOutcome, T> verified, Func<string, T> notApplied, Func<string, T> diverged, Func<string, T> refused, Func<ActionOutcome, T>? unverified = null)
    {
        ArgumentNullException.ThrowIfNull(verified);
        ArgumentNullException.ThrowIfNull(notApplied);
        ArgumentNullException.ThrowIfNull(diverged);
        ArgumentNullException.ThrowIfNull(refused);
        return Status switch
        {
            ActionStatus.Verified => verified(this),
            ActionStatus.NotApplied => notApplied(Reason ?? ""),
            ActionStatus.Diverged => diverged(Reason ?? ""),
            ActionStatus.Unverified => unverified is null ? diverged(Reason ?? "") : unverified(this),
            _ => refused(Reason ?? ""),
        };
    }
}
