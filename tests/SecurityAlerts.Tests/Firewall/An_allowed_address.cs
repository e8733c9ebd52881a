using System.Net;
using Signalbox;

namespace SecurityAlerts.Tests.Firewall;

/// <summary>What customer care does, in the kernel's firewall, asked by a real TCP connection.</summary>
public sealed class An_allowed_address
{
    [Fact]
    public async Task Connects_again_whoever_had_blocked_it_and_not_when_that_is_undone()
    {
        await using var network = await TestNetwork.CreateAsync();
        var block = new NftBlockAddressHandler(network.Firewall());
        var allow = new NftAllowAddressHandler(network.Firewall());
        var wanted = new AllowAddress(TestNetwork.Client4);
        await block.ProbeAsync(new(TestNetwork.Client4), Context("00112233445566778899aabbccddeeff"), default);
        await block.ExecuteAsync(new(TestNetwork.Client4), Context("00112233445566778899aabbccddeeff"), default);
        var context = Context("ffeeddccbbaa99887766554433221100");

        Assert.Equal(ObservationKind.NotSo, (await allow.ProbeAsync(wanted, context, default)).Kind);
        Assert.False(await network.ConnectsAsync(TestNetwork.Client4));

        Assert.Equal("done", await allow.ExecuteAsync(wanted, context, default));
        Assert.Equal(ObservationKind.So, (await allow.VerifyAsync(wanted, context, default)).Kind);
        Assert.True(await network.ConnectsAsync(TestNetwork.Client4));
        Assert.Equal("refused: done before under this action's id", await allow.ExecuteAsync(wanted, context, default));

        Assert.Equal("done", await allow.UndoAsync(wanted, context, default));
        Assert.False(await network.ConnectsAsync(TestNetwork.Client4));
    }

    [Fact]
    public void Claims_the_opposite_of_a_block_of_the_same_address_in_any_spelling()
    {
        var allow = new AllowAddressHandler(null!).Claims(new(IPAddress.Parse("::ffff:192.0.2.7")))[0];

        Assert.True(allow.Opposes(new BlockAddressHandler(null!).Claims(new(IPAddress.Parse("192.0.2.7")))[0]));
        Assert.False(allow.Opposes(new BlockAddressHandler(null!).Claims(new(IPAddress.Parse("192.0.2.8")))[0]));
        Assert.False(allow.Opposes(allow));
    }

    private static ActionContext Context(string id) => new(id, new RunId("r-1"), 1, 1, TimeProvider.System.GetUtcNow());
}
