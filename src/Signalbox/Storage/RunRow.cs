namespace Signalbox;

/// <summary>Where a run is in its life. The last three are ends; a failed run can be retried.</summary>
public enum RunStatus
{
    /// <summary>Can go on at once and waits for a worker.</summary>
    Pending,

    /// <summary>A worker drives it.</summary>
    Running,

    /// <summary>Wakes by itself: at a time, at a signal, or at a person's answer.</summary>
    Waiting,

    /// <summary>Needs an operator, and says why.</summary>
    Held,

    /// <summary>Reached an end that its workflow declares a success.</summary>
    Completed,

    /// <summary>Failed in its state, or reached an end that is no success.</summary>
    Failed,

    /// <summary>Ended because somebody asked for that. Verified effects stay.</summary>
    Canceled,
}

/// <summary>The row of a run: what lists and filters show. Derived from its entries by <see cref="Storage.RunHead"/>, never written otherwise.</summary>
public sealed record RunRow
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>The name of its workflow.</summary>
    public required string Workflow { get; init; }

    /// <summary>The version of its workflow.</summary>
    public required int Version { get; init; }

    /// <summary>The hash of its workflow's definition, which is stored as the payload of that address.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>The caller's key, unique per workflow; null if none was given.</summary>
    public string? Key { get; init; }

    /// <summary>Labels given at the start.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>The run that started this one as its child.</summary>
    public RunId? Parent { get; init; }

    /// <summary>The signal by which the parent learns of this run's end.</summary>
    public string? ParentStep { get; init; }

    /// <summary>Where it is in its life.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>The state it is in; empty before the first.</summary>
    public string State { get; init; } = "";

    /// <summary>The number of the current visit, from 1.</summary>
    public int Visit { get; init; }

    /// <summary>The seq of the entry that began the current visit: recovery reads from there.</summary>
    public long VisitSeq { get; init; }

    /// <summary>The stable code of why it is held or failed (docs/errors.md).</summary>
    public string? ReasonCode { get; init; }

    /// <summary>Why it is held or failed, in words.</summary>
    public string? Reason { get; init; }

    /// <summary>How often a worker took it; each entry carries the epoch it was written under.</summary>
    public int Epoch { get; init; }

    /// <summary>The worker that drives it, while one does.</summary>
    public string? Worker { get; init; }

    /// <summary>The seq of the entry by which that worker took it.</summary>
    public long LeaseSeq { get; init; }

    /// <summary>Unclean take-overs in a row without a new step.</summary>
    public int Deaths { get; init; }

    /// <summary>Whether it is driven alone, because others may have died of it.</summary>
    public bool Alone { get; init; }

    /// <summary>Of <see cref="Deaths"/>, those while it was driven alone.</summary>
    public int DeathsAlone { get; init; }

    /// <summary>Whether somebody asked that it end.</summary>
    public bool CancelRequested { get; init; }

    /// <summary>Whether what it was about was erased: then its key, labels and reason are gone too, and nothing more can happen to it.</summary>
    public bool IsErased { get; init; }

    /// <summary>What its agents have used up. A paid call that is not settled counts with what it had reserved.</summary>
    public Spending Spent { get; init; } = Spending.None;

    /// <summary>When it was started.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>When state or status last changed.</summary>
    public DateTimeOffset ChangedAt { get; init; }

    /// <summary>Whether it has come to an end that nothing leads out of (a failed run can be retried).</summary>
    public bool IsOver => Status is RunStatus.Completed or RunStatus.Canceled;

    /// <summary>Whether work may still happen by itself.</summary>
    public bool IsOpen => Status is RunStatus.Pending or RunStatus.Running or RunStatus.Waiting or RunStatus.Held;
}
