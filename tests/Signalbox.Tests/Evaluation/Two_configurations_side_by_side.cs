using Xunit;
using static Signalbox.Tests.Evaluation.EvaluationWorld;

namespace Signalbox.Tests.Evaluation;

public sealed class Two_configurations_side_by_side
{
    private static readonly EvaluationCase<Note>[] s_cases =
    [
        Case("same", "fast=block@0.9 strong=block@0.9", "block"),
        Case("better", "fast=block@0.6 strong=allow@0.9", "allow"),
        Case("worse", "fast=block@0.6 strong=allow@0.9", "escalate"),
    ];

    private static async Task<EvaluationReport> ReportAsync(string name, Ladder ladder, params EvaluationCase<Note>[] cases)
    {
        await using var bench = await new EvaluationWorld { Ladder = ladder }.StartAsync();
        return await RunAsync(bench, new("flow"), cases, name);
    }

    private static Task<EvaluationReport> FastAsync(params EvaluationCase<Note>[] cases) => ReportAsync("fast only", new Ladder(new Tier("fast", "fast-1")), cases);

    private static Task<EvaluationReport> BothAsync(params EvaluationCase<Note>[] cases) => ReportAsync("fast, then strong", new Ladder(new Tier("fast", "fast-1"), new Tier("strong", "strong-1")), cases);

    [Fact]
    public async Task Differ_on_these_cases()
    {
        var comparison = EvaluationReport.Compare(await FastAsync(s_cases), await BothAsync(s_cases));

        Assert.Equal((1, 2), (comparison.CountsA.Right, comparison.CountsA.Escalated));
        Assert.Equal((2, 1, 0), (comparison.CountsB.Right, comparison.CountsB.Wrong, comparison.CountsB.Escalated));
        Assert.Equal(["better", "worse"], comparison.Differences.Select(d => d.Id));
        var worse = comparison.Differences[1];
        Assert.Equal((EvaluationVerdict.Escalated, null, "low_confidence"), (worse.A.Verdict, worse.A.Kind, worse.A.Reason));
        Assert.Equal((EvaluationVerdict.Wrong, "allow", "strong", 0.9), (worse.B.Verdict, worse.B.Kind, worse.B.Tier, worse.B.Confidence));
        Assert.True(comparison.SpentB.Micros > comparison.SpentA.Micros);
    }

    [Fact]
    public async Task Are_compared_on_what_both_have()
    {
        var comparison = EvaluationReport.Compare(
            await FastAsync(s_cases[0], s_cases[1], Case("old", "fast=block@0.9", "block")), await BothAsync(s_cases[0], s_cases[1] with { Truth = new Truth("block") }, Case("new", "fast=block@0.9", "block")));

        Assert.Equal((2, 2), (comparison.CountsA.All, comparison.CountsB.All));
        Assert.Equal(["old"], comparison.OnlyInA);
        Assert.Equal(["new"], comparison.OnlyInB);
        Assert.Equal(["better"], comparison.OtherTruth);
    }

    [Fact]
    public async Task Are_shown_as_a_table()
    {
        var comparison = EvaluationReport.Compare(await FastAsync(s_cases), await BothAsync(s_cases));
        Assert.Equal(
            """
            fast only and fast, then strong side by side: 3 cases

                                         fast only  fast, then strong
            right                                1                  2
            wrong                                0                  1
            harmful                              0                  0
            escalated                            2                  0
              where a person was wanted          1                  0
            failed                               0                  0
            unknown                              0                  0
            right of those decided         100.0 %             66.7 %
            model calls                          3                  5
            cost                            COST_A             COST_B
            median time                       0 ms               0 ms

            They differ on 2 cases:
            case    right would be  fast only                  fast, then strong
            better  allow           escalated: low_confidence  right: allow by strong at 0.90
            worse   escalate        escalated: low_confidence  wrong: allow by strong at 0.90

            """
                .Replace("COST_A", comparison.SpentA.Money.ToString("0.0000", System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal)
                .Replace("COST_B", comparison.SpentB.Money.ToString("0.0000", System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal),
            EvaluationTable.Format(comparison));
    }
}
