using System.Runtime.CompilerServices;

namespace Signalbox;

/// <summary>
/// The one thread of a run, without a thread: everything the engine and the author's handlers do for one run happens here, one thing after the other, on
/// the injected scheduler. So the engine needs no locks, and a simulation that owns the scheduler owns the order of everything.
/// </summary>
internal sealed class RunContext(TaskScheduler scheduler) : SynchronizationContext
{
    private readonly Queue<(SendOrPostCallback Callback, object? State)> _queue = new();
    private bool _pumping;

    /// <summary>Called each time that nothing is left to do until something from outside completes.</summary>
    public Action? OnIdle { get; set; }

    /// <summary>Is told what a callback has thrown, which nobody awaits (an <c>async void</c>, say); null: that ends whoever runs this context, mostly the process.</summary>
    public Action<Exception>? OnThrown { get; set; }

    /// <summary>Runs <paramref name="work"/> here. The task completes with it.</summary>
    public Task RunAsync(Func<Task> work)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(
            _ => _ = CompleteAsync(),
            null);
        return done.Task;

        async Task CompleteAsync()
        {
            try
            {
                await work();
                done.SetResult();
            }
            catch (Exception e)
            {
                done.SetException(e);
            }
        }
    }

    /// <summary>Goes on in this context, wherever the caller was; at once if already there.</summary>
    public ContextAwaiter EnterAsync() => new(this);

    /// <inheritdoc />
    public override void Post(SendOrPostCallback d, object? state)
    {
        lock (_queue)
        {
            _queue.Enqueue((d, state));
            if (_pumping)
            {
                return;
            }

            _pumping = true;
        }

        Schedule();
    }

    private void Schedule()
    {
        if (scheduler == TaskScheduler.Default)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static context => context.Pump(), this, preferLocal: false);
        }
        else
        {
            new Task(static context => ((RunContext)context!).Pump(), this).Start(scheduler);
        }
    }

    /// <inheritdoc />
    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("A run's context takes no blocking calls: await instead.");

    /// <inheritdoc />
    public override SynchronizationContext CreateCopy() => this;

    private void Pump()
    {
        var outside = Current;
        SetSynchronizationContext(this);
        try
        {
            do
            {
                if (TryTake(out var item, last: false))
                {
                    Call(item.Callback, item.State);
                    continue;
                }

                OnIdle?.Invoke();
                if (!TryTake(out var late, last: true))
                {
                    return;
                }

                Call(late.Callback, late.State);
            }
            while (scheduler == TaskScheduler.Default); // a simulation decides after each callback who is next, and whether the process still lives
        }
        finally
        {
            SetSynchronizationContext(outside);
        }

        Schedule();
    }

    private void Call(SendOrPostCallback callback, object? state)
    {
        if (Current != this)
        {
            SetSynchronizationContext(this); // the one before has set another, and awaits of this one would go on in the thread pool
        }

        try
        {
            callback(state);
        }
        catch (Exception e) when (OnThrown is not null)
        {
            OnThrown(e);
        }
    }

    private bool TryTake(out (SendOrPostCallback Callback, object? State) item, bool last)
    {
        lock (_queue)
        {
            if (_queue.TryDequeue(out item))
            {
                return true;
            }

            if (last)
            {
                _pumping = false;
            }

            return false;
        }
    }
}

/// <summary>
/// What is awaited to go on in a run's context. Not a task: what awaits a task without a context of its own goes on in the thread pool, whoever completes it, and at once
/// if it is complete already.
/// </summary>
internal readonly struct ContextAwaiter(RunContext context) : ICriticalNotifyCompletion
{
    public bool IsCompleted => SynchronizationContext.Current == context;

    public ContextAwaiter GetAwaiter() => this;

    public void GetResult()
    {
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation) => context.Post(static action => ((Action)action!)(), continuation);
}
