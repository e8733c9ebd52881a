using Signalbox;

namespace SecurityAlerts;

/// <summary>The three sources, as a workflow asks them.</summary>
internal sealed class EvidenceSources(AlertSources alerts)
{
    public EvidenceSource<LoginQuery, LoginHistory> Logins { get; } = new(AlertSources.Logins, alerts.LoginsAsync);

    /// <summary>Where an alert names no address, there is nothing to ask, and the answer is null.</summary>
    public EvidenceSource<string?, ThreatReport?> Threats { get; } = new(
        AlertSources.Threats, async (address, cancellationToken) => address is null ? null : await alerts.ThreatsAsync(address, cancellationToken));

    public EvidenceSource<AssetQuery, AssetReport> Assets { get; } = new(
        AlertSources.Assets, (asset, cancellationToken) => alerts.AssetsAsync(asset.Site, asset.Host, asset.Address, cancellationToken));
}

/// <summary>A host, and an address of which it is asked where it stands to that host.</summary>
internal sealed record AssetQuery(string Site, string Host, string? Address)
{
    public static AssetQuery For(Alert alert) => new(alert.Site, alert.Host, alert.SourceIp);
}
