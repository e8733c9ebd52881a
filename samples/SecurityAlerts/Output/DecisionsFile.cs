using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace SecurityAlerts;

/// <summary>What became of one alert, as written to <c>--decisions</c>.</summary>
/// <param name="DecidedBy">The tier or the person whose decision stands; for an alert that waits, the tier that handed it on.</param>
internal sealed record DecidedAlert(
    string Id, Decision Decision, double Confidence, string DecidedBy, string Run, IReadOnlyList<string> Reasons)
{
    /// <summary>Whom an undecided alert waits for; null when it is decided. Its decision is then written as <c>escalate</c>.</summary>
    [JsonIgnore]
    public string? WaitsFor { get; init; }
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
