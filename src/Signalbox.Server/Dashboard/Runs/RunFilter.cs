using System.Globalization;
using Microsoft.AspNetCore.Http;
using Signalbox.Server.Dashboard.Frame;
using Signalbox.Storage;

namespace Signalbox.Server.Dashboard.Runs;

/// <summary>The filter of the list of runs, as it stands in the query string and in the form's fields. What cannot be read is left out of the query, and <see cref="Faults"/> says so.</summary>
internal sealed class RunFilter
{
    public const int PageSize = 50;

    /// <summary>The names of the stretches of time that the form offers.</summary>
    public static readonly IReadOnlyDictionary<string, TimeSpan> Stretches = new Dictionary<string, TimeSpan>
    {
        ["1h"] = TimeSpan.FromHours(1),
        ["24h"] = TimeSpan.FromHours(24),
        ["7d"] = TimeSpan.FromDays(7),
        ["30d"] = TimeSpan.FromDays(30),
    };

    private const int TextMax = 500;

    private RunFilter()
    {
    }

    public string Workflow { get; private init; } = "";

    public string Status { get; private init; } = "";

    public string State { get; private init; } = "";

    public string Label { get; private init; } = "";

    public string Id { get; private init; } = "";

    /// <summary>Whether <see cref="Id"/> is the beginning of a run's id; else it is a key that runs were started under.</summary>
    private bool IsId => Id.StartsWith("r-", StringComparison.Ordinal);

    public string Within { get; private init; } = "";

    public string Since { get; private init; } = "";

    public string Until { get; private init; } = "";

    public bool Asks { get; private init; }

    public string After { get; private init; } = "";

    /// <summary>The fields that were left out because of their length.</summary>
    private IReadOnlyList<string> TooLong { get; init; } = [];

    public IReadOnlyList<string> Faults { get; private set; } = [];

    public bool IsAny => Query(null) != "";

    public static RunFilter Of(IQueryCollection query)
    {
        var tooLong = new List<string>();
        return new()
        {
            TooLong = tooLong,
            Workflow = Text("workflow"),
            Status = Text("status"),
            State = Text("state"),
            Label = Text("label"),
            Id = Text("id"),
            Within = Text("within"),
            Since = Text("since"),
            Until = Text("until"),
            Asks = Text("asks") is not "",
            After = Text("after"),
        };

        string Text(string name)
        {
            var text = query[name].ToString();
            if (text.Length <= TextMax)
            {
                return text.Trim();
            }

            tooLong.Add(name);
            return "";
        }
    }

    /// <summary>One more than a page shows, so that it is known whether there are more.</summary>
    public RunQuery ToQuery(DateTimeOffset now)
    {
        var faults = TooLong.Select(name => $"'{name}' has more than {TextMax} characters; it is left out.").ToList();
        var statuses = new List<RunStatus>();
        foreach (var name in Status.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (Enum.TryParse<RunStatus>(name, ignoreCase: true, out var status) && Enum.IsDefined(status))
            {
                statuses.Add(status);
            }
            else if (name == "open")
            {
                statuses.AddRange([RunStatus.Pending, RunStatus.Running, RunStatus.Waiting, RunStatus.Held]);
            }
            else
            {
                faults.Add($"There is no status '{name}'; it is left out. There are: {string.Join(", ", Enum.GetNames<RunStatus>())}, and 'open'.");
            }
        }

        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var label in Label.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var at = label.IndexOf('=', StringComparison.Ordinal);
            if (at > 0)
            {
                labels[label[..at]] = label[(at + 1)..];
            }
            else
            {
                faults.Add($"'{label}' is not of the form name=value; it is left out.");
            }
        }

        TimeSpan? within = null;
        if (Within.Length > 0)
        {
            if (Stretches.TryGetValue(Within, out var stretch))
            {
                within = stretch;
            }
            else
            {
                faults.Add($"'{Within}' is no stretch of time; it is left out. There are: {string.Join(", ", Stretches.Keys)}.");
            }
        }

        var (since, until) = (Time(Since), Time(Until));
        Faults = faults;
        return new RunQuery
        {
            Workflow = Workflow is "" ? null : Workflow,
            Statuses = statuses,
            State = State is "" ? null : State,
            Labels = labels,
            IdPrefix = IsId ? Id : null,
            Key = Id is "" || IsId ? null : Id,
            Since = since ?? now - within,
            Until = until,
            AsksAPerson = Asks,
            After = After is "" or { Length: > 64 } ? null : new RunId(After),
            Limit = PageSize + 1,
        };

        DateTimeOffset? Time(string text)
        {
            if (text is "")
            {
                return null;
            }

            if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
            {
                return time;
            }

            faults.Add($"'{text}' is no time; it is left out. Write it as 2026-01-31T08:00, in UTC.");
            return null;
        }
    }

    /// <summary>The filter as a query string, from there on.</summary>
    public string Query(RunId? after) => DashboardLinks.Query(
        ("workflow", Workflow), ("status", Status), ("state", State), ("label", Label), ("id", Id), ("within", Within), ("since", Since), ("until", Until), ("asks", Asks ? "1" : null), ("after", after?.ToString()));
}
