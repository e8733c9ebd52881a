using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>I1 across runs: positions are unique and rise, and the store's clock never goes back.</summary>
internal sealed class Log(Findings findings)
{
    private long _position;
    private long _at = long.MinValue;

    public void Take(Entry entry)
    {
        if (entry.Position <= _position)
        {
            findings.Add("I1", entry, $"a position after {_position}", $"{entry.Position}");
        }

        if (entry.At < _at)
        {
            findings.Add("I1", entry, $"a time not before {_at}", $"{entry.At}");
        }

        _position = Math.Max(_position, entry.Position);
        _at = Math.Max(_at, entry.At);
    }
}
