using System.Globalization;
using Microsoft.Extensions.Logging;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>Bounds that no run passes. Reaching one fails the run in its state, or the step; it is never a success. (A full cache only forgets.)</summary>
public sealed record RunLimits
{
    /// <summary>How many visits a run may have: a loop through the states ends here.</summary>
    public int VisitsOfARunMax { get; init; } = 1_000;

    /// <summary>How many recorded steps one visit may have.</summary>
    public int StepsOfAVisitMax { get; init; } = 100_000;

    /// <summary>How long a handler may be at work in one pass, without what it waits for durably.</summary>
    public TimeSpan ActiveTimeOfAVisitMax { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How large a result, a case or an argument may be, in bytes of JSON.</summary>
    public int ResultBytesMax { get; init; } = 16 * 1024 * 1024;

    /// <summary>How many answers to cached queries one process keeps; the one unused for longest leaves first.</summary>
    public int CachedAnswersMax { get; init; } = 10_000;

    /// <summary>How many bytes of JSON the kept answers have in all; one larger than an eighth of it is not kept.</summary>
    public long CachedBytesMax { get; init; } = 64 * 1024 * 1024;
}

/// <summary>The seams and settings that every run of a worker shares.</summary>
internal sealed record Engine(
    IRunStore Store, WorkflowCatalog Workflows, ActionCatalog Actions, ToolCatalog Tools, ModelCatalog Models, DecisionSettings Decisions, IServiceProvider Services, TimeProvider Clock, Entropy Entropy, TaskScheduler Scheduler, RunLimits Limits, ILogger Log)
{
    /// <summary>Who has which roles now, to ask before what was approved is done; null where nobody says, so that there is nothing to ask.</summary>
    public IRoleSource? Roles { get; init; }

    /// <summary>Whether the store can write just now.</summary>
    public StoreOutage Outage { get; } = new(Log);

    /// <summary>What stands between a decision and an action.</summary>
    public PolicyBook Policies { get; init; } = PolicyBook.None;

    /// <summary>What masks what is shown and logged.</summary>
    public Redactor Redactor { get; init; } = Redactor.Default;

    /// <summary>The answers that queries of this process share.</summary>
    public QueryCache Queries { get; } = new(Clock, Limits);

    /// <summary>Awaits the work for so long. What ignores its cancellation is left behind.</summary>
    /// <exception cref="TimeoutException">The time is up.</exception>
    public async ValueTask<T> WithinAsync<T>(Func<CancellationToken, Task<T>> work, TimeSpan limit, CancellationTokenSource cancellation)
    {
        var task = work(cancellation.Token);
        if (task.IsCompleted)
        {
            return await task;
        }

        try
        {
            return await task.WaitAsync(limit, Clock, cancellation.Token);
        }
        finally
        {
            if (!task.IsCompleted)
            {
                cancellation.CancelHere();
                _ = task.ContinueWith(static left => _ = left.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }
        }
    }
}

/// <summary>Says once that the store cannot write, for all runs that wait for it, and once that it can again.</summary>
internal sealed class StoreOutage(ILogger log)
{
    private int _isOut;

    public void Begin(StoreUnavailableException reason)
    {
        if (Interlocked.Exchange(ref _isOut, 1) == 0)
        {
            log.LogWarning("Runs cannot record just now ({Code}). They hold what they have and try again. {Reason}", reason.Code, reason.Message);
        }
    }

    public void End()
    {
        if (_isOut != 0 && Interlocked.Exchange(ref _isOut, 0) != 0)
        {
            log.LogWarning("The store can write again; runs go on.");
        }
    }
}

internal static class Cancellation
{
    /// <summary>
    /// Cancels here and now. <c>CancelAsync</c> would call back on the thread pool, outside the injected scheduler. What an author's callback throws ends
    /// nothing of ours.
    /// </summary>
    public static void CancelHere(this CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (AggregateException)
        {
            // From a callback that the author's code registered.
        }
    }
}

internal static class Durations
{
    /// <summary>A duration as people say it: <c>250 ms</c>, <c>2 s</c>, <c>1.5 min</c>.</summary>
    public static string Text(TimeSpan duration) => duration switch
    {
        { TotalSeconds: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMilliseconds:0.#} ms"),
        { TotalSeconds: < 90 } => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0.#} s"),
        { TotalMinutes: < 90 } => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMinutes:0.#} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalHours:0.#} h"),
    };
}
