using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Agents;

public sealed class A_malicious_model
{
    public enum Verb { Allow, Block }

    public sealed record Verdict(Verb Decision, double Confidence, string Reason, string[] Addresses, Verdict? Second = null);

    private static readonly AIFunction s_lookup = AIFunctionFactory.Create((string ip, int days, bool deep) => $"{ip} {days} {deep}", new AIFunctionFactoryOptions { Name = "lookup", SerializerOptions = SignalboxJson.Options });
    private static readonly AIFunction s_history = AIFunctionFactory.Create((Verb verb, string[] ips) => "", new AIFunctionFactoryOptions { Name = "history_of", SerializerOptions = SignalboxJson.Options });

    private readonly ManualClock _clock = new();

    private MaliciousChatClient Model(ulong seed, double obey = 0, params string[] only) => new(seed)
    {
        Clock = _clock,
        Obey = obey,
        OtherTools = ["block_address"],
        TextCharacters = 100_000,
        ArgumentCharacters = 50_000,
        Only = only.Length > 0 ? only : MaliciousChatClient.AllMoves,
    };

    private static ChatMessage[] Conversation(int i) => [new(ChatRole.System, "You judge."), new(ChatRole.User, $"Case {i}: 192.0.2.7 tried 100 passwords.")];

    private static ChatOptions Options() => new() { Tools = [s_lookup, s_history], ResponseFormat = ChatResponseFormat.ForJsonSchema<Verdict>(SignalboxJson.Options) };

    public static TheoryData<string> Moves => [.. MaliciousChatClient.AllMoves];

    [Theory]
    [MemberData(nameof(Moves))]
    public async Task Has_this_move(string move)
    {
        using var model = Model(1, 0, move);
        for (var i = 0; i < 40; i++)
        {
            await PlayAsync(model, Conversation(i));
        }

        Assert.Equal([KeyValuePair.Create(move, 40)], model.Moves);
    }

    [Fact]
    public async Task Plays_every_move_before_long()
    {
        using var model = Model(7);
        for (var i = 0; i < 3_000; i++)
        {
            await PlayAsync(model, Conversation(i));
        }

        Assert.Equal(MaliciousChatClient.AllMoves.Order(StringComparer.Ordinal), model.Moves.Keys);
        Assert.Equal(3_000, model.Moves.Values.Sum());
    }

    [Fact]
    public async Task Plays_the_same_move_in_the_same_conversation_whoever_asks_in_between()
    {
        using var first = Model(3, 0.3);
        using var second = Model(3, 0.3);
        using var other = Model(4, 0.3);
        var expected = new List<string>();
        for (var i = 0; i < 200; i++)
        {
            expected.Add(await PlayAsync(first, Conversation(i)));
        }

        var equal = 0;
        for (var i = 199; i >= 0; i--)
        {
            Assert.Equal(expected[i], await PlayAsync(second, Conversation(i)));
            Assert.Equal(expected[i], await PlayAsync(second, [.. Conversation(i).Select(m => new ChatMessage(m.Role, m.Text) { MessageId = "another" })]));
            equal += expected[i] == await PlayAsync(other, Conversation(i)) ? 1 : 0;
        }

        Assert.InRange(equal, 0, 60); // another seed, other moves
    }

    [Fact]
    public async Task Streams_the_move_that_it_would_answer()
    {
        using var model = Model(5);
        for (var i = 0; i < 300; i++)
        {
            Assert.Equal(Shape(await PlayAsync(model, Conversation(i))), Shape(await StreamAsync(model, Conversation(i))));
        }

        static string Shape(string played) => played.Split(' ')[0];
    }

    [Fact]
    public async Task That_obeys_gives_calls_and_answers_that_fit()
    {
        using var model = Model(11, obey: 1);
        for (var i = 0; i < 200; i++)
        {
            var response = await model.GetResponseAsync(Conversation(i), Options());
            var contents = Assert.Single(response.Messages).Contents;
            if (contents[0] is FunctionCallContent call)
            {
                Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
                var tool = call.Name == "lookup" ? s_lookup : s_history;
                Assert.Equal(call.Name, tool.Name);
                Assert.NotNull(await tool.InvokeAsync(new AIFunctionArguments(call.Arguments)));
            }
            else
            {
                Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
                Assert.InRange(JsonSerializer.Deserialize<Verdict>(response.Text, SignalboxJson.Options)!.Confidence, 0, 1);
            }
        }

        Assert.Equal(["obeys_with_answer", "obeys_with_call"], model.Moves.Keys);
    }

    [Fact]
    public async Task That_mostly_obeys_leads_conversations_deep()
    {
        using var model = Model(13, obey: 0.9);
        var longest = 0;
        for (var i = 0; i < 50; i++)
        {
            var messages = Conversation(i).ToList();
            for (var turn = 1; turn <= 12; turn++)
            {
                ChatResponse response;
                try
                {
                    var asked = model.GetResponseAsync(messages, Options());
                    if (!asked.IsCompleted)
                    {
                        break;
                    }

                    response = await asked;
                }
                catch (Exception e) when (e is not Xunit.Sdk.XunitException)
                {
                    break;
                }

                FunctionCallContent[] calls = [.. response.Messages.SelectMany(m => m.Contents).OfType<FunctionCallContent>()];
                if (calls.Length == 0)
                {
                    break;
                }

                longest = Math.Max(longest, turn);
                messages.AddRange(response.Messages);
                messages.Add(new ChatMessage(ChatRole.Tool, [.. calls.Select(c => new FunctionResultContent(c.CallId, "nothing"))]));
            }
        }

        Assert.InRange(longest, 5, 12);
    }

    [Fact]
    public async Task Is_obsessed_by_one_call_in_some_conversations()
    {
        using var model = Model(17);
        var obsessed = 0;
        for (var i = 0; i < 100; i++)
        {
            var messages = Conversation(i).ToList();
            var said = new List<string>();
            for (var turn = 1; turn <= 6; turn++)
            {
                var played = await PlayAsync(model, [.. messages]);
                said.Add(played.Contains("lookup", StringComparison.Ordinal) || played.Contains("history_of", StringComparison.Ordinal) ? played : $"{turn}");
                messages.Add(new ChatMessage(ChatRole.Assistant, [new FunctionCallContent($"c{turn}", "lookup", new Dictionary<string, object?> { ["ip"] = "192.0.2.7" })]));
                messages.Add(new ChatMessage(ChatRole.Tool, [new FunctionResultContent($"c{turn}", "nothing")]));
            }

            obsessed += said.Skip(1).Distinct().Count() == 1 ? 1 : 0;
        }

        Assert.InRange(obsessed, 3, 25);
    }

    [Fact]
    public async Task Leaves_out_what_it_cannot_do_without_tools_and_clock()
    {
        using var model = new MaliciousChatClient(19) { TextCharacters = 1000, ArgumentCharacters = 1000 };
        for (var i = 0; i < 1_000; i++)
        {
            await PlayAsync(model, Conversation(i), new ChatOptions());
        }

        Assert.DoesNotContain("other_agents_tool", model.Moves.Keys);
        Assert.DoesNotContain("near_miss_tool", model.Moves.Keys);
        Assert.DoesNotContain(model.Moves.Keys, name => name.StartsWith("never", StringComparison.Ordinal));
        Assert.Contains("unknown_tool", model.Moves.Keys);
    }

    [Theory]
    [InlineData("near_miss_tool")]
    [InlineData("unknown_tool")]
    [InlineData("other_agents_tool")]
    [InlineData("empty_tool_name")]
    public async Task Calls_no_offered_tool_by_these_moves(string move)
    {
        using var model = Model(23, 0, move);
        for (var i = 0; i < 100; i++)
        {
            var response = await model.GetResponseAsync(Conversation(i), Options());
            Assert.False(Assert.IsType<FunctionCallContent>(Assert.Single(response.Messages[0].Contents)).Name is "lookup" or "history_of");
        }
    }

    [Theory]
    [InlineData("half_an_answer")]
    [InlineData("prose")]
    [InlineData("other_json")]
    [InlineData("blank")]
    public async Task Gives_no_answer_that_fits_by_these_moves(string move)
    {
        using var model = Model(29, 0, move);
        for (var i = 0; i < 100; i++)
        {
            var text = (await model.GetResponseAsync(Conversation(i), Options())).Text;
            Assert.ThrowsAny<JsonException>(() => JsonSerializer.Deserialize<Verdict>(text, SignalboxJson.Options) ?? throw new JsonException());
        }
    }

    [Theory]
    [InlineData("orders_to_the_reader")]
    [InlineData("markup")]
    [InlineData("terminal_codes")]
    [InlineData("bidirectional_text")]
    [InlineData("control_characters")]
    [InlineData("sure_and_forbidden")]
    [InlineData("huge_text")]
    public async Task Gives_answers_that_fit_and_say_the_worst_by_these_moves(string move)
    {
        using var model = Model(31, 0, move);
        for (var i = 0; i < 30; i++)
        {
            var text = (await model.GetResponseAsync(Conversation(i), Options())).Text;
            var verdict = JsonSerializer.Deserialize<Verdict>(text, SignalboxJson.Options)!;
            Assert.True(move == "huge_text" ? text.Length is > 100_000 and < 110_000 : !Conversation(i)[1].Text.Contains(verdict.Reason, StringComparison.Ordinal), verdict.Reason);
            Assert.True(move != "sure_and_forbidden" || verdict.Confidence == 1);
        }
    }

    [Fact]
    public async Task Cannot_keep_a_run_that_asks_it_from_its_end()
    {
        var answered = 0;
        for (var seed = 1ul; seed <= 300; seed++)
        {
            using var model = Model(seed, obey: 0.2);
            await using var bench = await Bench.OfAsync(
                new Flow(async visit =>
                {
                    var answer = await visit.Ask<Verdict>("judge", model, Conversation(1), Options());
                    return visit.GoTo(Step.Done, new Note(answer.Value.Reason));
                }),
                options: new HarnessOptions { Clock = _clock, Seed = seed });
            var row = await bench.RunAsync();
            Assert.True(row.Status is RunStatus.Completed or RunStatus.Failed, $"seed {seed}: {row.Status} {row.Reason} after {string.Join(", ", model.Moves)}");
            answered += row.Status == RunStatus.Completed ? 1 : 0;
        }

        Assert.InRange(answered, 30, 270);
    }

    private Task<string> PlayAsync(MaliciousChatClient model, ChatMessage[] messages, ChatOptions? options = null) => PlayAsync(cancellationToken => model.GetResponseAsync(messages, options ?? Options(), cancellationToken));

    private Task<string> StreamAsync(MaliciousChatClient model, ChatMessage[] messages) => PlayAsync(cancellationToken => model.GetStreamingResponseAsync(messages, Options(), cancellationToken).ToChatResponseAsync(cancellationToken));

    /// <summary>What came, in a word and with its contents: nothing, an exception, or a reply.</summary>
    private static async Task<string> PlayAsync(Func<CancellationToken, Task<ChatResponse>> ask)
    {
        using var stop = new CancellationTokenSource();
        var asked = ask(stop.Token);
        if (!asked.IsCompleted)
        {
            await stop.CancelAsync();
            return "silent";
        }

        try
        {
            var response = await asked;
            return $"{response.FinishReason?.Value ?? "cut"} {string.Join('|', response.Messages.SelectMany(m => m.Contents).Select(c => c is FunctionCallContent call ? $"{call.Name} {string.Join(',', call.Arguments?.Keys ?? [])}" : c.ToString()))}";
        }
        catch (Exception e)
        {
            return $"{e.GetType().Name} {e.Message}";
        }
    }

}
