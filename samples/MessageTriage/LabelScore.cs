namespace MessageTriage;

/// <summary>How well a label's name fits a message, 0 to 1, and what of it was said.</summary>
internal sealed record Scored(string Label, double Score, IReadOnlyList<string> Said);

/// <summary>
/// Scores labels by the words of their names. A word weighs more the fewer labels have it (inverse document frequency). A label's score is the geometric mean of two shares of weight: how much of
/// its name the message says, and how much of what the message says the name covers. The fast way takes words as they are; the strong one cuts endings, knows some synonyms, and takes words
/// for the same that are written alike.
/// </summary>
internal sealed class LabelScore
{
    /// <summary>What a word of the message weighs that no label knows, beside one that is in a single label.</summary>
    private const double UnknownWeight = 0.35;

    private readonly bool _isStrong;
    private readonly List<(string Name, IReadOnlyList<string> Words)> _labels;
    private readonly Dictionary<string, double> _weights;

    public LabelScore(IReadOnlyList<string> labels, bool isStrong)
    {
        _isStrong = isStrong;
        _labels = [.. labels.Select(label => (label, Content(label)))];
        _weights = _labels.SelectMany(label => label.Words).CountBy(word => word).ToDictionary(word => word.Key, word => Math.Log(1 + ((double)_labels.Count / word.Value)));
    }

    /// <summary>The labels that fit at all, the best first.</summary>
    public IReadOnlyList<Scored> Rank(string message)
    {
        var words = Content(message);
        var known = words.Select(word => _weights.Select(w => w.Value * Likeness(w.Key, word)).DefaultIfEmpty().Max()).ToList();
        var said = known.Sum() + (_isStrong ? UnknownWeight * Math.Log(1 + _labels.Count) * known.Count(weight => weight == 0) : 0);
        return said == 0 ? [] : [.. _labels.Select(label => Score(label, words, said)).Where(scored => scored.Score > 0).OrderByDescending(scored => scored.Score).ThenBy(scored => scored.Label, StringComparer.Ordinal)];
    }

    /// <summary>How sure the best one is: its score, less where the next one comes near.</summary>
    public static double Confidence(IReadOnlyList<Scored> ranked)
    {
        var (best, next) = (ranked.Count > 0 ? ranked[0].Score : 0, ranked.Count > 1 ? ranked[1].Score : 0);
        return best == 0 ? 0 : Math.Round(Math.Clamp(best * (0.6 + (0.4 * Math.Min(1, 2 * (best - next) / best))), 0, 1), 3);
    }

    private Scored Score((string Name, IReadOnlyList<string> Words) label, IReadOnlyList<string> message, double said)
    {
        // The closest pairs first, and each word of either side once: else one word of the message would vouch for all its synonyms in a name.
        var matched = new List<(string Word, string Said, double Likeness)>();
        foreach (var pair in label.Words.SelectMany(word => message.Select(said => (Word: word, Said: said, Likeness: Likeness(word, said)))).Where(pair => pair.Likeness > 0).OrderByDescending(pair => pair.Likeness))
        {
            if (!matched.Exists(m => m.Word == pair.Word || m.Said == pair.Said))
            {
                matched.Add(pair);
            }
        }

        var weight = matched.Sum(m => _weights[m.Word] * m.Likeness);
        var name = label.Words.Sum(word => _weights[word]);
        return new(label.Name, name == 0 ? 0 : Math.Sqrt(weight / name * Math.Min(1, weight / said)), [.. matched.Select(m => m.Word)]);
    }

    private double Likeness(string label, string message)
    {
        if (label == message)
        {
            return 1;
        }

        if (!_isStrong)
        {
            return 0;
        }

        var alike = Dice(label, message);
        return Synonyms.Are(label, message) ? 0.85 : alike >= 0.6 ? alike * 0.9 : 0;
    }

    private IReadOnlyList<string> Content(string text)
    {
        var words = LabelTools.Words(text).Where(word => !Synonyms.Empty.Contains(word));
        return [.. (_isStrong ? words.Select(Synonyms.Stem) : words).Distinct()];
    }

    /// <summary>The share of three-letter pieces that two words have in common.</summary>
    private static double Dice(string a, string b)
    {
        if (a.Length < 4 || b.Length < 4)
        {
            return 0;
        }

        var (pieces, others) = (Pieces(a), Pieces(b));
        return 2.0 * pieces.Intersect(others).Count() / (pieces.Count + others.Count);

        static HashSet<string> Pieces(string word) => [.. Enumerable.Range(0, word.Length).Select(i => $"^{word}$".Substring(i, 3))];
    }
}
