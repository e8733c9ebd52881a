using System.Net;
using System.Text.RegularExpressions;
using Signalbox.Journal;

namespace Signalbox.Server.Tests.Dashboard;

public sealed class The_page_of_a_run : IAsyncLifetime
{
    private const string Hostile = "</bdi></td><script>alert(1)</script>\u202Egnp.exe\u001B[31m\"'&amp;";
    private AskingWorld _world = null!;
    private Browser _viewer = null!;

    public async ValueTask InitializeAsync()
    {
        _world = await AskingWorld.StartAsync();
        _viewer = await _world.LogInAsync("vera", ServerRoles.Viewer);
    }

    public async ValueTask DisposeAsync()
    {
        _viewer.Dispose();
        await _world.DisposeAsync();
    }

    [Fact]
    public async Task Tells_all_of_it_without_a_script()
    {
        var run = await _world.AskAsync(new Errand("root", Thinks: true), labels: new Dictionary<string, string> { ["site"] = "lab" });

        var text = Page.TextOf(await _viewer.PageAsync($"/runs/{run}"));

        Assert.Contains("Waiting in Act, visit 2", text, StringComparison.Ordinal);
        Assert.Contains("It asks a person, and goes on when the question is answered.", text, StringComparison.Ordinal);
        foreach (var words in new[] { "site=lab", "States of the workflow", "The run took 2 visits through 2 of 5 states and is in Act.", "logins", "✕ missing: ", "no route <b>to</b> host", "fast-1", "0.62", "many failed logins <script>alert(1)</script>", "disable_account", "◔ asks", "irreversible" })
        {
            Assert.Contains(words, text, StringComparison.OrdinalIgnoreCase);
        }

        foreach (var heading in new[] { "States", "Timeline", "Transitions", "Decisions", "Evidence", "Model calls", "Actions", "Approvals", "Costs" })
        {
            Assert.Contains(heading, text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("http", "br", "br")]
    [InlineData("http", "gzip", "gzip")]
    [InlineData("http", null, null)]
    [InlineData("https", "br", null)]
    public async Task Is_sent_compressed_where_the_browser_takes_that_and_nobody_can_listen_to_its_length(string scheme, string? accepts, string? comes)
    {
        var run = await _world.AskAsync(new Errand("root"));
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{scheme}://localhost/runs/{run}");
        if (accepts is not null)
        {
            request.Headers.Add("Accept-Encoding", accepts);
        }

        using var answer = await _viewer.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(comes, answer.Content.Headers.ContentEncoding.SingleOrDefault());
        var sent = await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        Assert.Equal(comes is null, System.Text.Encoding.UTF8.GetString(sent).Contains("States of the workflow", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Shows_text_from_outside_as_text()
    {
        var run = await _world.AskAsync(new Errand(Hostile, Hostile, Thinks: true), labels: new Dictionary<string, string> { ["site"] = Hostile });

        foreach (var path in new[] { "", "/entries", "/conversations", "/entries/1", "/entries/5" })
        {
            var page = await _viewer.PageAsync($"/runs/{run}{path}");
            Assert.DoesNotContain("<script>alert", page, StringComparison.Ordinal);
            Assert.DoesNotContain('\u202E', WebUtility.HtmlDecode(page));
            Assert.DoesNotContain('\u001B', WebUtility.HtmlDecode(page));
        }

        Assert.Contains("<script>alert(1)</script>\\u202egnp.exe", Page.TextOf(await _viewer.PageAsync($"/runs/{run}")), StringComparison.Ordinal);
        Assert.Contains("<script>alert(1)</script>\\u202egnp.exe", Page.TextOf(await _viewer.PageAsync("/")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leads_to_each_entry_and_from_one_to_the_next()
    {
        var run = await _world.AskAsync(new Errand("root", Thinks: true));
        var last = (await _world.Harness.HeadAsync(run)).Seq;

        for (var seq = 1; seq <= last; seq++)
        {
            var page = await _viewer.PageAsync($"/runs/{run}/entries/{seq}");
            Assert.Equal(seq < last, page.Contains($"href=\"/runs/{run}/entries/{seq + 1}\"", StringComparison.Ordinal));
            Assert.Equal(seq > 1, page.Contains($"href=\"/runs/{run}/entries/{seq - 1}\"", StringComparison.Ordinal));
        }

        Assert.Contains("entry_not_found", await _viewer.PageAsync($"/runs/{run}/entries/{last + 1}", HttpStatusCode.NotFound), StringComparison.Ordinal);
        Assert.Contains($"/runs/{run}/entries/{last}\"", await _viewer.PageAsync($"/runs/{run}/entries?from=3"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_what_the_model_was_asked_and_answered_word_for_word()
    {
        var run = await _world.AskAsync(new Errand("root  is\n\tspaced", Thinks: true));

        var page = await _viewer.PageAsync($"/runs/{run}/conversations");

        Assert.Contains("root  is\n\tspaced", WebUtility.HtmlDecode(page), StringComparison.Ordinal);
        Assert.Contains("You judge accounts.", page, StringComparison.Ordinal);
        Assert.Contains("disable", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_that_there_is_none()
    {
        foreach (var path in new[] { "/runs/r-nowhere", "/runs/r-nowhere/entries", "/runs/r-nowhere/entries/1", "/runs/r-nowhere/conversations", "/runs/%3Cscript%3E" })
        {
            Assert.Contains("run_not_found", await _viewer.PageAsync(path, HttpStatusCode.NotFound), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Offers_commands_to_operators_alone()
    {
        var run = await _world.AskAsync(new Errand("root", Thinks: true));
        using var oscar = await _world.LogInAsync("oscar", ServerRoles.Operator);

        Assert.DoesNotContain("name=\"command\"", await _viewer.PageAsync($"/runs/{run}"), StringComparison.Ordinal);
        var page = await oscar.PageAsync($"/runs/{run}");
        Assert.Contains("value=\"cancel\"", page, StringComparison.Ordinal);
        Assert.Contains("value=\"judge\"", page, StringComparison.Ordinal);

        using var refused = await _viewer.PostAsync($"/runs/{run}", ("__RequestVerificationToken", await _viewer.TokenOfAsync($"/runs/{run}")), ("command", "cancel"), ("text", "no"));
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        using var unproved = await oscar.PostAsync($"/runs/{run}", ("command", "cancel"), ("text", "no"));
        Assert.Equal(HttpStatusCode.BadRequest, unproved.StatusCode);
        Assert.False((await _world.Harness.HeadAsync(run)).Row.CancelRequested);
    }

    [Fact]
    public async Task Cancels_it_and_says_what_came_of_that()
    {
        var run = await _world.AskAsync(new Errand("root"));
        using var oscar = await _world.LogInAsync("oscar", ServerRoles.Operator);

        var empty = await PostAsync(oscar, run, HttpStatusCode.BadRequest, ("command", "cancel"), ("text", " "));
        Assert.Contains("request_invalid", empty, StringComparison.Ordinal);
        Assert.False((await _world.Harness.HeadAsync(run)).Row.CancelRequested);
        var done = await PostAsync(oscar, run, HttpStatusCode.OK, ("command", "cancel"), ("text", "a mistake"));
        Assert.Contains("Done.", done, StringComparison.Ordinal);
        Assert.Contains("to be canceled", done, StringComparison.Ordinal);
        var again = await PostAsync(oscar, run, HttpStatusCode.Conflict, ("command", "cancel"), ("text", "a mistake"));
        Assert.Contains("cancel_requested_already", again, StringComparison.Ordinal);
        await _world.Harness.SettleAsync();

        var text = Page.TextOf(await oscar.PageAsync($"/runs/{run}"));
        Assert.Contains("Canceled", text, StringComparison.Ordinal);
        Assert.Equal("person:oscar", (await _world.Harness.Store.ReadAsync(run, 0, 1000, TestContext.Current.CancellationToken)).Single(e => e.Kind == EntryKinds.CancelRequested).Actor);
    }

    [Fact]
    public async Task Judges_a_decision()
    {
        var run = await _world.AskAsync(new Errand("root", Thinks: true));
        using var oscar = await _world.LogInAsync("oscar", ServerRoles.Operator);
        var decision = WebUtility.HtmlDecode(Regex.Match(await oscar.PageAsync($"/runs/{run}"), "<option value=\"([^\"]+)\"").Groups[1].Value);

        var page = Page.TextOf(await PostAsync(oscar, run, HttpStatusCode.OK, ("command", "judge"), ("decision", decision), ("verb", "wrong"), ("text", "it was the backup")));

        Assert.Contains("✕ was wrong", page, StringComparison.Ordinal);
        Assert.Contains("judged by person:oscar", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_what_became_of_a_command_by_the_status_too()
    {
        var run = await _world.AskAsync(new Errand(Question: "Close it?"));
        using var oscar = await _world.LogInAsync("oscar", ServerRoles.Operator);

        Assert.Contains("decision", Page.TextOf(await PostAsync(oscar, run, HttpStatusCode.NotFound, ("command", "judge"), ("decision", "none"), ("verb", "right"), ("text", "so it was"))), StringComparison.Ordinal);
        await PostAsync(oscar, run, HttpStatusCode.Conflict, ("command", "retry"), ("text", "again"));
    }

    [Fact]
    public async Task Is_small()
    {
        var run = await _world.AskAsync(new Errand("root", Thinks: true));
        var entries = (await _world.Harness.HeadAsync(run)).Seq;

        var page = await _viewer.PageAsync($"/runs/{run}");

        Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(page), 1, 17_000 + (400 * (int)entries)); // 200 entries: under 100 KB
    }

    private static async Task<string> PostAsync(Browser browser, RunId run, HttpStatusCode status, params (string, string)[] fields)
    {
        using var answer = await browser.PostAsync($"/runs/{run}", [("__RequestVerificationToken", await browser.TokenOfAsync($"/runs/{run}")), .. fields]);
        var page = await answer.TextAsync();
        Assert.True(answer.StatusCode == status, page);
        Page.Check(page);
        return page;
    }
}
