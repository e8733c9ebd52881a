namespace Signalbox.Server.Tests.InABrowser;

[Collection(InTheBrowser.Name)]
public sealed class Following_a_run(BrowserWorld world)
{
    /// <summary>What the timeline shows, one line a span.</summary>
    private const string Spans = "() => [...document.querySelectorAll('.spans li .what')].map(e => e.innerText.replace(/\\s+/g, ' ').trim())";

    [Fact]
    public async Task Shows_what_happens_on_its_page_and_in_the_list_without_a_reload()
    {
        const string Address = "192.0.2.31";
        var run = await world.StartAsync(Errand.Work, Address);
        await using var page = await world.OpenAsync($"/runs/{run}");
        await using var list = await world.OpenAsync("/");
        await page.LiveAsync();
        await list.LiveAsync();
        foreach (var tab in new[] { page, list })
        {
            await tab.Page.EvaluateAsync("() => { window.sameDocument = true; }");
        }

        await page.Expect(".spans li:has-text('first') .tag").ToHaveTextAsync("▶ lasts");
        await list.Expect($"tr[id='{run}'] .status").ToHaveTextAsync("Running");

        world.Gates.Open($"{Address} first");
        await page.Expect(".spans li:has-text('second') .tag").ToHaveTextAsync("▶ lasts");
        await page.Expect(".spans li:has-text('first') .tag").ToHaveCountAsync(0);

        world.Gates.Open($"{Address} second");
        world.Gates.Open($"{Address} third");
        await page.Expect(".standing .status").ToHaveTextAsync("Completed");
        await list.Expect($"tr[id='{run}'] .status").ToHaveTextAsync("Completed");
        await page.Expect("#transitions").ToBeVisibleAsync();
        await page.Expect(page.Main).ToContainTextAsync("the work is done");

        var other = await world.StartAsync(Errand.Ask, Address);
        await list.Expect($"tr[id='{other}'] .tag:has-text('asks a person')").ToBeVisibleAsync();
        foreach (var tab in new[] { page, list })
        {
            Assert.True(await tab.Page.EvaluateAsync<bool>("() => window.sameDocument === true"));
            Assert.Empty(tab.Complaints);
        }
    }

    [Fact]
    public async Task Leaves_scrolling_focus_open_details_and_typed_words_as_they_are()
    {
        const string Address = "192.0.2.32";
        var run = await world.StartAsync(Errand.Work, Address);
        await using var tab = await world.OpenAsync($"/runs/{run}", ServerRoles.Operator, new() { ViewportSize = new() { Width = 1000, Height = 420 } });
        await tab.LiveAsync();
        await tab.Expect(".spans li:has-text('first')").ToBeVisibleAsync();
        await tab.Page.GetByText("Cancel this run …").ClickAsync();
        var why = tab.Page.GetByLabel("Why");
        await why.FillAsync("half a rea");
        await tab.Page.EvaluateAsync("() => scrollTo(0, 120)");
        var top = await tab.Page.EvaluateAsync<double>("() => scrollY");
        Assert.True(top > 0);

        world.Gates.Open($"{Address} first");
        await tab.Expect(".spans li:has-text('second') .tag").ToHaveTextAsync("▶ lasts");
        await StandsAsync();
        Assert.Equal(top, await tab.Page.EvaluateAsync<double>("() => scrollY"));

        // The run asks to be left alone now: another paragraph comes before the form, and more parts after it.
        world.Gates.Open($"{Address} second");
        await tab.Expect(".spans li:has-text('third') .tag").ToHaveTextAsync("▶ lasts");
        await world.Client.CancelAsync(run, "somebody else was quicker");
        await tab.Expect(".standing").ToContainTextAsync("Canceled");
        Assert.Equal(0, await why.CountAsync()); // there is nothing left to cancel
        Assert.Empty(tab.Complaints);

        async Task StandsAsync()
        {
            await tab.Expect(why).ToBeFocusedAsync();
            await tab.Expect(why).ToHaveValueAsync("half a rea");
            await tab.Expect(why).ToBeVisibleAsync();
        }
    }

    [Fact]
    public async Task Keeps_a_form_open_when_paragraphs_come_and_go_before_it()
    {
        var run = await world.SettledAsync(Errand.Wait, "192.0.2.33");
        await using var tab = await world.OpenAsync($"/runs/{run}", ServerRoles.Operator);
        await tab.LiveAsync();
        await tab.Expect(".next").ToContainTextAsync("It waits for the signal 'train'.");
        await tab.Page.GetByText("Cancel this run …").ClickAsync();
        var why = tab.Page.GetByLabel("Why");
        await why.FillAsync("half a rea");
        await tab.Page.EvaluateAsync("() => { document.querySelector('details.form').sameElement = true; }");

        // What is patched in is the page as it would be without the paragraph and with a new one.
        await tab.Page.EvaluateAsync("""
            async () => {
              const html = await (await fetch(location.pathname)).text();
              const { fetch: real } = window;
              window.fetch = async () => new Response(html.replace(/<p class="next">.*?<\/p>/s, "").replace('<dl class="facts', '<p class="message bad">broken</p><p id="more">more</p><dl class="facts'));
              document.dispatchEvent(new Event("visibilitychange"));
              window.realFetch = real;
            }
            """);
        await world.Client.SignalAsync(run, "another", "hello");
        await tab.Expect("#more").ToBeVisibleAsync();
        await tab.Expect(".next").ToHaveCountAsync(0);
        await tab.Expect(why).ToBeFocusedAsync();
        await tab.Expect(why).ToHaveValueAsync("half a rea");
        Assert.True(await tab.Page.EvaluateAsync<bool>("() => document.querySelector('details.form').sameElement === true"));
        Assert.Empty(tab.Complaints);
    }

    [Fact]
    public async Task Says_that_its_connection_was_cut_and_catches_up_when_it_is_mended()
    {
        const string Address = "192.0.2.34";
        var run = await world.StartAsync(Errand.Work, Address);
        await using var tab = await world.OpenAsync($"/runs/{run}");
        await tab.LiveAsync();
        await tab.Expect(".spans li:has-text('first') .tag").ToHaveTextAsync("▶ lasts");
        try
        {
            world.Events.Cut();
            await tab.Expect(tab.Mark).ToHaveTextAsync("reconnecting …");
            foreach (var part in new[] { "first", "second", "third" })
            {
                world.Gates.Open($"{Address} {part}");
            }

            await world.EndAsync(run);
            await tab.Expect(".standing .status").ToHaveTextAsync("Running"); // it cannot know
        }
        finally
        {
            world.Events.Mend();
        }

        await tab.LiveAsync();
        await tab.Expect(".standing .status").ToHaveTextAsync("Completed");
        var live = await tab.Page.EvaluateAsync<string[]>(Spans);
        Assert.Equal(live.Length, live.Distinct().Count());
        await tab.Page.ReloadAsync();
        Assert.Equal(await tab.Page.EvaluateAsync<string[]>(Spans), live);
    }
}
