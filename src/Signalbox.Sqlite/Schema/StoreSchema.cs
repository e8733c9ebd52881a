using System.Globalization;
using Microsoft.Data.Sqlite;
using Signalbox.Sqlite.Files;
using Signalbox.Storage;

namespace Signalbox.Sqlite;

/// <summary>
/// The tables, as numbered scripts that only ever lead forward. The file says what it is (application_id) and how far it has come
/// (user_version); a file that is something else, or has come further than this program, is left alone.
/// </summary>
internal static class StoreSchema
{
    private const int Application = 0x53674278; // "SgBx"

    /// <summary>The number of the newest script, and so the version of a store of this program.</summary>
    public static int Newest => Scripts.Count;

    private static List<string> Scripts { get; } = Load();

    /// <summary>Makes a new store, whole or not at all: the file gets its name when everything is in it.</summary>
    public static void Create(StorePaths paths)
    {
        if (File.Exists(paths.WriteAheadLog) && new FileInfo(paths.WriteAheadLog).Length > 0)
        {
            // SQLite would take that log for the new file's own.
            throw SqliteErrors.Damaged(paths.Database, what: $"the database file is missing, but its write-ahead log '{paths.WriteAheadLog}' is there");
        }

        foreach (var left in new[] { paths.Unfinished, paths.Unfinished + "-wal", paths.Unfinished + "-shm", paths.WriteAheadLog, paths.Database + "-shm" })
        {
            File.Delete(left);
        }

        using (var connection = StoreConnection.OpenToWrite(paths, paths.Unfinished, create: true))
        {
            Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA application_id = {Application}"));
            Execute(connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        }

        File.Move(paths.Unfinished, paths.Database);
        Native.FlushFolder(paths.Folder);
    }

    /// <summary>Refuses a file without a byte. SQLite would take it for a new database, and a store cut to nothing would silently begin anew.</summary>
    public static void ThrowIfEmpty(StorePaths paths)
    {
        if (new FileInfo(paths.Database).Length == 0)
        {
            throw new StoreRefusedException(
                "store_damaged", $"The file '{paths.Database}' is empty, which a store never is. Nothing was changed. If it never was a store, delete it; otherwise restore the last backup.");
        }
    }

    /// <summary>The schema's version. Refuses, before anything is changed, what is no store of ours or has come further than this program.</summary>
    public static int Recognise(SqliteConnection connection, StorePaths paths)
    {
        if (Number(connection, "PRAGMA application_id") != Application)
        {
            throw new StoreRefusedException(
                "store_foreign", $"The file '{paths.Database}' is a SQLite database of another program, not a Signalbox store. Nothing was changed. Give the path of a store, or of a file that does not exist yet.");
        }

        var version = (int)Number(connection, "PRAGMA user_version");
        return version <= Newest
            ? version
            : throw new StoreRefusedException(
                "store_newer", $"The store '{paths.Database}' was written by a newer Signalbox (its schema is version {version}; this program knows up to {Newest}). Nothing was changed. Use the newer program.");
    }

    /// <summary>Refuses what a process that may not write cannot read.</summary>
    public static void ThrowIfUnreadable(SqliteConnection connection, StorePaths paths)
    {
        if (Recognise(connection, paths) is var version && version < Newest)
        {
            throw new StoreRefusedException(
                "store_older", $"The store '{paths.Database}' has schema version {version}; this program reads {Newest}. Nothing was changed. Start the program that owns it in this version once: it brings the store up to date.");
        }
    }

    /// <summary>Runs the scripts after <paramref name="version"/>, each in a transaction of its own.</summary>
    public static void Migrate(SqliteConnection connection, StorePaths paths, int version)
    {
        for (var next = version + 1; next <= Newest; next++)
        {
            try
            {
                Execute(connection, string.Create(CultureInfo.InvariantCulture, $"BEGIN IMMEDIATE;\n{Scripts[next - 1]}\nPRAGMA user_version = {next};\nCOMMIT"));
            }
            catch (SqliteException e) when (!SqliteErrors.IsOfTheDisk(e))
            {
                throw SqliteErrors.Damaged(paths.Database, e, $"it could not be brought from schema version {next - 1} to {next} ({e.Message})");
            }
        }
    }

    internal static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // Our own scripts and pragmas, nothing from outside.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private static long Number(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // As above.
        command.CommandText = sql;
#pragma warning restore CA2100
        return (long)command.ExecuteScalar()!;
    }

    private static List<string> Load()
    {
        var assembly = typeof(StoreSchema).Assembly;
        return assembly.GetManifestResourceNames().Where(n => n.Contains(".Schema.", StringComparison.Ordinal) && n.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(name =>
        {
            using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
            return reader.ReadToEnd();
        }).ToList();
    }
}
