namespace Signalbox.Search;

/// <summary>Cuts out of a text what stands around the first places of each thing that was looked for.</summary>
internal static class SearchContext
{
    private const int Before = 60;
    private const int After = 120;
    private const int WindowsMax = 3;

    /// <summary>The pieces; of a text in which nothing is found, its beginning.</summary>
    public static IReadOnlyList<ContextPiece> Of(string text, IReadOnlyList<SearchTerm> terms)
    {
        var places = Places(text, [.. terms.Where(t => !t.IsExcluded).SelectMany(t => t.Atoms)]);
        if (places.Count == 0)
        {
            return text.Length == 0 ? [] : [new ContextPiece(Clean(text, 0, Cut(text, Before + After)) + (text.Length > Before + After ? " …" : ""), false)];
        }

        var pieces = new List<ContextPiece>();
        var end = 0;
        for (var i = 0; i < places.Count;)
        {
            var from = i == 0 || places[i].Start - Before > end ? Cut(text, Math.Max(end, places[i].Start - Before)) : end;
            if (from > end)
            {
                Add(pieces, pieces.Count == 0 ? "… " : " … ", false);
            }

            for (end = from; i < places.Count && places[i].Start <= Math.Max(end, from + Before) + (After / 2); i++)
            {
                if (places[i].Start + places[i].Length <= end)
                {
                    continue;
                }

                var start = Math.Max(end, places[i].Start);
                Add(pieces, Clean(text, end, start), false);
                end = places[i].Start + Math.Min(places[i].Length, After * 2);
                Add(pieces, Clean(text, start, end), true);
            }

            var limit = i < places.Count ? Math.Min(places[i].Start, end + After) : end + After;
            var stop = Cut(text, Math.Min(text.Length, limit));
            Add(pieces, Clean(text, end, stop), false);
            end = stop;
        }

        Add(pieces, end < text.Length ? " …" : "", false);
        return pieces;
    }

    /// <summary>The first place of each atom, and the next ones of the first words, in the order of the text.</summary>
    private static List<(int Start, int Length)> Places(string text, SearchAtom[] atoms)
    {
        var places = new List<(int Start, int Length)>();
        var left = atoms.Select(a => new Sought(a)).ToList();
        var segments = new List<Range>();
        for (var from = 0; left.Count > 0 && SearchTokens.Next(text, from, out var start, out var length); from = start + length)
        {
            for (var i = left.Count - 1; i >= 0; i--)
            {
                if (left[i].In(text, start, length, segments) is { } place)
                {
                    places.Add(place);
                    left.RemoveAt(i);
                }
            }
        }

        places.Sort();
        return places.Count <= WindowsMax * 4 ? places : places[..(WindowsMax * 4)];
    }

    private static void Add(List<ContextPiece> pieces, string text, bool isMatch)
    {
        if (text.Length == 0)
        {
            return;
        }

        if (pieces is [.., var last] && last.IsMatch == isMatch)
        {
            pieces[^1] = last with { Text = last.Text + text };
        }
        else
        {
            pieces.Add(new ContextPiece(text, isMatch));
        }
    }

    /// <summary>A place where no pair of surrogates is torn.</summary>
    private static int Cut(string text, int at) => at >= text.Length ? text.Length : at > 0 && char.IsLowSurrogate(text[at]) && char.IsHighSurrogate(text[at - 1]) ? at - 1 : at;

    private static string Clean(string text, int from, int to) => from >= to ? "" : text[from..to].ReplaceLineEndings(" ");

    /// <summary>An atom, and how it is told in a text.</summary>
    private sealed class Sought
    {
        private readonly SearchAtom _atom;
        private readonly string[] _words;

        public Sought(SearchAtom atom)
        {
            _atom = atom;
            _words = IsExact ? [SearchTokens.Fold(atom.Text)] : [.. atom.Text.Split(' ').Select(w => SearchTokens.Fold(w))];
        }

        private bool IsExact => _atom.Type is SearchAtomType.Exact or SearchAtomType.ExactPrefix;

        private bool IsPrefix => _atom.Type is SearchAtomType.PhrasePrefix or SearchAtomType.ExactPrefix;

        /// <summary>Where it begins in the token of the text that stands there, or null.</summary>
        public (int Start, int Length)? In(string text, int start, int length, List<Range> segments) => IsExact ? ExactIn(text, start, length, segments) : PhraseIn(text, start, length);

        private (int Start, int Length)? PhraseIn(string text, int start, int length)
        {
            for (var from = start; SearchTokens.NextWord(text.AsSpan(0, start + length), from, out var at, out var size); from = at + size)
            {
                var (end, word, sized) = (at, 0, size);
                while (Fits(text.AsSpan(end, sized), _words[word], IsPrefix && word == _words.Length - 1))
                {
                    word++;
                    if (word == _words.Length)
                    {
                        return (at, end + sized - at);
                    }

                    if (!SearchTokens.NextWord(text, end + sized, out end, out sized))
                    {
                        break;
                    }
                }
            }

            return null;
        }

        private (int Start, int Length)? ExactIn(string text, int start, int length, List<Range> segments)
        {
            var token = text.AsSpan(start, length);
            if (!SearchTokens.IsCompound(token))
            {
                return null;
            }

            SearchTokens.Segments(token, segments);
            for (var first = 0; first < segments.Count; first++)
            {
                for (var last = first; last < segments.Count && last < first + SearchTokens.SegmentsMax; last++)
                {
                    var (from, to) = (segments[first].Start.Value, segments[last].End.Value);
                    if (Fits(token[from..to], _words[0], IsPrefix))
                    {
                        return (start + from, to - from);
                    }
                }
            }

            return null;
        }

        private static bool Fits(ReadOnlySpan<char> word, string folded, bool isPrefix)
        {
            if (System.Text.Ascii.IsValid(word) || word.Length > 4 * SearchTokens.CharactersMax)
            {
                return isPrefix ? word.StartsWith(folded, StringComparison.OrdinalIgnoreCase) : word.Equals(folded, StringComparison.OrdinalIgnoreCase);
            }

            var own = SearchTokens.Fold(word);
            return isPrefix ? own.StartsWith(folded, StringComparison.Ordinal) : own == folded;
        }
    }
}
