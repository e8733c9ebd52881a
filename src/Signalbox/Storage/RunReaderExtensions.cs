using System.Runtime.CompilerServices;
using Signalbox.Journal;

namespace Signalbox.Storage;

/// <summary>Reads a store page by page, so that no run and no log is too long.</summary>
public static class RunReaderExtensions
{
    private const int PageSize = 500;

    /// <summary>The entries of a run from <paramref name="fromSeq"/> to <paramref name="lastSeq"/>, in order, <paramref name="pageSize"/> at a time; ends where the journal does.</summary>
    public static async IAsyncEnumerable<Entry> EntriesAsync(
        this IRunReader reader, RunId run, long fromSeq = 0, long lastSeq = long.MaxValue, int pageSize = PageSize, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reader);
        for (var from = fromSeq; from <= lastSeq;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var most = (int)Math.Min(pageSize - 1, lastSeq - from) + 1;
            var page = await reader.ReadAsync(run, from, most, cancellationToken);
            foreach (var entry in page)
            {
                yield return entry;
            }

            if (page.Count < most)
            {
                yield break;
            }

            from = page[^1].Seq + 1;
        }
    }

    /// <summary>The log after <paramref name="position"/>, in commit order, up to what is committed when its end is reached.</summary>
    public static async IAsyncEnumerable<Entry> LogAsync(this IRunReader reader, long position = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reader);
        while (true)
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

    /// <summary>The runs that a query asks for, the newest first, whatever its limit.</summary>
    public static async IAsyncEnumerable<RunHead> RunsAsync(this IRunReader reader, RunQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(query);
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

    /// <summary>
    /// The position of the log's last entry, or <paramref name="from"/> if there is none after it. Reads a few entries, not the log: ever longer steps ahead, then halves of the last one.
    /// </summary>
    public static async ValueTask<long> FindLogEndAsync(this IRunReader reader, long from = 0, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reader);
        var (known, step) = (from, 1L);
        while (await HasAfterAsync(known + step - 1))
        {
            (known, step) = (known + step, step * 2);
        }

        // There is an entry at 'known' or later (or it is 'from'), and none after 'known + step - 1'.
        for (var end = known + step - 1; known < end;)
        {
            var middle = known + ((end - known) / 2);
            (known, end) = await HasAfterAsync(middle) ? (middle + 1, end) : (known, middle);
        }

        return known;

        async ValueTask<bool> HasAfterAsync(long position) => (await reader.ReadLogAsync(position, 1, cancellationToken)).Count > 0;
    }
}
