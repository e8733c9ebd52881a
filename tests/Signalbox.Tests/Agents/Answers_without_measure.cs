using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;
using static Signalbox.Tests.Agents.AgentWorld;

namespace Signalbox.Tests.Agents;

public sealed class Answers_without_measure
{
    private readonly ManualClock _clock = new();

    public sealed record Free(double Confidence, JsonElement Details);

    private static string Deep(int levels) => new string('[', levels) + new string(']', levels);

    [Theory]
    [InlineData(55)]
    [InlineData(60)]
    [InlineData(61)]
    [InlineData(62)]
    [InlineData(63)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(500)]
    public async Task Of_a_tool_as_deep_as_may_be_are_answers_to_the_model_or_errors_but_end_no_run(int levels)
    {
        var deep = JsonDocument.Parse(Deep(levels), new JsonDocumentOptions { MaxDepth = 1000 }).RootElement.Clone();
        using var fast = new ScriptedChatClient(_clock, ScriptedReply.ToolCall("dump"), Says("block", 0.9));
        var world = new AgentWorld { Clock = _clock, Fast = fast, Tools = [Tool.Read("dump", "All.", () => deep)] };
        await using var bench = await world.StartAsync();
        var row = await bench.RunAsync();

        Assert.True(row.Status == RunStatus.Completed, row.Reason);
        Assert.Equal(2, fast.Requests.Count);
    }

    [Theory]
    [InlineData(40)]
    [InlineData(55)]
    [InlineData(58)]
    [InlineData(59)]
    [InlineData(60)]
    [InlineData(61)]
    [InlineData(62)]
    [InlineData(63)]
    [InlineData(64)]
    public async Task Of_a_model_as_deep_as_may_be_end_no_run(int levels)
    {
        var arguments = new Dictionary<string, object?> { ["what"] = JsonDocument.Parse(Deep(levels)).RootElement.Clone() };
        var answer = ScriptedReply.Text($$"""{"confidence":0.9,"details":{{Deep(levels)}}}""");
        using var fast = ScriptedChatClient.Answering(_clock, request => request.Turn == 1 ? ScriptedReply.ToolCall("look", arguments) : answer);
        var agent = new Agent<Free>("judge") { Instructions = "x", Confidence = a => a.Confidence };
        await using var bench = await Bench.StartAsync(
            box => box.AddModel("fast-1", fast).UseLadder(new Ladder(new Tier("fast", "fast-1"))).AddTool(Tool.Read("look", "Looks.", (JsonElement what) => "seen"))
                .Add(new Flow(async visit => visit.GoTo((await visit.Decide(agent, "x")).Stands ? Step.Done : Step.Three)) { Agent = "judge", Tools = ["look"], Also = [(Step.One, Step.Three)] }),
            options: new HarnessOptions { Clock = _clock });
        var row = await bench.RunAsync();

        Assert.True(row.Status == RunStatus.Completed, $"{row.Status} {row.Reason}");
    }

    [Fact]
    public async Task Of_an_author_deeper_than_a_journal_reads_fail_the_step_and_not_the_journal()
    {
        foreach (var levels in new[] { 60, 62, 63, 64 })
        {
            var deep = JsonDocument.Parse(Deep(levels)).RootElement.Clone();
            await using var bench = await Bench.OfAsync(new Flow(async visit =>
            {
                var read = await visit.Read("deep", _ => Task.FromResult(deep));
                return visit.GoTo(Step.Done, new Note(read.GetRawText()));
            }));
            var row = await bench.RunAsync();

            Assert.True(row.Status is RunStatus.Completed or RunStatus.Failed, $"{levels}: {row.Status} {row.Reason}");
        }
    }

    [Fact]
    public async Task In_a_stream_that_never_ends_are_given_up_at_a_bound()
    {
        using var fast = new Babbling();
        using var strong = new ScriptedChatClient(_clock, Says("allow", 0.9)) { Model = "strong-1" };
        var world = new AgentWorld
        {
            Clock = _clock,
            Fast = fast,
            Strong = strong,
            FastOptions = new ModelOptions { Streams = true, Attempts = 1, OutputTokensMax = 100 },
            More = box => box.Limits = new RunLimits { ResultBytesMax = 100_000 },
        };
        await using var bench = await world.StartAsync();
        await bench.RunAsync();

        Assert.Equal("allow by strong", (await bench.NoteAsync()).Text);
        Assert.InRange(fast.Said, 100_000, 110_000);
        Assert.Equal("too_large", (await bench.BodyAsync<StepFailed>(EntryKinds.StepFailed)).Code);
    }

    /// <summary>Always has one more word at hand.</summary>
    private sealed class Babbling : IChatClient
    {
        public long Said { get; private set; }

        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) => throw new NotSupportedException();

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await Task.CompletedTask;
            while (Said < 10_000_000)
            {
                Said += 5;
                yield return new ChatResponseUpdate(ChatRole.Assistant, "word ");
            }
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }

    [Fact]
    public async Task Leave_entries_of_bounded_size_and_a_handover_of_bounded_size()
    {
        var huge = new string('x', 2_000_000);
        using var strong = new ScriptedChatClient(_clock, Says("allow", 0.9)) { Model = "strong-1" };
        var world = new AgentWorld
        {
            Clock = _clock,
            Fast = new ScriptedChatClient(_clock, ScriptedReply.Json(new Verdict(huge, 0.6, [huge, huge]))),
            Strong = strong,
            Budget = Budget.Unlimited,
        };
        await using var bench = await world.StartAsync();
        await bench.RunAsync();

        Assert.Equal("allow by strong", (await bench.NoteAsync()).Text);
        Assert.All(await bench.JournalAsync(), e => Assert.InRange(e.Body.Length, 0, 200_000));
        Assert.InRange(strong.Requests[0].Messages.Sum(m => m.Text.Length), 0, 200_000);
    }

    [Fact]
    public async Task In_the_number_of_calls_are_bounded_in_entries()
    {
        var calls = ScriptedReply.Of(Enumerable.Range(0, 5_000).Select(i => new FunctionCallContent($"c{i}", "nothing", new Dictionary<string, object?>())));
        var world = new AgentWorld { Clock = _clock, Fast = new ScriptedChatClient(_clock, calls), Strong = new ScriptedChatClient(_clock, Says("allow", 0.9)) { Model = "strong-1" } };
        await using var bench = await world.StartAsync();
        await bench.RunAsync();

        Assert.Equal("allow by strong", (await bench.NoteAsync()).Text);
        Assert.InRange((await bench.JournalAsync()).Count, 0, 100);
    }
}
