using Microsoft.Extensions.DependencyInjection;
using Signalbox;
using Signalbox.HistoryChecker;
using Signalbox.Journal;

namespace SecurityAlerts.Tests.Firewall;

/// <summary>The sample's workflow with the kernel's firewall.</summary>
public sealed class A_run_that_blocks
{
    [Fact]
    public async Task Says_so_only_where_the_kernel_does()
    {
        await using var network = await TestNetwork.CreateAsync();
        await using var log = await FirewallLog.StartAsync(network);
        await using var world = await StartAsync(network, new NftBlockAddressHandler(network.Firewall()));

        var run = await world.HandleAsync("own-04");

        Assert.Equal(("Triage Investigate Decide Execute Verify Closed", RunStatus.Completed), (run.Path, run.Row.Status));
        Assert.Equal("T1", Body.Read<ActionIntended>(run.Entries.Single(entry => entry.Kind == EntryKinds.ActionIntended)).TargetClass);
        Assert.Equal("the kernel finds 192.0.2.77 in blocked4, and \"ip saddr @blocked4 counter packets 0 bytes 0 drop\"", run.Because);
        Assert.Equal(["192.0.2.77"], (await network.Firewall().LookAsync(default)).Blocked.Select(AddressText.Of));
        Assert.Empty(HistoryCheck.Run(
            await JournalExport.LinesAsync(world.Store),
            new HistoryOptions { TargetLog = await log.LinesAsync(), TargetState = ["192.0.2.77"], Action = "block_address", Resource = "address" }));
    }

    [Fact]
    public async Task Is_held_where_the_reply_is_lost_and_the_firewall_has_forgotten()
    {
        await using var network = await TestNetwork.CreateAsync();
        await using var log = await FirewallLog.StartAsync(network);
        await using var world = await StartAsync(network, new LosesItsReply(network.Firewall(), () => network.PersonAsync("flush ruleset")));

        var run = await world.HandleAsync("own-04");

        Assert.Equal((RunStatus.Held, TroubleCodes.ActionInDoubt), (run.Row.Status, run.Row.ReasonCode));
        Assert.Contains("is unknown: table inet signalbox is gone, and with it the firewall's memory of actions", run.Row.Reason, StringComparison.Ordinal);
        Assert.Single(await log.EffectsAsync());

        // What an operator says holds, once there is a table again (the sample makes one when it starts).
        await network.Firewall().SetUpAsync(default);
        Assert.True((await world.Client.Value.ReleaseAsync(run.Row.Run, ReleaseVerb.Undo)).IsAccepted);
        var asking = await world.Client.Value.WaitUntilAsync(run.Row.Run, row => row.Status == RunStatus.Waiting).WaitAsync(ResponseWorld.TimeLimit);
        Assert.Equal(nameof(AlertState.Escalate), asking.State);
        Assert.Single(await log.EffectsAsync());
    }

    [Fact]
    public async Task Leaves_it_to_a_person_where_somebody_has_unblocked_in_between()
    {
        await using var network = await TestNetwork.CreateAsync();
        await using var log = await FirewallLog.StartAsync(network);
        await using var world = await StartAsync(
            network, new LosesItsReply(network.Firewall(), () => network.PersonAsync("delete element inet signalbox blocked4 { 192.0.2.77 }")));

        var run = await world.HandleAsync("own-04");

        Assert.Equal("Triage Investigate Decide Execute Rollback Escalate", run.Path);
        Assert.Contains(run.Entries, entry => entry.Kind == EntryKinds.ActionDiverged);
        Assert.Contains("this action was carried out (block 192.0.2.77 ", run.Because, StringComparison.Ordinal);
        var effects = await log.EffectsAsync();
        Assert.Equal(["block", "unblock"], effects.Select(effect => effect.Operation));
        Assert.Equal("", effects[1].ActionId);
    }

    private static Task<ResponseWorld> StartAsync(TestNetwork network, ActionHandler<BlockAddress> firewall) => ResponseWorld.StartAsync(actions: signalbox =>
    {
        signalbox.Services
            .AddSingleton(firewall)
            .AddSingleton(new SecondLook("none", "none", new NftSecondLook(network.Nft).AtAsync));
        signalbox.AddAction<BlockAddress, Given>("block_address").AddAction<DisableAccount, DisableAccountHandler>("disable_account");
    });

    /// <summary>Whichever handler a test has given.</summary>
    private sealed class Given(ActionHandler<BlockAddress> given) : ActionHandler<BlockAddress>
    {
        public override TargetClass TargetClass => given.TargetClass;

        public override ActionPolicy Policy => new() { Looks = 2, Pause = TimeSpan.FromMilliseconds(1) };

        public override Task<Observation> ProbeAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => given.ProbeAsync(action, context, cancellationToken);

        public override Task<string?> ExecuteAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => given.ExecuteAsync(action, context, cancellationToken);

        public override Task<Observation> VerifyAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => given.VerifyAsync(action, context, cancellationToken);

        public override Task<string?> UndoAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => given.UndoAsync(action, context, cancellationToken);
    }

    /// <summary>The first call comes through and its reply does not; meanwhile something happens.</summary>
    private sealed class LosesItsReply(NftFirewall firewall, Func<Task> meanwhile) : ActionHandler<BlockAddress>
    {
        private readonly NftBlockAddressHandler _inner = new(firewall);
        private bool _isLost;

        public override TargetClass TargetClass => _inner.TargetClass;

        public override Task<Observation> ProbeAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => _inner.ProbeAsync(action, context, cancellationToken);

        public override async Task<string?> ExecuteAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken)
        {
            var receipt = await _inner.ExecuteAsync(action, context, cancellationToken);
            if (_isLost)
            {
                return receipt;
            }

            _isLost = true;
            await meanwhile();
            throw new IOException("The reply was lost.");
        }

        public override Task<Observation> VerifyAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => _inner.VerifyAsync(action, context, cancellationToken);

        public override Task<string?> UndoAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => _inner.UndoAsync(action, context, cancellationToken);
    }
}
