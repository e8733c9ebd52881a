using Signalbox.Queries;

namespace Signalbox.Server.Dashboard.Runs;

/// <summary>
/// The common axis of a run's timeline. Time at work is drawn to scale; a stretch in which nothing was at work (a wait for a person, for a timer, for a worker) is squeezed, or three seconds of work beside a night's wait
/// could not be seen. Maps times to per mille of the width.
/// </summary>
internal sealed class TimeAxis
{
    private const double Width = 1000;

    /// <summary>The share of the width that all squeezed stretches may take, and one of them at most.</summary>
    private const double SqueezedShare = 0.4;
    private const double OneShare = 0.1;

    private readonly long[] _times;
    private readonly double[] _places;

    private TimeAxis(long[] times, double[] places, IReadOnlyList<Stretch> squeezed)
    {
        _times = times;
        _places = places;
        Squeezed = squeezed;
    }

    /// <summary>The stretches that are not to scale.</summary>
    public IReadOnlyList<Stretch> Squeezed { get; }

    public long From => _times[0];

    public long Until => _times[^1];

    /// <summary>The axis of those spans; what still lasts, lasts until <paramref name="now"/>.</summary>
    public static TimeAxis Of(IReadOnlyList<RunSpan> spans, long now)
    {
        if (spans.Count == 0)
        {
            return new([now, now + 1], [0, Width], []);
        }

        var from = spans.Min(s => s.StartedAt);
        var until = Math.Max(from + 1, spans.Max(s => s.EndedAt ?? Math.Max(s.StartedAt, now)));
        var holders = spans.Select(s => s.Parent).OfType<string>().ToHashSet(StringComparer.Ordinal);
        var work = Merge(spans.Where(s => IsWork(s.Type) && !holders.Contains(s.Id)).Select(s => (s.StartedAt, Math.Max(s.StartedAt, s.EndedAt ?? now))));
        var idle = new List<(long From, long Until)>();
        var at = from;
        foreach (var (begin, end) in work)
        {
            if (begin > at)
            {
                idle.Add((at, begin));
            }

            at = Math.Max(at, end);
        }

        if (until > at)
        {
            idle.Add((at, until));
        }

        // What is no more than a tenth of the whole is drawn to scale as it is: gaps between steps tell something, too.
        var busy = (double)(until - from - idle.Sum(i => i.Until - i.From));
        var squeezed = idle.Where(i => i.Until - i.From > Math.Max(busy * 0.25, (until - from) * 0.02)).OrderByDescending(i => i.Until - i.From).Take(12).OrderBy(i => i.From).ToArray();
        var scaled = (until - from) - squeezed.Sum(i => (double)(i.Until - i.From));
        if (squeezed.Length == 0 || scaled <= 0)
        {
            return new([from, until], [0, Width], []);
        }

        var one = Math.Min(OneShare, SqueezedShare / squeezed.Length) * Width;
        var perMicrosecond = (Width - (one * squeezed.Length)) / scaled;
        var times = new List<long> { from };
        var places = new List<double> { 0 };
        var stretches = new List<Stretch>();
        foreach (var (begin, end) in squeezed)
        {
            var start = places[^1] + ((begin - times[^1]) * perMicrosecond);
            times.AddRange([begin, end]);
            places.AddRange([start, start + one]);
            stretches.Add(new(start, start + one, end - begin));
        }

        times.Add(until);
        places.Add(Width);
        return new([.. times], [.. places], stretches);
    }

    /// <summary>The place of a time, from 0 to 1000.</summary>
    public double At(long time)
    {
        var i = Array.BinarySearch(_times, time);
        i = i >= 0 ? i : ~i;
        if (i == 0)
        {
            return _places[0];
        }

        if (i >= _times.Length)
        {
            return _places[^1];
        }

        var length = _times[i] - _times[i - 1];
        return length == 0 ? _places[i] : _places[i - 1] + ((_places[i] - _places[i - 1]) * (time - _times[i - 1]) / length);
    }

    private static bool IsWork(RunSpanType type) => type is RunSpanType.ModelCall or RunSpanType.ToolCall or RunSpanType.Evidence or RunSpanType.Read or RunSpanType.Action or RunSpanType.Tier or RunSpanType.Agent;

    private static List<(long From, long Until)> Merge(IEnumerable<(long From, long Until)> stretches)
    {
        var merged = new List<(long From, long Until)>();
        foreach (var (from, until) in stretches.OrderBy(s => s.From))
        {
            if (merged.Count > 0 && from <= merged[^1].Until)
            {
                merged[^1] = (merged[^1].From, Math.Max(merged[^1].Until, until));
            }
            else
            {
                merged.Add((from, until));
            }
        }

        return merged;
    }
}

/// <summary>A stretch of the axis, in per mille of its width, that stands for so many microseconds.</summary>
internal sealed record Stretch(double From, double Until, long Microseconds);
