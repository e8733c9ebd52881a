using System.Globalization;
using System.Text;

namespace Signalbox;

/// <summary>
/// Reports as plain text for a terminal or a file, lines ended by a line feed. Ids, kinds and reasons are data: what would move a cursor or turn a line's direction is shown as <c>\u001B</c>, and long ones are cut.
/// </summary>
public static class EvaluationTable
{
    private const int TextMax = 48;

    /// <summary>A report. Of kinds and reasons at most <paramref name="rowsMax"/> are shown, and how many are left out is said.</summary>
    public static string Format(EvaluationReport report, int rowsMax = 30)
    {
        ArgumentNullException.ThrowIfNull(report);
        var text = new StringBuilder();
        text.Append(Invariant($"{Shown(report.Workflow)}, configuration {Shown(report.Configuration)}: {report.Counts.All} cases\n\n"));
        WriteCounts(text, report);
        WriteTiers(text, report);
        WriteKinds(text, report, rowsMax);
        WriteReasons(text, "escalated because", report.Escalations, rowsMax);
        WriteReasons(text, "failed because", report.Failures, rowsMax);
        WriteReliability(text, report.Reliability);
        foreach (var tier in report.Tiers.Where(t => t.Reliability.Count > 0))
        {
            WriteTradeOffs(text, tier);
        }

        return text.ToString();
    }

    /// <summary>Two configurations side by side, with the cases on which they differ, at most <paramref name="rowsMax"/>.</summary>
    public static string Format(EvaluationComparison comparison, int rowsMax = 50)
    {
        ArgumentNullException.ThrowIfNull(comparison);
        var text = new StringBuilder();
        var (a, b) = (comparison.CountsA, comparison.CountsB);
        text.Append(Invariant($"{Shown(comparison.A)} and {Shown(comparison.B)} side by side: {a.All} cases\n\n"));
        Rows(text, ["", Shown(comparison.A), Shown(comparison.B)],
        [
            ["right", Int(a.Right), Int(b.Right)],
            ["wrong", Int(a.Wrong), Int(b.Wrong)],
            ["harmful", Int(a.Harmful), Int(b.Harmful)],
            ["escalated", Int(a.Escalated), Int(b.Escalated)],
            ["  where a person was wanted", Int(a.ForPerson), Int(b.ForPerson)],
            ["failed", Int(a.Failed), Int(b.Failed)],
            ["unknown", Int(a.Unknown), Int(b.Unknown)],
            ["right of those decided", Percent(a.Right, a.Judged), Percent(b.Right, b.Judged)],
            ["model calls", Int(comparison.SpentA.Calls), Int(comparison.SpentB.Calls)],
            ["cost", Money(comparison.SpentA), Money(comparison.SpentB)],
            ["median time", Time(comparison.TimesA.Median), Time(comparison.TimesB.Median)],
        ]);

        var shown = comparison.Differences.Take(rowsMax).ToList();
        text.Append(Invariant($"\nThey differ on {comparison.Differences.Count} cases{Rest(comparison.Differences.Count, shown.Count)}\n"));
        if (shown.Count > 0)
        {
            Rows(text, ["case", "right would be", Shown(comparison.A), Shown(comparison.B)], shown.Select(d => (string[])[Shown(d.Id), Wanted(d.Truth), Side(d.A), Side(d.B)]), numbersFrom: int.MaxValue);
        }

        Ids(text, $"Only {Shown(comparison.A)} has", comparison.OnlyInA);
        Ids(text, $"Only {Shown(comparison.B)} has", comparison.OnlyInB);
        Ids(text, "With another truth", comparison.OtherTruth);
        return text.ToString();
    }

    private static void WriteCounts(StringBuilder text, EvaluationReport report)
    {
        var counts = report.Counts;
        Rows(text, ["", "cases", "share", ""],
        [
            ["right", Int(counts.Right), Percent(counts.Right, counts.All), counts.Judged == 0 ? "" : $"{Percent(counts.Right, counts.Judged)} of the {counts.Judged} decided"],
            ["wrong", Int(counts.Wrong), Percent(counts.Wrong, counts.All), ""],
            ["harmful", Int(counts.Harmful), Percent(counts.Harmful, counts.All), ""],
            ["escalated", Int(counts.Escalated), Percent(counts.Escalated, counts.All), counts.ForPerson == 0 ? "" : $"a person was wanted for {counts.ForPerson} of them"],
            ["failed", Int(counts.Failed), Percent(counts.Failed, counts.All), ""],
            ["unknown", Int(counts.Unknown), Percent(counts.Unknown, counts.All), ""],
        ], numbersTo: 2);
        var times = report.Times;
        text.Append(Invariant($"\nCost {Money(report.Spent)}: {report.Spent.Calls} model calls, {report.Spent.InputTokens} tokens sent, {report.Spent.OutputTokens} answered, {report.Spent.Rejections} rejected calls.\n"));
        text.Append(Invariant($"Time of a case: median {Time(times.Median)}, 95 in 100 within {Time(times.P95)}, longest {Time(times.Max)}.\n"));
    }

    private static void WriteTiers(StringBuilder text, EvaluationReport report)
    {
        if (report.Tiers.Count == 0)
        {
            return;
        }

        text.Append('\n');
        Rows(text, ["tier", "asked", "answered", "decided", "right", "wrong", "harmful", "calls", "cost", "ECE", "Brier"], report.Tiers.Select(t => (string[])
        [
            Shown(t.Tier), Int(t.Asked), Int(t.Answered), Int(t.Decided.All), Int(t.Decided.Right), Int(t.Decided.Wrong), Int(t.Decided.Harmful), Int(t.Spent.Calls), Money(t.Spent),
            Number(t.Reliability.ExpectedCalibrationError), Number(t.Reliability.BrierScore),
        ]));
    }

    private static void WriteKinds(StringBuilder text, EvaluationReport report, int rowsMax)
    {
        // Where many kinds are, those that went wrong most are of interest.
        var shown = report.Kinds.OrderByDescending(k => k.Harmful).ThenByDescending(k => k.Wrong).ThenByDescending(k => k.Wanted).ThenBy(k => k.Kind, StringComparer.Ordinal).Take(rowsMax).ToList();
        if (shown.Count == 0)
        {
            return;
        }

        text.Append('\n');
        Rows(text, ["kind", "wanted", "escalated", "failed", "decided", "right", "wrong", "harmful"], shown.Select(k => (string[])
        [
            Shown(k.Kind), Int(k.Wanted), Int(k.Escalated), Int(k.Failed), Int(k.Decided), Int(k.Right), Int(k.Wrong), Int(k.Harmful),
        ]));
        if (shown.Count < report.Kinds.Count)
        {
            text.Append(Invariant($"and {report.Kinds.Count - shown.Count} kinds more\n"));
        }
    }

    private static void WriteReasons(StringBuilder text, string what, IReadOnlyDictionary<string, int> reasons, int rowsMax)
    {
        if (reasons.Count > 0)
        {
            text.Append('\n');
            Rows(text, [what, "cases"], reasons.Take(rowsMax).Select(r => (string[])[Shown(r.Key), Int(r.Value)]));
        }
    }

    private static void WriteReliability(StringBuilder text, Reliability reliability)
    {
        if (reliability.Count == 0)
        {
            return;
        }

        text.Append("\nConfidence against correctness, last answer of each case\n");
        Rows(text, ["confidence", "answers", "mean", "right"], reliability.Bins.Where(b => b.Count > 0).Select(b => (string[])
        [
            Invariant($"{b.From:0.0} to {b.To:0.0}"), Int(b.Count), Number(b.MeanConfidence), Number(b.ShareRight),
        ]));
        text.Append(Invariant($"{reliability.Count} answers: mean confidence {Number(reliability.MeanConfidence)}, right {Number(reliability.ShareRight)}, expected calibration error {Number(reliability.ExpectedCalibrationError)}, Brier score {Number(reliability.BrierScore)}\n"));
    }

    private static void WriteTradeOffs(StringBuilder text, TierReport tier)
    {
        text.Append(Invariant($"\nWhat thresholds of tier {Shown(tier.Tier)} would have come to, of its {tier.Reliability.Count} answers with a truth\n"));
        Rows(text, ["accept from", "decided", "share", "errors", "harmful", "error rate"], Steps(tier.TradeOffs).Select(t => (string[])
        [
            Invariant($"{t.Threshold:0.00}"), Int(t.Decided), Percent(t.Share), Int(t.Errors), Int(t.Harmful), Percent(t.ErrorRate),
        ]));
    }

    /// <summary>Of thresholds that come to the same the highest.</summary>
    private static IEnumerable<TradeOff> Steps(IReadOnlyList<TradeOff> all) => all.Where((t, i) => t.Decided > 0 && (i + 1 == all.Count || all[i + 1].Decided != t.Decided));

    private static void Rows(StringBuilder text, string[] heads, IEnumerable<string[]> rows, int numbersFrom = 1, int numbersTo = int.MaxValue)
    {
        var all = rows.Prepend(heads).ToList();
        var widths = heads.Select((_, column) => all.Max(row => row[column].Length)).ToArray();
        foreach (var row in all)
        {
            var line = string.Join("  ", row.Select((cell, column) => column >= numbersFrom && column <= numbersTo ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column])));
            text.Append(line.TrimEnd()).Append('\n');
        }
    }

    private static void Ids(StringBuilder text, string what, IReadOnlyList<string> ids)
    {
        const int IdsMax = 10;
        if (ids.Count > 0)
        {
            text.Append(Invariant($"{what} {ids.Count} cases: {string.Join(", ", ids.Take(IdsMax).Select(Shown))}{(ids.Count > IdsMax ? ", ..." : "")}\n"));
        }
    }

    private static string Side(CaseSide side) => side.Verdict switch
    {
        EvaluationVerdict.Escalated => $"escalated: {Shown(side.Reason ?? "")}",
        EvaluationVerdict.Failed => $"failed: {Shown(side.Reason ?? "")}",
        var verdict => $"{Lower(verdict)}: {Shown(side.Kind!)} by {Shown(side.Tier!)}{(side.Confidence is { } sure ? Invariant($" at {sure:0.00}") : "")}",
    };

    private static string Wanted(Truth? truth) => truth is null ? "?" : Shown(string.Join(" or ", truth.Right));

    private static string Rest(int all, int shown) => all == 0 ? "." : shown == all ? ":" : $", the first {shown}:";

    private static string Lower(EvaluationVerdict verdict) => verdict switch
    {
        EvaluationVerdict.Right => "right",
        EvaluationVerdict.Wrong => "wrong",
        EvaluationVerdict.Harmful => "harmful",
        _ => "unknown",
    };

    private static string Int(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Number(double? number) => number is { } value ? value.ToString("0.000", CultureInfo.InvariantCulture) : "-";

    private static string Percent(int part, int of) => of == 0 ? "-" : Percent((double)part / of);

    private static string Percent(double? share) => share is { } value ? value.ToString("0.0 %", CultureInfo.InvariantCulture) : "-";

    private static string Money(Spending spent) => spent.Money.ToString("0.0000", CultureInfo.InvariantCulture);

    private static string Time(long microseconds) => Durations.Text(TimeSpan.FromMicroseconds(microseconds));

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private static string Shown(string text)
    {
        var cut = Texts.Cut(text, TextMax);
        if (!cut.Any(MustBeEscaped))
        {
            return cut;
        }

        var safe = new StringBuilder();
        for (var i = 0; i < cut.Length; i++)
        {
            if (char.IsSurrogatePair(cut, i))
            {
                safe.Append(cut[i]).Append(cut[++i]);
            }
            else if (MustBeEscaped(cut[i]))
            {
                safe.Append(CultureInfo.InvariantCulture, $"\\u{(int)cut[i]:X4}");
            }
            else
            {
                safe.Append(cut[i]);
            }
        }

        return safe.ToString();
    }

    private static bool MustBeEscaped(char c) => char.GetUnicodeCategory(c) is
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
