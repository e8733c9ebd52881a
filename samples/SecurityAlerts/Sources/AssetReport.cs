using System.Text.Json.Serialization;

namespace SecurityAlerts;

/// <summary>Where an address stands to a host.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AddressPosition>))]
internal enum AddressPosition
{
    /// <summary>The alert names no address.</summary>
    [JsonStringEnumMemberName("none")] None,

    /// <summary>The host is not in the list of assets, so nothing can be said.</summary>
    [JsonStringEnumMemberName("unknown")] Unknown,

    [JsonStringEnumMemberName("inside")] Inside,
    [JsonStringEnumMemberName("staff")] Staff,
    [JsonStringEnumMemberName("scanner")] Scanner,
    [JsonStringEnumMemberName("outside")] Outside,
}

/// <summary>What the assets and the allow-list say about a host and an address.</summary>
/// <param name="AllowListKnown">False when the allow-list could not be read: an address may then be a scanner's.</param>
/// <param name="Accounts">All accounts of the host: the policy disables no other.</param>
internal sealed record AssetReport(
    string Site,
    string Host,
    bool Known,
    string? Role,
    string? Exposure,
    AddressPosition Position,
    bool AllowListKnown,
    IReadOnlyList<string> ScannerLists,
    IReadOnlyList<string> Accounts,
    IReadOnlyList<string> StaffSources,
    IReadOnlyList<string> InternalNetworks);
