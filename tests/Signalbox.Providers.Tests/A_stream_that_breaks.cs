using System.Text.Json;

namespace Signalbox.Providers.Tests;

/// <summary>One good reply with text and a tool call, broken at every byte, by a server that ends in good order and by a connection that breaks.</summary>
public sealed class A_stream_that_breaks
{
    private static readonly WireReply s_whole = WireReply.Of(
        WireFinish.ToolCalls, new WireBlock.Text("Let me check."), new WireBlock.ToolCall("call_1", "check_disk", """{"host":"web-1"}"""));

    [Theory]
    [InlineData(Kind.Anthropic, false)]
    [InlineData(Kind.Anthropic, true)]
    [InlineData(Kind.OpenAI, false)]
    [InlineData(Kind.OpenAI, true)]
    public async Task Never_looks_like_a_finished_reply_wherever_it_breaks(Kind kind, bool dropped)
    {
        var (length, enough) = Lengths(kind);
        await using var world = await World.OfAsync(kind);
        var whole = await WholeAsync(world);
        for (var bytes = 0; bytes < length; bytes++)
        {
            world.Server.Enqueue(dropped ? s_whole.DroppedAt(bytes) : s_whole.CutAt(bytes));
            var updates = new List<ChatResponseUpdate>();
            var trouble = await Record.ExceptionAsync(() => world.StreamIntoAsync(updates));

            Assert.True(trouble is not null || bytes >= enough, $"Cut at byte {bytes} of {length}, it looks finished.");
            Assert.True(trouble is null || bytes < enough || dropped, $"Cut at byte {bytes} of {length}, after all that matters, it failed: {trouble}");
            if (trouble is null)
            {
                Assert.Equal(whole, Shown(updates));
            }
            else
            {
                var cut = Assert.IsType<ModelException>(trouble);
                Assert.True(cut is { Trouble: ModelTrouble.Cut, CostNothing: false }, $"Cut at byte {bytes} of {length}: {cut}");
                Assert.All(updates, u => Assert.Null(u.FinishReason));
                Assert.StartsWith(updates.ToChatResponse().Text, "Let me check.", StringComparison.Ordinal);
            }
        }

        Assert.Equal(length + 1, world.Server.Requests.Count);
    }

    [Fact]
    public async Task Of_OpenAIs_shows_no_tool_call_before_its_end()
    {
        var length = World.LengthOf(Kind.OpenAI, s_whole);
        await using var world = await World.OfAsync(Kind.OpenAI, s_whole.CutAt(length * 2 / 3));
        var updates = new List<ChatResponseUpdate>();
        await Assert.ThrowsAsync<ModelException>(() => world.StreamIntoAsync(updates));

        Assert.NotEmpty(updates);
        Assert.DoesNotContain(updates.SelectMany(u => u.Contents), c => c is FunctionCallContent);
    }

    [Theory]
    [InlineData(Kind.Anthropic)]
    [InlineData(Kind.OpenAI)]
    public async Task Shows_what_came_before_it_broke(Kind kind)
    {
        var text = WireReply.Text("It is slow.");
        await using var world = await World.OfAsync(kind, text.CutAt(World.LengthOf(kind, text) * 2 / 3));
        var updates = new List<ChatResponseUpdate>();
        await Assert.ThrowsAsync<ModelException>(() => world.StreamIntoAsync(updates));

        var shown = updates.ToChatResponse().Text;
        Assert.NotEmpty(shown);
        Assert.StartsWith(shown, "It is slow.", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Kind.Anthropic)]
    [InlineData(Kind.OpenAI)]
    public async Task Is_as_broken_when_a_whole_reply_was_asked_for(Kind kind)
    {
        await using var world = await World.OfAsync(kind);
        world.Server.Enqueue(s_whole);
        await world.AskAsync();
        var length = (kind == Kind.Anthropic ? AnthropicWire.Whole(s_whole, World.Model) : OpenAIWire.Whole(s_whole, World.Model)).Length;
        for (var bytes = 0; bytes < length; bytes++)
        {
            world.Server.Enqueue(s_whole.CutAt(bytes), s_whole.DroppedAt(bytes));
            Assert.Equal(ModelTrouble.Unreadable, (await world.TroubleAsync()).Trouble);
            Assert.Equal(ModelTrouble.Cut, (await world.TroubleAsync()).Trouble);
        }
    }

    /// <summary>How long the events are, and how much of them is enough: Anthropic's last event ends them, OpenAI's finish reason is followed by the use and a mark.</summary>
    private static (int Length, int Enough) Lengths(Kind kind)
    {
        var events = kind == Kind.Anthropic ? AnthropicWire.Events(s_whole, World.Model) : OpenAIWire.Events(s_whole, World.Model);
        var last = kind == Kind.Anthropic ? "event: message_stop" : "\"finish_reason\":\"tool_calls\"";
        return (events.Length, events.IndexOf("\n\n", events.IndexOf(last, StringComparison.Ordinal), StringComparison.Ordinal) + 2);
    }

    private static async Task<string> WholeAsync(World world)
    {
        world.Server.Enqueue(s_whole);
        var updates = await world.StreamAsync();
        var reply = updates.ToChatResponse();
        Assert.Equal(("Let me check.", ChatFinishReason.ToolCalls), (reply.Text, reply.FinishReason));
        Assert.Same(updates[^1], Assert.Single(updates, u => u.FinishReason is not null)); // seen once, and last
        return Shown(updates);
    }

    private static string Shown(IEnumerable<ChatResponseUpdate> updates)
    {
        var reply = updates.ToChatResponse();
        var calls = reply.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>().Select(c => $"{c.CallId} {c.Name} {JsonSerializer.Serialize(c.Arguments)} {c.Exception}");
        return $"{reply.FinishReason}: {reply.Text} {string.Join(", ", calls)}";
    }
}
