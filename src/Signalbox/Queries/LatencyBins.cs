using System.Numerics;

namespace Signalbox.Queries;

/// <summary>The bins of a latency histogram: four to each doubling, so that a bin's upper bound is at most a quarter above what lies in it. Counts of the same bin add up, whatever they were counted over.</summary>
internal static class LatencyBins
{
    private const int BinsOfADoubling = 4;
    private const int Exact = 2 * BinsOfADoubling; // so far each value has a bin of its own

    /// <summary>The bin of a time in microseconds.</summary>
    public static int Of(long microseconds)
    {
        if (microseconds < Exact)
        {
            return (int)Math.Max(0, microseconds);
        }

        var doubling = BitOperations.Log2((ulong)microseconds);
        return ((doubling - 1) * BinsOfADoubling) + (int)((microseconds >> (doubling - 2)) & (BinsOfADoubling - 1));
    }

    /// <summary>The longest time, in microseconds, that lies in the bin.</summary>
    public static long UpperBound(int bin)
    {
        if (bin < Exact)
        {
            return bin;
        }

        var (doubling, quarter) = ((bin / BinsOfADoubling) + 1, bin % BinsOfADoubling);
        return doubling >= 62 ? long.MaxValue : ((long)(BinsOfADoubling + quarter + 1) << (doubling - 2)) - 1;
    }

    /// <summary>What at least this share of the counted times lies at or below: the upper bound of a bin, never above <paramref name="max"/>.</summary>
    public static long Percentile(IReadOnlyCollection<KeyValuePair<int, long>> inOrder, double share, long max)
    {
        var wanted = (long)Math.Ceiling(inOrder.Sum(b => b.Value) * share);
        foreach (var (bin, count) in inOrder)
        {
            wanted -= count;
            if (wanted <= 0)
            {
                return Math.Min(UpperBound(bin), max);
            }
        }

        return max;
    }
}
