using Microsoft.Win32.SafeHandles;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Files;

/// <summary>
/// The right to write to a store, as an operating system's lock on the file beside it: it cannot outlive its process, so whoever gets it knows
/// that nobody else writes. The file stays; what it says about its holder is true only while it is locked.
/// </summary>
internal sealed class StoreLock : IDisposable
{
    private readonly SafeFileHandle _file;

    private StoreLock(SafeFileHandle file) => _file = file;

    /// <summary>The lock, or null if another has it.</summary>
    public static StoreLock? TryTake(StorePaths paths, bool stays)
    {
        SafeFileHandle file;
        try
        {
            // On Unix .NET takes the lock itself, unless a switch of the runtime says otherwise: hence the second request below.
            file = File.OpenHandle(paths.Lock, FileMode.OpenOrCreate, FileAccess.ReadWrite, OperatingSystem.IsWindows() ? FileShare.Read : FileShare.None);
        }
        catch (IOException) when (File.Exists(paths.Lock))
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw SqliteErrors.Translate(e, paths.Database);
        }

        if (!OperatingSystem.IsWindows() && !Native.TryLock(file))
        {
            file.Dispose();
            return null;
        }

        var owner = (OwnerInfo.Self with { Stays = stays }).ToJson();
        RandomAccess.SetLength(file, 0);
        RandomAccess.Write(file, owner, 0);
        return new StoreLock(file);
    }

    /// <summary>Who holds the lock, or null if nobody does.</summary>
    public static OwnerInfo? Holder(StorePaths paths)
    {
        try
        {
            using var file = OperatingSystem.IsWindows()
                ? File.OpenHandle(paths.Lock, FileMode.Open, FileAccess.Read, FileShare.ReadWrite)
                : Native.OpenToRead(paths.Lock);
            if (!OperatingSystem.IsWindows() && Native.TryLock(file, exclusively: false))
            {
                return null;
            }

            var text = new byte[4096];
            return OwnerInfo.FromJson(text.AsSpan(0, RandomAccess.Read(file, text, 0)));
        }
        catch (IOException)
        {
            return null; // there is no lock file: nobody ever owned the store
        }
    }

    public static StoreRefusedException Owned(StorePaths paths, OwnerInfo? owner) => new(
        "store_owned", $"The store '{paths.Database}' is written by {owner?.ToString() ?? "another process"}; only one process may write. Nothing was changed. Stop that process, or hand it commands: signalbox --store '{paths.Database}' …");

    public void Dispose() => _file.Dispose();
}
