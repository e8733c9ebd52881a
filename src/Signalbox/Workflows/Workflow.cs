using Signalbox.Journal;

namespace Signalbox;

/// <summary>
/// The authored definition: named states, the transitions allowed between them, a name and a version. Derive from
/// <see cref="Workflow{TState,TCase}"/>. An instance is made for each visit from the services of that visit's scope, so fields never outlive a visit.
/// </summary>
public abstract class Workflow
{
    private protected Workflow(string name, int version)
    {
        Name = name;
        Version = version;
    }

    /// <summary>Its name, stable for ever; 1 to 100 characters.</summary>
    public string Name { get; }

    /// <summary>Its version, from 1. A definition changed under the same version is refused while runs of the old one are open.</summary>
    public int Version { get; }

    /// <summary>The definition and the handlers of this instance. The definition of a type never changes, so it is checked at start-up alone.</summary>
    internal abstract WorkflowBinding Bind(bool check);
}

/// <summary>
/// A workflow over the states of an enum and a case, which is a value (a record) that each transition carries on. States are stored by name.
/// </summary>
/// <typeparam name="TState">The states. Every member is declared in <see cref="Define"/>.</typeparam>
/// <typeparam name="TCase">What a run is about; written as JSON (see <see cref="SignalboxJson"/>).</typeparam>
public abstract class Workflow<TState, TCase>(string name, int version) : Workflow(name, version)
    where TState : struct, Enum
    where TCase : notnull
{
    /// <summary>Declares the states, their handlers and their transitions. Called for every visit; does nothing else.</summary>
    protected abstract void Define(StateMachine<TState, TCase> states);

    internal override WorkflowBinding Bind(bool check)
    {
        var states = new StateMachine<TState, TCase>(Name, Version);
        Define(states);
        return states.Build(check);
    }
}

/// <summary>A definition and the handlers of one workflow instance.</summary>
internal sealed record WorkflowBinding(WorkflowDefinition Definition, IReadOnlyDictionary<string, StateHandler> Handlers, Type CaseType);

internal delegate Task<Next> StateHandler(VisitEngine engine);
