using System.Text.Json.Serialization;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>Why a decision climbs, as recorded.</summary>
public static class EscalationReasons
{
    /// <summary>The confidence is below the tier's threshold.</summary>
    public const string LowConfidence = "low_confidence";

    /// <summary>It would have sufficed, had no evidence been missing.</summary>
    public const string MissingEvidence = "missing_evidence";

    /// <summary>The tier's own samples do not agree.</summary>
    public const string Disagreement = "disagreement";

    /// <summary>The tier called tools that are not there, or answered what is no answer, too often.</summary>
    public const string RejectedCalls = "rejected_calls";

    /// <summary>A budget or the number of turns is used up.</summary>
    public const string Budget = "budget";

    /// <summary>The decision breaks a rule of the workflow's.</summary>
    public const string Policy = "policy";

    /// <summary>The decision stands against another one.</summary>
    public const string Conflict = "conflict";

    /// <summary>The model, and what it falls back to, gave no answer.</summary>
    public const string ModelFailure = "model_failure";
}

/// <summary>What one tier said, and why the decision climbed from it (null: it stands).</summary>
public sealed record TierOpinion(string Tier, string Model)
{
    /// <summary>Its answer as JSON; none if it gave none.</summary>
    public RawJson? Answer { get; init; }

    /// <summary>The kind of decision it came to.</summary>
    public string? Kind { get; init; }

    /// <summary>The confidence that counted.</summary>
    public double? Confidence { get; init; }

    /// <summary>Its reasons; a model's words.</summary>
    public IReadOnlyList<string> Reasons { get; init; } = [];

    /// <summary>One of <see cref="EscalationReasons"/>.</summary>
    public string? Climbed { get; init; }

    /// <summary>Why, in words.</summary>
    public string? Why { get; init; }
}

/// <summary>What a tool answered on the way to a decision. Long answers are cut.</summary>
public sealed record Finding(string Tool, RawJson Arguments, RawJson Answer);

/// <summary>Everything that goes along when a decision climbs: what each tier said and why it was not enough, what was found, what is missing. Data from outside.</summary>
public sealed record Dossier
{
    /// <summary>The tiers that were asked, in order.</summary>
    public IReadOnlyList<TierOpinion> Opinions { get; init; } = [];

    /// <summary>What tools answered, each question once.</summary>
    public IReadOnlyList<Finding> Findings { get; init; } = [];

    /// <summary>What did not answer, and why.</summary>
    public IReadOnlyDictionary<string, string> Missing { get; init; } = new Dictionary<string, string>();
}

/// <summary>
/// What came of asking an agent: an answer that <see cref="Stands"/>, or a question for a person, with the last tier's answer as a proposal and the whole dossier. A value: it may be part of a case.
/// </summary>
public sealed record Decision<TAnswer>
{
    /// <summary>Its id in the journal; what becomes of it is recorded under it. Empty if no tier gave an answer.</summary>
    public string Id { get; init; } = "";

    /// <summary>The agent.</summary>
    public required string Agent { get; init; }

    /// <summary>Whether a tier's decision stands. Otherwise a person decides.</summary>
    public required bool Stands { get; init; }

    /// <summary>The answer that stands, or the last one that was given; default if no tier gave one.</summary>
    public TAnswer? Answer { get; init; }

    /// <summary>The kind of decision, as the agent names it.</summary>
    public string Kind { get; init; } = "";

    /// <summary>The probability that it is right, as it counted; 0 without an answer.</summary>
    public double Confidence { get; init; }

    /// <summary>The tier that gave the answer.</summary>
    public string? Tier { get; init; }

    /// <summary>The model that gave the answer.</summary>
    public string? Model { get; init; }

    /// <summary>Why a person must decide: one of <see cref="EscalationReasons"/>.</summary>
    public string? Reason { get; init; }

    /// <summary>The same in words; null where it stands.</summary>
    public string? Why { get; init; }

    /// <summary>What the asking cost in all, in millionths of the price table's currency.</summary>
    public long Micros { get; init; }

    /// <summary>Everything that was said and found.</summary>
    public required Dossier Dossier { get; init; }

    /// <summary>The reasons of the answer; a model's words.</summary>
    [JsonIgnore]
    public IReadOnlyList<string> Reasons => Dossier.Opinions.LastOrDefault(o => o.Answer is not null)?.Reasons ?? [];
}

/// <summary>
/// A confidence signal beside what the model says of itself. It is measured once the answer is known, through recorded steps of the scope it is given, so that it is the same after a crash.
/// </summary>
public abstract class ConfidenceSignal<TAnswer>
{
    /// <summary>Its name in the journal.</summary>
    public abstract string Name { get; }

    /// <summary>The probability, 0 to 1, that the answer is right; null if it has nothing to say.</summary>
    public abstract Task<double?> MeasureAsync(VisitScope scope, TAnswer answer);
}
