using Signalbox.Journal;

namespace Signalbox.Storage;

/// <summary>
/// Reads runs and their journals. Safe to call from several threads. What it returns has been committed; a run's entries come
/// as a prefix of its journal, and later reads never return less.
/// </summary>
public interface IRunReader : IAsyncDisposable
{
    /// <summary>The run, or null if the store has none of that id.</summary>
    ValueTask<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken);

    /// <summary>The run that a workflow has under a caller's key, or null.</summary>
    ValueTask<RunHead?> FindByKeyAsync(string workflow, string key, CancellationToken cancellationToken);

    /// <summary>Runs that match, the newest start first, at most <see cref="RunQuery.Limit"/>.</summary>
    ValueTask<IReadOnlyList<RunHead>> ListAsync(RunQuery query, CancellationToken cancellationToken);

    /// <summary>Entries of a run from <paramref name="fromSeq"/> on, in order, at most <paramref name="max"/>.</summary>
    ValueTask<IReadOnlyList<Entry>> ReadAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken);

    /// <summary>Entries of all runs after <paramref name="position"/>, in commit order, at most <paramref name="max"/>.</summary>
    ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken);

    /// <summary>Claims that match and have not expired, in the order of their position, at most <see cref="ClaimQuery.Limit"/>.</summary>
    ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken);

    /// <summary>How much of a limit was used up after that time (microseconds since 1970) by all runs together. What lies before the limit's window may be forgotten.</summary>
    ValueTask<long> UsedAsync(string limit, long after, CancellationToken cancellationToken);

    /// <summary>The bytes of a payload, or null if they are missing or no longer those of their address.</summary>
    ValueTask<ReadOnlyMemory<byte>?> FindPayloadAsync(PayloadHash hash, CancellationToken cancellationToken);
}

/// <summary>
/// The only storage seam. A store keeps entries, keeps what <see cref="RunHead"/> makes of them in the same transaction, and
/// adds no rule of its own; the contract suite in Signalbox.Testing defines the rest. Safe to call from several threads.
/// </summary>
public interface IRunStore : IRunReader
{
    /// <summary>
    /// Appends under the commit's conditions. When it returns <see cref="CommitStatus.Committed"/>, the entries survive the death of
    /// any process and, where the disk honours a flush, of the machine.
    /// </summary>
    /// <exception cref="StoreUnavailableException">Nothing was written, and the same commit may be tried again.</exception>
    ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken);

    /// <summary>
    /// Gives the worker runs that can go on now, each under a new epoch, recorded by an entry: pending ones, waiting ones that are due,
    /// and those whose worker died. See <see cref="LeaseRules"/>.
    /// </summary>
    ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Says that the worker lives, for so long from now by the store's clock. False: its leases were voided (it was silent too long);
    /// it must stop driving what it has, and is alive again from here on.
    /// </summary>
    ValueTask<bool> HeartbeatAsync(string worker, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>Ends the worker's leases at once.</summary>
    ValueTask RetireAsync(string worker, CancellationToken cancellationToken);

    /// <summary>
    /// Calls back after each commit that changed a run's status or came from outside, in no particular thread and perhaps late or (across
    /// machines) not at all: a hint, never the truth. Disposing ends it.
    /// </summary>
    IDisposable Subscribe(Action<RunChange> onChange);
}

/// <summary>A hint that a run has changed.</summary>
public readonly record struct RunChange(RunId Run, RunStatus Status, bool CancelRequested, bool FromOutside);

/// <summary>Which runs to list. Everything given must hold.</summary>
public sealed record RunQuery
{
    /// <summary>The workflow's name.</summary>
    public string? Workflow { get; init; }

    /// <summary>The workflow's version.</summary>
    public int? Version { get; init; }

    /// <summary>One of these statuses; empty for any.</summary>
    public IReadOnlyCollection<RunStatus> Statuses { get; init; } = [];

    /// <summary>The state.</summary>
    public string? State { get; init; }

    /// <summary>How the id begins.</summary>
    public string? IdPrefix { get; init; }

    /// <summary>The key that it was started with, exactly. Runs of different workflows may have the same.</summary>
    public string? Key { get; init; }

    /// <summary>Labels it must have, with these values.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Started at this time or later.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Started before this time.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>State or status changed at this time or later.</summary>
    public DateTimeOffset? ChangedSince { get; init; }

    /// <summary>Whose agents have used up at least so much money, in millionths of the price table's currency.</summary>
    public long? MicrosMin { get; init; }

    /// <summary>State or status last changed before this time: of runs that have ended, when they ended.</summary>
    public DateTimeOffset? ChangedBefore { get; init; }

    /// <summary>Only runs whose bodies were erased, or only those whose were not.</summary>
    public bool? IsErased { get; init; }

    /// <summary>Only runs of one definition other than this fingerprint.</summary>
    public string? FingerprintIsNot { get; init; }

    /// <summary>Only runs with an open question to a person.</summary>
    public bool AsksAPerson { get; init; }

    /// <summary>Go on after this run, in the order of the list; from the start if null.</summary>
    public RunId? After { get; init; }

    /// <summary>How many at most, from 1 to 10,000.</summary>
    public int Limit { get; init; } = 100;
}

/// <summary>A workflow's name and version.</summary>
public readonly record struct WorkflowVersion(string Name, int Version)
{
    /// <inheritdoc />
    public override string ToString() => $"{Name} v{Version}";
}
