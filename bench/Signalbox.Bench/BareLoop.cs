using System.Diagnostics;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Signalbox.Bench;

/// <summary>
/// The raw limit: the rows that a store has written, written again by a bare loop of prepared statements into an equal, empty database with the same
/// settings, in transactions of the same sizes. No engine, no conditions, no hashing.
/// </summary>
internal sealed class BareLoop : IDisposable
{
    private readonly SqliteConnection _target;
    private readonly List<object?[]> _entries = [];
    private readonly string[] _columns;

    private BareLoop(SqliteConnection target, string[] columns)
    {
        _target = target;
        _columns = columns;
    }

    /// <summary>How many entries it writes.</summary>
    public int Rows => _entries.Count;

    /// <summary>Takes the entries that match from a store's file, and its schema.</summary>
    public static BareLoop From(string store, string target, string where)
    {
        using var source = new SqliteConnection($"Data Source={store};Mode=ReadOnly;Pooling=False");
        source.Open();
        var connection = Create(target);
        foreach (var sql in Read(source, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name='entries' ORDER BY rowid").Select(r => (string)r[0]!))
        {
            Execute(connection, sql);
        }

        using var command = source.CreateCommand();
        command.CommandText = $"SELECT * FROM entries WHERE {where} ORDER BY position";
        using var reader = command.ExecuteReader();
        var loop = new BareLoop(connection, [.. Enumerable.Range(0, reader.FieldCount).Select(reader.GetName)]);
        while (reader.Read())
        {
            var row = new object?[reader.FieldCount];
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = reader.IsDBNull(i) ? null : reader.GetValue(i) is string text ? System.Text.Encoding.UTF8.GetBytes(text) is var utf8 ? new Utf8(utf8) : null : reader.GetValue(i);
            }

            loop._entries.Add(row);
        }

        return loop;
    }

    /// <summary>Takes a conversation's messages, so many times, as bare rows: which conversation, which message, its JSON.</summary>
    public static BareLoop Of(IReadOnlyList<byte[]> messages, int conversations, string target)
    {
        var connection = Create(target);
        Execute(connection, "CREATE TABLE entries(position INTEGER PRIMARY KEY, run INTEGER NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL) STRICT");
        var loop = new BareLoop(connection, ["run", "seq", "body"]);
        for (var run = 0; run < conversations; run++)
        {
            loop._entries.AddRange(messages.Select((message, seq) => new object?[] { (long)run, (long)seq, new Utf8(message) }));
        }

        return loop;
    }

    /// <summary>Writes all rows, so many a transaction.</summary>
    public TimeSpan Run(Func<int, int> batchSize)
    {
        Execute(_target, "DELETE FROM entries; PRAGMA wal_checkpoint(TRUNCATE)");
        var db = _target.Handle!;
        raw.sqlite3_prepare_v2(db, $"INSERT INTO entries({string.Join(',', _columns)}) VALUES({string.Join(',', _columns.Select(_ => "?"))})", out var insert);
        raw.sqlite3_prepare_v2(db, "BEGIN IMMEDIATE", out var begin);
        raw.sqlite3_prepare_v2(db, "COMMIT", out var commit);
        var watch = Stopwatch.StartNew();
        for (int next = 0, batch = 0; next < _entries.Count; batch++)
        {
            Step(begin);
            for (var end = Math.Min(_entries.Count, next + Math.Max(1, batchSize(batch))); next < end; next++)
            {
                Bind(insert, _entries[next]);
                Step(insert);
            }

            Step(commit);
        }

        watch.Stop();
        insert.Dispose();
        begin.Dispose();
        commit.Dispose();
        return watch.Elapsed;
    }

    /// <summary>The size of the database with what was written last.</summary>
    public long BytesOnDisk()
    {
        Execute(_target, "PRAGMA wal_checkpoint(TRUNCATE)");
        return new FileInfo(_target.DataSource).Length;
    }

    public void Dispose() => _target.Dispose();

    /// <summary>The sizes of the transactions in which the store wrote these entries, in order: entries of one commit to disk share a time.</summary>
    public static int[] BatchSizes(string store, string where)
    {
        using var source = new SqliteConnection($"Data Source={store};Mode=ReadOnly;Pooling=False");
        source.Open();
        return [.. Read(source, $"SELECT count(*) FROM entries WHERE {where} GROUP BY at ORDER BY min(position)").Select(r => (int)(long)r[0]!)];
    }

    private static SqliteConnection Create(string target)
    {
        foreach (var file in new[] { target, target + "-wal", target + "-shm" })
        {
            File.Delete(file);
        }

        var connection = new SqliteConnection($"Data Source={target};Pooling=False");
        connection.Open();
        Execute(connection, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=4000; PRAGMA cache_size=-65536");
        return connection;
    }

    private static List<object?[]> Read(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<object?[]>();
        while (reader.Read())
        {
            var row = new object?[reader.FieldCount];
            reader.GetValues(row!);
            rows.Add(row);
        }

        return rows;
    }

    private static void Bind(sqlite3_stmt statement, object?[] row)
    {
        for (var i = 0; i < row.Length; i++)
        {
            _ = row[i] switch
            {
                null => raw.sqlite3_bind_null(statement, i + 1),
                long number => raw.sqlite3_bind_int64(statement, i + 1, number),
                Utf8 text => raw.sqlite3_bind_text(statement, i + 1, text.Bytes),
                byte[] bytes => raw.sqlite3_bind_blob(statement, i + 1, bytes),
                var other => throw new InvalidOperationException($"No column holds a {other.GetType().Name}."),
            };
        }
    }

    private static void Step(sqlite3_stmt statement)
    {
        var code = raw.sqlite3_step(statement);
        raw.sqlite3_reset(statement);
        if (code is not (raw.SQLITE_DONE or raw.SQLITE_ROW))
        {
            throw new InvalidOperationException($"SQLite answered {code}.");
        }
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private sealed record Utf8(byte[] Bytes);
}
