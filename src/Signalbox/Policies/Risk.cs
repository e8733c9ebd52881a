namespace Signalbox;

/// <summary>How much harm an action can do.</summary>
public enum RiskClass
{
    /// <summary>Little.</summary>
    Low,

    /// <summary>Some.</summary>
    Medium,

    /// <summary>Much.</summary>
    High,
}

/// <summary>
/// Which tier may do by itself what is how risky. Where the tier that wants it may not, and another one may, the action is raised to the next tier; where none may, a person is asked. Undos are not concerned.
/// </summary>
public sealed class Risk<TAction> : PolicyFor<TAction>
    where TAction : notnull
{
    private readonly Func<TAction, ProposedAction, RiskClass> _classOf;

    /// <summary>With a rule of its own for how risky an action is.</summary>
    public Risk(string name, Func<TAction, ProposedAction, RiskClass> classOf)
        : base(name)
    {
        ArgumentNullException.ThrowIfNull(classOf);
        _classOf = classOf;
    }

    /// <summary>By what can be taken back: reversible is low, compensable is medium, irreversible is high.</summary>
    public Risk(string name)
        : this(name, static (_, proposed) => (RiskClass)proposed.Reversibility)
    {
    }

    /// <summary>Up to which class each tier may act by itself. By default, for the tiers of <see cref="Ladder.Default"/>: fast up to low, strong up to medium.</summary>
    public IReadOnlyDictionary<string, RiskClass> Tiers { get; init; } = new Dictionary<string, RiskClass> { ["fast"] = RiskClass.Low, ["strong"] = RiskClass.Medium };

    /// <summary>The same for a tier that is not named, and for a workflow that acts by no decision of a tier; null: they may do nothing by themselves.</summary>
    public RiskClass? Otherwise { get; init; } = RiskClass.Low;

    /// <summary>Who is asked.</summary>
    public ApprovalRule? Rule { get; init; }

    /// <inheritdoc />
    public override IEnumerable<string> Faults() => Tiers.Values.Append(Otherwise ?? RiskClass.Low).Where(c => !Enum.IsDefined(c)).Select(c => $"there is no risk class {c}.");

    /// <inheritdoc />
    protected override PolicyVerdict? Judge(TAction action, ProposedAction proposed)
    {
        ArgumentNullException.ThrowIfNull(proposed);
        var risk = _classOf(action, proposed);
        var may = proposed.Tier is { } tier && Tiers.TryGetValue(tier, out var upTo) ? upTo : Otherwise;
        var who = proposed.Tier is null ? "who acts by no tier's decision" : $"tier '{proposed.Tier}'";
        var what = $"its risk is {Word(risk)}, and {who} may do by itself {(may is { } most ? $"what is {Word(most)}{(most == RiskClass.Low ? "" : " or less")}" : "nothing")}";
        return risk <= may ? PolicyVerdict.Allow(what)
            : Tiers.Values.Any(c => c >= risk) ? PolicyVerdict.Raise(what, Rule)
            : PolicyVerdict.Ask(what, Rule);
    }

    private static string Word(RiskClass risk) => risk.ToString().ToLowerInvariant();
}
