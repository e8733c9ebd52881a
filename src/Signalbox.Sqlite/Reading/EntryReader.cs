using Microsoft.Data.Sqlite;
using Signalbox.Journal;

namespace Signalbox.Sqlite.Reading;

/// <summary>Reads entries, on one connection: a reader's or the writer's.</summary>
internal static class EntryReader
{
    private const string Columns = "e.position, e.seq, e.epoch, e.at, e.kind, e.state, e.visit, e.scope, e.step, e.actor, e.cause, e.body, e.salt, e.hash";
    private const string OfRun = $"SELECT {Columns} FROM entries e WHERE e.run = (SELECT id FROM runs WHERE run = $run) AND e.seq >= $from ORDER BY e.seq LIMIT $max";
    private const string OfLog = $"SELECT {Columns}, r.run FROM entries e JOIN runs r ON r.id = e.run WHERE e.position > $from ORDER BY e.position LIMIT $max";

    public static List<Entry> Read(SqliteConnection connection, RunId run, long fromSeq, int max)
    {
        using var command = connection.CreateCommand();
        command.CommandText = OfRun;
        command.Parameters.AddWithValue("$run", run.Value);
        return Read(command, fromSeq, max, run);
    }

    public static List<Entry> ReadLog(SqliteConnection connection, long position, int max)
    {
        using var command = connection.CreateCommand();
        command.CommandText = OfLog;
        return Read(command, position, max, null);
    }

    private static List<Entry> Read(SqliteCommand command, long from, int max, RunId? run)
    {
        command.Parameters.AddWithValue("$from", from);
        command.Parameters.AddWithValue("$max", max);
        using var row = command.ExecuteReader();
        var entries = new List<Entry>();
        while (row.Read())
        {
            entries.Add(new Entry
            {
                Position = row.GetInt64(0),
                Run = run ?? new RunId(row.GetString(14)),
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
            });
        }

        return entries;
    }

    private static ReadOnlyMemory<byte> Bytes(SqliteDataReader row, int column) => row.IsDBNull(column) ? default : row.GetFieldValue<byte[]>(column);
}
