using Microsoft.Data.Sqlite;
using Signalbox.Journal;

namespace Signalbox.Sqlite.Reading;

/// <summary>Reads entries, on one connection: a reader's or the writer's.</summary>
internal sealed class EntryReader(SqliteConnection connection) : IDisposable
{
    private const string Columns = "e.position, e.seq, e.epoch, e.at, e.kind, e.state, e.visit, e.scope, e.step, e.actor, e.cause, e.body, e.salt, e.hash, e.digest";
    private const string OfRun = $"SELECT {Columns} FROM entries e WHERE e.run = (SELECT id FROM runs WHERE run = $run) AND e.seq >= $from ORDER BY e.seq LIMIT $max";
    private const string OfLog = $"SELECT {Columns}, r.run FROM entries e JOIN runs r ON r.id = e.run WHERE e.position > $from ORDER BY e.position LIMIT $max";

    private readonly SqliteCommand _ofRun = Prepare(connection, OfRun);
    private readonly SqliteCommand _ofLog = Prepare(connection, OfLog);

    public List<Entry> Read(RunId run, long fromSeq, int max)
    {
        _ofRun.Parameters["$run"].Value = run.Value;
        return Read(_ofRun, fromSeq, max, run);
    }

    public List<Entry> ReadLog(long position, int max) => Read(_ofLog, position, max, null);

    public void Dispose()
    {
        _ofRun.Dispose();
        _ofLog.Dispose();
    }

    /// <summary>A command that is compiled once, since every run that a worker takes is read by it.</summary>
    private static SqliteCommand Prepare(SqliteConnection connection, string sql)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        command.Parameters.Add("$from", SqliteType.Integer);
        command.Parameters.Add("$max", SqliteType.Integer);
        if (sql == OfRun)
        {
            command.Parameters.Add("$run", SqliteType.Text);
        }

        return command;
    }

    private static List<Entry> Read(SqliteCommand command, long from, int max, RunId? run)
    {
        command.Parameters["$from"].Value = from;
        command.Parameters["$max"].Value = max;
        using var row = command.ExecuteReader();
        var entries = new List<Entry>();
        while (row.Read())
        {
            entries.Add(new Entry
            {
                Position = row.GetInt64(0),
                Run = run ?? new RunId(row.GetString(15)),
                Seq = row.GetInt64(1),
                Epoch = row.GetInt32(2),
                At = row.GetInt64(3),
                Kind = row.GetString(4),
                State = row.GetString(5),
                Visit = row.GetInt32(6),
                Scope = row.GetString(7),
                Step = row.GetString(8),
                Actor = row.GetString(9),
                Cause = row.GetString(10),
                Body = Bytes(row, 11),
                Salt = Bytes(row, 12),
                Hash = Bytes(row, 13),
                Digest = Bytes(row, 14),
            });
        }

        return entries;
    }

    private static ReadOnlyMemory<byte> Bytes(SqliteDataReader row, int column) => row.IsDBNull(column) ? default : row.GetFieldValue<byte[]>(column);
}
