using Signalbox.Search;
using Signalbox.Storage;

namespace Signalbox.Queries;

/// <summary>How a part of the system is.</summary>
public enum Health
{
    /// <summary>Nothing is to be done.</summary>
    Good,

    /// <summary>Somebody should look.</summary>
    Attention,

    /// <summary>Something does not work.</summary>
    Bad,
}

/// <summary>What to think of a part of the system, in words: <paramref name="Part"/> is <c>store</c>, <c>workers</c>, <c>runs</c>, <c>index</c> or <c>workflows</c>.</summary>
public sealed record Verdict(string Part, Health Health, string Words);

/// <summary>Whether everything works, and what it works on, at the time of <see cref="At"/>.</summary>
public sealed record SystemView
{
    /// <summary>When this was looked at.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>What the store says of itself; null if it says nothing.</summary>
    public StoreFacts? Store { get; init; }

    /// <summary>How far the search index has come; null if there is none.</summary>
    public IndexStatus? Index { get; init; }

    /// <summary>Who drives what, by the worker's name.</summary>
    public IReadOnlyList<WorkerView> Workers { get; init; } = [];

    /// <summary>A verdict on each part, always in the same order.</summary>
    public IReadOnlyList<Verdict> Verdicts { get; init; } = [];

    /// <summary>The worst of the verdicts.</summary>
    public Health Health => Verdicts.Count == 0 ? Health.Good : Verdicts.Max(v => v.Health);
}

/// <summary>A worker and the runs that it drives. <paramref name="AliveUntil"/> is until when its lease lasts; null where only the process that owns the store knows.</summary>
public sealed record WorkerView(string Name, DateTimeOffset? AliveUntil, bool? IsAlive, IReadOnlyList<RunRow> Runs);

/// <summary>A conflict, as the run of whose journal it is tells it.</summary>
public sealed record RunConflict(RunId Run, ConflictView Conflict);
