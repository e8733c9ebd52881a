using System.Net;
using Signalbox.Testing;

namespace Signalbox.Tests.Claims;

/// <summary>What an agent wants of some places: to <c>block</c> or to <c>allow</c> them, which cannot both stand, or to <c>watch</c> them, which nobody minds.</summary>
public record Urge(string Want, IReadOnlyList<string> Places);

/// <summary>A wish that gives way to what stands.</summary>
public sealed record MeekUrge(string Want, IReadOnlyList<string> Places) : Urge(Want, Places);

/// <summary>A wish that wins by its priority, or not.</summary>
public sealed record RankedUrge(string Want, IReadOnlyList<string> Places) : Urge(Want, Places);

/// <summary>A wish with more priority.</summary>
public sealed record HighUrge(string Want, IReadOnlyList<string> Places) : Urge(Want, Places);

/// <summary>A wish whose claims expire.</summary>
public sealed record BriefUrge(string Want, IReadOnlyList<string> Places) : Urge(Want, Places);

/// <summary>A wish that a person must approve, whatever stands.</summary>
public sealed record GraveUrge(string Want, IReadOnlyList<string> Places) : Urge(Want, Places);

/// <summary>One change that the wall took, and how long the store's log was then.</summary>
internal sealed record Stroke(long Position, string ActionId, RunId Run, bool Undo, string Place, string Want, bool Applied);

/// <summary>What the wishes are about: a wall with one mark at each place, which says who set it, and faults on demand.</summary>
internal sealed class Wall
{
    private readonly Dictionary<string, string> _marks = [];
    private readonly HashSet<string> _watched = [];

    public Func<long> Position { get; set; } = () => 0;

    public List<Stroke> Strokes { get; } = [];

    public Queue<TargetFault> Faults { get; } = new();

    public int UnclearLooks { get; set; }

    public ActionPolicy Policy { get; set; } = ActionPolicy.Default;

    public IReadOnlyDictionary<string, string> Marks => _marks;

    public bool Stands(string want, string place) => want == "watch" ? _watched.Contains(place) : _marks.GetValueOrDefault(place) == want;

    public async Task<Observation> LookAsync(Urge wish)
    {
        await FaultyCall.SomeTimeAsync();
        if (UnclearLooks > 0)
        {
            UnclearLooks--;
            return Observation.Unclear("the wall is in the fog");
        }

        var seen = string.Join(", ", wish.Places.Select(p => $"{p}: {(Stands(wish.Want, Places.Plain(p)) ? wish.Want : "no")}"));
        return wish.Places.All(p => Stands(wish.Want, Places.Plain(p))) ? Observation.So(seen) : Observation.NotSo(seen);
    }

    public Task<string?> CallAsync(Urge wish, ActionContext context, bool undo) => FaultyCall.RunAsync(Faults, () =>
    {
        foreach (var place in wish.Places.Select(Places.Plain))
        {
            Strokes.Add(new Stroke(Position(), context.ActionId, context.Run, undo, place, wish.Want, undo ? Wipe(wish.Want, place) : Set(wish.Want, place)));
        }
    });

    private bool Set(string want, string place)
    {
        if (want == "watch")
        {
            return _watched.Add(place);
        }

        var stood = _marks.GetValueOrDefault(place) == want;
        _marks[place] = want;
        return !stood;
    }

    private bool Wipe(string want, string place) => want == "watch" ? _watched.Remove(place) : _marks.GetValueOrDefault(place) == want && _marks.Remove(place);
}

internal static class Places
{
    /// <summary>The resource of a place: <c>10.0.0.5</c>, <c>::ffff:10.0.0.5</c>, <c>10.0.0.0/24</c>, <c>web/root</c> within <c>web</c>.</summary>
    public static Resource Resource(string place) =>
        IPAddress.TryParse(place, out var address) ? Signalbox.Resource.Address(address)
        : IPNetwork.TryParse(place, out var network) ? Signalbox.Resource.Network(network)
        : Signalbox.Resource.Of("host", place.Split('/'));

    /// <summary>The place by the name that all its names have in common.</summary>
    public static string Plain(string place) => Resource(place).Name;
}

internal sealed class WishHandler<T>(Wall wall) : ActionHandler<T>
    where T : Urge
{
    public override TargetClass TargetClass => TargetClass.T3;

    public override ActionPolicy Policy => typeof(T).Name switch
    {
        nameof(MeekUrge) => wall.Policy with { OnConflict = ConflictRule.Yield },
        nameof(RankedUrge) => wall.Policy with { OnConflict = ConflictRule.Priority, Priority = 1 },
        nameof(HighUrge) => wall.Policy with { OnConflict = ConflictRule.Priority, Priority = 2 },
        nameof(BriefUrge) => wall.Policy with { StandsFor = TimeSpan.FromMinutes(20) },
        _ => wall.Policy,
    };

    public override Reversibility Reversibility => Reversibility.Reversible;

    public override ApprovalRule? Approval(T action) =>
        typeof(T) == typeof(GraveUrge) ? new ApprovalRule { Within = TimeSpan.FromHours(2), ValidFor = TimeSpan.FromMinutes(30) } : null;

    public override IReadOnlyList<Claim> Claims(T action) =>
        [.. action.Places.Select(p => new Claim(Places.Resource(p), action.Want, action.Want == "allow" ? ["block"] : null))];

    public override Task<Observation> ProbeAsync(T action, ActionContext context, CancellationToken cancellationToken) => wall.LookAsync(action);

    public override Task<string?> ExecuteAsync(T action, ActionContext context, CancellationToken cancellationToken) => wall.CallAsync(action, context, undo: false);

    public override Task<string?> UndoAsync(T action, ActionContext context, CancellationToken cancellationToken) => wall.CallAsync(action, context, undo: true);
}

internal static class WishRegistration
{
    public static SignalboxBuilder AddWishes(this SignalboxBuilder builder) => builder
        .AddAction<Urge, WishHandler<Urge>>("wish")
        .AddAction<MeekUrge, WishHandler<MeekUrge>>("meek")
        .AddAction<RankedUrge, WishHandler<RankedUrge>>("ranked")
        .AddAction<HighUrge, WishHandler<HighUrge>>("high")
        .AddAction<BriefUrge, WishHandler<BriefUrge>>("brief")
        .AddAction<GraveUrge, WishHandler<GraveUrge>>("grave");
}
