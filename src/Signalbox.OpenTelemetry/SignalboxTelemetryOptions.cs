using OpenTelemetry.Exporter;

namespace Signalbox.OpenTelemetry;

/// <summary>What is told to OpenTelemetry, and where it goes.</summary>
public sealed class SignalboxTelemetryOptions
{
    /// <summary>
    /// Where traces, metrics and logs are sent by OTLP, such as <c>http://collector:4318</c> (HTTP, protobuf). Null: where OpenTelemetry's environment variables say (<c>OTEL_EXPORTER_OTLP_ENDPOINT</c> and the like); nothing is sent
    /// while there is none.
    /// </summary>
    public Uri? OtlpEndpoint { get; set; }

    /// <summary>Sets more of how each signal is sent: headers, a time limit, a client of one's own.</summary>
    public Action<OtlpExporterOptions>? ConfigureOtlp { get; set; }

    /// <summary>
    /// The file that remembers up to where the log has been sent as traces, such as <c>signalbox.db.traces.json</c> beside the store. It moves on only when a collector has taken the spans, so that none is lost by a crash; the first time, the
    /// log is sent from its beginning. Null: only what ends after the start of this process is sent, and what a crash finds unsent is lost.
    /// </summary>
    public string? CursorPath { get; set; }

    /// <summary>Whether traces are made. Turn it off where another process sends those of the same store.</summary>
    public bool Traces { get; set; } = true;

    /// <summary>
    /// Whether the spans of model calls and tool calls have in them what was said: instructions, messages, arguments and results, by the names of OpenTelemetry's conventions. Each is masked by the program's <see cref="Redactor"/> and cut at
    /// 16 KiB. Off: whoever sees traces would read all that models are given.
    /// </summary>
    public bool Content { get; set; }

    /// <summary>Whether metrics are made.</summary>
    public bool Metrics { get; set; } = true;

    /// <summary>Whether log lines are sent by OTLP, each with the trace of its run.</summary>
    public bool Logs { get; set; } = true;

    /// <summary>The name of the service, unless <c>OTEL_SERVICE_NAME</c> says another.</summary>
    public string ServiceName { get; set; } = "signalbox";

    /// <summary>The authorization policy for <c>/metrics</c>; null: the program's fallback policy, if it has one. Names of workflows and agents stand there, and what they cost.</summary>
    public string? MetricsPolicy { get; set; }

    /// <summary>Whether <c>/metrics</c> is open to everybody. Without it, and without <see cref="MetricsPolicy"/>, it is open to callers on this machine alone.</summary>
    public bool MetricsOpen { get; set; }

    /// <summary>The authorization policy for <c>/health</c>; null: open to everybody.</summary>
    public string? HealthPolicy { get; set; }

    /// <summary>Whether <c>/health</c> says which check found what, in place of one word.</summary>
    public bool HealthDetails { get; set; }

    /// <summary>How long a run may be able to go on before nobody's taking it counts as trouble.</summary>
    public TimeSpan StuckAfter { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How far behind the search index may be before it counts as degraded.</summary>
    public TimeSpan IndexBehindMax { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How often the store is asked how many runs are open, for the metrics of that.</summary>
    public TimeSpan LookEvery { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether a signal (<c>TRACES</c>, <c>METRICS</c>, <c>LOGS</c>) has somewhere to go by OTLP.</summary>
    internal bool Sends(string signal) => OtlpEndpoint is not null || Has("OTEL_EXPORTER_OTLP_ENDPOINT") || Has($"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT");

    private static bool Has(string variable) => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(variable));
}
