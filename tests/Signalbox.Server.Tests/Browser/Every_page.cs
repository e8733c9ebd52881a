using System.Text.RegularExpressions;
using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using Signalbox.Storage;

namespace Signalbox.Server.Tests.InABrowser;

/// <summary>Made from the route table: a page that is added without being looked at fails here.</summary>
[Collection(InTheBrowser.Name)]
public sealed class Every_page(BrowserWorld world)
{
    private static readonly AxeRunOptions s_all = new() { RunOnly = new RunOnlyOptions { Type = "tag", Values = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] } };

    /// <summary>What colours alone decide.</summary>
    private static readonly AxeRunOptions s_colours = new() { RunOnly = new RunOnlyOptions { Type = "rule", Values = ["color-contrast", "link-in-text-block"] } };

    /// <summary>Addresses of each pattern, with runs that show all that there is, and a word that stands on each without a script.</summary>
    private async Task<IReadOnlyList<(string Pattern, string Path, string Fact)>> PagesAsync()
    {
        var decided = await world.SettledAsync(Errand.Shut, "192.0.2.61", new Dictionary<string, string> { ["alert"] = "a-61", ["site"] = "north" });
        var asking = await world.SettledAsync(Errand.Ask, "192.0.2.62");
        var waiting = await world.SettledAsync(Errand.Wait, "192.0.2.63");
        world.Gates.Open("192.0.2.64 first");
        var failed = await world.SettledAsync(Errand.Lose, "192.0.2.64");
        var ended = await world.SettledAsync(Errand.Shut, "192.0.2.65");
        await world.Client.For(new Caller("person:berta", [ServerRoles.Approver])).AnswerAsync(ended, OpenApproval.Approve);
        await world.EndAsync(ended);
        return
        [
            ("/", "/", decided.ToString()), ("/", "/?status=completed&workflow=crossing", ended.ToString()), ("/", "/?status=nonsense", "Runs"), ("/runs", "/runs", decided.ToString()),
            ("/runs/{run}", $"/runs/{decided}", "asks a person"), ("/runs/{run}", $"/runs/{waiting}", "It waits for the signal 'train'"), ("/runs/{run}", $"/runs/{failed}", "the signal wire is broken"),
            ("/runs/{run}", $"/runs/{ended}", "Completed"), ("/runs/{run}", "/runs/r-none", "There is no run"),
            ("/runs/{run}/entries", $"/runs/{decided}/entries", "state.entered"), ("/runs/{run}/entries/{seq:long}", $"/runs/{decided}/entries/1", "state.entered"),
            ("/runs/{run}/conversations", $"/runs/{decided}/conversations", "48 failed logins, no good one"),
            ("/approvals", "/approvals", "shut_address"), ("/approvals/{run}", $"/approvals/{decided}", "Approve exactly this"), ("/approvals/{run}", $"/approvals/{asking}", "keep it out"),
            ("/approvals/{run}", $"/approvals/{ended}", "This question is not open"),
            ("/claims", "/claims", "192.0.2.65"), ("/search", "/search", "Search"), ("/search", "/search?q=logins", "failed"), ("/search", "/search?q=%22no+end", "Search"),
            ("/statistics", "/statistics", "Statistics"), ("/system", "/system", "System"), ("/login", "/login", "Your key"),
        ];
    }

    [Fact]
    public async Task Is_whole_and_legible_in_light_and_dark_on_a_telephone_and_without_scripts()
    {
        var pages = await PagesAsync();
        await Telemetry.TracedWorld.UntilAsync(async () => (await world.Queries.Index!.StatusAsync(TestContext.Current.CancellationToken)).Lag == 0, "the index has every entry");
        Assert.Equal(world.PagePatterns(), pages.Select(p => p.Pattern).Distinct().Order(StringComparer.Ordinal));

        var faults = new List<string>();
        await using var tab = await world.OpenAsync("/", ServerRoles.Admin);
        await using var bare = await world.OpenAsync("/", ServerRoles.Admin, new() { JavaScriptEnabled = false });
        await tab.Page.AddInitScriptAsync("document.addEventListener('securitypolicyviolation', e => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`));");
        foreach (var (_, path, fact) in pages)
        {
            var before = tab.Complaints.Count;
            await tab.Page.SetViewportSizeAsync(1280, 800);
            await tab.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Light });
            var status = (await tab.GoAsync(path))!.Status;
            await LookAsync(tab, path, "light", s_all, faults);
            await tab.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
            await LookAsync(tab, path, "dark", s_colours, faults);
            await tab.Page.SetViewportSizeAsync(390, 844);
            await LookAsync(tab, path, "narrow", s_all, faults);

            // A page that refuses is told as a failed request by the console; that is no fault of the page.
            faults.AddRange(tab.Complaints.Skip(before).Where(c => status < 400 || !c.Contains($"status of {status}", StringComparison.Ordinal)).Select(c => $"{path}: {c}"));

            await bare.GoAsync(path);
            if (!(await bare.TextAsync()).Contains(fact, StringComparison.Ordinal))
            {
                faults.Add($"{path}, without scripts: '{fact}' is not there: {await bare.TextAsync()}");
            }

            var (told, bareTold) = (await HeadingsAsync(tab), await HeadingsAsync(bare));
            if (told.Length == 0 || !told.SequenceEqual(bareTold))
            {
                faults.Add($"{path}: without scripts its headings are {string.Join(" | ", bareTold)}; with them {string.Join(" | ", told)}");
            }
        }

        Assert.True(faults.Count == 0, string.Join("\n", faults));
    }

    [Fact]
    public async Task Can_be_walked_through_without_scripts()
    {
        var run = await world.SettledAsync(Errand.Ask, "192.0.2.66");
        await using var tab = await world.OpenAsync("/approvals", ServerRoles.Approver, new() { JavaScriptEnabled = false });
        await tab.Page.Locator($"a[href*='/approvals/{run}']").ClickAsync();
        await tab.Page.GetByRole(AriaRole.Button, new() { Name = "let it pass" }).ClickAsync();
        await tab.Expect("#result-title").ToHaveTextAsync("Answered");
        await world.EndAsync(run);
        await tab.Page.GetByRole(AriaRole.Link, new() { NameRegex = new Regex("^See run") }).ClickAsync();
        await tab.Expect(".standing .status").ToHaveTextAsync("Completed");
        Assert.Equal(0, await tab.Page.Locator("#live:visible").CountAsync());
    }

    private static async Task LookAsync(Tab tab, string path, string how, AxeRunOptions rules, List<string> faults)
    {
        var wide = await tab.TooWideAsync();
        if (wide > 0)
        {
            faults.Add($"{path}, {how}: {wide} pixels wider than its window: {await WidestAsync(tab)}");
        }

        var result = await tab.Page.RunAxe(rules);
        Assert.Contains(result.Passes, p => p.Id == "color-contrast"); // it has looked at all
        faults.AddRange(result.Violations.Select(v => $"{path}, {how}: {v.Id}: {v.Help}: {string.Join(" ; ", v.Nodes.Take(3).Select(n => $"{n.Html} {string.Join(", ", n.Any.Select(c => c.Message))}"))}"));
    }

    private static Task<string[]> HeadingsAsync(Tab tab) => tab.Page.EvaluateAsync<string[]>("() => [...document.querySelectorAll('h1, h2')].map(e => e.textContent.replace(/\\s+/g, ' ').trim())");

    private static Task<string> WidestAsync(Tab tab) => tab.Page.EvaluateAsync<string>("""
        () => [...document.querySelectorAll("main *, header *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll, pre"))
          .slice(0, 4).map(e => `<${e.tagName.toLowerCase()} class="${e.getAttribute("class") ?? ""}"> ${e.textContent.trim().slice(0, 40)}`).join(" ; ")
        """);
}
