using System.Net;

namespace SecurityAlerts;

/// <summary>
/// A firewall that is a text file: one address a line, for whatever reads it (<c>ipset</c>, a proxy, a person). Adding
/// the same address twice leaves one line; an IPv4-mapped IPv6 address is its IPv4 address.
/// </summary>
internal sealed class DenyListFile(string path, TimeProvider clock)
{
    private readonly EntryFile _file = new(path, clock,
        line => AddressText.TryParse(line, out var address) ? AddressText.Of(address) : null,
        "one IP address");

    public string FilePath => _file.FilePath;

    /// <summary>Denies an address, on disk when this returns. False when it was denied already, by whomever.</summary>
    public Task<bool> AddAsync(IPAddress address, string run, CancellationToken cancellationToken) =>
        _file.AddAsync(AddressText.Of(address), run, cancellationToken);

    /// <summary>Denies an address no longer, whoever denied it. False when it was not denied.</summary>
    public Task<bool> RemoveAsync(IPAddress address, CancellationToken cancellationToken) =>
        _file.RemoveAsync(AddressText.Of(address), cancellationToken);

    /// <summary>Whether the file on disk denies an address, read anew.</summary>
    public Task<bool> ContainsAsync(IPAddress address, CancellationToken cancellationToken) =>
        _file.ContainsAsync(AddressText.Of(address), cancellationToken);

    public Task<EntryFileContent> ReadAsync(CancellationToken cancellationToken) => _file.ReadAsync(cancellationToken);
}
