using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Signalbox.Diagnostics;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.OpenTelemetry;

/// <summary>
/// Follows the log and tells its spans, beside the runs and never in their way. Where it sends them itself, it passes on only when they were taken: a collector that is gone or does not answer holds up this follower,
/// which holds one batch, and nothing else.
/// </summary>
internal sealed class TraceFollower(IRunReader reader, LogTail tail, SignalboxTelemetryOptions options, TelemetryState state, TimeProvider clock, Redactor redactor, ILoggerFactory logs) : BackgroundService
{
    private const int BatchMax = 512;

    /// <summary>So many spans with content have 3 MiB at most: collectors take no more than 4 at once.</summary>
    private const int BatchWithContentMax = 64;

    private static readonly TimeSpan s_pauseMax = TimeSpan.FromSeconds(30);

    private readonly ILogger _log = logs.CreateLogger("Signalbox.OpenTelemetry");
    private readonly SpanActivities _activities = new(redactor);
    private readonly LogCursor? _cursor = options.CursorPath is { } path ? new LogCursor(path) : null;
    private readonly int _batchMax = options.Content ? BatchWithContentMax : BatchMax;
    private AcknowledgedExport? _export;
    private int _batch = options.Content ? BatchWithContentMax : BatchMax;

    /// <inheritdoc />
    public override Task StartAsync(CancellationToken cancellationToken)
    {
        SpanActivities.Check();
        return base.StartAsync(cancellationToken);
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await Task.Yield();
        using var provider = Provider();
        var source = new LogReader(reader, tail, clock, _log);
        await source.ForEverAsync("sending traces", () => FollowAsync(source, stoppingToken), stoppingToken);
    }

    /// <summary>Our own provider, beside the program's: its exporter must answer to the cursor alone.</summary>
    private TracerProvider? Provider()
    {
        if (!options.Sends("TRACES"))
        {
            return null;
        }

        var otlp = new OtlpExporterOptions();
        OtlpSetup.Configure(otlp, options, "traces");
#pragma warning disable CA2000 // disposed with the provider
        _export = new AcknowledgedExport(new OtlpTraceExporter(otlp));
#pragma warning restore CA2000
        return Sdk.CreateTracerProviderBuilder()
            .ConfigureResource(resource => OtlpSetup.Describe(resource, options))
            .SetSampler(new AlwaysOnSampler())
            .AddSource(SignalboxMeter.Name)
            .AddProcessor(_export)
            .Build();
    }

    private async Task FollowAsync(LogReader source, CancellationToken stopping)
    {
        while (!SpanActivities.HasListeners)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), clock, stopping);
        }

        var folds = new RunFolds(reader);
        var contents = options.Content ? new SpanContents(new RunQueries(reader, clock, redactor: redactor), _log) : null;
        var ended = new List<EndedSpan>();
        Entry? last = null;
        var position = _cursor is null ? await reader.FindLogEndAsync(cancellationToken: stopping) : await _cursor.LoadAsync(reader, stopping);
        state.TracedTo(position);
        await SendAsync(stopping); // what an earlier attempt left
        await source.ReadAsync(position, PageAsync, RestAsync, stopping);

        async Task PageAsync(IReadOnlyList<Entry> page)
        {
            foreach (var entry in page)
            {
                await folds.AddAsync(entry, ended, stopping);
                foreach (var span in ended)
                {
                    _activities.Tell(span, contents is null ? null : await contents.OfAsync(span, stopping));
                }

                ended.Clear();
                last = entry;
                if (_export?.Count >= _batchMax)
                {
                    await RestAsync();
                }
            }
        }

        async Task RestAsync()
        {
            await SendAsync(stopping);
            if (last is not null)
            {
                await (_cursor?.SaveAsync(last, stopping) ?? Task.CompletedTask);
                state.TracedTo(last.Position);
                last = null;
            }
        }
    }

    /// <summary>Sends all that has ended; returns when it was taken, however long that is.</summary>
    private async Task SendAsync(CancellationToken stopping)
    {
        var pause = TimeSpan.FromSeconds(1);
        var failures = 0;
        while (_export is { Count: > 0 } export)
        {
            // On a thread of its own: the exporter blocks for as long as the collector does.
            if (await Task.Factory.StartNew(() => export.Send(_batch), stopping, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(stopping))
            {
                if (failures > 0)
                {
                    _log.LogInformation("Telemetry: traces are taken again, after {Failures} failures.", failures);
                }

                (failures, pause, _batch) = (0, TimeSpan.FromSeconds(1), Math.Min(_batchMax, _batch * 2));
                continue;
            }

            if (failures++ == 0)
            {
                _log.LogWarning("Telemetry: the collector has not taken {Count} spans; they are sent again until it does. Runs are not affected.", export.Count);
            }

            state.ExportFailed();
            _batch = Math.Max(1, _batch / 2); // it may have been too much at once
            await Task.Delay(pause, clock, stopping);
            pause = pause * 2 < s_pauseMax ? pause * 2 : s_pauseMax;
        }
    }
}

/// <summary>How OTLP is set up for one signal.</summary>
internal static class OtlpSetup
{
    public static void Configure(OtlpExporterOptions otlp, SignalboxTelemetryOptions options, string signal)
    {
        if (options.OtlpEndpoint is { } endpoint)
        {
            otlp.Protocol = OtlpExportProtocol.HttpProtobuf;
            otlp.Endpoint = new Uri($"{endpoint.AbsoluteUri.TrimEnd('/')}/v1/{signal}");
        }

        options.ConfigureOtlp?.Invoke(otlp);
    }

    public static void Describe(ResourceBuilder resource, SignalboxTelemetryOptions options) =>
        resource.AddService(options.ServiceName, serviceVersion: typeof(OtlpSetup).Assembly.GetName().Version?.ToString(3)).AddEnvironmentVariableDetector();
}
