namespace Signalbox;

/// <summary>The tools of this program, by name.</summary>
internal sealed class ToolCatalog
{
    private readonly Dictionary<string, Tool> _tools = [];
    private readonly IReadOnlyList<ToolSource> _sources;

    public ToolCatalog(IEnumerable<Func<IServiceProvider, Tool>> tools, IEnumerable<Func<IServiceProvider, ToolSource>> sources, IServiceProvider services, ActionCatalog actions, List<string> faults)
    {
        _sources = [.. sources.Select(s => s(services))];
        foreach (var tool in tools.Select(t => t(services)).Concat(_sources.SelectMany(s => s.Tools)))
        {
            if (!_tools.TryAdd(tool.Name, tool))
            {
                faults.Add($"Tool '{tool.Name}' is registered twice.");
            }

            if (tool.ActionType is { } type && !actions.Has(type))
            {
                faults.Add($"Tool '{tool.Name}' is bound to the action {type.Name}, for which no handler is registered. Register one: AddAction<{type.Name}, {type.Name}Handler>(\"stable_name\").");
            }

            if (tool.UsesContext && tool.Options.CachedFor > TimeSpan.Zero)
            {
                faults.Add($"Tool '{tool.Name}' takes a {nameof(ToolContext)}, so its answers depend on the run, and must not be shared with other runs. Leave out CachedFor, or give it everything it depends on as arguments.");
            }
        }
    }

    public string Names => _tools.Count == 0 ? "none" : string.Join(", ", _tools.Keys.Order(StringComparer.Ordinal));

    public Tool? Find(string name) => _tools.GetValueOrDefault(name);

    public bool IsUndeclared(string name) => _sources.Any(s => s.Undeclared.Contains(name));

    public IEnumerable<string> Faults(WorkflowCatalog workflows) =>
        from state in workflows.States
        from agent in state.State.Agents ?? []
        from tool in agent.Tools
        where Find(tool) is null
        select $"State '{state.State.Name}' of workflow '{state.Workflow}' gives agent '{agent.Name}' the tool '{tool}', which is not registered; registered: {Names}. Register it: AddTool(…).";
}
