using System.Globalization;
using Signalbox.Search;

namespace Signalbox.Server.Dashboard.Search;

/// <summary>The search form as it was sent. What makes no sense is told beside its field and searched for in no other way.</summary>
public sealed record SearchForm
{
    private const int FieldMax = 200;
    private const int LimitMax = 200;

    public string Q { get; init; } = "";

    public string Workflow { get; init; } = "";

    public string State { get; init; } = "";

    public string Kind { get; init; } = "";

    public string Agent { get; init; } = "";

    public string Tier { get; init; } = "";

    public string Code { get; init; } = "";

    public string Run { get; init; } = "";

    public string Label { get; init; } = "";

    public string Since { get; init; } = "";

    public string Until { get; init; } = "";

    public string Order { get; init; } = "";

    public string After { get; init; } = "";

    public int Limit { get; init; } = 50;

    /// <summary>What is wrong, by the name of the field.</summary>
    public IReadOnlyDictionary<string, string> Faults { get; init; } = new Dictionary<string, string>();

    /// <summary>Whether nothing is asked for.</summary>
    public bool IsEmpty => Members.All(m => string.IsNullOrEmpty(m.Value));

    /// <summary>Whether more than words is asked for, so that the filters are to be seen.</summary>
    public bool HasFilters => Members.Any(m => m.Name is not "q" && !string.IsNullOrEmpty(m.Value));

    private IEnumerable<(string Name, string? Value)> Members =>
    [
        ("q", Q), ("workflow", Workflow), ("state", State), ("kind", Kind), ("agent", Agent), ("tier", Tier), ("code", Code), ("run", Run), ("label", Label), ("since", Since), ("until", Until), ("order", Order),
    ];

    /// <summary>The form's members as a query string, to go on after a page.</summary>
    public IEnumerable<(string Name, string? Value)> ToQuery(string? after) => Members.Append(("after", after));

    /// <summary>What it asks the index for.</summary>
    public (SearchQuery? Query, IReadOnlyDictionary<string, string> Faults) Parse()
    {
        var faults = new Dictionary<string, string>();
        foreach (var (name, value) in Members.Where(m => m.Name != "q" && m.Value?.Length > FieldMax))
        {
            faults[name] = $"At most {FieldMax} characters; got {value!.Length}.";
        }

        if (Q.Length > SearchQuery.TextMax)
        {
            faults["q"] = $"At most {SearchQuery.TextMax} characters; got {Q.Length}.";
        }

        var labels = new Dictionary<string, string>();
        foreach (var pair in Label.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (pair.Split('=', 2) is [{ Length: > 0 } name, var value])
            {
                labels[name] = value;
            }
            else
            {
                faults["label"] = "A label is written name=value; several are parted by commas.";
            }
        }

        const int RunMax = 64;
        if (Run.Length > RunMax)
        {
            faults["run"] = $"A run's id has at most {RunMax} characters.";
        }

        var since = Time(Since, "since");
        var until = Time(Until, "until");
        return faults.Count > 0 ? (null, faults) : (new SearchQuery
        {
            Text = Q,
            Workflow = Given(Workflow),
            State = Given(State),
            Kinds = [.. Kind.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)],
            Agent = Given(Agent),
            Tier = Given(Tier),
            Code = Given(Code),
            Run = Run.Length > 0 ? new RunId(Run) : null,
            Labels = labels,
            Since = since,
            Until = until,
            ByRank = Order == "rank",
            After = Given(After),
            Limit = Math.Clamp(Limit, 1, LimitMax),
        }, faults);

        static string? Given(string value) => value.Length == 0 ? null : value;

        DateTimeOffset? Time(string text, string field)
        {
            if (text.Length == 0)
            {
                return null;
            }

            if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
            {
                return time;
            }

            faults[field] = "A time is written 2026-01-31T13:45, in UTC.";
            return null;
        }
    }
}
