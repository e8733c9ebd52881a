namespace Signalbox.Sqlite.Writing;

/// <summary>Something to do inside a write transaction. It may share the transaction with others, and be done again if one of those spoiled it.</summary>
internal abstract class WriteRequest
{
    private int _taken;

    /// <summary>Claims the request: for a transaction, or for its cancellation. Whoever comes second gets false.</summary>
    public bool TryTake() => Interlocked.Exchange(ref _taken, 1) == 0;

    /// <summary>Does the work inside the transaction. What it throws of SQLite's spoils the transaction; the rest is its own failure.</summary>
    public abstract void Run(JournalWriter writer);

    /// <summary>Makes the request end in this error, whatever it had reached.</summary>
    public abstract void Fail(Exception error);

    /// <summary>Tells whoever waits. Called once, after the transaction.</summary>
    public abstract void Complete();
}

/// <inheritdoc cref="WriteRequest" />
internal sealed class WriteRequest<T>(Func<JournalWriter, T> work) : WriteRequest
{
    private TaskCompletionSource<T>? _waiting;
    private CancellationTokenRegistration _cancellation;
    private T? _result;
    private Exception? _error;

    /// <summary>The outcome, for the caller that has run the request itself.</summary>
    public ValueTask<T> Outcome => _error is null ? ValueTask.FromResult(_result!) : ValueTask.FromException<T>(_error);

    /// <summary>The outcome to come, for a caller whose request another runs.</summary>
    public ValueTask<T> WaitAsync(CancellationToken cancellationToken)
    {
        // Never inline: a caller's continuation must not run in the writer, where it would hold up everybody's commits.
        var waiting = _waiting = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (cancellationToken.CanBeCanceled)
        {
            _cancellation = cancellationToken.UnsafeRegister(
                static (state, token) =>
                {
                    var request = (WriteRequest<T>)state!;
                    if (request.TryTake())
                    {
                        request._waiting!.TrySetCanceled(token);
                    }
                },
                this);
        }

        return new ValueTask<T>(waiting.Task);
    }

    public override void Run(JournalWriter writer)
    {
        _error = null;
        _result = work(writer);
    }

    public override void Fail(Exception error) => _error = error;

    public override void Complete()
    {
        if (_waiting is null)
        {
            return;
        }

        _cancellation.Unregister();
        if (_error is null)
        {
            _waiting.SetResult(_result!);
        }
        else
        {
            _waiting.SetException(_error);
        }
    }
}
