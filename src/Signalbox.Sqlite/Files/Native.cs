using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Signalbox.Sqlite.Files;

/// <summary>The few calls to the C library that .NET has no method for. Nothing here is called on Windows.</summary>
internal static partial class Native
{
    private const int ReadOnly = 0;
    private const int CloseOnExecOnLinux = 0x80000;
    private const int LockExclusive = 2;
    private const int LockShared = 1;
    private const int LockNonBlocking = 4;

    /// <summary>Opens a file or a folder to read, without the advisory lock that .NET would ask for.</summary>
    public static SafeFileHandle OpenToRead(string path)
    {
        var descriptor = Open(path, ReadOnly | (OperatingSystem.IsLinux() ? CloseOnExecOnLinux : 0));
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw LastError(path);
    }

    /// <summary>Makes the names in a folder durable: without it a new file may be gone after a crash of the machine, content and all.</summary>
    public static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return; // NTFS logs names by itself and has no such call
        }

        using var handle = OpenToRead(folder);
        if (Flush((int)handle.DangerousGetHandle()) != 0)
        {
            throw LastError(folder);
        }
    }

    /// <summary>Takes the advisory lock on an open file; false if another has it. It ends with the last handle, so with the process.</summary>
    public static bool TryLock(SafeFileHandle file, bool exclusively = true) =>
        Lock((int)file.DangerousGetHandle(), (exclusively ? LockExclusive : LockShared) | LockNonBlocking) == 0;

    /// <summary>The path without symbolic links: one store has one lock, by whatever way it is reached.</summary>
    public static string RealPath(string path)
    {
        Span<byte> buffer = stackalloc byte[4097];
        buffer.Clear();
        return RealPath(path, ref MemoryMarshal.GetReference(buffer)) == 0 ? path : Encoding.UTF8.GetString(buffer[..buffer.IndexOf((byte)0)]);
    }

    /// <summary>The user this process acts as.</summary>
    public static uint EffectiveUser() => GetEffectiveUser();

    private static IOException LastError(string path)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{Marshal.GetPInvokeErrorMessage(error)}: '{path}'", error);
    }

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static partial int Flush(int file);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Lock(int file, int operation);

    [LibraryImport("libc", EntryPoint = "realpath", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint RealPath(string path, ref byte resolved);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUser();
}
