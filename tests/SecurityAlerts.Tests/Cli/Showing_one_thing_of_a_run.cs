using System.Text.Json;
using System.Text.RegularExpressions;
using Signalbox.CommandLine.Rendering;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Tests;

public sealed partial class Showing_one_thing_of_a_run : IDisposable
{
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    private async Task<string> OnlyAsync(string run, string part) => Duration().Replace((await _store.RunAsync(new Surface { Clock = _store.Clock, Width = 160 }, "show", run, "--only", part)).Output, "T");

    [Fact]
    public async Task Has_every_transition_with_its_cause_and_how_long_it_stayed()
    {
        await _store.WriteAsync(async journals =>
        {
            var run = await journals.StartAsync("r-1");
            await journals.EnterAsync(run, "Start", "Ask", "somebody\u001b[31m rang", 2);
            await journals.AskAsync(run);
        });

        var shown = (await _store.RunAsync("show", "r-1", "--only", "visits")).Output;

        Assert.Equal(
            """
               1  Start, visit 1, 2026-01-01 00:00:00Z, 2.0 s
                  because: the run starts (client:test)
               3  Start > Ask, visit 2, 2026-01-01 00:00:02Z, 2.0 s so far
                  because: somebody\u001B[31m rang (workflow:door)

            """,
            shown);
        var json = (await _store.RunAsync("show", "r-1", "--only", "visits", "--json")).Lines.Select(l => JsonDocument.Parse(l).RootElement).ToArray();
        Assert.Equal(["2026-01-01T00:00:00.000000Z", "2026-01-01T00:00:02.000000Z"], json.Select(v => v.GetProperty("enteredAt").GetString()));
        Assert.False(json[1].TryGetProperty("leftAt", out _));
        Assert.Equal("Start", json[1].GetProperty("from").GetString());
    }

    [Fact]
    public async Task Finds_what_an_agent_did()
    {
        string run;
        await using (var host = await AnalystHost.StartAsync(_store.Path))
        {
            run = (await host.StartRunAsync("192.0.2.7")).Value;
        }

        Assert.Contains("whois(ip: 192.0.2.7, deep: true) of analyst/fast turn 1: REJECTED (unknown_tool)\n      it was told: There is no tool 'whois' here.", await OnlyAsync(run, "tools"), StringComparison.Ordinal);
        Assert.Contains("threat_feed(ip: 192.0.2.7, days: 30) of analyst/strong turn 1: FAILED (failed, T)\n      IOException: the feed answers 503\n", await OnlyAsync(run, "tools"), StringComparison.Ordinal);
        Assert.Contains("analyst/strong turn 2 claude-sonnet-5-5: ", await OnlyAsync(run, "models"), StringComparison.Ordinal);
        Assert.Contains("block of analyst/fast (claude-haiku-5-5): confidence 0.60, does not stand\n", await OnlyAsync(run, "decisions"), StringComparison.Ordinal);
        Assert.Contains("      judged wrong by ", await OnlyAsync(run, "decisions"), StringComparison.Ordinal);
        Assert.Matches(@"analyst: strong > a person \(missing_evidence\), .*\n      because: confidence 0.90 is capped", await OnlyAsync(run, "escalations"));
        Assert.Matches("AGENT +TIER +MODEL +COST", await OnlyAsync(run, "costs"));
        Assert.Contains("Block 192.0.2.7?", await OnlyAsync(run, "approvals"), StringComparison.Ordinal);
        foreach (var part in new[] { "tools", "models", "decisions", "escalations", "costs", "approvals" })
        {
            Assert.All((await _store.RunAsync("show", run, "--only", part, "--json")).Lines, l => JsonDocument.Parse(l));
        }

        var none = await _store.RunAsync("show", run, "--only", "children");
        Assert.Equal((0, "", $"Run '{run}' has no children.\n"), (none.Exit, none.Output, none.Error));
    }

    [Fact]
    public async Task Finds_who_approved_what_and_what_stands_how()
    {
        await _store.WriteAsync(async journals =>
        {
            var run = await journals.StartAsync("r-1");
            var proposed = await journals.AskForAsync(run);
            await journals.AppendAsync(run, EntryKinds.ApprovalIgnored, new ApprovalAnswered("approve", null, ["guest"]), visit: 1, step: "block/-/1", actor: "person:bob", cause: "person:bob has no role");
            await journals.AppendAsync(run, EntryKinds.ApprovalAnswered, new ApprovalAnswered("approve", "I looked", ["approver"], proposed.ArgumentsHash), visit: 1, step: "block/-/1", actor: "person:anna");
            await journals.AppendAsync(run, EntryKinds.ActionIntended, new ActionIntended(proposed.ActionId, "block", proposed.Arguments, proposed.ArgumentsHash, "T3", Approval: 5), step: "block/-/1");
            await journals.AppendAsync(run, EntryKinds.ActionNotApplied, new ActionObserved(proposed.ActionId, "block", "no route", "it is not in the set"), step: "block/-/1");
            await journals.StartAsync("r-2");
        });

        var approvals = await OnlyAsync("r-1", "approvals");
        Assert.Contains("block, 2026-01-01 00:00:04Z: approve after T\n      Do 'block'?\n", approvals, StringComparison.Ordinal);
        Assert.Contains("      2026-01-01 00:00:06Z person:bob (guest): approve\n      changed nothing: person:bob has no role\n", approvals, StringComparison.Ordinal);
        Assert.Contains("person:anna (approver): approve, \"I looked\"\n", approvals, StringComparison.Ordinal);
        Assert.StartsWith("block not applied  run r-1, Start", await OnlyAsync("r-1", "actions"), StringComparison.Ordinal);
        Assert.StartsWith("block not applied  run r-1, Start", (await _store.RunAsync("actions", "--action-status", "not_applied")).Output, StringComparison.Ordinal);
        Assert.Contains("\"status\":\"not_applied\"", (await _store.RunAsync("actions", "--action-status", "not applied,unverified", "--json")).Output, StringComparison.Ordinal);
        Assert.Contains("has no such action", (await _store.RunAsync("actions", "--action-status", "verified")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_what_it_could_not_read()
    {
        await _store.WriteAsync(async journals =>
        {
            var run = await journals.StartAsync("r-1");
            await journals.AppendAsync(run, EntryKinds.StepFailed, new StepFailed("timed_out", "timed out after 2 s", null, 2_000_000, 1, "evidence"), step: "logins/-/1");
            await journals.AppendAsync(run, EntryKinds.StepFailed, new StepFailed("timed_out", "timed out after 2 s", null, 2_000_000, 1, "evidence"), step: "threats/-/1");
        });
        _store.Tamper("UPDATE entries SET body = '{' WHERE seq = 3");

        var shown = await _store.RunAsync("show", "r-1", "--only", "evidence");

        Assert.Equal("   4  threats(): MISSING (timed_out, 2.0 s)\n      timed out after 2 s\n", shown.Output);
        Assert.StartsWith("1 entry of it cannot be read, and may be missing here: 3. See: signalbox check r-1", shown.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("show", "r-1", "--only", "weather", "--only wants one of visits, evidence, models, tools, decisions, escalations, actions, approvals, costs, children; got 'weather'. Nothing was shown.\n")]
    [InlineData("runs", "--asks", "--cost-min=-1", "--json", "{\"code\":\"wrong_use\",\"message\":\"--cost-min wants an amount of money that is not negative, such as 0.05; got -1. Nothing was listed.\"}\n")]
    [InlineData("actions", "r-1", "--action-status", "done", "--action-status wants one of probed, proposed, asks, approved, rejected, queued, intended, executed, verified, not_applied, diverged, unverified, refused, unknown, undone, undo_unverified, withdrawn; got 'done'. Nothing was listed.\n")]
    public async Task Is_refused_where_there_is_no_such_thing(string command, string run, string option, string value, string error)
    {
        await _store.WriteAsync(async journals => await journals.StartAsync("r-1"));

        var outcome = await _store.RunAsync(command, run, option, value);

        Assert.Equal((2, error), (outcome.Exit, outcome.Error));
    }

    [GeneratedRegex(@"\b[\d.]+ m?s\b")]
    private static partial Regex Duration();
}
