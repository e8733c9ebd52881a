using System.Net.Sockets;
using System.Text;
using Microsoft.Win32.SafeHandles;
using Signalbox.Sqlite.Files;

namespace Signalbox.Sqlite.Commands;

/// <summary>
/// Where the socket lies. A socket's address holds some hundred bytes; a longer path is reached on Linux through the open folder
/// (<c>/proc/self/fd/7/name</c>), for as long as this object lives.
/// </summary>
internal sealed class SocketPlace : IDisposable
{
    private const int AddressBytesMax = 100;
    private readonly SafeFileHandle? _folder;

    public SocketPlace(StorePaths paths)
    {
        var address = paths.Socket;
        if (Encoding.UTF8.GetByteCount(address) > AddressBytesMax)
        {
            _folder = Native.OpenToRead(paths.Folder);
            address = $"/proc/self/fd/{_folder.DangerousGetHandle()}/{paths.SocketName}";
        }

        EndPoint = new UnixDomainSocketEndPoint(address);
    }

    /// <summary>Whether processes can talk here at all: we rely on Linux for who asks and for long paths.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux();

    public UnixDomainSocketEndPoint EndPoint { get; }

    public void Dispose() => _folder?.Dispose();
}
