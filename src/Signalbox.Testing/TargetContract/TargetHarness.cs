namespace Signalbox.Testing;

/// <summary>What <see cref="TargetContract"/> needs of a handler and its target; derive from <see cref="TargetHarness{TAction}"/>.</summary>
public abstract class TargetHarness : IAsyncDisposable
{
    private protected TargetHarness()
    {
    }

    internal abstract TargetSubject NewSubject();

    /// <inheritdoc />
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}

/// <summary>
/// The world of a handler under test: actions on resources that nobody has used, handlers that know nothing of each other, and a way to the target that does not go through the handler.
/// The target must be the real one, or what stands for it as it is: what a fake keeps, the real one may not.
/// </summary>
public abstract class TargetHarness<TAction> : TargetHarness
    where TAction : notnull
{
    /// <summary>An action on a resource that nobody has used. Called from one fact at a time for each harness.</summary>
    protected abstract TAction NewAction();

    /// <summary>A handler as another process would make it: it shares no memory with those made before.</summary>
    protected abstract ActionHandler<TAction> NewHandler();

    /// <summary>Whether the action's effect stands, seen past the handler. Also of a blind target: its harness may look where the handler cannot.</summary>
    protected abstract ValueTask<bool> StandsAsync(TAction action);

    /// <summary>Makes the effect by another hand: not through the handler, under no action id. T2 and T3 need it.</summary>
    protected virtual ValueTask PutAsync(TAction action) => throw Missing(nameof(PutAsync));

    /// <summary>Takes the effect away by another hand. T1, T2 and T3 need it.</summary>
    protected virtual ValueTask TakeAsync(TAction action) => throw Missing(nameof(TakeAsync));

    /// <summary>
    /// How often something about the action's resource has been changed by anybody so far, by the target's own log: what was refused, or found so, does not count.
    /// Needed for <see cref="TargetFeatures.EffectLog"/>.
    /// </summary>
    protected virtual ValueTask<int> CountEffectsAsync(TAction action) => throw Missing(nameof(CountEffectsAsync));

    /// <summary>Lets the next call that would change something about the action's resource go wrong so. Needed for the faults among <see cref="TargetFeatures"/>.</summary>
    protected virtual ValueTask PlantAsync(TAction action, TargetFault fault) => throw Missing(nameof(PlantAsync));

    internal sealed override TargetSubject NewSubject() => new Subject(this, NewAction(), NewHandler());

    private NotSupportedException Missing(string method) => new($"{GetType().Name} does not override {method}, which the facts of this class and these features need.");

    private sealed class Subject(TargetHarness<TAction> harness, TAction action, ActionHandler<TAction> handler) : TargetSubject
    {
        public override TargetClass TargetClass => handler.TargetClass;

        public override Reversibility Reversibility => handler.Reversibility;

        public override ActionPolicy Policy => handler.Policy;

        public override IReadOnlyList<string> Claims() => [.. handler.Claims(action).Select(c => $"{c.Intent} {c.Resource.Path} against [{string.Join(", ", c.Against ?? [])}]")];

        public override TargetSubject ByAnother() => new Subject(harness, action, harness.NewHandler());

        public override ValueTask<bool> StandsAsync() => harness.StandsAsync(action);

        public override ValueTask PutAsync() => harness.PutAsync(action);

        public override ValueTask TakeAsync() => harness.TakeAsync(action);

        public override ValueTask<int> EffectsAsync() => harness.CountEffectsAsync(action);

        public override ValueTask PlantAsync(TargetFault fault) => harness.PlantAsync(action, fault);

        protected override Task<Observation> ProbeRawAsync(ActionContext context, CancellationToken cancellationToken) => handler.ProbeAsync(action, context, cancellationToken);

        protected override Task<Observation> VerifyRawAsync(ActionContext context, CancellationToken cancellationToken) => handler.VerifyAsync(action, context, cancellationToken);

        protected override Task<string?> ExecuteRawAsync(ActionContext context, CancellationToken cancellationToken) => handler.ExecuteAsync(action, context, cancellationToken);

        protected override Task<string?> UndoRawAsync(ActionContext context, CancellationToken cancellationToken) => handler.UndoAsync(action, context, cancellationToken);
    }
}
