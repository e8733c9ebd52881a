using System.Globalization;
using Microsoft.Data.Sqlite;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Files;

/// <summary>
/// The group of the operating system whose members may read a store and hand in commands, and who may do nothing else: no file of the store is writable for them but the socket, and there the kernel says who asks.
/// </summary>
internal sealed class StoreGroup
{
    private const UnixFileMode FileForGroup = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
    private const UnixFileMode FolderForGroup = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;
    private const UnixFileMode SocketForGroup = FileForGroup | UnixFileMode.GroupWrite;
    private const string GroupFile = "/etc/group";

    private readonly string _name;
    private readonly uint _id;
    private readonly StorePaths _paths;

    private StoreGroup(string name, uint id, StorePaths paths)
    {
        _name = name;
        _id = id;
        _paths = paths;
    }

    /// <summary>The group that the options name, or null if they name none.</summary>
    /// <exception cref="StoreRefusedException"><c>store_group</c>: there is no such group, or its members could put other files in the place of the store's.</exception>
    public static StoreGroup? Of(string? name, StorePaths paths)
    {
        if (name is null)
        {
            return null;
        }

        if (!OperatingSystem.IsLinux())
        {
            throw Refused(paths, name, "only Linux tells who is at the other end of a socket. Name no group");
        }

        var group = new StoreGroup(name, Find(name) ?? throw Refused(paths, name, $"'{GroupFile}' has no such group. Make it (groupadd {name}), or give its number"), paths);
        return (Native.Status(paths.Folder).Mode & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)) == 0
            ? group
            : throw Refused(paths, name, $"others than its owner may write to the folder '{paths.Folder}', and so could replace the store or its role book. Then: chmod go-w '{paths.Folder}'");
    }

    /// <summary>Lets the group read the database and what SQLite keeps beside it; the connection has it open.</summary>
    public void ShareDatabase(SqliteConnection connection)
    {
        using (var command = connection.CreateCommand())
        {
            command.CommandText = "SELECT count(*) FROM sqlite_schema"; // from here on the log and its index are there
            command.ExecuteScalar();
        }

        Share(_paths.Database, FileForGroup);
        Share(_paths.WriteAheadLog, FileForGroup);
        Share(_paths.SharedMemory, FileForGroup);
    }

    /// <summary>Lets the group read the payload files that there are. The folder itself comes last: where it is shared, all in it is.</summary>
    public void SharePayloads()
    {
        if (!Directory.Exists(_paths.Payloads) || (Native.Status(_paths.Payloads) is var (_, group, mode, _) && group == _id && mode == FolderForGroup))
        {
            return;
        }

        foreach (var shelf in Directory.EnumerateDirectories(_paths.Payloads))
        {
            foreach (var file in Directory.EnumerateFiles(shelf))
            {
                Share(file, FileForGroup);
            }

            Share(shelf, FolderForGroup);
        }

        Share(_paths.Payloads, FolderForGroup);
    }

    public void ShareFolder(string path) => Share(path, FolderForGroup);

    public void ShareFile(string path) => Share(path, FileForGroup);

    public void ShareSocket() => Share(_paths.Socket, SocketForGroup);

    private void Share(string path, UnixFileMode mode)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        try
        {
            Native.ChangeGroup(path, _id);
            File.SetUnixFileMode(path, mode); // after the group: before it, the mode would let in the group that it had
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Refused(_paths, _name, $"{e.Message.TrimEnd('.')}. The user of this process must own the store's files and be a member of the group (usermod -aG {_name} USER)", e);
        }
    }

    private static uint? Find(string name)
    {
        foreach (var line in File.Exists(GroupFile) ? File.ReadLines(GroupFile) : [])
        {
            if (line.Split(':') is [var known, _, var number, ..] && known == name && uint.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                return id;
            }
        }

        return uint.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var given) && given != uint.MaxValue ? given : null;
    }

    private static StoreRefusedException Refused(StorePaths paths, string name, string why, Exception? inner = null) =>
        new("store_group", $"The store '{paths.Database}' cannot be shared with the group '{name}': {why}. The store was not opened.", inner);
}
