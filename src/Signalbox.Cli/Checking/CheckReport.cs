namespace Signalbox.CommandLine.Checking;

/// <summary>What was looked at, and what was found. Faults are handed on at once: a damaged store may have millions.</summary>
internal sealed class CheckReport(Action<Fault> onFault, Action<CheckReport>? onProgress = null)
{
    private const int EntriesBetweenProgress = 1_000;
    private readonly Dictionary<string, long> _faults = [];

    public long Runs { get; set; }

    /// <summary>How many of them were erased.</summary>
    public long ErasedRuns { get; set; }

    public long Entries { get; private set; }

    public long Payloads { get; set; }

    public long Transitions { get; set; }

    public int Definitions { get; set; }

    /// <summary>How many claims were compared; null where only some runs were checked, or where others wrote all the time.</summary>
    public long? Claims { get; set; }

    /// <summary>The last position of the log; null where only some runs were checked.</summary>
    public long? LastPosition { get; set; }

    public long Faults => _faults.Values.Sum();

    public long FaultsOf(params ReadOnlySpan<string> codes)
    {
        long sum = 0;
        foreach (var code in codes)
        {
            sum += _faults.GetValueOrDefault(code);
        }

        return sum;
    }

    public void Add(string code, RunId? run, long? seq, string expected, string got)
    {
        _faults[code] = _faults.GetValueOrDefault(code) + 1;
        onFault(new Fault(code, run, seq, expected, got));
    }

    public void CountEntry()
    {
        if (++Entries % EntriesBetweenProgress == 0)
        {
            onProgress?.Invoke(this);
        }
    }
}
