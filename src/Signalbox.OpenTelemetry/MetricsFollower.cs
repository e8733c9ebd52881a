using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Signalbox.Queries;
using Signalbox.Search;
using Signalbox.Storage;

namespace Signalbox.OpenTelemetry;

/// <summary>Follows the log from the moment of the start and counts what ends in it; and asks the store now and then what is open.</summary>
internal sealed class MetricsFollower(IRunReader reader, LogTail tail, SignalboxTelemetryOptions options, Instruments instruments, TelemetryState state, TimeProvider clock, ILoggerFactory logs, ISearchIndex? index = null) : BackgroundService
{
    private const int RunsMax = 10_000;

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        var source = new LogReader(reader, tail, clock, logs.CreateLogger("Signalbox.OpenTelemetry"));
        var start = await StartAsync(source, stoppingToken);
        await Task.WhenAll(
            source.ForEverAsync("counting", () => FollowAsync(source, start, stoppingToken), stoppingToken),
            source.ForEverAsync("looking at the store", () => LookAsync(stoppingToken), stoppingToken));
    }

    private async Task<StartingPoint> StartAsync(LogReader source, CancellationToken stopping)
    {
        var start = new StartingPoint();
        await source.ForEverAsync("finding the end of the log", async () => start.Position = await reader.FindLogEndAsync(cancellationToken: stopping), stopping);
        state.ReadTo(start.Position);
        return start;
    }

    private sealed class StartingPoint
    {
        public long Position { get; set; }
    }

    private async Task FollowAsync(LogReader source, StartingPoint start, CancellationToken stopping)
    {
        var folds = new RunFolds(reader);
        var ended = new List<EndedSpan>();
        await source.ReadAsync(
            start.Position,
            async page =>
            {
                foreach (var entry in page)
                {
                    await folds.AddAsync(entry, ended, stopping);
                    foreach (var span in ended)
                    {
                        instruments.Count(span);
                    }

                    ended.Clear();
                    start.Position = entry.Position;
                }

                state.ReadTo(start.Position);
            },
            () => Task.CompletedTask,
            stopping);
    }

    private async Task LookAsync(CancellationToken stopping)
    {
        while (true)
        {
            var counts = new Dictionary<RunStatus, long>();
            var oldest = clock.GetUtcNow();
            foreach (var status in (RunStatus[])[RunStatus.Pending, RunStatus.Running, RunStatus.Waiting, RunStatus.Held])
            {
                var runs = await reader.ListAsync(new RunQuery { Statuses = [status], Limit = RunsMax }, stopping);
                counts[status] = runs.Count;
                oldest = status == RunStatus.Pending && runs.Count > 0 && runs.Min(r => r.Row.ChangedAt) is var least && least < oldest ? least : oldest;
            }

            var asking = await reader.ListAsync(new RunQuery { AsksAPerson = true, Limit = RunsMax }, stopping);
            long? lag = index is null ? null : (await index.StatusAsync(stopping)).Lag;
            state.Look = new StoreLook(counts, asking.Count, (clock.GetUtcNow() - oldest).TotalSeconds, lag);
            await Task.Delay(options.LookEvery, clock, stopping);
        }
    }
}
