using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
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

    /// <summary>Says where runs are kept. The store is opened once, when first needed, and disposed with the program's services.</summary>
    public SignalboxBuilder UseStore(Func<IServiceProvider, IRunStore> store)
    {
        Store = store;
        return this;
    }

    internal Engine Build(IServiceProvider services)
    {
        var faults = Worker.Faults().ToList();
        if (Workflows.Count == 0)
        {
            faults.Add("No workflow is registered. Register one: AddWorkflow<MyWorkflow>().");
        }

        var actions = new ActionCatalog(Actions, faults);
        var workflows = new WorkflowCatalog(Workflows, services, faults);
        return faults.Count > 0
            ? throw new WorkflowFaultsException("the configuration of Signalbox", faults)
            : new Engine(
                services.GetRequiredService<IRunStore>(), workflows, actions, services, services.GetRequiredService<TimeProvider>(), services.GetRequiredService<Entropy>(), Scheduler, Limits,
                services.GetService<ILoggerFactory>()?.CreateLogger("Signalbox") ?? NullLogger.Instance);
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
