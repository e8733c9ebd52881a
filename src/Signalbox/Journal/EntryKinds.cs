namespace Signalbox.Journal;

/// <summary>
/// The kinds of entries: stable names, never reused for something else. Each belongs to one of five families, and
/// <see cref="Storage.RunHead"/> says what it does to the run's row.
/// </summary>
public static class EntryKinds
{
    /// <summary>The run exists. Body: <see cref="RunStarted"/>.</summary>
    public const string RunStarted = "run.started";

    /// <summary>A worker drives it from here, under this entry's epoch. Body: <see cref="RunLeased"/>.</summary>
    public const string RunLeased = "run.leased";

    /// <summary>Only durable waits are left; nobody drives it.</summary>
    public const string RunWaiting = "run.waiting";

    /// <summary>The worker stopped in good order and gave it back.</summary>
    public const string RunReleased = "run.released";

    /// <summary>It needs an operator. Body: <see cref="Trouble"/>.</summary>
    public const string RunHeld = "run.held";

    /// <summary>An operator let a held run go on. Body: <see cref="Release"/>.</summary>
    public const string RunResumed = "run.resumed";

    /// <summary>It failed in this state. Body: <see cref="Trouble"/>.</summary>
    public const string RunFailed = "run.failed";

    /// <summary>A failed run's last visit was opened again.</summary>
    public const string RunRetried = "run.retried";

    /// <summary>It reached an end that its workflow declares a success.</summary>
    public const string RunCompleted = "run.completed";

    /// <summary>It ended because somebody asked for that.</summary>
    public const string RunCanceled = "run.canceled";

    /// <summary>
    /// What the run was about was erased on somebody's word: bodies and causes of every entry before this one are empty, and so are the row's key, labels and reason. Nothing follows it. Body: <see cref="Journal.RunErased"/>.
    /// </summary>
    public const string RunErased = "run.erased";

    /// <summary>Somebody asked that it end.</summary>
    public const string CancelRequested = "cancel.requested";

    /// <summary>A transition: a visit of this entry's state begins. Body: <see cref="StateEntered"/>.</summary>
    public const string StateEntered = "state.entered";

    /// <summary>A step is at work; rides along with a later commit, so only long ones have it. Body: <see cref="StepStarted"/>.</summary>
    public const string StepStarted = "step.started";

    /// <summary>One attempt of a step failed and another follows. Body: <see cref="StepFailed"/>.</summary>
    public const string StepAttemptFailed = "step.attempt_failed";

    /// <summary>A step's result. Body: <see cref="StepCompleted"/>.</summary>
    public const string StepCompleted = "step.completed";

    /// <summary>A step failed for good; the failure is its result. Body: <see cref="StepFailed"/>.</summary>
    public const string StepFailed = "step.failed";

    /// <summary>A durable wait began. Body: <see cref="WaitOpened"/>.</summary>
    public const string WaitOpened = "wait.opened";

    /// <summary>A durable wait ended, and its signal, if any, is consumed. Body: <see cref="WaitCompleted"/>.</summary>
    public const string WaitCompleted = "wait.completed";

    /// <summary>The visit ended without this wait.</summary>
    public const string WaitWithdrawn = "wait.withdrawn";

    /// <summary>A message from outside lies in the run's mailbox. Body: <see cref="SignalReceived"/>.</summary>
    public const string SignalReceived = "signal.received";

    /// <summary>The run sent a signal to another run, in the same transaction. Body: <see cref="SignalSent"/>.</summary>
    public const string SignalSent = "signal.sent";

    /// <summary>A question to a person. Body: <see cref="ApprovalRequested"/>.</summary>
    public const string ApprovalRequested = "approval.requested";

    /// <summary>The first valid answer. Body: <see cref="ApprovalAnswered"/>.</summary>
    public const string ApprovalAnswered = "approval.answered";

    /// <summary>Nobody answered in time; the safe choice counts. Body: <see cref="ApprovalAnswered"/>.</summary>
    public const string ApprovalExpired = "approval.expired";

    /// <summary>The visit ended without an answer; or the answer does not suffice any more, and a question follows that takes its place.</summary>
    public const string ApprovalWithdrawn = "approval.withdrawn";

    /// <summary>An answer that changed nothing: twice, late, or not one of the choices. Body: <see cref="ApprovalAnswered"/>.</summary>
    public const string ApprovalIgnored = "approval.ignored";

    /// <summary>The target was looked at before an intent. Body: <see cref="ActionObserved"/>.</summary>
    public const string ActionProbed = "action.probed";

    /// <summary>An action that needs a person's approval or a ruling before its intent: exactly what would be done. Body: <see cref="Journal.ActionProposed"/>.</summary>
    public const string ActionProposed = "action.proposed";

    /// <summary>What a policy says of an action, and why. Body: <see cref="Journal.PolicyJudged"/>.</summary>
    public const string PolicyJudged = "policy.judged";

    /// <summary>Two claims that cannot both stand; in both runs. Body: <see cref="Journal.ConflictRaised"/>.</summary>
    public const string ConflictRaised = "conflict.raised";

    /// <summary>What became of a conflict; in both runs. Body: <see cref="Journal.ConflictRuled"/>.</summary>
    public const string ConflictRuled = "conflict.ruled";

    /// <summary>An action waits until holds of others are settled. Body: <see cref="Journal.ClaimQueued"/>.</summary>
    public const string ClaimQueued = "claim.queued";

    /// <summary>It is a queued action's turn. Written by the store, in the transaction that settles what it waited for. Body: <see cref="Journal.ClaimFreed"/>.</summary>
    public const string ClaimFreed = "claim.freed";

    /// <summary>The visit ended while an action was queued.</summary>
    public const string ClaimWithdrawn = "claim.withdrawn";

    /// <summary>Standing claims ended without an undo. Body: <see cref="Journal.ClaimReleased"/>.</summary>
    public const string ClaimReleased = "claim.released";

    /// <summary>Durable before the effect. Body: <see cref="ActionIntended"/>.</summary>
    public const string ActionIntended = "action.intended";

    /// <summary>The target's own reply to the call; proves nothing. Body: <see cref="ActionExecuted"/>.</summary>
    public const string ActionExecuted = "action.executed";

    /// <summary>The target was asked, and it is so. Body: <see cref="ActionObserved"/>.</summary>
    public const string ActionVerified = "action.verified";

    /// <summary>The target was asked, and nothing was changed. Body: <see cref="ActionObserved"/>.</summary>
    public const string ActionNotApplied = "action.not_applied";

    /// <summary>The call went through, but the target does not show it. Body: <see cref="ActionObserved"/>.</summary>
    public const string ActionDiverged = "action.diverged";

    /// <summary>A blind target answered the call, and nobody can look whether it is so; the action's policy lets that be its end. Body: <see cref="ActionObserved"/>.</summary>
    public const string ActionUnverified = "action.unverified";

    /// <summary>It was not attempted, and why. Body: <see cref="ActionObserved"/>.</summary>
    public const string ActionRefused = "action.refused";

    /// <summary>The target cannot say; the run is held. Body: <see cref="ActionObserved"/>.</summary>
    public const string ActionUnknown = "action.unknown";

    /// <summary>An operator settled an action that the target could not settle, or accepted effects no longer asked for.</summary>
    public const string ActionSettled = "action.settled";

    /// <summary>A child run was started in the same transaction. Body: <see cref="ChildStarted"/>.</summary>
    public const string ChildStarted = "child.started";

    /// <summary>An agent was asked: the configuration it works under, pinned for this visit. Body: <see cref="AgentBegan"/>.</summary>
    public const string AgentBegan = "agent.began";

    /// <summary>Durable before a paid call: what it may use up counts as spent until it is settled. Body: <see cref="BudgetReserved"/>.</summary>
    public const string BudgetReserved = "budget.reserved";

    /// <summary>A tool call that was not carried out: no such tool, arguments that do not fit, and the like. Body: <see cref="ToolRejected"/>.</summary>
    public const string ToolRejected = "tool.rejected";

    /// <summary>A model's answer that does not fit its type. Body: <see cref="AnswerRejected"/>.</summary>
    public const string AnswerRejected = "answer.rejected";

    /// <summary>A tier gave a typed answer; whether it stands. Body: <see cref="DecisionMade"/>.</summary>
    public const string DecisionMade = "decision.made";

    /// <summary>What became of a decision. Body: <see cref="DecisionJudged"/>.</summary>
    public const string DecisionJudged = "decision.judged";

    /// <summary>A decision moves up the ladder, and why. Body: <see cref="EscalationRaised"/>.</summary>
    public const string EscalationRaised = "escalation.raised";
}
