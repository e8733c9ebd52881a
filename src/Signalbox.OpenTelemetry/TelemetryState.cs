namespace Signalbox.OpenTelemetry;

/// <summary>What of the store the metrics show that no entry tells: looked up now and then, read at each scrape.</summary>
internal sealed record StoreLook(IReadOnlyDictionary<RunStatus, long> Runs, long ApprovalsOpen, double QueueAgeSeconds, long? IndexLag);

/// <summary>How far telemetry has come.</summary>
internal sealed class TelemetryState
{
    private long _traced = -1;
    private long _read;
    private long _failures;

    public StoreLook? Look { get; set; }

    public long LogPosition => Interlocked.Read(ref _read);

    /// <summary>How many entries have not been sent as traces; null where none are.</summary>
    public long? TraceLag => Interlocked.Read(ref _traced) is >= 0 and var traced ? Math.Max(0, LogPosition - traced) : null;

    public long ExportFailures => Interlocked.Read(ref _failures);

    public void TracedTo(long position)
    {
        Interlocked.Exchange(ref _traced, position);
        ReadTo(position);
    }

    public void ExportFailed() => Interlocked.Increment(ref _failures);

    public void ReadTo(long position)
    {
        for (var read = LogPosition; read < position && Interlocked.CompareExchange(ref _read, position, read) is var was && was != read; read = was)
        {
        }
    }
}
