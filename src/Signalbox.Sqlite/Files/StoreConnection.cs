using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Files;

/// <summary>
/// Opens connections. SQLite from 3.7.0 to 3.51.2 can corrupt a file when several connections write and checkpoint at once (the WAL-reset
/// race). Here only the owner's one writer ever checkpoints: readers are opened read-only and without automatic checkpoints.
/// </summary>
internal static class StoreConnection
{
    public const int BusyMilliseconds = 5_000;

    /// <summary>How large the write-ahead log grows before the writer copies it into the database: 16 MB.</summary>
    private const int CheckpointPages = 4_000;

    /// <summary>Opens the one connection that writes, and brings the schema up to date.</summary>
    public static SqliteConnection OpenToWrite(StorePaths paths, string file, bool create)
    {
        var connection = Open(file, create ? SqliteOpenMode.ReadWriteCreate : SqliteOpenMode.ReadWrite);
        try
        {
            var version = create ? 0 : StoreSchema.Recognise(connection, paths);
            if (Text(connection, "PRAGMA journal_mode = WAL") is not "wal" and var mode)
            {
                throw new StoreRefusedException(
                    "store_unsupported", $"The store '{paths.Database}' cannot use a write-ahead log (SQLite answers '{mode}'): the file system lacks shared memory, as network file systems do. Put the store on a local disk.");
            }

            StoreSchema.Execute(connection, string.Create(CultureInfo.InvariantCulture, $"""
                PRAGMA synchronous = FULL;
                PRAGMA wal_autocheckpoint = {CheckpointPages};
                PRAGMA journal_size_limit = {2L * CheckpointPages * 4096};
                PRAGMA cache_size = -8000;
                PRAGMA secure_delete = ON;
                PRAGMA foreign_keys = OFF
                """));
            StoreSchema.Migrate(connection, paths, version);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public static SqliteConnection OpenToRead(StorePaths paths)
    {
        var connection = Open(paths.Database, SqliteOpenMode.ReadOnly);
        try
        {
            // Every commit voids a reader's cache, so a large one would only hold memory: the operating system has the pages.
            StoreSchema.Execute(connection, "PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -256");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>A connection of its own, which waits a while where another one is at work.</summary>
    public static SqliteConnection Open(string file, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Mode = mode, Pooling = false }.ToString());
        try
        {
            connection.Open();
            _ = raw.sqlite3_busy_timeout(connection.Handle!, BusyMilliseconds);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static string Text(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // A pragma of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        return (string)command.ExecuteScalar()!;
    }
}
