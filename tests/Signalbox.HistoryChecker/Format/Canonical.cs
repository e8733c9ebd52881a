using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Signalbox.HistoryChecker.Format;

/// <summary>
/// The SHA-256 of a value's canonical form: RFC 8785, except that an integer written without fraction and exponent keeps its digits.
/// </summary>
internal static class Canonical
{
    /// <summary>In hexadecimal; null where the value has no canonical form (a member twice, a number beyond a double, half a surrogate pair).</summary>
    public static string? Hash(JsonElement value)
    {
        var text = new StringBuilder();
        try
        {
            return Write(text, value) ? Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString()))) : null;
        }
        catch (InvalidOperationException)
        {
            return null; // half a surrogate pair
        }
    }

    private static bool Write(StringBuilder text, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => WriteObject(text, value),
        JsonValueKind.Array => WriteArray(text, value),
        JsonValueKind.String => WriteText(text, value.GetString()!),
        JsonValueKind.Number => WriteNumber(text, value.GetRawText()),
        JsonValueKind.True => text.Append("true") is not null,
        JsonValueKind.False => text.Append("false") is not null,
        _ => text.Append("null") is not null,
    };

    private static bool WriteObject(StringBuilder text, JsonElement value)
    {
        var members = new SortedDictionary<string, JsonElement>(StringComparer.Ordinal); // ordinal: by UTF-16 code units, as the RFC wants
        foreach (var member in value.EnumerateObject())
        {
            if (!members.TryAdd(member.Name, member.Value))
            {
                return false;
            }
        }

        var separator = '{';
        foreach (var (name, member) in members)
        {
            WriteText(text.Append(separator), name);
            if (!Write(text.Append(':'), member))
            {
                return false;
            }

            separator = ',';
        }

        text.Append(separator == '{' ? "{}" : "}");
        return true;
    }

    private static bool WriteArray(StringBuilder text, JsonElement value)
    {
        var separator = "";
        text.Append('[');
        foreach (var item in value.EnumerateArray())
        {
            if (!Write(text.Append(separator), item))
            {
                return false;
            }

            separator = ",";
        }

        text.Append(']');
        return true;
    }

    private static bool WriteText(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (var c in value)
        {
            var named = "\"\\\b\f\n\r\t".IndexOf(c, StringComparison.Ordinal);
            if (named >= 0)
            {
                text.Append('\\').Append("\"\\bfnrt"[named]);
            }
            else if (c < 0x20)
            {
                text.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
            }
            else
            {
                text.Append(c);
            }
        }

        text.Append('"');
        return true;
    }

    private static bool WriteNumber(StringBuilder text, string raw)
    {
        if (!raw.AsSpan().ContainsAny(".eE"))
        {
            text.Append(raw == "-0" ? "0" : raw);
            return true;
        }

        var number = double.Parse(raw, CultureInfo.InvariantCulture);
        if (!double.IsFinite(number))
        {
            return false;
        }

        text.Append(number == 0 ? "0" : EcmaScript(number));
        return true;
    }

    /// <summary>ECMAScript's Number::toString: the shortest digits that read back as the same double, and its own rules for where the point goes.</summary>
    private static string EcmaScript(double number)
    {
        var shortest = Math.Abs(number).ToString("R", CultureInfo.InvariantCulture);
        var e = shortest.IndexOf('E', StringComparison.Ordinal);
        var mantissa = e < 0 ? shortest : shortest[..e];
        var exponent = e < 0 ? 0 : int.Parse(shortest.AsSpan(e + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var before = point < 0 ? mantissa.Length : point;
        var digits = mantissa.Replace(".", "", StringComparison.Ordinal);
        var leading = digits.Length - digits.TrimStart('0').Length;
        digits = digits.Trim('0');

        // The value is 0.DIGITS × 10^n.
        var n = before + exponent - leading;
        var sign = number < 0 ? "-" : "";
        return sign + n switch
        {
            > 21 or < -5 => $"{digits[0]}{(digits.Length > 1 ? "." + digits[1..] : "")}e{(n > 0 ? "+" : "")}{(n - 1).ToString(CultureInfo.InvariantCulture)}",
            <= 0 => "0." + new string('0', -n) + digits,
            _ when digits.Length <= n => digits + new string('0', n - digits.Length),
            _ => digits[..n] + "." + digits[n..],
        };
    }
}
