using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Tests.Queries;

/// <summary>A store of which one payload is gone, or one entry's body.</summary>
internal sealed class TamperedStore(IRunReader store, PayloadHash? gone = null, long? erased = null) : IRunReader
{
    public ValueTask<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) => store.FindAsync(run, cancellationToken);

    public ValueTask<RunHead?> FindByKeyAsync(string workflow, string key, CancellationToken cancellationToken) => store.FindByKeyAsync(workflow, key, cancellationToken);

    public ValueTask<IReadOnlyList<RunHead>> ListAsync(RunQuery query, CancellationToken cancellationToken) => store.ListAsync(query, cancellationToken);

    public async ValueTask<IReadOnlyList<Entry>> ReadAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken) =>
        [.. (await store.ReadAsync(run, fromSeq, max, cancellationToken)).Select(e => e.Seq == erased ? e with { Body = default } : e)];

    public ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken) => store.ReadLogAsync(position, max, cancellationToken);

    public ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken) => store.ClaimsAsync(query, cancellationToken);

    public ValueTask<long> UsedAsync(string limit, long after, CancellationToken cancellationToken) => store.UsedAsync(limit, after, cancellationToken);

    public async ValueTask<ReadOnlyMemory<byte>?> FindPayloadAsync(PayloadHash hash, CancellationToken cancellationToken) => hash == gone ? null : await store.FindPayloadAsync(hash, cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
