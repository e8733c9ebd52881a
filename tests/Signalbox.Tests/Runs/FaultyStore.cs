using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Tests.Runs;

/// <summary>A store in memory that fails, where and when a test says so, in a way that nobody foresaw.</summary>
internal sealed class FaultyStore : IRunStore
{
    private readonly InMemoryRunStore _store = new();

    /// <summary>What giving runs to a worker ends with; null: it works.</summary>
    public Exception? LeaseFails { get; set; }

    /// <summary>What signs of life end with.</summary>
    public Exception? HeartbeatFails { get; set; }

    /// <summary>What a commit waits for, or fails with.</summary>
    public Func<Commit, Task> BeforeCommit { get; set; } = _ => Task.CompletedTask;

    /// <summary>How many signs of life there were.</summary>
    public int Heartbeats { get; private set; }

    public bool IsRetired { get; private set; }

    public async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        await BeforeCommit(commit);
        return await _store.CommitAsync(commit, cancellationToken);
    }

    public ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellationToken) => LeaseFails is { } e ? throw e : _store.LeaseAsync(request, cancellationToken);

    public ValueTask<bool> HeartbeatAsync(string worker, TimeSpan lease, CancellationToken cancellationToken)
    {
        Heartbeats++;
        return HeartbeatFails is { } e ? throw e : _store.HeartbeatAsync(worker, lease, cancellationToken);
    }

    public ValueTask RetireAsync(string worker, CancellationToken cancellationToken)
    {
        IsRetired = true;
        return _store.RetireAsync(worker, cancellationToken);
    }

    public IDisposable Subscribe(Action<RunChange> onChange) => _store.Subscribe(onChange);

    public ValueTask<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) => _store.FindAsync(run, cancellationToken);

    public ValueTask<RunHead?> FindByKeyAsync(string workflow, string key, CancellationToken cancellationToken) => _store.FindByKeyAsync(workflow, key, cancellationToken);

    public ValueTask<IReadOnlyList<RunHead>> ListAsync(RunQuery query, CancellationToken cancellationToken) => _store.ListAsync(query, cancellationToken);

    public ValueTask<IReadOnlyList<Entry>> ReadAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken) => _store.ReadAsync(run, fromSeq, max, cancellationToken);

    public ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken) => _store.ReadLogAsync(position, max, cancellationToken);

    public ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken) => _store.ClaimsAsync(query, cancellationToken);

    public ValueTask<long> UsedAsync(string limit, long after, CancellationToken cancellationToken) => _store.UsedAsync(limit, after, cancellationToken);

    public ValueTask<ReadOnlyMemory<byte>?> FindPayloadAsync(PayloadHash hash, CancellationToken cancellationToken) => _store.FindPayloadAsync(hash, cancellationToken);

    public ValueTask DisposeAsync() => _store.DisposeAsync();
}
