using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Testing;

/// <summary>
/// A simulated process's connection to a store: requests and answers take their time on the way, as the simulation's seed has it; the process can die before an append is
/// written or before its answer arrives; the disk can be full. The store itself never notices.
/// </summary>
public sealed class CrashingStore : IRunStore
{
    private readonly IRunStore _store;
    private readonly SimulatedScheduler _scheduler;
    private readonly SimulatedProcess _process;
    private readonly CrashPlan _plan;
    private readonly Func<bool> _full;

    internal CrashingStore(IRunStore store, SimulatedScheduler scheduler, SimulatedProcess process, CrashPlan plan, Func<bool> full)
    {
        _store = store;
        _scheduler = scheduler;
        _process = process;
        _plan = plan;
        _full = full;
    }

    /// <inheritdoc />
    public async ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        await _process.YieldAsync();
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfFull();
        await DieIfAsync(_plan.Strikes(CrashKind.BeforeAppend));
        var result = await OutsideAsync(() => _store.CommitAsync(commit, CancellationToken.None));
        await DieIfAsync(_plan.Strikes(CrashKind.AfterAppend));
        await _process.YieldAsync();
        return result;
    }

    /// <inheritdoc />
    public async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellationToken)
    {
        await _process.YieldAsync();
        cancellationToken.ThrowIfCancellationRequested();
        ThrowIfFull();
        var result = await OutsideAsync(() => _store.LeaseAsync(request, CancellationToken.None));
        await DieIfAsync(result.Runs.Count > 0 && _plan.Strikes(CrashKind.AfterLease));
        await _process.YieldAsync();
        return result;
    }

    /// <inheritdoc />
    public ValueTask<bool> HeartbeatAsync(string worker, TimeSpan lease, CancellationToken cancellationToken) => CallAsync(() => _store.HeartbeatAsync(worker, lease, CancellationToken.None));

    /// <inheritdoc />
    public async ValueTask RetireAsync(string worker, CancellationToken cancellationToken) =>
        await CallAsync(async () =>
        {
            await _store.RetireAsync(worker, CancellationToken.None);
            return true;
        });

    /// <inheritdoc />
    public IDisposable Subscribe(Action<RunChange> onChange) => _store.Subscribe(change =>
    {
        if (!_process.IsDead)
        {
            onChange(change);
        }
    });

    /// <inheritdoc />
    public ValueTask<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) => CallAsync(() => _store.FindAsync(run, CancellationToken.None));

    /// <inheritdoc />
    public ValueTask<RunHead?> FindByKeyAsync(string workflow, string key, CancellationToken cancellationToken) =>
        CallAsync(() => _store.FindByKeyAsync(workflow, key, CancellationToken.None));

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<RunHead>> ListAsync(RunQuery query, CancellationToken cancellationToken) => CallAsync(() => _store.ListAsync(query, CancellationToken.None));

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<Entry>> ReadAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken) =>
        CallAsync(() => _store.ReadAsync(run, fromSeq, max, CancellationToken.None));

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken) =>
        CallAsync(() => _store.ReadLogAsync(position, max, CancellationToken.None));

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken) => CallAsync(() => _store.ClaimsAsync(query, CancellationToken.None));

    /// <inheritdoc />
    public ValueTask<ReadOnlyMemory<byte>?> FindPayloadAsync(PayloadHash hash, CancellationToken cancellationToken) => CallAsync(() => _store.FindPayloadAsync(hash, CancellationToken.None));

    /// <summary>Does nothing: the store outlives the process.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private async ValueTask<T> CallAsync<T>(Func<ValueTask<T>> call)
    {
        await _process.YieldAsync();
        return await OutsideAsync(call);
    }

    /// <summary>A store of one's own may answer from other threads; the simulation stands still until it has.</summary>
    private async ValueTask<T> OutsideAsync<T>(Func<ValueTask<T>> call)
    {
        var answer = call();
        if (answer.IsCompleted)
        {
            return await answer;
        }

        var arrived = new TaskCompletionSource<T>();
        _scheduler.Leave();
        _ = answer.AsTask().ContinueWith(
            done =>
            {
                // First what waits for the answer is made ready, then the call counts as back.
                arrived.SetFromTask(done);
                _scheduler.Return();
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return await arrived.Task;
    }

    private async Task DieIfAsync(bool dies)
    {
        if (dies)
        {
            _process.Kill();
            await SimulatedProcess.NeverAsync();
        }
    }

    private void ThrowIfFull()
    {
        if (_full())
        {
            throw new StoreUnavailableException("disk_full", "The disk is full (simulated).");
        }
    }
}
