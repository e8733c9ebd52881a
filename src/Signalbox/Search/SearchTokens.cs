using System.Globalization;
using System.Text;

namespace Signalbox.Search;

/// <summary>
/// How text falls into what can be looked for. A <em>word</em> is a run of letters and digits. A <em>compound</em> is words joined by punctuation without a space, such as <c>192.0.2.7</c>, <c>tool_use_id</c> or
/// <c>root@web-01:22</c>: found word by word, and exactly. It has <em>segments</em>, between <c>/ @ : + \</c>; up to <see cref="SegmentsMax"/> of them in a row are one exact token, so that <c>192.0.2.7</c> is found in
/// <c>http://192.0.2.7:8080/login</c> and not in <c>192.0.2.70</c>.
/// </summary>
internal static class SearchTokens
{
    /// <summary>How many segments in a row an exact token may have. Longer ones are found by all such rows in them.</summary>
    public const int SegmentsMax = 4;

    /// <summary>How many characters an exact token may have. A longer one is found as a phrase.</summary>
    public const int CharactersMax = 128;

    private const int JoinersMax = 3;

    // In an exact token punctuation stands as a character of the private use area, which a full-text index takes for a letter: so the token stays whole.
    private const char Private = '\uE000';

    /// <summary>The next word or compound from <paramref name="from"/> on; false: there is none.</summary>
    public static bool Next(ReadOnlySpan<char> text, int from, out int start, out int length)
    {
        start = from;
        length = 0;
        int size;
        while (start < text.Length && (size = WordCharacter(text, start)) == 0)
        {
            start++;
        }

        if (start >= text.Length)
        {
            return false;
        }

        var end = start;
        while (true)
        {
            while (end < text.Length && (size = WordCharacter(text, end)) > 0)
            {
                end += size;
            }

            var after = end;
            while (after < text.Length && after - end <= JoinersMax && IsJoiner(text[after]))
            {
                after++;
            }

            if (after == end || after - end > JoinersMax || after >= text.Length || WordCharacter(text, after) == 0)
            {
                length = end - start;
                return true;
            }

            end = after;
        }
    }

    /// <summary>The next word from <paramref name="from"/> on; false: there is none.</summary>
    public static bool NextWord(ReadOnlySpan<char> text, int from, out int start, out int length)
    {
        start = from;
        length = 0;
        while (start < text.Length && WordCharacter(text, start) == 0)
        {
            start++;
        }

        for (int size; start + length < text.Length && (size = WordCharacter(text, start + length)) > 0;)
        {
            length += size;
        }

        return length > 0;
    }

    /// <summary>Whether it is more than one word.</summary>
    public static bool IsCompound(ReadOnlySpan<char> token) => token.IndexOfAny(" ._-/@:+\\".AsSpan(1)) >= 0;

    /// <summary>The segments of a word or compound, as ranges of it.</summary>
    public static void Segments(ReadOnlySpan<char> token, List<Range> segments)
    {
        segments.Clear();
        var begin = 0;
        for (var i = 0; i < token.Length;)
        {
            var end = i;
            var isStrong = false;
            while (end < token.Length && IsJoiner(token[end]))
            {
                isStrong |= IsStrong(token[end]);
                end++;
            }

            if (isStrong)
            {
                segments.Add(begin..i);
                begin = end;
            }

            i = end > i ? end : i + 1;
        }

        segments.Add(begin..token.Length);
    }

    /// <summary>Adds all exact tokens of a text, one space behind each.</summary>
    public static void AppendExact(ReadOnlySpan<char> text, StringBuilder exact)
    {
        var segments = new List<Range>();
        for (var from = 0; Next(text, from, out var start, out var length); from = start + length)
        {
            var token = text.Slice(start, length);
            if (!IsCompound(token))
            {
                continue;
            }

            Segments(token, segments);
            for (var first = 0; first < segments.Count; first++)
            {
                for (var last = first; last < segments.Count && last < first + SegmentsMax; last++)
                {
                    var row = token[segments[first].Start.Value..segments[last].End.Value];
                    if (row.Length > CharactersMax)
                    {
                        break;
                    }

                    if (last > first || IsCompound(row))
                    {
                        AppendWhole(row, exact);
                        exact.Append(' ');
                    }
                }
            }
        }
    }

    /// <summary>A compound as one token.</summary>
    public static string Whole(ReadOnlySpan<char> token)
    {
        var whole = new StringBuilder(token.Length);
        AppendWhole(token, whole);
        return whole.ToString();
    }

    /// <summary>A word as it is compared: without case and diacritics.</summary>
    public static string Fold(ReadOnlySpan<char> word)
    {
        var text = word.ToString();
        if (Ascii.IsValid(word))
        {
            return text.ToLowerInvariant();
        }

        var folded = new StringBuilder(text.Length);
        foreach (var rune in text.Normalize(NormalizationForm.FormD).EnumerateRunes())
        {
            if (Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark)
            {
                folded.Append(Rune.ToLowerInvariant(rune));
            }
        }

        return folded.ToString();
    }

    /// <summary>Whether the character joins words to a compound.</summary>
    public static bool IsJoiner(char character) => character is '.' or '_' or '-' || IsStrong(character);

    private static bool IsStrong(char character) => character is '/' or '@' or ':' or '+' or '\\';

    private static void AppendWhole(ReadOnlySpan<char> token, StringBuilder whole)
    {
        foreach (var character in token)
        {
            whole.Append(IsJoiner(character) ? (char)(Private + character) : character);
        }
    }

    /// <summary>How many chars the letter, digit or mark at that place has; 0: it is none.</summary>
    private static int WordCharacter(ReadOnlySpan<char> text, int index)
    {
        var character = text[index];
        if (char.IsAscii(character))
        {
            return char.IsAsciiLetterOrDigit(character) ? 1 : 0;
        }

        if (!char.IsSurrogate(character))
        {
            return IsWord(char.GetUnicodeCategory(character)) ? 1 : 0;
        }

        return Rune.DecodeFromUtf16(text[index..], out var rune, out var size) == System.Buffers.OperationStatus.Done && IsWord(Rune.GetUnicodeCategory(rune)) ? size : 0;
    }

    private static bool IsWord(UnicodeCategory category) => category is <= UnicodeCategory.OtherNumber; // letters, marks, numbers
}
