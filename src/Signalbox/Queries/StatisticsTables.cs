using System.Text.Json.Serialization;

namespace Signalbox.Queries;

/// <summary>How finely time is cut in the tables of statistics. Each fact is counted once for each of these, so that a query adds few rows, however long the time it asks for.</summary>
internal enum SlotSize
{
    Minute = 1,
    Hour = 2,
    Day = 3,
}

/// <summary>What is counted: in a slot of time (its start, microseconds since 1970), for a workflow, a figure under a name; <paramref name="Bin"/> is that of a latency's histogram.</summary>
internal readonly record struct CountKey(SlotSize Size, long Slot, string Workflow, string Figure, string Name, int Bin = 0);

/// <summary>A sum, and the greatest value in it.</summary>
internal readonly record struct Tally(long Sum, long Max)
{
    public static Tally operator +(Tally a, Tally b) => new(a.Sum + b.Sum, Math.Max(a.Max, b.Max));
}

/// <summary>A decision, to be judged later or never.</summary>
internal sealed record DecisionFigure(RunId Run, string Decision, long Position, long At, string Workflow, string Tier, double Confidence, bool? IsRight = null);

/// <summary>How an action ended, by the last that was said of it.</summary>
internal sealed record ActionFigure(RunId Run, string Action, long At, string Workflow, string Outcome);

/// <summary>Who uses something up.</summary>
internal sealed record Speaker(string Agent, string Tier, string Model);

/// <summary>What must be known of a run to count its next entries. A value: a fold keeps a new one and changes none.</summary>
internal sealed record RunMemory(string Workflow, long StartedAt)
{
    /// <summary>Whether a person was asked about it.</summary>
    public bool Asked { get; init; }

    /// <summary>When it ended, until it is retried.</summary>
    public long? EndedAt { get; init; }

    /// <summary>How it ended.</summary>
    public RunStatus EndedAs { get; init; }

    /// <summary>Whether no person had been asked about it when it ended.</summary>
    public bool EndedAlone { get; init; }

    /// <summary>Who speaks in which scope of the visit.</summary>
    public IReadOnlyDictionary<string, Speaker> Speaking { get; init; } = new Dictionary<string, Speaker>();

    /// <summary>When the questions of the visit were asked, by scope and step.</summary>
    public IReadOnlyDictionary<string, long> Questions { get; init; } = new Dictionary<string, long>();

    /// <summary>When actions that have no verdict yet were first intended, by id.</summary>
    public IReadOnlyDictionary<string, long> Intended { get; init; } = new Dictionary<string, long>();
}

/// <summary>Where a <see cref="StatisticsFold"/> keeps what it counts: in memory, or in tables that survive the process. What it keeps becomes durable together with how far it has read, or not at all.</summary>
internal interface IStatisticsTables
{
    RunMemory? FindRun(RunId run);

    void KeepRun(RunId run, RunMemory memory);

    void Count(CountKey key, Tally tally);

    void Decided(DecisionFigure decision);

    /// <summary>What became of a decision; the last word counts.</summary>
    void Judged(RunId run, string decision, bool isRight);

    /// <summary>What became of an action; the last word counts.</summary>
    void Acted(ActionFigure action);
}

/// <summary>What a <see cref="StatisticsFold"/> has counted. Times are microseconds since 1970, from the first up to but without the second.</summary>
internal interface IStatisticsRows
{
    /// <summary>The start of the first minute and the end of the last one that something was counted in; null if nothing was.</summary>
    (long First, long Last)? Span { get; }

    /// <summary>What was counted, but for latencies.</summary>
    IEnumerable<KeyValuePair<CountKey, Tally>> Counts(SlotSize size, long from, long until, string? workflow);

    /// <summary>The histograms of latencies, apart from the rest since they have many rows.</summary>
    IEnumerable<KeyValuePair<CountKey, Tally>> Latencies(SlotSize size, long from, long until, string? workflow);

    /// <summary>Those that were judged, in the order in which they were made.</summary>
    IEnumerable<DecisionFigure> Decisions(long from, long until, string? workflow);

    /// <summary>Actions that ended in that time, by how.</summary>
    IEnumerable<NamedCount> Actions(long from, long until, string? workflow);
}

/// <summary>Tables in memory: of one pass over a log.</summary>
internal sealed class MemoryStatisticsTables : IStatisticsTables, IStatisticsRows
{
    private readonly Dictionary<RunId, RunMemory> _runs = [];
    private readonly Dictionary<CountKey, Tally> _counts = [];
    private readonly Dictionary<(RunId Run, string Decision), DecisionFigure> _decisions = [];
    private readonly Dictionary<(RunId Run, string Action), ActionFigure> _actions = [];

    public (long First, long Last)? Span =>
        _counts.Keys.Where(k => k.Size == SlotSize.Minute).Select(k => k.Slot).Order().ToList() is [var first, ..] slots ? (first, slots[^1] + Slots.Width(SlotSize.Minute)) : null;

    public RunMemory? FindRun(RunId run) => _runs.GetValueOrDefault(run);

    public void KeepRun(RunId run, RunMemory memory) => _runs[run] = memory;

    public void Count(CountKey key, Tally tally) => _counts[key] = _counts.GetValueOrDefault(key) + tally;

    public void Decided(DecisionFigure decision) => _decisions[(decision.Run, decision.Decision)] = decision;

    public void Judged(RunId run, string decision, bool isRight)
    {
        if (_decisions.TryGetValue((run, decision), out var made))
        {
            _decisions[(run, decision)] = made with { IsRight = isRight };
        }
    }

    public void Acted(ActionFigure action) => _actions[(action.Run, action.Action)] = action;

    public IEnumerable<KeyValuePair<CountKey, Tally>> Counts(SlotSize size, long from, long until, string? workflow) => Find(size, from, until, workflow).Where(c => c.Key.Figure != Figures.Latency);

    public IEnumerable<KeyValuePair<CountKey, Tally>> Latencies(SlotSize size, long from, long until, string? workflow) => Find(size, from, until, workflow).Where(c => c.Key.Figure == Figures.Latency);

    private IEnumerable<KeyValuePair<CountKey, Tally>> Find(SlotSize size, long from, long until, string? workflow) =>
        _counts.Where(c => c.Key.Size == size && c.Key.Slot >= from && c.Key.Slot < until && (workflow is null || c.Key.Workflow == workflow));

    public IEnumerable<DecisionFigure> Decisions(long from, long until, string? workflow) =>
        _decisions.Values.Where(d => d.IsRight is not null && d.At >= from && d.At < until && (workflow is null || d.Workflow == workflow)).OrderBy(d => d.Position);

    public IEnumerable<NamedCount> Actions(long from, long until, string? workflow) =>
        _actions.Values.Where(a => a.At >= from && a.At < until && (workflow is null || a.Workflow == workflow)).CountBy(a => a.Outcome).Select(g => new NamedCount(g.Key, g.Value));
}

/// <summary>Slots of time, all in UTC.</summary>
internal static class Slots
{
    private const long MicrosecondsOfAMinute = 60_000_000;

    public static long Width(SlotSize size) => size switch
    {
        SlotSize.Minute => MicrosecondsOfAMinute,
        SlotSize.Hour => 60 * MicrosecondsOfAMinute,
        _ => 24 * 60 * MicrosecondsOfAMinute,
    };

    /// <summary>The start of the stretch that a time lies in.</summary>
    public static long Floor(long at, long width) => at - (((at % width) + width) % width);

    /// <summary>The first start of a stretch that is no earlier than a time.</summary>
    public static long Ceiling(long at, long width) => Floor(at + width - 1, width);
}

/// <summary>Writes and reads what is remembered of runs, for tables that keep it as text.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(RunMemory))]
internal sealed partial class RunMemoryJson : JsonSerializerContext;
