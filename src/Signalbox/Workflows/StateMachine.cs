using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>Where a workflow declares its states. Faults are collected and reported all at once, when the program starts.</summary>
public sealed class StateMachine<TState, TCase>
    where TState : struct, Enum
    where TCase : notnull
{
    private readonly string _workflow;
    private readonly int _version;
    private readonly List<StateDefinition> _states = [];
    private readonly Dictionary<string, StateHandler> _handlers = [];
    private readonly List<string> _faults = [];
    private string? _start;
    private string? _escalatesTo;
    private string? _onCancel;

    internal StateMachine(string workflow, int version)
    {
        _workflow = workflow;
        _version = version;
    }

    /// <summary>Declares the state that a run begins in.</summary>
    public StateDeclaration<TState> Start(TState state, Func<Visit<TState, TCase>, Task<Next>> handler)
    {
        if (_start is not null)
        {
            _faults.Add($"It has two starts, '{_start}' and '{state}'; a workflow begins in one state.");
        }

        _start ??= Name(state);
        return State(state, handler);
    }

    /// <summary>Declares a state and what happens in it.</summary>
    public StateDeclaration<TState> State(TState state, Func<Visit<TState, TCase>, Task<Next>> handler)
    {
        var name = Name(state);
        if (handler is null)
        {
            _faults.Add($"State '{name}' has no handler.");
        }
        else if (Add(new StateDefinition(name)))
        {
            _handlers[name] = engine => handler(new Visit<TState, TCase>(engine));
        }

        return new StateDeclaration<TState>(targets => Declared(name)?.To.AddRange(targets.Select(Name)), (agent, tools) =>
        {
            if (Declared(name) is { } declared)
            {
                _states[_states.IndexOf(declared)] = declared with { Agents = [.. declared.Agents ?? [], new AgentDefinition(agent, tools)] };
            }
        });
    }

    /// <summary>Declares a state that ends the run, and whether that is a success.</summary>
    public void End(TState state, bool success = true) => Add(new StateDefinition(Name(state), success ? "success" : "failure"));

    /// <summary>Declares the state for what cannot be decided here. It must be reachable.</summary>
    public void EscalatesTo(TState state) => _escalatesTo = Name(state);

    /// <summary>Declares the state that a run goes to, from any state, when somebody asks that it end. Without one it ends at once.</summary>
    public void OnCancel(TState state) => _onCancel = Name(state);

    internal WorkflowBinding Build(bool check)
    {
        var definition = new WorkflowDefinition(_workflow, _version, _start ?? "", _states, _escalatesTo, _onCancel);
        if (!check)
        {
            return new WorkflowBinding(definition, _handlers, typeof(TCase));
        }

        var faults = _faults.Concat(definition.Faults(Enum.GetNames<TState>())).ToList();
        try
        {
            SignalboxJson.Options.GetTypeInfo(typeof(TCase));
        }
        catch (Exception e) when (e is NotSupportedException or InvalidOperationException or JsonException)
        {
            faults.Add($"Its case {typeof(TCase).Name} cannot be written as JSON: {e.Message}");
        }

        return faults.Count == 0
            ? new WorkflowBinding(definition, _handlers, typeof(TCase))
            : throw new WorkflowFaultsException($"workflow '{_workflow}' v{_version}", faults);
    }

    private StateDefinition? Declared(string name) => _states.Find(s => s.Name == name);

    private bool Add(StateDefinition state)
    {
        if (_states.Exists(s => s.Name == state.Name))
        {
            _faults.Add($"State '{state.Name}' is declared twice.");
            return false;
        }

        _states.Add(state);
        return true;
    }

    private static string Name(TState state) => Enum.GetName(state) ?? state.ToString();
}

/// <summary>Takes what a state declares: where it may lead, and which agents it asks.</summary>
public sealed class StateDeclaration<TState>
    where TState : struct, Enum
{
    private readonly Action<TState[]> _lead;
    private readonly Action<string, string[]> _ask;

    internal StateDeclaration(Action<TState[]> lead, Action<string, string[]> ask)
    {
        _lead = lead;
        _ask = ask;
    }

    /// <summary>Declares where the state may lead. Any other transition fails the run in this state.</summary>
    public StateDeclaration<TState> To(params TState[] states)
    {
        _lead(states);
        return this;
    }

    /// <summary>
    /// Declares an agent that the state's handler may ask, and the tools that it has here, by name. For this agent in this state no other tool exists, whatever a model says.
    /// </summary>
    public StateDeclaration<TState> Agent(string name, params string[] tools)
    {
        _ask(name, tools);
        return this;
    }
}

/// <summary>One or more workflows are not well declared. The program does not start; every fault is listed. Code: <c>workflow_faults</c>.</summary>
public sealed class WorkflowFaultsException : Exception
{
    /// <summary>Names what is at fault and lists the faults, a line each.</summary>
    public WorkflowFaultsException(string subject, IReadOnlyList<string> faults)
        : base($"{char.ToUpperInvariant(subject[0])}{subject[1..]} cannot run, for {faults.Count} {(faults.Count == 1 ? "reason" : "reasons")}:{string.Concat(faults.Select(f => "\n  - " + f))}")
    {
        Faults = faults;
    }

    /// <summary>The faults, a sentence each.</summary>
    public IReadOnlyList<string> Faults { get; }
}
