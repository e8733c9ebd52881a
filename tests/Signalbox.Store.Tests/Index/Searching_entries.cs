using Signalbox.Journal;
using Signalbox.Search;
using Signalbox.Sqlite;

namespace Signalbox.Store.Tests.Index;

public sealed class Searching_entries
{
    /// <summary>An alarm may go off as the search ends. It would do so on a thread where nobody catches what it throws, and end the process.</summary>
    [Fact]
    public async Task Is_over_when_its_time_limit_comes_too_late()
    {
        await using var world = await IndexWorld.OpenAsync();
        await world.SayAsync(await world.StartAsync(), "silence");
        await world.FedAsync();
        var clock = new LateClock();
        await using var index = new SqliteIndex(world.Path, world.Store, clock: clock);
        Assert.Single((await index.SearchAsync(new SearchQuery { Text = "silence" }, default)).Hits);

        Assert.NotEmpty(clock.Timers);
        clock.Timers.ForEach(fire => fire());
    }

    [Fact]
    public async Task Finds_words_phrases_prefixes_and_exact_tokens_and_nothing_else()
    {
        await using var world = await IndexWorld.OpenAsync();
        var run = await world.StartAsync();
        var first = (await world.SayAsync(run, "Failed login for root from 192.0.2.7 port 22, then silence.")).Position;
        var second = (await world.SayAsync(run, "The logins of root came from 192.0.2.70; naïve Größe")).Position;
        var third = (await world.SayAsync(run, "see http://192.0.2.7:8080/a/b/c and tool_use_id of user@host")).Position;
        await world.FedAsync();

        Assert.Equal([first], await world.FindAsync("silence"));
        Assert.Equal([second, first], await world.FindAsync("ROOT from"));
        Assert.Equal([first], await world.FindAsync("\"failed login\""));
        Assert.Empty(await world.FindAsync("\"login failed\""));
        Assert.Equal([second, first], await world.FindAsync("login*"));
        Assert.Equal([third, first], await world.FindAsync("192.0.2.7"));
        Assert.Equal([second], await world.FindAsync("192.0.2.70"));
        Assert.Equal([third, second, first], await world.FindAsync("192.0.2*"));
        Assert.Equal([third, second, first], await world.FindAsync("192.0.*"));
        Assert.Empty(await world.FindAsync("92.0.2.7"));
        Assert.Equal([third], await world.FindAsync("tool_use_id"));
        Assert.Empty(await world.FindAsync("tool_use"));
        Assert.Equal([third], await world.FindAsync("tool_u*"));
        Assert.Equal([third], await world.FindAsync("user@host"));
        Assert.Equal([third], await world.FindAsync("a/b"));
        Assert.Equal([third], await world.FindAsync("http://192.0.2.7:8080/a/b/c"));
        Assert.Equal([third], await world.FindAsync("192.0.2.7:8080"));
        Assert.Equal([second], await world.FindAsync("naive größe"));
        Assert.Equal([first], await world.FindAsync("root -logins"));
        Assert.Equal([second], await world.FindAsync("root -\"failed login\""));
        Assert.Equal([first], await world.FindAsync("root (192.0.2.7)"));
    }

    [Fact]
    public async Task Reaches_every_part_of_an_entry()
    {
        await using var world = await IndexWorld.OpenAsync();
        var run = await world.StartAsync("alerts", ("team", "blue-1"));
        var large = Payload.Of("""{"role":"user","contents":[{"$type":"text","text":"a prompt of its own in a payload"}]}"""u8.ToArray());
        var call = new ModelCall("claude", [large.Hash], Moves.Json("""{"messages":[{"role":"assistant","contents":[{"$type":"functionCall","callId":"toolu_01","name":"whois","arguments":{"source_ip":"192.0.2.9"}}]}]}"""), "stop", 1, 2, Agent: "analyst", Tier: "small");
        var asked = (await world.CommitAsync(run, IndexWorld.Draft(EntryKinds.StepCompleted, new StepCompleted(Moves.Json("{\"depth\":4711}"), Moves.Json("null"), 5, Model: call)) with { Step = "whois/-/1", Payloads = [large] }))[0].Position;
        var moved = (await world.CommitAsync(run, IndexWorld.Draft(EntryKinds.StateEntered, new StateEntered("Work", Moves.Json("{\"note\":\"quiet\"}"))) with { State = "Closed", Cause = "nobody was there", Actor = "person:anna" }))[0].Position;
        var failed = (await world.CommitAsync(run, IndexWorld.Draft(EntryKinds.StepFailed, new StepFailed("timed_out", "no answer within 2 s", null, 3, 1)) with { Scope = "branch" }))[0].Position;
        await world.FedAsync();

        Assert.Equal([asked], await world.FindAsync("\"a prompt of its own\""));
        Assert.Equal([asked], await world.FindAsync("toolu_01"));
        Assert.Equal([asked], await world.FindAsync("source_ip 192.0.2.9"));
        Assert.Equal([asked], await world.FindAsync("4711"));
        Assert.Equal([asked], await world.FindAsync("whois"));
        Assert.Equal([moved], await world.FindAsync("closed nobody"));
        Assert.Equal([moved], await world.FindAsync("person:anna"));
        Assert.Equal([moved], await world.FindAsync("quiet"));
        Assert.Equal([failed], await world.FindAsync("timed_out branch"));
        Assert.Equal(new long[] { 1 }, await world.FindAsync("blue-1"));
        Assert.Equal([failed], await world.FindAsync("step.failed"));
        Assert.Equal(new long[] { failed, moved, asked, 2, 1 }, await world.FindAsync(run.Value));
        Assert.Empty(await world.FindAsync("microseconds"));
    }

    [Fact]
    public async Task Filters_by_all_that_an_entry_has()
    {
        await using var world = await IndexWorld.OpenAsync();
        var one = await world.StartAsync("alerts", ("team", "blue"), ("sort", "a b"));
        var other = await world.StartAsync("orders");
        var tool = (await world.CommitAsync(one, IndexWorld.Said("same words", "analyst", "small")))[0].Position;
        var rejected = (await world.CommitAsync(one, IndexWorld.Draft(EntryKinds.ToolRejected, new ToolRejected("analyst", "large", 2, "c", "wois", null, "unknown_tool", "same words"))))[0].Position;
        var climbed = (await world.CommitAsync(one, IndexWorld.Draft(EntryKinds.EscalationRaised, new EscalationRaised("analyst", "small", "person", "low_confidence", "same words"))))[0].Position;
        var elsewhere = (await world.SayAsync(other, "same words", "Other")).Position;
        await world.FedAsync();

        var same = new SearchQuery { Text = "same" };
        Assert.Equal([climbed, rejected, tool], await world.FindAsync(same with { Workflow = "alerts" }));
        Assert.Equal([elsewhere], await world.FindAsync(same with { State = "Other" }));
        Assert.Equal([elsewhere, tool], await world.FindAsync(same with { Kinds = [EntryKinds.StepCompleted] }));
        Assert.Equal([climbed, rejected], await world.FindAsync(same with { Kinds = ["tool.*", EntryKinds.EscalationRaised] }));
        Assert.Equal([climbed, rejected, tool], await world.FindAsync(same with { Agent = "analyst" }));
        Assert.Equal([climbed, tool], await world.FindAsync(same with { Tier = "small" }));
        Assert.Equal([rejected], await world.FindAsync(same with { Code = "unknown_tool" }));
        Assert.Equal([climbed], await world.FindAsync(same with { Code = "low_confidence" }));
        Assert.Equal([elsewhere], await world.FindAsync(same with { Run = other }));
        Assert.Equal([climbed, rejected, tool], await world.FindAsync(same with { Labels = new Dictionary<string, string> { ["team"] = "blue", ["sort"] = "a b" } }));
        Assert.Empty(await world.FindAsync(same with { Labels = new Dictionary<string, string> { ["team"] = "a b" } }));
        Assert.Equal([rejected], await world.FindAsync(new SearchQuery { Code = "unknown_tool" }));
        Assert.Equal(new long[] { elsewhere, climbed, rejected, tool, 4, 3, 2, 1 }, await world.FindAsync(""));
        Assert.Equal(new long[] { elsewhere, 4, 3 }, await world.FindAsync(new SearchQuery { Text = "-alerts", Workflow = "orders" }));
    }

    /// <summary>A clock whose timers go off when a test says so, be they disposed or not: as the system's may, whose callback has begun.</summary>
    private sealed class LateClock : TimeProvider
    {
        public List<Action> Timers { get; } = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Timers.Add(() => callback(state));
            return System.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }
}
