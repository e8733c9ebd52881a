using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using Signalbox.Journal;
using Signalbox.Sqlite.Files;
using Signalbox.Sqlite.Payloads;
using Signalbox.Storage;

namespace Signalbox.Sqlite;

/// <summary>A copy of a store as it was at one moment. <paramref name="Database"/> is the store in the copy; <paramref name="Position"/> the last position of the log in it.</summary>
public sealed record StoreCopy(string Folder, string Database, long Position, long Runs, long PayloadFiles);

/// <summary>
/// Copies a store while another process writes it: SQLite's own snapshot first, then the payload files that the snapshot refers to, which never change, then the files of roles, keys and redaction. What is written has another name
/// until all of it is on the disk, so that a folder of the name that was asked for is a whole copy.
/// </summary>
internal sealed class StoreBackup(StorePaths paths)
{
    private const int Attempts = 5;

    public StoreCopy Write(string folder, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        if (Path.Exists(target))
        {
            throw new StoreRefusedException("backup_exists", $"There is a '{target}' already, and a backup overwrites nothing. Nothing was written. Name a folder that does not exist.");
        }

        var unfinished = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{target}.unfinished-{Environment.ProcessId}");
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            if (Directory.Exists(unfinished))
            {
                Directory.Delete(unfinished, recursive: true); // of a process that was killed, whose number this one has
            }

            MakeFolder(unfinished);
            var copy = new StorePaths(Path.Combine(unfinished, Path.GetFileName(paths.Database)));
            var (position, runs, files) = CopyStore(copy, cancellationToken);
            foreach (var (from, to) in new[] { (paths.Roles, copy.Roles), (paths.Keys, copy.Keys), (paths.Redaction, copy.Redaction) })
            {
                CopySmall(from, to);
            }

            Save(copy.BackupNote, JsonSerializer.SerializeToUtf8Bytes(new BackupNote(now, position, runs), BackupJson.Default.BackupNote), PrivateFile);
            Native.FlushFolder(unfinished);
            cancellationToken.ThrowIfCancellationRequested();
            Directory.Move(unfinished, target);
            Native.FlushFolder(Path.GetDirectoryName(target)!);
            return new StoreCopy(target, Path.Combine(target, Path.GetFileName(paths.Database)), position, runs, files);
        }
        catch (Exception e)
        {
            if (Directory.Exists(unfinished))
            {
                Directory.Delete(unfinished, recursive: true);
            }

            if (e is OperationCanceledException or StoreRefusedException or StoreUnavailableException)
            {
                throw;
            }

            throw e is IOException or UnauthorizedAccessException
                ? new StoreUnavailableException("backup_failed", $"The backup '{target}' could not be written: {e.Message.TrimEnd('.')}. Nothing of it is left; the store is as it was.", e)
                : SqliteErrors.Translate(e, paths.Database);
        }
    }

    /// <summary>What a restored copy is, of which its first owner should know; null where there is no note of one. The note is put aside.</summary>
    public static BackupNote? TakeNote(StorePaths paths)
    {
        if (!File.Exists(paths.BackupNote))
        {
            return null;
        }

        BackupNote? note;
        try
        {
            note = JsonSerializer.Deserialize(File.ReadAllBytes(paths.BackupNote), BackupJson.Default.BackupNote);
        }
        catch (JsonException)
        {
            note = null;
        }

        File.Move(paths.BackupNote, paths.RestoredNote, overwrite: true);
        return note ?? new BackupNote(default, 0, 0);
    }

    private const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private (long Position, long Runs, long Files) CopyStore(StorePaths copy, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            Snapshot(copy.Database, cancellationToken);
            using var snapshot = StoreConnection.OpenToRead(copy);
            if (CopyPayloads(snapshot, copy, cancellationToken) is { } files)
            {
                return (Number(snapshot, "SELECT coalesce(max(position), 0) FROM entries"), Number(snapshot, "SELECT count(*) FROM runs"), files);
            }

            // A run was erased in between, and a copy that still has its entries is to have nothing of it.
            if (attempt == Attempts)
            {
                throw new StoreUnavailableException("backup_failed", $"The store '{paths.Database}' erased runs each time that it was copied. Nothing was written; try again later.");
            }

            snapshot.Dispose();
            File.Delete(copy.Database);
            if (Directory.Exists(copy.Payloads))
            {
                Directory.Delete(copy.Payloads, recursive: true);
            }
        }
    }

    /// <summary>One reading transaction, which holds up nobody who writes; the log cannot be cut short meanwhile.</summary>
    private void Snapshot(string to, CancellationToken cancellationToken)
    {
        using var connection = StoreConnection.OpenToRead(paths);
        StoreSchema.ThrowIfUnreadable(connection, paths);
        using var stop = cancellationToken.UnsafeRegister(static handle => raw.sqlite3_interrupt((sqlite3)handle!), connection.Handle);
        using var command = connection.CreateCommand();
        command.CommandText = "VACUUM INTO $to";
        command.Parameters.AddWithValue("$to", to);
        try
        {
            command.ExecuteNonQuery();
        }
        catch (SqliteException e) when (e.SqliteErrorCode == raw.SQLITE_INTERRUPT)
        {
            throw new OperationCanceledException(cancellationToken);
        }

        SetMode(to, Mode(paths.Database));
        Flush(to);
    }

    /// <summary>Copies the payload files that a snapshot refers to; null if one is gone because its run was erased after the snapshot.</summary>
    private long? CopyPayloads(SqliteConnection snapshot, StorePaths copy, CancellationToken cancellationToken)
    {
        long files = 0;
        var shelves = new HashSet<string>();
        using var command = snapshot.CreateCommand();
        command.CommandText = "SELECT hash, form FROM payloads WHERE bytes IS NULL ORDER BY hash";
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            cancellationToken.ThrowIfCancellationRequested();
            var hash = new PayloadHash(Convert.ToHexStringLower(rows.GetFieldValue<byte[]>(0)));
            var name = PayloadFiles.NameOf(hash, rows.GetString(1));
            var (from, to) = (Path.Combine(paths.Payloads, name), Path.Combine(copy.Payloads, name));
            var shelf = Path.GetDirectoryName(to)!;
            if (shelves.Add(shelf))
            {
                MakeFolder(shelf);
            }

            try
            {
                File.Copy(from, to);
            }
            catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
            {
                if (IsGone(hash))
                {
                    return null;
                }

                throw SqliteErrors.Damaged(paths.Database, e, $"the payload file '{from}' is missing");
            }

            Flush(to);
            files++;
        }

        foreach (var shelf in shelves)
        {
            Native.FlushFolder(shelf);
        }

        if (shelves.Count > 0)
        {
            SetMode(copy.Payloads, PrivateFile | UnixFileMode.UserExecute);
            Native.FlushFolder(copy.Payloads);
        }

        return files;
    }

    private bool IsGone(PayloadHash hash)
    {
        using var connection = StoreConnection.OpenToRead(paths);
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM payloads WHERE hash = $hash";
        command.Parameters.AddWithValue("$hash", Convert.FromHexString(hash.Value));
        return (long)command.ExecuteScalar()! == 0;
    }

    private static void CopySmall(string from, string to)
    {
        if (File.Exists(from))
        {
            Save(to, File.ReadAllBytes(from), Mode(from));
        }
    }

    private static void Save(string path, byte[] bytes, UnixFileMode mode)
    {
        using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write))
        {
            SetMode(path, mode); // before anything is in it
            file.Write(bytes);
            file.Flush(flushToDisk: true);
        }
    }

    private static void Flush(string path)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        RandomAccess.FlushToDisk(file);
    }

    private static void MakeFolder(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, PrivateFile | UnixFileMode.UserExecute);
        }
    }

    private static UnixFileMode Mode(string path) => OperatingSystem.IsWindows() ? default : File.GetUnixFileMode(path);

    private static void SetMode(string path, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, mode);
        }
    }

    private static long Number(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // A text of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        return (long)command.ExecuteScalar()!;
    }
}

/// <summary>When a copy was made, and how far its log goes.</summary>
internal sealed record BackupNote(DateTimeOffset At, long Position, long Runs);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BackupNote))]
internal sealed partial class BackupJson : JsonSerializerContext;
