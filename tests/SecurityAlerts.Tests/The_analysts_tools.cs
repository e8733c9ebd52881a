using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox;
using Signalbox.Journal;

namespace SecurityAlerts.Tests;

/// <summary>What tools answer to a model that asks for whatever it likes, in a run of the real workflow.</summary>
public sealed class The_analysts_tools
{
    [Fact]
    public async Task Show_nothing_of_other_sites_and_nothing_later_than_the_alert()
    {
        using var world = new World().WithGoodData();
        world.Write(
            "events.jsonl",
            Event(1, "lab", "2025-03-03T07:00:00Z", "192.0.2.8"),
            Event(2, "lab", "2025-03-03T08:05:00Z", "192.0.2.8"), // the alert's as_of, to the second
            Event(3, "lab", "2025-03-03T08:05:01Z", "192.0.2.8"),
            Event(4, "lab", "2025-03-03T09:00:00Z", "192.0.2.9"),
            Event(5, "shop", "2025-03-03T07:00:00Z", "192.0.2.8"),
            """{"site":"lab","seq":6,"time":"2025-03-03T07:30:00Z","type":"auth_ok","source_ip":"192.0.2.8","user":"bob","method":"password","raw":"raw"}""",
            """{"site":"lab","seq":7,"time":"2025-03-03T08:30:00Z","type":"auth_ok","source_ip":"192.0.2.9","user":"bob","method":"password","raw":"raw"}""");

        var answers = await AskAsync(
            await AlertData.ReadAsync(world.Folder),
            new(AnalystTools.LoginHistory, "address", "192.0.2.8"),
            new(AnalystTools.LoginHistory, "address", "192.0.2.9"),
            new(AnalystTools.Neighbours, "address", "192.0.2.7"),
            new(AnalystTools.AccountHistory, "user", "bob"));

        var history = Read<LoginHistory>(answers[0]);
        Assert.Equal((2, 1), (history.Failures, history.Logins));
        Assert.True(history.LastSeen <= history.AsOf);
        Assert.Equal(0, Read<LoginHistory>(answers[1]).Failures);
        var neighbour = Assert.Single(Read<Neighbourhood>(answers[2]).Seen);
        Assert.Equal(("192.0.2.8", 2, 1), (neighbour.Address, neighbour.Failures, neighbour.Logins));
        var account = Read<AccountHistory>(answers[3]);
        Assert.Equal((1, "192.0.2.8"), (account.LoginsBefore, Assert.Single(account.SourcesBefore)));
    }

    [Fact]
    public async Task Leave_a_model_no_choice_of_site_or_time()
    {
        await using var world = await ResponseWorld.StartAsync();
        var tools = new AnalystTools(new AlertSources(world.Data, TimeProvider.System), new ResponseOptions()).Tools;
        var data = new Calls([]);
        await using var asked = await ResponseWorld.StartAsync(analyst: data);

        await asked.HandleAsync("own-01");

        Assert.Equal(AnalystTools.Names, tools.Select(tool => tool.Name));
        Assert.Equal(
            ["login_history(address)", "threat_report(address)", "asset_report()", "root_session()", "account_history(user)", "neighbours(address)"],
            data.Tools.Select(tool => $"{tool.Name}({string.Join(", ", tool.JsonSchema.TryGetProperty("properties", out var properties) ? properties.EnumerateObject().Select(p => p.Name) : [])})"));
    }

    [Fact]
    public async Task Answer_about_the_alerts_own_address_what_was_gathered_before()
    {
        await using var world = await ResponseWorld.StartAsync(analyst: new Calls([new(AnalystTools.LoginHistory, "address", "203.0.113.66"), new(AnalystTools.ThreatReport, "address", "203.0.113.66")]));

        var run = await world.HandleAsync("own-02");

        var gathered = run.Case.Logins!.Value! with { Accounts = null, Session = null };
        Assert.Equal(
            [JsonSerializer.Serialize(gathered, SignalboxJson.Options), JsonSerializer.Serialize(run.Case.Threats!.Value, SignalboxJson.Options)],
            run.Case.Decision!.Dossier.Findings.Select(finding => finding.Answer.ToString()));
    }

    [Fact]
    public async Task Say_what_is_wrong_with_an_address()
    {
        var answers = await AskAsync(await AlertData.ReadAsync(World.OwnAlerts), new(AnalystTools.LoginHistory, "address", "1.2"), new(AnalystTools.Neighbours, "address", "::1%eth0"));

        Assert.Contains("an IP address is expected, such as 192.0.2.7; got \"1.2\"", answers[0].GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Contains("got \"::1%eth0\"", answers[1].GetProperty("reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Say_that_a_source_is_missing_and_the_decision_counts_less()
    {
        var analyst = new Calls([new(AnalystTools.AssetReport)]);
        await using var world = await ResponseWorld.StartAsync(slow: SlowSources.Parse(["assets=600"], out _), analyst: analyst);

        var run = await world.HandleAsync("own-04");

        Assert.Contains("the source 'assets' is missing: timed out after 100 ms", analyst.Answers[0].GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal(0.4, run.Case.Decision!.Confidence);
        Assert.Equal(EscalationReasons.MissingEvidence, run.Case.Decision.Reason);
    }

    private static string Event(int seq, string site, string time, string address) =>
        $$"""{"site":"{{site}}","seq":{{seq}},"time":"{{time}}","type":"auth_failed","source_ip":"{{address}}","user":"bob","user_exists":true,"method":"password","raw":"raw"}""";

    private static T Read<T>(JsonElement answer) => answer.Deserialize<T>(SignalboxJson.Options)!;

    private static async Task<IReadOnlyList<JsonElement>> AskAsync(AlertData data, params IReadOnlyList<ToolRequest> calls)
    {
        var analyst = new Calls(calls);
        await using var world = await ResponseWorld.StartAsync(data, analyst: analyst);
        await world.HandleAsync(data.Alerts[0]);
        return analyst.Answers;
    }

    /// <summary>Makes its calls in one reply, remembers the answers, and closes the alert.</summary>
    private sealed class Calls(IReadOnlyList<ToolRequest> calls) : IChatClient
    {
        public IReadOnlyList<AIFunctionDeclaration> Tools { get; private set; } = [];

        public IReadOnlyList<JsonElement> Answers { get; private set; } = [];

        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            Tools = [.. options!.Tools!.Cast<AIFunctionDeclaration>()];
            var results = messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>().ToList();
            var isFirst = calls.Count > 0 && results.Count == 0;
            if (!isFirst && Answers.Count == 0)
            {
                Answers = [.. results.Select(result => (JsonElement)result.Result!)];
            }

            IReadOnlyList<AIContent> contents = isFirst
                ? [.. calls.Select((call, index) => call.ToContent($"call-{index}"))]
                : [new TextContent("""{"decision":"close","confidence":0.8,"reasons":["Seen."]}""")];
            return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, [.. contents])) { ModelId = "calls", FinishReason = isFirst ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop });
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
