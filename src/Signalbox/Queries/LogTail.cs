using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Queries;

/// <summary>
/// Follows the log of a store, whoever writes it: one look at its end serves everybody who waits. What follows the log this way sees every entry once, in order, and only after it was committed.
/// Safe to call from several threads.
/// </summary>
public sealed class LogTail : IAsyncDisposable
{
    private readonly IRunReader _reader;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _interval;
    private readonly CancellationTokenSource _closing = new();
    private readonly Lock _lock = new();
    private readonly IDisposable? _subscription;
    private TaskCompletionSource _grown = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _hint = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task? _looking;
    private long _end;

    /// <summary>Looks at the log every <paramref name="interval"/> (default 100 ms) while somebody waits, and at once when the store, where this process writes it, says that a run has changed.</summary>
    public LogTail(IRunReader reader, TimeProvider clock, TimeSpan? interval = null)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(clock);
        _reader = reader;
        _clock = clock;
        _interval = interval ?? TimeSpan.FromMilliseconds(100);
        _subscription = (reader as IRunStore)?.Subscribe(_ =>
        {
            lock (_lock)
            {
                _hint.TrySetResult();
            }
        });
    }

    /// <summary>The entries after a position, page by page, for ever: it waits where there is no more. Ends with <paramref name="cancellationToken"/>, or with this object.</summary>
    public async IAsyncEnumerable<IReadOnlyList<Entry>> FollowAsync(long position, int pageSize, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            var page = await _reader.ReadLogAsync(position, pageSize, cancellationToken);
            if (page.Count == 0)
            {
                if (!await WaitAsync(position, cancellationToken))
                {
                    yield break;
                }

                continue;
            }

            position = page[^1].Position;
            yield return page;
        }
    }

    /// <summary>Waits until the log has an entry after <paramref name="position"/>; false: this object was disposed.</summary>
    public async Task<bool> WaitAsync(long position, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task grown;
            lock (_lock)
            {
                if (_end > position)
                {
                    return true;
                }

                if (_closing.IsCancellationRequested)
                {
                    return false;
                }

                grown = _grown.Task;
                _looking ??= LookAsync(Math.Max(position, _end));
            }

            await grown.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Looks until the log has grown, and tells everybody. One look at a time.</summary>
    private async Task LookAsync(long position)
    {
        await Task.Yield();
        var closing = _closing.Token;
        try
        {
            while (!closing.IsCancellationRequested)
            {
                Task hint;
                lock (_lock)
                {
                    _hint = _hint.Task.IsCompleted ? new(TaskCreationOptions.RunContinuationsAsynchronously) : _hint;
                    hint = _hint.Task;
                }

                if (await FindEndAsync(position, closing) is { } end)
                {
                    Tell(end);
                    return;
                }

                await Task.WhenAny(hint, Task.Delay(_interval, _clock, closing));
            }
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested)
        {
        }

        Tell(null);
    }

    private async Task<long?> FindEndAsync(long position, CancellationToken cancellationToken)
    {
        try
        {
            return await _reader.ReadLogAsync(position, 1, cancellationToken) is [var next] ? next.Position : null;
        }
        catch (StoreUnavailableException)
        {
            return null; // looked at again after the interval
        }
    }

    private void Tell(long? end)
    {
        TaskCompletionSource grown;
        lock (_lock)
        {
            _end = Math.Max(_end, end ?? 0);
            _looking = null;
            (grown, _grown) = (_grown, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        grown.SetResult();
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        _subscription?.Dispose();
        await _closing.CancelAsync();
        Task? looking;
        lock (_lock)
        {
            looking = _looking;
            _looking = null;
        }

        await (looking ?? Task.CompletedTask);
        Tell(null);
    }
}
