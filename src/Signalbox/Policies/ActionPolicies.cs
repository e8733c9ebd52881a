using Signalbox.Journal;

namespace Signalbox;

/// <summary>
/// An action that somebody wants done, as policies see it. <paramref name="Action"/> is the registered record; <paramref name="Proposer"/> is <c>workflow:name</c>, <c>agent:name</c>, or the person who edited it;
/// <paramref name="Tier"/> is the tier that wants it, where an agent does.
/// </summary>
public sealed record ProposedAction(
    string Name, object Action, bool Undo, string Proposer, string? Tier, RunId Run, string Workflow, string State, object Case, DateTimeOffset At, TargetClass TargetClass, Reversibility Reversibility,
    IReadOnlyList<Claim> Claims);

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
    public LimitUse? Limit { get; init; }

    /// <summary>What counts when <see cref="Limit"/> is reached.</summary>
    public PolicyVerdictKind WhenReached { get; init; } = PolicyVerdictKind.Refuse;

    /// <summary>It may be done.</summary>
    public static PolicyVerdict Allow(string reason) => new(PolicyVerdictKind.Allow, reason);

    /// <summary>A person must approve it; by <see cref="ApprovalRule.Default"/> unless another rule is given.</summary>
    public static PolicyVerdict Ask(string reason, ApprovalRule? rule = null) => new(PolicyVerdictKind.Ask, reason, rule);

    /// <summary>The tier that wants it is not enough: the next one decides, or a person.</summary>
    public static PolicyVerdict Raise(string reason) => new(PolicyVerdictKind.Raise, reason);

    /// <summary>It must not be done, whoever wants it.</summary>
    public static PolicyVerdict Refuse(string reason) => new(PolicyVerdictKind.Refuse, reason);
}

/// <summary>
/// A rule between a decision and an action, in code. Pure: it sees what is proposed and nothing else, is asked again before the action begins, and must not throw; one that does refuses.
/// </summary>
public interface IActionPolicy
{
    /// <summary>What people know it by, recorded with its verdicts.</summary>
    string Name { get; }

    /// <summary>What it says; null if the action does not concern it.</summary>
    PolicyVerdict? Judge(ProposedAction action);
}

/// <summary>The policies that this program acts under.</summary>
internal sealed class PolicyBook(IReadOnlyList<IActionPolicy> policies)
{
    private const int ReasonCharactersMax = 2_000;

    public static PolicyBook None { get; } = new([]);

    public IReadOnlyList<(string Policy, PolicyVerdict Verdict)> Judge(ProposedAction action)
    {
        var verdicts = new List<(string, PolicyVerdict)>();
        foreach (var policy in policies)
        {
            if (Judge(policy, action) is { } verdict)
            {
                verdicts.Add((policy.Name, verdict with { Reason = Texts.Cut(verdict.Reason, ReasonCharactersMax) }));
            }
        }

        return verdicts;
    }

    private static PolicyVerdict? Judge(IActionPolicy policy, ProposedAction action)
    {
        try
        {
            return policy.Judge(action);
        }
        catch (Exception e)
        {
            return PolicyVerdict.Refuse($"the policy failed ({e.GetType().Name}: {e.Message}), and what cannot be judged is not done");
        }
    }
}
