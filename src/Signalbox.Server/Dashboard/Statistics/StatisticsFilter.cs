using System.Globalization;
using Microsoft.AspNetCore.Http;
using Signalbox.Queries;

namespace Signalbox.Server.Dashboard.Statistics;

/// <summary>The filter of the statistics page, as it stands in the query string and in the form's fields. What cannot be read is left out, and <see cref="Faults"/> says so.</summary>
internal sealed class StatisticsFilter
{
    private const int TextMax = 500;
    private const int BucketsMax = 60;

    /// <summary>The stretches of time that the form offers.</summary>
    public static readonly IReadOnlyDictionary<string, (string Words, TimeSpan Time)> Stretches = new Dictionary<string, (string, TimeSpan)>
    {
        ["1h"] = ("the last hour", TimeSpan.FromHours(1)),
        ["6h"] = ("the last 6 h", TimeSpan.FromHours(6)),
        ["24h"] = ("the last 24 h", TimeSpan.FromHours(24)),
        ["7d"] = ("the last 7 days", TimeSpan.FromDays(7)),
        ["30d"] = ("the last 30 days", TimeSpan.FromDays(30)),
        ["90d"] = ("the last 90 days", TimeSpan.FromDays(90)),
    };

    private readonly List<string> _faults = [];

    public string Workflow { get; private init; } = "";

    public string Within { get; private init; } = "";

    public string Since { get; private init; } = "";

    public string Until { get; private init; } = "";

    public IReadOnlyList<string> Faults => _faults;

    public bool IsAny => Workflow.Length + Within.Length + Since.Length + Until.Length > 0;

    public static StatisticsFilter Of(IQueryCollection query)
    {
        return new() { Workflow = Text("workflow"), Within = Text("within"), Since = Text("since"), Until = Text("until") };

        string Text(string name) => query[name].ToString() is { Length: <= TextMax } text ? text.Trim() : "";
    }

    public StatisticsQuery ToQuery(DateTimeOffset now)
    {
        TimeSpan? within = null;
        if (Stretches.TryGetValue(Within, out var stretch))
        {
            within = stretch.Time;
        }
        else if (Within.Length > 0)
        {
            _faults.Add($"'{Within}' is no stretch of time; it is left out. There are: {string.Join(", ", Stretches.Keys)}.");
        }

        return new() { Workflow = Workflow.Length == 0 ? null : Workflow, Since = Time(Since) ?? now - within, Until = Time(Until), Buckets = BucketsMax };
    }

    private DateTimeOffset? Time(string text)
    {
        if (text.Length == 0)
        {
            return null;
        }

        if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
        {
            return time;
        }

        _faults.Add($"'{text}' is no time; it is left out. Write it as 2026-01-31T08:00, in UTC.");
        return null;
    }
}
