using System.Text.Json;
using Xunit;

namespace Signalbox.Tests.Evaluation;

public sealed class A_report
{
    private static readonly EvaluationReport s_report = EvaluationReport.Of("flow", "both", [
        new EvaluatedCase
        {
            Id = "a", Run = new RunId("r-1"), Truth = new Truth("block") { Harmful = ["allow"] }, Verdict = EvaluationVerdict.Right, Kind = "block", Tier = "fast", Confidence = 0.9,
            Microseconds = 1_500_000, Spent = new Spending { Calls = 1, InputTokens = 100, OutputTokens = 10, Micros = 150 },
            Answers = [new("fast", "fast-1", "block", 0.9, true) { MayStand = true, Verdict = EvaluationVerdict.Right, Micros = 150 }],
            Tiers = [new("fast", new Spending { Calls = 1, InputTokens = 100, OutputTokens = 10, Micros = 150 })],
        },
        new EvaluatedCase
        {
            Id = "b\u001b[2J", Run = new RunId("r-2"), Truth = new Truth("escalate"), Verdict = EvaluationVerdict.Escalated, IsForPerson = true, Tier = "person", Reason = "low_confidence", Why = "confidence 0.30 is below 0.80",
            Answers = [new("fast", "fast-1", "al\u202elow", 0.3, false) { MayStand = true, Verdict = EvaluationVerdict.Wrong }],
            Tiers = [new("fast", Spending.None)],
        },
    ]);

    [Fact]
    public void Has_a_json_form_with_stable_names()
    {
        // A changed name is a new form: raise EvaluationReport.FormatVersion.
        using var json = JsonDocument.Parse(s_report.ToJson());
        Assert.Equal(["format", "workflow", "configuration", "counts", "escalations", "failures", "tiers", "kinds", "reliability", "spent", "times", "cases"], Names(json.RootElement));
        Assert.Equal(["right", "wrong", "harmful", "escalated", "forPerson", "failed", "unknown", "all"], Names(json.RootElement.GetProperty("counts")));
        Assert.Equal(["tier", "asked", "answered", "decided", "spent", "reliability", "tradeOffs"], Names(json.RootElement.GetProperty("tiers")[0]));
        Assert.Equal(["count", "meanConfidence", "shareRight", "expectedCalibrationError", "brierScore", "bins"], Names(json.RootElement.GetProperty("reliability")));
        Assert.Equal(["from", "to", "count", "right", "meanConfidence", "shareRight"], Names(json.RootElement.GetProperty("reliability").GetProperty("bins")[9]));
        Assert.Equal(["threshold", "decided", "errors", "harmful", "share", "errorRate"], Names(json.RootElement.GetProperty("tiers")[0].GetProperty("tradeOffs")[0]));
        Assert.Equal(["kind", "wanted", "escalated", "failed", "decided", "right", "wrong", "harmful"], Names(json.RootElement.GetProperty("kinds")[0]));
        Assert.Equal(["id", "run", "truth", "verdict", "kind", "isForPerson", "tier", "confidence", "spent", "microseconds", "answers", "tiers"], Names(json.RootElement.GetProperty("cases")[0]));
        Assert.Equal(["tier", "model", "kind", "confidence", "stands", "mayStand", "verdict", "micros"], Names(json.RootElement.GetProperty("cases")[0].GetProperty("answers")[0]));
        Assert.Equal("right", json.RootElement.GetProperty("cases")[0].GetProperty("verdict").GetString());

        static IEnumerable<string> Names(JsonElement element) => element.EnumerateObject().Select(p => p.Name);
    }

    [Fact]
    public void Of_another_form_is_not_read()
    {
        var refused = Assert.Throws<JsonException>(() => EvaluationReport.FromJson(s_report.ToJson().Replace("\"format\": 1", "\"format\": 2", StringComparison.Ordinal)));
        Assert.Equal("This evaluation report has form 2; this program reads form 1.", refused.Message);
    }

    [Fact]
    public void Is_shown_as_a_table() => Assert.Equal(
        """
        flow, configuration both: 2 cases

                   cases   share
        right          1  50.0 %  100.0 % of the 1 decided
        wrong          0   0.0 %
        harmful        0   0.0 %
        escalated      1  50.0 %  a person was wanted for 1 of them
        failed         0   0.0 %
        unknown        0   0.0 %

        Cost 0.0002: 1 model calls, 100 tokens sent, 10 answered, 0 rejected calls.
        Time of a case: median 0 ms, 95 in 100 within 1.5 s, longest 1.5 s.

        tier  asked  answered  decided  right  wrong  harmful  calls    cost    ECE  Brier
        fast      2         2        1      1      0        0      1  0.0002  0.200  0.050

        kind      wanted  escalated  failed  decided  right  wrong  harmful
        block          1          0       0        1      1      0        0
        escalate       1          1       0        0      0      0        0

        escalated because  cases
        low_confidence         1

        Confidence against correctness, last answer of each case
        confidence  answers   mean  right
        0.3 to 0.4        1  0.300  0.000
        0.9 to 1.0        1  0.900  1.000
        2 answers: mean confidence 0.600, right 0.500, expected calibration error 0.200, Brier score 0.050

        What thresholds of tier fast would have come to, of its 2 answers with a truth
        accept from  decided    share  errors  harmful  error rate
        0.30               2  100.0 %       1        0      50.0 %
        0.90               1   50.0 %       0        0       0.0 %

        """, EvaluationTable.Format(s_report));

    [Fact]
    public void Shows_text_from_outside_so_that_no_terminal_obeys_it()
    {
        var hostile = EvaluationReport.Of("fl\u001bow", "a\nb", [.. s_report.Cases.Select(c => c with { Kind = c.Kind is null ? null : "bl\u202eock\u0007" })]);
        var text = EvaluationTable.Format(hostile) + EvaluationTable.Format(EvaluationReport.Compare(s_report, hostile with { Cases = [hostile.Cases[0]] }));

        Assert.DoesNotContain(text, c => char.IsControl(c) && c != '\n');
        Assert.DoesNotContain('\u202e', text);
        Assert.Contains("bl\\u202Eock\\u0007", text, StringComparison.Ordinal);
        Assert.Contains("Only both has 1 cases: b\\u001B[2J", text, StringComparison.Ordinal);
    }
}
