using System.Globalization;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>What shares a limit.</summary>
public enum LimitPer
{
    /// <summary>All runs of the store.</summary>
    Store,

    /// <summary>All runs of one workflow.</summary>
    Workflow,

    /// <summary>One run.</summary>
    Run,
}

/// <summary>
/// A limit on what actions of a type use up in any stretch of time of that length. The store counts, in the transaction of the intent: of two runs that race for what is left, one passes. What is refused or never
/// begun uses nothing; what is begun has used it, whatever comes of it. Undos use nothing.
/// </summary>
public abstract class LimitPolicy<TAction> : PolicyFor<TAction>
    where TAction : notnull
{
    private protected LimitPolicy(string name, long max, TimeSpan window)
        : base(name)
    {
        Max = max;
        Window = window;
    }

    /// <summary>How much at most.</summary>
    public long Max { get; }

    /// <summary>In which time, back from each moment.</summary>
    public TimeSpan Window { get; }

    /// <summary>What shares the limit.</summary>
    public LimitPer Per { get; init; }

    /// <summary>What counts where the limit would be passed: a person who is told so and approves lets it pass.</summary>
    public PolicyVerdictKind WhenReached { get; init; } = PolicyVerdictKind.Refuse;

    /// <summary>Who is asked where <see cref="WhenReached"/> asks.</summary>
    public ApprovalRule? Rule { get; init; }

    /// <inheritdoc />
    public override IEnumerable<string> Faults()
    {
        if (Max is < 0 or > IpRange.CountMax)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"the limit is 0 to {IpRange.CountMax:N0}; got {Max}.");
        }

        if (Window <= TimeSpan.Zero || Window > TimeSpan.FromDays(3660))
        {
            yield return $"the window of a limit is longer than zero and at most ten years; got {Window}.";
        }

        if (WhenReached == PolicyVerdictKind.Allow)
        {
            yield return $"{nameof(WhenReached)} must be Ask, Raise or Refuse; got {WhenReached}.";
        }
    }

    /// <inheritdoc />
    protected sealed override PolicyVerdict? Judge(TAction action, ProposedAction proposed)
    {
        ArgumentNullException.ThrowIfNull(proposed);
        var units = Units(action, proposed);
        ArgumentOutOfRangeException.ThrowIfNegative(units);
        var use = new LimitUse(NameFor(proposed), Math.Min(units, IpRange.CountMax), Max, (long)Window.TotalMicroseconds);
        return use.Amount > Max
            ? new PolicyVerdict(WhenReached, string.Create(CultureInfo.InvariantCulture, $"it alone counts {units:N0}, and at most {Max:N0} are allowed in {Durations.Text(Window)}"), Rule) { Limit = use with { Max = long.MaxValue } }
            : PolicyVerdict.Allow(string.Create(CultureInfo.InvariantCulture, $"it counts {units:N0} of {Max:N0} in {Durations.Text(Window)}")) with { Rule = Rule, Limit = use.Amount == 0 ? null : use, WhenReached = WhenReached };
    }

    /// <summary>How much an action uses up.</summary>
    private protected abstract long Units(TAction action, ProposedAction proposed);

    private string NameFor(ProposedAction proposed) => Per switch
    {
        LimitPer.Workflow => $"{Name}/{proposed.Workflow}",
        LimitPer.Run => $"{Name}/{proposed.Run}",
        _ => Name,
    };
}

/// <summary>At most so many actions of a type in any stretch of time of that length: see <see cref="LimitPolicy{TAction}"/>.</summary>
/// <param name="name">What people know it by, and the limit's name in the store: uses of one day count against it after a deployment too.</param>
/// <param name="max">How many.</param>
/// <param name="window">In which time.</param>
public sealed class RateLimit<TAction>(string name, long max, TimeSpan window) : LimitPolicy<TAction>(name, max, window)
    where TAction : notnull
{
    private protected override long Units(TAction action, ProposedAction proposed) => 1;
}

/// <summary>
/// At most so many units touched by actions of a type in any stretch of time of that length: addresses in networks, accounts, money. See <see cref="LimitPolicy{TAction}"/>.
/// </summary>
/// <param name="name">What people know it by, and the limit's name in the store.</param>
/// <param name="units">How many units an action touches, 0 or more; such as <c>(_, proposed) => proposed.Addresses</c>.</param>
/// <param name="max">How many units.</param>
/// <param name="window">In which time.</param>
public sealed class BlastRadius<TAction>(string name, Func<TAction, ProposedAction, long> units, long max, TimeSpan window) : LimitPolicy<TAction>(name, max, window)
    where TAction : notnull
{
    private protected override long Units(TAction action, ProposedAction proposed) => units(action, proposed);
}
