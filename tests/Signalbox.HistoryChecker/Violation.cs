namespace Signalbox.HistoryChecker;

/// <summary>
/// One broken promise: the invariant (<c>I1</c> to <c>I23</c>), the run (<c>-</c> where no run is known), the entry where it shows (null where
/// it shows in no single entry), what had to be and what is.
/// </summary>
public sealed record Violation(string Invariant, string Run, long? Seq, string Expected, string Got)
{
    public override string ToString() =>
        Seq is null ? $"{Invariant} {Run}: expected {Expected}; got {Got}" : $"{Invariant} {Run} seq {Seq}: expected {Expected}; got {Got}";
}

/// <summary>What a check read and found.</summary>
public sealed record HistoryReport(long Entries, int Runs, IReadOnlyList<Violation> Violations)
{
    /// <summary>What the agents of each run have used up, as its entries say: what its row must say too. Runs whose agents have used nothing are not in it.</summary>
    public IReadOnlyDictionary<string, Usage> Used { get; init; } = new Dictionary<string, Usage>();

    /// <summary>The last line of the program's output.</summary>
    public string Summary => $"{Entries} entries, {Runs} runs, {Violations.Count} violations";
}
