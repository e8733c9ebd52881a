using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker;

/// <summary>The violations found so far, in the order of their finding.</summary>
internal sealed class Findings
{
    private readonly List<Violation> _all = [];

    public IReadOnlyList<Violation> All => _all;

    /// <summary>The same fault of the same entry is told once, whoever comes upon it.</summary>
    public void AddOnce(string invariant, Entry entry, string expected, string got)
    {
        var violation = new Violation(invariant, entry.Run, entry.Seq, expected, got);
        if (_all.Count == 0 || _all[^1] != violation)
        {
            _all.Add(violation);
        }
    }

    public void Add(string invariant, Entry entry, string expected, string got) => _all.Add(new(invariant, entry.Run, entry.Seq, expected, got));

    public void Add(string invariant, string run, long? seq, string expected, string got) => _all.Add(new(invariant, run, seq, expected, got));
}
