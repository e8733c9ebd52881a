namespace Signalbox.Queries;

/// <summary>What a span is of.</summary>
public enum RunSpanType
{
    /// <summary>The run itself, from its start to its end.</summary>
    Run,

    /// <summary>A visit of a state.</summary>
    Visit,

    /// <summary>An agent's asking, over all its tiers.</summary>
    Agent,

    /// <summary>One tier of a ladder, with its turns.</summary>
    Tier,

    /// <summary>One model call.</summary>
    ModelCall,

    /// <summary>One tool call, carried out or rejected.</summary>
    ToolCall,

    /// <summary>What a source was asked.</summary>
    Evidence,

    /// <summary>A plain recorded step.</summary>
    Read,

    /// <summary>An action from its first look to its verdict.</summary>
    Action,

    /// <summary>A question to a person.</summary>
    Approval,

    /// <summary>A timer or the wait for a signal.</summary>
    Wait,

    /// <summary>A child run, as its parent sees it.</summary>
    Child,
}

/// <summary>
/// A stretch of a run's time, as its entries tell it: the timeline and the traces are made of these. Derived alone from the journal, so that the same entries give the same spans, ids included, whoever reads them.
/// </summary>
public sealed record RunSpan
{
    /// <summary>Sixteen hexadecimal digits, from the run and what the span is of.</summary>
    public required string Id { get; init; }

    /// <summary>The span it lies in; null for the run's own. A failed run that is tried again goes on in a span of its own, which lies in the run's first.</summary>
    public string? Parent { get; init; }

    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>What it is of.</summary>
    public required RunSpanType Type { get; init; }

    /// <summary>A short name: a state, an agent, a tier, a model, a tool, a source, an action.</summary>
    public required string Name { get; init; }

    /// <summary>The state it happened in; empty for the run's own.</summary>
    public string State { get; init; } = "";

    /// <summary>The visit; 0 for the run's own.</summary>
    public int Visit { get; init; }

    /// <summary>The scope within the visit.</summary>
    public string Scope { get; init; } = "";

    /// <summary>When it began, microseconds since 1970.</summary>
    public required long StartedAt { get; init; }

    /// <summary>When it ended; null while it lasts.</summary>
    public long? EndedAt { get; init; }

    /// <summary>The stable code of how it failed; null if it did not.</summary>
    public string? Error { get; init; }

    /// <summary>Why, in words: the cause of a transition, the reason of a failure, of an escalation. May be text from outside.</summary>
    public string? Why { get; init; }

    /// <summary>The seq of the first entry that tells of it.</summary>
    public required long FirstSeq { get; init; }

    /// <summary>The seq of the last entry that tells of it.</summary>
    public required long LastSeq { get; init; }

    /// <summary>More of it, by the names of OpenTelemetry's semantic conventions where those have one (<c>gen_ai.request.model</c>), else by ours (<c>signalbox.tier</c>). Texts, whole numbers, fractions and booleans.</summary>
    public IReadOnlyDictionary<string, object> Attributes { get; init; } = new Dictionary<string, object>();

    /// <summary>What happened within it, in order: the first <see cref="EventsMax"/> of that.</summary>
    public IReadOnlyList<RunSpanEvent> Events { get; init; } = [];

    /// <summary>How many events a span keeps.</summary>
    public const int EventsMax = 100;
}

/// <summary>
/// Something that happened within a span, at <paramref name="At"/> (microseconds since 1970). <paramref name="Name"/> is the kind of its entry; <paramref name="Why"/> may be text from outside.
/// </summary>
public sealed record RunSpanEvent(long Seq, long At, string Name, string? Why, IReadOnlyDictionary<string, object> Attributes);
