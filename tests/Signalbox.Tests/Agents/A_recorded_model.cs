using System.ComponentModel;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Agents;

public sealed class A_recorded_model : IDisposable
{
    private static readonly ChatMessage[] s_hello = [new(ChatRole.System, "You judge."), new(ChatRole.User, "192.0.2.7?")];

    private readonly ManualClock _clock = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("recording-").FullName;

    private string File1 => Path.Combine(_folder, "model.jsonl");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Replays_a_conversation_with_tools_word_for_word()
    {
        var recorded = await RecordAsync(ConverseAsync, ScriptedReply.Reasoning("hm", "c2ln").And(ScriptedReply.ToolCall("lookup", Ip("192.0.2.7"), "toolu_1")).Used(100, 7, 50), ScriptedReply.Text("It is bad."));
        using var replay = RecordingChatClient.Replay(File1);

        Assert.Equal(recorded, await ConverseAsync(replay));
        Assert.Contains("toolu_1", recorded, StringComparison.Ordinal);
        Assert.Equal((0, 2), (replay.Recorded, replay.Replayed));
        Assert.Equal(("scripted", "scripted-1"), (replay.GetService<ChatClientMetadata>()!.ProviderName, replay.GetService<ChatClientMetadata>()!.DefaultModelId));
    }

    [Fact]
    public async Task Replays_a_stream_as_a_whole_and_a_whole_as_a_stream()
    {
        using (var client = RecordingChatClient.Record(new ScriptedChatClient(_clock, ScriptedReply.Text("streamed").Used(1, 2), ScriptedReply.Text("whole").Used(3, 4)), File1))
        {
            Assert.Equal("streamed", (await client.GetStreamingResponseAsync(s_hello).ToChatResponseAsync()).Text);
            Assert.Equal("whole", (await client.GetResponseAsync(s_hello)).Text);
        }

        using var replay = RecordingChatClient.Replay(File1);
        var whole = await replay.GetResponseAsync(s_hello);
        var streamed = await replay.GetStreamingResponseAsync(s_hello).ToChatResponseAsync();
        Assert.Equal(("streamed", 2, ChatFinishReason.Stop), (whole.Text, whole.Usage!.OutputTokenCount, whole.FinishReason));
        Assert.Equal(("whole", 4, ChatFinishReason.Stop), (streamed.Text, streamed.Usage!.OutputTokenCount, streamed.FinishReason));
    }

    [Fact]
    public async Task Answers_equal_requests_in_recorded_order_and_then_the_last_again()
    {
        await RecordAsync(AskThriceAsync, ScriptedReply.Text("a"), ScriptedReply.Text("b"), ScriptedReply.Text("c"));
        using var replay = RecordingChatClient.Replay(File1);

        Assert.Equal("a b c", await AskThriceAsync(replay));
        Assert.Equal("c c c", await AskThriceAsync(replay));
    }

    [Fact]
    public async Task Does_not_mind_ids_and_times_of_messages()
    {
        await RecordAsync(AskAsync, ScriptedReply.Text("a"));
        using var replay = RecordingChatClient.Replay(File1);
        ChatMessage[] others = [.. s_hello.Select(m => new ChatMessage(m.Role, m.Text) { MessageId = "other", CreatedAt = _clock.GetUtcNow() })];

        Assert.Equal("a", (await replay.GetResponseAsync(others, new ChatOptions { ConversationId = "c", AdditionalProperties = new() { ["key"] = "sk-secret" } })).Text);
    }

    [Fact]
    public async Task Says_which_message_of_a_new_request_was_the_first_that_it_does_not_know()
    {
        await RecordAsync(AskAsync, ScriptedReply.Text("a"));
        using var replay = RecordingChatClient.Replay(File1);
        var error = await Assert.ThrowsAsync<NotRecordedException>(() => replay.GetResponseAsync([s_hello[0], new(ChatRole.User, "192.0.2.8?\u001b")]));

        Assert.Equal(
            $$$"""The recording '{{{File1}}}' has no reply to this request of 2 messages. The nearest is the one in line 5: message 2 is the first that differs; recorded: {"role":"user","contents":[{"text":"192.0.2.7?"}]}, asked: {"role":"user","contents":[{"text":"192.0.2.8?\u001B"}]}. """
            + "If the change is meant, ask a real client for what is missing by RecordingChatClient.RecordOrReplay, or delete the file to record all anew.",
            error.Message);
    }

    [Fact]
    public async Task Says_which_options_differ()
    {
        await RecordAsync(client => client.GetResponseAsync(s_hello, new ChatOptions { Temperature = 0.5f, Tools = [Lookup()] }), ScriptedReply.Text("a"));
        using var replay = RecordingChatClient.Replay(File1);
        var error = await Assert.ThrowsAsync<NotRecordedException>(() => replay.GetResponseAsync(s_hello, new ChatOptions { MaxOutputTokens = 7, Tools = [Lookup()] }));

        Assert.Contains("its messages are equal, its options differ: temperature: recorded 0.5, asked none; maxOutputTokens: recorded none, asked 7. ", error.Message, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Options => new()
    {
        { "model", """{"model":"other"}""" },
        { "temperature", """{"temperature":0.1}""" },
        { "format", """{"json":true}""" },
        { "tool", """{"tool":"lookup"}""" },
        { "instructions", """{"instructions":"Be brief."}""" },
    };

    [Theory]
    [MemberData(nameof(Options))]
    public async Task Takes_a_request_with_other_options_for_another(string what, string json)
    {
        await RecordAsync(AskAsync, ScriptedReply.Text("a"));
        using var replay = RecordingChatClient.Replay(File1);
        using var given = JsonDocument.Parse(json);
        var options = new ChatOptions();
        _ = what switch
        {
            "model" => options.ModelId = "other",
            "temperature" => options.Temperature = 0.1f,
            "format" => options.ResponseFormat = ChatResponseFormat.ForJsonSchema<A_model_call.Verdict>(),
            "tool" => options.Tools = [Lookup()],
            _ => (object)(options.Instructions = "Be brief."),
        };

        await Assert.ThrowsAsync<NotRecordedException>(() => replay.GetResponseAsync(s_hello, options));
    }

    [Fact]
    public async Task Keeps_errors_and_broken_streams_without_keys()
    {
        using (var client = RecordingChatClient.Record(
            new ScriptedChatClient(
                _clock,
                ScriptedReply.Throw(new ModelException(ModelTrouble.RateLimited, "slow down", TimeSpan.FromSeconds(3))),
                ScriptedReply.Throw(new NotSupportedException("Incorrect API key provided: sk-ant-0123456789abcdef, sent as Bearer abc.def")),
                ScriptedReply.Text("half of it").BrokenBy(new IOException("reset"))),
            File1))
        {
            await Assert.ThrowsAsync<ModelException>(() => client.GetResponseAsync(s_hello));
            await Assert.ThrowsAsync<NotSupportedException>(() => client.GetResponseAsync(s_hello));
            await Assert.ThrowsAsync<IOException>(() => client.GetStreamingResponseAsync(s_hello).ToChatResponseAsync());
        }

        Assert.DoesNotContain("0123456789abcdef", await File.ReadAllTextAsync(File1), StringComparison.Ordinal);
        Assert.DoesNotContain("abc.def", await File.ReadAllTextAsync(File1), StringComparison.Ordinal);
        using var replay = RecordingChatClient.Replay(File1);
        var limited = await Assert.ThrowsAsync<ModelException>(() => replay.GetResponseAsync(s_hello));
        Assert.Equal((ModelTrouble.RateLimited, TimeSpan.FromSeconds(3), "slow down"), (limited.Trouble, limited.RetryAfter, limited.Message));
        var other = await Assert.ThrowsAsync<RecordedFailureException>(() => replay.GetResponseAsync(s_hello));
        Assert.Equal(("System.NotSupportedException", "Incorrect API key provided: [removed], sent as Bearer [removed]"), (other.OriginalType, other.Message));
        var seen = "";
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            await foreach (var update in replay.GetStreamingResponseAsync(s_hello))
            {
                seen += update.Text;
            }
        });
        Assert.NotEqual("", seen);
    }

    [Fact]
    public async Task Does_not_record_what_the_caller_canceled_or_abandoned()
    {
        using var canceled = new CancellationTokenSource();
        using (var client = RecordingChatClient.Record(new ScriptedChatClient(_clock, ScriptedReply.Text("late").After(TimeSpan.FromHours(1)), ScriptedReply.Text("abandoned")), File1))
        {
            var asked = client.GetResponseAsync(s_hello, cancellationToken: canceled.Token);
            await canceled.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
            await foreach (var update in client.GetStreamingResponseAsync(s_hello))
            {
                break;
            }

            Assert.Equal(0, client.Recorded);
        }

        using var replay = RecordingChatClient.Replay(File1);
        await Assert.ThrowsAsync<NotRecordedException>(() => replay.GetResponseAsync(s_hello));
    }

    [Fact]
    public async Task Has_each_exchange_in_its_file_before_the_reply_is_handed_on()
    {
        long Written() => new FileInfo(File1).Length;
        using var client = RecordingChatClient.Record(new ScriptedChatClient(_clock, ScriptedReply.Text("a"), ScriptedReply.Text("b")), File1);
        var header = Written();
        await AskAsync(client);
        var first = Written();
        await AskAsync(client);
        var second = Written();
        client.Dispose();

        Assert.True(0 < header && header < first && first < second, $"{header} {first} {second}");
        Assert.Equal(second, Written());
        Assert.Equal(2, ScriptedReply.ReadFile(File1).Count);
    }

    [Fact]
    public async Task Cut_off_anywhere_loses_no_exchange_but_the_last_and_can_be_gone_on_with()
    {
        await RecordAsync(ConverseAsync, ScriptedReply.ToolCall("lookup", Ip("192.0.2.7"), "t"), ScriptedReply.Text("It is bad."));
        var whole = await File.ReadAllBytesAsync(File1);
        var firstExchange = whole.Index().Where(b => b.Item == '\n').ElementAt(4).Index; // the header, options, two messages, the exchange

        for (var length = 0; length < whole.Length; length += 7)
        {
            await File.WriteAllBytesAsync(File1, whole[..length]);
            using (var replay = RecordingChatClient.Replay(File1))
            {
                await Assert.ThrowsAsync<NotRecordedException>(() => ConverseAsync(replay));
                Assert.Equal(length < firstExchange ? 0 : 1, replay.Replayed);
            }

            using var rest = RecordingChatClient.RecordOrReplay(ScriptedChatClient.ByTurn(_clock, ScriptedReply.ToolCall("lookup", Ip("192.0.2.7"), "t"), ScriptedReply.Text("It is bad.")), File1);
            var said = await ConverseAsync(rest);
            Assert.EndsWith("It is bad.", said, StringComparison.Ordinal);
            rest.Dispose();
            using var again = RecordingChatClient.Replay(File1);
            Assert.Equal(said, await ConverseAsync(again));
        }
    }

    [Fact]
    public async Task Asks_only_for_what_is_not_there()
    {
        await RecordAsync(AskAsync, ScriptedReply.Text("a"));
        using var real = new ScriptedChatClient(_clock, ScriptedReply.Text("b"), ScriptedReply.Text("c"));
        using (var client = RecordingChatClient.RecordOrReplay(real, File1))
        {
            Assert.Equal("a b c", await AskThriceAsync(client));
            Assert.Equal((2, 1), (client.Recorded, client.Replayed));
        }

        using var replay = RecordingChatClient.Replay(File1);
        Assert.Equal("a b c", await AskThriceAsync(replay));
    }

    [Fact]
    public async Task Needs_no_right_to_write_where_all_is_recorded()
    {
        await RecordAsync(AskAsync, ScriptedReply.Text("a"));
        using var reader = new FileStream(File1, FileMode.Open, FileAccess.Read, FileShare.Read); // nobody can open it for writing
        using var client = RecordingChatClient.RecordOrReplay(new ScriptedChatClient(_clock), File1);

        Assert.Equal("a", await AskAsync(client));
    }

    [Fact]
    public async Task Can_be_edited_and_is_taken_as_it_stands()
    {
        await RecordAsync(AskAsync, ScriptedReply.Text("a"));
        var text = await File.ReadAllTextAsync(File1);
        await File.WriteAllTextAsync(File1, text.Replace("\"a\"", "\"edited\"", StringComparison.Ordinal).Replace("192.0.2.7?", "192.0.2.9?", StringComparison.Ordinal).TrimEnd('\n'));
        using (var replay = RecordingChatClient.Replay(File1))
        {
            Assert.Equal("edited", (await replay.GetResponseAsync([s_hello[0], new(ChatRole.User, "192.0.2.9?")])).Text);
            await Assert.ThrowsAsync<NotRecordedException>(() => AskAsync(replay));
        }

        using (var client = RecordingChatClient.RecordOrReplay(new ScriptedChatClient(_clock, ScriptedReply.Text("anew")), File1))
        {
            Assert.Equal("anew", await AskAsync(client)); // the label of what was edited is taken
        }

        using var both = RecordingChatClient.Replay(File1);
        Assert.Equal("anew", await AskAsync(both));
        Assert.Equal("edited", (await both.GetResponseAsync([s_hello[0], new(ChatRole.User, "192.0.2.9?")])).Text);
    }

    [Fact]
    public async Task Is_a_script_too()
    {
        await RecordAsync(ConverseAsync, ScriptedReply.ToolCall("lookup", Ip("192.0.2.7"), "t"), ScriptedReply.Text("It is bad."));
        using var script = ScriptedChatClient.ByTurn(_clock, ScriptedReply.ReadFile(File1));

        Assert.EndsWith("It is bad.", await ConverseAsync(script), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Grows_with_its_conversation_not_with_its_square()
    {
        var text = new string('x', 10_000);
        using (var client = RecordingChatClient.Record(ScriptedChatClient.Answering(_clock, r => ScriptedReply.Text($"{r.Turn} {text}")), File1))
        {
            var messages = s_hello.ToList();
            for (var i = 0; i < 30; i++)
            {
                messages.AddRange((await client.GetResponseAsync(messages)).Messages);
                messages.Add(new ChatMessage(ChatRole.User, $"{i}"));
            }
        }

        Assert.InRange(new FileInfo(File1).Length, 300_000, 700_000); // a reply stands there as a reply and as a message
    }

    [Fact]
    public async Task Survives_many_callers_at_once()
    {
        using (var client = RecordingChatClient.Record(ScriptedChatClient.Answering(_clock, r => ScriptedReply.Text(r.Messages[0].Text)), File1))
        {
            await Parallel.ForAsync(0, 100, async (i, cancellationToken) => Assert.Equal($"{i % 50}", (await client.GetResponseAsync([new(ChatRole.User, $"{i % 50}")], cancellationToken: cancellationToken)).Text));
            Assert.Equal(100, client.Recorded);
        }

        using var replay = RecordingChatClient.Replay(File1);
        await Parallel.ForAsync(0, 100, async (i, cancellationToken) => Assert.Equal($"{i % 50}", (await replay.GetResponseAsync([new(ChatRole.User, $"{i % 50}")], cancellationToken: cancellationToken)).Text));
    }

    [Fact]
    public async Task Has_one_writer()
    {
        using var client = RecordingChatClient.Record(new ScriptedChatClient(_clock, ScriptedReply.Text("a")), File1);

        Assert.Throws<IOException>(() => RecordingChatClient.Record(new ScriptedChatClient(_clock), File1));
        Assert.Throws<IOException>(() => RecordingChatClient.Replay(File1));
        Assert.Equal("a", await AskAsync(client));
    }

    [Fact]
    public async Task Belongs_to_one_model()
    {
        await RecordAsync(AskAsync, ScriptedReply.Text("a"));
        var error = Assert.Throws<InvalidOperationException>(() => RecordingChatClient.RecordOrReplay(new ScriptedChatClient(_clock) { Model = "other" }, File1));

        Assert.Equal($"The recording '{File1}' was made with the model 'scripted-1'; this client's is 'other'. Use a file for each model, or delete this one to record anew.", error.Message);
    }

    [Theory]
    [InlineData("{\"text\":\"a\"}\n", "Line 1 of '{0}' cannot be read: It is no exchange of a recording: it has no options or no messages. To play a file of mere replies, use ScriptedReply.ReadFile.")]
    [InlineData("{\"recording\":2}\n", "Line 1 of '{0}' cannot be read: It is a recording of version 2; this program reads version 1. Record anew.")]
    [InlineData("{\"recording\":1}\n{\"options\":\"o\",\"messages\":[\"m\"],\"reply\":{\"text\":\"a\"}}\n", "Line 2 of '{0}' cannot be read: It names 'o', and no line before it says what that is.")]
    [InlineData("{\"recording\":1}\n{]\n{}\n", "Line 2 of '{0}' cannot be read: ")]
    public async Task Refuses_a_file_that_is_no_recording(string text, string message)
    {
        await File.WriteAllTextAsync(File1, text);
        var error = Assert.Throws<FormatException>(() => RecordingChatClient.Replay(File1));

        Assert.StartsWith(message.Replace("{0}", File1, StringComparison.Ordinal), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void That_does_not_exist_says_how_to_make_it() =>
        Assert.Equal($"There is no recording '{File1}'. Make it with RecordingChatClient.RecordOrReplay over a real client.", Assert.Throws<FileNotFoundException>(() => RecordingChatClient.Replay(File1)).Message);

    private static AIFunction Lookup() => AIFunctionFactory.Create(([Description("The address")] string ip) => "bad", "lookup");

    private static Dictionary<string, object?> Ip(string ip) => new() { ["ip"] = ip };

    private static async Task<string> AskAsync(IChatClient client) => (await client.GetResponseAsync(s_hello)).Text;

    private static async Task<string> AskThriceAsync(IChatClient client) => $"{await AskAsync(client)} {await AskAsync(client)} {await AskAsync(client)}";

    /// <summary>A turn loop as an agent has it; what was said, as JSON, and the last answer.</summary>
    private static async Task<string> ConverseAsync(IChatClient client)
    {
        var messages = s_hello.ToList();
        while (true)
        {
            var response = await client.GetResponseAsync(messages, new ChatOptions { Tools = [Lookup()] });
            messages.AddRange(response.Messages);
            FunctionCallContent[] calls = [.. response.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>()];
            if (calls.Length == 0)
            {
                return JsonSerializer.Serialize(messages, AIJsonUtilities.DefaultOptions) + response.Usage!.InputTokenCount + response.Text;
            }

            messages.Add(new ChatMessage(ChatRole.Tool, [.. calls.Select(c => new FunctionResultContent(c.CallId, $"looked up {c.Arguments!["ip"]}"))]));
        }
    }

    private async Task<T> RecordAsync<T>(Func<IChatClient, Task<T>> use, params ScriptedReply[] replies)
    {
        using var client = RecordingChatClient.Record(new ScriptedChatClient(_clock, replies), File1);
        return await use(client);
    }
}
