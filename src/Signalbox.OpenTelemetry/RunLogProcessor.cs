using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Logs;
using Signalbox.Diagnostics;
using Signalbox.Queries;

namespace Signalbox.OpenTelemetry;

/// <summary>Gives a log line that is about a run the run's trace: a line that was written while the run was driven, or that names it.</summary>
internal sealed class RunLogProcessor : BaseProcessor<LogRecord>
{
    /// <inheritdoc />
    public override void OnEnd(LogRecord data)
    {
        string? run = null;
        if (data.CategoryName?.StartsWith(SignalboxMeter.Name, StringComparison.Ordinal) == true)
        {
            foreach (var (name, value) in data.Attributes ?? [])
            {
                run = name == "Run" ? value?.ToString() : run;
            }
        }

        if (run is null)
        {
            data.ForEachScope<object?>(
                (scope, _) =>
                {
                    foreach (var (name, value) in scope)
                    {
                        run = name == RunLogScope.Property ? value as string : run;
                    }
                },
                null);
        }

        if (run is { Length: > 0 and <= 64 } && !string.IsNullOrWhiteSpace(run))
        {
            data.TraceId = ActivityTraceId.CreateFromString(SpanIds.Trace(new RunId(run)));
            data.SpanId = ActivitySpanId.CreateFromString(SpanIds.Root(new RunId(run)));
            data.Attributes = [.. data.Attributes ?? [], new(SpanAttributes.Run, run)];
        }
    }
}
