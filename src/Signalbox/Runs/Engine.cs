using System.Globalization;
using Microsoft.Extensions.Logging;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>Bounds that no run passes. Reaching one fails the run in its state, or the step; it is never a success.</summary>
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
}

/// <summary>The seams and settings that every run of a worker shares.</summary>
internal sealed record Engine(
    IRunStore Store, WorkflowCatalog Workflows, ActionCatalog Actions, IServiceProvider Services, TimeProvider Clock, Entropy Entropy, TaskScheduler Scheduler, RunLimits Limits, ILogger Log)
{
    /// <summary>Awaits the work for so long. What ignores its cancellation is left behind.</summary>
    /// <exception cref="TimeoutException">The time is up.</exception>
    public async Task<T> WithinAsync<T>(Func<CancellationToken, Task<T>> work, TimeSpan limit, CancellationTokenSource cancellation)
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
