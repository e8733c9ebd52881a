using System.Net;
using System.Text.RegularExpressions;

namespace Signalbox.Server.Tests.Dashboard;

public sealed class The_list_of_runs : IAsyncLifetime
{
    private AskingWorld _world = null!;
    private Browser _viewer = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await AskingWorld.StartAsync(prefix: "/ops/agents");
        _viewer = await _world.LogInAsync("vera", ServerRoles.Viewer);
    }

    public async ValueTask DisposeAsync()
    {
        _viewer.Dispose();
        await _world.DisposeAsync();
    }

    [Fact]
    public async Task Says_that_there_are_none() => Assert.Contains("There are no runs yet.", await _viewer.PageAsync("/ops/agents/"), StringComparison.Ordinal);

    [Fact]
    public async Task Shows_what_its_filters_ask_for()
    {
        var asking = await _world.AskAsync(new Errand(Question: "Close it?"), labels: new Dictionary<string, string> { ["site"] = "lab" }, key: "ticket-4711");
        var acting = await _world.AskAsync(new Errand("bob", Opposite: true));

        Assert.Equal([acting, asking], await RunsAsync(""));
        Assert.Equal([asking], await RunsAsync("?asks=1"));
        Assert.Equal([asking], await RunsAsync("?label=site%3Dlab"));
        Assert.Equal([asking], await RunsAsync("?status=Waiting"));
        Assert.Equal([asking], await RunsAsync("?status=open"));
        Assert.Equal([asking], await RunsAsync("?state=Ask&workflow=desk&within=1h"));
        Assert.Equal([acting], await RunsAsync($"?id={acting}"));
        Assert.Equal([asking], await RunsAsync("?id=ticket-4711"));
        Assert.Equal([], await RunsAsync("?id=ticket"));
        Assert.Equal([], await RunsAsync("?until=2001-01-01T00:00"));
        Assert.Equal([], await RunsAsync("?workflow=other"));
    }

    [Fact]
    public async Task Names_a_run_by_its_key_too_and_leads_to_its_question()
    {
        var asking = await _world.AskAsync(new Errand(Question: "Close it?"), key: "ticket-<4711>");

        var page = await _viewer.PageAsync("/ops/agents/");

        Assert.Contains("ticket-&lt;4711&gt;", page, StringComparison.Ordinal);
        Assert.Contains($"href=\"/ops/agents/approvals/{asking}?step=", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_which_part_of_a_filter_it_left_out()
    {
        await _world.AskAsync(new Errand(Question: "Close it?"));

        var text = Page.TextOf(await _viewer.PageAsync($"/ops/agents/?status=%3Cscript%3E&since=yesterday&label=lab&within=ever&workflow={new string('x', 501)}"));

        Assert.Contains("There is no status '<script>'", text, StringComparison.Ordinal);
        Assert.Contains("'yesterday' is no time", text, StringComparison.Ordinal);
        Assert.Contains("'lab' is not of the form name=value", text, StringComparison.Ordinal);
        Assert.Contains("'ever' is no stretch of time", text, StringComparison.Ordinal);
        Assert.Contains("'workflow' has more than 500 characters; it is left out.", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Goes_on_page_by_page_with_the_same_filter()
    {
        var all = new List<RunId>();
        for (var i = 0; i < 53; i++)
        {
            all.Insert(0, await _world.AskAsync(new Errand(Question: "Close it?")));
        }

        var first = await _viewer.PageAsync("/ops/agents/?asks=1");
        var next = WebUtility.HtmlDecode(Regex.Match(first, "rel=\"next\" href=\"([^\"]+)\"").Groups[1].Value);
        Assert.Contains("asks=1", next, StringComparison.Ordinal);
        var second = await _viewer.PageAsync(next);

        Assert.Equal(all, [.. Runs(first), .. Runs(second)]);
        Assert.DoesNotContain("rel=\"next\"", second, StringComparison.Ordinal);
        Assert.Contains("First page", second, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Links_to_nothing_outside_its_prefix()
    {
        var run = await _world.AskAsync(new Errand("root", Thinks: true));

        foreach (var path in new[] { "/", $"/runs/{run}", $"/runs/{run}/entries", $"/runs/{run}/entries/2", $"/runs/{run}/conversations" })
        {
            var page = await _viewer.PageAsync("/ops/agents" + path);
            Assert.All(Regex.Matches(page, "(?:href|src|action|data-events)=\"([^\"#]+)"), m => Assert.StartsWith("/ops/agents/", m.Groups[1].Value, StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task Looks_the_same_everywhere_and_is_fetched_once()
    {
        var page = await _viewer.PageAsync("/ops/agents/");
        var assets = Regex.Matches(page, "(?:href|src)=\"(/ops/agents/assets/[^\"]+)\"").Select(m => m.Groups[1].Value).ToArray();
        Assert.Equal(4, assets.Length);
        foreach (var address in assets)
        {
            using var answer = await _viewer.GetAsync(address);
            var cache = answer.Headers.CacheControl!;
            Assert.True(cache.Public && cache.MaxAge == TimeSpan.FromDays(365) && cache.ToString().Contains("immutable", StringComparison.Ordinal), cache.ToString());
            using var again = new HttpRequestMessage(HttpMethod.Get, address.Split('?')[0]) { Headers = { { "If-None-Match", answer.Headers.ETag!.ToString() } } };
            using var unchanged = await _viewer.SendAsync(again);
            Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
        }

        using var none = await _viewer.GetAsync("/ops/agents/assets/..%2Fsecret");
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
    }

    private async Task<IReadOnlyList<RunId>> RunsAsync(string query) => Runs(await _viewer.PageAsync("/ops/agents/" + query));

    private static IReadOnlyList<RunId> Runs(string page) => [.. Regex.Matches(page, "<tr id=\"(r-[a-z0-9]+)\"").Select(m => new RunId(m.Groups[1].Value))];
}
