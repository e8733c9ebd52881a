using System.Globalization;
using System.Text;

namespace SecurityAlerts;

/// <summary>
/// Makes text from outside safe to print: an attacker chooses user names and client versions, and a terminal obeys
/// control characters. What would move the cursor, hide text or turn its direction is shown as <c>\u001B</c>.
/// </summary>
internal static class TerminalText
{
    public static string Escape(string text)
    {
        if (!text.Any(MustBeEscaped))
        {
            return text;
        }

        var safe = new StringBuilder(text.Length + 16);
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsSurrogatePair(text, i))
            {
                safe.Append(text[i]).Append(text[++i]);
            }
            else if (MustBeEscaped(text[i]))
            {
                safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[i]:X4}");
            }
            else
            {
                safe.Append(text[i]);
            }
        }
        return safe.ToString();
    }

    /// <summary>The same, cut to at most <paramref name="charsMax"/> characters of the original.</summary>
    public static string Escape(string text, int charsMax) =>
        text.Length <= charsMax ? Escape(text) : Escape(Cut(text, charsMax)) + "...";

    /// <summary>The first <paramref name="charsMax"/> characters, never half of a surrogate pair.</summary>
    public static string Cut(string text, int charsMax) =>
        text.Length <= charsMax ? text
        : char.IsHighSurrogate(text[charsMax - 1]) ? text[..(charsMax - 1)]
        : text[..charsMax];

    private static bool MustBeEscaped(char c) => char.GetUnicodeCategory(c) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or
        UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
