using System.ComponentModel;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;
using static Signalbox.Tests.Agents.AgentWorld;

namespace Signalbox.Tests.Agents;

public sealed class A_tool
{
    private readonly ManualClock _clock = new();

    private static ScriptedReply Whois(string address = "192.0.2.7", string id = "c1") => ScriptedReply.ToolCall("whois", new Dictionary<string, object?> { ["address"] = address }, id);

    private async Task<(Bench Bench, ScriptedChatClient Model)> RunAsync(Tool tool, params ScriptedReply[] replies)
    {
        var model = new ScriptedChatClient(_clock, [.. replies.DefaultIfEmpty(Whois()), Says("block", 0.9)]);
        var bench = await new AgentWorld { Clock = _clock, Fast = model, Strong = new ScriptedChatClient(_clock, Says("block", 0.9)), Tools = [tool] }.StartAsync();
        await bench.RunAsync();
        return (bench, model);
    }

    private static object? Answer(ScriptedChatClient model, int call = 0) =>
        model.Requests[^1].Messages.SelectMany(m => m.Contents).OfType<FunctionResultContent>().ElementAt(call).Result;

    private static string AnswerText(ScriptedChatClient model, int call = 0) => Answer(model, call) is JsonElement json ? json.GetRawText() : Answer(model, call)!.ToString()!;

    [Fact]
    public async Task That_throws_is_an_answer_to_the_model()
    {
        var (bench, model) = await RunAsync(Tool.Read("whois", "Who.", string (string address) => throw new InvalidOperationException("no such registry")));
        await using var _ = bench;

        Assert.Equal("""{"error":"failed","reason":"InvalidOperationException: no such registry"}""", AnswerText(model));
        var failed = await bench.BodyAsync<StepFailed>(EntryKinds.StepFailed);
        Assert.Equal(("failed", "tool", "fast", 1), (failed.Code, failed.Type, failed.Tool!.Tier, failed.Tool.Turn));
    }

    [Fact]
    public async Task That_was_asked_the_wrong_way_says_so_and_no_evidence_is_missing()
    {
        var (bench, model) = await RunAsync(Tool.Read("whois", "Who.", string (string address) => throw new ArgumentException("'x' is no address")), Whois("x"));
        await using var _ = bench;

        Assert.Equal("""{"error":"bad_arguments","reason":"'x' is no address"}""", AnswerText(model));
        Assert.Equal("block by fast", (await bench.NoteAsync()).Text);
    }

    [Fact]
    public async Task That_finds_nothing_has_answered_and_no_evidence_is_missing()
    {
        var (bench, model) = await RunAsync(Tool.Read("whois", "Who.", string (string address) => throw new ToolErrorException("nobody has it"), new ToolOptions { Attempts = 3 }), Whois());
        await using var _ = bench;

        Assert.Equal("""{"error":"tool_error","reason":"nobody has it"}""", AnswerText(model));
        Assert.Equal("block by fast", (await bench.NoteAsync()).Text);
        Assert.Empty(await bench.EntriesAsync(EntryKinds.StepAttemptFailed));
    }

    [Fact]
    public async Task That_hangs_and_ignores_its_cancellation_is_left_behind()
    {
        var (bench, model) = await RunAsync(Tool.Read("whois", "Who.", (string address) => new TaskCompletionSource<string>().Task, new ToolOptions { Within = TimeSpan.FromSeconds(2) }));
        await using var _ = bench;

        Assert.Equal("""{"error":"timed_out","reason":"timed out after 2 s"}""", AnswerText(model));
        Assert.Equal("person: missing_evidence", (await bench.NoteAsync()).Text); // its evidence is missing, which caps the confidence
    }

    [Fact]
    public async Task That_answers_far_too_much_is_cut_and_says_so()
    {
        var (bench, model) = await RunAsync(Tool.Read("whois", "Who.", (string address) => new string('x', 50_000_000), new ToolOptions { CharactersMax = 1_000 }));
        await using var _ = bench;

        Assert.EndsWith("… [cut: the first 1,000 of 50,000,000 characters]", AnswerText(model), StringComparison.Ordinal);
        Assert.InRange((await bench.BodyAsync<StepCompleted>(model)).Result.Utf8.Length, 1_000, 1_100);
    }

    [Fact]
    public async Task Takes_typed_arguments_and_gives_typed_answers()
    {
        var (bench, model) = await RunAsync(
            Tool.Read("ports", "Open ports.", ([Description("the host")] Host host, Depth depth = Depth.Quick) => new { host.Name, Ports = new[] { 22 }, depth }),
            ScriptedReply.ToolCall("ports", new Dictionary<string, object?> { ["host"] = new Dictionary<string, object?> { ["name"] = "web-1" }, ["depth"] = "Full" }));
        await using var _ = bench;

        Assert.Equal("""{"name":"web-1","ports":[22],"depth":"Full"}""", AnswerText(model));
    }

    public sealed record Host(string Name);

    public enum Depth { Quick, Full }

    [Fact]
    public async Task Bound_to_an_action_goes_through_probe_intent_and_verification()
    {
        var target = new FaultyTarget();
        var model = new ScriptedChatClient(_clock, ScriptedReply.ToolCall("block", new Dictionary<string, object?> { ["address"] = "192.0.2.7" }), Says("block", 0.9));
        var world = new AgentWorld { Clock = _clock, Fast = model, Tools = [Tool.Act<Block>("block", "Blocks an address.")] };
        await using var bench = await Bench.StartAsync(world.Configure, target, new HarnessOptions { Clock = _clock });
        await bench.RunAsync();

        Assert.Equal("verified", JsonDocument.Parse(AnswerText(model)).RootElement.GetProperty("status").GetString()!.ToLowerInvariant());
        Assert.Single(await bench.EntriesAsync(EntryKinds.ActionIntended));
        Assert.Single(await bench.EntriesAsync(EntryKinds.ActionVerified));
    }

    [Fact]
    public async Task Bound_to_a_blind_action_tells_the_model_that_nobody_can_look()
    {
        var target = new FaultyTarget(TargetClass.T4) { Policy = new ActionPolicy { Blind = BlindRule.TrustAnswer } };
        var model = new ScriptedChatClient(_clock, ScriptedReply.ToolCall("block", new Dictionary<string, object?> { ["address"] = "192.0.2.7" }), Says("block", 0.9));
        var world = new AgentWorld { Clock = _clock, Fast = model, Tools = [Tool.Act<Block>("block", "Blocks an address.")] };
        await using var bench = await Bench.StartAsync(world.Configure, target, new HarnessOptions { Clock = _clock });
        await bench.RunAsync();

        var told = JsonDocument.Parse(AnswerText(model)).RootElement;
        Assert.Equal(("unverified", false), (told.GetProperty("status").GetString()!.ToLowerInvariant(), told.GetProperty("madeByUs").GetBoolean()));
        Assert.Equal("unverified: the target answered, and cannot be asked whether it is so", told.GetProperty("reason").GetString());
        Assert.Single(await bench.EntriesAsync(EntryKinds.ActionUnverified));
    }

    [Fact]
    public async Task Bound_to_an_action_happens_once_whichever_tier_wants_it()
    {
        var target = new FaultyTarget(TargetClass.T1);
        ScriptedReply Block(string id) => ScriptedReply.ToolCall("block", new Dictionary<string, object?> { ["address"] = "192.0.2.7" }, id);
        var world = new AgentWorld
        {
            Clock = _clock,
            Fast = new ScriptedChatClient(_clock, Block("a"), Block("b"), Says("block", 0.6)),
            Strong = new ScriptedChatClient(_clock, Block("c"), Says("block", 0.9)),
            Tools = [Tool.Act<Block>("block", "Blocks an address.")],
        };
        await using var bench = await Bench.StartAsync(world.Configure, target, new HarnessOptions { Clock = _clock });
        await bench.RunAsync();

        Assert.Equal("block by strong", (await bench.NoteAsync()).Text);
        Assert.Single(await bench.EntriesAsync(EntryKinds.ActionIntended));
        Assert.Equal(3, (await bench.EntriesAsync(EntryKinds.StepCompleted)).Count(e => Body.Read<StepCompleted>(e).Type == "tool"));
    }

    public sealed record Ban(System.Net.IPAddress Address);

    private sealed class BanHandler : ActionHandler<Ban>
    {
        public override TargetClass TargetClass => TargetClass.T3;

        public override Task<Observation> ProbeAsync(Ban action, ActionContext context, CancellationToken cancellationToken) => Task.FromResult(Observation.So("so"));

        public override Task<string?> ExecuteAsync(Ban action, ActionContext context, CancellationToken cancellationToken) => Task.FromResult<string?>(null);
    }

    [Fact]
    public async Task Bound_to_an_action_is_rejected_where_its_arguments_are_no_such_action()
    {
        using var model = new ScriptedChatClient(_clock, ScriptedReply.ToolCall("ban", new Dictionary<string, object?> { ["address"] = "not an address" }), Says("block", 0.9));
        var world = new AgentWorld { Clock = _clock, Fast = model, Tools = [Tool.Act<Ban>("ban", "Bans an address.")], More = box => box.AddAction<Ban, BanHandler>("ban") };
        await using var bench = await world.StartAsync();
        var row = await bench.RunAsync();

        var rejected = await bench.BodyAsync<ToolRejected>(EntryKinds.ToolRejected);
        Assert.Equal(RejectionCodes.BadArguments, rejected.Code);
        Assert.StartsWith("The arguments of 'ban' do not fit: 'not an address' is not an IP address.", rejected.Answer, StringComparison.Ordinal);
        Assert.Equal(1, row.Spent.Rejections);
    }

    [Fact]
    public async Task That_the_state_does_not_give_does_not_exist_there()
    {
        var ran = 0;
        var model = new ScriptedChatClient(_clock, Whois(), Says("block", 0.9));
        var world = new AgentWorld { Clock = _clock, Fast = model, Tools = [Tool.Read("whois", "Who.", (string address) => ++ran), Tool.Read("ping", "Ping.", () => "pong")], Given = ["ping"] };
        await using var bench = await world.StartAsync();
        await bench.RunAsync();

        Assert.Equal(0, ran);
        Assert.Equal(["ping"], model.Requests[0].Options!.Tools!.Select(t => t.Name));
        var rejected = await bench.BodyAsync<ToolRejected>(EntryKinds.ToolRejected);
        Assert.Equal((RejectionCodes.NotGiven, "There is no tool 'whois' here. You have: ping."), (rejected.Code, rejected.Answer));
    }

    [Fact]
    public async Task That_a_source_has_but_nobody_declared_is_told_apart()
    {
        var model = new ScriptedChatClient(_clock, ScriptedReply.ToolCall("delete_all"), Says("block", 0.9));
        await using var bench = await new AgentWorld { Clock = _clock, Fast = model, More = box => box.AddTools(new Server()) }.StartAsync();
        await bench.RunAsync();

        Assert.Equal(RejectionCodes.UndeclaredTool, (await bench.BodyAsync<ToolRejected>(EntryKinds.ToolRejected)).Code);
    }

    private sealed class Server : ToolSource
    {
        public override IReadOnlyList<Tool> Tools => [];

        public override IReadOnlyCollection<string> Undeclared => ["delete_all"];
    }

    [Fact]
    public async Task That_cannot_be_had_is_missing_evidence_and_the_agent_works_without_it()
    {
        var model = new ScriptedChatClient(_clock, Whois(), Says("block", 0.9));
        var tool = Tool.Read("whois", _ => throw new ToolUnavailableException("definition_changed", "Its description has changed."));
        var world = new AgentWorld { Clock = _clock, Fast = model, Strong = new ScriptedChatClient(_clock, Says("block", 0.9)), Tools = [tool] };
        await using var bench = await world.StartAsync();
        await bench.RunAsync();

        Assert.Null(model.Requests[0].Options!.Tools);
        Assert.Equal(RejectionCodes.Unavailable, (await bench.BodyAsync<ToolRejected>(EntryKinds.ToolRejected)).Code);
        Assert.Equal("person: missing_evidence", (await bench.NoteAsync()).Text);
        Assert.Equal("Its description has changed.", world.Last!.Dossier.Missing["whois"]);
    }

    [Fact]
    public async Task Is_not_asked_the_same_for_ever()
    {
        var asked = 0;
        var (bench, model) = await RunAsync(Tool.Read("whois", "Who.", (string address) => ++asked), Whois(id: "a"), Whois(id: "b"), Whois(id: "c"));
        await using var _ = bench;

        Assert.Equal(2, asked);
        Assert.Equal(RejectionCodes.RepeatedCall, (await bench.BodyAsync<ToolRejected>(EntryKinds.ToolRejected)).Code);
        Assert.Equal("block by fast", (await bench.NoteAsync()).Text);
    }

    [Fact]
    public async Task Called_twice_in_one_reply_with_equal_arguments_gets_two_answers()
    {
        var (bench, model) = await RunAsync(Tool.Read("whois", "Who.", (string address) => address), Whois(id: "a").And(Whois(id: "b")));
        await using var _ = bench;

        Assert.Equal(["a", "b"], model.Requests[^1].Messages[^1].Contents.OfType<FunctionResultContent>().Select(r => r.CallId));
    }

    [Fact]
    public async Task Calls_of_one_reply_go_side_by_side_and_a_slow_one_loses_no_other()
    {
        var tool = Tool.Read(
            "whois", "Who.", async (string address, CancellationToken cancellationToken) =>
            {
                await Task.Delay(address == "slow" ? TimeSpan.FromMinutes(1) : TimeSpan.FromSeconds(1), _clock, cancellationToken);
                return address;
            },
            new ToolOptions { Within = TimeSpan.FromSeconds(2) });
        var begun = _clock.GetTimestamp();
        var (bench, model) = await RunAsync(tool, Whois("a", "1").And(Whois("slow", "2")).And(Whois("b", "3")));
        await using var _ = bench;

        Assert.Equal(["a", """{"error":"timed_out","reason":"timed out after 2 s"}""", "b"], Enumerable.Range(0, 3).Select(i => AnswerText(model, i)));
        Assert.InRange(_clock.GetElapsedTime(begun), TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2.5));
    }

    [Fact]
    public async Task More_than_sixteen_calls_in_one_reply_are_too_many()
    {
        var calls = Enumerable.Range(1, 18).Select(i => Whois($"192.0.2.{i}", "c" + i)).Aggregate((a, b) => a.And(b));
        var (bench, model) = await RunAsync(Tool.Read("whois", "Who.", (string address) => address), calls);
        await using var _ = bench;

        Assert.Equal(18, model.Requests[^1].Messages[^1].Contents.Count);
        Assert.Equal([RejectionCodes.TooManyCalls], (await bench.EntriesAsync(EntryKinds.ToolRejected)).Select(e => Body.Read<ToolRejected>(e).Code)); // the first of them stands for all
        Assert.All(Enumerable.Range(16, 2), i => Assert.StartsWith("""{"error":"too_many_calls","reason":"One reply may call at most 16 tools""", AnswerText(model, i), StringComparison.Ordinal));
    }

    [Fact]
    public async Task Whose_arguments_are_no_json_is_rejected_with_what_was_wrong()
    {
        var broken = new FunctionCallContent("c1", "whois", null) { Exception = new JsonException("unexpected end") };
        var (bench, model) = await RunAsync(Tool.Read("whois", "Who.", (string address) => address), ScriptedReply.Of(broken).Finished(ChatFinishReason.ToolCalls));
        await using var _ = bench;

        var rejected = await bench.BodyAsync<ToolRejected>(EntryKinds.ToolRejected);
        Assert.Equal((RejectionCodes.BadArguments, "The arguments of 'whois' are no JSON object (unexpected end). Call it again with arguments that fit its schema."), (rejected.Code, rejected.Answer));
    }

    [Fact]
    public async Task Call_whose_arguments_look_like_a_reference_points_at_nothing()
    {
        var reference = new Dictionary<string, object?> { ["$payload"] = new string('a', 64) };
        var (bench, _) = await RunAsync(Tool.Read("whois", "Who.", (string address) => address), ScriptedReply.ToolCall("whois", reference), ScriptedReply.ToolCall("nothing", reference, "c2"));
        await using var disposal = bench;

        Assert.All(await bench.EntriesAsync(EntryKinds.ToolRejected), e => Assert.Null(Body.Read<ToolRejected>(e).Arguments!.Value.Reference));
    }

    [Fact]
    public async Task Answer_is_shared_between_runs_for_as_long_as_it_may_be()
    {
        var asked = 0;
        var tool = Tool.Read("whois", "Who.", (string address) => ++asked, new ToolOptions { CachedFor = TimeSpan.FromMinutes(1) });
        var model = ScriptedChatClient.ByTurn(_clock, Whois(), Says("block", 0.9));
        await using var bench = await new AgentWorld { Clock = _clock, Fast = model, Tools = [tool] }.StartAsync();
        await bench.RunAsync();
        await bench.RunAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(2));
        await bench.RunAsync();

        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task Faults_are_all_told_when_the_program_starts()
    {
        var world = new AgentWorld
        {
            Clock = _clock,
            Fast = new ScriptedChatClient(_clock),
            Given = ["whois", "whios", "nuke"],
            Ladder = new Ladder(new Tier("fast", "fast-2") { Accept = 0.3, Floor = 0.5 }, new Tier("fast", "fast-1") { Samples = 0 }),
            Tools = [Tool.Read("whois", "Who.", (ToolContext context) => context.State, new ToolOptions { CachedFor = TimeSpan.FromMinutes(1) }), Tool.Act<Note>("nuke", "Nuke.")],
            Budget = new Budget { Calls = -1 },
        };
        var faults = await Assert.ThrowsAsync<WorkflowFaultsException>(() => world.StartAsync());

        Assert.Equal(
            [
                "Tool 'whois' takes a ToolContext, so its answers depend on the run, and must not be shared with other runs. Leave out CachedFor, or give it everything it depends on as arguments.",
                "Tool 'nuke' is bound to the action Note, for which no handler is registered. Register one: AddAction<Note, NoteHandler>(\"stable_name\").",
                "State 'One' of workflow 'flow' gives agent 'judge' the tool 'whios', which is not registered; registered: nuke, whois. Register it: AddTool(…).",
                "The ladder of agent 'judge' in state 'One' of workflow 'flow' has two tiers 'fast'.",
                "Tier 'fast' of agent 'judge' in state 'One' of workflow 'flow' asks the model 'fast-2', which is not registered; registered: fast-1, strong-1. Register it: AddModel(\"fast-2\", …).",
                "Tier 'fast' of agent 'judge' in state 'One' of workflow 'flow' must have 0 <= Floor <= Accept <= 1; got Floor 0.5 and Accept 0.3.",
                "Tier 'fast' of agent 'judge' in state 'One' of workflow 'flow' must have Samples of 1 or more; got 0.",
                "The budget of all workflows has a negative Calls: -1.",
            ],
            faults.Faults);
    }
}

file static class BenchExtensions
{
    /// <summary>The one tool call of the run.</summary>
    public static async Task<StepCompleted> BodyAsync<T>(this Bench bench, ScriptedChatClient _)
        where T : class => (await bench.EntriesAsync(EntryKinds.StepCompleted)).Select(e => Body.Read<StepCompleted>(e)).Single(b => b.Type == "tool");
}
