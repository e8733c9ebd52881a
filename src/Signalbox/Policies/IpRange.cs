namespace Signalbox;

/// <summary>
/// What the path of a resource says of addresses: the family, how long the prefix is, and how many there are (at most <see cref="CountMax"/>). An IPv6 network that contains the IPv4-mapped addresses counts as all of IPv4, for some targets take it so.
/// </summary>
internal readonly record struct IpRange(bool IsIPv4, int Length, long Count)
{
    /// <summary>What counts as "very many"; so bounded, sums over years do not overflow.</summary>
    public const long CountMax = 1_000_000_000_000;

    /// <summary>The path of every IPv4 address begins so.</summary>
    public const string IPv4Path = "ip/4/";

    private const string IPv6Path = "ip/6/";

    private static readonly string s_mapped = new string('0', 80) + new string('1', 16);

    /// <summary>Null for a resource that is no address and no network.</summary>
    public static IpRange? Of(Resource resource)
    {
        var path = resource.Path;
        if (path.StartsWith(IPv4Path, StringComparison.Ordinal))
        {
            return Of(path[IPv4Path.Length..], 32);
        }

        var range = path.StartsWith(IPv6Path, StringComparison.Ordinal) ? Of(path[IPv6Path.Length..], 128) : null;
        return HoldsIPv4(path) ? range!.Value with { IsIPv4 = true, Length = 0 } : range;
    }

    /// <summary>Whether the path is that of an IPv6 network that contains the IPv4-mapped addresses.</summary>
    public static bool HoldsIPv4(string path) => path.StartsWith(IPv6Path, StringComparison.Ordinal) && s_mapped.StartsWith(path[IPv6Path.Length..], StringComparison.Ordinal);

    private static IpRange? Of(string bits, int max) =>
        bits.Length <= max && !bits.AsSpan().ContainsAnyExcept('0', '1') ? new(max == 32, bits.Length, max - bits.Length >= 40 ? CountMax : 1L << (max - bits.Length)) : null;
}
