using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Queries;

/// <summary>
/// Everything about one run, as its entries up to <see cref="Head"/> tell it; the values that entries refer to as payloads are not loaded (<see cref="RawJson.Reference"/>). What was marked or matched for redaction is masked.
/// A body that cannot be read is left out, and <see cref="Unreadable"/> names its entry.
/// </summary>
public sealed record RunView
{
    /// <summary>The run's row, its open waits and its mailbox.</summary>
    public required RunHead Head { get; init; }

    /// <summary>The definition it runs by; null if it is missing.</summary>
    public WorkflowDefinition? Definition { get; init; }

    /// <summary>Its visits in order: the path it took.</summary>
    public IReadOnlyList<VisitView> Visits { get; init; } = [];

    /// <summary>Its spans by their start; each after the one that it lies in.</summary>
    public IReadOnlyList<RunSpan> Spans { get; init; } = [];

    /// <summary>What sources answered, and what is missing.</summary>
    public IReadOnlyList<EvidenceView> Evidence { get; init; } = [];

    /// <summary>Its decisions.</summary>
    public IReadOnlyList<DecisionView> Decisions { get; init; } = [];

    /// <summary>What moved up the ladder, and why.</summary>
    public IReadOnlyList<EscalationView> Escalations { get; init; } = [];

    /// <summary>Model calls, those that failed too.</summary>
    public IReadOnlyList<ModelCallView> ModelCalls { get; init; } = [];

    /// <summary>Tool calls: answered, failed, or rejected.</summary>
    public IReadOnlyList<ToolCallView> ToolCalls { get; init; } = [];

    /// <summary>Its actions, with their proof.</summary>
    public IReadOnlyList<ActionView> Actions { get; init; } = [];

    /// <summary>Its questions to people, and who answered what.</summary>
    public IReadOnlyList<ApprovalView> Approvals { get; init; } = [];

    /// <summary>What agents used up, by agent, tier and model, the dearest first.</summary>
    public IReadOnlyList<CostView> Costs { get; init; } = [];

    /// <summary>The runs it started.</summary>
    public IReadOnlyList<ChildView> Children { get; init; } = [];

    /// <summary>The seqs of entries whose body could not be read, or was erased.</summary>
    public IReadOnlyList<long> Unreadable { get; init; } = [];
}

/// <summary>One stay in one state. <paramref name="Cause"/> and <paramref name="Actor"/> are those of the transition into it; <paramref name="LeftAt"/> is null while it lasts. Times in microseconds since 1970.</summary>
public sealed record VisitView(int Number, string State, string? From, string Cause, string Actor, long EnteredAt, long? LeftAt, long Seq);

/// <summary>What a source was asked: <paramref name="Missing"/> is the code of why there is no answer, <paramref name="Reason"/> the words.</summary>
public sealed record EvidenceView(
    long Seq, long At, int Visit, string State, string Scope, string Source, RawJson? Arguments, RawJson? Result, string? Missing, string? Reason, long Microseconds, int Attempts, long? CachedMicroseconds);

/// <summary>A tier's typed answer. <paramref name="Outcome"/> is <c>right</c>, <c>wrong</c> or null for unknown; <paramref name="Missing"/> is the evidence that capped its confidence.</summary>
public sealed record DecisionView(
    long Seq, long At, int Visit, string State, string Scope, string Decision, string Agent, string Tier, string Model, string Kind, RawJson Answer, double Confidence, IReadOnlyDictionary<string, double> Signals,
    IReadOnlyList<string> Reasons, bool Stands, long Micros, IReadOnlyDictionary<string, string> Missing, string? Objection, string? Outcome, string? JudgedBy);

/// <summary>A move up the ladder. <paramref name="Reason"/> is one of <see cref="EscalationReasons"/>; <paramref name="To"/> is a tier or <c>person</c>.</summary>
public sealed record EscalationView(long Seq, long At, int Visit, string State, string Scope, string Agent, string From, string To, string Reason, string Why, string? Decision);

/// <summary>A model call. <paramref name="Error"/> is the code of how it failed (<paramref name="IsFinal"/>: and was not tried again); then there is no reply.</summary>
public sealed record ModelCallView(
    long Seq, long At, int Visit, string State, string Scope, string Agent, string Tier, int Turn, string Model, string? FinishReason, long? InputTokens, long? OutputTokens, long? CachedInputTokens, long Micros,
    long Microseconds, int Attempts, string? Error, string? Reason, bool IsFinal);

/// <summary>
/// A tool call of an agent. <paramref name="Rejected"/> is one of <see cref="RejectionCodes"/> where it was not carried out; <paramref name="Error"/> (<c>timed_out</c>, <c>failed</c>, …) where it failed;
/// <paramref name="Reason"/> says more of either. Of a call that failed and was tried again (<paramref name="IsFinal"/> is false) each attempt stands on its own.
/// </summary>
public sealed record ToolCallView(
    long Seq, long At, int Visit, string State, string Scope, string Agent, string Tier, int Turn, string CallId, string Tool, RawJson? Arguments, RawJson? Result, string? Rejected, string? Error, string? Reason,
    IReadOnlyList<string> Nearest, long Microseconds, int Attempts, bool IsFinal = true);

/// <summary>Who answered a question, with which roles, when. <paramref name="Ignored"/> says why an answer changed nothing; then it is not <paramref name="Counted"/>.</summary>
public sealed record AnswerView(long Seq, long At, string Actor, string Choice, IReadOnlyList<string> Roles, string? Comment, bool Counted, string? Ignored);

/// <summary>A question to a person. <paramref name="Outcome"/> is the choice that came of it, <c>expired</c>, <c>withdrawn</c> (also after an approval that no intent has consumed), or null while it is open.</summary>
public sealed record ApprovalView(
    long Seq, long At, int Visit, string State, string Scope, string Step, string Title, IReadOnlyList<string> Choices, IReadOnlyList<string> Roles, int Quorum, long? Due, string? Safe, string? ActionId, string? Hash,
    IReadOnlyList<string> Why, IReadOnlyList<AnswerView> Answers, string? Outcome, long? EndedAt);

/// <summary>
/// An action, as far as it came: <c>probed</c>, <c>proposed</c>, <c>asks</c>, <c>approved</c>, <c>rejected</c>, <c>queued</c>, <c>intended</c>, <c>executed</c>, <c>verified</c>, <c>not_applied</c>, <c>diverged</c>,
/// <c>unverified</c>, <c>refused</c>, <c>unknown</c>, <c>undone</c>, <c>undo_unverified</c>, <c>withdrawn</c>. <paramref name="At"/> is its last entry's time.
/// </summary>
public sealed record ActionView(string Id, string Name, string Status, string State, int Visit, string Scope, string Step, long FirstSeq, long LastSeq, long At)
{
    /// <summary>What would be done, or was.</summary>
    public RawJson? Arguments { get; init; }

    /// <summary>The SHA-256 of the canonical arguments.</summary>
    public string? Hash { get; init; }

    /// <summary>The target's class, <c>T0</c> to <c>T4</c>.</summary>
    public string? TargetClass { get; init; }

    /// <summary>How it can be taken back.</summary>
    public string? Reversibility { get; init; }

    /// <summary>Whether it is being, or was, taken back.</summary>
    public bool IsUndo { get; init; }

    /// <summary>Calls of the target.</summary>
    public int Attempts { get; init; }

    /// <summary>Who wants it.</summary>
    public string? Proposer { get; init; }

    /// <summary>Why it stands as it does.</summary>
    public string? Reason { get; init; }

    /// <summary>What the target showed.</summary>
    public string? Proof { get; init; }

    /// <summary>How often the target was looked at for the verdict.</summary>
    public int Probes { get; init; }

    /// <summary>How the verdict was come to.</summary>
    public Agreement? Agreement { get; init; }

    /// <summary>Whether our call made the effect; null while nothing is verified.</summary>
    public bool? MadeByUs { get; init; }

    /// <summary>Whether it needed an approval, and of how many.</summary>
    public int? Quorum { get; init; }

    /// <summary>What it claims, or claimed.</summary>
    public IReadOnlyList<Claim> Claims { get; init; } = [];

    /// <summary>Who answered for it.</summary>
    public IReadOnlyList<AnswerView> Answers { get; init; } = [];

    /// <summary>What policies said of it.</summary>
    public IReadOnlyList<PolicyJudged> Verdicts { get; init; } = [];

    /// <summary>Whom it opposed, and what was ruled.</summary>
    public IReadOnlyList<ConflictView> Conflicts { get; init; } = [];
}

/// <summary>A conflict from one run's side; <paramref name="Ruled"/> is null while it is open.</summary>
public sealed record ConflictView(long Seq, long At, ConflictRaised Raised, ConflictRuled? Ruled, long? RuledAt);

/// <summary>What one agent's tier used up with one model.</summary>
public sealed record CostView(string Agent, string Tier, string Model, Spending Spent);

/// <summary>A child run.</summary>
public sealed record ChildView(long Seq, long At, RunId Run, string Workflow);
