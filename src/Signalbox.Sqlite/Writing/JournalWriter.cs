using System.Collections.Frozen;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using SQLitePCL;
using Signalbox.Journal;
using Signalbox.Sqlite.Payloads;
using Signalbox.Sqlite.Reading;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Writing;

/// <summary>
/// The one writer. Runs batches of requests, each batch in one transaction; the <see cref="CommitQueue"/> lets in one thread at a time. What a
/// transaction changed in memory (heads, positions, the last time) counts only once it is committed.
/// </summary>
internal sealed class JournalWriter : IDisposable
{
    private static readonly FrozenDictionary<PayloadHash, PackedPayload> NoPayloads = FrozenDictionary<PayloadHash, PackedPayload>.Empty;

    private readonly SqliteConnection _connection;
    private readonly sqlite3 _database;
    private readonly SqliteStoreOptions _options;
    private readonly ChangeHints _hints;
    private readonly HeadReader _reader;
    private readonly HeadCache _heads;
    private readonly RunTables _runs;
    private readonly EntryTable _entries;
    private readonly PayloadTable _payloads;
    private readonly ClaimTable _claims;
    private readonly Leasing _leasing;
    private readonly Statement _begin;
    private readonly Statement _commit;
    private readonly Statement _rollback;
    private readonly List<RunChange> _changes = [];
    private (long Position, long At) _committed;
    private long _position;
    private long _at;
    private Entry? _last;
    private bool _turns;

    public JournalWriter(SqliteConnection connection, SqliteStoreOptions options, PayloadFiles files, KnownPayloads known, ChangeHints hints, WorkerLeases workers)
    {
        _connection = connection;
        _database = connection.Handle!;
        _options = options;
        _hints = hints;
        _reader = new HeadReader(connection);
        _heads = new HeadCache(_reader.Find);
        _runs = new RunTables(_database);
        _entries = new EntryTable(_database);
        _payloads = new PayloadTable(_database, files, known);
        _claims = new ClaimTable(_database);
        _leasing = new Leasing(this, connection, workers, options.Logger);
        _begin = new Statement(_database, "BEGIN IMMEDIATE");
        _commit = new Statement(_database, "COMMIT");
        _rollback = new Statement(_database, "ROLLBACK");
        using var position = new Statement(_database, "SELECT max(position) FROM entries");
        using var at = new Statement(_database, "SELECT at FROM entries ORDER BY position DESC LIMIT 1");
        _committed = (position.Number() ?? 0, at.Number() ?? 0);
    }

    /// <summary>The time of the transaction that is open: by the store's clock, but never before the last entry.</summary>
    public long Now => _at;

    /// <summary>How many transactions have been committed.</summary>
    public long Transactions { get; private set; }

    /// <summary>Carries out the requests and gives each its outcome. Never throws.</summary>
    public void Execute(IReadOnlyList<WriteRequest> batch)
    {
        if (TryExecute(batch) is not { } error)
        {
            return;
        }

        // One request must not make its neighbours fail (a run whose page is damaged, say); but when the disk is full, it is so for all.
        if (batch.Count == 1 || SqliteErrors.IsOfTheDisk(error))
        {
            Fail(batch, error);
            return;
        }

        foreach (var request in batch)
        {
            if (TryExecute([request]) is { } own)
            {
                Fail([request], own);
            }
        }
    }

    /// <summary>Appends a commit and what comes along with it, and then tells those whose turn it is at what was claimed.</summary>
    public CommitResult Append(Commit commit, IReadOnlyDictionary<PayloadHash, PackedPayload> packed)
    {
        var result = AppendOne(commit, packed);
        if (result.IsCommitted && commit.Also.Count > 0)
        {
            foreach (var other in commit.Also)
            {
                AppendOne(other, packed);
            }
        }

        if (_turns)
        {
            GiveTurns();
        }

        return result;
    }

    /// <summary>The run as the open transaction sees it.</summary>
    public RunHead? Find(RunId run) => _heads.Find(run)?.Head;

    /// <inheritdoc cref="IRunStore.LeaseAsync" />
    public LeaseResult Lease(LeaseRequest request) => _leasing.Lease(request);

    public void Dispose()
    {
        _leasing.Dispose();
        _claims.Dispose();
        _payloads.Dispose();
        _entries.Dispose();
        _runs.Dispose();
        _reader.Dispose();
        _begin.Dispose();
        _commit.Dispose();
        _rollback.Dispose();
        _connection.Dispose();
    }

    private CommitResult AppendOne(Commit commit, IReadOnlyDictionary<PayloadHash, PackedPayload> packed)
    {
        var before = _heads.Find(commit.Run);
        var holder = before is null && commit.Entries.Count > 0 && CommitRules.StartKey(commit) is { } key ? _reader.FindByKey(key.Workflow, key.Key) : null;
        if (CommitRules.Check(commit, before?.Head, holder?.Head, _claims, _at) is { } refused)
        {
            return refused;
        }

        var (head, entries) = CommitRules.Seal(commit, before?.Head, _position + 1, _at, _options.Entropy);
        var after = _runs.Write(before, head);
        _heads.Change(after);
        for (var i = 0; i < entries.Length; i++)
        {
            _entries.Insert(after.Id, entries[i]);
            foreach (var payload in commit.Entries[i].Payloads)
            {
                _payloads.Refer(after.Id, entries[i].Seq, payload, packed);
            }
        }

        _position += entries.Length;
        _last = entries[^1];
        _turns |= CommitRules.Apply(entries, _claims);
        if (before?.Head.Row.Status != head.Row.Status || commit.Epoch is null)
        {
            _changes.Add(new RunChange(commit.Run, head.Row.Status, head.Row.CancelRequested, commit.Epoch is null));
        }

        return new(CommitStatus.Committed, head, entries);
    }

    private void GiveTurns()
    {
        foreach (var turn in ClaimRules.Turns(_claims, _at))
        {
            AppendOne(turn, NoPayloads);
        }

        _turns = false;
    }

    private Exception? TryExecute(IReadOnlyList<WriteRequest> batch)
    {
        try
        {
            Begin();
            foreach (var request in batch)
            {
                Run(request);
            }

            Commit();
            Diagnostics.SignalboxMeter.Committed(batch.Count);
        }
#pragma warning disable CA1031 // Whatever it is, the transaction is undone and every request in it is told; the writer must go on for the others.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Forget();
            return e;
        }

        Keep();
        return null;
    }

    private void Begin()
    {
        (_position, var at) = _committed;
        _at = Math.Max(at, Microseconds.From(_options.Clock.GetUtcNow()));
        _last = null;
        _turns = false;
        _begin.Run();
    }

    /// <summary>Lets a request fail alone if it had not written anything yet; otherwise it spoils the transaction.</summary>
    private void Run(WriteRequest request)
    {
        var changes = raw.sqlite3_total_changes(_database);
        try
        {
            request.Run(this);
        }
        catch (Exception e) when (e is not SqliteException && raw.sqlite3_total_changes(_database) == changes)
        {
            request.Fail(e);
        }
    }

    private void Commit()
    {
        try
        {
            _commit.Run();
        }
        catch (SqliteException e)
        {
            // Whether it reached the disk is unknown: look, instead of guessing.
            Rollback();
            if (_last is { } last && !_entries.Has(last))
            {
                Overwrite();
                throw;
            }

            _options.Logger?.LogWarning(e, "The store {Path} reported an error for a commit, but what it wrote is there.", _options.Path);
        }
    }

    /// <summary>
    /// A flush that failed may leave a whole transaction in the write-ahead log's file, which SQLite has given up but would find again after a crash.
    /// The next commit writes over it. So one is tried now, before anybody is told that nothing was written.
    /// </summary>
    private void Overwrite()
    {
        try
        {
            using var same = new Statement(_database, $"PRAGMA user_version = {StoreSchema.Newest}");
            same.Run();
        }
        catch (SqliteException e)
        {
            _options.Logger?.LogWarning(e, "The store {Path} cannot be written to at all just now; the first commit that succeeds clears what the failed one may have left.", _options.Path);
        }
    }

    private void Keep()
    {
        Transactions++;
        _committed = (_position, _last is null ? _committed.At : _at);
        _heads.Commit();
        _payloads.Commit();
        if (_changes.Count > 0)
        {
            _hints.Tell(_changes);
            _changes.Clear();
        }
    }

    private void Forget()
    {
        Rollback();
        _heads.Rollback();
        _payloads.Rollback();
        _changes.Clear();
    }

    private void Rollback()
    {
        // SQLite has rolled back by itself after some errors; then there is nothing to end.
        if (raw.sqlite3_get_autocommit(_database) == 0)
        {
            try
            {
                _rollback.Run();
            }
            catch (SqliteException e)
            {
                _options.Logger?.LogError(e, "The store {Path} could not roll back.", _options.Path);
            }
        }
    }

    private void Fail(IReadOnlyList<WriteRequest> batch, Exception error)
    {
        var told = SqliteErrors.Translate(error, _options.Path);
        foreach (var request in batch)
        {
            request.Fail(told);
        }
    }
}
