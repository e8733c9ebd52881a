namespace Signalbox;

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

    /// <summary>What is wrong with them. One about a type that no registered action has would be silent for ever.</summary>
    public IEnumerable<string> Faults(ActionCatalog actions)
    {
        foreach (var twice in policies.GroupBy(p => p.Name).Where(g => g.Count() > 1))
        {
            yield return $"Policy '{twice.Key}' is added {twice.Count()} times; each needs a name of its own.";
        }

        foreach (var policy in policies)
        {
            if (policy.Name is null or { Length: 0 or > 100 } || policy.Name.Any(c => char.IsControl(c) || c == '/'))
            {
                yield return $"A policy is named '{policy.Name}'; a name has 1 to 100 characters, no '/' and no control character.";
            }

            if (policy is IPolicyOfType { ActionType: { } type } && !actions.HasOneOf(type))
            {
                yield return $"Policy '{policy.Name}' is about {type.Name}, and no registered action is one. Register it: AddAction<{type.Name}, {type.Name}Handler>(\"stable_name\").";
            }

            foreach (var fault in policy.Faults())
            {
                yield return $"Policy '{policy.Name}': {fault}";
            }
        }
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
