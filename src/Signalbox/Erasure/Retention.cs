using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>How long runs of a workflow are kept after their end; <paramref name="Workflow"/> null: those of every workflow that has no rule of its own.</summary>
internal sealed record RetentionRule(string? Workflow, TimeSpan Age);

/// <summary>Erases runs that ended long enough ago, by the store's clock: now and then, one run a transaction, a page at a time with a pause, so that nothing else waits for it.</summary>
internal sealed class Retention(Engine engine, IReadOnlyList<RetentionRule> rules) : BackgroundService
{
    private const int Page = 50;
    private static readonly TimeSpan First = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);
    private static readonly TimeSpan BetweenPages = TimeSpan.FromMilliseconds(200);
    private static readonly Caller s_engine = new("engine", [RunErasure.Role]);

    public static IEnumerable<string> Faults(IReadOnlyList<RetentionRule> rules, WorkflowCatalog workflows)
    {
        foreach (var rule in rules)
        {
            if (rule.Age < TimeSpan.FromMinutes(1) || rule.Age > TimeSpan.FromDays(36_500))
            {
                yield return $"Runs are retained for 1 minute to 100 years; got {rule.Age} for {rule.Workflow ?? "all workflows"}.";
            }

            if (rule.Workflow is { } name && workflows.Versions.All(v => v.Name != name))
            {
                yield return $"Runs of workflow '{name}' are to be retained for {rule.Age}, but no such workflow is registered.";
            }
        }

        foreach (var twice in rules.GroupBy(r => r.Workflow).Where(g => g.Count() > 1))
        {
            yield return $"{(twice.Key is { } name ? $"Workflow '{name}'" : "All workflows")} {(twice.Key is null ? "have" : "has")} {twice.Count()} rules of retention; give one.";
        }
    }

    /// <summary>Erases all that is due now. Gives how many runs were erased; those that cannot be yet (a standing claim, an action in doubt) are left for the next time.</summary>
    public async Task<int> SweepAsync(CancellationToken cancellationToken)
    {
        var erased = 0;
        foreach (var rule in rules)
        {
            var query = new RunQuery { Workflow = rule.Workflow, Statuses = [RunStatus.Completed, RunStatus.Failed, RunStatus.Canceled], IsErased = false, ChangedBefore = engine.Clock.GetUtcNow() - rule.Age, Limit = Page };
            while (await engine.Store.ListAsync(query, cancellationToken) is { Count: > 0 } page)
            {
                foreach (var head in page.Where(h => rule.Workflow is not null || rules.All(r => r.Workflow != h.Row.Workflow)))
                {
                    erased += await EraseAsync(head, rule, cancellationToken) ? 1 : 0;
                }

                query = query with { After = page[^1].Row.Run };
                await Task.Delay(BetweenPages, engine.Clock, cancellationToken);
            }
        }

        return erased;
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            for (var pause = First; rules.Count > 0; pause = Every)
            {
                await Task.Delay(pause, engine.Clock, stoppingToken);
                try
                {
                    if (await SweepAsync(stoppingToken) is > 0 and var erased)
                    {
                        engine.Log.LogInformation("Erased {Count} runs that were kept long enough.", erased);
                    }
                }
                catch (StoreUnavailableException e)
                {
                    engine.Log.LogWarning("Runs that were kept long enough could not be erased just now ({Code}: {Reason}).", e.Code, e.Message);
                }
                catch (StoreRefusedException e)
                {
                    // A host ends with a service that throws, and runs have nothing to do with retention.
                    engine.Log.LogError("Runs that were kept long enough are not erased ({Code}: {Reason}).", e.Code, e.Message);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    private async Task<bool> EraseAsync(RunHead head, RetentionRule rule, CancellationToken cancellationToken)
    {
        try
        {
            var result = await RunCommands.ExecuteAsync(engine.Store, new EraseRun(head.Row.Run, $"retention: ended more than {Durations.Text(rule.Age)} ago"), s_engine, cancellationToken);
            if (!result.IsAccepted)
            {
                engine.Log.LogDebug("Run {Run} was kept long enough and cannot be erased yet ({Code}).", head.Row.Run, result.Code);
            }

            return result.IsAccepted;
        }
        catch (Journal.JournalDamagedException e)
        {
            engine.Log.LogError("Run {Run} was kept long enough and is not erased: {Reason}", head.Row.Run, e.Message);
            return false;
        }
    }
}
