using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Signalbox.Journal;
using Signalbox.OpenTelemetry;
using Signalbox.Queries;
using Signalbox.Storage;
using Signalbox.Tests.Queries;

namespace Signalbox.Server.Tests.Telemetry;

[Collection("telemetry")] // the source of spans belongs to the process
public sealed class What_was_said_in_spans
{
    private const string Instructions = "gen_ai.system_instructions";
    private const string Input = "gen_ai.input.messages";
    private const string Output = "gen_ai.output.messages";
    private const string Arguments = "gen_ai.tool.call.arguments";
    private const string Result = "gen_ai.tool.call.result";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static async Task<WebApplication> TalkAsync(int runs = 1)
    {
        var app = TracedWorld.Build(options => (options.Traces, options.Metrics, options.Logs) = (false, false, false));
        await app.StartAsync(Ct);
        await TracedWorld.StartRunsAsync(app.Services, runs, TalkingWorkflow.Talking);
        await TracedWorld.UntilEndedAsync(app.Services.GetRequiredService<IRunStore>());
        await app.StopAsync(Ct);
        return app;
    }

    /// <summary>The content of each span that has some, by the span's name and first entry; <paramref name="contents"/> is asked before each span which reader to ask.</summary>
    private static async Task<Dictionary<string, Dictionary<string, string>>> SaidAsync(IRunReader store, Func<SpanContents> contents)
    {
        var (folds, ended, said) = (new RunFolds(store), new List<EndedSpan>(), new Dictionary<string, Dictionary<string, string>>());
        await foreach (var entry in store.LogAsync(cancellationToken: Ct))
        {
            ended.Clear();
            await folds.AddAsync(entry, ended, Ct);
            foreach (var span in ended)
            {
                if (await contents().OfAsync(span, Ct) is { Count: > 0 } content)
                {
                    said.Add($"{SpanActivities.NameOf(span.Span)} {span.Span.Run} {span.Span.FirstSeq}", content.ToDictionary());
                }
            }
        }

        return said;
    }

    private static SpanContents Contents(IRunReader store, Redactor? redactor = null, int conversationsMax = 1_024) =>
        new(new RunQueries(store, TimeProvider.System, redactor: redactor), NullLogger.Instance, conversationsMax);

    private static async Task<Dictionary<string, string>[]> SaidAsync(IRunReader store, string spans, Redactor? redactor = null)
    {
        var contents = Contents(store, redactor);
        return [.. (await SaidAsync(store, () => contents)).Where(s => s.Key.StartsWith(spans, StringComparison.Ordinal)).Select(s => s.Value)];
    }

    [Fact]
    public async Task Has_the_names_and_the_form_of_the_conventions()
    {
        await using var app = await TalkAsync();
        var turns = await SaidAsync(app.Services.GetRequiredService<IRunStore>(), "chat");

        Assert.Equal(4, turns.Length);
        Assert.All(turns, t => Assert.Equal([Input, Output, Instructions], t.Keys.Order(StringComparer.Ordinal)));
        Assert.All(turns, t => Assert.StartsWith("""[{"type":"text","content":"You say whether a matter is settled.""", t[Instructions], StringComparison.Ordinal));
        Assert.Equal("""[{"role":"user","parts":[{"type":"text","content":"Is matter 1 settled?"}]}]""", turns[0][Input]);
        Assert.Equal(
            """[{"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"look","arguments":{"number":1}},{"type":"tool_call","id":"c2","name":"look","arguments":{"number":2}}],"finish_reason":"tool_call"}]""",
            turns[0][Output]);
        Assert.Equal(
            """[{"role":"user","parts":[{"type":"text","content":"Is matter 1 settled?"}]},"""
            + """{"role":"assistant","parts":[{"type":"tool_call","id":"c1","name":"look","arguments":{"number":1}},{"type":"tool_call","id":"c2","name":"look","arguments":{"number":2}}]},"""
            + """{"role":"tool","parts":[{"type":"tool_call_response","id":"c1","response":"matter 1 has password=hunter2"}]},{"role":"tool","parts":[{"type":"tool_call_response","id":"c2","response":"matter 2 has password=hunter2"}]}]""",
            turns[1][Input]);
        Assert.EndsWith("""settled\",\"confidence\":0.9,\"reasons\":[\"it is \\\"known\\\"\"]}"}],"finish_reason":"stop"}]""", turns[3][Output], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Has_the_arguments_of_each_tool_call_and_the_result_of_one_that_was_carried_out()
    {
        await using var app = await TalkAsync();
        var store = app.Services.GetRequiredService<IRunStore>();

        var calls = await SaidAsync(store, "execute_tool look");
        Assert.Equal(3, calls.Length);
        Assert.Equal(["""{"number":1} "matter 1 has password=hunter2" """, """{"number":2} "matter 2 has password=hunter2" """], calls.Take(2).Select(c => $"{c[Arguments]} {c[Result]} ").Order(StringComparer.Ordinal));
        var rejected = Assert.Single(await SaidAsync(store, "execute_tool lok"));
        Assert.Equal([(Arguments, """{"number":3}""")], rejected.Select(r => (r.Key, r.Value)));
    }

    [Fact]
    public async Task Is_cut_in_plain_view_where_it_is_too_long()
    {
        await using var app = await TalkAsync();
        var store = app.Services.GetRequiredService<IRunStore>();

        var result = JsonDocument.Parse((await SaidAsync(store, "execute_tool look"))[2][Result]).RootElement;
        Assert.StartsWith("\"éé", result.GetProperty("$cut").GetString(), StringComparison.Ordinal);
        Assert.EndsWith("é…", result.GetProperty("$cut").GetString(), StringComparison.Ordinal);
        Assert.Equal(24_002, result.GetProperty("bytes").GetInt32());

        var last = JsonDocument.Parse((await SaidAsync(store, "chat"))[3][Input]).RootElement;
        Assert.Equal(("tool", 24_002), (last[last.GetArrayLength() - 1].GetProperty("role").GetString(), last[last.GetArrayLength() - 1].GetProperty("parts")[0].GetProperty("response").GetProperty("bytes").GetInt32()));
    }

    [Fact]
    public void Has_the_last_messages_of_a_long_conversation_and_says_how_many_are_missing()
    {
        var kept = new KeptConversation();
        for (var i = 0; i < 100; i++)
        {
            kept.Add(new MessageView(i, 0, 1, "user", $"{i} {new string('x', 1_000)}", default));
            kept.AddReply([new MessageView(i, 0, 1, "assistant", $"reply {i}", default) { FinishReason = "stop" }]);
            Assert.InRange(Encoding.UTF8.GetByteCount(kept.Input()!), 1, ContentJson.BytesMax);
        }

        var messages = JsonDocument.Parse(kept.Input()!).RootElement;
        Assert.Equal($$"""{"role":"$cut","parts":[{"type":"$cut","messages":{{200 - (messages.GetArrayLength() - 1)}}}]}""", messages[0].GetRawText());
        Assert.InRange(messages.GetArrayLength(), 25, 35);
        Assert.Equal("""{"role":"assistant","parts":[{"type":"text","content":"reply 99"}]}""", messages[messages.GetArrayLength() - 1].GetRawText());
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    [InlineData(5_000)]
    public void Fits_whatever_a_message_is_made_of(int parts)
    {
        var control = new string('\u0001', 30_000);
        IReadOnlyList<MessagePart> many = [.. Enumerable.Range(0, parts).Select(i => new MessagePart(i % 2 == 0 ? "text" : "call", "tool", "c", control, i % 2 == 0 ? null : new RawJson(JsonSerializer.SerializeToUtf8Bytes(control))))];

        foreach (var json in new[] { ContentJson.Instructions(many), ContentJson.Messages([ContentJson.Message(control, many, control)], int.MaxValue), ContentJson.Value(new RawJson(JsonSerializer.SerializeToUtf8Bytes(control))) })
        {
            Assert.InRange(Encoding.UTF8.GetByteCount(json), 1, ContentJson.BytesMax);
            Assert.Contains("$cut", json, StringComparison.Ordinal);
            using var read = JsonDocument.Parse(json);
        }
    }

    [Fact]
    public async Task Is_the_same_whether_the_conversation_was_followed_or_is_read_anew()
    {
        await using var app = await TalkAsync(runs: 3);
        var store = app.Services.GetRequiredService<IRunStore>();
        var (followed, forgetful) = (Contents(store), Contents(store, conversationsMax: 0));

        var said = await SaidAsync(store, () => followed);
        Assert.Equal(3 * 8, said.Count);
        Assert.Equivalent(said, await SaidAsync(store, () => forgetful), strict: true);
        Assert.Equivalent(said, await SaidAsync(store, () => Contents(store)), strict: true);
    }

    [Fact]
    public async Task Is_masked_as_everything_that_is_shown()
    {
        await using var app = await TalkAsync();
        var store = app.Services.GetRequiredService<IRunStore>();
        var contents = Contents(store, Redactor.Create(new RedactionRules(["number"], ["settled"])));

        var said = (await SaidAsync(store, () => contents)).Values.SelectMany(s => s.Values).ToArray();
        Assert.DoesNotContain(said, json => json.Contains("hunter2", StringComparison.Ordinal) || json.Contains("settled", StringComparison.Ordinal) || json.Contains("\"number\":1", StringComparison.Ordinal));
        Assert.Contains(said, json => json == $$"""{"number":"{{Redactor.Mask}}"}""");
    }

    [Fact]
    public async Task Is_not_there_where_it_was_erased_or_is_missing()
    {
        await using var app = await TalkAsync();
        var store = app.Services.GetRequiredService<IRunStore>();
        var run = (await store.ListAsync(new RunQuery(), Ct))[0].Row.Run;
        StepCompleted? first = null;
        await foreach (var entry in store.EntriesAsync(run, cancellationToken: Ct))
        {
            first ??= entry.Kind == EntryKinds.StepCompleted ? Body.Read<StepCompleted>(entry) : null;
        }

        var question = first!.Model!.Messages[1];
        var without = await SaidAsync(new TamperedStore(store, question), "chat");
        Assert.Equal([Output, Instructions], without[0].Keys.Order(StringComparer.Ordinal));
        Assert.DoesNotContain("Is matter 1 settled?", without[1][Input], StringComparison.Ordinal);
        Assert.Contains("matter 2 has", without[1][Input], StringComparison.Ordinal);

        Assert.True((await RunCommands.ExecuteAsync(store, new EraseRun(run, "it is over"), new Caller("person:anna", [Caller.AnyRole]), Ct)).IsAccepted);
        Assert.Empty(await SaidAsync(store, ""));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Is_sent_only_where_the_program_asks_for_it(bool content)
    {
        await using var collector = new Collector();
        await collector.ListenAsync();
        await using var app = TracedWorld.Build(options => (options.OtlpEndpoint, options.CursorPath, options.Content, options.Metrics, options.Logs) =
            (collector.Endpoint, Path.Combine(Path.GetTempPath(), $"signalbox-{Guid.NewGuid():N}.json"), content, false, false));
        await app.StartAsync(Ct);
        await TracedWorld.StartRunsAsync(app.Services, 20, TalkingWorkflow.Talking);
        var store = app.Services.GetRequiredService<IRunStore>();
        await TracedWorld.UntilEndedAsync(store);
        var implied = await TracedWorld.ImpliedAsync(store);
        await TracedWorld.UntilAsync(() => collector.Spans.Count >= implied.Count, "all spans have arrived");
        await app.StopAsync(Ct);
        File.Delete(app.Services.GetRequiredService<SignalboxTelemetryOptions>().CursorPath!);

        Assert.Empty(collector.Faults);
        Assert.Equal(content ? 20 * 4 : 0, collector.Spans.Values.Count(s => s.Attributes.Contains(Input, StringComparison.Ordinal) && s.Attributes.Contains("Is matter ", StringComparison.Ordinal)));
        Assert.Equal(content ? 20 * 3 : 0, collector.Spans.Values.Count(s => s.Attributes.Contains(Result, StringComparison.Ordinal)));
    }
}
