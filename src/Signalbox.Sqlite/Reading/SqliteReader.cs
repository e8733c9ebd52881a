using Signalbox.Journal;
using Signalbox.Sqlite.Files;
using Signalbox.Sqlite.Payloads;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Reading;

/// <summary>Reads a store, in the process that owns it or in any other. Each answer is of one moment.</summary>
internal sealed class SqliteReader(StorePaths paths, PayloadFiles files, TimeProvider clock) : IRunReader, IStoreFacts
{
    private readonly ReaderPool _pool = new(paths);

    public ValueTask<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) =>
        _pool.ReadAsync(reader => reader.Heads.Find(run)?.Head, cancellationToken);

    public ValueTask<RunHead?> FindByKeyAsync(string workflow, string key, CancellationToken cancellationToken) =>
        _pool.ReadAsync(reader => reader.Heads.FindByKey(workflow, key)?.Head, cancellationToken);

    public ValueTask<IReadOnlyList<RunHead>> ListAsync(RunQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        return _pool.ReadAsync<IReadOnlyList<RunHead>>(
            reader =>
            {
                using var command = RunList.Command(reader.Connection, query);
                return reader.Heads.All(command).ConvertAll(h => h.Head);
            },
            cancellationToken);
    }

    public ValueTask<IReadOnlyList<Entry>> ReadAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken) =>
        _pool.ReadAsync<IReadOnlyList<Entry>>(reader => reader.Entries.Read(run, fromSeq, max), cancellationToken);

    public ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken) =>
        _pool.ReadAsync<IReadOnlyList<Entry>>(reader => reader.Entries.ReadLog(position, max), cancellationToken);

    public ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        return _pool.ReadAsync<IReadOnlyList<ClaimRow>>(reader => reader.Claims.List(query, Microseconds.From(clock.GetUtcNow())), cancellationToken);
    }

    public ValueTask<long> UsedAsync(string limit, long after, CancellationToken cancellationToken) => _pool.ReadAsync(reader => reader.Claims.Used(limit, after), cancellationToken);

    public ValueTask<ReadOnlyMemory<byte>?> FindPayloadAsync(PayloadHash hash, CancellationToken cancellationToken) =>
        _pool.ReadAsync(reader => Find(reader, hash), cancellationToken);

    public async ValueTask<StoreFacts> FactsAsync(CancellationToken cancellationToken)
    {
        var facts = await _pool.ReadAsync(reader => FactReader.Read(reader.Connection, paths, Microseconds.From(clock.GetUtcNow())), cancellationToken);
        return facts with { Owner = StoreLock.Holder(paths)?.ToString() };
    }

    /// <summary>The number of a payload in the table, or null.</summary>
    public long? PayloadId(PayloadHash hash) => _pool.ReadNow(reader =>
    {
        using var command = reader.Connection.CreateCommand();
        command.CommandText = "SELECT id FROM payloads WHERE hash = $hash";
        command.Parameters.AddWithValue("$hash", Convert.FromHexString(hash.Value));
        return (long?)command.ExecuteScalar();
    });

    /// <summary>Opens a connection, so that what cannot be read is refused now.</summary>
    public void Check() => _pool.ReadNow(reader =>
    {
        StoreSchema.ThrowIfUnreadable(reader.Connection, paths);
        return true;
    });

    public ValueTask DisposeAsync()
    {
        _pool.Dispose();
        return ValueTask.CompletedTask;
    }

    private ReadOnlyMemory<byte>? Find(Reader reader, PayloadHash hash)
    {
        using var command = reader.Connection.CreateCommand();
        command.CommandText = "SELECT length, form, bytes FROM payloads WHERE hash = $hash";
        command.Parameters.AddWithValue("$hash", Convert.FromHexString(hash.Value));
        using var row = command.ExecuteReader();
        if (!row.Read())
        {
            return null;
        }

        var form = row.GetString(1);
        var stored = row.IsDBNull(2) ? files.Read(hash, form) : row.GetFieldValue<byte[]>(2);
        return stored is null ? null : PackedPayload.Unpack(hash, row.GetInt32(0), form, stored);
    }
}
