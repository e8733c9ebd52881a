using System.Text.Json;

namespace Signalbox;

/// <summary>A case on which two configurations differ: in what became of it, or in the kind of decision.</summary>
public sealed record CaseDifference(string Id, Truth? Truth, CaseSide A, CaseSide B);

/// <summary>What became of a case under one configuration.</summary>
public sealed record CaseSide(EvaluationVerdict Verdict, string? Kind, string? Tier, double? Confidence, string? Reason, RunId Run)
{
    internal static CaseSide Of(EvaluatedCase one) => new(one.Verdict, one.Kind, one.Tier, one.Confidence, one.Reason, one.Run);
}

/// <summary>
/// Two configurations over the cases that both have, matched by id. The two must have been evaluated on the same data; a case whose truth differs is named in <see cref="OtherTruth"/>.
/// </summary>
public sealed record EvaluationComparison
{
    /// <summary>The number of the JSON form.</summary>
    public int Format { get; init; } = EvaluationReport.FormatVersion;

    /// <summary>The first configuration's name.</summary>
    public required string A { get; init; }

    /// <summary>The second configuration's name.</summary>
    public required string B { get; init; }

    /// <summary>The first one's counts, of the cases that both have.</summary>
    public EvaluationCounts CountsA { get; init; }

    /// <summary>The second one's counts, of the cases that both have.</summary>
    public EvaluationCounts CountsB { get; init; }

    /// <summary>What the first one used up for the cases that both have.</summary>
    public Spending SpentA { get; init; } = Spending.None;

    /// <summary>What the second one used up for the cases that both have.</summary>
    public Spending SpentB { get; init; } = Spending.None;

    /// <summary>How long the cases that both have took under the first.</summary>
    public EvaluationTimes TimesA { get; init; }

    /// <summary>How long the cases that both have took under the second.</summary>
    public EvaluationTimes TimesB { get; init; }

    /// <summary>The cases on which they differ, in the order of the first.</summary>
    public IReadOnlyList<CaseDifference> Differences { get; init; } = [];

    /// <summary>Cases that only the first has.</summary>
    public IReadOnlyList<string> OnlyInA { get; init; } = [];

    /// <summary>Cases that only the second has.</summary>
    public IReadOnlyList<string> OnlyInB { get; init; } = [];

    /// <summary>Cases whose truth is not the same in both.</summary>
    public IReadOnlyList<string> OtherTruth { get; init; } = [];

    /// <summary>The comparison as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, EvaluationReport.Indented);

    internal static EvaluationComparison Of(EvaluationReport a, EvaluationReport b)
    {
        var inB = b.Cases.ToDictionary(c => c.Id, StringComparer.Ordinal);
        var pairs = a.Cases.Where(c => inB.ContainsKey(c.Id)).Select(c => (A: c, B: inB[c.Id])).ToList();
        var ids = a.Cases.Select(c => c.Id).ToHashSet(StringComparer.Ordinal);
        return new()
        {
            A = a.Configuration,
            B = b.Configuration,
            CountsA = EvaluationCounts.Of(pairs.Select(p => p.A)),
            CountsB = EvaluationCounts.Of(pairs.Select(p => p.B)),
            SpentA = pairs.Aggregate(Spending.None, (sum, p) => sum + p.A.Spent),
            SpentB = pairs.Aggregate(Spending.None, (sum, p) => sum + p.B.Spent),
            TimesA = EvaluationTimes.Of(pairs.Where(p => p.A.Verdict != EvaluationVerdict.Failed).Select(p => p.A.Microseconds)),
            TimesB = EvaluationTimes.Of(pairs.Where(p => p.B.Verdict != EvaluationVerdict.Failed).Select(p => p.B.Microseconds)),
            Differences = [.. pairs.Where(p => (p.A.Verdict, p.A.Kind) != (p.B.Verdict, p.B.Kind)).Select(p => new CaseDifference(p.A.Id, p.A.Truth, CaseSide.Of(p.A), CaseSide.Of(p.B)))],
            OnlyInA = [.. a.Cases.Where(c => !inB.ContainsKey(c.Id)).Select(c => c.Id)],
            OnlyInB = [.. b.Cases.Where(c => !ids.Contains(c.Id)).Select(c => c.Id)],
            OtherTruth = [.. pairs.Where(p => !IsSame(p.A.Truth, p.B.Truth)).Select(p => p.A.Id)],
        };
    }

    private static bool IsSame(Truth? a, Truth? b) => a is null || b is null
        ? a is null && b is null
        : a.Right.ToHashSet().SetEquals(b.Right) && a.Harmful.ToHashSet().SetEquals(b.Harmful);
}
