using Microsoft.Extensions.AI;
using Signalbox.Journal;
using Signalbox.Testing;
using Signalbox.Tests.Agents;
using Xunit;
using static Signalbox.Tests.Agents.AgentWorld;

namespace Signalbox.Tests.Policies;

/// <summary>Two tiers, of which each wants to shut out 192.0.2.7 and then decides "done" with a confidence that stands.</summary>
public sealed class A_raised_action
{
    private static readonly IActionPolicy s_strongOnly = ActionPolicies.For<Fence>("strong-only", (_, p) => p.Tier == "fast" ? PolicyVerdict.Raise("the fast tier is not enough") : PolicyVerdict.Allow("this one is"));

    private readonly ManualClock _clock = new();

    private static ScriptedReply Shuts(string network = "192.0.2.7", string id = "c1") => ScriptedReply.ToolCall("shut_out", new Dictionary<string, object?> { ["network"] = network, ["note"] = "" }, id);

    private static ScriptedChatClient Wants(ManualClock clock, params string[] networks) =>
        ScriptedChatClient.ByTurn(clock, [.. networks.Select((n, i) => Shuts(n, $"c{i}")), Says("done", 0.9)]);

    private static AgentWorld World(ManualClock clock, IChatClient fast, IChatClient strong, params IActionPolicy[] policies) => new()
    {
        Clock = clock,
        Fast = fast,
        Strong = strong,
        Tools = [Tool.Act<Fence>("shut_out", "Shuts an address out.")],
        More = box =>
        {
            box.AddAction<Fence, FenceHandler>("fence");
            foreach (var policy in policies)
            {
                box.AddPolicy(policy);
            }
        },
    };

    private AgentWorld World(params IActionPolicy[] policies) => World(_clock, Wants(_clock, "192.0.2.7"), Wants(_clock, "192.0.2.7"), policies);

    [Fact]
    public async Task Fails_the_tier_that_wanted_it_and_is_done_by_the_next_one_under_the_same_id()
    {
        using var strong = Wants(_clock, "192.0.2.7");
        await using var bench = await World(_clock, Wants(_clock, "192.0.2.7"), strong, s_strongOnly).StartAsync();
        await bench.DriveAsync(new Note());

        Assert.Equal("done by strong", (await bench.NoteAsync()).Text);
        var verdicts = (await bench.EntriesAsync(EntryKinds.PolicyJudged)).Select(Body.Read<PolicyJudged>).ToList();
        Assert.Equal([("raise", "fast"), ("allow", null)], verdicts.Select(v => (v.Verdict, v.FailedTier)));
        Assert.Single(verdicts.Select(v => v.ActionId).Append(Assert.Single(bench.Target.Log).ActionId).Distinct());
        var raised = await bench.BodyAsync<EscalationRaised>(EntryKinds.EscalationRaised);
        Assert.Equal(
            ("fast", "strong", EscalationReasons.Policy, "it may not do 'shut_out' by itself: strong-only: the fast tier is not enough"), (raised.From, raised.To, raised.Reason, raised.Why));
        Assert.Contains("\"status\":\"raised\"", strong.Requests[0].Messages[^1].Text, StringComparison.Ordinal);
        Assert.Equal(
            """{"status":"raised","reason":"strong-only: the fast tier is not enough"}""",
            (await bench.EntriesAsync(EntryKinds.StepCompleted)).Select(Body.Read<StepCompleted>).First(s => s.Tool is not null).Result.ToString());
    }

    [Fact]
    public async Task Is_not_done_if_the_next_tier_does_not_want_it()
    {
        await using var bench = await World(_clock, Wants(_clock, "192.0.2.7"), ScriptedChatClient.ByTurn(_clock, Says("nothing", 0.9)), s_strongOnly).StartAsync();
        await bench.DriveAsync(new Note());

        Assert.Equal("nothing by strong", (await bench.NoteAsync()).Text);
        Assert.Empty(bench.Target.Log);
    }

    [Fact]
    public async Task Keeps_the_rest_of_its_turn_from_being_done()
    {
        var fast = ScriptedChatClient.ByTurn(_clock, Shuts("203.0.113.1", "c1").And(Shuts("192.0.2.7", "c2")).And(Shuts("203.0.113.2", "c3")));
        var policy = ActionPolicies.For<Fence>("near", (fence, p) => fence.Network.StartsWith("192", StringComparison.Ordinal) ? PolicyVerdict.Raise("near") : null);
        await using var bench = await World(_clock, fast, ScriptedChatClient.ByTurn(_clock, Says("done", 0.9)), policy).StartAsync();
        await bench.DriveAsync(new Note());

        Assert.Equal(["203.0.113.1"], bench.Target.Log.Select(c => c.Resource));
        Assert.Equal("done by strong", (await bench.NoteAsync()).Text);
    }

    [Fact]
    public async Task Asks_a_person_where_no_tier_is_left()
    {
        await using var bench = await World(ActionPolicies.For<Fence>("nobody", (_, p) => PolicyVerdict.Raise($"tier {p.Tier} is not enough", new ApprovalRule { Roles = ["lead"] }))).StartAsync();
        Assert.Equal(RunStatus.Waiting, (await bench.DriveAsync(new Note())).Status);

        Assert.Equal([("raise", "fast"), ("raise", null)], (await bench.EntriesAsync(EntryKinds.PolicyJudged)).Select(Body.Read<PolicyJudged>).Select(v => (v.Verdict, v.FailedTier)));
        var request = await bench.BodyAsync<ApprovalRequested>(EntryKinds.ApprovalRequested);
        Assert.Equal(["nobody: tier strong is not enough"], request.Why!);
        Assert.Equal(["lead"], request.Terms!.Roles);
        await bench.AnswerAsync("approve");
        await bench.DriveAsync();
        Assert.Equal(("done by strong", 1), ((await bench.NoteAsync()).Text, bench.Target.Log.Count));
    }

    [Fact]
    public async Task Stays_raised_whatever_the_policies_are_after_a_crash()
    {
        var hold = new Gate();
        var world = World(s_strongOnly) with { Gate = hold };
        await using var bench = await world.StartAsync();
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        Assert.Single(bench.Target.Log);

        // The new program would have let the fast tier do it; what was recorded counts.
        await bench.Harness.CrashAndRestartAsync(Bench.Configured(World().Configure, bench.Target));
        await bench.DriveAsync();
        Assert.Equal("done by strong", (await bench.NoteAsync()).Text);
        Assert.Single(bench.Target.Log);
        Assert.Equal("strong", Body.Read<EscalationRaised>(await bench.EntryAsync(EntryKinds.EscalationRaised)).To);
    }

    [Fact]
    public async Task Is_judged_anew_when_a_failed_run_is_retried()
    {
        var (fails, raises) = (true, true);
        var world = World(_clock, Wants(_clock, "192.0.2.7"), ScriptedChatClient.ByTurn(_clock, Says("perhaps", 0.5)), ActionPolicies.For<Fence>("p", (_, p) => raises ? PolicyVerdict.Raise("not yet") : null)) with { Fails = () => fails };
        await using var bench = await world.StartAsync();
        Assert.Equal(RunStatus.Failed, (await bench.DriveAsync(new Note())).Status);
        (fails, raises) = (false, false);
        await bench.RetryAsync();
        await bench.DriveAsync();
        Assert.Equal("done by fast", (await bench.NoteAsync()).Text);
        Assert.Single(bench.Target.Log);
    }

    [Fact]
    public async Task By_a_limit_goes_to_the_next_tier_and_then_to_a_person()
    {
        var limit = new RateLimit<Fence>("hourly", 1, TimeSpan.FromHours(1)) { WhenReached = PolicyVerdictKind.Raise };
        await using var bench = await World(_clock, Wants(_clock, "192.0.2.7", "192.0.2.8"), Wants(_clock, "192.0.2.8"), limit).StartAsync();
        Assert.Equal(RunStatus.Waiting, (await bench.DriveAsync(new Note())).Status);
        Assert.Equal(["192.0.2.7"], bench.Target.Log.Select(c => c.Resource));
        Assert.Equal(["hourly"], (await bench.BodyAsync<ApprovalRequested>(EntryKinds.ApprovalRequested)).Passes!);
        Assert.Equal(EscalationReasons.Policy, (await bench.BodyAsync<EscalationRaised>(EntryKinds.EscalationRaised)).Reason);

        await bench.AnswerAsync("approve");
        await bench.DriveAsync();
        Assert.Equal(("done by strong", 2), ((await bench.NoteAsync()).Text, bench.Target.Log.Count));
    }

    [Fact]
    public async Task Is_refused_and_not_raised_where_another_policy_refuses()
    {
        await using var bench = await World(s_strongOnly, new Never<Fence>("never", "ours") { Networks = ["192.0.2.7"] }).StartAsync();
        await bench.DriveAsync(new Note());

        Assert.Equal("done by fast", (await bench.NoteAsync()).Text); // it was told, and decided all the same
        Assert.Empty(bench.Target.Log);
        Assert.All((await bench.EntriesAsync(EntryKinds.PolicyJudged)).Select(Body.Read<PolicyJudged>), v => Assert.Null(v.FailedTier));
    }

    [Theory]
    [InlineData("fast", 1)]
    [InlineData("strong", 0)]
    public async Task Of_a_workflow_that_acts_by_a_decision_asks_a_person_if_its_tier_is_not_enough(string decides, int questions)
    {
        var agent = NewAgent();
        await using var bench = await Bench.StartAsync(
            box => box
                .AddModel("fast-1", ScriptedChatClient.ByTurn(_clock, Says("block", decides == "fast" ? 0.9 : 0.6)))
                .AddModel("strong-1", ScriptedChatClient.ByTurn(_clock, Says("block", 0.9)))
                .UseLadder(new Ladder(new Tier("fast", "fast-1"), new Tier("strong", "strong-1")))
                .AddAction<Fence, FenceHandler>("fence")
                .AddPolicy(new Risk<Fence>("risk", (_, _) => RiskClass.Medium))
                .Add(new Flow(async visit =>
                {
                    var decision = await visit.Decide(agent, "192.0.2.7?");
                    var outcome = await visit.Act(new Fence("192.0.2.7"), because: decision);
                    return visit.GoTo(Step.Done, new Note($"{outcome.Status}"));
                })
                { Agent = "judge", Also = [(Step.One, Step.Three)] }),
            options: new HarnessOptions { Clock = _clock });
        await bench.DriveAsync(new Note());
        Assert.Equal(questions, (await bench.EntriesAsync(EntryKinds.ApprovalRequested)).Count);
        if (questions > 0)
        {
            Assert.Equal(["risk: its risk is medium, and tier 'fast' may do by itself what is low"], (await bench.BodyAsync<ApprovalRequested>(EntryKinds.ApprovalRequested)).Why!);
            await bench.AnswerAsync("approve");
            await bench.DriveAsync();
        }

        Assert.Equal("Verified", (await bench.NoteAsync()).Text);
        Assert.DoesNotContain((await bench.EntriesAsync(EntryKinds.PolicyJudged)).Select(Body.Read<PolicyJudged>), v => v.FailedTier is not null);
    }

    /// <summary>The fast tier does what it may and fails by what it may not; the strong one does that, and a third thing that a person has to approve.</summary>
    private static CrashScenario Scenario()
    {
        var clock = new ManualClock();
        var target = new FaultyTarget();
        var risk = new Risk<Fence>("risk", (fence, _) => fence.Network[0] switch { '1' => RiskClass.Low, '2' => RiskClass.Medium, _ => RiskClass.High });
        var world = World(clock, Wants(clock, "192.0.2.7", "203.0.113.7"), Wants(clock, "203.0.113.7", "192.0.2.7", "8.8.8.8"), risk, new RateLimit<Fence>("rate", 3, TimeSpan.FromHours(1)));
        return new CrashScenario
        {
            Configure = Bench.Configured(world.Configure, target),
            Drive = async harness =>
            {
                var run = await harness.StartRunAsync("flow", new Note(), "k");
                await harness.RunUntilAsync(run, RunStatus.Waiting);
                await harness.Client("person:anna").AnswerAsync(run, "approve");
                await harness.RunUntilIdleAsync();
            },
            Effects = target.Tell,
            Check = async harness =>
            {
                await Bench.CheckAsync(harness, target);
                Assert.Equal("done by strong", (await harness.CaseAsync<Note>((await harness.RunsAsync())[0].Row.Run)).Text);
                Assert.Equal(["192.0.2.7", "203.0.113.7", "8.8.8.8"], target.Effects.Select(e => e.Resource));
                var journal = await harness.JournalAsync((await harness.RunsAsync())[0].Row.Run);
                Assert.Single(journal, e => e.Kind == EntryKinds.PolicyJudged && Body.Read<PolicyJudged>(e).FailedTier == "fast");
                Assert.Single(journal, e => e.Kind == EntryKinds.ApprovalRequested);
            },
        };
    }

    [Fact]
    public async Task Takes_the_same_way_wherever_its_run_crashes() => Assert.True((await CrashTest.RunAsync(Scenario)).Crashes > 100);
}
