using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Testing;

/// <summary>
/// A whole Signalbox for tests: workflows and actions registered as in a host, a store in memory, a clock that moves only when told to, workers that can crash. Everything runs
/// on the calling thread in an order that follows from one seed, without sleeping: a month's wait takes microseconds, and what failed once fails again.
/// Handlers, sources and targets must stay inside the simulation: complete at once, or await tasks that this code completes and delays on the injected <see cref="TimeProvider"/>.
/// </summary>
/// <example><code>
/// await using var harness = await WorkflowHarness.StartAsync(signalbox => signalbox.AddWorkflow&lt;AlertResponse&gt;());
/// var run = await harness.StartRunAsync("alert-response", new AlertCase("192.0.2.7"));
/// await harness.RunUntilIdleAsync();
/// var row = await harness.GetAsync(run);   // where it stands now
/// </code></example>
public sealed class WorkflowHarness : IAsyncDisposable
{
    /// <summary>More than any test needs, and few enough that one that never rests fails within minutes.</summary>
    private const int PassesMax = 500_000;

    private readonly HarnessOptions _options;
    private readonly SeededEntropy _clientEntropy;
    private readonly SeededEntropy _workerEntropy;
    private readonly List<HarnessWorker> _workers = [];
    private readonly HarnessLog _log = new();
    private Action<SignalboxBuilder> _configure;
    private int _started;

    private WorkflowHarness(Action<SignalboxBuilder> configure, HarnessOptions options)
    {
        _configure = configure;
        _options = options;
        Clock = options.Clock ?? new ManualClock();
        Scheduler = new SimulatedScheduler(options.Seed);
        Store = options.Store ?? new InMemoryRunStore(Clock, new SeededEntropy(options.Seed ^ 0x5351));
        _clientEntropy = new SeededEntropy(0x434C); // the runs' names follow from the order of their starts alone
        _workerEntropy = new SeededEntropy(options.Seed ^ 0x574F);
    }

    /// <summary>The time of everything in the harness.</summary>
    public ManualClock Clock { get; }

    /// <summary>What runs everything.</summary>
    public SimulatedScheduler Scheduler { get; }

    /// <summary>The store itself, which no crash touches.</summary>
    public IRunStore Store { get; }

    /// <summary>The newest worker.</summary>
    public HarnessWorker Worker => _workers[^1];

    /// <summary>All workers, the dead ones included, in the order of their start.</summary>
    public IReadOnlyList<HarnessWorker> Workers => _workers;

    /// <summary>Whether the disk is full: workers can append nothing while it is. Clients still can.</summary>
    public bool IsDiskFull { get; set; }

    /// <summary>What has been logged, a line each.</summary>
    public IReadOnlyList<string> Log => _log.Lines;

    /// <summary>The crash points at which a worker has died.</summary>
    public IReadOnlyList<CrashPoint> Crashes => Plan.Hit;

    internal CrashPlan Plan { get; } = new();

    /// <summary>A harness with a worker.</summary>
    /// <exception cref="WorkflowFaultsException">A workflow or the configuration has faults.</exception>
    public static async Task<WorkflowHarness> StartAsync(Action<SignalboxBuilder> configure, HarnessOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var harness = new WorkflowHarness(configure, options ?? new HarnessOptions());
        if (harness._options.StartsWorker)
        {
            await harness.StartWorkerAsync();
        }

        return harness;
    }

    /// <summary>A harness with a worker, in which workers die at the given points.</summary>
    public static Task<WorkflowHarness> StartAsync(Action<SignalboxBuilder> configure, HarnessOptions options, params IEnumerable<CrashPoint> crashes)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var harness = new WorkflowHarness(configure, options);
        harness.Plan.Points.UnionWith(crashes);
        return StartedAsync();

        async Task<WorkflowHarness> StartedAsync()
        {
            await harness.StartWorkerAsync();
            return harness;
        }
    }

    /// <summary>
    /// Starts one more worker, as another process would: its services are its own. With <paramref name="configure"/>, it and all later ones run that program: the way to test
    /// changed code and new versions.
    /// </summary>
    /// <exception cref="WorkflowFaultsException">A workflow or the configuration has faults, or open runs began under another definition.</exception>
    public async Task<HarnessWorker> StartWorkerAsync(Action<SignalboxBuilder>? configure = null)
    {
        var change = configure ?? _configure;
        var name = string.Create(CultureInfo.InvariantCulture, $"w-{++_started}");
        var process = Scheduler.CreateProcess(name);
        process.BeforeEachTask += () =>
        {
            if (Plan.Strikes(CrashKind.BetweenTasks))
            {
                process.Kill();
            }
        };
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(Clock);
        services.AddSingleton<Entropy>(_workerEntropy);
        services.AddSingleton<ILoggerFactory>(_log);
        services.AddSignalbox(signalbox =>
        {
            signalbox.Worker.Name = name;
            change(signalbox);
            signalbox.Scheduler = process;
            signalbox.UseStore(_ => new CrashingStore(Store, Scheduler, process, Plan, () => IsDiskFull));
            services.AddSingleton(signalbox);
        });
        var provider = services.BuildServiceProvider();
        try
        {
            await provider.GetRequiredService<Engine>().Workflows.CheckAgainstAsync(Store, CancellationToken.None);
        }
        catch
        {
            await provider.DisposeAsync();
            throw;
        }

        _configure = change;
        _workers.Add(new HarnessWorker(this, process, provider));
        return Worker;
    }

    /// <summary>Kills the newest worker without any goodbye and starts another, which takes its runs over under a new lease.</summary>
    public async Task<HarnessWorker> CrashAndRestartAsync(Action<SignalboxBuilder>? configure = null)
    {
        await Worker.CrashAsync();
        return await StartWorkerAsync(configure);
    }

    /// <summary>A client on the store, with every role unless some are given. What it does is not part of the simulation: it is done when the call returns.</summary>
    public RunClient Client(string actor = "client:test", IReadOnlyCollection<string>? roles = null) =>
        new(Store, Worker.Services.GetRequiredService<Engine>().Workflows, _clientEntropy, Clock) { Actor = actor, Roles = roles ?? [Caller.AnyRole] };

    /// <summary>Starts a run; nothing of it happens until the harness drives.</summary>
    public async Task<RunId> StartRunAsync<TCase>(string workflow, TCase @case, string? key = null, IReadOnlyDictionary<string, string>? labels = null, int? version = null)
        where TCase : notnull => (await Client().StartAsync(workflow, @case, key, labels, version)).Run;

    /// <summary>The run's row.</summary>
    /// <exception cref="ArgumentException">There is no such run.</exception>
    public async Task<RunRow> GetAsync(RunId run) => (await HeadAsync(run)).Row;

    /// <summary>The run as its entries make it.</summary>
    /// <exception cref="ArgumentException">There is no such run.</exception>
    public async Task<RunHead> HeadAsync(RunId run) =>
        await Store.FindAsync(run, CancellationToken.None) ?? throw new ArgumentException($"The store has no run '{run}'.", nameof(run));

    /// <summary>The case of the run's current visit; of an ended run, the last one.</summary>
    public async Task<TCase> CaseAsync<TCase>(RunId run)
        where TCase : class => await Client().GetCaseAsync<TCase>(run) ?? throw new ArgumentException($"The store has no run '{run}'.", nameof(run));

    /// <summary>The run's journal, whole.</summary>
    public async Task<IReadOnlyList<Entry>> JournalAsync(RunId run)
    {
        var all = new List<Entry>();
        while (await Store.ReadAsync(run, all.Count, 1000, CancellationToken.None) is { Count: > 0 } page)
        {
            all.AddRange(page);
        }

        return all;
    }

    /// <summary>The run's journal as text for people, a line an entry.</summary>
    public async Task<string> TellAsync(RunId run)
    {
        var text = new StringBuilder();
        foreach (var entry in await JournalAsync(run))
        {
            text.Append(CultureInfo.InvariantCulture, $"{entry.Seq,4} e{entry.Epoch} {entry.Time:HH:mm:ss.fff} {entry.Kind,-20} {entry.State}#{entry.Visit} {entry.Scope} {entry.Step} [{entry.Actor}] {entry.Cause} ")
                .Append(Encoding.UTF8.GetString(entry.Body.Span)).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>All runs of the store, the oldest first.</summary>
    public async Task<IReadOnlyList<RunHead>> RunsAsync() => [.. (await Store.ListAsync(new RunQuery { Limit = 10_000 }, CancellationToken.None)).Reverse()];

    /// <summary>Drives what can be driven while no time passes; with <paramref name="tasks"/> given, only so many tasks, so that the test can act in the middle of everything.</summary>
    public async Task SettleAsync(int tasks = int.MaxValue)
    {
        while (true)
        {
            Scheduler.RunReady(tasks);
            if (_workers.Find(w => w.Failure is not null) is { } failed)
            {
                throw new InvalidOperationException($"Worker '{failed.Name}' ended by an exception.", failed.Failure);
            }

            if (_workers.Count == 0 || !Worker.Process.IsDead || !_options.RestartsAfterCrash || Plan.Hit.Count == _restarted)
            {
                return;
            }

            _restarted = Plan.Hit.Count;
            await CrashAndRestartAsync();
        }
    }

    private int _restarted;

    /// <summary>Lets so much time pass, timer by timer, and drives all that happens meanwhile.</summary>
    public async Task AdvanceAsync(TimeSpan by)
    {
        var until = Clock.GetTimestamp() + by.Ticks;
        await SettleAsync();
        while (Clock.GetTimestamp() is var now && now < until)
        {
            var next = Clock.NextTimer is { } timer ? (timer - Clock.GetUtcNow()).Ticks : long.MaxValue;
            Clock.Advance(TimeSpan.FromTicks(Math.Min(next, until - now)));
            await SettleAsync();
        }
    }

    /// <summary>
    /// Drives until nothing more can happen by itself: every run is over, held, or waits for somebody outside. Lets as much time pass as that takes; what nobody waits for takes none.
    /// </summary>
    /// <exception cref="InvalidOperationException">It never comes to rest, or no worker is left to drive it.</exception>
    public async Task RunUntilIdleAsync()
    {
        await SettleAsync();
        var begun = Clock.GetTimestamp();
        for (var passes = 0; ; passes++)
        {
            var open = await OpenAsync();
            if (open.Count == 0)
            {
                return;
            }

            if (passes > PassesMax)
            {
                throw new InvalidOperationException($"After {passes} passes and {Clock.GetElapsedTime(begun)} of simulated time (seed {_options.Seed}) it has not come to rest: {Text(open)}");
            }

            if (!_workers.Exists(w => w.IsAlive && !w.Process.IsPaused))
            {
                throw new InvalidOperationException($"No worker is left to drive {Text(open)}");
            }

            if (Clock.GetElapsedTime(begun) > _options.TimeMax)
            {
                throw new InvalidOperationException($"After {Clock.GetElapsedTime(begun)} of simulated time (seed {_options.Seed}) it has not come to rest: {Text(open)}");
            }

            await PassAsync(open);
        }
    }

    /// <summary>Drives, letting time pass, until the run is in one of the given statuses.</summary>
    /// <exception cref="InvalidOperationException">It never is.</exception>
    public Task RunUntilAsync(RunId run, params IReadOnlyCollection<RunStatus> statuses) =>
        DriveUntilAsync(() => Store.FindAsync(run, CancellationToken.None).AsTask().GetAwaiter().GetResult() is { } head && statuses.Contains(head.Row.Status), $"run '{run}' is {string.Join(" or ", statuses)}");

    /// <summary>Ends everything; disposes the workers' services, but not a store that was given.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            await worker.DisposeAsync();
        }

        if (_options.Store is null)
        {
            await Store.DisposeAsync();
        }

        _log.Dispose();
    }

    internal async Task DriveUntilAsync(Func<bool> condition, string what)
    {
        await SettleAsync();
        var begun = Clock.GetTimestamp();
        while (!condition())
        {
            if (Clock.NextTimer is not { } next || Clock.GetElapsedTime(begun) > _options.TimeMax)
            {
                throw new InvalidOperationException($"It never comes about that {what} (seed {_options.Seed}): {Text(await OpenAsync())}");
            }

            Clock.Advance(Max(next - Clock.GetUtcNow(), TimeSpan.Zero));
            await SettleAsync();
        }
    }

    /// <summary>The runs that still do something by themselves, as far as a worker knows their workflows.</summary>
    private async Task<IReadOnlyList<RunHead>> OpenAsync()
    {
        var known = _workers.Where(w => w.IsAlive).SelectMany(w => w.Services.GetRequiredService<Engine>().Workflows.Versions).ToHashSet();
        var query = new RunQuery { Statuses = [RunStatus.Pending, RunStatus.Running, RunStatus.Waiting], Limit = 10_000 };
        return [.. (await Store.ListAsync(query, CancellationToken.None)).Where(h =>
            (known.Count == 0 || known.Contains(new WorkflowVersion(h.Row.Workflow, h.Row.Version))) && (h.Row.Status != RunStatus.Waiting || h.ReadyAt is not null))];
    }

    /// <summary>Lets time pass to the next thing that can happen: a timer of what is at work, or the first due time where everything waits.</summary>
    private async Task PassAsync(IReadOnlyList<RunHead> open)
    {
        var now = Clock.GetUtcNow();
        var next = Clock.NextTimer is { } timer ? Max(timer - now, TimeSpan.Zero) : TimeSpan.Zero;
        if (open.All(h => h.Row.Status == RunStatus.Waiting))
        {
            var due = Microseconds.ToTime(open.Min(h => h.ReadyAt!.Value)) - now;
            foreach (var worker in _workers.Where(w => due > next && w.IsAlive && !w.Process.IsPaused))
            {
                // Nobody does anything until then but give signs of life; this stands for all of them.
                await Store.HeartbeatAsync(worker.Name, due + worker.Lease, CancellationToken.None);
            }

            next = Max(next, due);
        }

        Clock.Advance(next);
        await SettleAsync();
    }

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private static string Text(IEnumerable<RunHead> runs) => string.Join("; ", runs.Select(h => $"run '{h.Row.Run}' is {h.Row.Status} in state '{h.Row.State}'")) + ".";
}
