using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>
/// A named role: instructions, the type of its answer (whose JSON schema the model is given), how sure it is, and its limits. Which tools it has is declared on the state that asks it, which
/// models play it on the ladder. Immutable; one instance may be asked by many runs.
/// </summary>
/// <typeparam name="TAnswer">The answer, a record; what it cannot do without is required of the model.</typeparam>
public sealed class Agent<TAnswer>
{
    /// <summary>An agent of that name, 1 to 50 characters.</summary>
    /// <exception cref="ArgumentException">The name is unfit.</exception>
    public Agent(string name)
    {
        StepKey.ThrowIfUnfit(name);
        Name = name.Length <= 50 ? name : throw new ArgumentException($"An agent's name has at most 50 characters; got {name.Length}.", nameof(name));
    }

    /// <summary>Its name, for states, ladders and journals.</summary>
    public string Name { get; }

    /// <summary>What it is told to be and do: the system message.</summary>
    public required string Instructions { get; init; }

    /// <summary>How sure an answer says it is, 0 to 1; an answer outside is no answer. Null: its answers are no judgements, and any that fits its type stands.</summary>
    public Func<TAnswer, double>? Confidence { get; init; }

    /// <summary>The reasons that an answer gives.</summary>
    public Func<TAnswer, IReadOnlyList<string>> Reasons { get; init; } = static _ => [];

    /// <summary>The kind of decision that an answer is: thresholds may differ by it, and samples agree if it is the same.</summary>
    public Func<TAnswer, string>? Kind { get; init; }

    /// <summary>Signals beside the answer's own.</summary>
    public IReadOnlyList<ConfidenceSignal<TAnswer>> Signals { get; init; } = [];

    /// <summary>Makes one confidence of all signals, by name; by default the lowest.</summary>
    public Func<IReadOnlyDictionary<string, double>, double> Combine { get; init; } = static signals => signals.Values.DefaultIfEmpty(1).Min();

    /// <summary>The highest confidence while a source or a tool of that name is missing; for those not named, <see cref="MissingMax"/>.</summary>
    public IReadOnlyDictionary<string, double> MissingCaps { get; init; } = new Dictionary<string, double>();

    /// <summary>The highest confidence while anything else is missing.</summary>
    public double MissingMax { get; init; } = 0.7;

    /// <summary>What one asking may use up, all tiers together; the run's budget counts besides.</summary>
    public Budget Budget { get; init; } = Budget.Unlimited;

    /// <summary>How many turns a tier has: model calls, with the tool calls between them.</summary>
    public int TurnsMax { get; init; } = 20;

    /// <summary>After how many rejected calls and answers a tier has failed.</summary>
    public int RejectionsMax { get; init; } = 3;

    /// <summary>How often a tier may make the same call in one asking; one more is rejected.</summary>
    public int SameCallMax { get; init; } = 2;

    internal double CapFor(string missing) => MissingCaps.TryGetValue(missing, out var cap) ? cap : MissingMax;
}

/// <summary>A tool as a visit pins it: what the model is shown, and what its calls are checked against.</summary>
public sealed record PinnedTool(string Name, string Description, JsonElement Schema);

/// <summary>
/// What an agent works under in one visit, recorded before its first call: after a crash its turns are found by their number under these tiers, thresholds and tools, whatever the program's are by then.
/// </summary>
public sealed record AgentConfiguration(
    string Agent, IReadOnlyList<Tier> Tiers, IReadOnlyList<PinnedTool> Tools, IReadOnlyDictionary<string, string> Unavailable, int TurnsMax, int RejectionsMax, int SameCallMax);
