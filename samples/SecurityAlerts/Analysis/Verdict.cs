using System.Text.Json.Serialization;

namespace SecurityAlerts;

/// <summary>What can be done about an alert.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Decision>))]
internal enum Decision
{
    [JsonStringEnumMemberName("close")] Close,
    [JsonStringEnumMemberName("block_ip")] BlockIp,
    [JsonStringEnumMemberName("disable_account")] DisableAccount,
    [JsonStringEnumMemberName("escalate")] Escalate,
}

/// <summary>An analyst's answer: what to do, how sure that is right (0 to 1), why, and the account where one is to be disabled.</summary>
internal sealed record Verdict(
    [property: JsonPropertyName("decision"), JsonRequired] Decision Decision,
    [property: JsonPropertyName("confidence"), JsonRequired] double Confidence,
    [property: JsonPropertyName("reasons"), JsonRequired] IReadOnlyList<string> Reasons,
    [property: JsonPropertyName("account")] string? Account = null)
{
    /// <summary>The first reason, or that none was given.</summary>
    [JsonIgnore]
    public string MainReason => Reasons is [var first, ..] ? first : "no reason was given";
}

internal static class DecisionNames
{
    /// <summary>The decision's name as it is written in JSON and in reports.</summary>
    public static string InText(this Decision decision) => decision switch
    {
        Decision.Close => "close",
        Decision.BlockIp => "block_ip",
        Decision.DisableAccount => "disable_account",
        Decision.Escalate => "escalate",
        _ => throw new ArgumentOutOfRangeException(nameof(decision), decision, "There are four decisions."),
    };
}
