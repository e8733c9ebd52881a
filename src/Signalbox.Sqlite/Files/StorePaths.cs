using System.Security.Cryptography;
using System.Text;

namespace Signalbox.Sqlite.Files;

/// <summary>The files that make a store: the database, and what lies beside it under its name.</summary>
internal sealed record StorePaths
{
    // sun_path holds 108 bytes with the final zero; 20 of them go to "/proc/self/fd/123/".
    private const int SocketNameBytesMax = 80;

    public StorePaths(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        var full = Path.GetFullPath(path);
        if (!OperatingSystem.IsWindows())
        {
            full = File.Exists(full) ? Native.RealPath(full) : Path.Combine(Native.RealPath(Path.GetDirectoryName(full)!), Path.GetFileName(full));
        }

        Database = full;
        Folder = Path.GetDirectoryName(full)!;
        var name = Path.GetFileName(full);
        SocketName = Encoding.UTF8.GetByteCount(name) + 5 <= SocketNameBytesMax
            ? name + ".sock"
            : $".signalbox-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)).AsSpan(0, 12))}.sock";
    }

    public string Database { get; }

    public string Folder { get; }

    public string SocketName { get; }

    public string Socket => Path.Combine(Folder, SocketName);

    public string WriteAheadLog => Database + "-wal";

    public string SharedMemory => Database + "-shm";

    public string Roles => Database + ".roles.json";

    public string Keys => Database + ".keys.json";

    public string Lock => Database + ".lock";

    public string Payloads => Database + "-payloads";

    /// <summary>The search index: follows from the store, may be deleted.</summary>
    public string Index => Database + "-index";

    /// <summary>Held by the one process that feeds the index.</summary>
    public string IndexLock => Index + ".lock";

    /// <summary>Where a new store is made before it gets its name, so that no half-made one is ever found under it.</summary>
    public string Unfinished => Database + ".unfinished";
}
