using System.Globalization;
using System.Text;

namespace Signalbox.CommandLine.Rendering;

/// <summary>
/// Makes text safe to print. What stands in a journal was chosen by models, tools and strangers, and a terminal obeys control characters: what would
/// move the cursor, colour, hide text or turn its direction is shown as an escape instead.
/// </summary>
internal static class TerminalText
{
    /// <summary>The text on one line, with nothing in it that a terminal obeys.</summary>
    public static string Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var first = FirstUnsafe(text);
        if (first < 0)
        {
            return text;
        }

        var safe = new StringBuilder(text.Length + 16).Append(text, 0, first);
        for (var i = first; i < text.Length;)
        {
            var isWhole = Rune.TryGetRuneAt(text, i, out var rune);
            _ = isWhole && !IsUnsafe(rune) ? safe.Append(text, i, rune.Utf16SequenceLength) : Escape(safe, isWhole ? rune.Value : text[i]);
            i += isWhole ? rune.Utf16SequenceLength : 1;
        }

        return safe.ToString();
    }

    /// <summary>The same for a JSON text: its own escapes, so that it stays the same JSON. Line breaks of its layout stay.</summary>
    public static string EncodeJson(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        var safe = new StringBuilder(json.Length);
        for (var i = 0; i < json.Length; i++)
        {
            var isWhole = Rune.TryGetRuneAt(json, i, out var rune);
            var length = isWhole ? rune.Utf16SequenceLength : 1;
            if (json[i] == '\n' || (isWhole && !IsUnsafe(rune)))
            {
                safe.Append(json, i, length);
            }
            else
            {
                foreach (var c in json.AsSpan(i, length))
                {
                    safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
                }
            }

            i += length - 1;
        }

        return safe.ToString();
    }

    /// <summary>Whether the text would be shown as it is.</summary>
    public static bool IsSafe(string text) => FirstUnsafe(text) < 0;

    private static int FirstUnsafe(string text)
    {
        for (var i = 0; i < text.Length;)
        {
            if (!Rune.TryGetRuneAt(text, i, out var rune) || IsUnsafe(rune))
            {
                return i;
            }

            i += rune.Utf16SequenceLength;
        }

        return -1;
    }

    // The last two of each plane are no characters, and what measures text need not know them.
    private static bool IsUnsafe(Rune rune) => (rune.Value < ' ' || rune.Value > '~') && ((rune.Value & 0xFFFE) == 0xFFFE || Rune.GetUnicodeCategory(rune) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);

    private static StringBuilder Escape(StringBuilder safe, int character) => character switch
    {
        '\n' => safe.Append("\\n"),
        '\r' => safe.Append("\\r"),
        '\t' => safe.Append("\\t"),
        > 0xFFFF => safe.Append(CultureInfo.InvariantCulture, $"\\U{character:X8}"),
        _ => safe.Append(CultureInfo.InvariantCulture, $"\\u{character:X4}"),
    };
}
