using System.Globalization;
using System.Text;

namespace Signalbox;

/// <summary>
/// Text from outside as it may stand in a sentence for a model or a person: in quotes, short, and with everything escaped that cannot be seen or that would end the quote,
/// so that it can neither break the line nor hide an instruction.
/// </summary>
internal static class Excerpt
{
    /// <summary>How much of a text is shown, in characters as written.</summary>
    public const int CharactersMax = 60;

    /// <summary>The text in quotes; where it was cut, an ellipsis follows inside them.</summary>
    public static string Quoted(string text, char quote = '"', int charactersMax = CharactersMax)
    {
        var shown = new StringBuilder().Append(quote);
        foreach (var rune in text.EnumerateRunes())
        {
            var written = Written(rune, quote);
            if (shown.Length - 1 + written.Length > charactersMax)
            {
                shown.Append('…');
                break;
            }

            shown.Append(written);
        }

        return shown.Append(quote).ToString();
    }

    private static string Written(Rune rune, char quote)
    {
        if (rune.Value == quote || rune.Value == '\\')
        {
            return "\\" + (char)rune.Value;
        }

        var visible = Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
            or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned or UnicodeCategory.Surrogate);
        return rune.Value switch
        {
            _ when visible => rune.ToString(),
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            _ => string.Concat(rune.ToString().Select(unit => string.Create(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}"))),
        };
    }
}
