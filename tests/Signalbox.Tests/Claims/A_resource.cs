using System.Net;
using Xunit;

namespace Signalbox.Tests.Claims;

public sealed class A_resource
{
    [Theory]
    [InlineData("192.0.2.0/24", "192.0.2.7/32", true)]
    [InlineData("192.0.2.0/22", "192.0.3.200/32", true)]
    [InlineData("192.0.2.0/25", "192.0.2.128/25", false)]
    [InlineData("0.0.0.0/0", "203.0.113.9/32", true)]
    [InlineData("0.0.0.0/0", "2001:db8::1/128", false)]
    [InlineData("2001:db8::/32", "2001:db8:7::/48", true)]
    [InlineData("2001:db8::/33", "2001:db8:8000::/33", false)]
    [InlineData("::ffff:192.0.2.0/120", "192.0.2.7/32", true)]
    [InlineData("::/0", "192.0.2.7/32", false)]
    public void That_is_a_network_contains_its_addresses_and_networks(string one, string other, bool overlap)
    {
        var (a, b) = (Resource.Network(IPNetwork.Parse(one)), Resource.Network(IPNetwork.Parse(other)));
        Assert.Equal((overlap, overlap), (a.Overlaps(b), b.Overlaps(a)));
    }

    [Fact]
    public void That_is_an_IPv4_mapped_address_is_the_IPv4_address()
    {
        Assert.Equal(Resource.Address(IPAddress.Parse("192.0.2.7")), Resource.Address(IPAddress.Parse("::ffff:192.0.2.7")));
        Assert.Equal(Resource.Address(IPAddress.Parse("192.0.2.7")), Resource.Network(IPNetwork.Parse("192.0.2.7/32")));
        Assert.Equal("ip/192.0.2.7", Resource.Address(IPAddress.Parse("::ffff:192.0.2.7")).Name);
    }

    [Theory]
    [InlineData("web-01", "web-01", true)]
    [InlineData("web-1", "web-10", false)]
    [InlineData("a/b", "a", false)]
    [InlineData("a%2Fb", "a/b", false)]
    public void That_is_named_lies_within_those_that_its_names_begin_with_and_in_no_other(string outer, string inner, bool overlap)
    {
        Assert.Equal(overlap, Resource.Of("account", outer).Overlaps(Resource.Of("account", inner, "root")));
        Assert.False(Resource.Of("account", outer).Overlaps(Resource.Of("accounts", outer)));
        Assert.True(Resource.Of("account").Overlaps(Resource.Of("account", outer)));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    public void Has_a_name_that_people_can_read(string name) => Assert.Throws<ArgumentException>(() => Resource.Of("kind", name));
}
