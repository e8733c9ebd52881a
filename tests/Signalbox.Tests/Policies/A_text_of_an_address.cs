using Xunit;

namespace Signalbox.Tests.Policies;

public sealed class A_text_of_an_address
{
    [Theory]
    [InlineData("192.0.2.7", "ip/192.0.2.7")]
    [InlineData("192.0.2.0/24", "ip/192.0.2.0/24")]
    [InlineData("192.0.2.7/32", "ip/192.0.2.7")]
    [InlineData("0.0.0.0/0", "ip/0.0.0.0/0")]
    [InlineData("2001:DB8::0001", "ip/2001:db8::1")]
    [InlineData("2001:db8::/48", "ip/2001:db8::/48")]
    [InlineData("::ffff:192.0.2.7", "ip/192.0.2.7")]
    [InlineData("::ffff:192.0.2.0/120", "ip/192.0.2.0/24")]
    [InlineData("::/0", "ip/::/0")]
    public void Is_the_resource_that_it_names(string text, string name) => Assert.Equal(name, Resource.AddressOrNetwork(text).Name);

    [Theory]
    [InlineData("")]
    [InlineData(" 192.0.2.7")]
    [InlineData("192.0.2.7 ")]
    [InlineData("010.0.0.1")]
    [InlineData("0x0a.0.0.1")]
    [InlineData("167772161")]
    [InlineData("10.1")]
    [InlineData("192.0.2.256")]
    [InlineData("192.0.2.7:80")]
    [InlineData("[2001:db8::1]")]
    [InlineData("fe80::1%eth0")]
    [InlineData("::ffff:010.0.0.1")]
    [InlineData("::ffff:0x0a.0.0.1")]
    [InlineData("2001:db8::1 ")]
    [InlineData("2001:db8::1\t")]
    [InlineData("192.0.2.7/24")]
    [InlineData("192.0.2.0/33")]
    [InlineData("192.0.2.0/-1")]
    [InlineData("192.0.2.0/+24")]
    [InlineData("192.0.2.0/")]
    [InlineData("192.0.2.0/24/8")]
    [InlineData("192.0.2.0/ 24")]
    [InlineData("2001:db8::1/48")]
    [InlineData("example.org")]
    [InlineData("*")]
    public void That_programs_may_take_for_something_else_is_none(string text) => Assert.Throws<FormatException>(() => Resource.AddressOrNetwork(text));
}
