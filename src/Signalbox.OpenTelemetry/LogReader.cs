using Microsoft.Extensions.Logging;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.OpenTelemetry;

/// <summary>Reads the log page by page for somebody who is not in a hurry: what comes in within a second is one page. Goes on for ever, whatever the store says.</summary>
internal sealed class LogReader(IRunReader reader, LogTail tail, TimeProvider clock, ILogger log)
{
    private const int PageSize = 500;
    private static readonly TimeSpan s_gather = TimeSpan.FromSeconds(1);

    /// <summary>Hands on the entries after a position; <paramref name="rest"/> is called when there are no more for now, and may hold all up.</summary>
    public async Task ReadAsync(long position, Func<IReadOnlyList<Entry>, Task> page, Func<Task> rest, CancellationToken cancellationToken)
    {
        while (true)
        {
            var entries = await reader.ReadLogAsync(position, PageSize, cancellationToken);
            if (entries.Count > 0)
            {
                await page(entries);
                position = entries[^1].Position;
                continue;
            }

            await rest();
            if (!await tail.WaitAsync(position, cancellationToken))
            {
                return;
            }

            await Task.Delay(s_gather, clock, cancellationToken);
        }
    }

    /// <summary>Does the work again and again, with pauses, until it is canceled: telemetry never stops a program.</summary>
    public async Task ForEverAsync(string what, Func<Task> work, CancellationToken cancellationToken)
    {
        for (var pause = TimeSpan.FromSeconds(1); !cancellationToken.IsCancellationRequested; pause = pause < TimeSpan.FromMinutes(1) ? pause * 2 : pause)
        {
            try
            {
                await work();
                return;
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // Whatever it is, runs go on, and it is tried again.
            catch (Exception e)
#pragma warning restore CA1031
            {
                log.LogWarning(e, "Telemetry: {What} cannot go on just now; tried again in {Pause}. Runs are not affected.", what, pause);
            }

            try
            {
                await Task.Delay(pause, clock, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }
}
