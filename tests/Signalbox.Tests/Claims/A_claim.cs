using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Claims;

/// <summary>What one wants of an address or a network: the target keeps <c>block 192.0.2.7</c>, and each wish is against the other.</summary>
public sealed record Wish(string Network, string Intent = "block");

/// <summary>How wishes are carried out in a test.</summary>
public sealed class WishOptions
{
    public ActionPolicy Policy { get; set; } = ActionPolicy.Default;

    public Func<Wish, ApprovalRule?> Approval { get; set; } = _ => null;

    public Func<Wish, int> Priority { get; set; } = _ => 0;
}

public sealed class WishHandler(FaultyTarget target, WishOptions options) : FaultyHandler<Wish>(target)
{
    public override ActionPolicy Policy => options.Policy;

    public override ApprovalRule? Approval(Wish action) => options.Approval(action);

    public override IReadOnlyList<Claim> Claims(Wish action) =>
        [new(Signalbox.Resource.Network(IPNetwork.Parse(action.Network)), action.Intent, [action.Intent == "block" ? "allow" : "block"])];

    protected override string Resource(Wish action) => $"{action.Intent} {action.Network}";
}

public sealed class A_claim
{
    private readonly WishOptions _options = new();

    /// <summary>The run's case says what it wishes, as <c>intent network</c>; it waits for <c>go</c> before and for <c>undo</c> after, where it is told so.</summary>
    private Task<Bench> StartAsync(FaultyTarget? target = null) => Bench.StartAsync(
        signalbox =>
        {
            signalbox.Services.AddSingleton(_options);
            signalbox.AddAction<Wish, WishHandler>("wish").Add(new Flow(async visit =>
            {
                var parts = visit.Case.Text.Split(' ');
                var wish = new Wish(parts[1], parts[0]);
                var outcome = await visit.Act(wish);
                if (visit.Case.Number > 0)
                {
                    await visit.WaitFor<bool>("undo");
                    outcome = await visit.Undo(wish);
                }

                return visit.GoTo(outcome.IsVerified ? Step.Done : Step.Bad, new Note($"{outcome.Status}: {outcome.Reason}"));
            }));
        },
        target);

    private static async Task<string> EndAsync(Bench bench, RunId run)
    {
        await bench.Harness.RunUntilIdleAsync();
        return $"{(await bench.Harness.GetAsync(run)).State} {(await bench.Harness.CaseAsync<Note>(run)).Text}";
    }

    private static async Task<IReadOnlyList<string>> ClaimsAsync(Bench bench) =>
        [.. (await bench.Harness.Store.ClaimsAsync(new ClaimQuery(), default)).Select(r => $"{r.Phase} {r.Claim.Intent} {r.Claim.Resource}{(r.Made ? " made" : "")}")];

    [Fact]
    public async Task Is_held_from_the_intent_on_and_stands_when_the_action_is_verified()
    {
        await using var bench = await StartAsync();
        var run = await bench.StartRunAsync(new Note("block 192.0.2.7/32"));

        Assert.Equal("Done Verified: ", await EndAsync(bench, run));
        Assert.Equal(["Standing block ip/192.0.2.7 made"], await ClaimsAsync(bench));
        Assert.Equal("block", Assert.Single((await bench.BodyAsync<ActionIntended>(EntryKinds.ActionIntended)).Claims!).Intent);
    }

    [Fact]
    public async Task Of_an_action_without_an_effect_is_gone()
    {
        await using var bench = await StartAsync();
        for (var i = 0; i < 3; i++)
        {
            bench.Target.Faults.Enqueue(TargetFault.ThrowsBeforeEffect);
        }

        Assert.StartsWith("Bad NotApplied", await EndAsync(bench, await bench.StartRunAsync(new Note("block 192.0.2.7/32"))), StringComparison.Ordinal);
        Assert.Empty(await ClaimsAsync(bench));
    }

    [Fact]
    public async Task Waits_while_an_overlapping_one_is_in_doubt_and_goes_on_when_that_is_settled()
    {
        await using var bench = await StartAsync();
        bench.Target.SilentAfterCalls = 1;
        var first = await bench.StartRunAsync(new Note("block 192.0.2.7/32"));
        await bench.Harness.RunUntilIdleAsync();
        Assert.Equal(RunStatus.Held, (await bench.RowAsync()).Status);

        bench.Target.SilentAfterCalls = null;
        var second = await bench.StartRunAsync(new Note("block 192.0.2.0/24"));
        await bench.Harness.SettleAsync();
        var row = await bench.Harness.GetAsync(second);
        Assert.Equal(RunStatus.Waiting, row.Status);
        Assert.Equal(["Hold block ip/192.0.2.7", "Queued block ip/192.0.2.0/24"], await ClaimsAsync(bench));

        await bench.Harness.Client("person:otto").ReleaseAsync(first, ReleaseVerb.Retry);
        Assert.Equal("Done Verified: ", await EndAsync(bench, second));
        Assert.Equal(RunStatus.Completed, (await bench.Harness.GetAsync(first)).Status);
    }

    [Fact]
    public async Task That_waits_too_long_is_refused_and_says_for_whom_it_waited()
    {
        await using var bench = await StartAsync();
        bench.Target.SilentAfterCalls = 1;
        var first = await bench.StartRunAsync(new Note("block 192.0.2.7/32"));
        await bench.Harness.RunUntilIdleAsync();
        bench.Target.SilentAfterCalls = null;

        var second = await bench.StartRunAsync(new Note("block 192.0.2.0/24"));
        var end = await EndAsync(bench, second);
        Assert.StartsWith($"Bad Refused: ip/192.0.2.7 is held by action 'wish' of run {first} since ", end, StringComparison.Ordinal);
        Assert.EndsWith("and was not free within 60 min", end, StringComparison.Ordinal);
        Assert.Equal(["Hold block ip/192.0.2.7"], await ClaimsAsync(bench));
    }

    [Fact]
    public async Task That_joins_an_effect_keeps_it_when_the_one_who_made_it_undoes()
    {
        await using var bench = await StartAsync();
        var first = await bench.StartRunAsync(new Note("block 192.0.2.7/32", 1));
        await bench.Harness.RunUntilIdleAsync();
        var second = await bench.StartRunAsync(new Note("block 192.0.2.7/32", 1));
        await bench.Harness.RunUntilIdleAsync();
        Assert.Equal(["Standing block ip/192.0.2.7 made", "Standing block ip/192.0.2.7"], await ClaimsAsync(bench));

        await bench.Harness.Client().SignalAsync(first, "undo", true);
        Assert.Equal($"Bad Refused: others still want it (run {second}); it is left as it is", await EndAsync(bench, first));
        Assert.Equal(["Standing block ip/192.0.2.7 made"], await ClaimsAsync(bench));
        Assert.Equal(["block 192.0.2.7/32"], bench.Target.Resources);

        await bench.Harness.Client().SignalAsync(second, "undo", true);
        Assert.Equal("Done Verified: ", await EndAsync(bench, second));
        Assert.Empty(bench.Target.Resources);
        Assert.Empty(await ClaimsAsync(bench));
    }

    [Fact]
    public async Task Is_not_undone_by_who_found_it_so()
    {
        await using var bench = await StartAsync();
        bench.Target.Put("block 192.0.2.7/32");
        var run = await bench.StartRunAsync(new Note("block 192.0.2.7/32", 1));
        await bench.Harness.RunUntilIdleAsync();
        await bench.Harness.Client().SignalAsync(run, "undo", true);

        Assert.Equal("Bad Refused: this run did not make the effect; it is left as it is", await EndAsync(bench, run));
        Assert.Equal(["block 192.0.2.7/32"], bench.Target.Resources);
    }

    [Fact]
    public async Task Against_one_that_stands_gives_way_where_its_policy_says_so_and_both_runs_have_it_on_record()
    {
        _options.Policy = _options.Policy with { OnConflict = ConflictRule.Yield };
        await using var bench = await StartAsync();
        var first = await bench.StartRunAsync(new Note("block 192.0.2.0/24"));
        await bench.Harness.RunUntilIdleAsync();
        var second = await bench.StartRunAsync(new Note("allow 192.0.2.7/32"));

        Assert.Equal($"Bad Refused: 'block' on ip/192.0.2.0/24 of run {first} stands, and this action gives way", await EndAsync(bench, second));
        Assert.Equal(["block 192.0.2.0/24"], bench.Target.Resources);
        Assert.Equal(["conflict.raised block", "conflict.ruled stands"], await ConflictsAsync(bench, first));
        Assert.Equal(["conflict.raised allow", "conflict.ruled yields"], await ConflictsAsync(bench, second));
    }

    [Theory]
    [InlineData(1, 2, "overrules")]
    [InlineData(2, 2, "yields")]
    public async Task With_the_higher_priority_overrules(int standing, int coming, string outcome)
    {
        _options.Policy = _options.Policy with { OnConflict = ConflictRule.Priority, Priority = standing };
        await using var bench = await StartAsync();
        var first = await bench.StartRunAsync(new Note("block 192.0.2.7/32"));
        await bench.Harness.RunUntilIdleAsync();
        _options.Policy = _options.Policy with { Priority = coming };
        var second = await bench.StartRunAsync(new Note("allow 192.0.2.7/32"));
        await bench.Harness.RunUntilIdleAsync();

        Assert.Equal(["conflict.raised allow", $"conflict.ruled {outcome}"], await ConflictsAsync(bench, second));
        Assert.Equal(["conflict.raised block", $"conflict.ruled {(outcome == "overrules" ? "overruled" : "stands")}"], await ConflictsAsync(bench, first));
        Assert.Equal([outcome == "overrules" ? "Standing allow ip/192.0.2.7 made" : "Standing block ip/192.0.2.7 made"], await ClaimsAsync(bench));
    }

    [Fact]
    public async Task Of_the_same_run_is_overruled_when_the_run_changes_its_mind()
    {
        await using var bench = await Bench.StartAsync(signalbox =>
        {
            signalbox.Services.AddSingleton(_options);
            signalbox.AddAction<Wish, WishHandler>("wish").Add(new Flow(async visit =>
            {
                await visit.Act(new Wish("192.0.2.7/32", "block"));
                return visit.GoTo((await visit.Act(new Wish("192.0.2.7/32", "allow"))).IsVerified ? Step.Done : Step.Bad);
            }));
        });

        Assert.Equal(RunStatus.Completed, (await bench.RunAsync()).Status);
        Assert.Equal(["Standing allow ip/192.0.2.7 made"], await ClaimsAsync(bench));
        Assert.Equal(["conflict.raised allow", "conflict.ruled overrules"], await ConflictsAsync(bench, bench.Run));
    }

    [Fact]
    public async Task Expires_by_the_clock_of_the_store()
    {
        _options.Policy = _options.Policy with { OnConflict = ConflictRule.Yield, StandsFor = TimeSpan.FromHours(1) };
        await using var bench = await StartAsync();
        await EndAsync(bench, await bench.StartRunAsync(new Note("block 192.0.2.7/32")));
        await bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(59));
        Assert.StartsWith("Bad Refused", await EndAsync(bench, await bench.StartRunAsync(new Note("allow 192.0.2.7/32"))), StringComparison.Ordinal);
        await bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(1));

        Assert.Equal("Done Verified: ", await EndAsync(bench, await bench.StartRunAsync(new Note("allow 192.0.2.7/32"))));
    }

    private static async Task<IReadOnlyList<string>> ConflictsAsync(Bench bench, RunId run) =>
    [
        .. (await bench.Harness.JournalAsync(run)).Where(e => e.Kind.StartsWith("conflict.", StringComparison.Ordinal))
            .Select(e => $"{e.Kind} {(e.Kind == EntryKinds.ConflictRaised ? Body.Read<ConflictRaised>(e).Intent : Body.Read<ConflictRuled>(e).Outcome)}"),
    ];
}
