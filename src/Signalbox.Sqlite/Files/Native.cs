using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Signalbox.Sqlite.Files;

/// <summary>The few calls to the C library that .NET has no method for. Nothing here is called on Windows.</summary>
internal static partial class Native
{
    private const int ReadOnly = 0;
    private const int CloseOnExecOnLinux = 0x80000;
    private const int NonBlockingOnLinux = 0x800;
    private const int LockExclusive = 2;
    private const int LockShared = 1;
    private const int LockNonBlocking = 4;
    private const int CurrentFolder = -100; // AT_FDCWD
    private const int OfTheHandle = 0x1000; // AT_EMPTY_PATH
    private const uint BasicFields = 0x7FF; // STATX_BASIC_STATS

    /// <summary>What an <see cref="IOException"/> of this class has as its HResult where there is no such file (ENOENT).</summary>
    public const int NoSuchFile = 2;

    /// <summary>Opens a file or a folder to read, without the advisory lock that .NET would ask for, and without waiting for a writer where it is a pipe.</summary>
    public static SafeFileHandle OpenToRead(string path)
    {
        var descriptor = Open(path, ReadOnly | (OperatingSystem.IsLinux() ? CloseOnExecOnLinux | NonBlockingOnLinux : 0));
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

    /// <summary>Whose a file is, and what it is. On Linux alone: elsewhere the call is not there.</summary>
    public static (uint User, uint Group, UnixFileMode Mode, bool IsFile) Status(SafeFileHandle file) => Status((int)file.DangerousGetHandle(), "", OfTheHandle);

    /// <inheritdoc cref="Status(SafeFileHandle)" />
    public static (uint User, uint Group, UnixFileMode Mode, bool IsFile) Status(string path) => Status(CurrentFolder, path, 0);

    /// <summary>Gives a file to a group; its user stays.</summary>
    public static void ChangeGroup(string path, uint group)
    {
        if (ChangeOwner(path, uint.MaxValue, group) != 0)
        {
            throw LastError(path);
        }
    }

    /// <summary>Gives a file to a user; its group stays. Only root can.</summary>
    public static void ChangeUser(string path, uint user)
    {
        if (ChangeOwner(path, user, uint.MaxValue) != 0)
        {
            throw LastError(path);
        }
    }

    private static (uint User, uint Group, UnixFileMode Mode, bool IsFile) Status(int folder, string path, int flags)
    {
        // struct statx, the same for every processor: uid at 20, gid at 24, mode at 28.
        Span<byte> status = stackalloc byte[256];
        if (StatusExtended(folder, path, flags, BasicFields, ref MemoryMarshal.GetReference(status)) != 0)
        {
            throw LastError(path);
        }

        var mode = MemoryMarshal.Read<ushort>(status[28..]);
        return (MemoryMarshal.Read<uint>(status[20..]), MemoryMarshal.Read<uint>(status[24..]), (UnixFileMode)(mode & 0xFFF), (mode & 0xF000) == 0x8000);
    }

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

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatusExtended(int folder, string path, int flags, uint fields, ref byte status);

    [LibraryImport("libc", EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ChangeOwner(string path, uint user, uint group);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetEffectiveUser();
}
