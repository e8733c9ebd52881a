using System.Net;

namespace Signalbox.HistoryChecker.Format;

/// <summary>A claim as a body states it: what is wanted (<paramref name="Intent"/>) of which resource, and which intents it cannot stand beside.</summary>
internal sealed record ClaimBody(string Name, string Path, string Intent, IReadOnlyList<string> Against)
{
    /// <summary>The claims of a body; null where it has no such member.</summary>
    /// <exception cref="BodyFaultException">They are not of the documented shape.</exception>
    public static IReadOnlyList<ClaimBody>? Read(Body body) => body.Element("claims") is null ? null : [.. body.Objects("claims").Select(One)];

    /// <summary>Whether the two cannot both stand. Which of them says so does not matter.</summary>
    public bool Opposes(ClaimBody other) => Against.Contains(other.Intent, StringComparer.Ordinal) || other.Against.Contains(Intent, StringComparer.Ordinal);

    /// <summary>
    /// The path that a name of an address or a network must have: its family and the bits that all its addresses share. A mapped IPv4 address is an IPv4 address. Null for other names, which follow
    /// a rule of their own.
    /// </summary>
    public static string? PathOf(string name)
    {
        if (!name.StartsWith("ip/", StringComparison.Ordinal))
        {
            return null;
        }

        var parts = name[3..].Split('/');
        if (!IPAddress.TryParse(parts[0], out var address) || parts.Length > 2)
        {
            return null;
        }

        var length = address.GetAddressBytes().Length * 8;
        if (parts.Length == 2 && !(int.TryParse(parts[1], System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var stated) && stated <= length && (length = stated) >= 0))
        {
            return null;
        }

        if (address.IsIPv4MappedToIPv6 && length >= 96)
        {
            (address, length) = (address.MapToIPv4(), length - 96);
        }

        var bytes = address.GetAddressBytes();
        var bits = string.Concat(bytes.Select(b => Convert.ToString(b, 2).PadLeft(8, '0')));
        return $"ip/{(bytes.Length == 4 ? 4 : 6)}/{bits[..length]}";
    }

    public override string ToString() => $"'{Intent}' of {Name}";

    private static ClaimBody One(Body claim)
    {
        var resource = claim.Object("resource") ?? throw new BodyFaultException("a claim with a resource", "none");
        return new(resource.Text("name"), resource.Text("path"), claim.Text("intent"), claim.Texts("against"));
    }
}
