using System.Text.Json;
using Signalbox.CommandLine.Rendering;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Tests;

public sealed class Actions_and_claims : IDisposable
{
    private static readonly Claim s_block = new(Resource.Address(System.Net.IPAddress.Parse("192.0.2.7")), "block", ["allow"]);
    private static readonly Claim s_allow = new(Resource.Network(System.Net.IPNetwork.Parse("192.0.2.0/24")), "allow");
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    /// <summary>One action stands, made and approved; another one, against it, is asked about; a third waits for its turn behind a fourth.</summary>
    private Task<TestStore> BusyAsync() => _store.WriteAsync(async journals =>
    {
        var first = await journals.StartAsync("r-first");
        var proposed = await journals.AskForAsync(first);
        await journals.AppendAsync(first, EntryKinds.ApprovalAnswered, new ApprovalAnswered("approve", "I looked", ["approver"], proposed.ArgumentsHash), visit: 1, step: "block/-/1", actor: "person:anna");
        await journals.AppendAsync(
            first, EntryKinds.ActionIntended, new ActionIntended(proposed.ActionId, "block", proposed.Arguments, proposed.ArgumentsHash, "T3", Claims: [s_block], Approval: 5), step: "block/-/1", cause: "to be done");
        await journals.AppendAsync(first, EntryKinds.ActionExecuted, new ActionExecuted(proposed.ActionId, Journals.Json("\"204\""), null, 1500), step: "block/-/1", actor: "engine");
        await journals.AppendAsync(
            first, EntryKinds.ActionVerified, new ActionObserved(proposed.ActionId, "block", null, "192.0.2.7 is in the set", MadeByUs: true, Probes: 3, Agreement: new Agreement(3, 10_000_000, 3, 10_000_000)), step: "block/-/1", actor: "engine");

        var second = await journals.StartAsync("r-second");
        await journals.AppendAsync(
            second, EntryKinds.ActionProposed,
            new ActionProposed("a-allow-000001", "allow", Journals.Json("""{"net":"192.0.2.0/24"}"""), new string('1', 64), "T3", "door", 2, "0123", "workflow:door", Claims: [s_allow]), step: "allow/-/1");
        await journals.AppendAsync(
            second, EntryKinds.ConflictRaised,
            new ConflictRaised("a-allow-000001", "allow", "ip/192.0.2.0/24", "allow", first, proposed.ActionId, "block", "ip/192.0.2.7", "block", ClaimPhase.Standing), step: "allow/-/1", actor: "engine", cause: "against");
        await journals.AppendAsync(
            second, EntryKinds.ConflictRuled, new ConflictRuled("a-allow-000001", first, proposed.ActionId, "yield", "yields", "what stands has precedence"), step: "allow/-/1", actor: "engine", cause: "what stands has precedence");

        var third = await journals.StartAsync("r-third");
        var door = new Claim(Resource.Of("door", "front"), "open");
        await journals.AppendAsync(
            third, EntryKinds.ActionIntended, new ActionIntended("a-open-0000001", "open", Journals.Json("{}"), new string('2', 64), "T4", Claims: [door]), step: "open/-/1");
        var fourth = await journals.StartAsync("r-fourth");
        await journals.AppendAsync(
            fourth, EntryKinds.ClaimQueued, new ClaimQueued("a-shut-0000001", "shut", [new Claim(door.Resource, "shut")], [new ClaimHolder(third, "a-open-0000001", "door/front")]), step: "shut/-/1", actor: "engine", cause: "waits");
    });

    [Fact]
    public async Task An_action_is_told_with_its_proof_its_approval_and_what_policies_said()
    {
        await BusyAsync();

        var told = await _store.RunAsync("actions", "r-first");

        Assert.Matches(
            """
            ^block verified  run r-first, Start, visit 1, 2026-01-01 00:00:[0-9]{2}Z
              arguments \{"ip":"192.0.2.7"\}
              proof     192.0.2.7 is in the set \(3 looks\)
              agreed    3 looks in a row over 10.0 s; wanted: 3 over 10.0 s
              effect    made by this run
              claims    'block' on ip/192.0.2.7
              answered  person:anna \(approver\): approve, "I looked"
              policy    hours says ask: it is night
              target    T3, reversible
              proposer  workflow:door
              id        a-[0-9a-f]{16}
            $
            """.ReplaceLineEndings("\n"),
            told.Output);
        Assert.Equal(0, told.Exit);
    }

    [Fact]
    public async Task Of_all_runs_the_newest_come_first()
    {
        await BusyAsync();

        var json = (await _store.RunAsync("actions", "--json")).Lines.Select(l => JsonDocument.Parse(l).RootElement).ToArray();

        Assert.Equal(
            [("r-fourth", "shut", "queued"), ("r-third", "open", "intended"), ("r-second", "allow", "proposed"), ("r-first", "block", "verified")],
            json.Select(a => (a.GetProperty("run").GetString()!, a.GetProperty("action").GetString()!, a.GetProperty("status").GetString()!)));
        Assert.Equal("yields", json[2].GetProperty("conflicts")[0].GetProperty("outcome").GetString());
        Assert.True(json[3].GetProperty("madeByUs").GetBoolean());
        Assert.Contains("--after r-third", (await _store.RunAsync("actions", "--limit", "2")).Error, StringComparison.Ordinal);
        Assert.Contains("has no such action", (await _store.RunAsync("actions", "--state", "Nowhere")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Claims_say_who_waits_for_whom_and_how_conflicts_were_ruled()
    {
        await BusyAsync();

        var told = (await _store.RunAsync(new Surface { Clock = _store.Clock, Width = 160 }, "claims")).Output;

        Assert.Matches("ip/192.0.2.7 +block +standing +[0-9]+s +r-first +block a-", told);
        Assert.Matches("ip/192.0.2.0/24 +allow +proposal +[0-9]+s +r-second +allow a-allow-0000", told);
        Assert.Matches("door/front +open +hold +[0-9]+s +r-third +open", told);
        Assert.Matches("door/front +shut +queued +[0-9a-z]+ +r-fourth +shut a-shut-00000\n  waits for 'open' of run r-third \\(door/front, hold\\)\n", told);
        Assert.EndsWith(
            """
            Conflicts
              run r-second: 'allow' on ip/192.0.2.0/24 (allow) against 'block' on ip/192.0.2.7 (block of run r-first, standing)
                yields, by yield: what stands has precedence

            """,
            told,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("192.0.2.7", "r-first r-second")]
    [InlineData("ip/192.0.2.7", "r-first r-second")]
    [InlineData("::ffff:192.0.2.7", "r-first r-second")]
    [InlineData("192.0.2.7/30", "r-first r-second")]
    [InlineData("192.0.2.128/25", "r-second")]
    [InlineData("door", "r-fourth r-third")]
    [InlineData("door/front", "r-fourth r-third")]
    [InlineData("door/back", "")]
    public async Task Claims_are_found_by_what_overlaps_a_resource(string resource, string runs)
    {
        await BusyAsync();

        var found = (await _store.RunAsync("claims", "--json", "--resource", resource)).Lines.Select(l => JsonDocument.Parse(l).RootElement.GetProperty("run").GetString());

        Assert.Equal(runs, string.Join(' ', found.Order()));
    }

    [Theory]
    [InlineData("--resource", "192.0.2.7/99", "--resource '192.0.2.7/99' is neither an address nor a network, such as 192.0.2.0/24. Nothing was listed.\n")]
    [InlineData("--resource", " ", "--resource wants an address, a network, or a kind and names such as account/web-01/root; got ' '. Nothing was listed.\n")]
    [InlineData("--phase", "3", "--phase wants one of proposal, queued, hold, standing; got '3'. Nothing was listed.\n")]
    public async Task Claims_are_not_found_by_what_makes_no_sense(string option, string value, string error)
    {
        await BusyAsync();

        var outcome = await _store.RunAsync("claims", option, value);

        Assert.Equal((2, error), (outcome.Exit, outcome.Error));
    }

    [Fact]
    public async Task A_standing_claim_is_released_with_a_reason_and_its_effect_stays()
    {
        await BusyAsync();
        var id = JsonDocument.Parse((await _store.RunAsync("claims", "--json", "--phase", "standing")).Output).RootElement.GetProperty("actionId").GetString()!;

        var without = await _store.RunAsync("claims", "release", "r-first", id);
        var held = await _store.RunAsync("claims", "release", "r-third", "a-open-0000001", "--reason", "it is stuck");
        var released = await _store.RunAsync("claims", "release", "r-first", id[..10], "--reason", "the customer has called");

        Assert.Equal((2, 1, 0), (without.Exit, held.Exit, released.Exit));
        Assert.StartsWith("claim_not_standing: Action 'a-open-0000001' of run 'r-third' has no standing claim; only such are released. Nothing was changed.", held.Error, StringComparison.Ordinal);
        Assert.StartsWith("Its claims are released; the effect stays as it is.\n", released.Output, StringComparison.Ordinal);
        Assert.Empty((await _store.RunAsync("claims", "--phase", "standing")).Output);
        Assert.Contains("claims released by person:", (await _store.RunAsync("show", "r-first")).Output, StringComparison.Ordinal);
        Assert.Contains("because: the customer has called", (await _store.RunAsync("show", "r-first")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Show_tells_of_proposals_policies_conflicts_and_queues()
    {
        await BusyAsync();

        var first = (await _store.RunAsync(new Surface { Clock = _store.Clock, Width = 160 }, "show", "r-first")).Output;
        var second = (await _store.RunAsync(new Surface { Clock = _store.Clock, Width = 160 }, "show", "r-second")).Output;
        var fourth = (await _store.RunAsync(new Surface { Clock = _store.Clock, Width = 160 }, "show", "r-fourth")).Output;

        Assert.Contains("action block: proposed by workflow:door, target class T3, reversible", first, StringComparison.Ordinal);
        Assert.Contains("policy hours says ASK to block", first, StringComparison.Ordinal);
        Assert.Contains("question block: person:anna answered 'approve'", first, StringComparison.Ordinal);
        Assert.Contains("roles: approver", first, StringComparison.Ordinal);
        Assert.Contains("by the approval that entry 5 asked for", first, StringComparison.Ordinal);
        Assert.Contains("CONFLICT: 'allow' on ip/192.0.2.0/24 (allow) against 'block' on ip/192.0.2.7 (block of run r-first, standing)", second, StringComparison.Ordinal);
        Assert.Contains("conflict with run r-first: this action yields, by yield", second, StringComparison.Ordinal);
        Assert.Contains("action shut: waits for its turn", fourth, StringComparison.Ordinal);
        Assert.Contains("behind: door/front of run r-third (action a-open-0000001)", fourth, StringComparison.Ordinal);
        Assert.Contains("  action shut waits for its turn\n", fourth, StringComparison.Ordinal);
    }
}
