using Signalbox.Journal;
using Signalbox.Queries;
using Xunit;

namespace Signalbox.Tests.Queries;

public sealed class What_models_were_asked
{
    [Fact]
    public async Task Is_told_word_for_word_one_conversation_for_each_tier()
    {
        await using var bench = await ViewWorld.AnalystAsync();
        var conversations = await bench.Queries().ConversationsAsync(bench.Run, null, default);

        Assert.Equal(["judge/fast judge fast", "judge/strong judge strong"], conversations.Select(c => $"{c.Scope} {c.Agent} {c.Tier}"));
        var fast = conversations[0].Messages;
        Assert.Equal(
            [
                "1 system You judge addresses.",
                "1 user 192.0.2.7",
                "1 assistant ",
                "2 assistant ",
                "3 assistant I think it is bad.",
                "4 user Your answer does not fit: ",
                """4 assistant {"decision":"block","confidence":0.6,"reasons":["because"]}""",
            ],
            fast.Where(m => m.Tool is null).Select(m => ViewWorld.Text($"{m.Turn} {m.Role} {(m.Text.StartsWith("Your answer does not fit: ", StringComparison.Ordinal) ? "Your answer does not fit: " : m.Text)}")));
        Assert.Equal(
            ["1 whois c1 unknown_tool", """2 logins c3 1 logins from 192.0.2.7""", """2 threats c2 {"error":"timed_out","reason":"timed out after 2 s"}"""],
            fast.Where(m => m.Tool is not null).Select(m => ViewWorld.Text($"{m.Turn} {m.Tool} {m.CallId} {m.Rejected ?? m.Text}")));
        Assert.All(fast.Where(m => m.Tool is not null), m => Assert.Equal(("tool", """{"address":"192.0.2.7"}"""), (m.Role, m.Arguments.ToString())));
        Assert.Equal(["scripted-1 tool_calls", "scripted-1 tool_calls", "scripted-1 stop", "scripted-1 stop"], fast.Where(m => m.FinishReason is not null).Select(m => $"{m.Model} {m.FinishReason}"));
        Assert.Contains("\"functionCall\"", fast[2].Content.ToString(), StringComparison.Ordinal);
        Assert.Contains("\"opinions\":[", conversations[1].Messages[2].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Comes_with_what_the_agent_worked_under()
    {
        await using var bench = await ViewWorld.AnalystAsync();
        var conversations = await bench.Queries().ConversationsAsync(bench.Run, null, default);

        Assert.All(conversations, c => Assert.Contains("\"name\":\"threats\"", c.Configuration.ToString(), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("judge/strong", 1)]
    [InlineData("judge", 2)]
    [InlineData("judge/str", 0)]
    [InlineData("", 0)]
    public async Task Is_found_by_its_scope_and_by_one_around_it(string scope, int conversations)
    {
        await using var bench = await ViewWorld.AnalystAsync();

        Assert.Equal(conversations, (await bench.Queries().ConversationsAsync(bench.Run, scope, default)).Count);
    }

    [Fact]
    public async Task Says_what_of_it_is_missing()
    {
        await using var bench = await ViewWorld.AnalystAsync();
        var gone = Body.Read<StepCompleted>((await bench.EntriesAsync(EntryKinds.StepCompleted))[0]).Model!.Messages[0];
        var queries = new RunQueries(new TamperedStore(bench.Harness.Store, gone), bench.Harness.Clock);

        var message = (await queries.ConversationsAsync(bench.Run, "judge/fast", default))[0].Messages[0];

        Assert.Equal(($"payload {gone} is missing or altered", $$"""{"$payload":"{{gone}}","missing":true}"""), (message.Fault, message.Content.ToString()));
    }
}
