using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace SecurityAlerts.Tests.Firewall;

/// <summary>
/// Two network namespaces of a test's own, joined by a cable: one with the firewall, one from which to connect to it. Nothing of this machine's own firewall is touched. Where they
/// cannot be made the test is skipped and says why.
/// </summary>
internal sealed class TestNetwork : IAsyncDisposable
{
    public static readonly IPAddress Client4 = IPAddress.Parse("10.99.0.2");
    public static readonly IPAddress Client6 = IPAddress.Parse("fd99::2");

    private const int Port = 8080;

    private static readonly TimeSpan TimeLimit = TimeSpan.FromSeconds(30);

    /// <summary>On a cable between two namespaces, a connection that is let through is there in a millisecond.</summary>
    private static readonly TimeSpan ConnectsWithin = TimeSpan.FromSeconds(1);

    private static int s_count;

    private readonly string _client;

    private TestNetwork()
    {
        var number = string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}-{Interlocked.Increment(ref s_count)}");
        Namespace = $"signalbox-f-{number}";
        _client = $"signalbox-c-{number}";
        Nft = new NftCommand(Namespace, TimeProvider.System);
    }

    /// <summary>The namespace with the firewall.</summary>
    public string Namespace { get; }

    public NftCommand Nft { get; }

    public static async Task<TestNetwork> CreateAsync()
    {
        if (Missing() is { } missing)
        {
            Assert.Skip($"No firewall to test with: {missing}");
        }

        var network = new TestNetwork();
        try
        {
            await network.JoinAsync();
            return network;
        }
        catch
        {
            await network.DisposeAsync();
            throw;
        }
    }

    public NftFirewall Firewall(TimeProvider? clock = null) => new(Nft, clock ?? TimeProvider.System);

    /// <summary>What a person does at the firewall.</summary>
    public async Task<string> PersonAsync(string command)
    {
        var end = await Nft.RunAsync([command], null, default);
        Assert.True(end.IsOk, $"nft {command}: {end.Errors}");
        return end.Output;
    }

    /// <summary>Whether a TCP connection to the machine with the firewall comes about, and carries something.</summary>
    public async Task<bool> ConnectsAsync(IPAddress from)
    {
        var server = from.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Parse("10.99.0.1") : IPAddress.Parse("fd99::1");
        using var listener = Inside(Namespace, from.AddressFamily);
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(new IPEndPoint(server, Port));
        listener.Listen(1);
        using var client = Inside(_client, from.AddressFamily);
        client.Bind(new IPEndPoint(from, 0));
        using var limit = new CancellationTokenSource(ConnectsWithin);
        try
        {
            await client.ConnectAsync(server, Port, limit.Token);
            using var accepted = await listener.AcceptAsync(limit.Token);
            await accepted.SendAsync("hello"u8.ToArray(), limit.Token);
            return await client.ReceiveAsync(new byte[5], limit.Token) > 0;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        // Their ends of the cable go with them.
        foreach (var name in new[] { Namespace, _client })
        {
            await IpAsync("netns", "del", name);
        }
    }

    /// <summary>Why there can be no test network here; null if there can.</summary>
    private static string? Missing() =>
        NativeMethods.EffectiveUser() != 0 ? "this is not root, and only root makes network namespaces."
        : Find("ip") is null ? "there is no 'ip' command; apt install iproute2 (test.sh does)."
        : Find("nft") is null ? "there is no 'nft' command; apt install nftables (test.sh does)."
        : null;

    /// <summary>Where a command is; null where it is not.</summary>
    internal static string? Find(string command) => new NftCommand(null, TimeProvider.System).Folders.Select(folder => Path.Combine(folder, command)).FirstOrDefault(File.Exists);

    private async Task JoinAsync()
    {
        if (await IpAsync("netns", "add", Namespace) is { } refused)
        {
            Assert.Skip($"No firewall to test with: this machine lets root make no network namespaces ({refused}).");
        }

        await MustAsync("netns", "add", _client);
        await MustAsync("-n", Namespace, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", _client);
        foreach (var (name, host) in new[] { (Namespace, 1), (_client, 2) })
        {
            await MustAsync("-n", name, "address", "add", $"10.99.0.{host}/24", "dev", "eth0");
            await MustAsync("-n", name, "address", "add", $"fd99::{host}/64", "dev", "eth0", "nodad");
            await MustAsync("-n", name, "link", "set", "lo", "up");
            await MustAsync("-n", name, "link", "set", "eth0", "up");
        }
    }

    private static async Task MustAsync(params string[] arguments)
    {
        var error = await IpAsync(arguments);
        Assert.True(error is null, $"ip {string.Join(' ', arguments)}: {error}");
    }

    /// <summary>Why <c>ip</c> refused; null if it did not.</summary>
    private static async Task<string?> IpAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Find("ip")!, arguments) { RedirectStandardError = true })!;
        var errors = await process.StandardError.ReadToEndAsync().WaitAsync(TimeLimit);
        await process.WaitForExitAsync().WaitAsync(TimeLimit);
        return process.ExitCode == 0 ? null : errors.Trim();
    }

    /// <summary>A socket belongs to the namespace of the thread that makes it; that thread is not used for anything else.</summary>
    private static Socket Inside(string name, AddressFamily family)
    {
        Socket? socket = null;
        Exception? error = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var handle = File.OpenHandle($"/run/netns/{name}");
                Assert.Equal(0, NativeMethods.EnterNamespace((int)handle.DangerousGetHandle(), 0));
                socket = new Socket(family, SocketType.Stream, ProtocolType.Tcp);
            }
            catch (Exception e)
            {
                error = e;
            }
        });
        thread.Start();
        thread.Join();
        return socket ?? throw new InvalidOperationException($"No socket in {name}.", error);
    }

    private static class NativeMethods
    {
        [DllImport("libc", EntryPoint = "geteuid")]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern uint EffectiveUser();

        [DllImport("libc", EntryPoint = "setns", SetLastError = true)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static extern int EnterNamespace(int handle, int kind);
    }
}
