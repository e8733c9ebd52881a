using Microsoft.Win32.SafeHandles;
using Signalbox.Sqlite.Commands;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Files;

/// <summary>
/// A small file beside a store that says who may do what. It counts only if nobody but the store's owner (or root) can have written it; it is read anew each time.
/// </summary>
/// <param name="path">The file.</param>
/// <param name="database">The store's database, whose owner is trusted.</param>
/// <param name="unusable">The refusal, from what is wrong.</param>
/// <param name="harm">What others than its owner could do by writing it.</param>
internal sealed class TrustedFile(string path, string database, Func<string, Exception?, StoreRefusedException> unusable, string harm)
{
    private const int BytesMax = 1024 * 1024;

    /// <summary>Its bytes, or null if there is no such file.</summary>
    /// <exception cref="StoreRefusedException">It cannot be read, or not be trusted.</exception>
    public byte[]? Read()
    {
        byte[] text;
        try
        {
            using var file = Open();
            if (file is null)
            {
                return null;
            }

            ThrowIfUntrusted(file);
            text = new byte[Math.Min(RandomAccess.GetLength(file), BytesMax) + 1];
            text = text[..RandomAccess.Read(file, text, 0)];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw unusable($"it cannot be read: {e.Message.TrimEnd('.')}", e);
        }

        return text.Length <= BytesMax ? text : throw unusable($"it is longer than {BytesMax} bytes", null);
    }

    /// <summary>The open file, or null if there is none. It is looked at by its handle alone, so that nobody can exchange it in between.</summary>
    private SafeFileHandle? Open()
    {
        try
        {
            return OperatingSystem.IsWindows() ? File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete) : Native.OpenToRead(path);
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

    private void ThrowIfUntrusted(SafeFileHandle file)
    {
        if (!OperatingSystem.IsLinux())
        {
            return;
        }

        var (owner, _, mode, isFile) = Native.Status(file);
        var storeOwner = Native.Status(database).User;
        if (!isFile)
        {
            throw unusable("it is no plain file", null);
        }

        if ((mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) != 0)
        {
            throw unusable($"others than its owner may write it, and could {harm}. Then: chmod go-w '{path}'", null);
        }

        if (owner != 0 && owner != storeOwner)
        {
            throw unusable($"it belongs to {Users.Named(owner)}, neither to the store's owner ({Users.Named(storeOwner)}) nor to root", null);
        }
    }
}
