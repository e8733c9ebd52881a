using System.Globalization;

namespace Signalbox;

/// <summary>
/// When actions of a type may be done without further ado, by the clock on the wall of a time zone (so daylight saving is heeded). Outside, a person is asked, or the action is refused. Undos are not concerned.
/// </summary>
/// <param name="name">What people know it by.</param>
/// <param name="timeZone">The time zone by its IANA name: <c>Europe/Berlin</c>.</param>
public sealed class WorkingHours<TAction>(string name, string timeZone) : PolicyFor<TAction>(name)
    where TAction : notnull
{
    private readonly TimeZoneInfo? _zone = TimeZoneInfo.TryFindSystemTimeZoneById(timeZone ?? "", out var zone) ? zone : null;

    /// <summary>The days; Monday to Friday.</summary>
    public IReadOnlyCollection<DayOfWeek> Days { get; init; } = [DayOfWeek.Monday, DayOfWeek.Tuesday, DayOfWeek.Wednesday, DayOfWeek.Thursday, DayOfWeek.Friday];

    /// <summary>When they begin; this minute is within.</summary>
    public TimeOnly From { get; init; } = new(8, 0);

    /// <summary>When they end; this minute is outside. Not later than <see cref="From"/>: the next day, so that a night shift belongs to the day on which it began; the same: 24 hours.</summary>
    public TimeOnly To { get; init; } = new(18, 0);

    /// <summary>Days, by the calendar of the time zone, that are no working days.</summary>
    public IReadOnlySet<DateOnly> Holidays { get; init; } = new HashSet<DateOnly>();

    /// <summary>What counts outside.</summary>
    public PolicyVerdictKind Outside { get; init; } = PolicyVerdictKind.Ask;

    /// <summary>Who is asked where <see cref="Outside"/> asks.</summary>
    public ApprovalRule? Rule { get; init; }

    /// <summary>Whether that moment is within.</summary>
    public bool Contains(DateTimeOffset at)
    {
        var local = TimeZoneInfo.ConvertTime(at, _zone ?? throw new InvalidOperationException($"there is no time zone '{timeZone}' here")).DateTime;
        var (day, time) = (DateOnly.FromDateTime(local), TimeOnly.FromDateTime(local));
        return To > From
            ? IsWorkingDay(day) && time >= From && time < To
            : (IsWorkingDay(day) && time >= From) || (time < To && IsWorkingDay(day.AddDays(-1)));
    }

    /// <inheritdoc />
    public override IEnumerable<string> Faults()
    {
        if (_zone is null)
        {
            yield return $"there is no time zone '{timeZone}' here; it takes an IANA name such as Europe/Berlin, and the machine's time zone data.";
        }

        if (Days.Count == 0)
        {
            yield return "working hours need a day.";
        }

        if (Outside == PolicyVerdictKind.Allow)
        {
            yield return $"{nameof(Outside)} must be Ask, Raise or Refuse; got {Outside}.";
        }
    }

    /// <inheritdoc />
    protected override PolicyVerdict? Judge(TAction action, ProposedAction proposed)
    {
        ArgumentNullException.ThrowIfNull(proposed);
        var hours = string.Create(CultureInfo.InvariantCulture, $"{string.Join(", ", Days.OrderBy(d => ((int)d + 6) % 7))}, {From:HH:mm} to {To:HH:mm}, {timeZone}");
        return Contains(proposed.At) ? PolicyVerdict.Allow($"it is within working hours ({hours})") : new PolicyVerdict(Outside, $"it is outside working hours ({hours}{(Holidays.Count > 0 ? "; not on holidays" : "")})", Rule);
    }

    private bool IsWorkingDay(DateOnly day) => Days.Contains(day.DayOfWeek) && !Holidays.Contains(day);
}
