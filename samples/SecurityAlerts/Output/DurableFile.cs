using System.ComponentModel;
using System.Runtime.InteropServices;

namespace SecurityAlerts;

/// <summary>
/// Replaces a file as a whole: written beside it, forced to disk, renamed over it. Whoever reads sees the old content or
/// the new, never a mixture, also after a power cut. A temporary file that a crash left behind is overwritten.
/// </summary>
internal static class DurableFile
{
    /// <summary>The file's temporary neighbour.</summary>
    public static string TemporaryOf(string path) => path + ".new";

    public static async Task ReplaceAsync(string path, ReadOnlyMemory<byte> content, CancellationToken cancellationToken)
    {
        // A link stays a link: what it points to is replaced.
        var isLink = new FileInfo(path).LinkTarget is not null;
        var target = isLink ? File.ResolveLinkTarget(path, returnFinalTarget: true)!.FullName : Path.GetFullPath(path);
        var folder = Path.GetDirectoryName(target)!;
        var temporary = TemporaryOf(target);
        Directory.CreateDirectory(folder);

        await using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            if (!OperatingSystem.IsWindows() && File.Exists(target))
            {
                File.SetUnixFileMode(file.SafeFileHandle, File.GetUnixFileMode(target));
            }
            await file.WriteAsync(content, cancellationToken);
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, target, overwrite: true);
        FlushFolder(folder);
    }

    // The rename is in the folder, and .NET opens no folders. On Windows the file system's own journal keeps it.
    private static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var descriptor = NativeMethods.Open(System.Text.Encoding.UTF8.GetBytes(folder + "\0"), 0);
        if (descriptor < 0)
        {
            throw new IOException($"The folder {folder} could not be opened to force a rename to disk.", new Win32Exception());
        }
        var failure = NativeMethods.Sync(descriptor) == 0 ? null : new Win32Exception();
        _ = NativeMethods.Close(descriptor);

        // Some file systems cannot flush a folder and say so (EINVAL): they promise no more than the rename itself.
        const int InvalidArgument = 22;
        if (failure is not null && failure.NativeErrorCode != InvalidArgument)
        {
            throw new IOException($"The folder {folder} could not be forced to disk.", failure);
        }
    }

    private static class NativeMethods
    {
        [DllImport("libc", EntryPoint = "open", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int Open(byte[] path, int flags);

        [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int Sync(int descriptor);

        [DllImport("libc", EntryPoint = "close", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int Close(int descriptor);
    }
}
