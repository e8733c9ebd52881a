using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>I16 for the limits that all runs share: what the intents of any window use up of a limit is not above it.</summary>
internal sealed class Counters(Findings findings)
{
    private readonly Dictionary<string, Uses> _limits = new(StringComparer.Ordinal);

    public void Take(Entry entry, Body intended)
    {
        foreach (var limit in intended.Objects("limits"))
        {
            var name = limit.Text("name");
            if (!_limits.TryGetValue(name, out var uses))
            {
                _limits.Add(name, uses = new());
            }

            uses.Add(entry.At, limit.OptionalNumber("amount") ?? 0);
            var (max, window) = (limit.OptionalNumber("max") ?? 0, limit.OptionalNumber("window") ?? 0);
            if (uses.After(entry.At - window) is var used && used > max)
            {
                findings.Add("I16", entry, $"at most {max} of '{name}' in {window} µs", $"{used} with this intent");
            }
        }
    }

    /// <summary>The uses by time, each with the sum of all so far.</summary>
    private sealed class Uses
    {
        private readonly List<(long At, long Sum)> _all = [];

        public void Add(long at, long amount) => _all.Add((_all.Count == 0 ? at : Math.Max(at, _all[^1].At), (_all.Count == 0 ? 0 : _all[^1].Sum) + amount));

        public long After(long at)
        {
            var (from, to) = (0, _all.Count);
            while (from < to)
            {
                var middle = (from + to) / 2;
                (from, to) = _all[middle].At > at ? (from, middle) : (middle + 1, to);
            }

            return _all[^1].Sum - (from == 0 ? 0 : _all[from - 1].Sum);
        }
    }
}
