using System.Text.Json.Serialization;

namespace Signalbox;

/// <summary>What became of a case, measured by its truth.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<EvaluationVerdict>))]
public enum EvaluationVerdict
{
    /// <summary>Decided without a person, as the truth has it.</summary>
    [JsonStringEnumMemberName("right")] Right = 1,

    /// <summary>Decided without a person, otherwise than the truth has it.</summary>
    [JsonStringEnumMemberName("wrong")] Wrong,

    /// <summary>Decided without a person, in a way that the truth calls harmful.</summary>
    [JsonStringEnumMemberName("harmful")] Harmful,

    /// <summary>Handed to a person. Never right or wrong; whether a person was wanted is told apart.</summary>
    [JsonStringEnumMemberName("escalated")] Escalated,

    /// <summary>The run failed, is held, was canceled, took too long, or cannot be read.</summary>
    [JsonStringEnumMemberName("failed")] Failed,

    /// <summary>Decided, and the data set has no truth for it.</summary>
    [JsonStringEnumMemberName("unknown")] Unknown,
}

/// <summary>An answer of a tier, whether it stood or climbed.</summary>
public sealed record TierAnswer(string Tier, string Model, string Kind, double Confidence, bool Stands)
{
    /// <summary>Whether it would stand if only its confidence sufficed: it breaks no rule of the workflow's, and is no wish for a person.</summary>
    public bool MayStand { get; init; }

    /// <summary>Right, wrong, harmful or unknown, had it stood.</summary>
    public EvaluationVerdict Verdict { get; init; } = EvaluationVerdict.Unknown;

    /// <summary>What the tier cost for it, in millionths of the price table's currency.</summary>
    public long Micros { get; init; }
}

/// <summary>What a tier used up for a case, whether or not it gave an answer.</summary>
public sealed record TierSpending(string Tier, Spending Spent);

/// <summary>A case and what became of it. Ids, kinds and reasons are text from outside.</summary>
public sealed record EvaluatedCase
{
    /// <summary>The tier of a decision that no agent's tier made.</summary>
    public const string ByWorkflow = "workflow";

    /// <summary>The case's id in its data set.</summary>
    public required string Id { get; init; }

    /// <summary>Its run, to look at what happened.</summary>
    public required RunId Run { get; init; }

    /// <summary>What would have been right, as far as known.</summary>
    public Truth? Truth { get; init; }

    /// <summary>What became of it.</summary>
    public required EvaluationVerdict Verdict { get; init; }

    /// <summary>The kind of decision; null where a person was asked or the run failed.</summary>
    public string? Kind { get; init; }

    /// <summary>Of an escalated case: whether the truth wants a person.</summary>
    public bool IsForPerson { get; init; }

    /// <summary>Whose decision it was: a tier, <see cref="ByWorkflow"/>, <see cref="Ladder.Person"/>; null where the run failed.</summary>
    public string? Tier { get; init; }

    /// <summary>How sure the decision was.</summary>
    public double? Confidence { get; init; }

    /// <summary>Why a person was asked (one of <see cref="EscalationReasons"/>, or <c>asked</c>), or the code of what failed.</summary>
    public string? Reason { get; init; }

    /// <summary>The same in words.</summary>
    public string? Why { get; init; }

    /// <summary>What its agents used up.</summary>
    public Spending Spent { get; init; } = Spending.None;

    /// <summary>From its start to its end or to its question to a person, by the journal's times, in microseconds. Time in which nobody drove it counts.</summary>
    public long Microseconds { get; init; }

    /// <summary>What the tiers answered, in order.</summary>
    public IReadOnlyList<TierAnswer> Answers { get; init; } = [];

    /// <summary>What the tiers used up, in the order in which they were asked.</summary>
    public IReadOnlyList<TierSpending> Tiers { get; init; } = [];
}
