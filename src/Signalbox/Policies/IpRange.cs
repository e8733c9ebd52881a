namespace Signalbox;

/// <summary>
/// What the path of a resource says of addresses: the family, and how long the prefix is. An IPv6 network that contains the IPv4-mapped addresses counts as all of IPv4, for some targets take it so.
/// </summary>
internal readonly record struct IpRange(bool IsIPv4, int Length)
{
    /// <summary>What counts as "very many"; so bounded, sums over years do not overflow.</summary>
    public const long CountMax = 1_000_000_000_000;

    /// <summary>The path of every IPv4 address begins so.</summary>
    public const string IPv4Path = "ip/4/";

    private const string IPv6Path = "ip/6/";

    private static readonly string s_mapped = new string('0', 80) + new string('1', 16);

    /// <summary>How many addresses, at most <see cref="CountMax"/>.</summary>
    public long Count => (IsIPv4 ? 32 : 128) - Length is var bits && bits >= 40 ? CountMax : 1L << bits;

    /// <summary>Null for a resource that is no address and no network.</summary>
    public static IpRange? Of(Resource resource)
    {
        var path = resource.Path;
        return path.StartsWith(IPv4Path, StringComparison.Ordinal) ? Of(path[IPv4Path.Length..], 32)
            : path.StartsWith(IPv6Path, StringComparison.Ordinal) ? (HoldsIPv4(path) ? new(true, 0) : Of(path[IPv6Path.Length..], 128))
            : null;
    }

    /// <summary>Whether the path is that of an IPv6 network that contains the IPv4-mapped addresses.</summary>
    public static bool HoldsIPv4(string path) => path.StartsWith(IPv6Path, StringComparison.Ordinal) && s_mapped.StartsWith(path[IPv6Path.Length..], StringComparison.Ordinal);

    private static IpRange? Of(string bits, int max) => bits.Length <= max && !bits.AsSpan().ContainsAnyExcept('0', '1') ? new(max == 32, bits.Length) : null;
}
