using System.Net.Sockets;

namespace Signalbox.Mcp.Tests;

/// <summary>A socket in a test's folder on which another process says that it has come so far.</summary>
internal sealed class Doorbell : IDisposable
{
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public Doorbell(TempFolder folder)
    {
        _socket.Bind(new UnixDomainSocketEndPoint(folder.File("bell")));
        _socket.Listen();
    }

    public async Task RungAsync() => (await _socket.AcceptAsync().WaitAsync(Processes.Limit)).Dispose();

    public void Dispose() => _socket.Dispose();
}
