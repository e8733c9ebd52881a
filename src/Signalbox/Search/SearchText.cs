using System.Globalization;

namespace Signalbox.Search;

/// <summary>What an entry's text must have in it.</summary>
internal enum SearchAtomType
{
    /// <summary>Words one after the other; one word is a phrase too.</summary>
    Phrase,

    /// <summary>The same, of which the last one only begins so.</summary>
    PhrasePrefix,

    /// <summary>An exact token, see <see cref="SearchTokens"/>.</summary>
    Exact,

    /// <summary>An exact token that begins so.</summary>
    ExactPrefix,
}

/// <summary>The smallest part of a query. <paramref name="Text"/> has letters, digits and marks, and in between one space (phrases) or the punctuation of a compound, and nothing else: safe wherever it is put.</summary>
internal sealed record SearchAtom(SearchAtomType Type, string Text);

/// <summary>Atoms that must all occur, or, <paramref name="IsExcluded"/>, not all of them.</summary>
internal sealed record SearchTerm(IReadOnlyList<SearchAtom> Atoms, bool IsExcluded);

/// <summary>Reads what a person types, see <see cref="SearchQuery"/>.</summary>
internal static class SearchText
{
    private const int AtomsMax = 64;

    /// <summary>The terms; none for a text without any.</summary>
    /// <exception cref="SearchQueryException">The text is no query.</exception>
    public static IReadOnlyList<SearchTerm> Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length > SearchQuery.TextMax)
        {
            throw new SearchQueryException(string.Create(CultureInfo.InvariantCulture, $"A search text has at most {SearchQuery.TextMax:N0} characters; got {text.Length:N0}. Look for the rarest words of it."));
        }

        var terms = new List<SearchTerm>();
        for (var i = 0; i < text.Length;)
        {
            if (char.IsWhiteSpace(text[i]))
            {
                i++;
                continue;
            }

            var isExcluded = text[i] == '-' && i + 1 < text.Length && !char.IsWhiteSpace(text[i + 1]);
            i += isExcluded ? 1 : 0;
            var atoms = text[i] == '"' ? Quoted(text, ref i) : Plain(text, ref i);
            if (atoms.Count > 0)
            {
                terms.Add(new SearchTerm(atoms, isExcluded));
            }
        }

        if (terms.Count == 0 && !string.IsNullOrWhiteSpace(text))
        {
            throw new SearchQueryException("The search text has no letter and no digit, so there is nothing to look for. Give a word, or only filters.");
        }

        return terms.Sum(t => t.Atoms.Count) <= AtomsMax
            ? terms
            : throw new SearchQueryException($"A search text has at most {AtomsMax} words and exact tokens. Look for the rarest of them.");
    }

    private static List<SearchAtom> Quoted(string text, ref int i)
    {
        var end = text.IndexOf('"', i + 1);
        if (end < 0)
        {
            throw new SearchQueryException(string.Create(CultureInfo.InvariantCulture, $"The quotation mark at character {i + 1} has no second one. Close the phrase, or leave the mark out."));
        }

        var words = Words(text.AsSpan(i + 1, end - i - 1));
        i = end + 1;
        var isPrefix = i < text.Length && text[i] == '*';
        i += isPrefix ? 1 : 0;
        return words.Length == 0 ? [] : [new SearchAtom(isPrefix ? SearchAtomType.PhrasePrefix : SearchAtomType.Phrase, words)];
    }

    private static List<SearchAtom> Plain(string text, ref int i)
    {
        var end = i;
        while (end < text.Length && !char.IsWhiteSpace(text[end]) && text[end] != '"')
        {
            end++;
        }

        var part = text.AsSpan(i, end - i);
        i = end;
        var isPrefix = part.EndsWith("*");
        part = isPrefix ? part.TrimEnd('*') : part;
        var atoms = new List<SearchAtom>();
        for (var from = 0; SearchTokens.Next(part, from, out var start, out var length); from = start + length)
        {
            // What follows the last word of a prefix belongs to it: 192.0.* is not 192.01.
            var after = start + length;
            while (isPrefix && after < part.Length && SearchTokens.IsJoiner(part[after]))
            {
                after++;
            }

            var isLast = isPrefix && after == part.Length;
            Add(part[start..(isLast ? after : start + length)], isLast, atoms);
        }

        return isPrefix && atoms.Count == 0 ? throw new SearchQueryException("A '*' needs the beginning of a word before it, such as tool*.") : atoms;
    }

    private static void Add(ReadOnlySpan<char> token, bool isPrefix, List<SearchAtom> atoms)
    {
        if (!SearchTokens.IsCompound(token))
        {
            atoms.Add(new SearchAtom(isPrefix ? SearchAtomType.PhrasePrefix : SearchAtomType.Phrase, token.ToString()));
            return;
        }

        var segments = new List<Range>();
        SearchTokens.Segments(token, segments);
        for (var first = 0; first == 0 || first + SearchTokens.SegmentsMax <= segments.Count; first++)
        {
            var last = Math.Min(first + SearchTokens.SegmentsMax, segments.Count) - 1;
            var row = token[segments[first].Start.Value..segments[last].End.Value];
            var isEnd = isPrefix && last == segments.Count - 1;
            atoms.Add(row.Length <= SearchTokens.CharactersMax
                ? new SearchAtom(isEnd ? SearchAtomType.ExactPrefix : SearchAtomType.Exact, row.ToString())
                : new SearchAtom(isEnd ? SearchAtomType.PhrasePrefix : SearchAtomType.Phrase, Words(row)));
        }
    }

    private static string Words(ReadOnlySpan<char> text)
    {
        var words = new List<string>();
        for (var from = 0; SearchTokens.NextWord(text, from, out var start, out var length); from = start + length)
        {
            words.Add(text.Slice(start, length).ToString());
        }

        return string.Join(' ', words);
    }
}
