using Microsoft.Data.Sqlite;
using SQLitePCL;
using Signalbox.Storage;

namespace Signalbox.Sqlite;

/// <summary>Says in the contract's words what SQLite and the file system report.</summary>
internal static class SqliteErrors
{
    private const int IoErrorSharedMemorySize = raw.SQLITE_IOERR | (19 << 8);
    private const int NoSpaceLeft = 28; // ENOSPC; .NET reports it in the low bits of HResult
    private const int QuotaExceeded = 122;

    /// <summary>Whether the error belongs to the disk and so to the whole transaction, not to one commit in it.</summary>
    public static bool IsOfTheDisk(Exception error) => error is SqliteException { SqliteErrorCode: raw.SQLITE_FULL or raw.SQLITE_IOERR or raw.SQLITE_BUSY or raw.SQLITE_READONLY or raw.SQLITE_CANTOPEN };

    /// <summary>The exception to throw at the caller for what went wrong at the store in <paramref name="path"/>.</summary>
    public static Exception Translate(Exception error, string path) => error switch
    {
        SqliteException { SqliteErrorCode: raw.SQLITE_CORRUPT } e => Damaged(path, e),
        SqliteException { SqliteErrorCode: raw.SQLITE_NOTADB } e => NotADatabase(path, e),
        SqliteException { SqliteErrorCode: raw.SQLITE_FULL } or SqliteException { SqliteExtendedErrorCode: IoErrorSharedMemorySize } => Full(path, error),
        SqliteException { SqliteErrorCode: raw.SQLITE_BUSY } => new StoreUnavailableException(
            "store_busy", $"Another program holds a write lock on the store '{path}', although only Signalbox should write to it. Nothing was written. End that program's transaction (fuser shows who has the file open); then the same commit can be tried again.", error),
        SqliteException { SqliteErrorCode: raw.SQLITE_IOERR or raw.SQLITE_READONLY or raw.SQLITE_CANTOPEN or raw.SQLITE_NOMEM } e => Io(path, e.Message, e),
        IOException e when (e.HResult & 0xFFFF) is NoSpaceLeft or QuotaExceeded => Full(path, e),
        IOException or UnauthorizedAccessException => Io(path, error.Message, error),
        _ => error,
    };

    public static StoreRefusedException Damaged(string path, Exception? inner = null, string? what = null) => new(
        "store_damaged", $"The store '{path}' is damaged: {what ?? inner!.Message.TrimEnd('.')}. Nothing was changed. Stop its owner, keep a copy of the file with its '-wal' beside it, and restore the last backup.", inner);

    public static StoreRefusedException NotADatabase(string path, Exception? inner = null) => new(
        "store_damaged", $"The file '{path}' is not a SQLite database, or its beginning has been overwritten. Nothing was changed. Check the path; if it was a store, keep a copy and restore the last backup.", inner);

    private static StoreUnavailableException Full(string path, Exception inner) => new(
        "disk_full", $"The disk of the store '{path}' is full. Nothing of this commit was written, and nothing acknowledged before is lost. Make room; then the same commit can be tried again.", inner);

    private static StoreUnavailableException Io(string path, string what, Exception inner) => new(
        "store_io", $"The store '{path}' could not be read or written: {what.TrimEnd('.')}. Nothing of this commit was written, and nothing acknowledged before is lost. Check the disk and the file's permissions; then try again.", inner);

    public static StoreUnavailableException Closed(string path) => new(
        "store_closed", $"The store '{path}' has been closed in this process. Nothing of this commit was written.");
}
