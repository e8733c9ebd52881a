using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Signalbox;

namespace SecurityAlerts.Tests.Firewall;

/// <summary>The kernel's firewall, asked by a real TCP connection from one network namespace into another.</summary>
public sealed partial class A_blocked_address
{
    private const string Id = "00112233445566778899aabbccddeeff";

    [Theory]
    [InlineData("10.99.0.2", "10.99.0.2")]
    [InlineData("fd99::2", "fd99::2")]
    [InlineData("10.99.0.2", "::ffff:10.99.0.2")]
    public async Task Cannot_connect_until_it_is_unblocked(string client, string blocked)
    {
        await using var network = await TestNetwork.CreateAsync();
        var from = IPAddress.Parse(client);
        var block = new BlockAddress(IPAddress.Parse(blocked));
        var handler = new NftBlockAddressHandler(network.Firewall());

        Assert.Equal(Observation.NotSo($"{NftTable.SetOf(from)} of inet signalbox does not hold {client}"), await handler.ProbeAsync(block, Context(), default));
        Assert.True(await network.ConnectsAsync(from));

        Assert.Equal("done", await handler.ExecuteAsync(block, Context(), default));
        Assert.Equal(
            Observation.So($"inet signalbox drops what comes from {client}: it is in {NftTable.SetOf(from)}, and the rule that drops stands"),
            await handler.VerifyAsync(block, Context(), default));
        Assert.Equal(0, await DroppedAsync(network));
        Assert.False(await network.ConnectsAsync(from));
        Assert.True(await DroppedAsync(network) > 0);

        Assert.Equal("done", await handler.UndoAsync(block, Context(), default));
        Assert.Equal(ObservationKind.NotSo, (await handler.VerifyAsync(block, Context(), default)).Kind);
        Assert.True(await network.ConnectsAsync(from));
    }

    [Fact]
    public async Task Does_not_keep_others_out()
    {
        await using var network = await TestNetwork.CreateAsync();
        var handler = new NftBlockAddressHandler(network.Firewall());
        await handler.ProbeAsync(new(IPAddress.Parse("10.99.0.3")), Context(), default);

        await handler.ExecuteAsync(new(IPAddress.Parse("10.99.0.3")), Context(), default);

        Assert.True(await network.ConnectsAsync(TestNetwork.Client4));
        Assert.True(await network.ConnectsAsync(TestNetwork.Client6));
    }

    [Fact]
    public async Task Is_seen_by_the_second_look_as_long_as_it_is_blocked()
    {
        await using var network = await TestNetwork.CreateAsync();
        var handler = new NftBlockAddressHandler(network.Firewall());
        var block = new BlockAddress(TestNetwork.Client4);
        var look = new NftSecondLook(network.Nft);
        await handler.ProbeAsync(block, Context(), default);
        Assert.Equal(new(false, "the kernel does not find 10.99.0.2 in blocked4: Error: Could not process rule: No such file or directory"), await look.AtAsync(block, default));

        await handler.ExecuteAsync(block, Context(), default);

        Assert.Equal(new(true, "the kernel finds 10.99.0.2 in blocked4, and \"ip saddr @blocked4 counter packets 0 bytes 0 drop\""), await look.AtAsync(block, default));
        await network.PersonAsync("add table inet signalbox { flags dormant; }");
        Assert.Equal(new(false, "the kernel finds 10.99.0.2 in blocked4, but no rule drops what is in it"), await look.AtAsync(block, default));
    }

    [Theory]
    [InlineData("flush chain inet signalbox incoming", "the rules of the chain incoming are not the two that drop")]
    [InlineData("insert rule inet signalbox incoming accept", "the rules of the chain incoming are not the two that drop")]
    [InlineData("add table inet signalbox { flags dormant; }", "the table is switched off (dormant)")]
    [InlineData("add set inet signalbox mine { type ipv4_addr; }", "its sets are blocked4 ipv4_addr, blocked6 ipv6_addr, done ipv6_addr, mine ipv4_addr")]
    public async Task Is_neither_blocked_nor_not_where_the_table_is_no_longer_whole(string done, string fault)
    {
        await using var network = await TestNetwork.CreateAsync();
        var handler = new NftBlockAddressHandler(network.Firewall());
        var block = new BlockAddress(TestNetwork.Client4);
        await handler.ProbeAsync(block, Context(), default);
        await handler.ExecuteAsync(block, Context(), default);

        await network.PersonAsync(done);

        var expected = Observation.Unclear(
            $"table inet signalbox is not as it was set up: {fault}. Put it right, or delete it (nft delete table inet signalbox), which lets through all that it blocks");
        Assert.Equal(expected, await handler.ProbeAsync(block, Context(), default));
        Assert.Equal(expected, await handler.VerifyAsync(block, Context(), default));
        var refused = await Assert.ThrowsAsync<NftException>(() => handler.ExecuteAsync(new(TestNetwork.Client6), Context(), default));
        Assert.Equal($"Nothing was done: table inet signalbox is not as it was set up: {fault}.", refused.Message);
    }

    private static ActionContext Context(string id = Id, int attempt = 1) => new(id, new RunId("r-1"), 1, attempt, TimeProvider.System.GetUtcNow());

    private static async Task<long> DroppedAsync(TestNetwork network) =>
        Counter.Matches(await network.PersonAsync("list chain inet signalbox incoming")).Sum(match => long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));

    [GeneratedRegex("counter packets ([0-9]+) ", RegexOptions.None, 1000)]
    private static partial Regex Counter { get; }
}
