namespace Signalbox;

/// <summary>The answers whose confidence lies from <paramref name="From"/> up to, but without, <paramref name="To"/> (the last bin has 1 as well). Shares of an empty bin are null.</summary>
public sealed record ReliabilityBin(double From, double To, int Count, int Right, double? MeanConfidence, double? ShareRight);

/// <summary>
/// Confidence against correctness. In a reliable source, of the answers with confidence 0.8 eight in ten are right. Answers without a truth are left out; without any, all figures are null.
/// </summary>
public sealed record Reliability
{
    private const int BinCount = 10;

    /// <summary>How many answers.</summary>
    public int Count { get; init; }

    /// <summary>Their mean confidence.</summary>
    public double? MeanConfidence { get; init; }

    /// <summary>The share that was right.</summary>
    public double? ShareRight { get; init; }

    /// <summary>
    /// Expected calibration error: how far the bins' mean confidence and share right lie apart, weighted by their counts; 0 is best.
    /// M. P. Naeini, G. F. Cooper, M. Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning", AAAI 2015; as used by C. Guo et al., "On Calibration of Modern
    /// Neural Networks", ICML 2017, arXiv 1706.04599. With few answers it is large by chance alone.
    /// </summary>
    public double? ExpectedCalibrationError { get; init; }

    /// <summary>
    /// The mean squared distance of confidence from what became of it (right 1, otherwise 0); 0 is best, 0.25 is what always saying 0.5 gets.
    /// G. W. Brier, "Verification of Forecasts Expressed in Terms of Probability", Monthly Weather Review 78(1), 1950 (the form for two outcomes, which counts one of them).
    /// </summary>
    public double? BrierScore { get; init; }

    /// <summary>Ten bins of equal width.</summary>
    public IReadOnlyList<ReliabilityBin> Bins { get; init; } = [];

    internal static Reliability Of(IEnumerable<TierAnswer> answers)
    {
        var known = answers.Where(a => a.Verdict != EvaluationVerdict.Unknown).Select(a => (a.Confidence, IsRight: a.Verdict == EvaluationVerdict.Right)).ToList();
        var bins = Enumerable.Range(0, BinCount).Select(i => Bin(i, [.. known.Where(a => BinOf(a.Confidence) == i)])).ToList();
        return known.Count == 0 ? new Reliability { Bins = bins } : new Reliability
        {
            Count = known.Count,
            MeanConfidence = known.Average(a => a.Confidence),
            ShareRight = Share(known),
            ExpectedCalibrationError = bins.Where(b => b.Count > 0).Sum(b => (double)b.Count / known.Count * Math.Abs(b.ShareRight!.Value - b.MeanConfidence!.Value)),
            BrierScore = known.Average(a => Math.Pow(a.Confidence - (a.IsRight ? 1 : 0), 2)),
            Bins = bins,
        };
    }

    private static int BinOf(double confidence) => Math.Clamp((int)(confidence * BinCount), 0, BinCount - 1);

    private static ReliabilityBin Bin(int index, IReadOnlyList<(double Confidence, bool IsRight)> within) => new(
        (double)index / BinCount, (double)(index + 1) / BinCount, within.Count, within.Count(a => a.IsRight),
        within.Count == 0 ? null : within.Average(a => a.Confidence), within.Count == 0 ? null : Share(within));

    private static double Share(IReadOnlyList<(double Confidence, bool IsRight)> answers) => (double)answers.Count(a => a.IsRight) / answers.Count;
}

/// <summary>
/// What a threshold would have come to: of the tier's answers with a truth, how many would have been decided without anybody further (<paramref name="Share"/> of all of them; null if there are none),
/// and how many of those would have been wrong or harmful (<paramref name="ErrorRate"/>; null if none was decided). Harmful ones are counted in both.
/// </summary>
public sealed record TradeOff(double Threshold, int Decided, int Errors, int Harmful, double? Share, double? ErrorRate)
{
    private const int Steps = 20;

    /// <summary>Thresholds from 0 to 1 by steps of 0.05. Answers to which the workflow objects, and those that ask for a person, are decided by none.</summary>
    internal static IReadOnlyList<TradeOff> Of(IEnumerable<TierAnswer> answers)
    {
        var known = answers.Where(a => a.Verdict != EvaluationVerdict.Unknown).ToList();
        return [.. Enumerable.Range(0, Steps + 1).Select(i => At((double)i / Steps, known))];
    }

    private static TradeOff At(double threshold, List<TierAnswer> known)
    {
        var decided = known.Where(a => a.MayStand && a.Confidence >= threshold).ToList();
        var errors = decided.Count(a => a.Verdict != EvaluationVerdict.Right);
        return new(
            threshold, decided.Count, errors, decided.Count(a => a.Verdict == EvaluationVerdict.Harmful),
            known.Count == 0 ? null : (double)decided.Count / known.Count, decided.Count == 0 ? null : (double)errors / decided.Count);
    }
}
