using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>How a worker works.</summary>
public sealed class WorkerOptions
{
    /// <summary>How the worker's name begins; a random end makes it another worker at each start, so that what an earlier one left behind is taken over.</summary>
    public string Name { get; set; } = "w";

    /// <summary>How many runs it drives at once.</summary>
    public int Concurrency { get; set; } = 64;

    /// <summary>After so long without a sign of life others take its runs over.</summary>
    public TimeSpan Lease { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often it gives a sign of life and records what is at work. Shorter than a third of the lease.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How often it looks for work that no hint told it of.</summary>
    public TimeSpan Poll { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a graceful stop waits for actions to settle. What is left is in doubt, and is settled by whoever takes over.</summary>
    public TimeSpan StopWithin { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long it waits then for those to end that it has given up: only code that holds its thread takes longer than moments.</summary>
    internal TimeSpan LeaveWithin { get; set; } = TimeSpan.FromSeconds(5);

    internal IEnumerable<string> Faults()
    {
        if (Concurrency is < 1 or > 100_000)
        {
            yield return $"Concurrency is from 1 to 100,000; got {Concurrency}.";
        }

        if (Heartbeat <= TimeSpan.Zero || Heartbeat * 3 > Lease)
        {
            yield return $"Lease must be at least three times Heartbeat, which must be positive; got {Lease} and {Heartbeat}.";
        }

        if (Poll <= TimeSpan.Zero)
        {
            yield return $"Poll must be positive; got {Poll}.";
        }
    }
}

/// <summary>
/// Takes runs that can go on and drives them, as many at once as it may. Stops gracefully with its host: every run is left resumable. Several may work on one store where the store allows.
/// </summary>
internal sealed class Worker(Engine engine, WorkerOptions options) : BackgroundService
{
    private readonly Dictionary<RunId, (RunLoop Loop, Task Driving)> _driven = [];
    private readonly string _name = options.Name + "-" + engine.Entropy.NextText(8);
    private TaskCompletionSource? _sleeping;
    private bool _moreWaits;
    private bool _woken;
    private long _lastBeat;
    private Exception? _failure;

    public string Name => _name;

    /// <summary>When it last gave a sign of life that the store took, microseconds since 1970 by the engine's clock; 0: never.</summary>
    public long LastBeat => Interlocked.Read(ref _lastBeat);

    /// <summary>How long it may be silent before others take its runs over.</summary>
    public TimeSpan Lease => options.Lease;

    /// <summary>Drives until canceled, then stops gracefully.</summary>
    public async Task WorkAsync(CancellationToken stopping)
    {
        var context = new RunContext(engine.Scheduler);
        await context.RunAsync(() => WorkHereAsync(context, stopping));
    }

    /// <inheritdoc />
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => WorkAsync(stoppingToken);

    private async Task WorkHereAsync(RunContext context, CancellationToken stopping)
    {
        await engine.Store.HeartbeatAsync(_name, options.Lease, stopping);
        Beaten();
        using var subscription = engine.Store.Subscribe(change => Hear(context, change));
        using var ending = new CancellationTokenSource();
        var heart = BeatAsync(ending.Token);
        var drained = false;
        try
        {
            while (!stopping.IsCancellationRequested && _failure is null)
            {
                var due = await TakeAsync(drained, stopping);
                drained = due.Drain;
                await SleepAsync(context, due.Next, stopping);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
        finally
        {
            // However it ends: what it drives is given back, and nobody takes it for alive.
            await StopAsync();
            ending.CancelHere();
            await heart;
            await engine.Store.RetireAsync(_name, CancellationToken.None);
        }

        if (_failure is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(_failure);
        }
    }

    /// <summary>Takes what there is to do and what it may. Says when to look again.</summary>
    private async Task<(DateTimeOffset? Next, bool Drain)> TakeAsync(bool drain, CancellationToken stopping)
    {
        var free = options.Concurrency - _driven.Count;
        if (free == 0 || (drain && _driven.Count > 0) || _driven.Values.Any(d => d.Loop.IsAlone))
        {
            return (null, drain);
        }

        try
        {
            var leased = await engine.Store.LeaseAsync(new LeaseRequest(_name, engine.Workflows.Versions, free, _driven.Count == 0), stopping);
            for (var i = 0; i < leased.Runs.Count; i++)
            {
                Drive(leased.Runs[i], i < leased.Visits.Count ? leased.Visits[i] : []);
            }

            // A full answer may have left more behind: then each slot that comes free is a reason to ask again.
            _moreWaits = leased.Runs.Count == free || leased.AloneWaits;
            return (leased.NextDue, leased.AloneWaits);
        }
        catch (StoreUnavailableException e)
        {
            engine.Outage.Begin(e);
            return (null, drain);
        }
    }

    private void Drive(RunHead run, IReadOnlyList<Entry> atHand)
    {
        // A worker that was silent for longer than its lease can be given its own run anew.
        if (_driven.Remove(run.Row.Run, out var former))
        {
            former.Loop.Abandon();
        }

        var loop = new RunLoop(engine, run, atHand);
        _driven[run.Row.Run] = (loop, DriveAsync());

        async Task DriveAsync()
        {
            await Task.Yield(); // not before it is listed
            await loop.DriveAsync();
            if (_driven.GetValueOrDefault(run.Row.Run).Loop == loop)
            {
                _driven.Remove(run.Row.Run);
            }

            loop.Dispose();
            if (_moreWaits || run.Row.Alone)
            {
                Wake();
            }
        }
    }

    private async Task SleepAsync(RunContext context, DateTimeOffset? next, CancellationToken stopping)
    {
        var pause = options.Poll;
        if (next is { } due && due - engine.Clock.GetUtcNow() is var until && until < pause)
        {
            pause = _driven.Count >= options.Concurrency ? pause : until > TimeSpan.Zero ? until + TimeSpan.FromMilliseconds(1) : TimeSpan.Zero;
        }

        if (pause == TimeSpan.Zero)
        {
            return;
        }

        if (_woken)
        {
            _woken = false;
            return;
        }

        var sleeping = _sleeping = new TaskCompletionSource();
        await using var timer = engine.Clock.CreateTimer(_ => context.Post(_ => sleeping.TrySetResult(), null), null, pause, Timeout.InfiniteTimeSpan);
        await using var end = stopping.UnsafeRegister(_ => context.Post(_ => sleeping.TrySetResult(), null), null);
        await sleeping.Task;
        _sleeping = null;
        stopping.ThrowIfCancellationRequested();
    }

    private void Hear(RunContext context, RunChange change)
    {
        if (change.Status == RunStatus.Pending)
        {
            context.Post(_ => Wake(), null);
        }

        if (change.CancelRequested && change.Status == RunStatus.Running)
        {
            context.Post(_ => (_driven.GetValueOrDefault(change.Run).Loop)?.Cancel(), null);
        }
    }

    private void Wake()
    {
        if (_sleeping is null)
        {
            _woken = true;
        }
        else
        {
            _sleeping.TrySetResult();
        }
    }

    private async Task BeatAsync(CancellationToken ending)
    {
        while (!ending.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(options.Heartbeat, engine.Clock, ending);
                if (!await engine.Store.HeartbeatAsync(_name, options.Lease, ending))
                {
                    engine.Log.LogWarning("Worker {Worker} was silent for longer than its lease; others may have taken its runs over.", _name);
                }

                Beaten();
                foreach (var (loop, _) in _driven.Values.ToArray())
                {
                    loop.Beat();
                }
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (StoreUnavailableException e)
            {
                engine.Log.LogWarning("Worker {Worker} could not give a sign of life ({Code}: {Reason}).", _name, e.Code, e.Message);
            }
            catch (Exception e)
            {
                // A worker that went on without signs of life would drive what others take over.
                _failure = e;
                Wake();
                return;
            }
        }
    }

    private void Beaten() => Interlocked.Exchange(ref _lastBeat, Microseconds.From(engine.Clock.GetUtcNow()));

    private async Task StopAsync()
    {
        var driving = _driven.Values.ToArray();
        foreach (var (loop, _) in driving)
        {
            loop.Stop();
        }

        if (await HaveEndedAsync(options.StopWithin))
        {
            return;
        }

        foreach (var (loop, _) in driving)
        {
            loop.Abandon();
        }

        if (!await HaveEndedAsync(options.LeaveWithin))
        {
            var left = string.Join(", ", driving.Where(d => !d.Driving.IsCompleted).Select(d => d.Loop.Run).Take(20));
            engine.Log.LogError("Worker {Worker} stops without these runs, because their code holds its thread (it blocks, or computes): {Runs}. Others take them over; nothing more is recorded of them here.", _name, left);
        }

        async Task<bool> HaveEndedAsync(TimeSpan limit)
        {
            try
            {
                await Task.WhenAll(driving.Select(d => d.Driving)).WaitAsync(limit, engine.Clock);
                return true;
            }
            catch (TimeoutException)
            {
                return false;
            }
        }
    }
}
