using Microsoft.Extensions.AI;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Agents;

public sealed class A_scripted_model
{
    private static readonly ChatMessage[] s_hello = [new(ChatRole.User, "hello")];

    private readonly ManualClock _clock = new();

    [Fact]
    public async Task Says_text_reasoning_and_several_calls_in_one_message()
    {
        using var model = new ScriptedChatClient(_clock, Rich());
        var response = await model.GetResponseAsync(s_hello);

        AssertRich(response);
        Assert.Equal(("other-1", ChatFinishReason.ToolCalls), (response.ModelId, response.FinishReason));
        Assert.Equal((120, 9, 50), (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount, response.Usage.CachedInputTokenCount));
    }

    [Fact]
    public async Task Streams_the_same_in_several_updates()
    {
        using var model = new ScriptedChatClient(_clock, Rich());
        var updates = await model.GetStreamingResponseAsync(s_hello).ToListAsync();
        var response = updates.ToChatResponse();

        Assert.True(updates.Count >= 8, $"{updates.Count} updates");
        AssertRich(response);
        Assert.Equal(("other-1", ChatFinishReason.ToolCalls), (response.ModelId, response.FinishReason));
        Assert.Equal((120, 9, 50), (response.Usage!.InputTokenCount, response.Usage.OutputTokenCount, response.Usage.CachedInputTokenCount));
    }

    [Fact]
    public async Task Streams_no_half_characters()
    {
        const string Text = "😀😀😀😀😀😀😀";
        using var model = new ScriptedChatClient(_clock, ScriptedReply.Text(Text));
        var updates = await model.GetStreamingResponseAsync(s_hello).ToListAsync();

        Assert.All(updates, u => Assert.False(u.Text.Length > 0 && (char.IsLowSurrogate(u.Text[0]) || char.IsHighSurrogate(u.Text[^1]))));
        Assert.Equal(Text, updates.ToChatResponse().Text);
    }

    [Fact]
    public async Task Counts_characters_where_no_usage_is_told()
    {
        using var model = new ScriptedChatClient(_clock, ScriptedReply.Text("four"));
        var usage = (await model.GetResponseAsync(s_hello)).Usage!;

        Assert.Equal((5, 4), (usage.InputTokenCount, usage.OutputTokenCount));
    }

    [Fact]
    public async Task Cuts_a_stream_without_reason_and_usage()
    {
        using var model = new ScriptedChatClient(_clock, ScriptedReply.Cut("all of it"));
        var response = await model.GetStreamingResponseAsync(s_hello).ToChatResponseAsync();

        Assert.Equal(("all of it", null, null), (response.Text, response.FinishReason, response.Usage));
    }

    [Fact]
    public async Task Is_silent_in_the_middle_of_a_stream_for_as_long_as_it_is_told()
    {
        using var model = new ScriptedChatClient(_clock, ScriptedReply.Text("abcdefgh").Silent(TimeSpan.FromMinutes(1)));
        await using var updates = model.GetStreamingResponseAsync(s_hello).GetAsyncEnumerator(TestContext.Current.CancellationToken);
        var seen = "";
        ValueTask<bool> next;
        while ((next = updates.MoveNextAsync()).IsCompleted)
        {
            Assert.True(await next);
            seen += updates.Current.Text;
        }

        Assert.Equal("abcd", seen);
        _clock.Advance(TimeSpan.FromSeconds(59));
        Assert.False(next.IsCompleted);
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await next.AsTask().WaitAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal("ef", updates.Current.Text);
    }

    [Fact]
    public async Task Breaks_a_stream_in_the_middle()
    {
        using var model = new ScriptedChatClient(_clock, ScriptedReply.Text("abcd").BrokenBy(new IOException("reset")), ScriptedReply.Text("abcd").BrokenBy(new IOException("reset")));
        var seen = "";
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            await foreach (var update in model.GetStreamingResponseAsync(s_hello))
            {
                seen += update.Text;
            }
        });

        Assert.Equal("ab", seen);
        await Assert.ThrowsAsync<IOException>(() => model.GetResponseAsync(s_hello));
    }

    [Fact]
    public async Task By_turn_gives_each_conversation_its_own_turn_however_often_it_asks()
    {
        using var model = ScriptedChatClient.ByTurn(_clock, ScriptedReply.Text("one"), ScriptedReply.Text("two"));
        ChatMessage[] second = [.. s_hello, new(ChatRole.Assistant, "one"), new(ChatRole.User, "go on")];

        Assert.Equal(["two", "one", "one", "two"], [await AskAsync(model, second), await AskAsync(model, s_hello), await AskAsync(model, s_hello), await AskAsync(model, second)]);
    }

    [Fact]
    public async Task By_turn_throws_beyond_its_end()
    {
        using var model = ScriptedChatClient.ByTurn(_clock, ScriptedReply.Text("one"));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => model.GetResponseAsync([.. s_hello, new(ChatRole.Assistant, "one")]));

        Assert.Equal("The scripted model 'scripted-1' has no reply left for turn 2.", error.Message);
    }

    [Fact]
    public async Task In_order_throws_beyond_its_end_and_goes_on_when_it_has_more()
    {
        using var model = new ScriptedChatClient(_clock, ScriptedReply.Text("one"));
        Assert.Equal("one", await AskAsync(model, s_hello));
        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => model.GetResponseAsync(s_hello));
        Assert.Equal("The scripted model 'scripted-1' has no reply left for request 2.", error.Message);

        model.Add(ScriptedReply.Text("two"));
        Assert.Equal("two", await AskAsync(model, s_hello));
    }

    [Fact]
    public async Task Answers_by_a_rule()
    {
        using var model = ScriptedChatClient.Answering(_clock, request => ScriptedReply.Text($"{request.Turn} {request.Messages[^1].Text}"));
        model.Model = "rule-1";

        Assert.Equal("1 hello", await AskAsync(model, s_hello));
        Assert.Equal("rule-1", model.GetService<ChatClientMetadata>()!.DefaultModelId);
        Assert.Throws<InvalidOperationException>(() => model.Add(ScriptedReply.Text("more")));
    }

    [Fact]
    public async Task Plays_a_reply_that_was_written_as_json_like_the_reply_itself()
    {
        var json = Rich().ToJson();
        Assert.Equal(
            """{"contents":[{"reasoning":"let me think","protected":"c2ln"},{"text":"I look it up."},{"call":"lookup","id":"a","arguments":{"ip":"192.0.2.7"}},{"call":"history","id":"b","arguments":null}],"model":"other-1","usage":{"input":120,"output":9,"cached":50}}""",
            json);

        using var model = new ScriptedChatClient(_clock, ScriptedReply.FromJson(json));
        var response = await model.GetResponseAsync(s_hello);
        AssertRich(response);
        Assert.Equal(json, ScriptedReply.FromJson(json).ToJson());
    }

    [Theory]
    [InlineData("""{"text":"hello"}""")]
    [InlineData("""{"text":"hel","finish":null}""")]
    [InlineData("""{"text":"hel","finish":"length","usage":null}""")]
    [InlineData("""{"contents":[]}""")]
    [InlineData("""{"text":"late","afterSeconds":1.5,"silentSeconds":-1}""")]
    [InlineData("""{"contents":[{"call":"lookup","id":"c","arguments":null,"unreadable":"no JSON"}]}""")]
    [InlineData("""{"contents":[{"$type":"error","message":"odd"}]}""")]
    [InlineData("""{"text":"half","error":{"type":"IOException","message":"reset"}}""")]
    [InlineData("""{"error":{"type":"ModelException","message":"slow down","trouble":"RateLimited","retryAfterSeconds":3}}""")]
    [InlineData("""{"error":{"type":"HttpRequestException","message":"no","status":500}}""")]
    [InlineData("""{"error":{"type":"Some.Other.Exception","message":"no"}}""")]
    public void Keeps_every_form_through_json(string json) => Assert.Equal(json, ScriptedReply.FromJson(json).ToJson());

    [Theory]
    [InlineData("hello", "A reply must be JSON; got hello: ")]
    [InlineData("[]", "A reply must be a JSON object; got [].")]
    [InlineData("{}", "A reply must have one of the members text, contents, error.")]
    [InlineData("""{"txt":"a"}""", "A reply has no member 'txt'; it may have text, contents, finish, model, usage, error, afterSeconds, silentSeconds.")]
    [InlineData("""{"text":7}""", "A reply has a member 'text' that must be a text; got 7.")]
    [InlineData("""{"text":"a","contents":[]}""", "A reply has either 'text' or 'contents', not both.")]
    [InlineData("""{"contents":[{"tool":"x"}]}""", "A content must have one of the members text, reasoning, call, result, $type; got {\"tool\":\"x\"}.")]
    [InlineData("""{"text":"a","afterSeconds":-2}""", "A reply's seconds must be 0 or more, or -1 for ever; got -2.")]
    [InlineData("""{"error":{"type":"ModelException","trouble":"Bad"}}""", "A reply's error has a trouble 'Bad'; it must be one of RateLimited, ")]
    public void Refuses_json_that_is_no_reply(string json, string message) =>
        Assert.StartsWith(message, Assert.Throws<FormatException>(() => ScriptedReply.FromJson(json)).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Reads_its_replies_from_a_file_of_lines()
    {
        var path = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(path, "{\"text\":\"one\"}\n\n{\"contents\":[{\"call\":\"lookup\",\"arguments\":{\"ip\":\"192.0.2.7\"}}]}\n{\"text\":\"three\"}");
            var replies = ScriptedReply.ReadFile(path);
            Assert.Equal(3, replies.Count);
            using var model = new ScriptedChatClient(_clock, replies.Skip(1));
            var call = Assert.IsType<FunctionCallContent>(Assert.Single((await model.GetResponseAsync(s_hello)).Messages[0].Contents));
            Assert.Equal(("call-1", "lookup", "192.0.2.7"), (call.CallId, call.Name, call.Arguments!["ip"]!.ToString()));

            await File.AppendAllTextAsync(path, "\n{\"tekst\":1}\n");
            Assert.StartsWith($"Line 5 of '{path}' cannot be read: A reply has no member 'tekst'", Assert.Throws<FormatException>(() => ScriptedReply.ReadFile(path)).Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static ScriptedReply Rich() => ScriptedReply.Reasoning("let me think", "c2ln")
        .And(ScriptedReply.Text("I look it up."))
        .And(ScriptedReply.ToolCall("lookup", new Dictionary<string, object?> { ["ip"] = "192.0.2.7" }, "a"))
        .And(ScriptedReply.ToolCall("history", callId: "b"))
        .Used(120, 9, cached: 50)
        .By("other-1");

    private static void AssertRich(ChatResponse response)
    {
        var contents = Assert.Single(response.Messages).Contents.Where(c => c is not UsageContent).ToArray();
        Assert.Equal([typeof(TextReasoningContent), typeof(TextContent), typeof(FunctionCallContent), typeof(FunctionCallContent)], contents.Select(c => c.GetType()));
        Assert.Equal(("let me think", "c2ln"), (((TextReasoningContent)contents[0]).Text, ((TextReasoningContent)contents[0]).ProtectedData));
        Assert.Equal("I look it up.", response.Text);
        Assert.Equal(["a lookup", "b history"], contents.OfType<FunctionCallContent>().Select(c => $"{c.CallId} {c.Name}"));
        Assert.Equal("192.0.2.7", contents.OfType<FunctionCallContent>().First().Arguments!["ip"]!.ToString());
    }

    private static async Task<string> AskAsync(ScriptedChatClient model, ChatMessage[] messages) => (await model.GetResponseAsync(messages)).Text;
}
