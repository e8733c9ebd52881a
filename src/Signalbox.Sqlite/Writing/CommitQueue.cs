namespace Signalbox.Sqlite.Writing;

/// <summary>
/// Groups commits without a timer. Who comes while nobody writes runs its own transaction on its own thread, so that a run on its own pays for
/// no hand-over; whatever arrives while that commit is on its way to the disk shares the next one. The one who led is not kept: the queue it
/// leaves behind is drained by a thread of its own, since on the pool it would stand in line behind the very runs that wait for it.
/// </summary>
internal sealed class CommitQueue
{
    private const int QueuedMax = 16_384;
    private const int BatchMax = 2_048;

    private readonly Lock _lock = new();
    private readonly JournalWriter _writer;
    private readonly string _path;
    private readonly Queue<WriteRequest> _queue = new();
    private readonly List<WriteRequest> _batch = new(BatchMax);
    private readonly WriteRequest[] _alone = new WriteRequest[1];
    private TaskCompletionSource? _room;
    private TaskCompletionSource? _idle;
    private readonly object _signal = new();
    private Thread? _drainer;
    private bool _handedOver;
    private bool _writing;
    private bool _closed;
    private bool _ended;

    public CommitQueue(JournalWriter writer, string path)
    {
        _writer = writer;
        _path = path;
    }

    /// <summary>Whether a transaction is under way; who comes now waits for the next.</summary>
    public bool IsWriting
    {
        get
        {
            lock (_lock)
            {
                return _writing;
            }
        }
    }

    /// <summary>Runs the request in a transaction. Once a transaction has taken it, cancelling has no effect any more.</summary>
    public ValueTask<T> RunAsync<T>(Func<JournalWriter, T> work, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var request = new WriteRequest<T>(work);
        return TryRun(request, cancellationToken, out var outcome) ? outcome : WaitForRoomAsync(request, cancellationToken);
    }

    /// <summary>Takes no further requests and waits until those accepted are done.</summary>
    public async ValueTask CloseAsync()
    {
        Task idle;
        lock (_lock)
        {
            _closed = true;
            idle = _writing ? (_idle ??= NewSignal()).Task : Task.CompletedTask;
        }

        await idle;
        lock (_signal)
        {
            _ended = true;
            Monitor.Pulse(_signal);
        }
    }

    /// <summary>Drains what came in while somebody wrote, each time that it is handed over.</summary>
    private void Drain()
    {
        while (true)
        {
            lock (_signal)
            {
                while (!_handedOver && !_ended)
                {
                    Monitor.Wait(_signal);
                }

                if (_ended)
                {
                    return;
                }

                _handedOver = false;
            }

            while (Take())
            {
                _writer.Execute(_batch);
                foreach (var request in _batch)
                {
                    request.Complete();
                }
            }
        }
    }

    private bool TryRun<T>(WriteRequest<T> request, CancellationToken cancellationToken, out ValueTask<T> outcome)
    {
        lock (_lock)
        {
            if (_closed)
            {
                outcome = ValueTask.FromException<T>(SqliteErrors.Closed(_path));
                return true;
            }

            if (_writing)
            {
                if (_queue.Count >= QueuedMax)
                {
                    outcome = default;
                    return false;
                }

                outcome = request.WaitAsync(cancellationToken);
                _queue.Enqueue(request);
                return true;
            }

            _writing = true;
        }

        _alone[0] = request;
        _writer.Execute(_alone);
        outcome = request.Outcome;
        HandOver();
        return true;
    }

    private async ValueTask<T> WaitForRoomAsync<T>(WriteRequest<T> request, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task room;
            lock (_lock)
            {
                room = _queue.Count >= QueuedMax ? (_room ??= NewSignal()).Task : Task.CompletedTask;
            }

            await room.WaitAsync(cancellationToken);
            if (TryRun(request, cancellationToken, out var outcome))
            {
                return await outcome;
            }
        }
    }

    private void HandOver()
    {
        lock (_lock)
        {
            if (_queue.Count == 0)
            {
                Rest();
                return;
            }
        }

        if (_drainer is null)
        {
            _drainer = new Thread(Drain) { IsBackground = true, Name = "Signalbox journal" };
            _drainer.Start();
        }

        lock (_signal)
        {
            _handedOver = true;
            Monitor.Pulse(_signal);
        }
    }

    private bool Take()
    {
        _batch.Clear();
        lock (_lock)
        {
            while (_batch.Count < BatchMax && _queue.TryDequeue(out var request))
            {
                if (request.TryTake())
                {
                    _batch.Add(request);
                }
            }

            _room?.SetResult();
            _room = null;
            if (_batch.Count == 0)
            {
                Rest();
            }
        }

        return _batch.Count > 0;
    }

    private void Rest()
    {
        _writing = false;
        _idle?.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
