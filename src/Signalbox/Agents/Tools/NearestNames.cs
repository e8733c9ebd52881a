namespace Signalbox;

/// <summary>Finds what somebody may have meant by a name that does not exist.</summary>
internal static class NearestNames
{
    /// <summary>How much of a name is looked at, in characters: the name may come from a model and be as long as it likes.</summary>
    private const int CharactersMax = 64;

    /// <summary>How similar a name must be at least (see <see cref="Similarity"/>): half of it is the same.</summary>
    private const double SimilarityMin = 0.5;

    /// <summary>A shared word counts a little less than the same spelling, so that a slip of the pen comes before a rearrangement.</summary>
    private const double WordsWeight = 0.9;

    /// <summary>
    /// The candidates that are similar to <paramref name="name"/>, the most similar first (equally similar ones in ordinal order), at most <paramref name="max"/>. None if nothing is
    /// at least half the same: in its spelling without regard to case, or in the words that it is made of.
    /// </summary>
    public static IReadOnlyList<string> Of(string name, IReadOnlyCollection<string> candidates, int max = 3)
    {
        var wanted = new Spelling(name);
        return
        [
            .. candidates
                .Distinct(StringComparer.Ordinal)
                .Select(candidate => (Name: candidate, Similarity: Similarity(wanted, new Spelling(candidate))))
                .Where(candidate => candidate.Similarity >= SimilarityMin)
                .OrderByDescending(candidate => candidate.Similarity)
                .ThenBy(candidate => candidate.Name, StringComparer.Ordinal)
                .Take(max)
                .Select(candidate => candidate.Name),
        ];
    }

    /// <summary>From 0 to 1: the larger of how much of the spelling is the same and of how many of the words are.</summary>
    private static double Similarity(Spelling a, Spelling b)
    {
        if (a.Length == 0 || b.Length == 0)
        {
            return 0;
        }

        var length = Math.Max(a.Length, b.Length);
        var beyond = Math.Abs(a.Beyond - b.Beyond); // what was not looked at differs by so much at least
        var spelling = beyond >= length ? 0 : 1 - ((Distance(a.Letters, b.Letters) + (double)beyond) / length);
        return beyond > CharactersMax ? spelling : Math.Max(spelling, WordsWeight * SharedWords(a.Words, b.Words));
    }

    /// <summary>The optimal string alignment distance: letters put in, left out, replaced, or two neighbours exchanged.</summary>
    private static int Distance(string a, string b)
    {
        Span<int> beforeLast = stackalloc int[CharactersMax + 1];
        Span<int> last = stackalloc int[CharactersMax + 1];
        Span<int> row = stackalloc int[CharactersMax + 1];
        for (var j = 0; j <= b.Length; j++)
        {
            last[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                row[j] = Math.Min(replaced, Math.Min(last[j], row[j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    row[j] = Math.Min(row[j], beforeLast[j - 2] + 1);
                }
            }

            var free = beforeLast;
            beforeLast = last;
            last = row;
            row = free;
        }

        return last[b.Length];
    }

    /// <summary>How many of the words of both are common to both, from 0 to 1, whatever their order.</summary>
    private static double SharedWords(List<string> a, List<string> b)
    {
        var left = new List<string>(b);
        return a.Count == 0 || b.Count == 0 ? 0 : 2.0 * a.Count(left.Remove) / (a.Count + b.Count);
    }

    private sealed class Spelling
    {
        public Spelling(string name)
        {
            Length = name.Length;
            var looked = name[..Math.Min(Length, CharactersMax)];
            Letters = looked.ToLowerInvariant();
            Words = [.. WordsOf(looked)];
        }

        public int Length { get; }

        public int Beyond => Length - Letters.Length;

        public string Letters { get; }

        public List<string> Words { get; }

        /// <summary>What stands between signs, or between the humps of camel case, in lower case and without a plural's s.</summary>
        private static IEnumerable<string> WordsOf(string name)
        {
            var start = 0;
            for (var i = 0; i <= name.Length; i++)
            {
                if (i > start && (i == name.Length || !char.IsLetterOrDigit(name[i]) || IsHump(name, i)))
                {
                    var word = name[start..i].ToLowerInvariant();
                    yield return word is [_, _, _, .., 's'] ? word[..^1] : word;
                    start = i;
                }

                if (i < name.Length && !char.IsLetterOrDigit(name[i]))
                {
                    start = i + 1;
                }
            }
        }

        /// <summary>The L of <c>findLogs</c>, and of <c>getHTTPLogs</c>.</summary>
        private static bool IsHump(string name, int i) =>
            char.IsUpper(name[i]) && (!char.IsUpper(name[i - 1]) || (i + 1 < name.Length && char.IsLower(name[i + 1])));
    }
}
