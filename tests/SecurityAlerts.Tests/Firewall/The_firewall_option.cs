namespace SecurityAlerts.Tests.Firewall;

/// <summary><c>--firewall nft</c>, as its user meets it.</summary>
public sealed class The_firewall_option
{
    [Fact]
    public async Task Blocks_in_the_kernel_and_leaves_the_deny_list_alone()
    {
        await using var network = await TestNetwork.CreateAsync();
        using var world = new World();

        var end = await SampleProcess.RunAsync(world, "--firewall", "nft", "--netns", network.Namespace);

        Assert.Equal(("", 0), (end.Errors, end.ExitCode));
        Assert.Equal(
            ["192.0.2.77", "203.0.113.66", "203.0.113.67"], (await network.Firewall().LookAsync(default)).Blocked.Select(AddressText.Of).Order(StringComparer.Ordinal));
        Assert.False(File.Exists(world.Path_("deny.list")));
    }

    [Fact]
    public async Task Begins_nothing_where_somebody_has_changed_the_table()
    {
        await using var network = await TestNetwork.CreateAsync();
        using var world = new World();
        await network.Firewall().SetUpAsync(default);
        await network.PersonAsync("flush chain inet signalbox incoming");

        var end = await SampleProcess.RunAsync(world, "--firewall", "nft", "--netns", network.Namespace);

        Assert.Equal(2, end.ExitCode);
        Assert.Equal(
            $"Table inet signalbox of the network namespace {network.Namespace} is not as this sample sets it up: the rules of the chain incoming are not the two that drop. Nothing was done. "
            + "Put it right, or delete it (nft delete table inet signalbox), which lets through all that it blocks.\n",
            end.Errors);
        Assert.False(File.Exists(world.Path_("signalbox.db")));
    }

    [Fact]
    public async Task Names_a_namespace_that_there_is_not()
    {
        await using var network = await TestNetwork.CreateAsync();
        using var world = new World();

        var end = await SampleProcess.RunAsync(world, "--firewall", "nft", "--netns", "signalbox-none");

        Assert.Equal((2, "There is no network namespace signalbox-none on this machine; those that there are: ip netns list.\n"), (end.ExitCode, end.Errors));
    }

    [Theory]
    [InlineData("--firewall must be file or nft; got \"iptables\".", "--firewall", "iptables")]
    [InlineData("--netns says whose firewall it is: it needs --firewall nft.", "--netns", "x")]
    [InlineData("--deny-list is the other firewall: leave it out, or leave out --firewall nft.", "--firewall", "nft", "--deny-list", "other.list")]
    public async Task Names_what_cannot_be_had(string error, params string[] arguments)
    {
        using var world = new World();

        var end = await SampleProcess.RunAsync(world, arguments);

        Assert.Equal((2, $"{error}\nNothing was done. What there is: --help\n"), (end.ExitCode, end.Errors));
    }
}
