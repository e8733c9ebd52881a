using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using Signalbox.Sqlite.Files;

namespace Signalbox.Sqlite.Index;

/// <summary>How far an index file has come: <paramref name="Hash"/> is that of the entry at <paramref name="Position"/>, by which an index of another store, or of a store that was set back, is told.</summary>
internal sealed record IndexAbout(string Shape, long Position, byte[] Hash, bool IsMerging, string? Trouble);

/// <summary>
/// The file of an index. It holds nothing that the store does not: it is not flushed at each commit, and what is damaged, or of another shape, is thrown away. One connection writes and checkpoints (see
/// <see cref="StoreConnection"/> for why); the others only read.
/// </summary>
internal static class IndexFile
{
    private const int Version = 1;
    private const int CheckpointPages = 2_000;

    /// <summary>
    /// How many entries one full-text table has. A search goes from the newest table to older ones until it has its page: what is frequent is found in the newest one, whatever the index has grown to, and what is rare costs
    /// little in each. (FTS5 reads all places of all words that begin so before it gives the first hit of a prefix.)
    /// </summary>
    public const int TableSize = 50_000;

    private const string AboutTable = "CREATE TABLE about(shape TEXT NOT NULL, position INTEGER NOT NULL, hash BLOB NOT NULL, merging INTEGER NOT NULL, trouble TEXT) STRICT";

    /// <summary>What the tables of this program look like.</summary>
    public static string Shape(IReadOnlyList<IIndexPart> parts) => string.Create(CultureInfo.InvariantCulture, $"{Version}/{string.Join('/', parts.Select(p => p.Version))}");

    /// <summary>The number of the full-text table that an entry is in.</summary>
    public static long TableOf(long position) => (position - 1) / TableSize;

    public static string TableName(long number) => string.Create(CultureInfo.InvariantCulture, $"entries_{number}");

    /// <summary>
    /// Makes a full-text table, if there is none of the number: 'text' is the entry's text, 'exact' its compounds, each one token; 'tags' are what filters go by, hashed. So text and filters together are one look-up. The text
    /// itself is not kept.
    /// </summary>
    public static void MakeTable(SqliteConnection connection, long number) => StoreSchema.Execute(
        connection, $"CREATE VIRTUAL TABLE IF NOT EXISTS {TableName(number)} USING fts5(text, exact, tags, content = '', contentless_delete = 1, tokenize = 'unicode61 remove_diacritics 2')");

    /// <summary>Opens the file to write, or makes it. Null: what is there is of another shape.</summary>
    public static SqliteConnection? OpenToWrite(StorePaths paths, IReadOnlyList<IIndexPart> parts)
    {
        var isNew = !File.Exists(paths.Index) || new FileInfo(paths.Index).Length == 0;
        if (isNew)
        {
            Delete(paths);
            Make(paths);
        }

        var connection = StoreConnection.Open(paths.Index, SqliteOpenMode.ReadWriteCreate);
        try
        {
            StoreSchema.Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA wal_autocheckpoint = {CheckpointPages}; PRAGMA journal_size_limit = {CheckpointPages * 4096L}; PRAGMA cache_size = -16000"));
            if (isNew)
            {
                using var transaction = connection.BeginTransaction();
                StoreSchema.Execute(connection, AboutTable);
                foreach (var part in parts)
                {
                    part.CreateTables(connection);
                }

                using var about = connection.CreateCommand();
                about.CommandText = "INSERT INTO about VALUES($shape, 0, x'', 0, NULL)";
                about.Parameters.AddWithValue("$shape", Shape(parts));
                about.ExecuteNonQuery();
                transaction.Commit();
                return connection;
            }

            if (About(connection)?.Shape == Shape(parts))
            {
                return connection;
            }

            connection.Dispose();
            return null;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public static SqliteConnection OpenToRead(StorePaths paths)
    {
        var connection = StoreConnection.Open(paths.Index, SqliteOpenMode.ReadOnly);
        try
        {
            StoreSchema.Execute(connection, "PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -8000");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>What the file says of itself; null for one that is just being made.</summary>
    public static IndexAbout? About(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM sqlite_schema WHERE name = 'about'";
        if ((long)command.ExecuteScalar()! == 0)
        {
            return null;
        }

        command.CommandText = "SELECT shape, position, hash, merging, trouble FROM about";
        using var row = command.ExecuteReader();
        return row.Read() ? new IndexAbout(row.GetString(0), row.GetInt64(1), row.GetFieldValue<byte[]>(2), row.GetInt64(3) != 0, row.IsDBNull(4) ? null : row.GetString(4)) : null;
    }

    /// <summary>Throws the index away. Who has it open still reads what it was, until it looks at the file again.</summary>
    public static void Delete(StorePaths paths)
    {
        // The log first: left behind, SQLite would take it for the next file's own.
        File.Delete(paths.Index + "-wal");
        File.Delete(paths.Index + "-shm");
        File.Delete(paths.Index);
    }

    /// <summary>How many bytes it takes on the disk.</summary>
    public static long Bytes(StorePaths paths) => Length(paths.Index) + Length(paths.Index + "-wal");

    /// <summary>Whether the error means that the file is no sound index (SQLITE_ERROR: a table of it is missing).</summary>
    public static bool IsDamage(Exception error) => error is SqliteException { SqliteErrorCode: raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB or raw.SQLITE_ERROR };

    /// <summary>An empty file for the same eyes as the store: what is found is what stands in it.</summary>
    private static void Make(StorePaths paths)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var mode = File.GetUnixFileMode(paths.Database);
        using (File.Open(paths.Index, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = mode & (UnixFileMode.UserRead | UnixFileMode.UserWrite) }))
        {
        }

        if (OperatingSystem.IsLinux() && Native.Status(paths.Database).Group is var group && group != Native.Status(paths.Index).Group)
        {
            Native.ChangeGroup(paths.Index, group);
        }

        File.SetUnixFileMode(paths.Index, mode); // after the group: before it, the mode would let in the group that it had
    }

    private static long Length(string path) => new FileInfo(path) is { Exists: true, Length: var length } ? length : 0;
}
