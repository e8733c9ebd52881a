using System.Text.Json;

namespace Signalbox.Providers.Tests;

public sealed class A_conversation_with_tools
{
    private static readonly AIFunction s_tool = AIFunctionFactory.Create((string host) => $"{host}: 91 %", "check_disk");

    [Theory, EachKind]
    public async Task Goes_on_after_it_was_written_and_read_back(Kind kind, bool streamed)
    {
        var first = WireReply.Of(WireFinish.ToolCalls, new WireBlock.Text("Let me check."), new WireBlock.ToolCall("call_1", "check_disk", """{"host":"web-1"}"""));
        await using var world = await World.OfAsync(kind, first, WireReply.Text("It is full."));
        var conversation = await WithResultAsync(world, streamed);
        var reply = await world.Client.GetResponseAsync(conversation);

        Assert.Equal("It is full.", reply.Text);
        var messages = world.Server.Requests[1].Body.GetProperty("messages");
        if (kind == Kind.Anthropic)
        {
            Assert.Equal("""{"id":"call_1","name":"check_disk","type":"tool_use","input":{"host":"web-1"}}""", Sorted(messages[1].GetProperty("content")[1], "id", "name", "type", "input"));
            Assert.Equal("""{"tool_use_id":"call_1","type":"tool_result","content":"web-1: 91 %"}""", Sorted(messages[2].GetProperty("content")[0], "tool_use_id", "type", "content"));
        }
        else
        {
            Assert.Equal("Let me check.", messages[1].GetProperty("content").ValueKind == JsonValueKind.String
                ? messages[1].GetProperty("content").GetString()
                : messages[1].GetProperty("content")[0].GetProperty("text").GetString());
            var function = messages[1].GetProperty("tool_calls")[0].GetProperty("function");
            Assert.Equal(("check_disk", """{"host":"web-1"}"""), (function.GetProperty("name").GetString(), function.GetProperty("arguments").GetString()));
            Assert.Equal("""{"role":"tool","tool_call_id":"call_1","content":"web-1: 91 %"}""", Sorted(messages[2], "role", "tool_call_id", "content"));
        }
    }

    [Theory]
    [InlineData("I should look at the disk.", false)]
    [InlineData("I should look at the disk.", true)]
    [InlineData("", false)] // current models keep their thoughts to themselves and give the signature alone
    [InlineData("", true)]
    public async Task Hands_the_models_thoughts_back_with_their_signature(string thought, bool streamed)
    {
        var first = WireReply.Of(
            WireFinish.ToolCalls, new WireBlock.Thinking(thought, "c2ln"), new WireBlock.Text("Let me check."), new WireBlock.ToolCall("call_1", "check_disk", """{"host":"web-1"}"""));
        await using var world = await World.OfAsync(Kind.Anthropic, first, WireReply.Text("It is full."));
        await world.Client.GetResponseAsync(await WithResultAsync(world, streamed));

        var content = world.Server.Requests[1].Body.GetProperty("messages")[1].GetProperty("content");
        Assert.Equal(["thinking", "text", "tool_use"], content.EnumerateArray().Select(b => b.GetProperty("type").GetString()));
        Assert.Equal((thought, "c2ln"), (content[0].GetProperty("thinking").GetString(), content[0].GetProperty("signature").GetString()));
    }

    [Theory]
    [InlineData(Kind.OpenAI, false)]
    [InlineData(Kind.OpenAI, true)]
    [InlineData(Kind.Anthropic, true)] // in a whole reply Anthropic's arguments are JSON, not text
    public async Task Shows_arguments_that_are_no_JSON_object_instead_of_throwing(Kind kind, bool streamed)
    {
        foreach (var arguments in (string[])["{\"host\":", "[1]", "web-1", "{\"host\":\"web-1\"} and more"])
        {
            await using var world = await World.OfAsync(kind, WireReply.ToolCall("check_disk", arguments));
            var reply = await A_reply.ReplyAsync(world, streamed);

            var call = Assert.Single(reply.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>());
            Assert.Equal(("call_1", "check_disk"), (call.CallId, call.Name));
            Assert.NotNull(call.Exception);
        }
    }

    [Theory, EachKind]
    public async Task May_call_a_tool_without_arguments(Kind kind, bool streamed)
    {
        await using var world = await World.OfAsync(kind, WireReply.ToolCall("list_hosts", "{}"));
        var call = Assert.Single((await A_reply.ReplyAsync(world, streamed)).Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>());

        Assert.Null(call.Exception);
        Assert.Empty(call.Arguments ?? new Dictionary<string, object?>());
    }

    [Theory, EachKind]
    public async Task May_call_several_tools_at_once(Kind kind, bool streamed)
    {
        var reply = WireReply.Of(
            WireFinish.ToolCalls, new WireBlock.ToolCall("call_1", "check_disk", """{"host":"web-1"}"""), new WireBlock.ToolCall("call_2", "check_disk", """{"host":"web-2"}"""));
        await using var world = await World.OfAsync(kind, reply);
        var calls = (await A_reply.ReplyAsync(world, streamed)).Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>();

        Assert.Equal([("call_1", "web-1"), ("call_2", "web-2")], calls.Select(c => (c.CallId, c.Arguments!["host"]!.ToString()!)));
    }

    [Fact]
    public async Task Keeps_calls_apart_that_a_server_numbers_alike()
    {
        const string Head = """data: {"id":"cc-1","object":"chat.completion.chunk","created":1,"model":"llama","choices":[{"index":0,"delta":""";
        var call = (string id, string host) =>
            $$$"""{{{Head}}}{"tool_calls":[{"index":0,"id":"{{{id}}}","type":"function","function":{"name":"check_disk","arguments":"{\"host\":\"{{{host}}}\"}"}}]},"finish_reason":null}]}""";
        await using var world = await World.OfAsync(
            Kind.OpenAI, WireReply.Events(string.Join("\n\n", call("a", "web-1"), call("b", "web-2"), $$"""{{Head}}{},"finish_reason":"stop"}]}""", "data: [DONE]", "")));
        var reply = (await world.StreamAsync()).ToChatResponse();

        Assert.Equal([("a", "web-1"), ("b", "web-2")], reply.Messages[0].Contents.OfType<FunctionCallContent>().Select(c => (c.CallId, c.Arguments!["host"]!.ToString()!)));
        Assert.Equal(ChatFinishReason.ToolCalls, reply.FinishReason); // it stops where it calls a tool
    }

    [Fact]
    public async Task Gives_a_call_without_an_id_one_of_its_own()
    {
        await using var world = await World.OfAsync(Kind.OpenAI, WireReply.Of(WireFinish.ToolCalls, new WireBlock.ToolCall("", "a", "{}"), new WireBlock.ToolCall("", "b", "{}")));
        var reply = await world.AskAsync();

        Assert.Equal(["cc-1-call-0", "cc-1-call-1"], reply.Messages[0].Contents.OfType<FunctionCallContent>().Select(c => c.CallId));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Shows_a_refusal_in_words_as_a_refusal(bool streamed)
    {
        const string Whole = """{"id":"cc-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":null,"refusal":"I will not."},"finish_reason":"stop"}]}""";
        const string Events = """
            data: {"id":"cc-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","refusal":"I will "},"finish_reason":null}]}

            data: {"id":"cc-1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"refusal":"not."},"finish_reason":"stop"}]}

            data: [DONE]


            """;
        await using var world = await World.OfAsync(Kind.OpenAI, streamed ? WireReply.Events(Events) : WireReply.Raw(Whole));
        var reply = await A_reply.ReplyAsync(world, streamed);

        Assert.Equal(ChatFinishReason.ContentFilter, reply.FinishReason);
        Assert.Equal(("I will not.", "refusal"), Assert.Single(reply.Messages[0].Contents.OfType<ErrorContent>()) is var e ? (e.Message, e.ErrorCode) : default);
    }

    /// <summary>The conversation after the first reply and its tool's result, as the journal would give it back.</summary>
    private static async Task<List<ChatMessage>> WithResultAsync(World world, bool streamed)
    {
        List<ChatMessage> conversation = [new(ChatRole.User, "Is web-1 slow?")];
        var reply = await A_reply.ReplyAsync(world, streamed, new ChatOptions { Tools = [s_tool] });
        conversation.AddRange(reply.Messages);
        var call = reply.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>().Single();
        conversation.Add(new ChatMessage(ChatRole.Tool, [new FunctionResultContent(call.CallId, await s_tool.InvokeAsync(new AIFunctionArguments(call.Arguments)))]));
        var json = JsonSerializer.Serialize(conversation, AIJsonUtilities.DefaultOptions);
        return JsonSerializer.Deserialize<List<ChatMessage>>(json, AIJsonUtilities.DefaultOptions)!;
    }

    private static string Sorted(JsonElement of, params string[] names) => $$"""{{{string.Join(',', names.Select(n => $"\"{n}\":{of.GetProperty(n).GetRawText()}"))}}}""";
}
