using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Store.Tests.Index;

/// <summary>Reads what another reader reads; for readers that do one thing otherwise.</summary>
internal class PassingReader(IRunReader inner) : IRunReader
{
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public ValueTask<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) => inner.FindAsync(run, cancellationToken);

    public ValueTask<RunHead?> FindByKeyAsync(string workflow, string key, CancellationToken cancellationToken) => inner.FindByKeyAsync(workflow, key, cancellationToken);

    public ValueTask<IReadOnlyList<RunHead>> ListAsync(RunQuery query, CancellationToken cancellationToken) => inner.ListAsync(query, cancellationToken);

    public virtual ValueTask<IReadOnlyList<Entry>> ReadAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken) => inner.ReadAsync(run, fromSeq, max, cancellationToken);

    public virtual ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken) => inner.ReadLogAsync(position, max, cancellationToken);

    public ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken) => inner.ClaimsAsync(query, cancellationToken);

    public ValueTask<long> UsedAsync(string limit, long after, CancellationToken cancellationToken) => inner.UsedAsync(limit, after, cancellationToken);

    public ValueTask<ReadOnlyMemory<byte>?> FindPayloadAsync(PayloadHash hash, CancellationToken cancellationToken) => inner.FindPayloadAsync(hash, cancellationToken);
}
