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

    public static string Of(IPAddress address) => Normalize(address).ToString();
}
