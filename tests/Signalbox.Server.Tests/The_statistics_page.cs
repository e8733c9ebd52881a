using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Server.Dashboard.Statistics;
using Signalbox.Server.Tests.Dashboard;
using Signalbox.Storage;

namespace Signalbox.Server.Tests;

public sealed partial class The_statistics_page
{
    [Fact]
    public async Task Shows_figures_charts_and_the_same_as_tables()
    {
        await using var world = await WorldAsync();

        var page = await PageAsync(world, "/statistics");

        Assert.Contains("<dt>Autonomy</dt><dd>50 %</dd>", page, StringComparison.Ordinal);
        Assert.Contains("Decisions that stood: fast 1. The numbers are in the table below.", page, StringComparison.Ordinal);
        Assert.Matches("""<th scope="row"><bdi>low_confidence</bdi></th>\s*<td class="number">1</td>""", page);
        Assert.Contains("Reliability of fast: 2 decisions with a known outcome, 50 % right at a mean confidence of 70 %", page, StringComparison.Ordinal);
        Assert.Contains("Cost as a table", page, StringComparison.Ordinal);
        Assert.Equal(Charts().Count(page), ChartTitles().Count(page)); // each chart says in words what it shows
        Assert.Equal(page.Split("id=\"").Length - 1, Ids().Matches(page).Select(m => m.Value).Distinct().Count());
    }

    [Fact]
    public async Task Holds_no_style_and_no_script_of_its_own_and_no_text_that_is_obeyed()
    {
        await using var world = await WorldAsync(tier: "<script>alert(1)</script>\u202e\u001b[31m");

        var page = await PageAsync(world, "/statistics");

        Assert.DoesNotContain("style=", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>", page, StringComparison.Ordinal);
        Assert.DoesNotContain('\u202e', page);
        Assert.DoesNotContain('\u001b', page);
        Assert.Contains("&lt;script&gt;alert(1)", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("?workflow=door", "<dt>Runs started</dt><dd>2</dd>")]
    [InlineData("?workflow=window", "Nothing happened in that time in that workflow.")]
    [InlineData("?until=2001-01-01T00:00", "Nothing happened in that time.")]
    [InlineData("?within=1h", "<dt>Runs started</dt><dd>2</dd>")]
    [InlineData("?within=soon", "&#x27;soon&#x27; is no stretch of time; it is left out.")]
    [InlineData("?since=%3Cb%3E", "&#x27;&lt;b&gt;&#x27; is no time; it is left out.")]
    public async Task Takes_a_time_and_a_workflow_and_says_what_it_cannot_read(string query, string shown)
    {
        await using var world = await WorldAsync();

        Assert.Contains(shown, await PageAsync(world, "/statistics" + query), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_an_empty_store_says_that_nothing_happened()
    {
        await using var world = await StartServerAsync();

        Assert.Contains("Nothing happened in that time.", await PageAsync(world, "/statistics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Is_shown_to_nobody_without_a_key()
    {
        await using var world = await StartServerAsync();

        Assert.NotEqual(HttpStatusCode.OK, (await world.As(null).GetAsync("/statistics", TestContext.Current.CancellationToken)).StatusCode);
    }

    [Theory]
    [InlineData(0, 1, 1)]
    [InlineData(1, 1, 1)]
    [InlineData(6, 2, 6)]
    [InlineData(21, 5, 25)]
    [InlineData(1_000_000, 200_000, 1_000_000)]
    public void Has_axes_that_end_at_numbers_people_would_choose(long max, long step, long top)
    {
        var axis = ChartAxis.Of(max);

        Assert.True(axis.Top >= max && axis.Ticks.Count() <= 6);
        Assert.Equal(new ChartAxis(step, top), axis);
    }

    /// <summary>A store with a run that went by itself, and one that a person was asked about.</summary>
    private static async Task<ServerWorld> WorldAsync(string tier = "fast")
    {
        var world = await StartServerAsync();
        var store = world.App.Services.GetRequiredService<IRunStore>();
        var (one, two) = (await StartAsync("r-a"), await StartAsync("r-b"));
        await AppendAsync(one, EntryKinds.BudgetReserved, new BudgetReserved("analyst", "m-1", new Spending { Calls = 1, Micros = 700 }), $"analyst/{tier}");
        await AppendAsync(one, EntryKinds.DecisionMade, Made("d-1", 0.8, true));
        await AppendAsync(one, EntryKinds.DecisionJudged, new DecisionJudged("d-1", "right"));
        await AppendAsync<object?>(one, EntryKinds.RunCompleted, null);
        await AppendAsync(two, EntryKinds.DecisionMade, Made("d-2", 0.6, false));
        await AppendAsync(two, EntryKinds.DecisionJudged, new DecisionJudged("d-2", "wrong"));
        await AppendAsync(two, EntryKinds.EscalationRaised, new EscalationRaised("analyst", tier, "person", "low_confidence", "0.6 is below 0.9"));
        await AppendAsync<object?>(two, EntryKinds.RunCompleted, null);
        return world;

        DecisionMade Made(string id, double confidence, bool stands) => new(id, "analyst", "close", Json("{}"), confidence, new Dictionary<string, double>(), [], tier, "m-1", stands);

        async Task<RunId> StartAsync(string id)
        {
            var definition = Payload.Of(Encoding.UTF8.GetBytes("{}"));
            await CommitAsync(new RunId(id), new EntryDraft { Kind = EntryKinds.RunStarted, Actor = "client:test", Body = Body.Write(new RunStarted("door", 1, RawJson.To(definition.Hash))), Payloads = [definition] });
            return new RunId(id);
        }

        Task AppendAsync<T>(RunId run, string kind, T body, string scope = "") => CommitAsync(run, new EntryDraft { Kind = kind, Scope = scope, Body = body is null ? default : Body.Write(body) });

        async Task CommitAsync(RunId run, EntryDraft draft) => Assert.Equal(CommitStatus.Committed, (await store.CommitAsync(new Commit { Run = run, Entries = [draft] }, TestContext.Current.CancellationToken)).Status);
    }

    private static Task<ServerWorld> StartServerAsync() => ServerWorld.StartAsync(configure: builder =>
    {
        var store = new InMemoryRunStore();
        builder.Services.AddSingleton<IRunControl>(new HarnessControl(store));
        builder.Services.AddSingleton<IRunStore>(store);
        builder.Services.AddSingleton(new RunQueries(store, TimeProvider.System));
    });

    private static RawJson Json(string json) => new(Encoding.UTF8.GetBytes(json));

    private static async Task<string> PageAsync(ServerWorld world, string path)
    {
        var answer = await world.As(world.Keys.Add("vera", ServerRoles.Viewer)).GetAsync(path, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.TextAsync();
    }

    [GeneratedRegex("role=\"img\"")]
    private static partial Regex Charts();

    [GeneratedRegex("role=\"img\" aria-labelledby=\"([^\"]+)\">\\s*<title id=\"\\1\">[^<]+</title>")]
    private static partial Regex ChartTitles();

    [GeneratedRegex(" id=\"[^\"]+\"")]
    private static partial Regex Ids();
}
