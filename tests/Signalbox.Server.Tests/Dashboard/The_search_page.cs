using System.Net;
using Signalbox.Queries;
using Signalbox.Search;

namespace Signalbox.Server.Tests.Dashboard;

/// <summary>An index that remembers what it was asked, and answers as a test wants.</summary>
internal sealed class FakeIndex : ISearchIndex
{
    public List<SearchQuery> Asked { get; } = [];

    public Func<SearchQuery, SearchPage> Answer { get; set; } = _ => new([], null, new(10, 10, TimeSpan.Zero, true, 1000));

    public IndexStatus Status { get; set; } = new(10, 10, TimeSpan.Zero, true, 1000);

    public ValueTask<SearchPage> SearchAsync(SearchQuery query, CancellationToken cancellationToken)
    {
        Asked.Add(query);
        return ValueTask.FromResult(Answer(query));
    }

    public ValueTask<IndexStatus> StatusAsync(CancellationToken cancellationToken) => ValueTask.FromResult(Status);

    public ValueTask<Statistics> StatisticsAsync(StatisticsQuery query, CancellationToken cancellationToken) => throw new NotSupportedException();
}

public sealed class The_search_page
{
    private static SearchHit Hit(params ContextPiece[] context) => new(7, new RunId("r-1"), 3, 1_767_225_600_000_000, "desk", "tool.rejected", "Look", 1, "", "whois", "agent:judge", context);

    [Fact]
    public async Task Teaches_how_to_search_where_nothing_is_asked()
    {
        var index = new FakeIndex { Status = new(7, 10, TimeSpan.FromSeconds(4), true, 1000) };
        await using var world = await AskingWorld.StartAsync(index);
        using var vera = await world.LogInAsync("vera", "viewer");

        var page = await Asked.OfAsync(vera, "/search");

        Assert.Contains("How to search", page.Text, StringComparison.Ordinal);
        Assert.Contains("\"brute force\"", page.Text, StringComparison.Ordinal);
        Assert.Contains($"The index is {Server.Dashboard.Frame.Shown.Duration(4_000_000)} behind the log: it lacks the newest 3 entries.", page.Text, StringComparison.Ordinal);
        Assert.Empty(index.Asked);
    }

    [Fact]
    public async Task Hands_every_filter_to_the_index()
    {
        var index = new FakeIndex();
        await using var world = await AskingWorld.StartAsync(index);
        using var vera = await world.LogInAsync("vera", "viewer");

        var page = await Asked.OfAsync(vera, "/search?q=brute+force&workflow=desk&state=Look&kind=tool.*,step.failed&agent=judge&tier=fast&code=timed_out&run=r-1&label=site%3Dnorth,kind%3Da%3Db&since=2026-01-02T03:04&until=2026-01-03T00:00&order=rank&after=c");

        Assert.Equal(HttpStatusCode.OK, page.Status);
        var asked = Assert.Single(index.Asked);
        Assert.Equal(("brute force", "desk", "Look", "judge", "fast", "timed_out", "r-1", "c", true), (asked.Text, asked.Workflow, asked.State, asked.Agent, asked.Tier, asked.Code, asked.Run!.Value.Value, asked.After, asked.ByRank));
        Assert.Equal(["tool.*", "step.failed"], asked.Kinds);
        Assert.Equal(new Dictionary<string, string> { ["site"] = "north", ["kind"] = "a=b" }, asked.Labels);
        Assert.Equal((new DateTimeOffset(2026, 1, 2, 3, 4, 0, TimeSpan.Zero), new DateTimeOffset(2026, 1, 3, 0, 0, 0, TimeSpan.Zero)), (asked.Since, asked.Until));
        Assert.Contains("Nothing was found beyond that page.", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_hits_with_what_was_found_marked_and_leads_to_the_entry_and_the_next_page()
    {
        var index = new FakeIndex { Answer = _ => new([Hit(new("before <b>", false), new("<i>it</i>\u202E", true), new(" after", false))], "next/+1", new(10, 10, TimeSpan.Zero, true, 1000)) };
        await using var world = await AskingWorld.StartAsync(index);
        using var vera = await world.LogInAsync("vera", "viewer");

        var page = await Asked.OfAsync(vera, "/search?q=it&state=Look");

        Assert.Contains("<mark>&lt;i&gt;it&lt;/i&gt;\\u202e</mark>", page.Page, StringComparison.Ordinal);
        Assert.Contains("before <b>", page.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("<b>", page.Page, StringComparison.Ordinal);
        Assert.Contains("href=\"/runs/r-1/entries/3\"", page.Page, StringComparison.Ordinal);
        Assert.Contains("href=\"/search?q=it&amp;state=Look&amp;after=next%2F%2B1\"", page.Page, StringComparison.Ordinal);
        Assert.Contains("The index has every entry of the log.", page.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("q=%22open", "q", "The phrase is not closed <here>.")]
    [InlineData("label=north", "label", "A label is written name=value; several are parted by commas.")]
    [InlineData("since=yesterday", "since", "A time is written 2026-01-31T13:45, in UTC.")]
    public async Task Says_beside_the_field_what_is_wrong_with_it(string query, string field, string words)
    {
        var index = new FakeIndex { Answer = _ => throw new SearchQueryException("The phrase is not closed <here>.") };
        await using var world = await AskingWorld.StartAsync(index);
        using var vera = await world.LogInAsync("vera", "viewer");

        var page = await Asked.OfAsync(vera, "/search?" + query);

        Assert.Equal(HttpStatusCode.BadRequest, page.Status);
        Assert.Contains(words, page.Text, StringComparison.Ordinal);
        Assert.Matches($"name=\"{field}\"[^>]*aria-invalid=\"true\" aria-describedby=\"fault-{field}\"", page.Page);
        Assert.Contains($"id=\"fault-{field}\"", page.Page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<script>alert(1)</script>")]
    [InlineData("\"><img src=x>")]
    [InlineData("\u202Eabc\u001b[2J")]
    public async Task Shows_what_was_typed_as_text(string typed)
    {
        await using var world = await AskingWorld.StartAsync(new FakeIndex());
        using var vera = await world.LogInAsync("vera", "viewer");

        var page = await Asked.OfAsync(vera, "/search?q=" + Uri.EscapeDataString(typed));

        Assert.DoesNotContain("<script>alert", page.Page, StringComparison.Ordinal);
        Assert.DoesNotContain("<img", page.Page, StringComparison.Ordinal);
        Assert.Contains($"value=\"{System.Text.Encodings.Web.HtmlEncoder.Default.Encode(typed)}\"", page.Page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_that_there_is_no_index()
    {
        await using var world = await AskingWorld.StartAsync();
        using var vera = await world.LogInAsync("vera", "viewer");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await Asked.OfAsync(vera, "/search?q=x")).Status);
        Assert.Contains("This store has no search index.", (await Asked.OfAsync(vera, "/search")).Text, StringComparison.Ordinal);
    }
}
