using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Tests;

public sealed class Erasing_and_masking : IDisposable
{
    private const string Key = "sk-ant-api03-abcdefghijklmnopqrstuvwx";
    private const string Canary = "canary-5517";

    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    private Task<TestStore> TwoRunsAsync() => _store.WriteAsync(async journals =>
    {
        var first = await journals.StartAsync("r-one1", "front " + Canary, ("who", Canary));
        await journals.AppendAsync(first, EntryKinds.StepCompleted, new StepCompleted(null, Journals.Json($$"""{"seen":"{{Canary}}"}"""), 5), step: "look/-/1", cause: Canary);
        await journals.CompleteAsync(first);
        var second = await journals.StartAsync("r-two1");
        await journals.EnterAsync(second, "Start", "Ask", "nobody knows", 2);
        await journals.AskAsync(second);
    });

    private Task<TestStore> SecretsAsync() => _store.WriteAsync(async journals =>
    {
        File.WriteAllText(_store.Path + ".redaction.json", """{"members":["iban"]}""");
        var run = await journals.StartAsync("r-one1", "k " + Key, ("token", Canary));
        var large = Payload.Of(System.Text.Encoding.UTF8.GetBytes($$"""{"iban":"{{Canary}}","note":"{{Key}}","text":"{{new string('x', 5_000)}}"}"""));
        await journals.AppendAsync(
            run, EntryKinds.StepCompleted, new StepCompleted(Journals.Json($$"""{"password":"{{Canary}}","ip":"192.0.2.7"}"""), RawJson.To(large.Hash), 5), step: "look/-/1", cause: "with " + Key, payloads: large);
        await journals.AppendAsync(run, EntryKinds.SignalReceived, new SignalReceived("go", Journals.Json($$"""{"iban":"{{Canary}}"}""")));
        await journals.AskForAsync(run, $$"""{"iban":"{{Canary}}","ip":"192.0.2.7"}""");
        var failed = await journals.StartAsync("r-two1");
        await journals.FailAsync(failed, reason: "refused: " + Key);
    });

    [Fact]
    public async Task Erases_a_run_and_says_so_wherever_it_is_shown()
    {
        await TwoRunsAsync();

        var outcome = await _store.RunAsync("erase", "one1", "--reason", "she asked for it");

        Assert.Equal(
            """
            What run 'r-one1' was about is erased: 5 bodies of 6 entries. That it ran, through which states and by whom, stays.
            1 run erased.

            """,
            outcome.Output);
        Assert.Equal((0, ""), (outcome.Exit, outcome.Error));
        var show = (await _store.RunAsync("show", "one1")).Output;
        Assert.Contains("status    Completed, erased", show, StringComparison.Ordinal);
        Assert.Contains(": she asked for it", show, StringComparison.Ordinal);
        Assert.Contains("step.completed look (erased)", show, StringComparison.Ordinal);
        foreach (var args in new[] { new[] { "show", "one1", "--full" }, ["show", "one1", "--json"], ["runs", "--json"], ["actions"], ["costs"], ["export"], ["export", "--unmasked"], ["claims"] })
        {
            var shown = await _store.RunAsync(args);
            Assert.True(shown.Exit == 0, $"{string.Join(' ', args)}: {shown.Error}");
            Assert.DoesNotContain(Canary, shown.Output + shown.Error, StringComparison.Ordinal);
        }

        var check = await _store.RunAsync("check");
        Assert.Equal(0, check.Exit);
        Assert.Contains("erased    ok: of 1 erased run what is left is what was left when it was erased", check.Output, StringComparison.Ordinal);
        Assert.Empty(Signalbox.HistoryChecker.HistoryCheck.Run((await _store.RunAsync("export")).Lines));
    }

    [Theory]
    [InlineData("UPDATE entries SET state = 'Ask' WHERE run = 1 AND seq = 3")]
    [InlineData("UPDATE entries SET digest = zeroblob(32) WHERE run = 1 AND seq = 0")]
    [InlineData("UPDATE entries SET cause = 'because' WHERE run = 1 AND seq = 2")]
    [InlineData("UPDATE runs SET key = 'mine' WHERE id = 1")]
    [InlineData("UPDATE runs SET erased = 0 WHERE id = 1")]
    public async Task Finds_what_was_altered_of_an_erased_run(string tampering)
    {
        await TwoRunsAsync();
        Assert.Equal(0, (await _store.RunAsync("erase", "one1", "--reason", "she asked for it")).Exit);
        _store.Tamper(tampering);

        var check = await _store.RunAsync("check", "--json");

        Assert.Equal(1, check.Exit);
        Assert.Contains(check.Lines, l => l.Contains("erasure_broken", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Erases_what_ended_long_enough_ago_and_tells_before()
    {
        await TwoRunsAsync();
        Assert.Equal("0 runs would be erased; none was.\n", (await _store.RunAsync("erase", "--older-than", "90d", "--dry-run")).Output);
        _store.Clock.Advance(TimeSpan.FromDays(100));
        Assert.Equal("Run r-one1 would be", (await _store.RunAsync("erase", "--older-than", "90d", "--dry-run")).Output.Replace("would be erased: Run r-one1 is", "Run r-one1 would be", StringComparison.Ordinal)[..19]);
        Assert.Equal("0 runs erased.\n", (await _store.RunAsync("erase", "--older-than", "90d", "--workflow", "other")).Output);
        Assert.EndsWith("1 run erased.\n", (await _store.RunAsync("erase", "--older-than", "90d")).Output, StringComparison.Ordinal);
        Assert.True((await _store.FindAsync(new RunId("r-one1"))).Row.IsErased);
        Assert.False((await _store.FindAsync(new RunId("r-two1"))).Row.IsErased);
    }

    [Fact]
    public async Task Refuses_what_is_not_to_be_erased()
    {
        await TwoRunsAsync();
        var open = await _store.RunAsync("erase", "two1", "--reason", "why");
        Assert.Equal((1, true), (open.Exit, open.Output.StartsWith("run_not_ended: ", StringComparison.Ordinal)));
        Assert.Equal(2, (await _store.RunAsync("erase")).Exit);
        Assert.Equal(2, (await _store.RunAsync("erase", "one1")).Exit);
        Assert.Equal(2, (await _store.RunAsync("erase", "one1", "--older-than", "1d", "--reason", "why")).Exit);
    }

    [Fact]
    public async Task Shows_no_secret_by_any_command()
    {
        await SecretsAsync();

        foreach (var args in new[]
        {
            new[] { "runs" }, ["runs", "--json"], ["show", "one1"], ["show", "one1", "--full"], ["show", "one1", "--json", "--full"], ["show", "two1"], ["show", "two1", "--json"], ["actions"], ["actions", "--json"],
            ["approvals"], ["approvals", "--json"], ["approvals", "one1"], ["approvals", "one1", "--json"], ["claims"], ["costs"], ["export"], ["check"], ["definition", "door"],
        })
        {
            var shown = await _store.RunAsync(args);
            Assert.True(shown.Exit == 0, $"{string.Join(' ', args)}: {shown.Error}");
            Assert.False((shown.Output + shown.Error).Contains(Canary, StringComparison.Ordinal), $"{string.Join(' ', args)} shows a marked member.");
            Assert.False((shown.Output + shown.Error).Contains(Key, StringComparison.Ordinal), $"{string.Join(' ', args)} shows a key.");
        }

        var card = (await _store.RunAsync("approvals", "one1")).Output;
        Assert.Contains("SOME OF IT IS MASKED", card, StringComparison.Ordinal);
        Assert.DoesNotContain("somebody has altered them", card, StringComparison.Ordinal);
        var whole = await _store.RunAsync("export", "--unmasked");
        Assert.True(whole.Output.Contains(Canary, StringComparison.Ordinal) && whole.Output.Contains(Key, StringComparison.Ordinal)); // or the test would prove nothing
        Assert.Contains("masked in part", (await _store.RunAsync("export")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_nothing_where_nobody_knows_what_is_masked()
    {
        await SecretsAsync();
        File.WriteAllText(_store.Path + ".redaction.json", """{"members":["iban"],"patterns":["("]}""");

        var outcome = await _store.RunAsync("show", "one1");

        Assert.Equal((2, ""), (outcome.Exit, outcome.Output));
        Assert.StartsWith("redaction_unusable: ", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Copies_a_store_and_checks_the_copy()
    {
        await TwoRunsAsync();
        var outcome = await _store.RunAsync("backup", _store.File("copy"));
        Assert.Equal((0, ""), (outcome.Exit, outcome.Error));
        Assert.Equal("Copied 12 entries of 2 runs with 1 payload to 'FOLDER/copy'.\nThe copy was checked and has no fault.\n", outcome.Output);
        var again = await _store.RunAsync("backup", _store.File("copy"));
        Assert.Equal((2, true), (again.Exit, again.Error.StartsWith("backup_exists: ", StringComparison.Ordinal)));
        var json = JsonDocument.Parse((await _store.RunAsync("backup", _store.File("copy-2"), "--json")).Lines[^1]).RootElement;
        Assert.Equal((12, 2, 0), (json.GetProperty("lastPosition").GetInt64(), json.GetProperty("runs").GetInt64(), json.GetProperty("faults").GetInt64()));
    }
}
