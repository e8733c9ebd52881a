using System.Globalization;
using System.Runtime.InteropServices;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Targets.Tests.Victims;

/// <summary>When a victim ends itself: right before or right after its n-th write to the journal.</summary>
internal sealed record Death(bool After, int Write)
{
    public static Death? Parse(string text) => text.Split(':') is [var when, var write] ? new(when == "after", int.Parse(write, CultureInfo.InvariantCulture)) : null;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(After ? "after" : "before")}:{Write}");
}

/// <summary>A store that kills its process (SIGKILL) at a write: before it, nothing of it is on disk; after it, it is on disk and nobody has been told.</summary>
internal sealed partial class DeathAtAWrite(IRunStore inner, Death death) : IRunStore
{
    private const int Kill9 = 9;
    private int _writes;

    public ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken) => WriteAsync(() => inner.CommitAsync(commit, cancellationToken));

    public async ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellationToken)
    {
        // A lease that gives nothing writes nothing; which one will give something is known only afterwards.
        var leased = await inner.LeaseAsync(request, cancellationToken);
        if (leased.Runs.Count > 0 && Interlocked.Increment(ref _writes) == death.Write)
        {
            await DieAsync();
        }

        return leased;
    }

    public ValueTask<bool> HeartbeatAsync(string worker, TimeSpan lease, CancellationToken cancellationToken) => inner.HeartbeatAsync(worker, lease, cancellationToken);

    public ValueTask RetireAsync(string worker, CancellationToken cancellationToken) => inner.RetireAsync(worker, cancellationToken);

    public IDisposable Subscribe(Action<RunChange> onChange) => inner.Subscribe(onChange);

    public ValueTask<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) => inner.FindAsync(run, cancellationToken);

    public ValueTask<RunHead?> FindByKeyAsync(string workflow, string key, CancellationToken cancellationToken) => inner.FindByKeyAsync(workflow, key, cancellationToken);

    public ValueTask<IReadOnlyList<RunHead>> ListAsync(RunQuery query, CancellationToken cancellationToken) => inner.ListAsync(query, cancellationToken);

    public ValueTask<IReadOnlyList<Entry>> ReadAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken) => inner.ReadAsync(run, fromSeq, max, cancellationToken);

    public ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken) => inner.ReadLogAsync(position, max, cancellationToken);

    public ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken) => inner.ClaimsAsync(query, cancellationToken);

    public ValueTask<long> UsedAsync(string limit, long after, CancellationToken cancellationToken) => inner.UsedAsync(limit, after, cancellationToken);

    public ValueTask<ReadOnlyMemory<byte>?> FindPayloadAsync(PayloadHash hash, CancellationToken cancellationToken) => inner.FindPayloadAsync(hash, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private async ValueTask<T> WriteAsync<T>(Func<ValueTask<T>> write)
    {
        var dies = Interlocked.Increment(ref _writes) == death.Write;
        if (dies && !death.After)
        {
            await DieAsync();
        }

        var result = await write();
        if (dies)
        {
            await DieAsync();
        }

        return result;
    }

    /// <summary>Never returns.</summary>
    private static Task DieAsync()
    {
        _ = Kill(Environment.ProcessId, Kill9);
        return Task.Delay(Timeout.Infinite);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
