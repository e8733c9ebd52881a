using System.Globalization;
using System.Text;

namespace Signalbox.Mcp;

/// <summary>Makes what a server says fit for messages, logs and files: bounded, and with nothing in it that hides, moves or turns other text.</summary>
internal static class PlainText
{
    /// <summary>The beginning of a text, on one line.</summary>
    public static string Excerpt(string text, int charactersMax = 200) =>
        text.Length <= charactersMax ? Escape(text) : Escape(text[..charactersMax]) + "…";

    /// <summary>The end of a text, on one line.</summary>
    public static string Ending(string text, int charactersMax = 500) =>
        text.Length <= charactersMax ? Escape(text) : "…" + Escape(text[^charactersMax..]);

    /// <summary>A JSON text that shows what it says: invisible characters in its strings are written as escapes.</summary>
    public static string EscapeJson(string json)
    {
        var safe = new StringBuilder(json.Length);
        for (var i = 0; i < json.Length;)
        {
            var length = Length(json, i, out var isSafe);
            foreach (var c in json.AsSpan(i, length))
            {
                _ = isSafe || c == '\n' ? safe.Append(c) : safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            }

            i += length;
        }

        return safe.ToString();
    }

    private static string Escape(string text)
    {
        var safe = new StringBuilder(text.Length);
        for (var i = 0; i < text.Length;)
        {
            var length = Length(text, i, out var isSafe);
            foreach (var c in text.AsSpan(i, length))
            {
                _ = (isSafe, c) switch
                {
                    (true, _) => safe.Append(c),
                    (_, '\n') => safe.Append("\\n"),
                    (_, '\r') => safe.Append("\\r"),
                    (_, '\t') => safe.Append("\\t"),
                    _ => safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
                };
            }

            i += length;
        }

        return safe.ToString();
    }

    private static int Length(string text, int index, out bool isSafe)
    {
        var isWhole = Rune.TryGetRuneAt(text, index, out var rune);
        isSafe = isWhole && (rune.Value is >= ' ' and <= '~' || Rune.GetUnicodeCategory(rune) is not
            (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator));
        return isWhole ? rune.Utf16SequenceLength : 1;
    }
}
