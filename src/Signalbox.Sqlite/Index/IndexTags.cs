using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using Signalbox.Search;

namespace Signalbox.Sqlite.Index;

/// <summary>
/// What filters go by, as words that no text has: a letter for what it is and 64 bits of a hash in base 32. Whatever a label holds, it is one word of letters and digits.
/// </summary>
internal static class IndexTags
{
    private const int KnownMax = 20_000;
    private const string Digits = "0123456789abcdefghijklmnopqrstuv";
    private static readonly ConcurrentDictionary<(char Type, string Value), string> Known = new();

    public static string Of(IndexedEntry indexed)
    {
        var (entry, run) = indexed;
        var facets = EntryFacets.Of(entry);
        var tags = new StringBuilder(160);
        Add('r', entry.Run.Value);
        Add('w', run.Workflow);
        Add('s', entry.State);
        Add('k', entry.Kind);
        Add('f', FamilyOf(entry.Kind));
        Add('a', facets.Agent);
        Add('t', facets.Tier);
        Add('c', facets.Code);
        foreach (var (name, value) in run.Labels)
        {
            Add('l', LabelOf(name, value));
        }

        return tags.ToString();

        void Add(char type, string? value)
        {
            if (!string.IsNullOrEmpty(value))
            {
                tags.Append(Tag(type, value)).Append(' ');
            }
        }
    }

    /// <summary>What a query's filters ask for: each inner list has tags of which one must be there.</summary>
    public static List<string[]> Of(SearchQuery query)
    {
        var all = new List<string[]>();
        Add('r', query.Run?.Value);
        Add('w', query.Workflow);
        Add('s', query.State);
        Add('a', query.Agent);
        Add('t', query.Tier);
        Add('c', query.Code);
        foreach (var (name, value) in query.Labels)
        {
            Add('l', LabelOf(name, value));
        }

        if (query.Kinds.Count > 0)
        {
            all.Add([.. query.Kinds.Select(k => k.EndsWith(".*", StringComparison.Ordinal) ? Tag('f', k[..^2]) : Tag('k', k))]);
        }

        return all;

        void Add(char type, string? value)
        {
            if (value is not null)
            {
                all.Add([Tag(type, value)]);
            }
        }
    }

    private static string FamilyOf(string kind) => kind.IndexOf('.', StringComparison.Ordinal) is > 0 and var dot ? kind[..dot] : kind;

    private static string LabelOf(string name, string value) => $"{name.Length}:{name}{value}";

    private static string Tag(char type, string value)
    {
        if (Known.TryGetValue((type, value), out var known))
        {
            return known;
        }

        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(value), hash);
        var bits = System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(hash);
        Span<char> tag = stackalloc char[14];
        tag[0] = type;
        for (var i = 1; i < tag.Length; i++, bits <<= 5)
        {
            tag[i] = Digits[(int)(bits >> 59)];
        }

        if (Known.Count > KnownMax)
        {
            Known.Clear();
        }

        return Known[(type, value)] = tag.ToString();
    }
}
