using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Signalbox.Queries;
using Signalbox.Search;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>What a program gives Signalbox: workflows, actions, a store.</summary>
public sealed class SignalboxBuilder
{
    internal SignalboxBuilder(IServiceCollection services) => Services = services;

    /// <summary>The program's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>How the worker works.</summary>
    public WorkerOptions Worker { get; } = new();

    /// <summary>Bounds that no run passes.</summary>
    public RunLimits Limits { get; set; } = new();

    internal List<Func<IServiceProvider, Workflow>> Workflows { get; } = [];

    internal List<ActionRegistration> Actions { get; } = [];

    internal List<(string Name, Func<IServiceProvider, IChatClient> Client, ModelOptions Options)> Models { get; } = [];

    internal List<Func<IServiceProvider, Tool>> Tools { get; } = [];

    internal List<Func<IServiceProvider, ToolSource>> ToolSources { get; } = [];

    internal DecisionSettings Decisions { get; } = new();

    internal List<IActionPolicy> Policies { get; } = [];

    internal Func<IServiceProvider, IRunStore>? Store { get; private set; }

    internal TaskScheduler Scheduler { get; set; } = TaskScheduler.Default;

    /// <summary>Registers a workflow; an instance is made for each visit, from the services of the visit's scope.</summary>
    public SignalboxBuilder AddWorkflow<TWorkflow>()
        where TWorkflow : Workflow
    {
        var create = ActivatorUtilities.CreateFactory<TWorkflow>([]);
        Workflows.Add(services => create(services, []));
        return this;
    }

    /// <summary>Registers a kind of action under its stable name, which journals keep for ever.</summary>
    public SignalboxBuilder AddAction<TAction, THandler>(string name)
        where TAction : notnull
        where THandler : ActionHandler<TAction>
    {
        Journal.StepKey.ThrowIfUnfit(name);
        Actions.Add(ActionCatalog.Registration<TAction, THandler>(name));
        return this;
    }

    /// <summary>
    /// Registers a model under the name by which tiers ask for it. The client is made once, when the program starts, and asked from many runs at once; its own retries should be off.
    /// </summary>
    public SignalboxBuilder AddModel(string name, Func<IServiceProvider, IChatClient> client, ModelOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        ArgumentNullException.ThrowIfNull(client);
        Models.Add((name, client, options ?? ModelOptions.Default));
        return this;
    }

    /// <summary>Registers a model under the name by which tiers ask for it.</summary>
    public SignalboxBuilder AddModel(string name, IChatClient client, ModelOptions? options = null) => AddModel(name, _ => client, options);

    /// <summary>Registers a tool; states give it to agents by its name.</summary>
    public SignalboxBuilder AddTool(Func<IServiceProvider, Tool> tool)
    {
        Tools.Add(tool);
        return this;
    }

    /// <summary>Registers a tool; states give it to agents by its name.</summary>
    public SignalboxBuilder AddTool(Tool tool) => AddTool(_ => tool);

    /// <summary>Registers the declared tools of a source, such as an MCP server.</summary>
    public SignalboxBuilder AddTools(Func<IServiceProvider, ToolSource> source)
    {
        ToolSources.Add(source);
        return this;
    }

    /// <summary>Registers the declared tools of a source, such as an MCP server.</summary>
    public SignalboxBuilder AddTools(ToolSource source) => AddTools(_ => source);

    /// <summary>
    /// Sets the ladder of all agents, or of those of a workflow, a state, or of one agent: the most particular one counts. A visit keeps the ladder that it began with.
    /// </summary>
    public SignalboxBuilder UseLadder(Ladder ladder, string? workflow = null, string? state = null, string? agent = null)
    {
        ArgumentNullException.ThrowIfNull(ladder);
        if (workflow is null && state is null && agent is null)
        {
            Decisions.Ladder = ladder;
        }
        else
        {
            Decisions.Set(ladder, workflow, state, agent);
        }

        return this;
    }

    /// <summary>Adds a rule between decisions and actions. All of them judge every action; the strictest verdict counts.</summary>
    public SignalboxBuilder AddPolicy(IActionPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        Policies.Add(policy);
        return this;
    }

    /// <summary>Sets what the agents of one run may use up together, for all workflows or for one.</summary>
    public SignalboxBuilder UseBudget(Budget budget, string? workflow = null)
    {
        ArgumentNullException.ThrowIfNull(budget);
        if (workflow is null)
        {
            Decisions.Budget = budget;
        }
        else
        {
            Decisions.Set(budget, workflow);
        }

        return this;
    }

    /// <summary>Says where runs are kept. The store is opened once, when first needed, and disposed with the program's services.</summary>
    public SignalboxBuilder UseStore(Func<IServiceProvider, IRunStore> store)
    {
        Store = store;
        return this;
    }

    /// <summary>
    /// Says who has which roles, in place of what the store may say of it. Return an empty collection for somebody who has none; null only where there is nothing to say, which checks nothing.
    /// </summary>
    public SignalboxBuilder UseRoles(Func<string, IReadOnlyCollection<string>?> rolesOf)
    {
        ArgumentNullException.ThrowIfNull(rolesOf);
        return UseRoles(_ => new FunctionRoleSource(rolesOf));
    }

    /// <summary>Says who has which roles, in place of what the store may say of it. The source must not need the store to be made.</summary>
    public SignalboxBuilder UseRoles(Func<IServiceProvider, IRoleSource> source)
    {
        ArgumentNullException.ThrowIfNull(source);
        Services.AddSingleton(source);
        return this;
    }

    private static IRoleSource? RolesBy(IRoleSource? roles, IKeySource? keys, TimeProvider clock) => keys is null ? roles : new KeyRoles(roles, keys, clock);

    internal Engine Build(IServiceProvider services)
    {
        var faults = Worker.Faults().ToList();
        if (Workflows.Count == 0)
        {
            faults.Add("No workflow is registered. Register one: AddWorkflow<MyWorkflow>().");
        }

        var actions = new ActionCatalog(Actions, faults);
        faults.AddRange(actions.Faults(services));
        var workflows = new WorkflowCatalog([.. Workflows, .. actions.Watches()], services, faults);
        var clock = services.GetRequiredService<TimeProvider>();
        var models = new ModelCatalog(Models, services, clock, faults);
        var tools = new ToolCatalog(Tools, ToolSources, services, actions, faults);
        faults.AddRange(tools.Faults(workflows));
        faults.AddRange(Decisions.Faults(workflows, models));
        var policies = new PolicyBook(Policies);
        faults.AddRange(policies.Faults(actions));
        return faults.Count > 0
            ? throw new WorkflowFaultsException("the configuration of Signalbox", faults)
            : new Engine(
                services.GetRequiredService<IRunStore>(), workflows, actions, tools, models, Decisions, services, clock, services.GetRequiredService<Entropy>(), Scheduler, Limits,
                services.GetService<ILoggerFactory>()?.CreateLogger("Signalbox") ?? NullLogger.Instance)
            {
                Roles = RolesBy(services.GetService<IRoleSource>() ?? services.GetRequiredService<IRunStore>() as IRoleSource, services.GetService<IKeySource>(), clock),
                Policies = policies,
            };
    }
}

/// <summary>Puts Signalbox into a .NET host.</summary>
public static class SignalboxServiceCollectionExtensions
{
    /// <summary>
    /// Adds a worker, which drives runs while the host runs, and a <see cref="RunClient"/>. Start-up fails with all faults at once if a workflow or the configuration has any
    /// (<see cref="WorkflowFaultsException"/>).
    /// </summary>
    public static IServiceCollection AddSignalbox(this IServiceCollection services, Action<SignalboxBuilder> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        var builder = new SignalboxBuilder(services);
        configure(builder);
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(Entropy.System);
        services.TryAddSingleton(builder.Store ?? (s => new InMemoryRunStore(s.GetRequiredService<TimeProvider>(), s.GetRequiredService<Entropy>())));
        services.TryAddSingleton<IRunReader>(s => s.GetRequiredService<IRunStore>());
        services.TryAddSingleton<IRunControl>(s => new OwnControl(s.GetRequiredService<IRunStore>()));
        services.TryAddSingleton(s => new LogTail(s.GetRequiredService<IRunReader>(), s.GetRequiredService<TimeProvider>()));
        services.TryAddSingleton(s => new RunQueries(s.GetRequiredService<IRunReader>(), s.GetRequiredService<TimeProvider>(), s.GetService<ISearchIndex>(), s.GetService<Redactor>()));
        services.AddSingleton(builder.Build);
        services.AddSingleton(s =>
        {
            var engine = s.GetRequiredService<Engine>();
            return new RunClient(engine.Store, engine.Workflows, engine.Entropy, engine.Clock);
        });
        services.AddSingleton(s => new Worker(s.GetRequiredService<Engine>(), builder.Worker));
        services.AddHostedService<WorkerHost>();
        return services;
    }
}

/// <summary>Checks before the host counts as started, then lets the worker work.</summary>
internal sealed class WorkerHost(Engine engine, Worker worker, IHostApplicationLifetime lifetime) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await engine.Workflows.CheckAgainstAsync(engine.Store, cancellationToken);
        await worker.StartAsync(cancellationToken);
        _ = WatchAsync();
    }

    /// <summary>A program whose worker has died must not look as if it worked.</summary>
    private async Task WatchAsync()
    {
        try
        {
            await worker.ExecuteTask!;
        }
        catch (Exception e)
        {
            engine.Log.LogCritical(e, "Worker {Worker} has died, and the host stops. Its runs are taken over when its lease ends, or at once when the store is opened anew.", worker.Name);
            lifetime.StopApplication();
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => worker.StopAsync(cancellationToken);
}
