using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>A kind of action that this program can carry out: its stable name, its type, and its handler without its type parameter.</summary>
internal sealed record ActionRegistration(string Name, Type ActionType, Func<IServiceProvider, BoundHandler> Bind)
{
    /// <summary>What is wrong with the policy of the action's handler, a sentence each.</summary>
    public IEnumerable<string> Faults(BoundHandler handler) => handler.Policy.Faults(handler.TargetClass).Select(f => $"The policy of action '{Name}': {f}");

    /// <exception cref="InvalidOperationException">The handler's policy has faults that it did not have, or that could not be seen, at start-up.</exception>
    public void ThrowIfUnfit(BoundHandler handler)
    {
        if (Faults(handler).ToArray() is { Length: > 0 } faults)
        {
            throw new InvalidOperationException(string.Join(" ", faults));
        }
    }
}

/// <summary>A handler that takes the action as recorded.</summary>
internal abstract class BoundHandler
{
    public abstract TargetClass TargetClass { get; }

    public abstract ActionPolicy Policy { get; }

    public abstract Reversibility Reversibility { get; }

    public abstract IReadOnlyList<Claim> Claims(ReadOnlyMemory<byte> action);

    public abstract ApprovalRule? Approval(ReadOnlyMemory<byte> action);

    /// <summary>The action as its author's type.</summary>
    public abstract object Read(ReadOnlyMemory<byte> action);

    public abstract Task<Observation> ProbeAsync(ReadOnlyMemory<byte> action, ActionContext context, CancellationToken cancellationToken);

    public abstract Task<string?> ExecuteAsync(ReadOnlyMemory<byte> action, ActionContext context, CancellationToken cancellationToken);

    public abstract Task<Observation> VerifyAsync(ReadOnlyMemory<byte> action, ActionContext context, CancellationToken cancellationToken);

    public abstract Task<string?> UndoAsync(ReadOnlyMemory<byte> action, ActionContext context, CancellationToken cancellationToken);

    internal sealed class Of<TAction>(ActionHandler<TAction> handler) : BoundHandler
        where TAction : notnull
    {
        public override TargetClass TargetClass => handler.TargetClass;

        public override ActionPolicy Policy => handler.Policy;

        public override Reversibility Reversibility => handler.Reversibility;

        public override IReadOnlyList<Claim> Claims(ReadOnlyMemory<byte> action) => handler.Claims(Typed(action));

        public override ApprovalRule? Approval(ReadOnlyMemory<byte> action) => handler.Approval(Typed(action));

        public override object Read(ReadOnlyMemory<byte> action) => Typed(action);

        public override Task<Observation> ProbeAsync(ReadOnlyMemory<byte> action, ActionContext context, CancellationToken cancellationToken) =>
            handler.ProbeAsync(Typed(action), context, cancellationToken);

        public override Task<string?> ExecuteAsync(ReadOnlyMemory<byte> action, ActionContext context, CancellationToken cancellationToken) =>
            handler.ExecuteAsync(Typed(action), context, cancellationToken);

        public override Task<Observation> VerifyAsync(ReadOnlyMemory<byte> action, ActionContext context, CancellationToken cancellationToken) =>
            handler.VerifyAsync(Typed(action), context, cancellationToken);

        public override Task<string?> UndoAsync(ReadOnlyMemory<byte> action, ActionContext context, CancellationToken cancellationToken) =>
            handler.UndoAsync(Typed(action), context, cancellationToken);

        private static TAction Typed(ReadOnlyMemory<byte> action) =>
            JsonSerializer.Deserialize<TAction>(action.Span, SignalboxJson.Options) ?? throw new JsonException("An action is a JSON object.");
    }
}

/// <summary>The actions that this program can carry out.</summary>
internal sealed class ActionCatalog
{
    private readonly Dictionary<string, ActionRegistration> _byName = [];
    private readonly Dictionary<Type, ActionRegistration> _byType = [];

    /// <summary>Takes the registrations; a name or a type that stands twice is added to the faults.</summary>
    public ActionCatalog(IEnumerable<ActionRegistration> registrations, List<string> faults)
    {
        foreach (var registration in registrations)
        {
            if (!_byName.TryAdd(registration.Name, registration))
            {
                faults.Add($"Action '{registration.Name}' is registered twice.");
            }

            if (!_byType.TryAdd(registration.ActionType, registration))
            {
                faults.Add($"Action type {registration.ActionType.Name} is registered twice, as '{_byType[registration.ActionType].Name}' and '{registration.Name}'.");
            }
        }
    }

    /// <summary>
    /// What can be seen to be wrong before anything runs. A handler that cannot be made here, where there is no visit, is looked at when it is first used.
    /// </summary>
    public IEnumerable<string> Faults(IServiceProvider services)
    {
        var faults = new List<string>();
        using var scope = services.CreateScope();
        foreach (var registration in _byName.Values)
        {
            try
            {
                faults.AddRange(registration.Faults(registration.Bind(scope.ServiceProvider)));
            }
            catch (Exception)
            {
                // Its first use says why it cannot be made.
            }
        }

        return faults;
    }

    /// <summary>The workflows by which actions are watched. A name may be too long for its action to be.</summary>
    public IEnumerable<Func<IServiceProvider, Workflow>> Watches() =>
        _byName.Keys.Where(n => WatchWorkflow.NameOf(n).Length <= 100).Select(n => (Func<IServiceProvider, Workflow>)(_ => new WatchWorkflow(n)));

    public ActionRegistration? Find(string name) => _byName.GetValueOrDefault(name);

    public bool Has(Type type) => _byType.ContainsKey(type);

    /// <summary>Whether one of the actions is of that type, or of one derived from it.</summary>
    public bool HasOneOf(Type type) => _byType.Keys.Any(type.IsAssignableFrom);

    public ActionRegistration Get(Type type) => _byType.GetValueOrDefault(type)
        ?? throw new InvalidOperationException($"No handler is registered for the action {type.Name}. Register one: AddAction<{type.Name}, {type.Name}Handler>(\"stable_name\").");

    public static ActionRegistration Registration<TAction, THandler>(string name)
        where TAction : notnull
        where THandler : ActionHandler<TAction> =>
        new(name, typeof(TAction), services => new BoundHandler.Of<TAction>(ActivatorUtilities.GetServiceOrCreateInstance<THandler>(services)));
}
