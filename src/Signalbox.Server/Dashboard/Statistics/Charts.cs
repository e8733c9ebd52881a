using System.Globalization;
using Signalbox.Server.Dashboard.Frame;

namespace Signalbox.Server.Dashboard.Statistics;

/// <summary>One place on a chart's axis of time: a short label for the axis, the time in full for the table, and a value for each series. (Public because Razor makes components public.)</summary>
public sealed record ChartColumn(string Label, string Words, IReadOnlyList<long> Values);

/// <summary>An axis from 0 on, with ticks at numbers that people would choose.</summary>
internal sealed record ChartAxis(long Step, long Top)
{
    private const int TicksMax = 5;

    public IEnumerable<long> Ticks => Enumerable.Range(0, (int)(Top / Step) + 1).Select(i => i * Step);

    public static ChartAxis Of(long max)
    {
        for (long power = 1; ; power *= 10)
        {
            foreach (var step in (ReadOnlySpan<long>)[power, 2 * power, 5 * power])
            {
                if (max <= step * TicksMax || power >= long.MaxValue / 100)
                {
                    return new(step, Math.Max(1, (max + step - 1) / step) * step);
                }
            }
        }
    }
}

/// <summary>What all charts share.</summary>
internal static class Charts
{
    public const double Width = 640;
    public const double Height = 200;
    public const double Left = 62;
    public const double Right = 628;
    public const double Top = 10;
    public const double Bottom = 172;

    /// <summary>Series that are told apart by colour; the rest share one.</summary>
    public const int SeriesMax = 6;

    public static string N(double number) => number.ToString("0.##", CultureInfo.InvariantCulture);

    public static double Y(long value, ChartAxis axis) => Bottom - ((Bottom - Top) * value / axis.Top);

    /// <summary>The class of a series' colour. People have a colour of their own, whichever they are.</summary>
    public static string ColourOf(int series, string name) => name == Ladder.Person ? "s-person" : string.Create(CultureInfo.InvariantCulture, $"s{Math.Min(series, SeriesMax)}");

    /// <summary>At most so many of the labels, evenly spread, so that they do not run into each other.</summary>
    public static bool IsLabelled(int index, int count, int most = 8) => index % Math.Max(1, (count + most - 1) / most) == 0;

    /// <summary>How a stretch of time is written under an axis as long as from <paramref name="since"/> to <paramref name="until"/>.</summary>
    public static string Label(DateTimeOffset from, DateTimeOffset since, DateTimeOffset until) =>
        from.UtcDateTime.ToString((until - since).TotalHours <= 48 ? "HH:mm" : "MM-dd", CultureInfo.InvariantCulture);

    public static string Words(DateTimeOffset from) => from.UtcDateTime.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture);

    public static string Percent(double? share) => share is { } s ? string.Create(CultureInfo.InvariantCulture, $"{s * 100:0.#} %") : "";

    public static string Name(string name) => name.Length == 0 ? "(no name)" : Shown.Line(name, 60);
}
