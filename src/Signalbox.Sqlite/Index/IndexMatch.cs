using System.Text;
using Signalbox.Search;

namespace Signalbox.Sqlite.Index;

/// <summary>Turns a query into an expression of FTS5. Of what people type, only letters, digits and marks come this far (see <see cref="SearchAtom"/>), and they stand in quotation marks: none of it is syntax.</summary>
internal static class IndexMatch
{
    /// <summary>The expression; null where everything matches.</summary>
    /// <exception cref="SearchQueryException">There is nothing that must be there.</exception>
    public static string? Of(IReadOnlyList<SearchTerm> terms, SearchQuery query)
    {
        var wanted = new List<string>();
        wanted.AddRange(terms.Where(t => !t.IsExcluded).SelectMany(t => t.Atoms).Select(Of));
        wanted.AddRange(IndexTags.Of(query).Select(any => any is [var one] ? Tag(one) : $"({string.Join(" OR ", any.Select(Tag))})"));
        var excluded = terms.Where(t => t.IsExcluded).Select(t => t.Atoms is [var one] ? Of(one) : $"({string.Join(" AND ", t.Atoms.Select(Of))})").ToList();
        if (wanted.Count == 0)
        {
            return excluded.Count == 0 ? null : throw new SearchQueryException("The search says only what must not occur. Add a word that must, or a filter such as the workflow.");
        }

        var match = string.Join(" AND ", wanted);
        return excluded.Count == 0 ? match : $"({match}) NOT ({string.Join(" OR ", excluded)})";
    }

    private static string Of(SearchAtom atom)
    {
        var isExact = atom.Type is SearchAtomType.Exact or SearchAtomType.ExactPrefix;
        var match = new StringBuilder(isExact ? "exact : \"" : "text : \"").Append(isExact ? SearchTokens.Whole(atom.Text) : atom.Text).Append('"');
        return match.Append(atom.Type is SearchAtomType.PhrasePrefix or SearchAtomType.ExactPrefix ? " *" : "").ToString();
    }

    private static string Tag(string tag) => $"tags : \"{tag}\"";
}
