using System.Globalization;

namespace Signalbox;

/// <summary>From which confidence on a tier's decision stands, and below which a person decides at once; in between the next tier does.</summary>
public readonly record struct Thresholds(double Accept, double Floor);

/// <summary>
/// A level that may decide: a model with thresholds for its confidence. Defaults: a decision stands from 0.8 on, below 0.4 a person decides at once.
/// </summary>
public sealed record Tier(string Name, string Model)
{
    /// <summary>At or above it the decision stands; 0 to 1.</summary>
    public double Accept { get; init; } = 0.8;

    /// <summary>Below it a person decides at once, whatever tiers are left; 0 to <see cref="Accept"/>.</summary>
    public double Floor { get; init; } = 0.4;

    /// <summary>Thresholds for single kinds of decision.</summary>
    public IReadOnlyDictionary<string, Thresholds> Kinds { get; init; } = new Dictionary<string, Thresholds>();

    /// <summary>
    /// How often the question is put in all before an answer that is sure enough stands; what share of the answers agrees is a confidence signal of its own. 1: only once.
    /// </summary>
    public int Samples { get; init; } = 1;

    internal Thresholds For(string kind) => Kinds.TryGetValue(kind, out var own) ? own : new(Accept, Floor);
}

/// <summary>The tiers that decide, the cheapest first. After the last one there is a person.</summary>
public sealed record Ladder(params IReadOnlyList<Tier> Tiers)
{
    /// <summary>What escalations call the last rung.</summary>
    public const string Person = "person";

    /// <summary>A Haiku, then a Sonnet, then a person.</summary>
    public static Ladder Default { get; } = new(new Tier("fast", "claude-haiku-5-5"), new Tier("strong", "claude-sonnet-5-5"));

    internal IEnumerable<string> Faults(string whose, ModelCatalog models)
    {
        if (Tiers.Count == 0)
        {
            yield return $"The ladder of {whose} has no tier.";
        }

        foreach (var twice in Tiers.GroupBy(t => t.Name).Where(g => g.Count() > 1))
        {
            yield return $"The ladder of {whose} has two tiers '{twice.Key}'.";
        }

        foreach (var tier in Tiers)
        {
            if (tier.Name is null or { Length: 0 or > 50 } or Person || tier.Name.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.')))
            {
                yield return $"The ladder of {whose} has a tier '{tier.Name}'; a name has 1 to 50 letters, digits, '-', '_' or '.', and is not '{Person}'.";
            }

            if (models.Find(tier.Model) is null)
            {
                yield return $"Tier '{tier.Name}' of {whose} asks the model '{tier.Model}', which is not registered; registered: {models.Names}. Register it: AddModel(\"{tier.Model}\", …).";
            }

            foreach (var (kind, thresholds) in tier.Kinds.Prepend(new("", new(tier.Accept, tier.Floor))))
            {
                if (!(thresholds.Floor >= 0 && thresholds.Floor <= thresholds.Accept && thresholds.Accept <= 1))
                {
                    yield return string.Create(
                        CultureInfo.InvariantCulture,
                        $"Tier '{tier.Name}' of {whose}{(kind.Length == 0 ? "" : $", kind '{kind}',")} must have 0 <= Floor <= Accept <= 1; got Floor {thresholds.Floor} and Accept {thresholds.Accept}.");
                }
            }

            if (tier.Samples < 1)
            {
                yield return $"Tier '{tier.Name}' of {whose} must have Samples of 1 or more; got {tier.Samples}.";
            }
        }
    }
}

/// <summary>Which ladder and which budget count where: the most particular one that was configured.</summary>
internal sealed class DecisionSettings
{
    private readonly Dictionary<(string? Workflow, string? State, string? Agent), Ladder> _ladders = [];
    private readonly Dictionary<string, Budget> _budgets = [];

    public Ladder Ladder { get; set; } = Ladder.Default;

    public Budget Budget { get; set; } = Budget.Default;

    public void Set(Ladder ladder, string? workflow, string? state, string? agent) => _ladders[(workflow, state, agent)] = ladder;

    public void Set(Budget budget, string workflow) => _budgets[workflow] = budget;

    public Ladder LadderFor(string workflow, string state, string agent)
    {
        foreach (var key in new (string?, string?, string?)[] { (workflow, state, agent), (workflow, state, null), (workflow, null, agent), (workflow, null, null), (null, null, agent) })
        {
            if (_ladders.TryGetValue(key, out var ladder))
            {
                return ladder;
            }
        }

        return Ladder;
    }

    public Budget BudgetFor(string workflow) => _budgets.GetValueOrDefault(workflow, Budget);

    /// <summary>What is wrong for the agents that the workflows declare. Nobody needs the default ladder's models where no agent stands on it.</summary>
    public IEnumerable<string> Faults(WorkflowCatalog workflows, ModelCatalog models)
    {
        var seen = new HashSet<Ladder>(ReferenceEqualityComparer.Instance);
        foreach (var (workflow, state, agent) in workflows.Agents)
        {
            var ladder = LadderFor(workflow, state, agent);
            if (seen.Add(ladder))
            {
                foreach (var fault in ladder.Faults($"agent '{agent}' in state '{state}' of workflow '{workflow}'", models))
                {
                    yield return fault;
                }
            }
        }

        foreach (var (key, ladder) in _ladders.Where(l => seen.Add(l.Value)))
        {
            foreach (var fault in ladder.Faults($"workflow '{key.Workflow}', state '{key.State}', agent '{key.Agent}'", models))
            {
                yield return fault;
            }
        }

        foreach (var fault in _budgets.SelectMany(b => b.Value.Faults($"workflow '{b.Key}'")).Concat(Budget.Faults("all workflows")))
        {
            yield return fault;
        }
    }
}
