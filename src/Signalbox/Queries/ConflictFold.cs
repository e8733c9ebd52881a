using Signalbox.Journal;
using Signalbox.Search;
using Signalbox.Storage;

namespace Signalbox.Queries;

/// <summary>Finds the newest conflicts of all runs: by the search index where there is one, else in the journals of the runs that claim something now.</summary>
internal static class ConflictFold
{
    private const int HitsMax = 1_000;
    private const int RunsMax = 50;
    private const int Page = 1_000;
    private const int EntriesMax = 20_000;

    private static readonly string[] s_kinds = [EntryKinds.ConflictRaised, EntryKinds.ConflictRuled];

    public static async Task<IReadOnlyList<RunConflict>> ReadAsync(IRunReader reader, ISearchIndex? index, int max, CancellationToken cancellationToken)
    {
        var entries = index is null ? await OfClaimantsAsync(reader, cancellationToken) : await OfIndexAsync(reader, index, cancellationToken);
        return Fold(entries, max);
    }

    /// <summary>
    /// Each conflict once, the newest first. A conflict of two runs stands in both journals; the side of who came later is told, who found the other's claim there. One ruling settles both sides.
    /// </summary>
    internal static IReadOnlyList<RunConflict> Fold(IReadOnlyList<Entry> entries, int max)
    {
        var raised = new Dictionary<(string Mine, RunId Run, string Theirs), RunConflict>();
        var order = new List<(string, RunId, string)>();
        foreach (var entry in entries.OrderBy(e => e.Position))
        {
            if (entry.Kind == EntryKinds.ConflictRaised && Body.Find<ConflictRaised>(entry) is { } body)
            {
                var key = (body.ActionId, body.OtherRun, body.OtherActionId);
                raised[key] = new(entry.Run, new ConflictView(entry.Seq, entry.At, body, null, null));
                order.Remove(key);
                order.Add(key);
            }
            else if (entry.Kind == EntryKinds.ConflictRuled && Body.Find<ConflictRuled>(entry) is { } ruled && raised.TryGetValue((ruled.ActionId, ruled.OtherRun, ruled.OtherActionId), out var open))
            {
                raised[(ruled.ActionId, ruled.OtherRun, ruled.OtherActionId)] = open with { Conflict = open.Conflict with { Ruled = ruled, RuledAt = entry.At } };
            }
        }

        var seen = new HashSet<(string, string)>();
        var both = raised.Values.ToLookup(c => (c.Conflict.Raised.ActionId, c.Conflict.Raised.OtherActionId));
        return [.. Enumerable.Reverse(order).Select(Told).OfType<RunConflict>().Take(max)];

        RunConflict? Told((string Mine, RunId Run, string Theirs) key)
        {
            var pair = string.CompareOrdinal(key.Mine, key.Theirs) < 0 ? (key.Mine, key.Theirs) : (key.Theirs, key.Mine);
            if (!seen.Add(pair))
            {
                return null;
            }

            var sides = both[(key.Mine, key.Theirs)].Concat(both[(key.Theirs, key.Mine)]).OrderByDescending(c => c.Conflict.At).ToList();
            return sides.Find(c => c.Conflict.Raised.OtherPhase != ClaimPhase.Proposal) ?? sides[0];
        }
    }

    private static async Task<IReadOnlyList<Entry>> OfIndexAsync(IRunReader reader, ISearchIndex index, CancellationToken cancellationToken)
    {
        var page = await index.SearchAsync(new SearchQuery { Kinds = s_kinds, Limit = HitsMax }, cancellationToken);
        var entries = new List<Entry>();
        foreach (var hit in page.Hits)
        {
            if (await reader.ReadAsync(hit.Run, hit.Seq, 1, cancellationToken) is [var entry] && entry.Seq == hit.Seq)
            {
                entries.Add(entry);
            }
        }

        return entries;
    }

    private static async Task<IReadOnlyList<Entry>> OfClaimantsAsync(IRunReader reader, CancellationToken cancellationToken)
    {
        var claims = await reader.ClaimsAsync(new ClaimQuery { Limit = Page }, cancellationToken);
        var entries = new List<Entry>();
        foreach (var run in claims.OrderByDescending(c => c.Position).Select(c => c.Run).Distinct().Take(RunsMax))
        {
            await foreach (var entry in reader.EntriesAsync(run, lastSeq: EntriesMax, cancellationToken: cancellationToken))
            {
                if (s_kinds.Contains(entry.Kind, StringComparer.Ordinal))
                {
                    entries.Add(entry);
                }
            }
        }

        return entries;
    }
}
