using System.Runtime.CompilerServices;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Stores;

/// <summary>Reads entries page by page, so that no run and no store is too long.</summary>
internal static class EntryPages
{
    private const int PageSize = 500;

    /// <summary>The entries of a run from its first to <paramref name="lastSeq"/>.</summary>
    public static async IAsyncEnumerable<Entry> OfRunAsync(IRunReader reader, RunId run, long lastSeq, [EnumeratorCancellation] CancellationToken cancellationToken, int pageSize = PageSize)
    {
        for (long from = 0; from <= lastSeq;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var page = await reader.ReadAsync(run, from, pageSize, cancellationToken);
            foreach (var entry in page.Where(e => e.Seq <= lastSeq))
            {
                yield return entry;
            }

            if (page.Count < pageSize)
            {
                yield break;
            }

            from = page[^1].Seq + 1;
        }
    }

    /// <summary>The whole log in commit order, up to what is committed when its end is reached.</summary>
    public static async IAsyncEnumerable<Entry> OfLogAsync(IRunReader reader, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (long position = 0; ;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var page = await reader.ReadLogAsync(position, PageSize, cancellationToken);
            foreach (var entry in page)
            {
                yield return entry;
            }

            if (page.Count < PageSize)
            {
                yield break;
            }

            position = page[^1].Position;
        }
    }

    /// <summary>All runs, the newest first.</summary>
    public static IAsyncEnumerable<RunHead> OfRunsAsync(IRunReader reader, CancellationToken cancellationToken) => OfRunsAsync(reader, new RunQuery(), cancellationToken);

    /// <summary>The runs that a query asks for, the newest first, whatever its limit.</summary>
    public static async IAsyncEnumerable<RunHead> OfRunsAsync(IRunReader reader, RunQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (var after = query.After; ;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var page = await reader.ListAsync(query with { After = after, Limit = PageSize }, cancellationToken);
            foreach (var head in page)
            {
                yield return head;
            }

            if (page.Count < PageSize)
            {
                yield break;
            }

            after = page[^1].Row.Run;
        }
    }
}
