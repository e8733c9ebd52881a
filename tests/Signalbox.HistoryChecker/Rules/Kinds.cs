using System.Collections.Frozen;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>Where a run is in its life, as its entries say.</summary>
[Flags]
internal enum Status
{
    None = 0,
    Pending = 1,
    Running = 2,
    Waiting = 4,
    Held = 8,
    Failed = 16,
    Completed = 32,
    Canceled = 64,
    Open = Pending | Running | Waiting | Held,
}

/// <summary>Which state and visit an entry must carry.</summary>
internal enum Place
{
    /// <summary>Those the run is in.</summary>
    Current,

    /// <summary>Those the run is in, or none: who writes from outside does not look.</summary>
    CurrentOrNone,

    /// <summary>Its own rule says.</summary>
    Own,
}

/// <summary>When a kind of entry may be written, and whether it belongs to a step. Who writes one <see cref="Always"/> does not drive the run: a person, a server, another run.</summary>
internal sealed record KindRule(Place Place, Status While, bool HasStep = false, bool ReadsBody = false, bool MayLackBody = false)
{
    public const Status Always = (Status)127;
}

/// <summary>The declared kinds. One that is missing here is a violation, so that a new kind gets its rule together with its code.</summary>
internal static class Kinds
{
    private static readonly FrozenDictionary<string, KindRule> s_rules = new Dictionary<string, KindRule>
    {
        ["run.started"] = new(Place.Own, Status.None, ReadsBody: true),
        ["run.leased"] = new(Place.Current, Status.Pending | Status.Waiting | Status.Running, ReadsBody: true),
        ["run.waiting"] = new(Place.Current, Status.Running),
        ["run.released"] = new(Place.Current, Status.Running),
        ["run.held"] = new(Place.Current, Status.Running, ReadsBody: true),
        ["run.resumed"] = new(Place.CurrentOrNone, Status.Held, ReadsBody: true),
        ["run.failed"] = new(Place.Current, Status.Running, ReadsBody: true),
        ["run.retried"] = new(Place.CurrentOrNone, Status.Failed, MayLackBody: true),
        ["run.completed"] = new(Place.Current, Status.Running, MayLackBody: true),
        ["run.canceled"] = new(Place.Current, Status.Running, MayLackBody: true),
        ["run.erased"] = new(Place.CurrentOrNone, Status.Completed | Status.Failed | Status.Canceled, ReadsBody: true),
        ["cancel.requested"] = new(Place.CurrentOrNone, Status.Open),
        ["state.entered"] = new(Place.Own, Status.Running, ReadsBody: true),
        ["step.started"] = new(Place.Current, Status.Running, HasStep: true),
        ["step.attempt_failed"] = new(Place.Current, Status.Running, HasStep: true),
        ["step.completed"] = new(Place.Current, Status.Running, HasStep: true),
        ["step.failed"] = new(Place.Current, Status.Running, HasStep: true),
        ["wait.opened"] = new(Place.Current, Status.Running, HasStep: true, ReadsBody: true),
        ["wait.completed"] = new(Place.Current, Status.Running, HasStep: true, ReadsBody: true),
        ["wait.withdrawn"] = new(Place.Current, Status.Running, HasStep: true),
        ["signal.received"] = new(Place.CurrentOrNone, Status.Open, ReadsBody: true),
        ["signal.sent"] = new(Place.Current, Status.Running, HasStep: true),
        ["approval.requested"] = new(Place.Current, Status.Running, HasStep: true, ReadsBody: true),
        ["approval.answered"] = new(Place.Current, Status.Open, HasStep: true, ReadsBody: true),
        ["approval.expired"] = new(Place.Current, Status.Running, HasStep: true, ReadsBody: true),
        ["approval.withdrawn"] = new(Place.Current, Status.Running, HasStep: true, MayLackBody: true),
        ["approval.ignored"] = new(Place.Own, KindRule.Always, MayLackBody: true),
        ["action.probed"] = new(Place.Current, Status.Running, HasStep: true),
        ["action.proposed"] = new(Place.Current, Status.Running, HasStep: true),
        ["policy.judged"] = new(Place.Current, Status.Running, HasStep: true),
        ["conflict.raised"] = new(Place.Own, KindRule.Always),
        ["conflict.ruled"] = new(Place.Own, KindRule.Always),
        ["claim.queued"] = new(Place.Current, Status.Running, HasStep: true, ReadsBody: true),
        ["claim.freed"] = new(Place.Own, KindRule.Always, HasStep: true),
        ["claim.withdrawn"] = new(Place.Current, Status.Running, HasStep: true, MayLackBody: true),
        ["claim.released"] = new(Place.Own, KindRule.Always),
        ["action.intended"] = new(Place.Current, Status.Running, HasStep: true),

        // What is in doubt is settled also while the run is held or failed.
        ["action.executed"] = new(Place.Current, Status.Running | Status.Held | Status.Failed, HasStep: true),
        ["action.verified"] = new(Place.Current, Status.Running | Status.Held | Status.Failed, HasStep: true),
        ["action.not_applied"] = new(Place.Current, Status.Running | Status.Held | Status.Failed, HasStep: true),
        ["action.diverged"] = new(Place.Current, Status.Running | Status.Held | Status.Failed, HasStep: true),
        ["action.unverified"] = new(Place.Current, Status.Running | Status.Held | Status.Failed, HasStep: true),
        ["action.refused"] = new(Place.Current, Status.Running | Status.Held | Status.Failed, HasStep: true),
        ["action.unknown"] = new(Place.Current, Status.Running | Status.Held | Status.Failed, HasStep: true),
        ["action.settled"] = new(Place.CurrentOrNone, Status.Open | Status.Failed),
        ["child.started"] = new(Place.Current, Status.Running, HasStep: true),
        ["agent.began"] = new(Place.Current, Status.Running, HasStep: true, ReadsBody: true),
        ["budget.reserved"] = new(Place.Current, Status.Running, HasStep: true, ReadsBody: true),
        ["tool.rejected"] = new(Place.Current, Status.Running, HasStep: true, ReadsBody: true),
        ["answer.rejected"] = new(Place.Current, Status.Running, HasStep: true, ReadsBody: true),
        ["decision.made"] = new(Place.Current, Status.Running, HasStep: true, ReadsBody: true),
        ["decision.judged"] = new(Place.Own, KindRule.Always, ReadsBody: true),
        ["escalation.raised"] = new(Place.Current, Status.Running, HasStep: true, ReadsBody: true),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static KindRule? Find(string kind) => s_rules.GetValueOrDefault(kind);
}
