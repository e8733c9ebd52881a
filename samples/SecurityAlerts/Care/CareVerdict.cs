using System.Text.Json.Serialization;

namespace SecurityAlerts;

/// <summary>What can be done about a customer's request.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CareDecision>))]
internal enum CareDecision
{
    /// <summary>Nothing is done.</summary>
    [JsonStringEnumMemberName("leave")] Leave,

    /// <summary>The address is let through.</summary>
    [JsonStringEnumMemberName("allow")] Allow,
}

/// <summary>The carer's answer: what to do, how sure that is right (0 to 1), and why.</summary>
internal sealed record CareVerdict(
    [property: JsonPropertyName("decision"), JsonRequired] CareDecision Decision,
    [property: JsonPropertyName("confidence"), JsonRequired] double Confidence,
    [property: JsonPropertyName("reasons"), JsonRequired] IReadOnlyList<string> Reasons)
{
    /// <summary>The first reason, or that none was given.</summary>
    [JsonIgnore]
    public string MainReason => Reasons is [var first, ..] ? first : "no reason was given";
}
