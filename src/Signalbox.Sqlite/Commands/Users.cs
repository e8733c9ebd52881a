using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Signalbox.Sqlite.Files;

namespace Signalbox.Sqlite.Commands;

/// <summary>Who asks, as the kernel knows it: nothing that a message could claim.</summary>
internal static class Users
{
    private const int SocketLevel = 1; // SOL_SOCKET on Linux
    private const int PeerCredentials = 17; // SO_PEERCRED on Linux
    private const string UserFile = "/etc/passwd";

    /// <summary>The user at the other end.</summary>
    public static uint Of(Socket socket)
    {
        Span<byte> credentials = stackalloc byte[12]; // struct ucred { pid_t pid; uid_t uid; gid_t gid; }
        socket.GetRawSocketOption(SocketLevel, PeerCredentials, credentials);
        return MemoryMarshal.Read<uint>(credentials[4..]);
    }

    /// <summary>The user of this process, as an actor.</summary>
    public static string Self() => OperatingSystem.IsWindows() ? "person:" + Environment.UserName : Named(Native.EffectiveUser());

    /// <summary>A user as an actor: <c>person:anna</c>, or <c>person:uid-1001</c> for one without a name.</summary>
    public static string Named(uint user)
    {
        var id = user.ToString(CultureInfo.InvariantCulture);
        if (File.Exists(UserFile))
        {
            foreach (var line in File.ReadLines(UserFile))
            {
                if (line.Split(':') is [var name, _, var number, ..] && number == id)
                {
                    return "person:" + name;
                }
            }
        }

        return "person:uid-" + id;
    }
}
