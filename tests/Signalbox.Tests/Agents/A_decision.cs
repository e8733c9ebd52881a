using Microsoft.Extensions.AI;
using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;
using static Signalbox.Tests.Agents.AgentWorld;

namespace Signalbox.Tests.Agents;

public sealed class A_decision
{
    private readonly ManualClock _clock = new();

    [Fact]
    public async Task That_is_sure_enough_stands_on_the_first_tier()
    {
        var world = new AgentWorld { Clock = _clock, Fast = new ScriptedChatClient(_clock, Says("block", 0.9)) };
        await using var bench = await world.StartAsync();
        var row = await bench.RunAsync();

        Assert.Equal((RunStatus.Completed, "block by fast"), (row.Status, (await bench.NoteAsync()).Text));
        var made = await bench.BodyAsync<DecisionMade>(EntryKinds.DecisionMade);
        Assert.Equal(("judge", "block", 0.9, "fast", "scripted-1", true), (made.Agent, made.Kind, made.Confidence, made.Tier, made.Model, made.Stands));
        Assert.Equal(["because"], made.Reasons);
        Assert.Empty(await bench.EntriesAsync(EntryKinds.EscalationRaised));
        Assert.Equal(1, row.Spent.Calls);
        Assert.True(row.Spent.Micros > 0);
    }

    [Fact]
    public async Task That_is_unsure_climbs_to_the_stronger_tier_with_what_was_said()
    {
        using var strong = new ScriptedChatClient(_clock, Says("allow", 0.95)) { Model = "strong-1" };
        var world = new AgentWorld { Clock = _clock, Fast = new ScriptedChatClient(_clock, Says("block", 0.6)), Strong = strong };
        await using var bench = await world.StartAsync();
        await bench.RunAsync();

        Assert.Equal("allow by strong", (await bench.NoteAsync()).Text);
        var raised = await bench.BodyAsync<EscalationRaised>(EntryKinds.EscalationRaised);
        Assert.Equal(("fast", "strong", EscalationReasons.LowConfidence, "confidence 0.60 is below 0.80"), (raised.From, raised.To, raised.Reason, raised.Why));
        var handover = Assert.Single(strong.Requests).Messages[^1].Text;
        Assert.Contains("\"decision\":\"block\"", handover, StringComparison.Ordinal);
        Assert.Contains("confidence 0.60 is below 0.80", handover, StringComparison.Ordinal);
    }

    [Fact]
    public async Task That_no_tier_is_sure_of_goes_to_a_person_with_the_dossier()
    {
        var world = new AgentWorld { Clock = _clock, Fast = new ScriptedChatClient(_clock, Says("block", 0.6)), Strong = new ScriptedChatClient(_clock, Says("block", 0.7)) };
        await using var bench = await world.StartAsync();
        await bench.RunAsync();

        Assert.Equal("person: low_confidence", (await bench.NoteAsync()).Text);
        Assert.Equal(["fast", "strong"], world.Last!.Dossier.Opinions.Select(o => o.Tier));
        Assert.Equal(("block", 0.7), (world.Last.Answer!.Decision, world.Last.Confidence));
        Assert.Equal(["strong", "person"], (await bench.EntriesAsync(EntryKinds.EscalationRaised)).Select(e => Body.Read<EscalationRaised>(e).To));
    }

    [Fact]
    public async Task Below_the_floor_goes_to_a_person_at_once()
    {
        using var strong = new ScriptedChatClient(_clock);
        var world = new AgentWorld { Clock = _clock, Fast = new ScriptedChatClient(_clock, Says("block", 0.3)), Strong = strong };
        await using var bench = await world.StartAsync();
        await bench.RunAsync();

        Assert.Equal("person: low_confidence", (await bench.NoteAsync()).Text);
        Assert.Empty(strong.Requests);
        Assert.Equal("person", (await bench.BodyAsync<EscalationRaised>(EntryKinds.EscalationRaised)).To);
    }

    [Fact]
    public async Task Uses_the_tools_of_its_state()
    {
        var asked = new List<string>();
        var tool = Tool.Read("whois", "Who has an address.", (string address, ToolContext context) =>
        {
            asked.Add($"{address} for {context.Case<Note>().Text}");
            return $"{address} is a scanner";
        });
        using var fast = new ScriptedChatClient(_clock, ScriptedReply.ToolCall("whois", new Dictionary<string, object?> { ["address"] = "192.0.2.7" }), Says("block", 0.9));
        var world = new AgentWorld { Clock = _clock, Fast = fast, Tools = [tool] };
        await using var bench = await world.StartAsync();
        await bench.RunAsync(new Note("me"));

        Assert.Equal("block by fast", (await bench.NoteAsync()).Text);
        Assert.Equal(["192.0.2.7 for me"], asked);
        Assert.Equal("192.0.2.7 is a scanner", fast.Requests[1].Messages[^1].Contents.OfType<FunctionResultContent>().Single().Result);
        Assert.Equal("whois", fast.Requests[0].Options!.Tools!.Single().Name);
        Assert.Equal("192.0.2.7 is a scanner", world.Last!.Dossier.Findings.Single().Answer.ToString().Trim('"'));
    }

    [Fact]
    public async Task Survives_tools_that_do_not_exist_and_climbs_when_there_are_too_many()
    {
        var calls = Enumerable.Range(1, 3).Select(i => ScriptedReply.ToolCall("whoami", null, "c" + i));
        var world = new AgentWorld
        {
            Clock = _clock,
            Fast = new ScriptedChatClient(_clock, calls),
            Strong = new ScriptedChatClient(_clock, Says("block", 0.9)),
            Tools = [Tool.Read("whois", "Who.", () => "x")],
        };
        await using var bench = await world.StartAsync();
        var row = await bench.RunAsync();

        Assert.Equal("block by strong", (await bench.NoteAsync()).Text);
        var rejected = (await bench.EntriesAsync(EntryKinds.ToolRejected)).Select(Body.Read<ToolRejected>).ToList();
        Assert.Equal(3, rejected.Count);
        Assert.Equal((RejectionCodes.UnknownTool, "There is no tool 'whoami' here. Did you mean 'whois'? You have: whois."), (rejected[0].Code, rejected[0].Answer));
        Assert.Equal(EscalationReasons.RejectedCalls, (await bench.BodyAsync<EscalationRaised>(EntryKinds.EscalationRaised)).Reason);
        Assert.Equal(3, row.Spent.Rejections);
    }

    [Fact]
    public async Task Whose_budget_is_used_up_goes_to_a_person_with_what_was_found()
    {
        var calls = Enumerable.Range(1, 9).Select(i => ScriptedReply.ToolCall("whois", new Dictionary<string, object?> { ["address"] = $"192.0.2.{i}" }, "c" + i));
        using var fast = new ScriptedChatClient(_clock, calls);
        var world = new AgentWorld { Clock = _clock, Fast = fast, Tools = [Tool.Read("whois", "Who.", (string address) => address)], Budget = new Budget { Calls = 4 } };
        await using var bench = await world.StartAsync();
        var row = await bench.RunAsync();

        Assert.Equal("person: budget", (await bench.NoteAsync()).Text);
        Assert.Equal("the run's budget does not suffice: 4 of 4 model calls are spent", world.Last!.Why);
        Assert.Equal(4, world.Last.Dossier.Findings.Count);
        Assert.Equal((4, 4), (fast.Requests.Count, row.Spent.Calls));
    }

    [Fact]
    public async Task Goes_on_at_the_next_turn_after_a_crash_anywhere()
    {
        static CrashScenario Scenario()
        {
            var clock = new ManualClock();
            var script = Enumerable.Range(1, 4).Select(i => ScriptedReply.ToolCall("whois", new Dictionary<string, object?> { ["address"] = $"192.0.2.{i}" }, "c" + i)).Append(Says("block", 0.9)).ToArray();
            var world = new AgentWorld { Fast = new TurnClient(script, clock), Tools = [Tool.Read("whois", "Who.", (string address) => address)] };
            return new CrashScenario
            {
                Configure = Bench.Configured(world.Configure, new FaultyTarget()),
                Drive = async harness =>
                {
                    await harness.StartRunAsync("flow", new Note(), "k");
                    await harness.RunUntilIdleAsync();
                },
                Check = harness => Bench.CheckAsync(harness),
            };
        }

        var report = await CrashTest.RunAsync(Scenario);
        Assert.True(report.Crashes > 50);
    }

    /// <summary>Answers by the number of the turn.</summary>
    private sealed class TurnClient(ScriptedReply[] script, ManualClock clock) : DelegatingChatClient(new ScriptedChatClient(clock))
    {
        public override Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            new ScriptedChatClient(clock, script[messages.Count(m => m.Role == ChatRole.Assistant)]).GetResponseAsync(messages, options, cancellationToken);
    }
}
