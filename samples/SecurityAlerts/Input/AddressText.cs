using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace SecurityAlerts;

/// <summary>
/// Addresses as text, one spelling each: dotted IPv4 or compressed IPv6, an IPv4-mapped IPv6 address as its IPv4 address.
/// The short and octal forms that <see cref="IPAddress.TryParse(string, out IPAddress)"/> takes are refused:
/// <c>010.1.1.1</c> and <c>1.2</c> mean different addresses to different programs, and one of those is a firewall.
/// </summary>
internal static class AddressText
{
    public static bool TryParse(string? text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        if (string.IsNullOrEmpty(text) || text.AsSpan().ContainsAny('%', '[', ']') || !IPAddress.TryParse(text, out var parsed))
        {
            return false;
        }
        if (parsed.AddressFamily == AddressFamily.InterNetwork && parsed.ToString() != text)
        {
            return false;
        }
        address = Normalize(parsed);
        return true;
    }

    public static IPAddress Normalize(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>The network that usually has one owner: the /24 of an IPv4 address, the /64 of an IPv6 address.</summary>
    public static IPNetwork NetworkOf(IPAddress address)
    {
        var bytes = Normalize(address).GetAddressBytes();
        var prefix = bytes.Length == 4 ? 3 : 8;
        bytes.AsSpan(prefix).Clear();
        return new(new IPAddress(bytes), prefix * 8);
    }

    public static string Of(IPAddress address) => Normalize(address).ToString();
}
