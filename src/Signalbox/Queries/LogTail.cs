using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Queries;

/// <summary>
/// Follows the log of a store, whoever writes it: one look at its end serves everybody who waits, and nobody looks while nobody waits. What follows the log this way sees every entry once, in order, and only after it was
/// committed. Safe to call from several threads.
/// </summary>
public sealed class LogTail : IAsyncDisposable
{
    private readonly IRunReader _reader;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _interval;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _lock = new();
    private readonly List<Waiter> _waiters = [];
    private readonly IDisposable? _subscription;
    private TaskCompletionSource _hint = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _looking;
    private long _end;
    private bool _closed;

    /// <summary>Looks at the log every <paramref name="interval"/> (default 100 ms) while somebody waits, and at once when the store, where this process writes it, says that a run has changed.</summary>
    public LogTail(IRunReader reader, TimeProvider clock, TimeSpan? interval = null)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(clock);
        _reader = reader;
        _clock = clock;
        _interval = interval ?? TimeSpan.FromMilliseconds(100);
        _subscription = (reader as IRunStore)?.Subscribe(_ => Hint());
    }

    /// <summary>
    /// The entries after a position, page by page, for ever: it waits where there is no more. Ends with <paramref name="cancellationToken"/>, or with this object. Throws what the reader throws; the caller may begin again
    /// after the last position that it had.
    /// </summary>
    public async IAsyncEnumerable<IReadOnlyList<Entry>> FollowAsync(long position, int pageSize, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (!_closing.IsCancellationRequested)
        {
            var page = await _reader.ReadLogAsync(position, pageSize, cancellationToken);
            if (page.Count > 0)
            {
                position = page[^1].Position;
                yield return page;
            }
            else if (!await WaitAsync(position, cancellationToken))
            {
                yield break;
            }
        }
    }

    /// <summary>
    /// Waits until the log has an entry after <paramref name="position"/>; false: this object was disposed. A store that is unavailable is waited for; what else its reader throws is thrown here, to everybody who waits, and
    /// who waits anew looks anew.
    /// </summary>
    public async Task<bool> WaitAsync(long position, CancellationToken cancellationToken)
    {
        Waiter waiter;
        lock (_lock)
        {
            if (_end > position)
            {
                return true;
            }

            if (_closed)
            {
                return false;
            }

            waiter = new Waiter(position);
            _waiters.Add(waiter);
            if (_looking is null)
            {
                _looking = BeginToLook();
            }
            else
            {
                _hint.TrySetResult(); // it may be before all who wait already, and an entry be there
            }
        }

        try
        {
            return await waiter.Grown.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            lock (_lock)
            {
                _waiters.Remove(waiter);
                if (_waiters.Count == 0)
                {
                    _hint.TrySetResult(); // so that the look ends now, and not after the interval
                }
            }
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        _subscription?.Dispose();
        Task? looking;
        lock (_lock)
        {
            _closed = true;
            looking = _looking;
            End(w => w.Grown.TrySetResult(false));
        }

        await _closing.CancelAsync();
        await (looking ?? Task.CompletedTask);
    }

    private void Hint()
    {
        lock (_lock)
        {
            _hint.TrySetResult();
        }
    }

    /// <summary>Looks in nobody's context: the one who comes first may not go on, and the others wait for the same look.</summary>
    private Task BeginToLook()
    {
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            return LookAsync();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    /// <summary>Looks for as long as somebody waits. One at a time; it never fails, who waits is told.</summary>
    private async Task LookAsync()
    {
        await Task.Yield(); // not under the lock of who began it
        var closing = _closing.Token;
        while (true)
        {
            Task hint;
            long position;
            lock (_lock)
            {
                if (_waiters.Count == 0 || _closed)
                {
                    _looking = null;
                    return;
                }

                _hint = _hint.Task.IsCompleted ? new(TaskCreationOptions.RunContinuationsAsynchronously) : _hint;
                hint = _hint.Task;

                // From the first of them, so that one who waits far beyond the end (a client says where it was) keeps nobody from seeing what comes before that.
                position = _waiters.Min(w => w.Position);
            }

            try
            {
                if (await _reader.ReadLogAsync(position, 1, closing) is [var next])
                {
                    Tell(next.Position);
                    continue;
                }
            }
            catch (StoreUnavailableException e) when (e.Code != "store_closed")
            {
                // looked at again after the interval
            }
            catch (Exception e)
            {
                lock (_lock)
                {
                    _looking = null;
                    End(w => _ = e is OperationCanceledException && _closed ? w.Grown.TrySetResult(false) : w.Grown.TrySetException(e));
                    return;
                }
            }

            using var enough = CancellationTokenSource.CreateLinkedTokenSource(closing);
            await Task.WhenAny(hint, Task.Delay(_interval, _clock, enough.Token));
            await enough.CancelAsync(); // a timer for each hint would pile up
        }
    }

    private void Tell(long end)
    {
        lock (_lock)
        {
            _end = Math.Max(_end, end);
            foreach (var waiter in _waiters.Where(w => w.Position < _end))
            {
                waiter.Grown.TrySetResult(true);
            }

            _waiters.RemoveAll(w => w.Position < _end);
        }
    }

    private void End(Action<Waiter> tell)
    {
        _waiters.ForEach(tell);
        _waiters.Clear();
    }

    private sealed class Waiter(long position)
    {
        public long Position { get; } = position;

        public TaskCompletionSource<bool> Grown { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
