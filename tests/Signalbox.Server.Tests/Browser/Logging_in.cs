using Microsoft.Playwright;

namespace Signalbox.Server.Tests.InABrowser;

[Collection(InTheBrowser.Name)]
public sealed class Logging_in(BrowserWorld world)
{
    [Fact]
    public async Task Leads_to_the_page_that_was_asked_for_and_out_again()
    {
        var key = world.Key("anna", ServerRoles.Viewer);
        await using var tab = await world.OpenAsync("/statistics", role: null);

        await tab.Expect(tab.Page.GetByLabel("Your key")).ToBeFocusedAsync();
        await tab.TypeAsync(key);
        await tab.KeyAsync("Enter");
        await tab.Expect("h1").ToHaveTextAsync("Statistics");
        await tab.Expect(".who").ToContainTextAsync("person:anna");

        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "Log out" }).ClickAsync();
        await tab.Expect(tab.Page.GetByLabel("Your key")).ToBeVisibleAsync();
        await tab.GoAsync("/statistics");
        Assert.Contains("/login", tab.Page.Url, StringComparison.Ordinal);
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task Refuses_a_wrong_key_and_says_who_makes_keys()
    {
        await using var tab = await world.OpenAsync("/login", role: null);
        await tab.Page.GetByLabel("Your key").FillAsync("sbk_01234567_" + new string('0', 64));
        await tab.KeyAsync("Enter");

        await tab.Expect(tab.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("This key is unknown, expired or revoked.");
        await tab.Expect(tab.Main).ToContainTextAsync("signalbox keys add NAME");
        Assert.Contains("/login", tab.Page.Url, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Offers_a_viewer_no_answer_and_refuses_one_that_is_posted_all_the_same()
    {
        var run = await world.SettledAsync(Errand.Shut, "192.0.2.21");
        var wait = await world.QuestionAsync(run);
        await using var tab = await world.OpenAsync($"/approvals/{run}?step={Uri.EscapeDataString(wait.Step)}");

        await tab.Expect(".answer").ToContainTextAsync("may look at questions, not answer them: that needs the role 'approver'");
        Assert.Equal(0, await tab.Page.Locator("main form[method=post] button").CountAsync());

        // As somebody would who knows what an approver's form looks like.
        await tab.Page.EvaluateAsync("""
            () => {
              const form = document.createElement("form");
              form.method = "post";
              form.action = location.href;
              for (const [name, value] of [["choice", "approve"], ["__RequestVerificationToken", document.querySelector("[name=__RequestVerificationToken]").value]])
                form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
              document.body.append(form);
              form.submit();
            }
            """);
        await tab.Expect("h1").ToHaveTextAsync("You may not do that");
        await tab.Expect(tab.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Nothing was done");
        Assert.Equal(wait.Seq, (await world.QuestionAsync(run)).Seq);
    }
}
