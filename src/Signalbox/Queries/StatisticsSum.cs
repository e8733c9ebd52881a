using Signalbox.Journal;

namespace Signalbox.Queries;

/// <summary>
/// Adds up what was counted. Time is cut into whole slots: minutes for up to 6 hours, hours for up to 60 days, days beyond; a query's time is widened to whole ones, and <see cref="Statistics.Since"/> and
/// <see cref="Statistics.Until"/> say what it came to.
/// </summary>
internal static class StatisticsSum
{
    private const long Minute = 60_000_000;
    private const long Day = 24 * 60 * Minute;

    /// <summary>How long a stretch may be, so that people can read it off an axis; beyond these, doublings.</summary>
    private static readonly long[] Widths =
    [
        Minute, 2 * Minute, 5 * Minute, 10 * Minute, 15 * Minute, 30 * Minute, 60 * Minute, 120 * Minute, 180 * Minute, 360 * Minute, 720 * Minute, Day, 2 * Day, 7 * Day, 14 * Day, 28 * Day,
    ];

    public static Statistics Of(IStatisticsRows rows, StatisticsQuery query, long upTo)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Buckets, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Buckets, 500);
        var span = rows.Span;
        var until = query.Until is { } asked ? Microseconds.From(asked) : span?.Last ?? 0;
        var since = Math.Min(query.Since is { } begin ? Microseconds.From(begin) : span?.First ?? until, until);
        var size = (until - since) switch { <= 360 * Minute => SlotSize.Minute, <= 60 * Day => SlotSize.Hour, _ => SlotSize.Day };
        (since, until) = (Slots.Floor(since, Slots.Width(size)), Slots.Ceiling(until, Slots.Width(size)));
        var total = new Sums();
        var width = WidthOf(since, until, query.Buckets, Slots.Width(size));
        var stretches = Stretches(since, until, width).Select(from => (From: from, Sums: new Sums())).ToList();
        foreach (var (part, from, to) in Parts(size, LargestIn(width), since, until))
        {
            foreach (var (key, tally) in rows.Counts(part, from, to, query.Workflow))
            {
                total.Add(key, tally);
                stretches.FindLast(s => s.From <= key.Slot).Sums.Add(key, tally);
            }
        }

        foreach (var (part, from, to) in Parts(size, SlotSize.Day, since, until))
        {
            foreach (var (key, tally) in rows.Latencies(part, from, to, query.Workflow))
            {
                total.Add(key, tally);
            }
        }

        return total.Statistics(since, until, upTo, stretches.Select(s => s.Sums.Bucket(s.From))) with
        {
            Actions = InOrder(rows.Actions(since, until, query.Workflow)),
            Reliability = ReliabilityOf([.. rows.Decisions(since, until, query.Workflow)]),
        };
    }

    /// <summary>The same time in as few slots as can be: larger ones in its middle, up to <paramref name="largest"/>.</summary>
    private static IEnumerable<(SlotSize Size, long From, long To)> Parts(SlotSize size, SlotSize largest, long since, long until)
    {
        if (size == largest)
        {
            return [(size, since, until)];
        }

        var larger = size + 1;
        var (from, to) = (Slots.Ceiling(since, Slots.Width(larger)), Slots.Floor(until, Slots.Width(larger)));
        return from < to ? [(size, since, from), .. Parts(larger, largest, from, to), (size, to, until)] : [(size, since, until)];
    }

    /// <summary>The largest slots of which none lies in two stretches of that length.</summary>
    private static SlotSize LargestIn(long? width) => width is { } length ? Enum.GetValues<SlotSize>().Last(s => length % Slots.Width(s) == 0) : SlotSize.Day;

    /// <summary>How long the stretches are, a multiple of <paramref name="slot"/>; null where there is to be one.</summary>
    private static long? WidthOf(long since, long until, int most, long slot)
    {
        if (most == 1)
        {
            return null;
        }

        var width = Widths.FirstOrDefault(w => w >= slot && Between(since, until, w) <= most);
        for (width = width > 0 ? width : 2 * Widths[^1]; Between(since, until, width) > most; width *= 2)
        {
        }

        return width;
    }

    /// <summary>Where stretches begin: at whole multiples of their length, the first one where the time begins.</summary>
    private static IEnumerable<long> Stretches(long since, long until, long? width) => (until - since, width) switch
    {
        ( <= 0, _) => [],
        (_, null) => [since],
        (_, { } length) => Enumerable.Range(0, (int)Between(since, until, length)).Select(i => Math.Max(since, Slots.Floor(since, length) + (i * length))),
    };

    private static long Between(long since, long until, long width) => (Slots.Ceiling(until, width) - Slots.Floor(since, width)) / width;

    private static IReadOnlyList<TierReliability> ReliabilityOf(IReadOnlyList<DecisionFigure> judged) => judged.Count == 0 ? [] :
    [
        new TierReliability("all", Of(judged)),
        .. judged.GroupBy(d => d.Tier, StringComparer.Ordinal).OrderByDescending(g => g.Count()).ThenBy(g => g.Key, StringComparer.Ordinal).Select(g => new TierReliability(g.Key, Of(g))),
    ];

    private static Reliability Of(IEnumerable<DecisionFigure> judged) => Reliability.Of(
        judged.Select(d => new TierAnswer(d.Tier, "", "", d.Confidence, Stands: true) { Verdict = d.IsRight!.Value ? EvaluationVerdict.Right : EvaluationVerdict.Wrong }));

    private static IReadOnlyList<NamedCount> InOrder(IEnumerable<NamedCount> counts) => [.. counts.Where(c => c.Count != 0).OrderByDescending(c => c.Count).ThenBy(c => c.Name, StringComparer.Ordinal)];

    /// <summary>The sums of some stretch of time.</summary>
    private sealed class Sums
    {
        private readonly Dictionary<(string Figure, string Name), long> _counts = [];
        private readonly Dictionary<string, (SortedDictionary<int, long> Bins, long Max)> _latencies = new(StringComparer.Ordinal);

        public void Add(CountKey key, Tally tally)
        {
            if (key.Figure != Figures.Latency)
            {
                _counts[(key.Figure, key.Name)] = _counts.GetValueOrDefault((key.Figure, key.Name)) + tally.Sum;
                return;
            }

            var (bins, max) = _latencies.GetValueOrDefault(key.Name, ([], 0));
            bins[key.Bin] = bins.GetValueOrDefault(key.Bin) + tally.Sum;
            _latencies[key.Name] = (bins, Math.Max(max, tally.Max));
        }

        public Statistics Statistics(long since, long until, long upTo, IEnumerable<StatisticsBucket> buckets)
        {
            var ended = Named(Figures.Ended).Where(c => c.Count != 0).ToDictionary(c => Enum.Parse<RunStatus>(c.Name), c => c.Count);
            return new()
            {
                Since = Microseconds.ToTime(since),
                Until = Microseconds.ToTime(until),
                UpTo = upTo,
                Started = Sum(Figures.Started),
                Ended = ended,
                Tiers = Tiers(),
                Autonomy = ended.Values.Sum() is > 0 and var all ? (double)Sum(Figures.Alone) / all : null,
                Escalations = InOrder(Named(Figures.Escalation)),
                Rejections = InOrder(Named(Figures.Rejection)),
                Failures = InOrder(Named(Figures.Failure)),
                Costs = Costs(),
                Latencies =
                [
                    .. _latencies.OrderBy(l => l.Key.Contains(':', StringComparison.Ordinal)).ThenBy(l => l.Key, StringComparer.Ordinal)
                        .Select(l => new Latency(l.Key, l.Value.Bins.Values.Sum(), LatencyBins.Percentile(l.Value.Bins, 0.5, l.Value.Max), LatencyBins.Percentile(l.Value.Bins, 0.95, l.Value.Max), l.Value.Max)),
                ],
                Buckets = [.. buckets],
            };
        }

        public StatisticsBucket Bucket(long from) => new(
            Microseconds.ToTime(from), Sum(Figures.Started), Sum(Figures.Ended), Named(Figures.Stood).ToDictionary(c => c.Name, c => c.Count, StringComparer.Ordinal),
            Named(Figures.Escalation).ToDictionary(c => c.Name, c => c.Count, StringComparer.Ordinal), Sum(Figures.Micros));

        /// <summary>Models' tiers by how much they answered, people last.</summary>
        private IReadOnlyList<TierCount> Tiers() =>
        [
            .. _counts.Keys.Where(k => k.Figure is Figures.Stood or Figures.Climbed).Select(k => k.Name).Distinct(StringComparer.Ordinal)
                .Select(tier => (Tier: tier, Stood: _counts.GetValueOrDefault((Figures.Stood, tier)), Climbed: _counts.GetValueOrDefault((Figures.Climbed, tier))))
                .Select(t => new TierCount(t.Tier, t.Stood + t.Climbed, t.Stood, t.Climbed))
                .OrderBy(t => t.Tier == Ladder.Person).ThenByDescending(t => t.Answers).ThenBy(t => t.Tier, StringComparer.Ordinal),
        ];

        private IReadOnlyList<CostView> Costs() =>
        [
            .. _counts.Keys.Where(k => k.Figure is Figures.Calls or Figures.InputTokens or Figures.OutputTokens or Figures.Micros or Figures.Microseconds or Figures.Rejections).Select(k => k.Name).Distinct(StringComparer.Ordinal)
                .Select(name => (Speaker: Figures.Spender(name), Spent: Spent(name))).Where(s => s.Spent != Spending.None)
                .Select(s => new CostView(s.Speaker.Agent, s.Speaker.Tier, s.Speaker.Model, s.Spent))
                .OrderByDescending(c => c.Spent.Micros).ThenByDescending(c => c.Spent.InputTokens + c.Spent.OutputTokens)
                .ThenBy(c => c.Agent, StringComparer.Ordinal).ThenBy(c => c.Tier, StringComparer.Ordinal).ThenBy(c => c.Model, StringComparer.Ordinal),
        ];

        private Spending Spent(string spender) => new()
        {
            Calls = _counts.GetValueOrDefault((Figures.Calls, spender)),
            InputTokens = _counts.GetValueOrDefault((Figures.InputTokens, spender)),
            OutputTokens = _counts.GetValueOrDefault((Figures.OutputTokens, spender)),
            Micros = _counts.GetValueOrDefault((Figures.Micros, spender)),
            Microseconds = _counts.GetValueOrDefault((Figures.Microseconds, spender)),
            Rejections = _counts.GetValueOrDefault((Figures.Rejections, spender)),
        };

        private IEnumerable<NamedCount> Named(string figure) => _counts.Where(c => c.Key.Figure == figure).Select(c => new NamedCount(c.Key.Name, c.Value));

        private long Sum(string figure) => _counts.Where(c => c.Key.Figure == figure).Sum(c => c.Value);
    }
}
