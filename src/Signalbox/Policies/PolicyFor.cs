namespace Signalbox;

/// <summary>
/// A policy about actions of one type; of a base type or an interface (<see cref="object"/> for all), about all that are of it. It is not asked about undos unless it says so: what may not be done may be taken back.
/// </summary>
public abstract class PolicyFor<TAction>(string name) : IActionPolicy, IPolicyOfType
    where TAction : notnull
{
    /// <inheritdoc />
    public string Name { get; } = name;

    Type? IPolicyOfType.ActionType => typeof(TAction);

    /// <summary>Whether it is asked about undos too.</summary>
    protected virtual bool JudgesUndos => false;

    /// <inheritdoc />
    public PolicyVerdict? Judge(ProposedAction action)
    {
        ArgumentNullException.ThrowIfNull(action);
        return action.Action is TAction typed && (JudgesUndos || !action.Undo) ? Judge(typed, action) : null;
    }

    /// <inheritdoc />
    public virtual IEnumerable<string> Faults() => [];

    /// <summary>What it says; null if the action does not concern it.</summary>
    protected abstract PolicyVerdict? Judge(TAction action, ProposedAction proposed);
}

/// <summary>A policy about one type of actions, if it says which.</summary>
internal interface IPolicyOfType
{
    Type? ActionType { get; }
}
