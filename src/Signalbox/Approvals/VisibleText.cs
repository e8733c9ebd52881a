using System.Globalization;
using System.Text;
using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>
/// Text that a person decides by, made so that what is seen is what is there. Control and format characters, marks, right-to-left letters, odd spaces and symbols, and letters that pass for others become <c>\uXXXX</c>:
/// all but ASCII and words in one common script, of which not every letter looks like a Latin one. Such escapes are JSON's own, so that a shown JSON text is still the same JSON. Depends on no library of the machine.
/// </summary>
public static class VisibleText
{
    private const string Symbols = "§°€£¥«»¡¿";

    // As in Unicode's confusables, for the letters that are shown at all.
    private const string CyrillicLookAlikes = "АВЕЀЁЅІЇЈКМНОРСТУХЗЬаеѐёорсухіїјѕкпгьзб";
    private const string GreekLookAlikes = "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧΆΈΉΊΌΎΪΫαγικνορτυχωηάίόύώήϊϋΐΰ";
    private const string WideLookAlikes = "一丨丿丶亅二十口工卜乙ノヽロニエトーくへヘ";
    private const string LatinLookAlikes = "ıĲĳĸĿŀŉſ";

    private enum Script
    {
        Hidden,
        Digits,
        Latin,
        Greek,
        Cyrillic,
        Han,
        Kana,
        Hangul,
    }

    /// <summary>The text on one line.</summary>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Show(text, isJson: false);
    }

    /// <summary>The text on one line, of which at most so many characters are shown, and how many are not.</summary>
    public static string Of(string text, int max)
    {
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 2);
        return text.Length <= max ? Show(text, isJson: false) : Shorten(text, max, max / 4, isJson: false);
    }

    /// <summary>The JSON text on one line: canonical, and the same JSON, so that its hash can be computed from what is shown.</summary>
    /// <exception cref="JsonException">It is not JSON, or not such that it has a canonical form.</exception>
    public static string OfJson(ReadOnlySpan<byte> json) => Show(Encoding.UTF8.GetString(Canonical(json)), isJson: true);

    /// <summary>
    /// The same, of about <paramref name="max"/> characters at most: where it is longer, long texts in it are shortened first, then all of it, and each place says how much is left out. Then it is cut, and what is shown no
    /// longer is the JSON.
    /// </summary>
    /// <exception cref="JsonException">It is not JSON, or not such that it has a canonical form.</exception>
    public static ShownJson OfJson(ReadOnlySpan<byte> json, int max)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 200);
        var canonical = Canonical(json);
        var whole = Show(Encoding.UTF8.GetString(canonical), isJson: true);
        if (whole.Length <= max)
        {
            return new(whole, IsCut: false, whole.Length);
        }

        using var document = JsonDocument.Parse(canonical);
        var shortened = new StringBuilder();
        Shorten(shortened, document.RootElement, max / 4);
        return new(shortened.Length <= max ? shortened.ToString() : Cut(shortened.ToString(), max), IsCut: true, whole.Length);
    }

    /// <summary>
    /// The text as its readers are used to it, on one line: only what would steer the screen or take up no room is escaped. Letters may pass for others: show it beside the exact form, never instead.
    /// </summary>
    public static string Readable(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var shown = new StringBuilder(text.Length);
        var marks = 0;
        for (var i = 0; i < text.Length;)
        {
            var isWhole = Rune.TryGetRuneAt(text, i, out var rune);
            var length = isWhole ? rune.Utf16SequenceLength : 1;
            marks = isWhole && IsMark(rune) ? marks + 1 : 0;
            if (isWhole && !Steers(rune) && marks <= 2)
            {
                shown.Append(text, i, length);
            }
            else
            {
                Escape(shown, text.AsSpan(i, length));
            }

            i += length;
        }

        return shown.ToString();
    }

    private static byte[] Canonical(ReadOnlySpan<byte> json)
    {
        try
        {
            return CanonicalJson.Of(json);
        }
        catch (InvalidOperationException e)
        {
            throw new JsonException("A text in it has half of a character.", e);
        }
    }

    private static string Show(string text, bool isJson)
    {
        var shown = new StringBuilder(text.Length + 16);
        for (var i = 0; i < text.Length;)
        {
            if (isJson && text[i] == '\\' && i + 1 < text.Length)
            {
                var length = Math.Min(text[i + 1] == 'u' ? 6 : 2, text.Length - i);
                shown.Append(text, i, length);
                i += length;
            }
            else if (!IsOfWord(text[i]))
            {
                _ = text[i] is >= ' ' and <= '~' ? shown.Append(text[i]) : Escape(shown, text.AsSpan(i, 1));
                i++;
            }
            else
            {
                var end = i + 1;
                while (end < text.Length && IsOfWord(text[end]))
                {
                    end++;
                }

                Word(shown, text.AsSpan(i, end - i));
                i = end;
            }
        }

        return shown.ToString();
    }

    /// <summary>A run of ASCII letters and digits and of anything beyond ASCII: what the eye takes for one word.</summary>
    private static bool IsOfWord(char c) => char.IsAsciiLetterOrDigit(c) || c > '\u007F';

    private static void Word(StringBuilder shown, ReadOnlySpan<char> word)
    {
        if (!word.ContainsAnyExceptInRange('\0', '\u007F'))
        {
            shown.Append(word);
            return;
        }

        var scripts = 0;
        var looksLatin = true;
        foreach (var rune in word.EnumerateRunes())
        {
            var script = ScriptOf(rune);
            if (script > Script.Digits)
            {
                scripts |= 1 << (int)script;
                looksLatin &= LooksAlike(script, rune);
            }
        }

        var isShown = IsOneScript(scripts) && !(looksLatin && scripts != 0);
        for (var i = 0; i < word.Length;)
        {
            var isWhole = Rune.DecodeFromUtf16(word[i..], out var rune, out var length) == System.Buffers.OperationStatus.Done;
            if (rune.IsAscii || (isWhole && ((isShown && ScriptOf(rune) != Script.Hidden) || (rune.IsBmp && Symbols.Contains((char)rune.Value)))))
            {
                shown.Append(word.Slice(i, length));
            }
            else
            {
                Escape(shown, word.Slice(i, length));
            }

            i += length;
        }
    }

    private static bool IsOneScript(int scripts) => int.IsPow2(scripts)
        || scripts == 0
        || (scripts & ~((1 << (int)Script.Han) | (1 << (int)Script.Kana))) == 0
        || (scripts & ~((1 << (int)Script.Han) | (1 << (int)Script.Hangul))) == 0;

    private static bool LooksAlike(Script script, Rune rune) => script switch
    {
        Script.Greek => GreekLookAlikes.Contains((char)rune.Value),
        Script.Cyrillic => CyrillicLookAlikes.Contains((char)rune.Value),
        Script.Han or Script.Kana => WideLookAlikes.Contains((char)rune.Value),
        _ => false,
    };

    private static Script ScriptOf(Rune rune) => rune.Value switch
    {
        >= '0' and <= '9' => Script.Digits,
        (>= 'A' and <= 'Z') or (>= 'a' and <= 'z') => Script.Latin,
        >= 0xC0 and <= 0x17F and not (0xD7 or 0xF7) => LatinLookAlikes.Contains((char)rune.Value) ? Script.Hidden : Script.Latin,
        0x386 or (>= 0x388 and <= 0x38A) or 0x38C or (>= 0x38E and <= 0x3A1) or (>= 0x3A3 and <= 0x3CE) => Script.Greek,
        (>= 0x400 and <= 0x45F) or 0x490 or 0x491 => Script.Cyrillic,
        0x3005 or (>= 0x4E00 and <= 0x9FFF) => Script.Han,
        (>= 0x3041 and <= 0x3096) or (>= 0x30A1 and <= 0x30FA) or 0x30FC => Script.Kana,
        >= 0xAC00 and <= 0xD7A3 => Script.Hangul,
        _ => Script.Hidden,
    };

    private static bool IsMark(Rune rune) => Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.SpacingCombiningMark;

    private static bool Steers(Rune rune) => rune.Value is not (>= ' ' and <= '~') && Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate
        or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned;

    private static StringBuilder Escape(StringBuilder shown, ReadOnlySpan<char> characters)
    {
        foreach (var c in characters)
        {
            _ = c switch
            {
                '\n' => shown.Append("\\n"),
                '\r' => shown.Append("\\r"),
                '\t' => shown.Append("\\t"),
                _ => shown.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
            };
        }

        return shown;
    }

    private static void Shorten(StringBuilder shown, JsonElement value, int max)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                var separator = '{';
                foreach (var member in value.EnumerateObject())
                {
                    shown.Append(separator).Append('"').Append(Shorten(member.Name, max)).Append("\":");
                    Shorten(shown, member.Value, max);
                    separator = ',';
                }

                shown.Append(separator == '{' ? "{}" : "}");
                break;
            case JsonValueKind.Array:
                var before = '[';
                foreach (var item in value.EnumerateArray())
                {
                    shown.Append(before);
                    Shorten(shown, item, max);
                    before = ',';
                }

                shown.Append(before == '[' ? "[]" : "]");
                break;
            case JsonValueKind.String:
                shown.Append('"').Append(Shorten(value.GetString()!, max)).Append('"');
                break;
            default:
                shown.Append(value.GetRawText());
                break;
        }
    }

    private static string Shorten(string text, int max) => text.Length <= max ? Quoted(text) : Shorten(text, max, max / 4, isJson: true);

    /// <summary>The beginning and the end of a text, and how much is left out between them.</summary>
    private static string Shorten(string text, int max, int tail, bool isJson)
    {
        var head = max - tail;
        head -= char.IsHighSurrogate(text[head - 1]) ? 1 : 0;
        var from = text.Length - tail;
        from += tail > 0 && char.IsLowSurrogate(text[from]) ? 1 : 0;
        var (begin, end) = (text[..head], text[from..]);
        return $"{(isJson ? Quoted(begin) : Of(begin))}{LeftOut(from - head)}{(isJson ? Quoted(end) : Of(end))}";
    }

    /// <summary>A text as it stands between JSON's quotes, shown.</summary>
    private static string Quoted(string text) => Show(Encoding.UTF8.GetString(CanonicalJson.Of(JsonSerializer.SerializeToUtf8Bytes(text, SignalboxJson.Options)))[1..^1], isJson: true);

    private static string Cut(string shown, int max)
    {
        var head = Whole(shown, max - (max / 4));
        var from = Whole(shown, shown.Length - (max / 4));
        return $"{shown[..head]}{LeftOut(from - head)}{shown[from..]}";
    }

    /// <summary>The last place up to there that is not within an escape.</summary>
    private static int Whole(string shown, int at)
    {
        const int EscapeLength = 6;
        for (var i = Math.Max(0, at - EscapeLength + 1); i < at; i++)
        {
            if (shown[i] == '\\' && (i == 0 || shown[i - 1] != '\\'))
            {
                return i;
            }
        }

        return at;
    }

    private static string LeftOut(int characters) => string.Create(CultureInfo.InvariantCulture, $"<<< {characters:N0} characters left out >>>");
}

/// <summary>A JSON text as it is shown. <paramref name="Characters"/> is how many it takes to show all of it; where <paramref name="IsCut"/>, not all of it is.</summary>
public sealed record ShownJson(string Text, bool IsCut, int Characters);
