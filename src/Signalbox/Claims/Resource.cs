using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Serialization;

namespace Signalbox;

/// <summary>
/// A thing outside that actions have a stake in, such as an address at a firewall. Which resources overlap is said by their paths alone: two overlap when one's path begins the other's. So a
/// network contains its addresses and a host its accounts, for every store alike and without the author's code.
/// </summary>
public sealed record Resource
{
    private const int CharactersMax = 512;

    /// <summary>A resource as it was recorded, or under a rule of its own: <paramref name="path"/> must begin with the paths of all that contain it, and with no other's.</summary>
    /// <exception cref="ArgumentException">A part is empty, longer than 512 characters or has control characters.</exception>
    [JsonConstructor]
    public Resource(string name, string path)
    {
        Name = Fit(name, nameof(name));
        Path = Fit(path, nameof(path));
    }

    /// <summary>What people call it: <c>ip/192.0.2.0/24</c>.</summary>
    public string Name { get; }

    /// <summary>Where it lies: what overlap is decided by.</summary>
    public string Path { get; }

    /// <summary>
    /// A resource by its kind and names, from the outermost to the innermost: <c>Of("account", "web-01", "root")</c> lies within <c>Of("account", "web-01")</c>. Names that are the same but for how they are encoded
    /// are the same; what would not be seen, or pass for the end of a name, is written as <c>%2F</c>.
    /// </summary>
    public static Resource Of(string kind, params IReadOnlyList<string> names)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(kind);
        ArgumentNullException.ThrowIfNull(names);
        var parts = names.Prepend(kind).Select(Escaped).ToArray();
        return new(string.Join('/', parts), string.Concat(parts.Select(p => p + "/")));
    }

    /// <summary>An address. An IPv4-mapped IPv6 address is its IPv4 address.</summary>
    public static Resource Address(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return Of(plain, plain.AddressFamily == AddressFamily.InterNetwork ? 32 : 128, isAddress: true);
    }

    /// <summary>A network: it contains its addresses and the networks within it. One of IPv4-mapped IPv6 addresses is its IPv4 network.</summary>
    public static Resource Network(IPNetwork network)
    {
        var mapped = network.BaseAddress.IsIPv4MappedToIPv6 && network.PrefixLength >= 96;
        return mapped ? Of(network.BaseAddress.MapToIPv4(), network.PrefixLength - 96, isAddress: false) : Of(network.BaseAddress, network.PrefixLength, isAddress: false);
    }

    /// <summary>
    /// An address (<c>192.0.2.7</c>, <c>2001:db8::1</c>) or a network (<c>192.0.2.0/24</c>) as text. IPv4 is read in its one plain form: <c>010.0.0.1</c>, <c>10.1</c> and <c>0x0a000001</c>, which programs take for
    /// different addresses, are none.
    /// </summary>
    /// <exception cref="FormatException">It is neither, or a network with bits beyond its prefix.</exception>
    public static Resource AddressOrNetwork(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        var written = slash < 0 ? text : text[..slash];
        if (!IPAddress.TryParse(written, out var address) || !IsPlain(written, address))
        {
            throw new FormatException($"'{text}' is no IP address and no network, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/48.");
        }

        if (slash < 0)
        {
            return Address(address);
        }

        var bits = address.GetAddressBytes().Length * 8;
        if (!int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length > bits)
        {
            throw new FormatException($"'{text}' has no prefix length from 0 to {bits}.");
        }

        var bytes = address.GetAddressBytes();
        for (var i = length; i < bits; i++)
        {
            bytes[i / 8] &= (byte)~(0x80 >> (i % 8));
        }

        var network = new IPAddress(bytes);
        return network.Equals(address) ? Network(new IPNetwork(network, length)) : throw new FormatException($"'{text}' has bits beyond its prefix; the network is {network}/{length}.");
    }

    /// <summary>Whether a change of one may concern the other.</summary>
    public bool Overlaps(Resource other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Path.StartsWith(other.Path, StringComparison.Ordinal) || other.Path.StartsWith(Path, StringComparison.Ordinal);
    }

    /// <inheritdoc />
    public override string ToString() => Name;

    private static bool IsPlain(string written, IPAddress address) => address.AddressFamily == AddressFamily.InterNetwork
        ? address.ToString() == written
        : !written.Any(c => c is '[' or '%' || char.IsWhiteSpace(c)) && (!written.Contains('.', StringComparison.Ordinal) || (written[(written.LastIndexOf(':') + 1)..] is var tail && IPAddress.TryParse(tail, out var v4) && v4.ToString() == tail));

    private static Resource Of(IPAddress address, int length, bool isAddress)
    {
        var bytes = address.GetAddressBytes();
        var isWhole = length == bytes.Length * 8;
        var bits = string.Create(length, bytes, static (span, from) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = (from[i / 8] & (0x80 >> (i % 8))) == 0 ? '0' : '1';
            }
        });
        var family = bytes.Length == 4 ? "4" : "6";
        return new(isAddress || isWhole ? $"ip/{new IPAddress(bytes)}" : $"ip/{new IPAddress(bytes)}/{length}", $"ip/{family}/{bits}");
    }

    private static string Escaped(string part)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(part);
        var escaped = new StringBuilder(part.Length);
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var rune in Composed(part).EnumerateRunes())
        {
            if (rune.Value is not ('%' or '/') && Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate))
            {
                escaped.Append(rune.ToString());
                continue;
            }

            foreach (var b in utf8[..rune.EncodeToUtf8(utf8)])
            {
                escaped.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
            }
        }

        return escaped.ToString();
    }

    /// <summary>An <c>é</c> is one, whether written as one character or as two. What is no text has U+FFFD where it is broken.</summary>
    private static string Composed(string part)
    {
        var text = string.Concat(part.EnumerateRunes());
        return text.IsNormalized() ? text : text.Normalize();
    }

    private static string Fit(string text, string what) => string.IsNullOrWhiteSpace(text) || text.Length > CharactersMax || text.Any(char.IsControl)
        ? throw new ArgumentException($"A resource's {what} has 1 to {CharactersMax} characters and no control character; got '{text}'.", what)
        : text;
}
