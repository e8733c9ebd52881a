namespace Signalbox.Queries;

/// <summary>Over which runs and what time to add up.</summary>
public sealed record StatisticsQuery
{
    /// <summary>From this time on; null: from the first entry.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Before this time; null: until now.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>One workflow only.</summary>
    public string? Workflow { get; init; }

    /// <summary>Into how many stretches of equal length the time is cut for <see cref="Statistics.Buckets"/>, from 1 to 500.</summary>
    public int Buckets { get; init; } = 24;
}

/// <summary>
/// What runs came to in a stretch of time. <see cref="UpTo"/> is the position of the last entry that is counted.
/// </summary>
public sealed record Statistics
{
    /// <summary>From when.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>Until when.</summary>
    public required DateTimeOffset Until { get; init; }

    /// <summary>The last entry counted.</summary>
    public required long UpTo { get; init; }

    /// <summary>Runs started in that time.</summary>
    public long Started { get; init; }

    /// <summary>How those that ended in that time ended.</summary>
    public IReadOnlyDictionary<RunStatus, long> Ended { get; init; } = new Dictionary<RunStatus, long>();

    /// <summary>Answers of tiers, by tier: how many stood, how many climbed. The tier <c>person</c> counts what people answered.</summary>
    public IReadOnlyList<TierCount> Tiers { get; init; } = [];

    /// <summary>The share of the ended runs that no person was asked about; null if none ended.</summary>
    public double? Autonomy { get; init; }

    /// <summary>Escalations by reason, the most frequent first.</summary>
    public IReadOnlyList<NamedCount> Escalations { get; init; } = [];

    /// <summary>Tool calls that were rejected, by code.</summary>
    public IReadOnlyList<NamedCount> Rejections { get; init; } = [];

    /// <summary>Steps that failed for good, by code.</summary>
    public IReadOnlyList<NamedCount> Failures { get; init; } = [];

    /// <summary>Actions by how they ended.</summary>
    public IReadOnlyList<NamedCount> Actions { get; init; } = [];

    /// <summary>What was used up, by agent, tier and model, the dearest first.</summary>
    public IReadOnlyList<CostView> Costs { get; init; } = [];

    /// <summary>How long things took: <c>run</c>, <c>approval</c>, <c>model:NAME</c>, <c>tool:NAME</c>, <c>evidence:NAME</c>, <c>action:NAME</c>.</summary>
    public IReadOnlyList<Latency> Latencies { get; init; } = [];

    /// <summary>Confidence against what became of it, of the decisions whose outcome is known, by tier (and <c>all</c>).</summary>
    public IReadOnlyList<TierReliability> Reliability { get; init; } = [];

    /// <summary>The same time cut into stretches.</summary>
    public IReadOnlyList<StatisticsBucket> Buckets { get; init; } = [];
}

/// <summary>A name and how often.</summary>
public sealed record NamedCount(string Name, long Count);

/// <summary>What a tier answered.</summary>
public sealed record TierCount(string Tier, long Answers, long Stood, long Climbed);

/// <summary>How long something took, in microseconds. Percentiles are upper bounds of histogram buckets, at most a quarter too high.</summary>
public sealed record Latency(string Name, long Count, long Median, long P95, long Max);

/// <summary>How reliable a tier's confidence is.</summary>
public sealed record TierReliability(string Tier, Reliability Reliability);

/// <summary>One stretch of time: runs started and ended, decisions that stood by tier, escalations by reason, money in millionths.</summary>
public sealed record StatisticsBucket(
    DateTimeOffset From, long Started, long Ended, IReadOnlyDictionary<string, long> Stood, IReadOnlyDictionary<string, long> Escalations, long Micros);
