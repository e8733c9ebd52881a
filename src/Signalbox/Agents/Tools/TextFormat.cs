using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Signalbox;

/// <summary>Plain checks of a schema's <c>format</c>: what is obviously something else is found, not every subtlety of the standards.</summary>
internal static class TextFormat
{
    private static readonly SearchValues<char> s_schemeCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-.");

    /// <summary>Whether a text has a format, and what that looks like in words; no words for a format that is not known and so fits everything.</summary>
    public static (bool Fits, string? Expected) Check(string format, string text) => format switch
    {
        "date-time" => (IsDateTime(text), "a date and time with its offset, such as 2026-01-31T09:30:00Z"),
        "date" => (IsDate(text), "a date such as 2026-01-31"),
        "ipv4" => (IsIPv4(text), "an IPv4 address such as 192.0.2.7"),
        "ipv6" => (IsIPv6(text), "an IPv6 address such as 2001:db8::7"),
        "uuid" => (text.Length == 36 && Guid.TryParseExact(text, "D", out _), "a UUID such as 01234567-89ab-cdef-0123-456789abcdef"),
        "email" => (IsEmail(text), "an e-mail address such as name@example.com"),
        "uri" => (IsUri(text), "an absolute URI such as https://example.com/path"),
        _ => (true, null),
    };

    private static bool IsDate(string text) => text.Length == 10 && DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _);

    /// <summary>RFC 3339, without its leap seconds, which no type of ours can hold.</summary>
    private static bool IsDateTime(string text)
    {
        if (text.Length < 20 || !IsDate(text[..10]) || text[10] is not ('T' or 't') || !TimeOnly.TryParseExact(text.AsSpan(11, 8), "HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.None, out _))
        {
            return false;
        }

        var rest = text.AsSpan(19);
        if (rest[0] == '.')
        {
            var digits = rest[1..].IndexOfAnyExceptInRange('0', '9');
            if (digits < 1)
            {
                return false;
            }

            rest = rest[(digits + 1)..];
        }

        return rest is "Z" or "z" || (rest.Length == 6 && rest[0] is '+' or '-' && TimeOnly.TryParseExact(rest[1..], "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out _));
    }

    private static bool IsIPv4(string text)
    {
        var parts = text.Length <= 15 ? text.Split('.') : [];
        return parts.Length == 4 && parts.All(part => part.Length is > 0 and <= 3 && part.All(char.IsAsciiDigit) && (part.Length == 1 || part[0] != '0')
            && int.Parse(part, CultureInfo.InvariantCulture) <= 255);
    }

    private static bool IsIPv6(string text) =>
        text.Length <= 45 && text.All(c => char.IsAsciiHexDigit(c) || c is ':' or '.') && IPAddress.TryParse(text, out var address) && address.AddressFamily == AddressFamily.InterNetworkV6;

    private static bool IsEmail(string text)
    {
        var at = text.LastIndexOf('@');
        return at > 0 && at < text.Length - 1 && text.Length <= 254 && !text.Any(c => char.IsWhiteSpace(c) || char.IsControl(c))
            && (text[0] == '"' || text.IndexOf('@', StringComparison.Ordinal) == at) && text[at + 1] != '.' && text[^1] != '.';
    }

    private static bool IsUri(string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && char.IsAsciiLetter(text[0]) && text.AsSpan(0, colon).IndexOfAnyExcept(s_schemeCharacters) < 0
            && !text.Any(c => char.IsWhiteSpace(c) || char.IsControl(c) || c is '<' or '>' or '"' or '\\' or '^' or '`' or '{' or '|' or '}') && Uri.TryCreate(text, UriKind.Absolute, out _);
    }
}
