using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Signalbox.Journal;

/// <summary>
/// RFC 8785 (JSON Canonicalization Scheme): members sorted by UTF-16 code units, no white space, shortest numbers and
/// the least escaping. One deviation, so that two different large integers never share a key: an integer written
/// without fraction and exponent keeps its digits, also beyond 2^53.
/// </summary>
public static class CanonicalJson
{
    /// <summary>The canonical form of a JSON text.</summary>
    /// <exception cref="JsonException">The text is not JSON, has a member twice, or a number that is not finite.</exception>
    public static byte[] Of(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        using var document = JsonDocument.ParseValue(ref reader);
        reader.Read(); // throws if anything follows
        var buffer = new ArrayBufferWriter<byte>(json.Length);
        Write(buffer, document.RootElement);
        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(ArrayBufferWriter<byte> buffer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                WriteObject(buffer, value);
                break;
            case JsonValueKind.Array:
                buffer.Write("["u8);
                var first = true;
                foreach (var item in value.EnumerateArray())
                {
                    if (!first)
                    {
                        buffer.Write(","u8);
                    }

                    first = false;
                    Write(buffer, item);
                }

                buffer.Write("]"u8);
                break;
            case JsonValueKind.String:
                WriteString(buffer, value.GetString()!);
                break;
            case JsonValueKind.Number:
                Encoding.UTF8.GetBytes(Number(value), buffer);
                break;
            default:
                Encoding.UTF8.GetBytes(value.GetRawText(), buffer);
                break;
        }
    }

    private static void WriteObject(ArrayBufferWriter<byte> buffer, JsonElement value)
    {
        var members = value.EnumerateObject().ToArray();
        Array.Sort(members, static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        buffer.Write("{"u8);
        for (var i = 0; i < members.Length; i++)
        {
            if (i > 0)
            {
                if (members[i].Name == members[i - 1].Name)
                {
                    throw new JsonException($"The member '{members[i].Name}' stands twice in one object.");
                }

                buffer.Write(","u8);
            }

            WriteString(buffer, members[i].Name);
            buffer.Write(":"u8);
            Write(buffer, members[i].Value);
        }

        buffer.Write("}"u8);
    }

    private static void WriteString(ArrayBufferWriter<byte> buffer, string text)
    {
        var quoted = new StringBuilder(text.Length + 2).Append('"');
        foreach (var c in text)
        {
            _ = c switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append("\\\\"),
                '\b' => quoted.Append("\\b"),
                '\f' => quoted.Append("\\f"),
                '\n' => quoted.Append("\\n"),
                '\r' => quoted.Append("\\r"),
                '\t' => quoted.Append("\\t"),
                < ' ' => quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                _ => quoted.Append(c),
            };
        }

        Encoding.UTF8.GetBytes(quoted.Append('"').ToString(), buffer);
    }

    private static string Number(JsonElement value)
    {
        var raw = value.GetRawText();
        if (raw.AsSpan().IndexOfAny(".eE") < 0)
        {
            return raw == "-0" ? "0" : raw;
        }

        var number = double.Parse(raw, NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsFinite(number) ? EcmaScript(number) : throw new JsonException($"The number {raw} is not finite as a double.");
    }

    /// <summary>ECMAScript's Number::toString (ECMA-262, 6.1.6.1.20), which RFC 8785 prescribes.</summary>
    internal static string EcmaScript(double number)
    {
        if (number == 0)
        {
            return "0";
        }

        // "E16" gives all digits; the shortest round trip gives the digits that ECMAScript wants.
        var shortest = Math.Abs(number).ToString("E16", CultureInfo.InvariantCulture);
        var round = Math.Abs(number).ToString("R", CultureInfo.InvariantCulture);
        var digits = round.Split('E')[0].Replace(".", "", StringComparison.Ordinal).TrimStart('0').TrimEnd('0');
        var exponent = int.Parse(shortest.AsSpan(shortest.IndexOf('E', StringComparison.Ordinal) + 1), CultureInfo.InvariantCulture) + 1;
        if (digits.Length == 1 && digits == "1" && shortest.StartsWith('9'))
        {
            exponent++; // "E16" shows 9.99… where the shortest form rounds up to a power of ten
        }

        var sign = number < 0 ? "-" : "";
        var n = exponent;
        var k = digits.Length;
        if (k <= n && n <= 21)
        {
            return sign + digits + new string('0', n - k);
        }

        if (n is > 0 and <= 21)
        {
            return sign + digits[..n] + "." + digits[n..];
        }

        if (n is > -6 and <= 0)
        {
            return sign + "0." + new string('0', -n) + digits;
        }

        var e = (n - 1 < 0 ? "-" : "+") + Math.Abs(n - 1).ToString(CultureInfo.InvariantCulture);
        return sign + digits[..1] + (k > 1 ? "." + digits[1..] : "") + "e" + e;
    }
}
