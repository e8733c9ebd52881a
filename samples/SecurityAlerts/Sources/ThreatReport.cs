namespace SecurityAlerts;

/// <summary>What the threat feed says about an address. <see cref="Score"/> is the highest of its entries; 0 when it is on none.</summary>
internal sealed record ThreatReport(string Address, bool Listed, int Score, IReadOnlyList<string> Lists, string? AsOf);
