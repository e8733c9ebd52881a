using Microsoft.Win32.SafeHandles;
using Signalbox.Sqlite.Commands;

namespace Signalbox.Sqlite.Files;

/// <summary>A small file beside a store that says what may be done or shown, and so is believed only where nobody else could have written it.</summary>
internal static class TrustedFile
{
    private const int BytesMax = 1024 * 1024;

    /// <summary>Its bytes, or null if there is none. <paramref name="unusable"/> makes the error of why it cannot be used; <paramref name="danger"/> is what others could do who may write it.</summary>
    public static byte[]? Read(StorePaths paths, string path, string danger, Func<string, Exception?, Exception> unusable)
    {
        byte[] text;
        try
        {
            using var file = Open(path);
            if (file is null)
            {
                return null;
            }

            ThrowIfUntrusted(file, paths, path, danger, unusable);
            text = new byte[BytesMax + 1];
            text = text[..RandomAccess.Read(file, text, 0)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw unusable($"it cannot be read: {e.Message.TrimEnd('.')}", e);
        }

        return text.Length <= BytesMax ? text : throw unusable($"it is longer than {BytesMax} bytes", null);
    }

    /// <summary>The open file, or null if there is none. It is looked at by its handle alone, so that nobody can exchange it in between.</summary>
    private static SafeFileHandle? Open(string path)
    {
        try
        {
            return OperatingSystem.IsWindows() ? File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite) : Native.OpenToRead(path);
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (IOException e) when (e.HResult == Native.NoSuchFile)
        {
            return null;
        }
    }

    private static void ThrowIfUntrusted(SafeFileHandle file, StorePaths paths, string path, string danger, Func<string, Exception?, Exception> unusable)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var (owner, _, mode, isFile) = Native.Status(file);
        var storeOwner = Native.Status(paths.Database).User;
        if (!isFile)
        {
            throw unusable("it is no plain file", null);
        }

        if ((mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0)
        {
            throw unusable($"others than its owner may write it, and could {danger}. Then: chmod go-w '{path}'", null);
        }

        if (owner != 0 && owner != storeOwner)
        {
            throw unusable($"it belongs to {Users.Named(owner)}, neither to the store's owner ({Users.Named(storeOwner)}) nor to root", null);
        }
    }
}
