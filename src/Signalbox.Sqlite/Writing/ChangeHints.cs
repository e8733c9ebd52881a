using Microsoft.Extensions.Logging;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Writing;

/// <summary>Passes on hints in the order of the commits, on the thread pool: a slow listener holds up later hints, never a commit; and of what it lets pile up, the oldest are forgotten, as hints may be.</summary>
internal sealed class ChangeHints(ILogger? logger) : IThreadPoolWorkItem
{
    public const int QueuedMax = 16_384;

    private readonly Lock _lock = new();
    private readonly Queue<RunChange> _queue = new();
    private Action<RunChange>[] _listeners = [];
    private bool _telling;

    public IDisposable Subscribe(Action<RunChange> listener)
    {
        lock (_lock)
        {
            _listeners = [.. _listeners, listener];
        }

        return new Subscription(this, listener);
    }

    public void Tell(List<RunChange> changes)
    {
        lock (_lock)
        {
            if (_listeners.Length == 0)
            {
                return;
            }

            foreach (var change in changes)
            {
                if (_queue.Count >= QueuedMax)
                {
                    _queue.Dequeue();
                }

                _queue.Enqueue(change);
            }

            if (_telling)
            {
                return;
            }

            _telling = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        while (true)
        {
            RunChange change;
            Action<RunChange>[] listeners;
            lock (_lock)
            {
                if (!_queue.TryDequeue(out change))
                {
                    _telling = false;
                    return;
                }

                listeners = _listeners;
            }

            foreach (var listener in listeners)
            {
                Tell(listener, change);
            }
        }
    }

    private void Tell(Action<RunChange> listener, RunChange change)
    {
        try
        {
            listener(change);
        }
#pragma warning disable CA1031 // A listener's fault must not end the process from a pool thread, nor keep the others from hearing.
        catch (Exception e)
#pragma warning restore CA1031
        {
            logger?.LogError(e, "A subscriber threw when told that run {Run} is {Status}. The commit stands; other subscribers have been told.", change.Run, change.Status);
        }
    }

    private void Remove(Action<RunChange> listener)
    {
        lock (_lock)
        {
            var at = Array.IndexOf(_listeners, listener);
            if (at >= 0)
            {
                _listeners = [.. _listeners[..at], .. _listeners[(at + 1)..]];
            }
        }
    }

    private sealed class Subscription(ChangeHints hints, Action<RunChange> listener) : IDisposable
    {
        private Action<RunChange>? _listener = listener;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _listener, null) is { } ended)
            {
                hints.Remove(ended);
            }
        }
    }
}
