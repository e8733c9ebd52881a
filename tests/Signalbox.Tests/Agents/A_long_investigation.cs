using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;
using static Signalbox.Tests.Agents.AgentWorld;

namespace Signalbox.Tests.Agents;

/// <summary>Fifty model calls of fifty seconds each, with a tool call after each but the last: some 45 minutes by the manual clock.</summary>
public sealed class A_long_investigation(ITestOutputHelper output)
{
    private static readonly TimeSpan s_thought = TimeSpan.FromSeconds(50);

    private static string Address(int turn) => string.Create(CultureInfo.InvariantCulture, $"192.0.2.{turn}");

    private static ScriptedReply Reply(int turn, int turns) => turn < turns
        ? ScriptedReply.Reasoning($"Step {turn}: {new string('t', 200)}", Convert.ToBase64String(new byte[100]))
            .And(ScriptedReply.Text($"I look at {Address(turn)}, because {new string('b', 200)}."))
            .And(ScriptedReply.ToolCall("lookup", new Dictionary<string, object?> { ["address"] = Address(turn) }, $"call-{turn}")).After(s_thought)
        : Says("block", 0.9).After(s_thought);

    private static (AgentWorld World, ScriptedChatClient Model) World(int turns = 50)
    {
        var clock = new ManualClock();
        var model = ScriptedChatClient.Answering(clock, request => Reply(request.Turn, turns));
        var lookup = async (string address) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(2), clock);
            return $"{address}: {new string('a', 600)}";
        };
        return (new AgentWorld
        {
            Clock = clock,
            Fast = model,
            FastOptions = new ModelOptions { OutputTokensMax = 500 },
            Tools = [Tool.Read("lookup", "What is known of an address.", lookup)],
            Agent = new Agent<Verdict>("judge") { Instructions = "You judge addresses.", Confidence = v => v.Confidence, Kind = v => v.Decision, TurnsMax = 60 },
        }, model);
    }

    [Fact]
    public async Task Goes_on_at_the_next_turn_after_a_crash_at_every_fifth_append()
    {
        var (places, kind) = (0, CrashKind.BeforeAppend);
        for (var number = 1; ; number += 5)
        {
            kind = kind == CrashKind.BeforeAppend ? CrashKind.AfterAppend : CrashKind.BeforeAppend;
            var (world, model) = World();
            await using var harness = await WorkflowHarness.StartAsync(Bench.Configured(world.Configure, new FaultyTarget()), new HarnessOptions { Clock = world.Clock }, new CrashPoint(kind, number));
            var run = await harness.StartRunAsync("flow", new Note());
            await harness.RunUntilIdleAsync();

            var row = await harness.GetAsync(run);
            Assert.True((RunStatus.Completed, "block by fast") == (row.Status, (await harness.CaseAsync<Note>(run)).Text), $"with a crash {kind} {number}: {await harness.TellAsync(run)}");
            if (harness.Crashes.Count == 0)
            {
                break;
            }

            places++;
            Assert.Equal(Enumerable.Range(1, 50), model.Requests.Select(r => r.Turn).Distinct());
            Assert.InRange(model.Requests.Count, 50, 51); // what was recorded is asked once, what was under way twice
            Assert.InRange(row.Spent.Calls, model.Requests.Count, 51); // reserved and never asked counts as spent
            await CheckConversationAsync(harness, run, model);
            await Bench.CheckAsync(harness);
        }

        output.WriteLine($"{places} places");
        Assert.True(places > 25);
    }

    /// <summary>The conversation that the last turn was asked with is the one without a crash: each reply as it was, each answer once.</summary>
    private static async Task CheckConversationAsync(WorkflowHarness harness, RunId run, ScriptedChatClient model)
    {
        var last = model.Requests[^1].Messages;
        Assert.Equal(Enumerable.Range(1, 49).Select(t => $"call-{t}"), last.SelectMany(m => m.Contents).OfType<FunctionCallContent>().Select(c => c.CallId));
        Assert.Equal(Enumerable.Range(1, 49).Select(t => $"{Address(t)}: {new string('a', 600)}"), last.SelectMany(m => m.Contents).OfType<FunctionResultContent>().Select(r => r.Result as string));
        var turns = (await harness.JournalAsync(run)).Where(e => e.Kind == EntryKinds.StepCompleted).Select(Body.Read<StepCompleted>).Where(s => s.Model is not null);
        Assert.Equal(Enumerable.Range(1, 50), turns.Select(s => s.Model!.Turn));
    }

    [Fact]
    public async Task Takes_three_quarters_of_an_hour_and_costs_in_the_journal_what_its_conversation_costs()
    {
        var (ten, _) = await SizeAsync(10);
        var (fifty, conversation) = await SizeAsync(50);

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"the journal of 50 calls has {fifty:N0} bytes, the conversation {conversation:N0}: {fifty / (double)conversation:0.00} x; that of 10 calls {ten:N0}"));
        Assert.InRange(fifty / (double)conversation, 1, 1.35);
        Assert.InRange(fifty / (double)ten, 4, 5.2); // conversations that were stored whole at each turn would have 25
    }

    /// <summary>The bodies of all entries and every payload that they have, once; and the conversation as its model sees it in the end, as JSON.</summary>
    private static async Task<(long Journal, long Conversation)> SizeAsync(int turns)
    {
        var (world, model) = World(turns);
        await using var bench = await world.StartAsync();
        bench.IsQuiet = true;
        var begun = world.Clock.GetTimestamp();
        await bench.RunAsync();
        Assert.Equal("block by fast", (await bench.NoteAsync()).Text);
        Assert.InRange(world.Clock.GetElapsedTime(begun), turns * s_thought, turns * TimeSpan.FromSeconds(53));

        var bodies = (await bench.JournalAsync()).Sum(e => (long)e.Body.Length);
        var payloads = (await JournalExport.LinesAsync(bench.Harness.Store)).Select(l => JsonDocument.Parse(l).RootElement).Where(l => l.TryGetProperty("payload", out _))
            .Sum(l => (long)JsonSerializer.SerializeToUtf8Bytes(l).Length);
        var conversation = JsonSerializer.SerializeToUtf8Bytes(model.Requests[^1].Messages, AIJsonUtilities.DefaultOptions).Length;
        return (bodies + payloads, conversation);
    }

    [Fact]
    public async Task Keeps_a_reply_that_came_while_the_disk_was_full()
    {
        var (world, model) = World(3);
        await using var bench = await world.StartAsync();
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(20));
        bench.Harness.IsDiskFull = true;
        await bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(10));
        Assert.Single(model.Requests);
        bench.Harness.IsDiskFull = false;
        await bench.IdleAsync();

        Assert.Equal([1, 2, 3], model.Requests.Select(r => r.Turn));
        Assert.Equal("block by fast", (await bench.NoteAsync()).Text);
    }

    [Theory]
    [InlineData(20)] // in a model call
    [InlineData(51)] // in a tool call
    public async Task That_is_canceled_stops_at_once_and_asks_nothing_more(int seconds)
    {
        var (world, model) = World();
        await using var bench = await world.StartAsync();
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(seconds));
        await bench.CancelAsync();
        await bench.Harness.SettleAsync();
        var row = await bench.RowAsync();

        Assert.Equal((RunStatus.Canceled, 1), (row.Status, row.Spent.Calls));
        await bench.Harness.AdvanceAsync(TimeSpan.FromHours(1));
        Assert.Single(model.Requests);
        Assert.Equal(EntryKinds.RunCanceled, (await bench.JournalAsync())[^1].Kind);
    }

    [Fact]
    public async Task That_is_canceled_does_not_wait_for_a_model_that_does_not_listen()
    {
        var (world, _) = World();
        using var deaf = new MaliciousChatClient(1) { Clock = world.Clock, Only = ["never_answers_whatever_is_canceled"] };
        await using var bench = await (world with { Fast = deaf }).StartAsync();
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(20));
        await bench.CancelAsync();
        await bench.Harness.SettleAsync();

        Assert.Equal(RunStatus.Canceled, (await bench.RowAsync()).Status);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(51)]
    public async Task Goes_on_with_another_worker_when_its_own_is_stopped(int seconds)
    {
        var (world, model) = World(4);
        await using var bench = await world.StartAsync();
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(seconds));
        var first = bench.Harness.Worker;
        await bench.Harness.StartWorkerAsync();
        await first.StopAsync();
        await bench.IdleAsync();

        Assert.Equal("block by fast", (await bench.NoteAsync()).Text);
        Assert.Equal(seconds == 20 ? [1, 1, 2, 3, 4] : [1, 2, 3, 4], model.Requests.Select(r => r.Turn));
        Assert.All(await bench.EntriesAsync(EntryKinds.RunLeased), e => Assert.Equal(0, Body.Read<RunLeased>(e).Deaths));
        Assert.Single(await bench.EntriesAsync(EntryKinds.RunReleased));
    }
}
