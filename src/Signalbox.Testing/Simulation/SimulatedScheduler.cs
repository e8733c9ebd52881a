namespace Signalbox.Testing;

/// <summary>
/// Runs tasks one at a time, all on the thread that calls <see cref="RunReady"/>, each time picking one of those that are ready by its seed: the same seed and the same
/// work give the same order, bit for bit. Tasks belong to simulated processes, which can be stopped and killed. What leaves the simulation
/// (<c>ConfigureAwait(false)</c>, <c>Task.Run</c>, real I/O) comes back when it comes back, and its order is no longer the seed's.
/// </summary>
public sealed class SimulatedScheduler(ulong seed)
{
    private readonly object _gate = new();
    private readonly List<(SimulatedProcess Process, Task Task)> _ready = [];
    private readonly SeededEntropy _order = new(seed);
    private int _outside;

    /// <summary>The seed, to be printed with what failed.</summary>
    public ulong Seed { get; } = seed;

    /// <summary>How many tasks have been run.</summary>
    public long Steps { get; private set; }

    /// <summary>More tasks than this between two returns of <see cref="RunReady"/> count as a loop that never ends.</summary>
    public int StepsMax { get; set; } = 500_000;

    /// <summary>A process of this simulation: the scheduler of what runs in it.</summary>
    public SimulatedProcess CreateProcess(string name) => new(this, name);

    /// <summary>
    /// Runs what is ready, and what becomes ready by that, until nothing is. Calls to stores that are on their way outside the simulation are waited for.
    /// No time passes. With <paramref name="tasks"/> given, it stops after so many, in the middle of everything.
    /// </summary>
    /// <exception cref="InvalidOperationException">It never ends (<see cref="StepsMax"/>).</exception>
    public void RunReady(int tasks = int.MaxValue)
    {
        var around = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            for (var steps = 0; steps < tasks; steps++)
            {
                if (!TryTake(out var process, out var task))
                {
                    return;
                }

                if (steps >= StepsMax)
                {
                    throw new InvalidOperationException($"The simulation with seed {Seed} has run {steps:N0} tasks and is not done: something goes round in a circle.");
                }

                Steps++;
                process!.Run(task!);
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(around);
        }
    }

    internal void Add(SimulatedProcess process, Task task)
    {
        lock (_gate)
        {
            _ready.Add((process, task));
            Monitor.PulseAll(_gate);
        }
    }

    internal void Forget(SimulatedProcess process)
    {
        lock (_gate)
        {
            _ready.RemoveAll(r => r.Process == process);
        }
    }

    /// <summary>Counts a call that is on its way outside, for as long as <see cref="RunReady"/> is to wait for it.</summary>
    internal void Leave()
    {
        lock (_gate)
        {
            _outside++;
        }
    }

    internal void Return()
    {
        lock (_gate)
        {
            _outside--;
            Monitor.PulseAll(_gate);
        }
    }

    private bool TryTake(out SimulatedProcess? process, out Task? task)
    {
        lock (_gate)
        {
            int runnable;
            while ((runnable = _ready.Count(r => !r.Process.IsPaused)) == 0)
            {
                if (_outside == 0)
                {
                    (process, task) = (null, null);
                    return false;
                }

                Monitor.Wait(_gate);
            }

            var pick = runnable == 1 ? 0 : _order.Below(runnable);
            var at = runnable == _ready.Count ? pick : _ready.Index().Where(r => !r.Item.Process.IsPaused).ElementAt(pick).Index;
            (process, task) = _ready[at];
            _ready.RemoveAt(at);
            return true;
        }
    }
}

/// <summary>
/// A process of a simulation, as a task scheduler. Killed, it never runs another task: what it was doing stays half done, as by <c>kill -9</c>.
/// </summary>
public sealed class SimulatedProcess : TaskScheduler
{
    [ThreadStatic]
    private static SimulatedProcess? t_current;

    private readonly SimulatedScheduler _scheduler;

    internal SimulatedProcess(SimulatedScheduler scheduler, string name)
    {
        _scheduler = scheduler;
        Name = name;
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Whether it is dead.</summary>
    public bool IsDead { get; private set; }

    /// <summary>Whether it stands still, as by <c>SIGSTOP</c>: nothing of it runs, and nothing is lost.</summary>
    public bool IsPaused { get; private set; }

    /// <summary>The simulated process that the current code runs in; null outside of one.</summary>
    public static SimulatedProcess? OfThisCode => t_current; // TaskScheduler.Current is hidden from code that goes on after an await

    /// <inheritdoc />
    public override int MaximumConcurrencyLevel => 1;

    /// <summary>Called before each of its tasks: the place to pause or kill it at a moment of one's own choice.</summary>
    public event Action? BeforeEachTask;

    /// <summary>Kills it, from inside or outside.</summary>
    public void Kill()
    {
        IsDead = true;
        _scheduler.Forget(this);
    }

    /// <summary>Lets it stand still.</summary>
    public void Pause() => IsPaused = true;

    /// <summary>Lets it go on.</summary>
    public void Continue() => IsPaused = false;

    /// <summary>Lets others of the simulation go first, as far as the seed has it. Never completes in a dead process.</summary>
    public Task YieldAsync() =>
        IsDead ? NeverAsync() : Task.Factory.StartNew(static () => { }, CancellationToken.None, TaskCreationOptions.None, this);

    internal static Task NeverAsync() => new TaskCompletionSource().Task;

    internal void Run(Task task)
    {
        BeforeEachTask?.Invoke();
        if (IsPaused)
        {
            _scheduler.Add(this, task);
            return;
        }

        if (IsDead)
        {
            return;
        }

        t_current = this;
        try
        {
            TryExecuteTask(task);
        }
        finally
        {
            t_current = null;
        }
    }

    /// <inheritdoc />
    protected override void QueueTask(Task task)
    {
        if (!IsDead)
        {
            _scheduler.Add(this, task);
        }
    }

    /// <inheritdoc />
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    /// <inheritdoc />
    protected override IEnumerable<Task> GetScheduledTasks() => [];
}
