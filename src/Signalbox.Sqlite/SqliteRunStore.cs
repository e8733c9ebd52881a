using System.Collections.Frozen;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using SQLitePCL;
using Signalbox.Journal;
using Signalbox.Sqlite.Commands;
using Signalbox.Sqlite.Files;
using Signalbox.Sqlite.Payloads;
using Signalbox.Sqlite.Reading;
using Signalbox.Sqlite.Writing;
using Signalbox.Storage;

namespace Signalbox.Sqlite;

/// <summary>
/// A store in one SQLite file. This process owns it while it is open: an operating system's lock, which no process outlives, keeps every other
/// from writing; those read for themselves and hand in commands (<see cref="SqliteRunAccess"/>). A commit that was answered with
/// <see cref="CommitStatus.Committed"/> has been flushed to the disk; commits of many runs share a flush. Opening voids every earlier lease at
/// once, since the lock proves that nobody drives a run any more. Safe to call from several threads.
/// </summary>
public sealed class SqliteRunStore : IRunStore, IRoleSource, IRedactionKeeper, IStoreFacts
{
    private static readonly FrozenDictionary<PayloadHash, PackedPayload> NoPayloads = FrozenDictionary<PayloadHash, PackedPayload>.Empty;

    private static readonly TimeSpan BetweenScrubs = TimeSpan.FromMilliseconds(200);

    private readonly StorePaths _paths;
    private readonly SqliteStoreOptions _options;
    private readonly StoreLock _lock;
    private readonly StoreGroup? _group;
    private readonly SqliteConnection _connection;
    private readonly PayloadFiles _files;
    private readonly KnownPayloads _known = new();
    private readonly SqliteReader _reader;
    private readonly KeyRoles _roles;
    private readonly ChangeHints _hints;
    private readonly WorkerLeases _workers;
    private readonly JournalWriter _writer;
    private readonly CommitQueue _queue;
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _sweep;
    private readonly CommandSocket? _socket;
    private int _disposed;
    private int _scrubbing;

    private SqliteRunStore(StorePaths paths, SqliteStoreOptions options, StoreLock @lock, StoreGroup? group, SqliteConnection connection)
    {
        _paths = paths;
        _options = options with { Path = paths.Database };
        _lock = @lock;
        _group = group;
        _connection = connection;
        _files = new PayloadFiles(paths.Payloads, group);
        _roles = new KeyRoles(options.Roles ?? new RoleBook(paths), new KeyFile(paths.Database), options.Clock);
        _reader = new SqliteReader(paths, _files, options.Clock);
        _hints = new ChangeHints(options.Logger);
        _workers = new WorkerLeases(options.Clock);
        _writer = new JournalWriter(connection, _options, _files, _known, _hints, _workers);
        _queue = new CommitQueue(_writer, paths.Database);
        _socket = options.TakesCommands && SocketPlace.IsSupported ? CommandSocket.Open(paths, this, group, options.Logger) : null;
        _sweep = options.TakesCommands ? Task.Run(Sweep) : Task.CompletedTask;
    }

    /// <summary>The store's file, as a full path.</summary>
    public string Path => _paths.Database;

    /// <summary>Whether a transaction is under way.</summary>
    internal bool IsWriting => _queue.IsWriting;

    /// <summary>Ends when payload files that nothing refers to have been swept, or could not be.</summary>
    internal Task Swept => _sweep;

    /// <summary>How many transactions this store has committed: fewer than commits where many share one.</summary>
    public long Transactions => _writer.Transactions;

    /// <summary>Opens the store, or makes it where there is no file yet, and takes the right to write to it.</summary>
    /// <exception cref="StoreRefusedException">
    /// <c>store_owned</c> (another process writes), <c>store_newer</c>, <c>store_foreign</c>, <c>store_damaged</c>, <c>store_unsupported</c>,
    /// <c>store_group</c> (cannot be shared so) or <c>store_not_found</c> (no such folder). Nothing was changed.
    /// </exception>
    /// <exception cref="StoreUnavailableException">The disk is full or fails.</exception>
    public static async ValueTask<SqliteRunStore> OpenAsync(SqliteStoreOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        var paths = new StorePaths(options.Path);
        if (!Directory.Exists(paths.Folder))
        {
            throw new StoreRefusedException("store_not_found", $"The store '{paths.Database}' cannot be opened: there is no folder '{paths.Folder}'. Make it, or correct the path.");
        }

        return Open(paths, options, await TakeLockAsync(paths, options.TakesCommands, cancellationToken));
    }

    /// <inheritdoc />
    public ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(commit);
        cancellationToken.ThrowIfCancellationRequested();
        var packed = Pack(commit);
        var done = _queue.RunAsync(writer => writer.Append(commit, packed), cancellationToken);
        return CommitRules.Erases(commit) ? ScrubAfterAsync(done) : done;
    }

    /// <inheritdoc />
    public ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        return _queue.RunAsync(writer => writer.Lease(request), cancellationToken);
    }

    /// <inheritdoc />
    public ValueTask<bool> HeartbeatAsync(string worker, TimeSpan lease, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(worker);
        return ValueTask.FromResult(_workers.Heartbeat(worker, lease));
    }

    /// <inheritdoc />
    public ValueTask RetireAsync(string worker, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(worker);
        _workers.Retire(worker);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public IDisposable Subscribe(Action<RunChange> onChange)
    {
        ArgumentNullException.ThrowIfNull(onChange);
        return _hints.Subscribe(onChange);
    }

    /// <inheritdoc />
    public ValueTask<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) => _reader.FindAsync(run, cancellationToken);

    /// <inheritdoc />
    public ValueTask<RunHead?> FindByKeyAsync(string workflow, string key, CancellationToken cancellationToken) => _reader.FindByKeyAsync(workflow, key, cancellationToken);

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<RunHead>> ListAsync(RunQuery query, CancellationToken cancellationToken) => _reader.ListAsync(query, cancellationToken);

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<Entry>> ReadAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken) => _reader.ReadAsync(run, fromSeq, max, cancellationToken);

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken) => _reader.ReadLogAsync(position, max, cancellationToken);

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken) => _reader.ClaimsAsync(query, cancellationToken);

    /// <inheritdoc />
    public ValueTask<long> UsedAsync(string limit, long after, CancellationToken cancellationToken) => _reader.UsedAsync(limit, after, cancellationToken);

    /// <inheritdoc />
    public ValueTask<ReadOnlyMemory<byte>?> FindPayloadAsync(PayloadHash hash, CancellationToken cancellationToken) => _reader.FindPayloadAsync(hash, cancellationToken);

    /// <inheritdoc />
    public async ValueTask<StoreFacts> FactsAsync(CancellationToken cancellationToken) =>
        await _reader.FactsAsync(cancellationToken) with { Owner = $"{OwnerInfo.Self}, this one", Workers = _workers.All() };

    /// <summary>The roles of an actor by the role book beside the store and by the actor's live keys, both read now; null where there is no such book, and the actor never had a key.</summary>
    /// <exception cref="StoreRefusedException"><c>roles_unusable</c>, <c>keys_unusable</c>: one of the files cannot be read, makes no sense, or others than its owner may write it.</exception>
    public IReadOnlyCollection<string>? RolesOf(string actor) => _roles.RolesOf(actor);

    /// <summary>Adds rules of redaction to the file beside the store, where every program that shows it finds them, and gives all that stand there.</summary>
    /// <exception cref="StoreRefusedException"><c>redaction_unusable</c>: the file cannot be read, makes no sense, or others than its owner may write it.</exception>
    public RedactionRules Mark(RedactionRules rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        return new RedactionBook(_paths).Add(rules, _group);
    }

    /// <summary>Finishes the commits it has accepted, tidies the file, and gives up the right to write. Later calls are refused with <c>store_closed</c>.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
        {
            return;
        }

        if (_socket is not null)
        {
            await _socket.DisposeAsync();
        }

        await _closing.CancelAsync();
        await _sweep;
        await _queue.CloseAsync();
        await _reader.DisposeAsync();
        try
        {
            StoreSchema.Execute(_connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        }
        catch (SqliteException e)
        {
            _options.Logger?.LogWarning(e, "The write-ahead log of the store {Path} could not be copied into the database. Nothing is lost: the next owner does it.", _paths.Database);
        }

        _writer.Dispose();
        _lock.Dispose();
        _closing.Dispose();
    }

    /// <summary>Who hands in a command, whom the kernel has named. Roles are looked up where they count, so that a faulty role book keeps nobody from cancelling a run.</summary>
    internal Caller CallerOf(RunCommand command, string actor) => new(actor, command is AnswerApproval or EraseRun ? RolesOf(actor) ?? [Caller.AnyRole] : []);

    /// <summary>Opens the store under a lock that is held already; the lock is given up with the store, also if this fails.</summary>
    internal static SqliteRunStore Open(StorePaths paths, SqliteStoreOptions options, StoreLock taken)
    {
        SqliteConnection? connection = null;
        try
        {
            var group = StoreGroup.Of(options.Group, paths);
            if (!File.Exists(paths.Database))
            {
                StoreSchema.Create(paths);
            }

            StoreSchema.ThrowIfEmpty(paths);
            connection = StoreConnection.OpenToWrite(paths, paths.Database, create: false);
            if (options.PagesMax is { } pages)
            {
                StoreSchema.Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA max_page_count = {pages}"));
            }

            options.Logger?.LogDebug("The store {Path} is open, with SQLite {Version}.", paths.Database, raw.sqlite3_libversion().utf8_to_string());
            group?.ShareDatabase(connection);
            group?.SharePayloads();
            if (options.TakesCommands && StoreBackup.TakeNote(paths) is { } note)
            {
                options.Logger?.LogWarning(
                    "store_restored: the store {Path} is a copy of {At:u}, up to position {Position}. What was done after that is not in it: its runs look at their targets again before they act, but runs started later are gone, and targets that cannot be asked (T4) may be acted on a second time. See docs/operations.md.",
                    paths.Database, note.At, note.Position);
            }

            return new SqliteRunStore(paths, options, taken, group, connection);
        }
        catch (Exception e)
        {
            connection?.Dispose();
            taken.Dispose();
            var told = SqliteErrors.Translate(e, paths.Database);
            if (told == e)
            {
                throw;
            }

            throw told;
        }
    }

    /// <summary>A command that only passes by holds the lock for moments, so a first refusal is not the last word.</summary>
    private static async ValueTask<StoreLock> TakeLockAsync(StorePaths paths, bool stays, CancellationToken cancellationToken)
    {
        const int Attempts = 40;
        for (var attempt = 1; ; attempt++)
        {
            if (StoreLock.TryTake(paths, stays) is { } taken)
            {
                return taken;
            }

            if (attempt == Attempts || StoreLock.Holder(paths) is { Stays: true })
            {
                throw StoreLock.Owned(paths, StoreLock.Holder(paths));
            }

            await Task.Delay(TimeSpan.FromMilliseconds(25), TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>Answers an erasure, and sees to it that the write-ahead log is cut as soon as nobody reads what it held before.</summary>
    private async ValueTask<CommitResult> ScrubAfterAsync(ValueTask<CommitResult> erasure)
    {
        var result = await erasure;
        if (_writer.IsScrubDue && Interlocked.Exchange(ref _scrubbing, 1) == 0)
        {
            _ = Task.Run(ScrubAsync);
        }

        return result;
    }

    private async Task ScrubAsync()
    {
        try
        {
            do
            {
                while (_writer.IsScrubDue)
                {
                    await Task.Delay(BetweenScrubs, TimeProvider.System, _closing.Token);
                    await _queue.RunAsync(static _ => 0, _closing.Token); // after each transaction, this empty one too, the writer tries
                }

                Interlocked.Exchange(ref _scrubbing, 0);
            }
            while (_writer.IsScrubDue && Interlocked.Exchange(ref _scrubbing, 1) == 0); // an erasure in between has left it to this one
        }
        catch (Exception e) when (e is OperationCanceledException or StoreUnavailableException or StoreRefusedException)
        {
            // Closing cuts it, or else the next owner.
            Interlocked.Exchange(ref _scrubbing, 0);
        }
    }

    /// <summary>Compresses payloads, and writes the large ones to their files, on the caller's thread and before its turn to write.</summary>
    private IReadOnlyDictionary<PayloadHash, PackedPayload> Pack(Commit commit)
    {
        if (!HasPayloads(commit) && !commit.Also.Any(HasPayloads))
        {
            return NoPayloads;
        }

        var packed = new Dictionary<PayloadHash, PackedPayload>();
        foreach (var payload in commit.Also.Prepend(commit).SelectMany(c => c.Entries).SelectMany(e => e.Payloads))
        {
            if (_known.Contains(payload.Hash) || packed.ContainsKey(payload.Hash) || _reader.PayloadId(payload.Hash) is not null)
            {
                continue;
            }

            var pack = PackedPayload.Of(payload);
            if (pack.BelongsInFile)
            {
                Write(pack);
            }

            packed[payload.Hash] = pack;
        }

        return packed;

        static bool HasPayloads(Commit commit) => commit.Entries.Any(e => e.Payloads.Count > 0);
    }

    private void Write(PackedPayload pack)
    {
        try
        {
            _files.Write(pack);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw SqliteErrors.Translate(e, _paths.Database);
        }
    }

    private void Sweep()
    {
        try
        {
            _files.Sweep(hash => _reader.PayloadId(hash) is not null, _closing.Token);
        }
        catch (OperationCanceledException)
        {
            // The next owner sweeps.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or StoreUnavailableException or StoreRefusedException)
        {
            _options.Logger?.LogWarning(e, "Payload files that nothing refers to could not be swept from {Folder}. They only take up room; the next owner tries again.", _paths.Payloads);
        }
    }
}
