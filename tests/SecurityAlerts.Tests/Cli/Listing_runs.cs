using System.Text.Json;
using Signalbox.CommandLine.Rendering;

namespace Signalbox.CommandLine.Tests;

public sealed class Listing_runs : IDisposable
{
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    private Task<TestStore> FourRunsAsync() => _store.WriteAsync(async journals =>
    {
        await journals.CompleteAsync(await journals.StartAsync("r-aaaa1", "first"));
        await journals.FailAsync(await journals.StartAsync("r-aaaa2", null, ("source", "ssh"), ("severity", "high")));
        await journals.HoldAsync(await journals.StartAsync("r-bbbb1", null, ("source", "ssh")));
        var asking = await journals.StartAsync("r-bbbb2", "last");
        await journals.EnterAsync(asking, "Start", "Ask", "nobody knows", 2);
        await journals.AskAsync(asking);
    });

    [Fact]
    public async Task Shows_the_newest_first_with_what_a_person_looks_for()
    {
        await FourRunsAsync();
        _store.Clock.Advance(TimeSpan.FromMinutes(5));

        var outcome = await _store.RunAsync("runs");

        Assert.Equal(
            """
            RUN      WORKFLOW  STATE  STATUS                 AGE  KEY, LABELS
            r-bbbb2  door v2   Ask    Waiting, asks          5m   last
            r-bbbb1  door v2   Start  Held quarantined       5m   source=ssh
            r-aaaa2  door v2   Start  Failed handler_failed  5m   severity=high source=ssh
            r-aaaa1  door v2   Done   Completed              5m   first

            """,
            outcome.Output);
        Assert.Equal((0, ""), (outcome.Exit, outcome.Error));
    }

    [Theory]
    [InlineData("r-aaaa2", "--status", "failed")]
    [InlineData("r-bbbb1 r-aaaa2", "--status", "failed", "--status", "Held")]
    [InlineData("r-bbbb2", "--state", "Ask")]
    [InlineData("r-bbbb2", "--asks")]
    [InlineData("r-aaaa2", "--label", "source=ssh", "--label", "severity=high")]
    [InlineData("", "--workflow", "window")]
    [InlineData("r-bbbb1 r-aaaa2 r-aaaa1", "--after", "r-bbbb2")]
    [InlineData("r-bbbb2 r-bbbb1", "--since", "2026-01-01T00:00:05Z")]
    [InlineData("r-aaaa1", "--until", "2026-01-01T00:00:03Z")]
    [InlineData("r-bbbb2", "--changed-since", "2026-01-01T00:00:08Z")]
    [InlineData("", "--cost-min", "0.01")]
    [InlineData("r-bbbb2 r-bbbb1 r-aaaa2 r-aaaa1", "--cost-min", "0")]
    [InlineData("", "--since", "1s")]
    [InlineData("r-bbbb2 r-bbbb1 r-aaaa2 r-aaaa1", "--since", "2h")]
    public async Task Filters(string expected, params string[] args)
    {
        await FourRunsAsync();
        _store.Clock.Advance(TimeSpan.FromMinutes(5));

        var outcome = await _store.RunAsync(["runs", "--json", .. args]);

        Assert.Equal(expected, string.Join(' ', outcome.Lines.Select(l => JsonDocument.Parse(l).RootElement.GetProperty("run").GetString())));
        Assert.Equal(0, outcome.Exit);
    }

    [Fact]
    public async Task Says_what_no_run_fits()
    {
        await FourRunsAsync();

        var outcome = await _store.RunAsync("runs", "--workflow", "window");

        Assert.Equal((0, "", "The store 'FOLDER/signalbox.db' has no such run.\n"), (outcome.Exit, outcome.Output, outcome.Error));
    }

    [Fact]
    public async Task Says_how_to_go_on_where_there_are_more()
    {
        await FourRunsAsync();

        var outcome = await _store.RunAsync("runs", "--limit", "2");

        Assert.Equal(3, outcome.Lines.Length);
        Assert.Equal("There are more. The next ones: the same command with --after r-bbbb1\n", outcome.Error);
    }

    [Fact]
    public async Task Shows_the_questions_of_those_that_ask()
    {
        await FourRunsAsync();

        Assert.Equal("  Open the door? [yes | no]", (await _store.RunAsync("runs", "--asks")).Lines[^1]);
    }

    [Fact]
    public async Task Writes_a_stable_shape_for_programs()
    {
        await FourRunsAsync();

        var outcome = await _store.RunAsync("runs", "--json", "--asks");

        Assert.Equal(
            """{"run":"r-bbbb2","workflow":"door","version":2,"fingerprint":"FINGERPRINT","status":"Waiting","state":"Ask","visit":2,"key":"last","labels":{},"epoch":1,"cancelRequested":false,"startedAt":"2026-01-01T00:00:07.000000Z","changedAt":"2026-01-01T00:00:11.000000Z","seq":5,"waits":[{"kind":"approval","scope":"","step":"approval/-/1","seq":4}],"mailbox":[]}"""
                .Replace("FINGERPRINT", Journals.Door.Fingerprint, StringComparison.Ordinal),
            Assert.Single(outcome.Lines));
    }

    [Fact]
    public async Task Keeps_lines_within_the_width()
    {
        await _store.WriteAsync(async journals =>
        {
            for (var i = 0; i < 3; i++)
            {
                await journals.FailAsync(await journals.StartAsync($"r-{i}", new string('k', 80) + i, ("label", new string('界', 40))));
            }
        });

        foreach (var width in new[] { 100, 60 })
        {
            var outcome = await _store.RunAsync(new Surface { Clock = _store.Clock, Width = width }, "runs");
            Assert.All(outcome.Lines, line => Assert.InRange(TextWidth.Of(line), 1, width));
            Assert.EndsWith("…", outcome.Lines[1], StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Colours_a_terminal_and_nothing_else()
    {
        await FourRunsAsync();

        var plain = await _store.RunAsync("runs");
        var coloured = await _store.RunAsync(new Surface { Clock = _store.Clock, IsTerminal = true, HasColours = true }, "runs");

        Assert.DoesNotContain('\u001b', plain.Output);
        Assert.Contains("\u001b[91mFailed handler_failed", coloured.Output, StringComparison.Ordinal);
        Assert.Equal(plain.Output, System.Text.RegularExpressions.Regex.Replace(coloured.Output, "\u001b\\[[0-9;]*m", ""));
    }
}
