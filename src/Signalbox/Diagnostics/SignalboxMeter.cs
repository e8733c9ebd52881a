using System.Diagnostics.Metrics;

namespace Signalbox.Diagnostics;

/// <summary>What only the process that does it can measure; all else is derived from the journal. Without a listener a measurement costs one comparison.</summary>
public static class SignalboxMeter
{
    /// <summary>The name of the meter, and of the source of spans.</summary>
    public const string Name = "Signalbox";

    private static readonly Meter s_meter = new(Name);
    private static readonly Histogram<int> s_batch = s_meter.CreateHistogram<int>(
        "signalbox.commit.batch.size", "{request}", "How many commits and leases shared one transaction of the store.", advice: new() { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048] });

    /// <summary>A store tells that it has committed a transaction for so many requests.</summary>
    public static void Committed(int requests)
    {
        if (s_batch.Enabled)
        {
            s_batch.Record(requests);
        }
    }
}

/// <summary>What log lines carry that are written while a run is driven, the author's own too.</summary>
internal sealed class RunLogScope(RunId run) : IReadOnlyList<KeyValuePair<string, object?>>
{
    /// <summary>The property with the run's id.</summary>
    public const string Property = "signalbox.run";

    public int Count => 1;

    public KeyValuePair<string, object?> this[int index] => index == 0 ? new(Property, run.Value) : throw new ArgumentOutOfRangeException(nameof(index));

    public IEnumerator<KeyValuePair<string, object?>> GetEnumerator()
    {
        yield return this[0];
    }

    System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();

    /// <inheritdoc />
    public override string ToString() => $"{Property}:{run}";
}
