using System.Net;

namespace SecurityAlerts;

/// <summary>Address ranges as text: <c>192.0.2.0/24</c>. A range whose address has bits beyond the prefix is refused.</summary>
internal static class RangeText
{
    public static bool TryParse(string? text, out IPNetwork range)
    {
        range = default;
        var slash = text?.IndexOf('/', StringComparison.Ordinal) ?? -1;
        return slash > 0
            && AddressText.TryParse(text![..slash], out var address)
            && IPNetwork.TryParse(text, out range)
            && range.BaseAddress.Equals(address);
    }
}
