using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>
/// A store as it may be shown: bodies, causes, payloads, and what rows have of text are masked. For whoever shows or exports; hashes cannot be verified by what it gives. The reader behind it stays its owner's.
/// </summary>
public sealed class MaskedReader(IRunReader reader, Redactor redactor) : IRunReader
{
    private long _masked;

    /// <summary>How many entries and payloads that it gave were masked in part.</summary>
    public long MaskedCount => Interlocked.Read(ref _masked);

    /// <inheritdoc />
    public async ValueTask<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) => Masked(await reader.FindAsync(run, cancellationToken));

    /// <inheritdoc />
    public async ValueTask<RunHead?> FindByKeyAsync(string workflow, string key, CancellationToken cancellationToken) => Masked(await reader.FindByKeyAsync(workflow, key, cancellationToken));

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<RunHead>> ListAsync(RunQuery query, CancellationToken cancellationToken) => Each(await reader.ListAsync(query, cancellationToken), h => Masked(h)!);

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<Entry>> ReadAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken) => Each(await reader.ReadAsync(run, fromSeq, max, cancellationToken), Masked);

    /// <inheritdoc />
    public async ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken) => Each(await reader.ReadLogAsync(position, max, cancellationToken), Masked);

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken) => reader.ClaimsAsync(query, cancellationToken);

    /// <inheritdoc />
    public ValueTask<long> UsedAsync(string limit, long after, CancellationToken cancellationToken) => reader.UsedAsync(limit, after, cancellationToken);

    /// <inheritdoc />
    public async ValueTask<ReadOnlyMemory<byte>?> FindPayloadAsync(PayloadHash hash, CancellationToken cancellationToken) =>
        await reader.FindPayloadAsync(hash, cancellationToken) is { } bytes ? Counted(redactor.Json(new RawJson(bytes)).Utf8, bytes) : default(ReadOnlyMemory<byte>?);

    /// <inheritdoc />
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Entry Masked(Entry entry)
    {
        var (body, cause) = (redactor.Json(new RawJson(entry.Body)).Utf8, redactor.Text(entry.Cause));
        if (body.Equals(entry.Body) && ReferenceEquals(cause, entry.Cause))
        {
            return entry;
        }

        Interlocked.Increment(ref _masked);
        return entry with { Body = body, Cause = cause };
    }

    private ReadOnlyMemory<byte> Counted(ReadOnlyMemory<byte> masked, ReadOnlyMemory<byte> whole)
    {
        if (!masked.Equals(whole))
        {
            Interlocked.Increment(ref _masked);
        }

        return masked;
    }

    private RunHead? Masked(RunHead? head)
    {
        if (head is null)
        {
            return null;
        }

        var row = head.Row;
        var (key, reason) = (Masked(row.Key), Masked(row.Reason));
        var labels = row.Labels.Any(l => !ReferenceEquals(redactor.Label(l.Key, l.Value), l.Value)) ? row.Labels.ToDictionary(l => l.Key, l => redactor.Label(l.Key, l.Value)) : row.Labels;
        return ReferenceEquals(key, row.Key) && ReferenceEquals(reason, row.Reason) && ReferenceEquals(labels, row.Labels) ? head : head with { Row = row with { Key = key, Reason = reason, Labels = labels } };
    }

    private string? Masked(string? text) => text is null ? null : redactor.Text(text);

    private static IReadOnlyList<T> Each<T>(IReadOnlyList<T> all, Func<T, T> mask)
        where T : class
    {
        T[]? masked = null;
        for (var i = 0; i < all.Count; i++)
        {
            var one = mask(all[i]);
            if (!ReferenceEquals(one, all[i]))
            {
                (masked ??= [.. all])[i] = one;
            }
        }

        return masked ?? all;
    }
}
