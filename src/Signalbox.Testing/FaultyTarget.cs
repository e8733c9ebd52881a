
namespace Signalbox.Testing;

/// <summary>What goes wrong with one call that changes something.</summary>
public enum TargetFault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The call throws and has no effect.</summary>
    ThrowsBeforeEffect,

    /// <summary>The call has its effect, then throws: its answer is lost.</summary>
    ThrowsAfterEffect,

    /// <summary>The call has no effect and never returns, whatever is canceled.</summary>
    HangsBeforeEffect,

    /// <summary>The call has its effect and never returns, whatever is canceled.</summary>
    HangsAfterEffect,

    /// <summary>The call says that it went well and has no effect.</summary>
    Lies,
}

/// <summary>
/// One call that the target took, in the target's own order: <paramref name="Operation"/> is <c>execute</c> or <c>undo</c>; <paramref name="Applied"/>: it changed something.
/// </summary>
public sealed record TargetCall(int Order, string ActionId, string Operation, string Resource, bool Applied, int Epoch, int Attempt, RunId Run)
{
    /// <summary>When, by the clock of <see cref="FaultyTarget.Visibility"/>; the beginning of time without one.</summary>
    public DateTimeOffset At { get; init; }
}

/// <summary>One look that the target answered, in its own order and by the clock of <see cref="FaultyTarget.Visibility"/>.</summary>
public sealed record TargetLook(DateTimeOffset At, string Resource, ObservationKind Shown);

/// <summary>
/// How a target comes to show what was done to it, as one with many replicas does: each change is seen after a time of its own, at most <see cref="LagMax"/>; for a while after that, at most
/// <see cref="FlapMax"/>, looks show the state after it or the one before it, as it falls. All of it follows from the seed. What somebody else does (<see cref="FaultyTarget.Put"/>,
/// <see cref="FaultyTarget.Take"/>) is seen at once.
/// </summary>
/// <param name="clock">The time; that of the harness.</param>
/// <param name="seed">Decides every lag and every look in between.</param>
public sealed class TargetVisibility(TimeProvider clock, ulong seed)
{
    private readonly SeededEntropy _random = new(seed);

    /// <summary>The longest time until a change is seen.</summary>
    public TimeSpan LagMax { get; init; }

    /// <summary>The longest time in which it then comes and goes.</summary>
    public TimeSpan FlapMax { get; init; }

    internal DateTimeOffset Now => clock.GetUtcNow();

    internal (DateTimeOffset Seen, DateTimeOffset Steady) NextChange()
    {
        var seen = Now + UpTo(LagMax);
        return (seen, seen + UpTo(FlapMax));
    }

    internal bool IsHeads() => _random.Below(2) == 1;

    private TimeSpan UpTo(TimeSpan max) => max * (_random.Below(1_000_001) / 1e6);
}

/// <summary>
/// An outside system for tests: a set of resources that actions put in and undoing takes out, with a log of its own, and faults on demand. What it promises is what its
/// <see cref="Signalbox.TargetClass"/> says: T1 remembers action ids, T2 refuses an epoch older than one of the same run that it has seen on the resource, be it of a look, T3 can be asked, T4 cannot.
/// Its calls take their time within the simulation, so that a crash can come before and after each effect. Use it through <see cref="FaultyHandler{TAction}"/>.
/// </summary>
public sealed class FaultyTarget(TargetClass targetClass = TargetClass.T3)
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _resources = [];
    private readonly HashSet<(string, string)> _remembered = [];
    private readonly Dictionary<(string Resource, RunId Run), int> _fences = [];
    private readonly List<TargetCall> _log = [];
    private readonly List<TargetLook> _looks = [];
    private readonly Dictionary<string, List<(bool Stands, DateTimeOffset Seen, DateTimeOffset Steady)>> _changes = [];
    private int _calls;

    /// <summary>What it promises.</summary>
    public TargetClass TargetClass { get; } = targetClass;

    /// <summary>The limits and retries of its actions.</summary>
    public ActionPolicy Policy { get; init; } = ActionPolicy.Default;

    /// <summary>The faults of the next calls that change something, in order; then none.</summary>
    public Queue<TargetFault> Faults { get; } = new();

    /// <summary>So many looks from now on say that the target cannot tell; <see cref="int.MaxValue"/> for ever.</summary>
    public int UnclearLooks { get; set; }

    /// <summary>From this many calls on, looks say that the target cannot tell; null: never.</summary>
    public int? SilentAfterCalls { get; set; }

    /// <summary>So many looks from now on throw.</summary>
    public int ThrowingLooks { get; set; }

    /// <summary>So many looks from now on never return.</summary>
    public int HangingLooks { get; set; }

    /// <summary>So many looks after an effect still show how it was before: the target is slow to show what it did.</summary>
    public int LateLooks { get; set; }

    /// <summary>How what was done comes to be seen; null: at once.</summary>
    public TargetVisibility? Visibility { get; init; }

    /// <summary>How many looks there were.</summary>
    public int Looks { get; private set; }

    /// <summary>The looks that were answered.</summary>
    public IReadOnlyList<TargetLook> LookLog
    {
        get
        {
            lock (_lock)
            {
                return [.. _looks];
            }
        }
    }

    /// <summary>Every call that reached it.</summary>
    public IReadOnlyList<TargetCall> Log
    {
        get
        {
            lock (_lock)
            {
                return [.. _log];
            }
        }
    }

    /// <summary>The calls that changed something.</summary>
    public IReadOnlyList<TargetCall> Effects => [.. Log.Where(c => c.Applied)];

    /// <summary>The effects and the resources in words, without what a crash may rightly change (epochs, attempts): for <see cref="CrashScenario.Effects"/>.</summary>
    public IEnumerable<string> Tell() => [.. Effects.Select(c => $"{c.Operation} '{c.Resource}' for {c.ActionId}"), $"stands: {string.Join(", ", Resources)}"];

    /// <summary>The resources as they stand.</summary>
    public IReadOnlyCollection<string> Resources
    {
        get
        {
            lock (_lock)
            {
                return [.. _resources.Order(StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>Puts a resource in by somebody else's hand.</summary>
    public void Put(string resource)
    {
        lock (_lock)
        {
            _resources.Add(resource);
            _changes.Remove(resource);
        }
    }

    /// <summary>Takes a resource out by somebody else's hand.</summary>
    public void Take(string resource)
    {
        lock (_lock)
        {
            _resources.Remove(resource);
            _changes.Remove(resource);
        }
    }

    /// <summary>The log as the independent history checker takes it: JSON lines <c>{"actionId","op","resource","applied"}</c>.</summary>
    public IEnumerable<string> ToCheckerLog() => Log.Select(c =>
        $$"""{"actionId":"{{c.ActionId}}","op":"{{c.Operation}}","resource":{{System.Text.Json.JsonSerializer.Serialize(c.Resource)}},"applied":{{(c.Applied ? "true" : "false")}}}""");

    internal async Task<Observation> LookAsync(string resource, ActionContext context)
    {
        await FaultyCall.SomeTimeAsync();
        lock (_lock)
        {
            Looks++;
            RaiseFence(resource, context);
            if (Spend(HangingLooks, left => HangingLooks = left))
            {
                return new Observation((ObservationKind)(-1), "");
            }

            if (Spend(ThrowingLooks, left => ThrowingLooks = left))
            {
                throw new IOException("The target cannot be reached.");
            }

            if (TargetClass == TargetClass.T4 || _calls >= SilentAfterCalls || Spend(UnclearLooks, left => UnclearLooks = left))
            {
                _looks.Add(new TargetLook(Now, resource, ObservationKind.Unclear));
                return Observation.Unclear("the target cannot tell");
            }

            var stands = Shows(resource);
            if (_log.Exists(c => c.Applied && c.Resource == resource) && Spend(LateLooks, left => LateLooks = left))
            {
                stands = !stands;
            }

            _looks.Add(new TargetLook(Now, resource, stands ? ObservationKind.So : ObservationKind.NotSo));
            return stands ? Observation.So($"'{resource}' is in the set") : Observation.NotSo($"'{resource}' is not in the set");
        }
    }

    internal async Task<string?> CallAsync(string operation, string resource, ActionContext context)
    {
        await FaultyCall.SomeTimeAsync();
        TargetFault fault;
        lock (_lock)
        {
            _calls++;
            fault = Faults.Count > 0 ? Faults.Dequeue() : TargetFault.None;
            var acts = FaultyCall.Acts(fault);
            var applied = acts && Accepts(operation, resource, context) && (operation == "execute" ? _resources.Add(resource) | TargetClass == TargetClass.T4 : _resources.Remove(resource));
            if (acts)
            {
                _log.Add(new TargetCall(_log.Count + 1, context.ActionId, operation, resource, applied, context.Epoch, context.Attempt, context.Run) { At = Now });
            }

            if (applied && Visibility?.NextChange() is { } change)
            {
                if (!_changes.TryGetValue(resource, out var changes))
                {
                    _changes[resource] = changes = [];
                }

                changes.Add((operation == "execute", change.Seen, change.Steady));
            }
        }

        return await FaultyCall.AnswerAsync(fault);
    }

    private DateTimeOffset Now => Visibility?.Now ?? default;

    /// <summary>What a look shows: the newest change that can be seen, or, while it comes and goes, perhaps how it was before.</summary>
    private bool Shows(string resource)
    {
        if (Visibility is null || !_changes.TryGetValue(resource, out var changes))
        {
            return _resources.Contains(resource);
        }

        var shown = !changes[0].Stands;
        foreach (var (stands, seen, steady) in changes)
        {
            shown = Now >= steady || (Now >= seen && Visibility.IsHeads()) ? stands : shown;
        }

        return shown;
    }

    private bool Accepts(string operation, string resource, ActionContext context)
    {
        if (TargetClass == TargetClass.T1)
        {
            return _remembered.Add((context.ActionId, operation));
        }

        return TargetClass != TargetClass.T2 || context.Epoch >= RaiseFence(resource, context);
    }

    /// <summary>The newest epoch of the run that this resource has been shown, this one included.</summary>
    private int RaiseFence(string resource, ActionContext context) =>
        _fences[(resource, context.Run)] = Math.Max(_fences.GetValueOrDefault((resource, context.Run)), context.Epoch);

    private static bool Spend(int left, Action<int> set)
    {
        if (left <= 0)
        {
            return false;
        }

        set(left == int.MaxValue ? left : left - 1);
        return true;
    }
}

/// <summary>
/// Carries actions of one type out on a <see cref="FaultyTarget"/>, which comes by dependency injection: <c>AddAction&lt;Block, FaultyHandler&lt;Block&gt;&gt;("block")</c>. The
/// resource is the action's text (<see cref="object.ToString"/>) unless derived otherwise.
/// </summary>
public class FaultyHandler<TAction>(FaultyTarget target) : ActionHandler<TAction>
    where TAction : notnull
{
    /// <summary>The target.</summary>
    protected FaultyTarget Target { get; } = target;

    /// <inheritdoc />
    public override TargetClass TargetClass => Target.TargetClass;

    /// <inheritdoc />
    public override ActionPolicy Policy => Target.Policy;

    /// <summary>The resource that an action is about.</summary>
    protected virtual string Resource(TAction action) => action.ToString()!;

    /// <inheritdoc />
    public override async Task<Observation> ProbeAsync(TAction action, ActionContext context, CancellationToken cancellationToken)
    {
        var seen = await Target.LookAsync(Resource(action), context);
        if (!Enum.IsDefined(seen.Kind))
        {
            await SimulatedProcess.NeverAsync();
        }

        return seen;
    }

    /// <inheritdoc />
    public override Task<string?> ExecuteAsync(TAction action, ActionContext context, CancellationToken cancellationToken) => Target.CallAsync("execute", Resource(action), context);

    /// <inheritdoc />
    public override Task<string?> UndoAsync(TAction action, ActionContext context, CancellationToken cancellationToken) => Target.CallAsync("undo", Resource(action), context);
}
