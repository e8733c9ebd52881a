using System.Text.Json;
using Signalbox.CommandLine.Rendering;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Tests;

public sealed class Searching_entries : IDisposable
{
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    private Task<TestStore> TalkAsync() => _store.WriteAsync(async journals =>
    {
        var first = await journals.StartAsync("r-first", labels: ("team", "blue"));
        await journals.AppendAsync(first, EntryKinds.StepCompleted, new StepCompleted(null, Journals.Json("\"login of root from 192.0.2.7 refused\""), 5), step: "logins/-/1", visit: 1);
        await journals.AppendAsync(first, EntryKinds.ToolRejected, new ToolRejected("analyst", "small", 1, "toolu_1", "wois", null, "unknown_tool", "There is no tool wois."), step: "wois/-/1", visit: 1);
        var second = await journals.StartAsync("r-second");
        await journals.AppendAsync(second, EntryKinds.StepFailed, new StepFailed("timed_out", "logins gave no answer", null, 5, 1), step: "logins/-/1", visit: 1);
    });

    [Fact]
    public async Task Hits_are_told_with_what_was_found_and_the_command_that_opens_them()
    {
        await TalkAsync();

        var found = await _store.RunAsync("search", "root", "192.0.2.7");

        Assert.Matches(
            """
            ^2026-01-01 00:00:[0-9]{2}Z  r-first  Start  step.completed  logins
                logins workflow:door login of »root« from »192.0.2.7« refused
                signalbox show r-first --entry 3 --store FOLDER/signalbox.db
            $
            """.ReplaceLineEndings("\n"),
            found.Output);
        Assert.Equal((0, ""), (found.Exit, found.Error));
    }

    [Fact]
    public async Task The_command_of_a_hit_opens_the_entry()
    {
        await TalkAsync();

        Assert.Contains("login of root from 192.0.2.7 refused", (await _store.RunAsync("show", "r-first", "--entry", "3")).Output, StringComparison.Ordinal);
        var json = JsonDocument.Parse((await _store.RunAsync("show", "r-first", "--entry", "3", "--json")).Output).RootElement;
        Assert.Equal("login of root from 192.0.2.7 refused", json.GetProperty("body").GetProperty("result").GetString());
        var none = await _store.RunAsync("show", "r-first", "--entry", "99");
        Assert.Equal((1, "entry_not_found: Run r-first has entries from 0 to 4; got 99.\n"), (none.Exit, none.Error));
    }

    [Fact]
    public async Task Filters_stand_alone_or_beside_words()
    {
        await TalkAsync();

        Assert.Equal(["step.failed", "step.completed"], await KindsAsync("logins"));
        Assert.Equal(["step.failed"], await KindsAsync("--code", "timed_out"));
        Assert.Equal(["tool.rejected"], await KindsAsync("--kind", "tool.*", "--agent", "analyst", "--tier", "small"));
        Assert.Equal(["step.completed"], await KindsAsync("logins", "--label", "team=blue"));
        Assert.Equal(["step.failed"], await KindsAsync("logins", "--run", "r-sec"));
        Assert.Equal(["step.failed"], await KindsAsync("logins -root"));
        Assert.Empty(await KindsAsync("logins", "--since", "2030-01-01"));
    }

    [Fact]
    public async Task Pages_follow_one_another()
    {
        await TalkAsync();

        var first = await _store.RunAsync("search", "logins", "--limit", "1");
        Assert.Contains("step.failed", first.Output, StringComparison.Ordinal);
        var place = first.Error.Trim().Split(' ')[^1];
        var second = await _store.RunAsync("search", "logins", "--limit", "1", "--after", place);
        Assert.Contains("step.completed", second.Output, StringComparison.Ordinal);
        Assert.Equal("", second.Error);
    }

    [Fact]
    public async Task What_is_no_query_is_refused_with_what_is_wrong()
    {
        await TalkAsync();

        var open = await _store.RunAsync("search", "\"root");
        Assert.Equal((2, "search_query: The quotation mark at character 1 has no second one. Close the phrase, or leave the mark out. Nothing was listed.\n"), (open.Exit, open.Error));
        var none = await _store.RunAsync("search", "-- ", "-root");
        Assert.Equal(2, none.Exit);
    }

    [Fact]
    public async Task The_status_says_how_far_the_index_is_and_a_rebuild_makes_it_anew()
    {
        await TalkAsync();

        Assert.Matches("^The index has all 9 entries; [0-9,]+ bytes; no program feeds it now, a search does: signalbox search TEXT --store FOLDER/signalbox.db\\.\n$", (await _store.RunAsync("search", "--status")).Output);
        await File.WriteAllTextAsync(_store.Path + "-index", "no index at all");
        Assert.Contains("r-first", (await _store.RunAsync("search", "root", "--rebuild")).Output, StringComparison.Ordinal);
        await File.WriteAllTextAsync(_store.Path + "-index", "no index at all, again, and longer than before");
        Assert.Contains("r-first", (await _store.RunAsync("search", "root")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hostile_text_is_shown_as_text()
    {
        await _store.WriteAsync(async journals =>
        {
            var run = await journals.StartAsync("r-bad");
            await journals.AppendAsync(run, EntryKinds.StepCompleted, new StepCompleted(null, Journals.Json("""" "bad \u001b[31m red \u202e evil \u0000 <script>" """".Trim()), 5), step: "look/-/1", visit: 1);
        });

        foreach (var args in new[] { new[] { "search", "evil" }, ["search", "evil", "--json"] })
        {
            var found = await _store.RunAsync(new Surface { Clock = _store.Clock, HasColours = false }, args);
            Assert.Contains("<script>", found.Output, StringComparison.Ordinal);
            Assert.DoesNotContain(found.Output, c => char.IsControl(c) && c != '\n');
            Assert.DoesNotContain('\u202e', found.Output);
        }
    }

    private async Task<string[]> KindsAsync(params string[] args)
    {
        var found = await _store.RunAsync(["search", .. args, "--json"]);
        Assert.Equal(0, found.Exit);
        return [.. found.Lines.Select(l => JsonDocument.Parse(l).RootElement.GetProperty("kind").GetString()!)];
    }
}
