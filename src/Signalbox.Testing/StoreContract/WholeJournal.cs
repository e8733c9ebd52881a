using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Testing;

/// <summary>What holds of every store at every time, whatever was done to it.</summary>
public static class WholeJournal
{
    /// <summary>
    /// Reads everything and throws <see cref="ContractViolationException"/> unless positions and seqs have no gap, dates and epochs never fall, every
    /// hash follows from the entry before, each run as the store keeps it is the fold of its entries, and the claims are what all entries make. Nothing may be written meanwhile.
    /// </summary>
    public static async Task CheckAsync(IRunReader store)
    {
        ArgumentNullException.ThrowIfNull(store);
        var log = await LogAsync(store);
        Expect.Sequence(Enumerable.Range(1, log.Count).Select(p => (long)p), log.Select(e => e.Position), "Positions in the log");
        Expect.That(log.Zip(log.Skip(1)).All(pair => pair.First.At <= pair.Second.At), "An entry is dated before the one that was committed before it.");
        foreach (var run in log.GroupBy(e => e.Run))
        {
            await CheckAsync(store, run.Key, run.ToArray());
        }

        await CheckClaimsAsync(store, log);
    }

    internal static async Task<List<Entry>> LogAsync(IRunReader store)
    {
        const int Page = 700;
        var log = new List<Entry>();
        while (await store.ReadLogAsync(log.Count == 0 ? 0 : log[^1].Position, Page, default) is { Count: > 0 } more)
        {
            log.AddRange(more);
        }

        return log;
    }

    private static async Task CheckAsync(IRunReader store, RunId run, Entry[] entries)
    {
        Expect.Sequence(Enumerable.Range(0, entries.Length).Select(s => (long)s), entries.Select(e => e.Seq), $"Seqs of run '{run}' in the log");
        Expect.That(entries.Zip(entries.Skip(1)).All(pair => pair.First.Epoch <= pair.Second.Epoch), $"An epoch of run '{run}' falls.");
        if (entries.Any(e => e.IsErased))
        {
            await CheckErasedAsync(store, run, entries);
            return;
        }

        RunHead? head = null;
        foreach (var entry in entries)
        {
            Expect.That(
                EntryHash.Compute((head?.Hash ?? EntryHash.Origin).Span, entry).AsSpan().SequenceEqual(entry.Hash.Span), $"The hash of entry {entry.Seq} of run '{run}' does not follow from the entry and the one before.");
            Expect.Equal(entry.Body.IsEmpty ? 0 : EntryHash.SaltLength, entry.Salt.Length, $"The salt of entry {entry.Seq} of run '{run}'");
            head = RunHead.Apply(head, entry);
        }

        Expect.Same(head!, await store.FindAsync(run, default), $"Run '{run}' as the store keeps it, against the fold of its entries");
        var read = await store.ReadAsync(run, 0, int.MaxValue, default);
        Expect.Sequence(entries.Select(Text), read.Select(Text), $"The entries of run '{run}' read by run, against the log");
    }

    /// <summary>What is left of an erased run: the hashes as they were, the seal over what is left, and a row without what was erased.</summary>
    private static async Task CheckErasedAsync(IRunReader store, RunId run, Entry[] entries)
    {
        var last = entries[^1];
        Expect.Equal(EntryKinds.RunErased, last.Kind, $"The last entry of run '{run}', of which some are erased");
        var before = entries[..^1];
        Expect.That(before.All(e => e.IsErased && e.Digest.Length == EntryHash.Length && e.Body.IsEmpty && e.Salt.IsEmpty && e.Cause.Length == 0), $"Of the erased run '{run}' an entry has a body, a salt or a cause.");
        Expect.That(EntryHash.Compute(before[^1].Hash.Span, last).AsSpan().SequenceEqual(last.Hash.Span), $"The hash of the erasure of run '{run}' does not follow from the entry before.");
        var seal = before.Aggregate(EntryHash.Origin, (s, e) => EntryHash.Seal(s.Span, e));
        Expect.Equal(Body.Read<RunErased>(last).Seal, Convert.ToHexStringLower(seal.Span), $"The seal of the erased run '{run}'");
        var row = (await store.FindAsync(run, default))!.Row;
        Expect.That(row is { IsErased: true, Key: null, Labels.Count: 0, Reason: null, IsOpen: false }, $"The row of the erased run '{run}' has something left: {row}");
    }

    private static async Task CheckClaimsAsync(IRunReader store, IReadOnlyList<Entry> log)
    {
        var table = new MemoryClaimTable();
        CommitRules.Apply([.. log.Where(e => !e.IsErased)], table);
        var kept = new List<ClaimRow>();
        while (await store.ClaimsAsync(new ClaimQuery { WithExpired = true, After = kept.Count == 0 ? null : kept[^1].Position }, default) is { Count: > 0 } more)
        {
            Expect.That(kept.Count == 0 || more[0].Position > kept[^1].Position, "A page of claims begins before the end of the page before.");
            kept.AddRange(more);
        }

        Expect.Sequence(table.All.OrderBy(r => r.Position).ThenBy(r => r.Claim.Resource.Path, StringComparer.Ordinal), kept, "The claims as the store keeps them, against what its entries make");
        foreach (var use in log.Any(e => e.IsErased) ? [] : table.Uses) // what an erased run used up is still counted, and stands nowhere else
        {
            Expect.Equal(table.Used(use.Limit, use.At - 1), await store.UsedAsync(use.Limit, use.At - 1, default), $"How much of limit '{use.Limit}' was used up since {use.At}, against what its entries make");
        }
    }

    private static string Text(Entry entry) => $"{entry with { Body = default, Salt = default, Hash = default }} {Convert.ToHexString(entry.Body.Span)} {Convert.ToHexString(entry.Salt.Span)} {Convert.ToHexString(entry.Hash.Span)}";
}
