using Microsoft.Data.Sqlite;
using Signalbox.Sqlite.Files;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Reading;

/// <summary>Reads what a store can say of itself. Nothing here looks at more than an index or the rows of runs.</summary>
internal static class FactReader
{
    private const string Ready = "SELECT min(ready_at) FROM runs WHERE ready_at IS NOT NULL AND ready_at <= $now";

    public static StoreFacts Read(SqliteConnection connection, StorePaths paths, long now)
    {
        var runs = new Dictionary<RunStatus, long>();
        var definitions = new List<DefinitionUse>();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT status, count(*) FROM runs GROUP BY status";
        using (var rows = command.ExecuteReader())
        {
            while (rows.Read())
            {
                runs[Enum.Parse<RunStatus>(rows.GetString(0))] = rows.GetInt64(1);
            }
        }

        command.CommandText = "SELECT workflow, version, fingerprint, count(*), sum(status IN ('Pending', 'Running', 'Waiting', 'Held')) FROM runs GROUP BY workflow, version, fingerprint ORDER BY workflow, version, fingerprint LIMIT 1000";
        using (var rows = command.ExecuteReader())
        {
            while (rows.Read())
            {
                definitions.Add(new(new(rows.GetString(0), rows.GetInt32(1)), rows.GetString(2), rows.GetInt64(3), rows.GetInt64(4)));
            }
        }

        command.CommandText = "SELECT max(position) FROM entries";
        var end = command.ExecuteScalar() as long? ?? 0;
        command.CommandText = "PRAGMA user_version";
        var schema = (long)command.ExecuteScalar()!;
        command.CommandText = Ready;
        command.Parameters.AddWithValue("$now", now);
        return new StoreFacts("sqlite", paths.Database, end)
        {
            Parts = [new("database", Bytes(paths.Database)), new("write-ahead log", Bytes(paths.WriteAheadLog)), new("payload files", BytesOf(paths.Payloads))],
            NeedsOwner = true,
            Schema = (int)schema,
            SchemaNewest = StoreSchema.Newest,
            Runs = runs,
            Definitions = definitions,
            ReadySince = command.ExecuteScalar() as long?,
        };
    }

    private static long Bytes(string file)
    {
        try
        {
            return new FileInfo(file) is { Exists: true } info ? info.Length : 0;
        }
        catch (IOException)
        {
            return 0; // removed in this moment
        }
    }

    private static long BytesOf(string folder)
    {
        try
        {
            return Directory.Exists(folder) ? new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length) : 0;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return 0; // a file was swept in this moment, or this user may not look
        }
    }
}
