using System.Text.Json;

namespace Signalbox.Providers.Tests;

public sealed class A_reply
{
    private static readonly WireReply s_full = WireReply.Of(
        WireFinish.ToolCalls, new WireBlock.Text("Let me check."), new WireBlock.ToolCall("call_7", "check_disk", """{"host":"web-1","depth":2}"""));

    [Theory, EachKind]
    public async Task Gives_its_text_its_finish_reason_and_its_model(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, WireReply.Text("It is slow."));
        var reply = await ReplyAsync(world, streamed);

        Assert.Equal(("It is slow.", ChatFinishReason.Stop, World.Model), (reply.Text, reply.FinishReason, reply.ModelId));
        Assert.NotEmpty(reply.ResponseId!);
    }

    [Theory, EachKind]
    public async Task Gives_a_tool_call_with_its_arguments(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, s_full);
        var reply = await ReplyAsync(world, streamed);

        var call = Assert.Single(reply.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>());
        Assert.Equal(("call_7", "check_disk", "web-1", "2"), (call.CallId, call.Name, call.Arguments!["host"]!.ToString(), call.Arguments["depth"]!.ToString()));
        Assert.Null(call.Exception);
        Assert.Equal(("Let me check.", ChatFinishReason.ToolCalls), (reply.Text, reply.FinishReason));
    }

    [Theory, EachKind]
    public async Task Tells_what_it_used(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, s_full);
        var use = (await ReplyAsync(world, streamed)).Usage!;

        Assert.Equal((200, 50, 17), (use.InputTokenCount, use.CachedInputTokenCount, use.OutputTokenCount));
        if (kind == Kind.Anthropic)
        {
            Assert.Equal(30, use.AdditionalCounts!["CacheCreationInputTokens"]);
        }
        else
        {
            Assert.Equal(9, use.ReasoningTokenCount);
        }
    }

    [Theory, EachKind]
    public async Task That_reached_its_length_limit_says_so(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, WireReply.Of(WireFinish.Length, new WireBlock.Text("It is sl")));
        Assert.Equal(ChatFinishReason.Length, (await ReplyAsync(world, streamed)).FinishReason);
    }

    [Theory, EachKind]
    public async Task That_is_a_refusal_says_so(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, WireReply.Of(WireFinish.Refusal));
        Assert.Equal(ChatFinishReason.ContentFilter, (await ReplyAsync(world, streamed)).FinishReason);
    }

    [Theory, EachKind]
    public async Task That_is_empty_keeps_what_it_used(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, WireReply.Of(WireFinish.Stop));
        var reply = await ReplyAsync(world, streamed);

        Assert.Equal(("", ChatFinishReason.Stop, 17), (reply.Text, reply.FinishReason, reply.Usage!.OutputTokenCount));
    }

    [Theory, EachKind]
    public async Task Without_a_finish_reason_is_a_cut_one(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, WireReply.Of(WireFinish.None, new WireBlock.Text("It is slow.")));
        var trouble = await world.TroubleAsync(streamed);

        // OpenAI's library cannot read a whole reply that names none: it is as little a finished reply.
        Assert.Equal(kind == Kind.OpenAI && !streamed ? ModelTrouble.Unreadable : ModelTrouble.Cut, trouble.Trouble);
        Assert.Equal((true, false), (trouble.IsWorthRetrying, trouble.CostNothing));
    }

    [Theory]
    [InlineData("reasoning_content", false)]
    [InlineData("reasoning_content", true)]
    [InlineData("reasoning", false)]
    [InlineData("reasoning", true)]
    public async Task Of_OpenAIs_shows_what_the_model_thought_and_does_not_send_it_back(string name, bool streamed)
    {
        var whole = WireReply.Text("It is slow.");
        var body = streamed ? OpenAIWire.Events(whole, World.Model) : OpenAIWire.Whole(whole, World.Model);
        body = body.Replace("\"role\":\"assistant\"", $"\"role\":\"assistant\",\"{name}\":\"Let me think.\"", StringComparison.Ordinal);
        await using var world = await World.OfAsync(Kind.OpenAI, streamed ? WireReply.Events(body) : WireReply.Raw(body), WireReply.Text("Yes."));
        var reply = await ReplyAsync(world, streamed);
        await world.Client.GetResponseAsync([new ChatMessage(ChatRole.User, "Is it?"), .. reply.Messages]);

        Assert.Equal("It is slow.", reply.Text);
        Assert.Equal("Let me think.", Assert.Single(reply.Messages[0].Contents.OfType<TextReasoningContent>()).Text);
        Assert.DoesNotContain("think", world.Server.Requests[1].Body.GetRawText(), StringComparison.Ordinal);
    }

    [Theory, EachKind]
    public async Task Survives_being_written_as_JSON(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, s_full);
        var messages = (await ReplyAsync(world, streamed)).Messages;
        var json = JsonSerializer.Serialize(messages, AIJsonUtilities.DefaultOptions);

        Assert.Equal(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<List<ChatMessage>>(json, AIJsonUtilities.DefaultOptions), AIJsonUtilities.DefaultOptions));
    }

    internal static async Task<ChatResponse> ReplyAsync(World world, bool streamed, ChatOptions? options = null) =>
        streamed ? (await world.StreamAsync(options)).ToChatResponse() : await world.AskAsync(options: options);
}
