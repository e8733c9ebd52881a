namespace Signalbox.Server.Tests.InABrowser;

[Collection(InTheBrowser.Name)]
public sealed class Finding_by_words(BrowserWorld world)
{
    [Fact]
    public async Task Leads_from_the_box_on_every_page_to_the_entry()
    {
        var run = await world.SettledAsync(Errand.Shut, "192.0.2.41");
        await world.SettledAsync(Errand.Ask, "192.0.2.141");
        await IndexedAsync();
        await using var tab = await world.OpenAsync("/statistics");

        await tab.KeyAsync("/");
        await tab.TypeAsync("192.0.2.41");
        await tab.KeyAsync("Enter");
        await tab.Expect("h1").ToHaveTextAsync("Search");
        await tab.Expect(".hits mark").Not.ToHaveCountAsync(0);
        var runs = await tab.Page.EvaluateAsync<string[]>("() => [...document.querySelectorAll('.hits .id')].map(e => e.innerText)");
        Assert.All(runs, found => Assert.Equal(run.ToString(), found)); // a token is a token: 192.0.2.141 is another address

        await tab.LoadedAsync();
        await tab.KeyAsync("j");
        await tab.Expect("[data-item]:focus").ToHaveCountAsync(1);
        await tab.KeyAsync("Enter");
        await tab.ReachedAsync($"/runs/{run}/entries/[0-9]+$");
        await tab.Expect(tab.Main).ToContainTextAsync("192.0.2.41");
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task Takes_a_phrase_word_for_word()
    {
        var run = await world.SettledAsync(Errand.Shut, "192.0.2.42");
        await IndexedAsync();
        await using var tab = await world.OpenAsync($"/search?run={run}");

        await SearchAsync("\"failed logins from 192.0.2.42\"");
        await tab.Expect(".hits li").Not.ToHaveCountAsync(0);
        await SearchAsync("\"logins failed from 192.0.2.42\"");
        await tab.Expect(".empty").ToContainTextAsync("Nothing was found");
        Assert.Empty(tab.Complaints);

        async Task SearchAsync(string words)
        {
            await tab.Page.GetByLabel("Words").FillAsync(words);
            await tab.KeyAsync("Enter");
            await tab.ReachedAsync(System.Text.RegularExpressions.Regex.Escape(Uri.EscapeDataString(words).Replace("%20", "+", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task Says_what_is_wrong_with_a_query()
    {
        await using var tab = await world.OpenAsync("/search?q=" + Uri.EscapeDataString("\"no end"));
        var words = tab.Page.GetByLabel("Words");
        await tab.Expect(words).ToHaveAttributeAsync("aria-invalid", "true");
        await tab.Expect(words).ToHaveValueAsync("\"no end");
        var fault = await tab.Page.Locator("#fault-q").InnerTextAsync();
        Assert.Contains("quot", fault, StringComparison.OrdinalIgnoreCase);
    }

    private async Task IndexedAsync() => await Telemetry.TracedWorld.UntilAsync(
        async () => (await world.Queries.Index!.StatusAsync(TestContext.Current.CancellationToken)) is { Lag: 0 } status && status.Trouble is null, "the index has every entry");
}
