using Xunit;

namespace Signalbox.Tests.Evaluation;

public sealed class The_arithmetic_of_an_evaluation
{
    private static readonly string[] s_kinds = ["block", "allow", "watch", "escalate"];
    private static readonly string[] s_tiers = ["fast", "strong", "last"];

    [Fact]
    public void Gives_the_figures_that_come_out_by_hand()
    {
        TierAnswer[] answers = [Answer(0.95, true), Answer(0.92, true), Answer(0.91, false), Answer(0.55, false), Answer(0.0, false), Answer(1.0, true), Unknown(0.5)];
        var reliability = Reliability.Of(answers);

        Assert.Equal(6, reliability.Count);
        Assert.Equal([1, 0, 0, 0, 0, 1, 0, 0, 0, 4], reliability.Bins.Select(b => b.Count)); // 1.0 belongs to the last bin
        Assert.Equal((3, 0.75), (reliability.Bins[9].Right, reliability.Bins[9].ShareRight));
        Assert.Equal((0.95 + 0.92 + 0.91 + 1.0) / 4, reliability.Bins[9].MeanConfidence!.Value, 12);
        Assert.Null(reliability.Bins[3].ShareRight);
        Assert.Equal((1 / 6.0 * 0) + (1 / 6.0 * 0.55) + (4 / 6.0 * (0.945 - 0.75)), reliability.ExpectedCalibrationError!.Value, 12);
        Assert.Equal(((0.05 * 0.05) + (0.08 * 0.08) + (0.91 * 0.91) + (0.55 * 0.55)) / 6, reliability.BrierScore!.Value, 12);
    }

    [Fact]
    public void Gives_nothing_where_there_is_nothing()
    {
        var reliability = Reliability.Of([Unknown(0.9)]);
        Assert.Equal((0, null, null, null), (reliability.Count, reliability.MeanConfidence, reliability.ExpectedCalibrationError, reliability.BrierScore));

        var report = EvaluationReport.Of("flow", "none", []);
        Assert.Equal((0, 0, default(EvaluationTimes)), (report.Counts.All, report.Tiers.Count, report.Times));
        Assert.StartsWith("flow, configuration none: 0 cases\n", EvaluationTable.Format(report), StringComparison.Ordinal);
    }

    [Fact]
    public void Takes_a_confidence_on_a_threshold_as_accepted_as_the_ladder_does()
    {
        // Each of these is a step of the table exactly, and must be on its right side in spite of binary fractions.
        foreach (var step in Enumerable.Range(0, 21))
        {
            var at = TradeOff.Of([Answer(step / 20.0, true)]);
            Assert.Equal(step + 1, at.Count(t => t.Decided == 1));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Holds_for_random_cases(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 100; round++)
        {
            var cases = RandomCases(random);
            var report = EvaluationReport.Of("flow", "random", cases);
            var why = $"seed {seed}, round {round}";

            Assert.True(cases.Count == report.Counts.All, why);
            Assert.True(report.Counts.ForPerson <= report.Counts.Escalated, why);
            Assert.True(report.Counts.Escalated == report.Escalations.Values.Sum() && report.Counts.Failed == report.Failures.Values.Sum(), why);
            Assert.True(report.Tiers.Sum(t => t.Decided.All) == report.Counts.Judged + report.Counts.Unknown, why);
            Assert.True(report.Kinds.Sum(k => k.Decided) == report.Counts.Judged + report.Counts.Unknown, why);
            Assert.True(report.Kinds.Sum(k => k.Right) == report.Counts.Right && report.Kinds.Sum(k => k.Harmful) == report.Counts.Harmful, why);
            Assert.All(report.Tiers.Select(t => t.Reliability).Append(report.Reliability), r => Check(r, why));
            foreach (var tier in report.Tiers)
            {
                var answers = cases.SelectMany(c => c.Answers).Where(a => a.Tier == tier.Tier).ToList();
                Check(tier.Reliability, answers, why);
                Check(tier.TradeOffs, answers, why);
            }

            var shuffled = EvaluationReport.Of("flow", "random", [.. cases.OrderBy(_ => random.Next())]);
            Assert.True(shuffled.Counts == report.Counts && shuffled.Kinds.SequenceEqual(report.Kinds) && shuffled.Times == report.Times && shuffled.Spent == report.Spent, why);
            Assert.True(Math.Abs((shuffled.Reliability.ExpectedCalibrationError ?? 0) - (report.Reliability.ExpectedCalibrationError ?? 0)) < 1e-12, why);

            Assert.Equal(report.ToJson(), EvaluationReport.FromJson(report.ToJson()).ToJson());
            Assert.Empty(EvaluationReport.Compare(report, shuffled).Differences);
        }
    }

    private static void Check(Reliability reliability, string why)
    {
        Assert.True(reliability.Bins.Sum(b => b.Count) == reliability.Count, why);
        Assert.True(reliability.Count == 0 || (reliability.ExpectedCalibrationError is >= 0 and <= 1 && reliability.BrierScore is >= 0 and <= 1), why);

        // A weighted mean of distances is no less than the distance of the means.
        Assert.True(reliability.Count == 0 || reliability.ExpectedCalibrationError + 1e-12 >= Math.Abs(reliability.MeanConfidence!.Value - reliability.ShareRight!.Value), why);
        Assert.All(reliability.Bins.Where(b => b.Count > 0), b => Assert.True(b.MeanConfidence >= b.From - 1e-12 && b.MeanConfidence <= b.To + 1e-12, why));
    }

    /// <summary>The same by another way: sums over answers, without bins of their own.</summary>
    private static void Check(Reliability reliability, List<TierAnswer> answers, string why)
    {
        var known = answers.Where(a => a.Verdict != EvaluationVerdict.Unknown).ToList();
        var distance = Enumerable.Range(0, 10).Sum(bin => Math.Abs(known.Where(a => Math.Min(9, (int)Math.Floor(a.Confidence * 10)) == bin).Sum(a => a.Confidence - One(a))));
        Assert.True(known.Count == 0 ? reliability.BrierScore is null : Math.Abs((distance / known.Count) - reliability.ExpectedCalibrationError!.Value) < 1e-12, why);
        Assert.True(known.Count == 0 || Math.Abs(known.Sum(a => (a.Confidence - One(a)) * (a.Confidence - One(a))) - (reliability.BrierScore!.Value * known.Count)) < 1e-9, why);

        static double One(TierAnswer answer) => answer.Verdict == EvaluationVerdict.Right ? 1 : 0;
    }

    private static void Check(IReadOnlyList<TradeOff> steps, List<TierAnswer> answers, string why)
    {
        Assert.True(steps.Zip(steps.Skip(1)).All(pair => pair.First.Decided >= pair.Second.Decided && pair.First.Errors >= pair.Second.Errors && pair.First.Threshold < pair.Second.Threshold), why);
        Assert.True(steps.All(t => t.Harmful <= t.Errors && t.Errors <= t.Decided && (t.ErrorRate is null) == (t.Decided == 0)), why);
        Assert.True(steps[0].Decided == answers.Count(a => a.MayStand && a.Verdict != EvaluationVerdict.Unknown), why);
    }

    private static List<EvaluatedCase> RandomCases(Random random) => [.. Enumerable.Range(0, random.Next(1, 40)).Select(i => RandomCase(random, i))];

    private static EvaluatedCase RandomCase(Random random, int number)
    {
        var kinds = s_kinds.OrderBy(_ => random.Next()).ToArray();
        var truth = random.Next(5) == 0 ? null : new Truth(kinds[..1]) { Harmful = random.Next(3) == 0 ? kinds[1..2] : [] };
        var tiers = s_tiers[..random.Next(0, 4)];
        var answers = tiers.Where(_ => random.Next(6) > 0).Select(tier => RandomAnswer(random, tier, truth)).ToArray();
        var empty = new EvaluatedCase
        {
            Id = $"case-{number}",
            Run = new RunId($"r-{number}"),
            Truth = truth,
            Verdict = EvaluationVerdict.Failed,
            Answers = answers,
            Microseconds = random.Next(1_000_000),
            Tiers = [.. tiers.Select(tier => new TierSpending(tier, new Spending { Calls = 1, Micros = random.Next(1000) }))],
        };
        return (random.Next(6), answers) switch
        {
            (0, _) => empty with { Reason = random.Next(2) == 0 ? "handler_failed" : "timed_out" },
            (1, _) or (_, []) => empty with { Verdict = EvaluationVerdict.Escalated, IsForPerson = truth?.Right.Contains("escalate") ?? false, Tier = "person", Reason = "low_confidence" },
            (_, [.., var last]) => empty with { Verdict = last.Verdict, Kind = last.Kind, Tier = last.Tier, Confidence = last.Confidence },
        };
    }

    private static TierAnswer RandomAnswer(Random random, string tier, Truth? truth)
    {
        var kind = s_kinds[random.Next(3)];
        var confidence = random.Next(4) == 0 ? random.Next(0, 21) / 20.0 : random.NextDouble();
        return new TierAnswer(tier, tier + "-1", kind, confidence, Stands: true) { MayStand = random.Next(5) > 0, Verdict = truth?.Judge(kind) ?? EvaluationVerdict.Unknown };
    }

    private static TierAnswer Answer(double confidence, bool isRight) =>
        new("fast", "fast-1", "block", confidence, true) { MayStand = true, Verdict = isRight ? EvaluationVerdict.Right : EvaluationVerdict.Wrong };

    private static TierAnswer Unknown(double confidence) => new("fast", "fast-1", "block", confidence, true) { MayStand = true };
}
