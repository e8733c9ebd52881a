using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Signalbox.Journal;
using Signalbox.Search;
using Signalbox.Storage;

namespace Signalbox.OpenTelemetry;

/// <summary>Whether the store answers, and whether runs that can go on are taken.</summary>
internal sealed class StoreHealth(IRunReader reader, SignalboxTelemetryOptions options, TimeProvider clock) : IHealthCheck
{
    private const int PendingMax = 10_000;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken)
    {
        try
        {
            var pending = await reader.ListAsync(new RunQuery { Statuses = [RunStatus.Pending], Limit = PendingMax }, cancellationToken);
            var since = pending.Count == 0 ? TimeSpan.Zero : clock.GetUtcNow() - pending.Min(r => r.Row.ChangedAt);
            return since > options.StuckAfter
                ? HealthCheckResult.Unhealthy($"A run that can go on has waited for {since:g}; nobody takes it.")
                : HealthCheckResult.Healthy();
        }
        catch (Exception e) when (e is StoreUnavailableException or StoreRefusedException)
        {
            return HealthCheckResult.Unhealthy($"The store does not answer: {e.Message}");
        }
    }
}

/// <summary>Whether this process's worker gives signs of life. Healthy where it has none: a process that only looks has no worker.</summary>
internal sealed class WorkerHealth(IServiceProvider services, TimeProvider clock) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken)
    {
        if (services.GetService<Worker>() is not { } worker)
        {
            return Task.FromResult(HealthCheckResult.Healthy("This process has no worker."));
        }

        var silent = clock.GetUtcNow() - Microseconds.ToTime(worker.LastBeat);
        return Task.FromResult(
            worker.ExecuteTask is null || worker.LastBeat == 0 ? HealthCheckResult.Unhealthy("The worker has not begun.")
            : worker.ExecuteTask.IsCompleted ? HealthCheckResult.Unhealthy("The worker has ended.")
            : silent > worker.Lease ? HealthCheckResult.Unhealthy($"The worker has given no sign of life for {silent:g}.")
            : HealthCheckResult.Healthy());
    }
}

/// <summary>Whether the search index keeps up. Behind, it degrades and fails nothing.</summary>
internal sealed class IndexHealth(SignalboxTelemetryOptions options, ISearchIndex? index = null) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken)
    {
        if (index is null)
        {
            return HealthCheckResult.Healthy("There is no search index.");
        }

        try
        {
            var status = await index.StatusAsync(cancellationToken);
            return status.Trouble is { } trouble ? HealthCheckResult.Degraded(trouble)
                : status.Behind > options.IndexBehindMax ? HealthCheckResult.Degraded($"The search index lacks {status.Lag} entries, the oldest {status.Behind:g} old.")
                : HealthCheckResult.Healthy();
        }
#pragma warning disable CA1031 // whatever is wrong with the index, runs go on
        catch (Exception e) when (e is not OperationCanceledException)
#pragma warning restore CA1031
        {
            return HealthCheckResult.Degraded($"The search index does not answer: {e.Message}");
        }
    }
}
