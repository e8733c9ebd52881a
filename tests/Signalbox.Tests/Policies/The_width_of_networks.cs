using System.Net;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Signalbox.Tests.Policies;

public sealed class The_width_of_networks
{
    private static readonly WidestNetwork<Fence> s_cap = new("narrow", ipv4: 24, ipv6: 48);

    [Theory]
    [InlineData("192.0.2.7")]
    [InlineData("192.0.2.0/24")]
    [InlineData("::ffff:192.0.2.0/120")]
    [InlineData("2001:db8::/48")]
    [InlineData("2001:db8::1")]
    public void May_be_that_of_the_cap(string network) => Assert.Equal(PolicyVerdict.Allow("none of its networks is wider than /24 (IPv4) or /48 (IPv6)"), s_cap.Judge(Fences.Proposed(network)));

    [Theory]
    [InlineData("192.0.2.0/23", "ip/192.0.2.0/23")]
    [InlineData("0.0.0.0/0", "ip/0.0.0.0/0")]
    [InlineData("::ffff:192.0.2.0/119", "ip/192.0.2.0/23")]
    [InlineData("2001:db8::/47", "ip/2001:db8::/47")]
    [InlineData("::fffe:0:0/95", "ip/::fffe:0:0/95")] // no wider than /48, and all of IPv4 for who maps it
    public void May_not_be_more(string network, string named) => Assert.Equal(PolicyVerdict.Refuse($"{named} is wider than /24 (IPv4) or /48 (IPv6)"), s_cap.Judge(Fences.Proposed(network)));

    [Fact]
    public void Is_taken_from_all_claims_or_from_what_the_author_says()
    {
        var two = Fences.Proposed(new Fence("x"), [Resource.AddressOrNetwork("192.0.2.7"), Resource.AddressOrNetwork("192.0.0.0/16"), Resource.Of("host", "web-01"), Resource.AddressOrNetwork("10.0.0.0/8")]);
        Assert.Equal("ip/192.0.0.0/16, ip/10.0.0.0/8 are wider than /24 (IPv4) or /48 (IPv6)", s_cap.Judge(two)!.Reason);

        var own = new WidestNetwork<Fence>("narrow", 24, 48) { Networks = fence => [IPNetwork.Parse(fence.Network)] };
        Assert.Equal(PolicyVerdictKind.Refuse, own.Judge(Fences.Proposed(new Fence("10.0.0.0/8"), []))!.Kind);
    }

    [Fact]
    public void Of_an_action_that_names_no_network_cannot_be_told() =>
        Assert.Equal(PolicyVerdict.Refuse("'fence' names no address and no network, so that its width cannot be told"), s_cap.Judge(Fences.Proposed(new Fence("x"), [Resource.Of("host", "web-01")])));

    [Fact]
    public void That_is_too_wide_may_be_a_persons_to_approve()
    {
        var rule = new ApprovalRule { Roles = ["network"] };
        var cap = new WidestNetwork<Fence>("narrow", 24, 48) { Wider = PolicyVerdictKind.Ask, Rule = rule };
        Assert.Equal(PolicyVerdict.Ask("ip/10.0.0.0/8 is wider than /24 (IPv4) or /48 (IPv6)", rule), cap.Judge(Fences.Proposed("10.0.0.0/8")));
        Assert.Null(cap.Judge(Fences.Proposed("10.0.0.0/8", undo: true)));
    }

    [Fact]
    public void Is_told_for_every_prefix() =>
        Prop.ForAll(Gen.Choose(0, 32).ToArbitrary(), Gen.Choose(0, 128).ToArbitrary(), (cap4, length6) =>
        {
            var cap = new WidestNetwork<Fence>("narrow", cap4, 64);
            var length4 = length6 % 33;
            return cap.Judge(Fences.Proposed($"0.0.0.0/{length4}"))!.Kind == (length4 < cap4 ? PolicyVerdictKind.Refuse : PolicyVerdictKind.Allow)
                && cap.Judge(Fences.Proposed($"::ffff:0.0.0.0/{96 + length4}"))!.Kind == (length4 < cap4 ? PolicyVerdictKind.Refuse : PolicyVerdictKind.Allow)
                && (length6 == 0 || cap.Judge(Fences.Proposed($"8000::/{length6}"))!.Kind == (length6 < 64 ? PolicyVerdictKind.Refuse : PolicyVerdictKind.Allow));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void Counts_addresses_up_to_a_trillion()
    {
        Assert.Equal(1, Fences.Proposed("192.0.2.7").Addresses);
        Assert.Equal(256, Fences.Proposed("192.0.2.0/24").Addresses);
        Assert.Equal(1L << 32, Fences.Proposed("0.0.0.0/0").Addresses);
        Assert.Equal(1L << 39, Fences.Proposed("2001:db8::/89").Addresses);
        Assert.Equal(1_000_000_000_000, Fences.Proposed("2001:db8::/88").Addresses);
        Assert.Equal(1_000_000_000_000, Fences.Proposed("::/0").Addresses);
        Assert.Equal(1_000_000_000_000, Fences.Proposed(new Fence("x"), [Resource.AddressOrNetwork("2001:db8::/32"), Resource.AddressOrNetwork("::/0")]).Addresses);
        Assert.Equal(258, Fences.Proposed(new Fence("x"), [Resource.AddressOrNetwork("192.0.2.0/24"), Resource.Of("host", "a"), Resource.Of("host", "b")]).Addresses);
        Assert.Equal(0, Fences.Proposed(new Fence("x"), []).Addresses);
    }
}
