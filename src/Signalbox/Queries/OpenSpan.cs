using Signalbox.Journal;

namespace Signalbox.Queries;

/// <summary>A span that has not ended.</summary>
internal sealed class OpenSpan(string id, RunSpanType type, string name, OpenSpan? owner, string? parent, Entry first, long startedAt)
{
    private readonly HashSet<OpenSpan> _within = [];
    private readonly Dictionary<string, object> _attributes = [];
    private List<RunSpanEvent>? _events;
    private long _dropped;

    public string Id => id;

    public RunSpanType Type { get; set; } = type;

    /// <summary>Never empty: a model may call a tool by no name.</summary>
    public string Name
    {
        get;
        set => field = value.Length == 0 ? field : value;
    } = name.Length == 0 ? "(none)" : name;

    /// <summary>With whose end it ends at the latest.</summary>
    public OpenSpan? Owner => owner;

    /// <summary>What ends with it.</summary>
    public IReadOnlyCollection<OpenSpan> Within => _within;

    public long StartedAt { get; set; } = startedAt;

    public long FirstSeq => first.Seq;

    public string? Error { get; set; }

    public string? Why { get; set; }

    /// <summary>Who may answer, of a question.</summary>
    public Storage.OpenApproval? Approval { get; set; }

    /// <summary>The agent whose span, or tier's span, it is.</summary>
    public AskedAgent? Agent { get; set; }

    /// <summary>Where it is found again.</summary>
    public SpanPlace? Place { get; init; }

    /// <summary>Whether it is one piece of work of one worker: that worker's end is its end.</summary>
    public bool IsStep => Type is RunSpanType.Read or RunSpanType.Evidence or RunSpanType.ModelCall or RunSpanType.ToolCall;

    private long LastSeq { get; set; } = first.Seq;

    public void Enter() => owner?._within.Add(this);

    public void Leave() => owner?._within.Remove(this);

    public void Touch(Entry entry) => LastSeq = entry.Seq;

    public void Set(string attribute, object? value)
    {
        if (value is not (null or ""))
        {
            _attributes[attribute] = value;
        }
    }

    public void Tell(Entry entry, params ReadOnlySpan<(string Name, object? Value)> attributes)
    {
        Touch(entry);
        if (_events?.Count >= RunSpan.EventsMax)
        {
            Set(SpanAttributes.EventsDropped, ++_dropped);
            return;
        }

        var told = new Dictionary<string, object>();
        foreach (var (key, value) in attributes)
        {
            if (value is not (null or ""))
            {
                told[key] = value;
            }
        }

        (_events ??= []).Add(new RunSpanEvent(entry.Seq, entry.At, entry.Kind, entry.Cause.Length == 0 ? null : entry.Cause, told));
    }

    /// <summary>As it stands; with <paramref name="endedAt"/>, as it ended.</summary>
    public RunSpan ToSpan(long? endedAt) => new()
    {
        Id = id,
        Parent = parent,
        Run = first.Run,
        Type = Type,
        Name = Name,
        State = Type == RunSpanType.Run ? "" : first.State,
        Visit = Type == RunSpanType.Run ? 0 : first.Visit,
        Scope = Type == RunSpanType.Run ? "" : first.Scope,
        StartedAt = StartedAt,
        EndedAt = endedAt,
        Error = Error,
        Why = Why,
        FirstSeq = first.Seq,
        LastSeq = LastSeq,
        Attributes = endedAt is null ? new Dictionary<string, object>(_attributes) : _attributes,
        Events = _events is null ? [] : endedAt is null ? [.. _events] : _events,
    };
}

/// <summary>Where an open span is found again: a step's work or action, a wait or question of the same step, its queueing for claims; a child by its run.</summary>
internal readonly record struct SpanPlace(char Slot, string Scope, string Step);

/// <summary>An agent that was asked in the current visit.</summary>
internal sealed class AskedAgent(string name)
{
    public string Name => name;

    public OpenSpan? Span { get; set; }

    public OpenSpan? Tier { get; set; }

    public string TierScope { get; set; } = "";

    /// <summary>When its last tier ended: the next one begins then.</summary>
    public long TierEndedAt { get; set; }
}
