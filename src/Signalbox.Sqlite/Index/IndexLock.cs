using Microsoft.Win32.SafeHandles;
using Signalbox.Sqlite.Files;

namespace Signalbox.Sqlite.Index;

/// <summary>The right to feed an index: an operating system's lock, which cannot outlive its process. The file stays.</summary>
internal sealed class IndexLock : IDisposable
{
    private readonly SafeFileHandle _file;

    private IndexLock(SafeFileHandle file) => _file = file;

    /// <summary>The lock, or null if another has it.</summary>
    public static IndexLock? TryTake(StorePaths paths)
    {
        SafeFileHandle file;
        try
        {
            file = File.OpenHandle(paths.IndexLock, FileMode.OpenOrCreate, FileAccess.ReadWrite, OperatingSystem.IsWindows() ? FileShare.Read : FileShare.None);
        }
        catch (IOException) when (File.Exists(paths.IndexLock))
        {
            return null;
        }

        if (!OperatingSystem.IsWindows() && !Native.TryLock(file))
        {
            file.Dispose();
            return null;
        }

        return new IndexLock(file);
    }

    /// <summary>Whether somebody has the lock.</summary>
    public static bool IsHeld(StorePaths paths)
    {
        try
        {
            using var file = OperatingSystem.IsWindows() ? File.OpenHandle(paths.IndexLock, FileMode.Open, FileAccess.Read, FileShare.ReadWrite) : Native.OpenToRead(paths.IndexLock);
            return OperatingSystem.IsWindows() || !Native.TryLock(file, exclusively: false);
        }
        catch (IOException)
        {
            return File.Exists(paths.IndexLock) && OperatingSystem.IsWindows();
        }
    }

    public void Dispose() => _file.Dispose();
}
