using System.Text.Json;
using Signalbox.Providers.Tests.Wire;

namespace SecurityAlerts.Tests;

/// <summary>The command with a model behind a server, as its user meets it: everything between the command line and the wire is real.</summary>
public sealed class A_real_model
{
    private const string Key = "sk-secret-0123456789";
    private const string Block = """{"decision":"block_ip","confidence":0.9,"reasons":["It stands on a block list."]}""";

    [Fact]
    public async Task Is_asked_again_through_all_its_troubles_until_it_decides()
    {
        using var world = new World().WithGoodData();
        await using var server = new ModelServer(
            WireReply.Failure(429, "rate_limit_exceeded", "Slow down.").With("retry-after", "0"),
            WireReply.Failure(429, "rate_limit_exceeded", "Slow down."),
            WireReply.Text(Block).CutAt(300),
            WireReply.ToolCall("firewall_block", """{"address":"192.0.2.7"}""", "call_1"),
            WireReply.Of(WireFinish.ToolCalls, new WireBlock.ToolCall("call_2", "threat_report", """{"address":"192.0.2.7"}"""), new WireBlock.ToolCall("call_3", "asset_report", "{}")),
            WireReply.Text(Block));

        var end = await RunAsync(world, server, "--model", "tiny-1");

        Assert.Equal((0, ""), (end.ExitCode, end.Errors));
        Assert.StartsWith($"tiny-1 at {server.Url}\n", end.Output, StringComparison.Ordinal);
        Assert.Contains("\n  fast                                         1\n", end.Output, StringComparison.Ordinal);
        Assert.Contains("\n  unknown tool                                 1\n", end.Output, StringComparison.Ordinal);
        Assert.Equal(["192.0.2.7"], The_command.Lines(world, "deny.list"));
        Assert.Equal("block_ip", Assert.Single(The_command.Decisions(world)).Decision);
        Assert.Equal(6, server.Requests.Count);
        Assert.All(server.Keys, key => Assert.Equal($"Bearer {Key}", key));
        Assert.All(server.Requests, request => Assert.Equal(AnalystTools.Names, request.GetProperty("tools").EnumerateArray().Select(tool => tool.GetProperty("function").GetProperty("name").GetString())));
        Assert.Contains("There is no tool 'firewall_block' here.", Said(server.Requests[4]), StringComparison.Ordinal);
        Assert.Contains("\"listed\":true", Said(server.Requests[5]), StringComparison.Ordinal);
        Assert.DoesNotContain(Key, end.Output + world.Read("decisions.jsonl"), StringComparison.Ordinal);
        foreach (var file in Directory.GetFiles(world.Folder, "signalbox.db*"))
        {
            Assert.Equal(-1, (await File.ReadAllBytesAsync(file)).AsSpan().IndexOf(System.Text.Encoding.ASCII.GetBytes(Key)));
        }
    }

    [Fact]
    public async Task Is_followed_by_the_strong_one_which_is_told_what_was_found()
    {
        using var world = new World().WithGoodData();
        await using var server = new ModelServer(
            WireReply.ToolCall("threat_report", """{"address":"192.0.2.7"}""", "call_1"),
            WireReply.Text("""{"decision":"block_ip","confidence":0.6,"reasons":["Perhaps."]}"""),
            WireReply.Text(Block));

        var end = await RunAsync(world, server, "--model", "tiny-1", "--strong-model", "large-1");

        Assert.StartsWith($"tiny-1, then large-1, at {server.Url}\n", end.Output, StringComparison.Ordinal);
        Assert.Equal(["tiny-1", "tiny-1", "large-1"], server.Requests.Select(request => request.GetProperty("model").GetString()));
        Assert.Contains("Perhaps.", Said(server.Requests[2]), StringComparison.Ordinal);
        Assert.Contains("\"listed\":true", Said(server.Requests[2]), StringComparison.Ordinal);
        Assert.Contains("\"decided_by\":\"strong\"", world.Read("decisions.jsonl"), StringComparison.Ordinal);
        Assert.Contains("\"model\":\"large-1\"", world.Read("decisions.jsonl"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_not_asked_when_it_may_cost_more_than_the_budget_has_left()
    {
        using var world = new World().WithGoodData();
        await using var server = new ModelServer(WireReply.Text("""{"decision":"block_ip","confidence":0.6,"reasons":["Perhaps."]}"""));

        var end = await RunAsync(world, server, "--model", "claude-haiku-5-5", "--strong-model", "claude-sonnet-5-5", "--budget", "money=0.05");

        Assert.Contains("\n  strong to person    budget                   1\n", end.Output, StringComparison.Ordinal);
        Assert.Matches("the run's budget does not suffice: 0\\.000[0-9]+ of 0\\.05 of its money is spent, and the next call may cost 0\\.06", string.Join(' ', end.Output.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)));
        Assert.Matches("\"model\":\"claude-haiku-5-5\",\"cost\":0\\.000[0-9]+}", world.Read("decisions.jsonl"));
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task That_gives_no_answer_leaves_the_alert_to_a_person()
    {
        using var world = new World().WithGoodData();
        await using var server = new ModelServer(
            WireReply.Failure(401, "invalid_api_key", $"Wrong key: {Key}"), WireReply.Failure(401, "invalid_api_key", $"Wrong key: {Key}"));

        var end = await RunAsync(world, server, "--model", "tiny-1");

        Assert.Equal(0, end.ExitCode);
        Assert.Contains("0 decided, 1 waiting for a person.", end.Output, StringComparison.Ordinal);
        Assert.Contains("\n  strong to person    model failure            1\n", end.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(Key, end.Output + end.Errors, StringComparison.Ordinal);
        Assert.Equal(2, server.Requests.Count);
    }

    private static async Task<SampleEnd> RunAsync(World world, ModelServer server, params string[] arguments)
    {
        await using var process = SampleProcess.Start(
            world, new Dictionary<string, string> { ["OPENAI_API_KEY"] = Key }, ["--data", ".", "--decisions", "decisions.jsonl", "--base-url", server.Url, .. arguments]);
        return await process.EndAsync();
    }

    /// <summary>All messages of a request, as plain text.</summary>
    private static string Said(JsonElement request) => System.Text.RegularExpressions.Regex.Unescape(request.GetProperty("messages").GetRawText());
}
