using System.Net;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Signalbox;
using Signalbox.Queries;
using Signalbox.Server;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace SecurityAlerts.Tests;

/// <summary>What one asks at night, each found with one command, on one page and by one search, in a store that the sample left (docs/guides/seeing.md).</summary>
public sealed partial class Seeing_what_happened
{
    /// <summary>A source that times out and a tool that does not exist.</summary>
    private static readonly string[] s_troubled = ["--misbehave", "unknown-tool", "--slow", "threats=5", "--decisions", "decisions.jsonl"];

    [Fact]
    public async Task Of_a_run_that_met_two_troubles()
    {
        using var world = new World();
        Assert.Equal(0, (await SampleProcess.RunAsync(world, s_troubled)).ExitCode);
        var run = The_command.Decisions(world).Single(alert => alert.Id == "own-08").Run;
        await using var pages = await Pages.OverAsync(world);
        await SeesTheTroublesAsync(world, pages, run);
    }

    [Fact]
    public async Task Of_a_real_alert_that_met_two_troubles()
    {
        var data = World.RealAlerts();
        using var world = new World();
        Assert.Equal(0, (await SampleProcess.RunAsync(world, [.. s_troubled, "--data", data])).ExitCode);
        var run = The_command.Decisions(world).Single(alert => alert.Id == "cloud-2017a-031").Run;
        await using var pages = await Pages.OverAsync(world);
        await SeesTheTroublesAsync(world, pages, run);
    }

    private static async Task SeesTheTroublesAsync(World world, Pages pages, string run)
    {
        var page = await pages.TextAsync($"/runs/{run}");

        // Every transition with its cause and duration.
        var visits = await CommandAsync(world, "show", run, "--only", "visits");
        Assert.Matches(@"Triage > Investigate, visit 2, .*, [\d.]+ m?s\n +because: ", visits);
        Assert.Matches(@"Decide > Escalate, visit 4, .* so far\n +because: ", visits);
        foreach (var words in new[] { "Investigate", "Decide", "Escalate", "missing: threats" })
        {
            Assert.Contains(words, page, StringComparison.Ordinal);
        }

        // What timed out.
        Assert.Matches(@"threats\(.*\): MISSING \(timed_out, 2\.\d s\)\n +timed out after 2 s\n", await CommandAsync(world, "show", run, "--only", "evidence"));
        Assert.Contains("timed out after 2 s", page, StringComparison.Ordinal);
        await FindsAsync(world, pages, run, "step.failed", "timed_out");

        // The call that the model made up.
        Assert.Matches(@"firewall_block\(.*\) of analyst/fast turn 1: REJECTED \(unknown_tool\)\n +it was told: There is no tool 'firewall_block' here\.", await CommandAsync(world, "show", run, "--only", "tools"));
        Assert.Contains("firewall_block", page, StringComparison.Ordinal);
        Assert.Contains("unknown_tool", page, StringComparison.Ordinal);
        await FindsAsync(world, pages, run, "tool.rejected", "unknown_tool");

        // Why it went to a person.
        Assert.Matches(@"analyst: strong > a person \(\w+\), .*\n +because: ", await CommandAsync(world, "show", run, "--only", "escalations"));
        Assert.Matches("strong → person \\w+ ", page);
        await FindsAsync(world, pages, run, "escalation.raised", null);

        // What the model was asked and answered, word for word.
        var said = await CommandAsync(world, "show", run, "--conversation");
        var read = await pages.TextAsync($"/runs/{run}/conversations");
        Assert.Contains("You have: login_history, threat_report", Flat(said), StringComparison.Ordinal);
        Assert.Contains("You have: login_history, threat_report", read, StringComparison.Ordinal);
        Assert.Contains("firewall_block", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_an_action_that_did_not_hold_and_of_who_approved_another()
    {
        using var world = new World();
        Assert.Equal(0, (await SampleProcess.RunAsync(world, "--leak", "203.0.113.67", "--decisions", "decisions.jsonl")).ExitCode);
        var decided = The_command.Decisions(world).Single(alert => alert.Id == "own-09").Run;
        var care = (await CommandAsync(world, "approvals")).Split('\n').Select(l => l.Split(' ')[0]).Single(r => r.StartsWith("r-", StringComparison.Ordinal) && !The_command.Decisions(world).Exists(d => d.Run == r));
        await CommandAsync(world, "approve", care, "--comment", "The customer called back.");
        await using var pages = await Pages.OverAsync(world);

        // Which action is not as it was wanted.
        var actions = await CommandAsync(world, "actions", "--action-status", "diverged", "--action-status", "undone", "--action-status", "unverified");
        Assert.Contains(decided, actions, StringComparison.Ordinal);
        Assert.Contains("203.0.113.67", actions, StringComparison.Ordinal);
        Assert.Contains("still comes in", Flat(actions), StringComparison.Ordinal);
        Assert.Contains("still comes in", await pages.TextAsync($"/runs/{decided}"), StringComparison.Ordinal);
        await FindsAsync(world, pages, decided, "action.diverged", null);

        // Who approved what.
        var approvals = await CommandAsync(world, "show", care, "--only", "approvals");
        Assert.Matches("person:[^ ]+ .*: approve, \"The customer called back\\.\"", Flat(approvals));
        Assert.Contains("The customer called back.", await pages.TextAsync($"/runs/{care}"), StringComparison.Ordinal);
        await FindsAsync(world, pages, care, "approval.answered", null);

        // Nothing that was looked at is damaged.
        Assert.Equal(0, (await SampleProcess.RunCliAsync(world, "check")).ExitCode);
    }

    /// <summary>One search finds it, on the command line and on the page alike, and leads to the run.</summary>
    private static async Task FindsAsync(World world, Pages pages, string run, string kind, string? code)
    {
        string[] filters = code is null ? ["--kind", kind, "--run", run] : ["--kind", kind, "--code", code, "--run", run];
        Assert.Contains(run, await CommandAsync(world, ["search", .. filters]), StringComparison.Ordinal);
        Assert.Contains($"/runs/{run}", await pages.HtmlAsync($"/search?kind={kind}&run={run}{(code is null ? "" : "&code=" + code)}"), StringComparison.Ordinal);
    }

    private static async Task<string> CommandAsync(World world, params string[] arguments)
    {
        var end = await SampleProcess.RunCliAsync(world, arguments);
        Assert.True(end.ExitCode == 0, $"{string.Join(' ', arguments)}\n{end.Output}{end.Errors}");
        return end.Output;
    }

    private static string Flat(string text) => Spaces().Replace(text, " ");

    [GeneratedRegex("\\s+")]
    private static partial Regex Spaces();

    /// <summary>The dashboard over a store that nobody owns any more.</summary>
    private sealed class Pages(WebApplication app, SqliteRunAccess access, SqliteIndex index, HttpClient client) : IAsyncDisposable
    {
        public static async Task<Pages> OverAsync(World world)
        {
            var path = world.Path_("signalbox.db");
            var access = await SqliteRunAccess.OpenAsync(path);
            var index = new SqliteIndex(path, access.Reader);
            await index.CatchUpAsync();
            var (key, text) = ApiKey.Create(Entropy.System, "vera", isMachine: false, [ServerRoles.Viewer], TimeProvider.System.GetUtcNow(), null);
            var builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.UseTestServer();
            builder.Logging.ClearProviders();
            builder.Services.AddDataProtection().UseEphemeralDataProtectionProvider();
            builder.Services.AddSingleton(new RunQueries(access.Reader, TimeProvider.System, index));
            builder.Services.AddSingleton<IRunControl>(access);
            builder.Services.AddSingleton<IKeySource>(new OneKey(key));
            builder.Services.AddSingleton(new LogTail(access.Reader, TimeProvider.System));
            builder.Services.AddSignalboxServer();
            var app = builder.Build();
            app.MapSignalbox();
            await app.StartAsync();
            var client = app.GetTestServer().CreateClient();
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", text);
            return new(app, access, index, client);
        }

        public async Task<string> HtmlAsync(string path)
        {
            using var answer = await client.GetAsync(path);
            var html = await answer.Content.ReadAsStringAsync();
            Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{path}: {answer.StatusCode} {html}");
            return html;
        }

        public async Task<string> TextAsync(string path) => Flat(WebUtility.HtmlDecode(Regex.Replace(await HtmlAsync(path), "<[^>]*>", " ")));

        public async ValueTask DisposeAsync()
        {
            client.Dispose();
            await app.DisposeAsync();
            await index.DisposeAsync();
            await access.DisposeAsync();
        }
    }

    private sealed class OneKey(ApiKey key) : IKeySource
    {
        public string Place => "memory";

        public IReadOnlyList<ApiKey> Keys() => [key];
    }
}
