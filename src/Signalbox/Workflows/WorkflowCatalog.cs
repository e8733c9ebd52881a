using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>A workflow of this program: how to make an instance, and its definition.</summary>
internal sealed record RegisteredWorkflow(string Name, int Version, WorkflowDefinition Drawn, Payload Definition, Type CaseType, Func<IServiceProvider, Workflow> Create)
{
    public string Start => Drawn.Start;

    public WorkflowVersion Id => new(Name, Version);
}

/// <summary>The workflows of this program, several versions of one name side by side.</summary>
internal sealed class WorkflowCatalog
{
    private readonly Dictionary<WorkflowVersion, RegisteredWorkflow> _workflows = [];

    /// <summary>Makes one instance of each, to read its definition; every fault of every workflow is added to the faults.</summary>
    public WorkflowCatalog(IEnumerable<Func<IServiceProvider, Workflow>> factories, IServiceProvider services, List<string> faults)
    {
        using var scope = services.CreateScope();
        foreach (var create in factories)
        {
            try
            {
                var workflow = create(scope.ServiceProvider);
                var binding = workflow.Bind(check: true);
                var registered = new RegisteredWorkflow(workflow.Name, workflow.Version, binding.Definition, Payload.Of(binding.Definition.ToJson()), binding.CaseType, create);
                if (!_workflows.TryAdd(registered.Id, registered))
                {
                    faults.Add($"Workflow '{registered.Name}' v{registered.Version} is registered twice.");
                }
            }
            catch (WorkflowFaultsException e)
            {
                faults.Add(e.Message.Replace("\n", "\n    ", StringComparison.Ordinal));
            }
        }
    }

    public IReadOnlyCollection<WorkflowVersion> Versions => _workflows.Keys;

    /// <summary>The types of all cases.</summary>
    public IEnumerable<Type> CaseTypes => _workflows.Values.Select(w => w.CaseType);

    /// <summary>All states of all workflows.</summary>
    public IEnumerable<(string Workflow, StateDefinition State)> States => _workflows.Values.SelectMany(w => w.Drawn.States.Select(s => (w.Name, s)));

    /// <summary>All agents that states ask.</summary>
    public IEnumerable<(string Workflow, string State, string Agent)> Agents => States.SelectMany(s => (s.State.Agents ?? []).Select(a => (s.Workflow, s.State.Name, a.Name)));

    public RegisteredWorkflow? Find(WorkflowVersion id) => _workflows.GetValueOrDefault(id);

    /// <summary>The workflow of that name; its newest version unless one is named.</summary>
    /// <exception cref="ArgumentException">This program has none.</exception>
    public RegisteredWorkflow Get(string name, int? version = null) =>
        _workflows.Values.Where(w => w.Name == name && (version is null || w.Version == version)).MaxBy(w => w.Version)
        ?? throw new ArgumentException($"This program has no workflow '{name}'{(version is null ? "" : $" v{version}")}; it has: {string.Join(", ", _workflows.Keys.Where(w => !w.Name.StartsWith(WatchWorkflow.Prefix, StringComparison.Ordinal)).Order(Comparer<WorkflowVersion>.Create((a, b) => string.CompareOrdinal(a.ToString(), b.ToString()))))}.", nameof(name));

    /// <summary>Refuses to drive runs that were started under the same version of another definition.</summary>
    /// <exception cref="WorkflowFaultsException">There are such runs, and they are open.</exception>
    public async Task CheckAgainstAsync(IRunReader store, CancellationToken cancellationToken)
    {
        var faults = new List<string>();
        foreach (var workflow in _workflows.Values)
        {
            var query = new RunQuery
            {
                Workflow = workflow.Name,
                Version = workflow.Version,
                FingerprintIsNot = workflow.Definition.Hash.Value,
                Statuses = [RunStatus.Pending, RunStatus.Running, RunStatus.Waiting, RunStatus.Held],
                Limit = 11,
            };
            var open = await store.ListAsync(query, cancellationToken);
            if (open.Count > 0)
            {
                var names = string.Join(", ", open.Take(10).Select(h => h.Row.Run)) + (open.Count > 10 ? ", …" : "");
                faults.Add($"Workflow '{workflow.Name}' v{workflow.Version} has changed, and these open runs began under the definition it had before: {names}. Give the changed workflow version {workflow.Version + 1} and register both, or let the runs end first.");
            }
        }

        if (faults.Count > 0)
        {
            throw new WorkflowFaultsException("the workflows of this program", faults);
        }
    }
}
