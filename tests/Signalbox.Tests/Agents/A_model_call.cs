using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Agents;

public sealed class A_model_call
{
    public sealed record Verdict(string Decision, double Confidence);

    private static readonly Verdict s_verdict = new("block", 0.9);

    private readonly ManualClock _clock = new();

    private Task<Bench> StartAsync(ScriptedChatClient model, StepOptions? step = null, Gate? gate = null) => Bench.OfAsync(
        new Flow(async visit =>
        {
            var answer = await visit.Ask<Verdict>("judge", model, [new(ChatRole.System, "You judge."), new(ChatRole.User, "192.0.2.7")], step: step);
            await (gate?.PassAsync() ?? Task.CompletedTask);
            return visit.GoTo(Step.Done, new Note($"{answer.Value.Decision} {answer.Model} {answer.InputTokens}"));
        }),
        options: new HarnessOptions { Clock = _clock });

    [Fact]
    public async Task Gives_a_typed_answer_and_records_the_call()
    {
        using var model = new ScriptedChatClient(_clock, ScriptedReply.Json(s_verdict));
        await using var bench = await StartAsync(model);
        await bench.RunAsync();

        Assert.Equal("block scripted-1 19", (await bench.NoteAsync()).Text);
        var call = (await bench.BodyAsync<StepCompleted>(EntryKinds.StepCompleted)).Model!;
        Assert.Equal(("scripted-1", "stop", 2), (call.Model, call.FinishReason, call.Messages.Count));
        Assert.Contains("block", call.Reply.ToString(), StringComparison.Ordinal);
        var request = Assert.Single(model.Requests);
        Assert.IsType<ChatResponseFormatJson>(request.Options!.ResponseFormat);
    }

    [Fact]
    public async Task Takes_json_out_of_a_fence()
    {
        using var model = new ScriptedChatClient(_clock, ScriptedReply.FencedJson(s_verdict));
        await using var bench = await StartAsync(model);

        Assert.Equal(RunStatus.Completed, (await bench.RunAsync()).Status);
    }

    public static TheoryData<string, string, string> Faults => new()
    {
        { "cut", "cut", "the model's reply was cut: it has no finish reason" },
        { "truncated", "truncated", "the model's reply reached its length limit" },
        { "refused", "refused", "the model or its provider refused to answer" },
        { "null", "invalid_answer", "the model's reply is no Verdict: It is null." },
        { "throws", "cut", "IOException: overloaded" },
        { "slow", "timed_out", "timed out after 60 s" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task That_gives_no_whole_valid_answer_is_a_failed_attempt_and_is_tried_again(string fault, string code, string reason)
    {
        using var model = new ScriptedChatClient(_clock, Reply(fault), ScriptedReply.Json(s_verdict));
        await using var bench = await StartAsync(model);

        Assert.Equal(RunStatus.Completed, (await bench.RunAsync()).Status);
        var failed = await bench.BodyAsync<StepFailed>(EntryKinds.StepAttemptFailed);
        Assert.Equal((code, reason), (failed.Code, failed.Reason));
        Assert.Equal(2, model.Requests.Count);
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task That_never_gives_an_answer_fails_with_the_code_of_its_last_attempt(string fault, string code, string reason)
    {
        using var model = new ScriptedChatClient(_clock, Reply(fault), Reply(fault));
        await using var bench = await StartAsync(model, new() { Attempts = 2 });
        var row = await bench.RunAsync();

        Assert.Equal(RunStatus.Failed, row.Status);
        Assert.EndsWith($"failed after 2 attempts: {reason}", row.Reason, StringComparison.Ordinal);
        Assert.Equal(code, (await bench.BodyAsync<StepFailed>(EntryKinds.StepFailed)).Code);
    }

    [Theory]
    [InlineData("no json at all")]
    [InlineData("{\"decision\":\"block\"")]
    [InlineData("{\"decision\":\"block\",\"confidence\":\"high\"}")]
    [InlineData("[]")]
    [InlineData("{\"decision\":null,\"confidence\":1}")]
    [InlineData("{\"confidence\":1}")]
    public async Task Whose_reply_does_not_fit_the_type_is_never_an_answer(string text)
    {
        using var model = new ScriptedChatClient(_clock, ScriptedReply.Text(text));
        await using var bench = await StartAsync(model, StepOptions.Once);

        Assert.Equal(RunStatus.Failed, (await bench.RunAsync()).Status);
        var failed = await bench.BodyAsync<StepFailed>(EntryKinds.StepFailed);
        Assert.Equal("invalid_answer", failed.Code);
        Assert.StartsWith("the model's reply is no Verdict: ", failed.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Cut_at_any_character_is_never_an_answer()
    {
        var whole = JsonSerializer.Serialize(s_verdict, SignalboxJson.Options);
        using var model = new ScriptedChatClient(_clock, Enumerable.Range(0, whole.Length).Select(n => ScriptedReply.Text(whole[..n])).Append(ScriptedReply.Text(whole)));
        await using var bench = await StartAsync(model, new() { Attempts = whole.Length + 1, Backoff = TimeSpan.Zero });

        Assert.Equal(RunStatus.Completed, (await bench.RunAsync()).Status);
        Assert.Equal(whole.Length + 1, model.Requests.Count);
    }

    [Fact]
    public async Task That_was_recorded_is_not_asked_again_after_a_crash()
    {
        var gate = new Gate();
        using var model = new ScriptedChatClient(_clock, ScriptedReply.Json(s_verdict));
        await using var bench = await StartAsync(model, gate: gate);
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        gate.Open();
        await bench.Harness.CrashAndRestartAsync();

        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Single(model.Requests);
    }

    [Fact]
    public async Task Stores_each_message_of_a_growing_conversation_once()
    {
        var text = new string('x', 20_000);
        using var model = new ScriptedChatClient(_clock, Enumerable.Repeat(ScriptedReply.Json(s_verdict), 10));
        await using var bench = await Bench.OfAsync(
            new Flow(async visit =>
            {
                var messages = new List<ChatMessage>();
                for (var i = 0; i < 10; i++)
                {
                    messages.Add(new ChatMessage(ChatRole.User, i + text));
                    await visit.Ask<Verdict>("judge", model, messages);
                }

                return visit.GoTo(Step.Done);
            }),
            options: new HarnessOptions { Clock = _clock });
        await bench.RunAsync();

        var calls = (await bench.EntriesAsync(EntryKinds.StepCompleted)).Select(e => Body.Read<StepCompleted>(e).Model!).ToArray();
        Assert.Equal(55, calls.Sum(c => c.Messages.Count));
        Assert.Equal(10, calls.SelectMany(c => c.Messages).Distinct().Count());
        Assert.InRange((await bench.JournalAsync()).Sum(e => e.Body.Length), 0, 20_000); // the bodies name the messages; they do not repeat them
    }

    [Fact]
    public async Task Of_other_messages_or_another_model_is_another_step()
    {
        using var model = new ScriptedChatClient(_clock, Enumerable.Repeat(ScriptedReply.Json(s_verdict), 3));
        await using var bench = await Bench.OfAsync(
            new Flow(async visit =>
            {
                await visit.Ask<Verdict>("judge", model, [new(ChatRole.User, "a")]);
                await visit.Ask<Verdict>("judge", model, [new(ChatRole.User, "b")]);
                await visit.Ask<Verdict>("judge", model, [new(ChatRole.User, "a")], new ChatOptions { ModelId = "other" });
                return visit.GoTo(Step.Done);
            }),
            options: new HarnessOptions { Clock = _clock });
        await bench.RunAsync();

        Assert.Equal(3, (await bench.EntriesAsync(EntryKinds.StepCompleted)).Select(e => e.Step).Distinct().Count());
    }

    private static ScriptedReply Reply(string fault) => fault switch
    {
        "cut" => ScriptedReply.Cut(JsonSerializer.Serialize(s_verdict, SignalboxJson.Options)),
        "truncated" => ScriptedReply.Truncated("{\"decision\":\"bl"),
        "refused" => ScriptedReply.Refused(),
        "null" => ScriptedReply.Text("null"),
        "throws" => ScriptedReply.Throw(new IOException("overloaded")),
        _ => ScriptedReply.Json(s_verdict).After(TimeSpan.FromMinutes(5)),
    };
}
