using System.Net;

namespace Signalbox.Server.Tests.Dashboard;

public sealed class The_inbox
{
    [Fact]
    public async Task Without_questions_says_so()
    {
        await using var world = await AskingWorld.StartAsync();
        using var vera = await world.LogInAsync("vera", "viewer");

        Assert.Contains("Nobody is asked anything.", (await Asked.OfAsync(vera, "/approvals")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Has_the_question_that_is_due_first_on_top_and_says_who_may_answer()
    {
        await using var world = await AskingWorld.StartAsync();
        var first = await world.AskAsync(new Errand("root"), startedBy: "person:anna");
        world.Harness.Clock.Advance(TimeSpan.FromSeconds(1));
        var second = await world.AskAsync(new Errand(Question: "Close it?"));
        using var anna = await world.LogInAsync("anna", "approver");

        var inbox = await Asked.OfAsync(anna, "/approvals");

        var at = new[] { first, second }.Select(run => inbox.Page.IndexOf($"/approvals/{run}?", StringComparison.Ordinal)).ToArray();
        Assert.True(at[0] > 0 && at[1] > at[0]);
        foreach (var said in new[] { "2 questions.", "disable_account on account/web-01/root", "{\"account\":\"root\",\"comment\":\"\"}", "due in 1 h", "cannot be undone", "0 of 2 approved", "somebody else answers", "person:anna has proposed this", "Close it?", "you may answer" })
        {
            Assert.Contains(said, inbox.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Links_and_posts_below_the_prefix_that_it_lies_under()
    {
        await using var world = await AskingWorld.StartAsync(prefix: "/ops");
        var run = await world.AskAsync(new Errand("root"));
        using var anna = await world.LogInAsync("anna", "approver");

        var page = await world.OpenAsync(anna, run);

        Assert.Contains($"action=\"/ops/approvals/{run}?step=", page.Page, StringComparison.Ordinal);
        Assert.DoesNotMatch("(href|src|action)=\"/(?!ops/)", page.Page);
        Assert.Equal(HttpStatusCode.OK, (await page.AnswerAsync("approve")).Status);
    }

    [Theory]
    [InlineData("/approvals")]
    [InlineData("/approvals/r-1")]
    [InlineData("/claims")]
    [InlineData("/search?q=x")]
    [InlineData("/system")]
    public async Task Is_for_nobody_who_has_not_logged_in(string address)
    {
        await using var world = await AskingWorld.StartAsync();
        using var browser = world.Server.Browser();

        using var answer = await browser.GetAsync(address);

        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.StartsWith("/login?back=", answer.Headers.Location!.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/approvals")]
    [InlineData("/claims")]
    [InlineData("/search")]
    [InlineData("/system")]
    public async Task Has_no_script_and_no_style_of_its_own_in_the_page(string address)
    {
        await using var world = await AskingWorld.StartAsync();
        await world.AskAsync(new Errand("root"));
        using var anna = await world.LogInAsync("anna", "admin");

        var page = await Asked.OfAsync(anna, address);

        Assert.DoesNotMatch("<script(?![^>]*src=)|<style|style=\"|\\son[a-z]+=\"", page.Page);
    }
}
