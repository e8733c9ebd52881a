using System.Text.Json;

namespace SecurityAlerts;

/// <summary>
/// Everything that is known about one alert. A source that did not answer is null, and <see cref="Missing"/>
/// says why, under the source's name; a source that was not asked is null and not missing. While an analyst is at work, it
/// also says why a tool gave no answer, under the tool's name: the source may well have given one.
/// </summary>
internal sealed record CaseFile(
    Alert Alert,
    LoginHistory? Logins,
    ThreatReport? Threats,
    AssetReport? Assets,
    IReadOnlyDictionary<string, string> Missing)
{
    /// <summary>Names as in the data files; <c>&lt;</c> and <c>&gt;</c> are escaped, so that no text from a log can end the fence.</summary>
    public static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
    };
}
