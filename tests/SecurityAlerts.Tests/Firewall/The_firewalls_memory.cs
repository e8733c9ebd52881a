using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Signalbox;

namespace SecurityAlerts.Tests.Firewall;

/// <summary>An action's id has one effect at most, by the word of <c>nft monitor</c>; and where that cannot be promised, nothing happens.</summary>
public sealed class The_firewalls_memory
{
    private const string Id = "00112233445566778899aabbccddeeff";
    private const string OtherId = "ffeeddccbbaa99887766554433221100";

    private static readonly IPAddress s_address = TestNetwork.Client4;
    private static readonly BlockAddress s_block = new(s_address);

    [Fact]
    public async Task Refuses_a_replay()
    {
        await using var network = await TestNetwork.CreateAsync();
        await using var log = await FirewallLog.StartAsync(network);
        var handler = new NftBlockAddressHandler(network.Firewall());
        var intended = await IntendAsync(handler);

        Assert.Equal("done", await handler.ExecuteAsync(s_block, intended, default));
        Assert.Equal("refused: done before under this action's id", await handler.ExecuteAsync(s_block, intended with { Attempt = 2, Epoch = 2 }, default));

        Assert.Equal([new(Id, "block", "10.99.0.2", Applied: true)], await log.EffectsAsync());
    }

    [Fact]
    public async Task Refuses_a_replay_also_after_a_person_has_unblocked_the_address()
    {
        await using var network = await TestNetwork.CreateAsync();
        await using var log = await FirewallLog.StartAsync(network);
        var handler = new NftBlockAddressHandler(network.Firewall());
        var intended = await IntendAsync(handler);
        await handler.ExecuteAsync(s_block, intended, default);

        await network.PersonAsync("delete element inet signalbox blocked4 { 10.99.0.2 }");

        Assert.Equal("refused: done before under this action's id", await handler.ExecuteAsync(s_block, intended with { Attempt = 2 }, default));
        Assert.True(await network.ConnectsAsync(s_address));
        Assert.Equal(
            Observation.NotSo($"blocked4 of inet signalbox does not hold 10.99.0.2; this action was carried out (block 10.99.0.2 {Id})"),
            await handler.VerifyAsync(s_block, intended with { Attempt = 2 }, default));
        Assert.Equal([new(Id, "block", "10.99.0.2", Applied: true), new("", "unblock", "10.99.0.2", Applied: true)], await log.EffectsAsync());
    }

    [Fact]
    public async Task Refuses_a_second_undo_of_what_somebody_else_has_blocked_since()
    {
        await using var network = await TestNetwork.CreateAsync();
        var handler = new NftBlockAddressHandler(network.Firewall());
        var intended = await IntendAsync(handler);
        await handler.ExecuteAsync(s_block, intended, default);
        Assert.Equal("done", await handler.UndoAsync(s_block, intended, default));
        Assert.Equal("done", await handler.ExecuteAsync(s_block, intended with { ActionId = OtherId }, default));

        Assert.Equal("refused: done before under this action's id", await handler.UndoAsync(s_block, intended, default));

        Assert.False(await network.ConnectsAsync(s_address));
    }

    [Fact]
    public async Task Holds_an_undo_that_found_nothing_to_undo()
    {
        await using var network = await TestNetwork.CreateAsync();
        await using var log = await FirewallLog.StartAsync(network);
        var handler = new NftBlockAddressHandler(network.Firewall());
        var intended = await IntendAsync(handler);

        Assert.Equal("was not there", await handler.UndoAsync(s_block, intended, default));

        await handler.ExecuteAsync(s_block, intended with { ActionId = OtherId }, default);
        var late = await Assert.ThrowsAsync<NftException>(() => handler.UndoAsync(s_block, intended, default));
        Assert.Equal("The firewall refused: this action was given up. Nothing was done.", late.Message);
        Assert.Equal([new(OtherId, "block", "10.99.0.2", Applied: true)], await log.EffectsAsync());
    }

    [Fact]
    public async Task Stops_a_late_call_of_an_action_that_was_given_up()
    {
        await using var network = await TestNetwork.CreateAsync();
        await using var log = await FirewallLog.StartAsync(network);
        var firewall = network.Firewall();
        var handler = new NftBlockAddressHandler(firewall);
        var intended = await IntendAsync(handler);

        Assert.True(await firewall.ForbidBlockAsync(Id, default));

        var late = await Assert.ThrowsAsync<NftException>(() => handler.ExecuteAsync(s_block, intended, default));
        Assert.Equal("The firewall refused: this action was given up. Nothing was done.", late.Message);
        Assert.Equal(Observation.NotSo("blocked4 of inet signalbox does not hold 10.99.0.2; this action was given up"), await handler.VerifyAsync(s_block, intended, default));
        Assert.Empty(await log.EffectsAsync());
    }

    [Fact]
    public async Task Does_not_give_up_what_was_done()
    {
        await using var network = await TestNetwork.CreateAsync();
        var firewall = network.Firewall();
        var handler = new NftBlockAddressHandler(firewall);
        await handler.ExecuteAsync(s_block, await IntendAsync(handler), default);

        Assert.False(await firewall.ForbidBlockAsync(Id, default));

        Assert.Contains(s_address, (await firewall.LookAsync(default)).Blocked);
    }

    [Theory]
    [InlineData("flush ruleset", "table inet signalbox is gone, and with it the firewall's memory of actions")]
    [InlineData("flush set inet signalbox done", "the firewall's memory of actions was lost (table inet signalbox has no marker in set done)")]
    public async Task Once_lost_leaves_open_whether_an_action_happened(string loss, string why)
    {
        await using var network = await TestNetwork.CreateAsync();
        await using var log = await FirewallLog.StartAsync(network);
        var handler = new NftBlockAddressHandler(network.Firewall());
        var intended = await IntendAsync(handler);
        await handler.ExecuteAsync(s_block, intended, default);

        await network.PersonAsync(loss);

        var unclear = Observation.Unclear($"{why}: whether this action was carried out before is unknown. Look at the firewall yourself");
        Assert.Equal(unclear, await handler.VerifyAsync(s_block, intended, default));
        Assert.Equal(unclear, await handler.ProbeAsync(s_block, intended with { Attempt = 2 }, default));
        var refused = await Assert.ThrowsAsync<NftMemoryLostException>(() => handler.ExecuteAsync(s_block, intended with { Attempt = 2 }, default));
        Assert.Equal($"Nothing was done: {unclear.Proof}.", refused.Message);
        Assert.Single(await log.EffectsAsync(), effect => effect.ActionId.Length > 0);
    }

    [Fact]
    public async Task Once_begun_anew_does_not_vouch_for_what_was_intended_before()
    {
        await using var network = await TestNetwork.CreateAsync();
        var clock = new ManualClock();
        var firewall = network.Firewall(clock);
        var handler = new NftBlockAddressHandler(firewall);
        await handler.ProbeAsync(s_block, At(clock), default);
        var before = At(clock);
        await handler.ExecuteAsync(s_block, before, default);
        await network.PersonAsync("flush ruleset");
        clock.Advance(TimeSpan.FromSeconds(1));
        var after = At(clock) with { ActionId = OtherId };

        // An action that nobody can have carried out yet sets the table up.
        Assert.Equal(ObservationKind.NotSo, (await handler.ProbeAsync(s_block, after, default)).Kind);

        Assert.Equal(
            Observation.Unclear(
                "the firewall's memory of actions was lost: it remembers since 2025-03-04 09:00:01.000000Z, and this action was intended at 2025-03-04 09:00:00.000000Z; "
                + "whether this action was carried out before is unknown. Look at the firewall yourself"),
            await handler.VerifyAsync(s_block, before, default));
        await Assert.ThrowsAsync<NftMemoryLostException>(() => handler.ExecuteAsync(s_block, before, default));
        Assert.Equal("done", await handler.ExecuteAsync(s_block, after, default));
        Assert.Equal(ObservationKind.So, (await handler.VerifyAsync(s_block, after, default)).Kind);
    }

    [Fact]
    public async Task Refuses_a_transaction_that_was_prepared_under_an_earlier_one()
    {
        await using var network = await TestNetwork.CreateAsync();
        await using var log = await FirewallLog.StartAsync(network);
        var firewall = network.Firewall();
        var earlier = (await firewall.SetUpAsync(default)).Memory!;
        var prepared = NftTable.Text([.. NftTable.OnlyWith(earlier), NftTable.Key(IPAddress.Parse("2001:db8::1"), NftFirewall.RemembersFor, "late"), NftTable.Address("add", s_address)]);
        await network.PersonAsync("flush ruleset");
        Assert.NotEqual(earlier, (await firewall.SetUpAsync(default)).Memory);

        Assert.False((await network.Nft.RunAsync(["-j", "-f", "-"], prepared, default)).IsOk);

        Assert.Empty((await firewall.LookAsync(default)).Blocked);
        Assert.Empty(await log.EffectsAsync());
    }

    [Fact]
    public async Task Is_begun_by_one_of_many_who_try_at_once()
    {
        await using var network = await TestNetwork.CreateAsync();

        var tables = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() => network.Firewall().SetUpAsync(default))));

        Assert.All(tables, table => Assert.Null(table.Fault));
        Assert.Single(tables.Select(table => table.Memory).Distinct());
    }

    [Fact]
    public async Task Lets_one_of_many_racing_attempts_through()
    {
        const int Actions = 50;
        const int Attempts = 300;
        await using var network = await TestNetwork.CreateAsync();
        await using var log = await FirewallLog.StartAsync(network);
        var handler = new NftBlockAddressHandler(network.Firewall());
        var intended = await IntendAsync(handler);

        var receipts = new ConcurrentBag<(int Action, string? Receipt)>();
        await Parallel.ForEachAsync(Enumerable.Range(0, Attempts), new ParallelOptions { MaxDegreeOfParallelism = 12 }, async (attempt, cancellationToken) =>
        {
            // Six after another, so that those of one action race.
            var action = attempt * Actions / Attempts;
            receipts.Add((action, await handler.ExecuteAsync(new(Address(action)), intended with { ActionId = IdOf(action) }, cancellationToken)));
        });

        Assert.Equal(Actions, receipts.Select(call => call.Action).Distinct().Count());
        Assert.All(receipts.GroupBy(call => call.Action), action => Assert.Single(action, call => call.Receipt == "done"));
        var effects = await log.EffectsAsync();
        Assert.Equal(Actions, effects.Count);
        Assert.Equal(Enumerable.Range(0, Actions).Select(IdOf).Order(StringComparer.Ordinal), effects.Select(effect => effect.ActionId).Order(StringComparer.Ordinal));
        Assert.All(effects, effect => Assert.True(effect.Applied));

        static IPAddress Address(int action) => IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"192.0.2.{action}"));

        static string IdOf(int action) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{action}")).AsSpan(0, 16));
    }

    [Fact]
    public async Task Keeps_an_id_as_long_as_it_promises()
    {
        await using var network = await TestNetwork.CreateAsync();
        var handler = new NftBlockAddressHandler(network.Firewall());
        await handler.ExecuteAsync(s_block, await IntendAsync(handler), default);

        var set = await network.PersonAsync("list set inet signalbox done");

        Assert.Contains($"11:2233:4455:6677:8899:aabb:ccdd:eeff timeout {NftFirewall.RemembersFor.TotalDays}d expires ", set, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_not_asked_about_what_is_older_than_it_keeps()
    {
        await using var network = await TestNetwork.CreateAsync();
        var clock = new ManualClock();
        var handler = new NftBlockAddressHandler(network.Firewall(clock));
        await handler.ProbeAsync(s_block, At(clock), default);
        var intended = At(clock);
        await handler.ExecuteAsync(s_block, intended, default);
        await network.PersonAsync("delete element inet signalbox blocked4 { 10.99.0.2 }");

        clock.Advance(NftFirewall.RemembersFor);

        var unclear = Observation.Unclear(
            "the firewall remembers an action for 24 hours, and this one was intended at 2025-03-04 09:00:00.000000Z: whether this action was carried out before is unknown. Look at the firewall yourself");
        Assert.Equal(unclear, await handler.VerifyAsync(s_block, intended, default));
        await Assert.ThrowsAsync<NftMemoryLostException>(() => handler.ExecuteAsync(s_block, intended with { Attempt = 2 }, default));
        Assert.True(await network.ConnectsAsync(s_address));
    }

    [Fact]
    public async Task Is_not_looked_for_in_somebody_elses_table()
    {
        await using var network = await TestNetwork.CreateAsync();
        await network.PersonAsync("add table inet signalbox; add set inet signalbox other { type ipv4_addr; }");

        var table = await network.Firewall().SetUpAsync(default);

        Assert.Equal("its sets are other ipv4_addr", table.Fault);
        Assert.Null(table.Memory);
    }

    /// <summary>The look before the intent, and then the intent.</summary>
    private static async Task<ActionContext> IntendAsync(NftBlockAddressHandler handler)
    {
        var context = At(TimeProvider.System);
        Assert.Equal(ObservationKind.NotSo, (await handler.ProbeAsync(s_block, context, default)).Kind);
        return At(TimeProvider.System);
    }

    private static ActionContext At(TimeProvider clock) => new(Id, new RunId("r-1"), 1, 1, clock.GetUtcNow());
}
