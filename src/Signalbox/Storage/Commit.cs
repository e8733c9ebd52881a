using Signalbox.Journal;

namespace Signalbox.Storage;

/// <summary>
/// Entries that are appended to one run as one unit, or not at all. Everything else a transaction does (row, waits,
/// mailbox) follows from them by <see cref="RunHead"/>. A first entry of kind <see cref="EntryKinds.RunStarted"/> creates the run.
/// </summary>
public sealed record Commit
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>The entries, at least one.</summary>
    public required IReadOnlyList<EntryDraft> Entries { get; init; }

    /// <summary>The lease it is written under: refused unless the run is being driven under this epoch. Null for what comes from outside.</summary>
    public int? Epoch { get; init; }

    /// <summary>Refused unless this is the seq of the run's last entry. Null: no such condition.</summary>
    public long? ExpectedSeq { get; init; }

    /// <summary>
    /// Commits to other runs in the same transaction (a child's start, a signal to a parent). One that its run refuses is
    /// left out and refuses nothing else.
    /// </summary>
    public IReadOnlyList<Commit> Also { get; init; } = [];
}

/// <summary>How a commit ended.</summary>
public enum CommitStatus
{
    /// <summary>It is on disk.</summary>
    Committed,

    /// <summary>Nothing was written: somebody else drives the run.</summary>
    LeaseLost,

    /// <summary>Nothing was written: entries came in between.</summary>
    SeqMoved,

    /// <summary>Nothing was written: there is no such run.</summary>
    RunNotFound,

    /// <summary>Nothing was written: the workflow has a run under that key; <see cref="CommitResult.Head"/> is that run.</summary>
    KeyTaken,

    /// <summary>Nothing was written: claims or limits that all runs share refuse it; <see cref="CommitResult.Claims"/> says why.</summary>
    ClaimsRefused,

    /// <summary>Nothing was written: the run, as it is, refuses an entry; <see cref="CommitResult.Refusal"/> says why.</summary>
    Refused,
}

/// <summary>The store's answer to a commit. <paramref name="Head"/> is the run afterwards, or as it is if nothing was written.</summary>
public sealed record CommitResult(CommitStatus Status, RunHead? Head, IReadOnlyList<Entry> Entries, Refusal? Refusal = null, ClaimRefusal? Claims = null)
{
    /// <summary>Whether it is on disk.</summary>
    public bool IsCommitted => Status == CommitStatus.Committed;
}
