using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Search;
using Signalbox.Sqlite.Files;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Index;

/// <summary>
/// Brings what the log says into the index, in order and without a gap. Only who has the index's lock feeds it. Whatever goes wrong here harms no run: it is said once, and tried again.
/// </summary>
internal sealed class IndexFeeder(StorePaths paths, IRunReader reader, Redactor redactor, TimeProvider clock, ILogger log, IReadOnlyList<IIndexPart> parts)
{
    private const int PageSize = 500;
    private const int CharactersAtOnce = 4 * 1024 * 1024; // in memory before they are written
    private const int FactsMax = 20_000;

    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan PauseMin = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PauseMax = TimeSpan.FromMinutes(1);

    private readonly Dictionary<RunId, RunFacts> _facts = [];
    private string? _said;

    public IReadOnlyList<IIndexPart> Parts => parts;

    /// <summary>Follows the log until it is canceled, as soon and as long as nobody else feeds.</summary>
    public async Task FollowAsync(LogTail tail, CancellationToken cancellationToken)
    {
        var pause = PauseMin;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                using var held = IndexLock.TryTake(paths);
                if (held is not null)
                {
                    using var writer = await OpenAsync(cancellationToken);
                    while (true)
                    {
                        var count = await FeedPageAsync(writer, cancellationToken);
                        if (count > 0)
                        {
                            (pause, _said) = (PauseMin, null);
                        }

                        if (count < PageSize)
                        {
                            // A transaction for many entries costs hardly more than for one.
                            await (writer.IsMerging ? MergeAsync(writer, cancellationToken) : Task.Delay(Breath, clock, cancellationToken));
                            if (!await tail.WaitAsync(writer.Position, cancellationToken))
                            {
                                return;
                            }
                        }
                    }
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                Say(e);
            }

            try
            {
                await Task.Delay(pause, clock, cancellationToken);
                pause = pause * 2 < PauseMax ? pause * 2 : PauseMax;
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>Feeds up to where the log ends now; false: another process feeds.</summary>
    /// <exception cref="IndexGapException">The log has a gap.</exception>
    public async Task<bool> CatchUpAsync(bool anew, Action<long>? progress, CancellationToken cancellationToken)
    {
        using var held = IndexLock.TryTake(paths);
        if (held is null)
        {
            return false;
        }

        if (anew)
        {
            IndexFile.Delete(paths);
        }

        using var writer = await OpenAsync(cancellationToken);
        while (await FeedPageAsync(writer, cancellationToken) == PageSize)
        {
            progress?.Invoke(writer.Position);
        }

        await MergeAsync(writer, cancellationToken);
        return true;
    }

    /// <summary>Opens the index; one that is damaged, of another shape or of another store is thrown away.</summary>
    private async Task<IndexWriter> OpenAsync(CancellationToken cancellationToken)
    {
        IndexWriter? writer = null;
        try
        {
            writer = IndexWriter.Open(paths, parts);
            var why = writer is null ? "its tables are of another version" : await IndexOfAsync(reader, writer.Position, writer.Hash, cancellationToken) ? null : "it was made from another log, as after a store was set back";
            if (why is null)
            {
                return writer!;
            }

            writer?.Dispose();
            ThrowAway(why);
        }
        catch (SqliteException e) when (IndexFile.IsDamage(e))
        {
            writer?.Dispose();
            ThrowAway(e.Message);
        }

        return IndexWriter.Open(paths, parts) ?? throw new InvalidOperationException("A new index is not of this program's shape.");
    }

    /// <summary>Whether the log has that entry at that position.</summary>
    public static async ValueTask<bool> IndexOfAsync(IRunReader reader, long position, ReadOnlyMemory<byte> hash, CancellationToken cancellationToken) =>
        position == 0 || (await reader.ReadLogAsync(position - 1, 1, cancellationToken) is [var entry] && entry.Position == position && entry.Hash.Span.SequenceEqual(hash.Span));

    private void ThrowAway(string why)
    {
        log.LogWarning("The search index '{Index}' is made anew from the log, because {Why}. Nothing is lost: everything in it stands in the store.", paths.Index, why);
        IndexFile.Delete(paths);
    }

    /// <summary>Takes in what follows; the number of entries that the log had there, at most a page.</summary>
    private async Task<int> FeedPageAsync(IndexWriter writer, CancellationToken cancellationToken)
    {
        var page = await reader.ReadLogAsync(writer.Position, PageSize, cancellationToken);
        var rows = new List<IndexRow>(page.Count);
        var characters = 0;
        var expected = writer.Position;
        foreach (var entry in page)
        {
            expected++;
            if (entry.Position != expected)
            {
                Write();
                var gap = new IndexGapException(expected, entry.Position);
                writer.Tell(gap.Message);
                throw gap;
            }

            if (entry.Kind == EntryKinds.RunErased)
            {
                Write();
                await EraseAsync(writer, entry, cancellationToken);
            }

            var row = await RowAsync(entry, cancellationToken);
            rows.Add(row);
            characters += row.Text.Length;
            if (characters > CharactersAtOnce)
            {
                Write();
            }
        }

        Write();
        return page.Count;

        void Write()
        {
            if (rows.Count > 0)
            {
                writer.Add(rows);
                rows.Clear();
                characters = 0;
            }
        }
    }

    /// <summary>What the index has of a run's entries is put in as they read now: without what was erased.</summary>
    private async Task EraseAsync(IndexWriter writer, Entry erased, CancellationToken cancellationToken)
    {
        _facts.Remove(erased.Run); // its labels went too
        var rows = new List<IndexRow>();
        for (long from = 0; ;)
        {
            var page = await reader.ReadAsync(erased.Run, from, 100, cancellationToken);
            foreach (var entry in page.Where(e => e.Position < erased.Position))
            {
                rows.Add(await RowAsync(entry, cancellationToken));
                if (rows.Sum(r => r.Text.Length) > CharactersAtOnce)
                {
                    writer.Replace(rows);
                    rows.Clear();
                }
            }

            if (rows.Count > 0)
            {
                writer.Replace(rows);
                rows.Clear();
            }

            if (page.Count == 0 || page[^1].Position >= erased.Position)
            {
                return;
            }

            from = page[^1].Seq + 1;
        }
    }

    private static async Task MergeAsync(IndexWriter writer, CancellationToken cancellationToken)
    {
        while (writer.IsMerging)
        {
            cancellationToken.ThrowIfCancellationRequested();
            writer.Merge();
            await Task.Yield();
        }
    }

    private async ValueTask<IndexRow> RowAsync(Entry entry, CancellationToken cancellationToken)
    {
        var facts = await FactsAsync(entry, cancellationToken);
        return IndexRow.Of(new IndexedEntry(entry, facts), await EntryText.OfAsync(entry, redactor, reader.FindPayloadAsync, cancellationToken));
    }

    private async ValueTask<RunFacts> FactsAsync(Entry entry, CancellationToken cancellationToken)
    {
        if (_facts.TryGetValue(entry.Run, out var known))
        {
            return known;
        }

        if (_facts.Count >= FactsMax)
        {
            _facts.Clear();
        }

        return _facts[entry.Run] = await reader.FindAsync(entry.Run, cancellationToken) is { } head ? new RunFacts(head.Row.Workflow, head.Row.Labels) : RunFacts.Unknown;
    }

    private void Say(Exception error)
    {
        if (error is SqliteException && IndexFile.IsDamage(error))
        {
            ThrowAway(error.Message); // which it says; by the pause after it, no fault of ours makes it anew again and again at once
            return;
        }

        if (_said != error.Message)
        {
            _said = error.Message;
            log.LogWarning(error, "The search index '{Index}' does not go on: {Reason} Runs are not held up by it. It is tried again.", paths.Index, error.Message);
        }
    }
}

/// <summary>The log lacks entries, so what follows is not indexed: an index with a gap would look whole.</summary>
internal sealed class IndexGapException(long expected, long found)
    : Exception(string.Create(CultureInfo.InvariantCulture, $"After position {expected - 1} the log goes on with {found}; the entries from {expected} to {found - 1} are missing. The index stops before them. See what is wrong with the store: signalbox check"));
