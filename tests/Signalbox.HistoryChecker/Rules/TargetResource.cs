using System.Globalization;
using System.Net;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>Resources are compared as addresses or networks where they are such, so that two spellings of one are one: a mapped IPv4 address is an IPv4 address, and a network of one address that address.</summary>
internal static class TargetResource
{
    public static string Normal(string text)
    {
        var slash = text.IndexOf('/', StringComparison.Ordinal);
        if (!IPAddress.TryParse(slash < 0 ? text : text[..slash], out var address))
        {
            return text;
        }

        var bits = address.GetAddressBytes().Length * 8;
        var length = bits;
        if (slash >= 0 && !(int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out length) && length <= bits))
        {
            return text;
        }

        if (address.IsIPv4MappedToIPv6 && length >= 96)
        {
            (address, length, bits) = (address.MapToIPv4(), length - 96, 32);
        }

        return length == bits ? address.ToString() : $"{Masked(address, length)}/{length}";
    }

    private static IPAddress Masked(IPAddress address, int length)
    {
        var bytes = address.GetAddressBytes();
        for (var bit = length; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] &= (byte)~(0x80 >> (bit % 8));
        }

        return new(bytes);
    }
}
