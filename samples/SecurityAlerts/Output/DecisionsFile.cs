using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Signalbox;
using Signalbox.Journal;

namespace SecurityAlerts;

/// <summary>What became of one alert, as written to <c>--decisions</c>.</summary>
/// <param name="DecidedBy">The tier or the person whose decision stands; for an alert that waits, the tier that handed it on.</param>
internal sealed record DecidedAlert(
    string Id, Decision Decision, double Confidence, string DecidedBy, string Run, IReadOnlyList<string> Reasons)
{
    /// <summary>The model whose answer it is; null where none gave one, or where a person decided.</summary>
    public string? Model { get; init; }

    /// <summary>What asking the analyst cost, in the price table's currency.</summary>
    public decimal Cost { get; init; }

    public const string APerson = "a person";
    public const string AnOperator = "an operator";

    /// <summary>Whom an undecided alert waits for; null when it is decided. Its decision is then written as <c>escalate</c>.</summary>
    [JsonIgnore]
    public string? WaitsFor { get; init; }

    /// <summary>What the person may answer.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Choices { get; init; } = [];

    /// <summary>Whether the question is about an action, which is approved or rejected.</summary>
    [JsonIgnore]
    public bool AsksForApproval { get; init; }

    /// <summary>What was to be done stood already, made by somebody else or for another alert.</summary>
    [JsonIgnore]
    public bool WasSoAlready { get; init; }

    /// <summary>What was to be done is done by the target's word alone, which could not be asked; a second look has seen it.</summary>
    [JsonIgnore]
    public bool IsUnverified { get; init; }

    /// <summary>What became of an alert whose run goes on no further by itself.</summary>
    /// <param name="asked">What it asks about an action, if it does.</param>
    public static DecidedAlert Of(Alert alert, RunRow row, AlertCase @case, ApprovalRequested? asked = null)
    {
        var verdict = @case.Verdict ?? new(Decision.Escalate, 0, []);
        DecidedAlert decided = row.Status switch
        {
            RunStatus.Completed => new(alert.Id, verdict.Decision, verdict.Confidence, @case.DecidedBy, row.Run.Value, verdict.Reasons) { WasSoAlready = @case.WasSoAlready, IsUnverified = @case.IsUnverified },
            RunStatus.Held or RunStatus.Failed or RunStatus.Canceled => new(
                alert.Id, Decision.Escalate, verdict.Confidence, @case.DecidedBy, row.Run.Value, [Stopped(row), .. verdict.Reasons])
            { WaitsFor = AnOperator },
            _ when asked?.Action is not null => new(alert.Id, verdict.Decision, verdict.Confidence, @case.DecidedBy, row.Run.Value, [.. WhyApproval(asked), .. verdict.Reasons])
            {
                WaitsFor = APerson,
                Choices = asked.Choices,
                AsksForApproval = true,
            },
            _ => new(alert.Id, verdict.Decision, verdict.Confidence, @case.DecidedBy, row.Run.Value, WithWhy(@case, verdict))
            {
                WaitsFor = APerson,
                Choices = [.. PersonsChoices.For(@case).Select(choice => choice.Name)],
            },
        };
        return decided with { Model = @case.DecidedBy == @case.Decision?.Tier ? @case.Decision.Model : null, Cost = row.Spent.Money };
    }

    /// <summary>Why an action needs a person's approval.</summary>
    public static IReadOnlyList<string> WhyApproval(ApprovalRequested asked) => [$"{asked.Action!.Action} needs approval: {string.Join("; ", asked.Why ?? [])}"];

    /// <summary>Why an operator is needed.</summary>
    public static string Stopped(RunRow row) =>
        row.Reason is null ? $"The run was {row.Status}." : $"The run is {row.Status} in {row.State} ({row.ReasonCode}): {row.Reason}";

    private static IReadOnlyList<string> WithWhy(AlertCase @case, Verdict verdict)
    {
        if (@case.Why is not { } why || verdict.Reasons.Any(reason => reason.Contains(why, StringComparison.OrdinalIgnoreCase)))
        {
            return verdict.Reasons;
        }

        return @case.Decision is { Stands: false } && verdict.Decision != Decision.Escalate ? [why, $"{@case.DecidedBy} had proposed {verdict.Decision.InText()}.", .. verdict.Reasons] : [why, .. verdict.Reasons];
    }
}

/// <summary>Writes the decisions, one JSON object a line, in one piece: a reader finds the last complete file or this one.</summary>
internal static class DecisionsFile
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        // This is a file of JSON lines, not a page: an apostrophe may stay one. Control characters are escaped all the same.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static Task WriteAsync(string path, IEnumerable<DecidedAlert> alerts, CancellationToken cancellationToken)
    {
        var lines = new StringBuilder();
        foreach (var alert in alerts)
        {
            lines.Append(JsonSerializer.Serialize(alert.WaitsFor is null ? alert : alert with { Decision = Decision.Escalate }, Json)).Append('\n');
        }
        return DurableFile.ReplaceAsync(path, Encoding.UTF8.GetBytes(lines.ToString()), cancellationToken);
    }
}
