using System.Net;

namespace SecurityAlerts.Tests.Firewall;

/// <summary>What can be wrong with the <c>nft</c> command itself; a script plays it, so that none of this needs a firewall.</summary>
public sealed class The_nft_command : IDisposable
{
    private readonly World _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task May_be_missing()
    {
        var missing = await Assert.ThrowsAsync<NftException>(() => new NftCommand(null, TimeProvider.System) { Folders = [_world.Folder] }.RunAsync(["list", "tables"], null, default));

        Assert.Equal("There is no 'nft' command on this machine. Install it (Debian: apt install nftables), or leave out --firewall nft.", missing.Message);
    }

    [Fact]
    public async Task May_be_forbidden()
    {
        var firewall = new NftFirewall(Playing("echo 'Operation not permitted (you must be root)' >&2; exit 1"), TimeProvider.System);

        var forbidden = await Assert.ThrowsAsync<NftException>(() => firewall.SetUpAsync(default));

        Assert.Equal(
            "nft may not touch the firewall of this machine (Operation not permitted (you must be root)). Run this as root or with CAP_NET_ADMIN, or leave out --firewall nft.", forbidden.Message);
    }

    [Fact]
    public async Task Is_ended_when_it_hangs()
    {
        var clock = new ManualClock();
        var call = Playing("exec sleep 600", clock).RunAsync(["list", "tables"], null, default);

        clock.Advance(TimeSpan.FromSeconds(10));

        var late = await Assert.ThrowsAsync<NftException>(() => call).WaitAsync(ResponseWorld.TimeLimit);
        Assert.Equal("nft did not end within 10 s and was ended. Whether the firewall of this machine has changed is unknown.", late.Message);
    }

    [Fact]
    public async Task Is_ended_when_nobody_waits_for_it_any_more()
    {
        using var waiting = new CancellationTokenSource();
        var call = Playing("echo $$ > pid; mv pid started; exec sleep 600").RunAsync(["list", "tables"], null, waiting.Token);
        string? pid;
        while ((pid = File.Exists(_world.Path_("started")) ? _world.Read("started").Trim() : null) is null)
        {
            Assert.False(call.IsCompleted);
            await Task.Yield();
        }

        await waiting.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call).WaitAsync(ResponseWorld.TimeLimit);
        Assert.False(Directory.Exists($"/proc/{pid}"));
    }

    [Fact]
    public async Task May_not_flood_its_reader()
    {
        var flood = await Assert.ThrowsAsync<NftException>(() => Playing("head -c 100000 /dev/zero").RunAsync(["list", "tables"], null, default));

        Assert.Equal("nft said more than 1000 characters about the firewall of this machine. Nobody can say from half of it how the firewall stands.", flood.Message);
    }

    [Fact]
    public async Task May_talk_nonsense()
    {
        var firewall = new NftFirewall(Playing("echo '{\"nftables\": [{\"set\": 7}]}'"), TimeProvider.System);

        var nonsense = await Assert.ThrowsAsync<NftException>(() => firewall.LookAsync(default));

        Assert.StartsWith("What nft says about table inet signalbox cannot be read: ", nonsense.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task May_refuse_for_a_reason_that_nobody_knows()
    {
        const string Table =
            """
            {"nftables": [
              {"set": {"name": "blocked4", "type": "ipv4_addr"}}, {"set": {"name": "blocked6", "type": "ipv6_addr"}},
              {"set": {"name": "done", "type": "ipv6_addr", "elem": [{"elem": {"val": "::6:2f7b:5e0e:c000"}}]}},
              {"chain": {"name": "incoming", "hook": "prerouting"}},
              {"rule": {"chain": "incoming", "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@blocked4"}}, {"counter": {"packets": 7, "bytes": 420}}, {"drop": null}]}},
              {"rule": {"chain": "incoming", "expr": [{"match": {"op": "==", "left": {"payload": {"protocol": "ip6", "field": "saddr"}}, "right": "@blocked6"}}, {"counter": {"packets": 0, "bytes": 0}}, {"drop": null}]}}
            ]}
            """;
        _world.Write("table", Table);
        var firewall = new NftFirewall(Playing("[ \"$2\" = list ] && exec cat table; echo 'internal: Error: No buffer space available' >&2; exit 1", outputMax: 10_000), TimeProvider.System);

        var refused = await Assert.ThrowsAsync<NftException>(() => firewall.BlockAsync(IPAddress.Parse("192.0.2.7"), "00112233445566778899aabbccddeeff", TimeProvider.System.GetUtcNow(), default));

        Assert.Equal(
            "The firewall of this machine refused 'block 192.0.2.7 00112233445566778899aabbccddeeff' (internal: Error: No buffer space available). Nothing was done.", refused.Message);
    }

    private NftCommand Playing(string script, TimeProvider? clock = null, int outputMax = 1000)
    {
        _world.Write("nft", "#!/bin/sh", $"cd '{_world.Folder}' || exit 2", script);
        _world.MakeExecutable("nft");
        return new(null, clock ?? TimeProvider.System) { Folders = [_world.Folder], OutputMax = outputMax };
    }
}
