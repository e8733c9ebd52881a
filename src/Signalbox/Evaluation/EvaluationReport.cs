using System.Text.Json;
using System.Text.Json.Serialization;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>How many cases came to what. They add up to <see cref="All"/>; <paramref name="ForPerson"/> are those of the escalated that the truth wants a person for.</summary>
public readonly record struct EvaluationCounts(int Right, int Wrong, int Harmful, int Escalated, int ForPerson, int Failed, int Unknown)
{
    /// <summary>All cases.</summary>
    public int All => Right + Wrong + Harmful + Escalated + Failed + Unknown;

    /// <summary>Those decided without a person whose truth is known.</summary>
    [JsonIgnore]
    public int Judged => Right + Wrong + Harmful;

    internal EvaluationCounts With(EvaluatedCase one) => one.Verdict switch
    {
        EvaluationVerdict.Right => this with { Right = Right + 1 },
        EvaluationVerdict.Wrong => this with { Wrong = Wrong + 1 },
        EvaluationVerdict.Harmful => this with { Harmful = Harmful + 1 },
        EvaluationVerdict.Escalated => this with { Escalated = Escalated + 1, ForPerson = ForPerson + (one.IsForPerson ? 1 : 0) },
        EvaluationVerdict.Failed => this with { Failed = Failed + 1 },
        _ => this with { Unknown = Unknown + 1 },
    };

    internal static EvaluationCounts Of(IEnumerable<EvaluatedCase> cases) => cases.Aggregate(default(EvaluationCounts), (counts, one) => counts.With(one));
}

/// <summary>How long cases took, in microseconds: half of them at most <paramref name="Median"/>, 95 in 100 at most <paramref name="P95"/>.</summary>
public readonly record struct EvaluationTimes(long Median, long P95, long Max)
{
    /// <summary>By nearest rank: each is the time of a case.</summary>
    internal static EvaluationTimes Of(IEnumerable<long> times)
    {
        var sorted = times.Order().ToList();
        return sorted.Count == 0 ? default : new(At(0.5), At(0.95), sorted[^1]);

        long At(double share) => sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Count) - 1)];
    }
}

/// <summary>One tier: the cases that reached it, what it answered, what of that stood and was right, what it used up.</summary>
public sealed record TierReport(string Tier)
{
    /// <summary>Cases in which it was asked.</summary>
    public int Asked { get; init; }

    /// <summary>Answers it gave, whether they stood or climbed.</summary>
    public int Answered { get; init; }

    /// <summary>Cases that it decided, by verdict.</summary>
    public EvaluationCounts Decided { get; init; }

    /// <summary>What it used up.</summary>
    public Spending Spent { get; init; } = Spending.None;

    /// <summary>Confidence against correctness, of all answers it gave. A later tier has only the cases that climbed to it.</summary>
    public Reliability Reliability { get; init; } = new();

    /// <summary>What each threshold would have come to.</summary>
    public IReadOnlyList<TradeOff> TradeOffs { get; init; } = [];
}

/// <summary>
/// One kind of decision. <paramref name="Wanted"/> are the cases for which it is right (one of the right ones), of which <paramref name="Escalated"/> and <paramref name="Failed"/> came to that;
/// <paramref name="Decided"/> are the cases that were decided so, of which <paramref name="Right"/>, <paramref name="Wrong"/> and <paramref name="Harmful"/> were that, and the rest is unknown.
/// </summary>
public sealed record KindReport(string Kind, int Wanted, int Escalated, int Failed, int Decided, int Right, int Wrong, int Harmful);

/// <summary>
/// What a data set came to under one configuration. All figures follow from <see cref="Cases"/>. The JSON form has stable names and the number of its form.
/// </summary>
public sealed record EvaluationReport
{
    /// <summary>The number of the JSON form.</summary>
    public const int FormatVersion = 1;

    /// <summary>The number of the JSON form.</summary>
    [JsonPropertyOrder(-1)]
    public int Format { get; init; } = FormatVersion;

    /// <summary>The workflow.</summary>
    public required string Workflow { get; init; }

    /// <summary>The configuration's name.</summary>
    public required string Configuration { get; init; }

    /// <summary>All cases by what became of them.</summary>
    public EvaluationCounts Counts { get; init; }

    /// <summary>Escalated cases by reason, the most frequent first.</summary>
    public IReadOnlyDictionary<string, int> Escalations { get; init; } = new Dictionary<string, int>();

    /// <summary>Failed cases by code, the most frequent first.</summary>
    public IReadOnlyDictionary<string, int> Failures { get; init; } = new Dictionary<string, int>();

    /// <summary>The tiers, in the order of the ladder, and <see cref="EvaluatedCase.ByWorkflow"/> where a workflow decided by itself.</summary>
    public IReadOnlyList<TierReport> Tiers { get; init; } = [];

    /// <summary>The kinds of decision, wanted or made, by name.</summary>
    public IReadOnlyList<KindReport> Kinds { get; init; } = [];

    /// <summary>Confidence against correctness, of the last answer of each case: the one that stood, or that a person was asked about.</summary>
    public Reliability Reliability { get; init; } = new();

    /// <summary>What all runs used up.</summary>
    public Spending Spent { get; init; } = Spending.None;

    /// <summary>How long the cases took.</summary>
    public EvaluationTimes Times { get; init; }

    /// <summary>Every case, in the order of the data set.</summary>
    public required IReadOnlyList<EvaluatedCase> Cases { get; init; }

    /// <summary>The report of cases that were evaluated.</summary>
    public static EvaluationReport Of(string workflow, string configuration, IReadOnlyList<EvaluatedCase> cases)
    {
        ArgumentNullException.ThrowIfNull(cases);
        return new()
        {
            Workflow = workflow,
            Configuration = configuration,
            Counts = EvaluationCounts.Of(cases),
            Escalations = ByReason(cases, EvaluationVerdict.Escalated),
            Failures = ByReason(cases, EvaluationVerdict.Failed),
            Tiers = [.. TierNames(cases).Select(tier => Tier(tier, cases))],
            Kinds = [.. cases.SelectMany(c => c.Truth?.Right ?? []).Concat(cases.Select(c => c.Kind).OfType<string>()).Distinct().Order(StringComparer.Ordinal).Select(kind => Kind(kind, cases))],
            Reliability = Reliability.Of(cases.Where(c => c.Answers.Count > 0).Select(c => c.Answers[^1])),
            Spent = cases.Aggregate(Spending.None, (sum, c) => sum + c.Spent),
            Times = EvaluationTimes.Of(cases.Where(c => c.Verdict != EvaluationVerdict.Failed).Select(c => c.Microseconds)),
            Cases = cases,
        };
    }

    /// <summary>Two configurations side by side, by the ids of their cases.</summary>
    public static EvaluationComparison Compare(EvaluationReport a, EvaluationReport b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        return EvaluationComparison.Of(a, b);
    }

    /// <summary>The report as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Indented);

    /// <summary>Reads a report that <see cref="ToJson"/> wrote, perhaps in an earlier version of this program.</summary>
    /// <exception cref="JsonException">It is none, or of a form that this version cannot read.</exception>
    public static EvaluationReport FromJson(string json)
    {
        var report = JsonSerializer.Deserialize<EvaluationReport>(json, Indented) ?? throw new JsonException("This is no evaluation report: it is null.");
        return report.Format == FormatVersion ? report : throw new JsonException($"This evaluation report has form {report.Format}; this program reads form {FormatVersion}.");
    }

    internal static JsonSerializerOptions Indented { get; } = new(SignalboxJson.Options) { WriteIndented = true };

    private static Dictionary<string, int> ByReason(IReadOnlyList<EvaluatedCase> cases, EvaluationVerdict verdict) => cases
        .Where(c => c.Verdict == verdict).CountBy(c => c.Reason ?? "").OrderByDescending(r => r.Value).ThenBy(r => r.Key, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);

    /// <summary>Tiers in the order in which cases climbed them; who decided without any comes last.</summary>
    private static IEnumerable<string> TierNames(IReadOnlyList<EvaluatedCase> cases) => cases
        .SelectMany(c => c.Tiers.Select((tier, rung) => (tier.Tier, Rung: rung)))
        .GroupBy(t => t.Tier).OrderBy(g => g.Average(t => t.Rung)).ThenBy(g => g.Key, StringComparer.Ordinal).Select(g => g.Key)
        .Concat(cases.Select(c => c.Tier).OfType<string>().Where(t => t != Ladder.Person).Order(StringComparer.Ordinal))
        .Distinct();

    private static TierReport Tier(string tier, IReadOnlyList<EvaluatedCase> cases)
    {
        var answers = cases.SelectMany(c => c.Answers).Where(a => a.Tier == tier).ToList();
        return new TierReport(tier)
        {
            Asked = cases.Count(c => c.Tiers.Any(t => t.Tier == tier)),
            Answered = answers.Count,
            Decided = EvaluationCounts.Of(cases.Where(c => c.Tier == tier)),
            Spent = cases.SelectMany(c => c.Tiers).Where(t => t.Tier == tier).Aggregate(Spending.None, (sum, t) => sum + t.Spent),
            Reliability = Reliability.Of(answers),
            TradeOffs = TradeOff.Of(answers),
        };
    }

    private static KindReport Kind(string kind, IReadOnlyList<EvaluatedCase> cases)
    {
        var wanted = cases.Where(c => c.Truth?.Right.Contains(kind) == true).ToList();
        var decided = EvaluationCounts.Of(cases.Where(c => c.Kind == kind));
        return new(
            kind, wanted.Count, wanted.Count(c => c.Verdict == EvaluationVerdict.Escalated), wanted.Count(c => c.Verdict == EvaluationVerdict.Failed),
            decided.All, decided.Right, decided.Wrong, decided.Harmful);
    }
}
