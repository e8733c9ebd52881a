namespace Signalbox;

/// <summary>
/// An action that somebody wants done, as policies see it. <paramref name="Action"/> is the registered record; <paramref name="Proposer"/> is <c>workflow:name</c>, <c>agent:name</c>, or the person who edited it;
/// <paramref name="Tier"/> is the tier that wants it: the agent's whose tool call it is, or that of the decision which the workflow acts by; null where there is none. <paramref name="At"/> is now.
/// </summary>
public sealed record ProposedAction(
    string Name, object Action, bool Undo, string Proposer, string? Tier, RunId Run, string Workflow, string State, object Case, DateTimeOffset At, TargetClass TargetClass, Reversibility Reversibility,
    IReadOnlyList<Claim> Claims)
{
    /// <summary>What the handler says that it touches; nothing if it says nothing. (Its claims then are the action itself.)</summary>
    public IEnumerable<Resource> Touched => Claims.Select(c => c.Resource).Where(r => !r.Path.StartsWith("action/", StringComparison.Ordinal));

    /// <summary>How many addresses it touches, counting each other resource as one; a trillion at most.</summary>
    public long Addresses => Touched.Aggregate(0L, (sum, r) => Math.Min(IpRange.CountMax, sum + (IpRange.Of(r)?.Count ?? 1)));
}

/// <summary>What a policy says.</summary>
public enum PolicyVerdictKind
{
    /// <summary>It may be done.</summary>
    Allow,

    /// <summary>A person must approve it.</summary>
    Ask,

    /// <summary>The next tier must want it, or a person.</summary>
    Raise,

    /// <summary>It must not be done.</summary>
    Refuse,
}

/// <summary>What a policy says of an action, why, and whom to ask. Of several verdicts the strictest counts; each is recorded.</summary>
public sealed record PolicyVerdict(PolicyVerdictKind Kind, string Reason, ApprovalRule? Rule = null)
{
    /// <summary>What the action uses up of a limit, if it is begun; passing it counts as <see cref="WhenReached"/>.</summary>
    public Journal.LimitUse? Limit { get; init; }

    /// <summary>What counts when <see cref="Limit"/> is reached.</summary>
    public PolicyVerdictKind WhenReached { get; init; } = PolicyVerdictKind.Refuse;

    /// <summary>It may be done.</summary>
    public static PolicyVerdict Allow(string reason) => new(PolicyVerdictKind.Allow, reason);

    /// <summary>A person must approve it; by <see cref="ApprovalRule.Default"/> unless another rule is given.</summary>
    public static PolicyVerdict Ask(string reason, ApprovalRule? rule = null) => new(PolicyVerdictKind.Ask, reason, rule);

    /// <summary>
    /// The tier that wants it is not enough. Where an agent's tool call asked for it, the tier has failed and the next one decides; after the last, and where a workflow acts by itself, a person is asked by that
    /// rule.
    /// </summary>
    public static PolicyVerdict Raise(string reason, ApprovalRule? rule = null) => new(PolicyVerdictKind.Raise, reason, rule);

    /// <summary>It must not be done, whoever wants it.</summary>
    public static PolicyVerdict Refuse(string reason) => new(PolicyVerdictKind.Refuse, reason);
}

/// <summary>
/// A rule between a decision and an action, in code. Pure: it sees what is proposed and nothing else, is asked again before the action begins, and must not throw; one that does refuses. A reason that stays the
/// same while the verdict does is recorded once.
/// </summary>
public interface IActionPolicy
{
    /// <summary>What people know it by, recorded with its verdicts. No two policies have the same.</summary>
    string Name { get; }

    /// <summary>What it says; null if the action does not concern it.</summary>
    PolicyVerdict? Judge(ProposedAction action);

    /// <summary>What is wrong with its settings, a sentence each: the program does not start.</summary>
    IEnumerable<string> Faults() => [];
}

/// <summary>Policies in a line.</summary>
public static class ActionPolicies
{
    /// <summary>A rule about actions of one type, as a function; it is asked about undos too (<see cref="ProposedAction.Undo"/>). Null: the action does not concern it.</summary>
    public static IActionPolicy For<TAction>(string name, Func<TAction, ProposedAction, PolicyVerdict?> judge)
        where TAction : notnull
    {
        ArgumentNullException.ThrowIfNull(judge);
        return new Function<TAction>(name, judge);
    }

    /// <summary>The policy where that holds; elsewhere the action does not concern it.</summary>
    public static IActionPolicy When(this IActionPolicy policy, Func<ProposedAction, bool> condition)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(condition);
        return new Conditional(policy, condition);
    }

    private sealed class Function<TAction>(string name, Func<TAction, ProposedAction, PolicyVerdict?> judge) : PolicyFor<TAction>(name)
        where TAction : notnull
    {
        protected override bool JudgesUndos => true;

        protected override PolicyVerdict? Judge(TAction action, ProposedAction proposed) => judge(action, proposed);
    }

    private sealed class Conditional(IActionPolicy policy, Func<ProposedAction, bool> condition) : IActionPolicy, IPolicyOfType
    {
        public string Name => policy.Name;

        public Type? ActionType => (policy as IPolicyOfType)?.ActionType;

        public PolicyVerdict? Judge(ProposedAction action) => condition(action) ? policy.Judge(action) : null;

        public IEnumerable<string> Faults() => policy.Faults();
    }
}
