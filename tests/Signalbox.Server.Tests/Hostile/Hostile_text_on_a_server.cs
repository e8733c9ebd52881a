using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Signalbox.Server.Tests.Dashboard;

namespace Signalbox.Server.Tests.Hostile;

/// <summary>Every page and every route over journals in which every field is hostile: shown as text, bounded, and nothing breaks.</summary>
public sealed partial class Hostile_text_on_a_server(HostileWorld world) : IClassFixture<HostileWorld>
{
    /// <summary>The pages of one entry show it whole; no other page grows with what a model says.</summary>
    private const int PageCharactersMax = 1_500_000;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static string[] Pages => ["/", "/?status=Held", "/approvals", "/claims", "/search", "/statistics", "/system", "/login"];

    private async Task<Browser> LogInAsync()
    {
        var browser = world.Server.Browser();
        using var answer = await browser.LogInAsync(world.Server.Keys.Add("person" + Guid.NewGuid().ToString("N"), ServerRoles.Admin));
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        return browser;
    }

    private static async Task<string> LookAsync(Browser browser, string path)
    {
        using var answer = await browser.GetAsync(path);
        var html = await answer.TextAsync();
        Assert.True((int)answer.StatusCode is 200 or 400 or 404, $"{path}: {(int)answer.StatusCode}: {html[..Math.Min(2000, html.Length)]}");
        Assert.Equal("text/html", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
        StrictHtml.Check(html, path);
        Page.Check(html);
        return html;
    }

    [Fact]
    public async Task Is_text_on_every_page_of_every_run_and_wherever_they_lead()
    {
        using var browser = await LogInAsync();
        var left = new Queue<string>(Pages.Concat(world.Runs.Select(r => $"/runs/{r}")));
        var faults = new List<string>();
        var seen = new HashSet<string>(left, StringComparer.Ordinal);
        while (left.TryDequeue(out var path))
        {
            string html;
            try
            {
                html = await LookAsync(browser, path);
                Assert.True(html.Length < PageCharactersMax || (IsWhole().IsMatch(path) && html.Length < 20_000_000), $"{path} has {html.Length} characters");
            }
            catch (Xunit.Sdk.XunitException e)
            {
                faults.Add(e.Message);
                continue;
            }

            foreach (Match link in Link().Matches(html))
            {
                var to = WebUtility.HtmlDecode(link.Groups[1].Value).Split('#')[0];
                if (to.StartsWith('/') && !to.StartsWith("/assets/", StringComparison.Ordinal) && IsWanted(to) && seen.Add(to))
                {
                    left.Enqueue(to);
                }
            }
        }

        Assert.True(faults.Count == 0, $"{faults.Count} of {seen.Count} pages: {string.Join('\n', faults.Take(20))}");
        Assert.True(seen.Count > 500, $"Only {seen.Count} pages were found.");
        foreach (var kind in new[] { "/entries/", "/conversations", "/approvals/", "/?" })
        {
            Assert.True(seen.Any(p => p.Contains(kind, StringComparison.Ordinal)), $"No page led to one with '{kind}'.");
        }
    }

    /// <summary>Of the runs that went through every trouble alike, those of a few texts.</summary>
    private static bool IsWanted(string path) => !path.Contains("/r-ends", StringComparison.Ordinal) || !path.Contains("/entries/", StringComparison.Ordinal);

    [Fact]
    public async Task Is_found_by_its_words_and_shown_as_text()
    {
        using var browser = await LogInAsync();
        for (var i = 0; i < HostileTexts.All.Count; i++)
        {
            var found = await LookAsync(browser, $"/search?q={HostileTexts.Word}{i}&run=r-asks{i}");
            Assert.Contains($"/runs/r-asks{i}", found, StringComparison.Ordinal);
            Assert.Contains($"{HostileTexts.Word}{i}", Page.TextOf(found), StringComparison.Ordinal);
            await LookAsync(browser, "/search?q=" + Escaped(HostileTexts.All[i]));
            await LookAsync(browser, $"/search?q=x&workflow={Escaped(HostileTexts.All[i])}&state={Escaped(HostileTexts.All[i])}&kind={Escaped(HostileTexts.All[i])}&label={Escaped(HostileTexts.All[i])}&agent={Escaped(HostileTexts.All[i])}&since={Escaped(HostileTexts.All[i])}&after={Escaped(HostileTexts.All[i])}&run={Escaped(HostileTexts.All[i])}");
        }
    }

    [Fact]
    public async Task Is_text_where_a_browser_sends_it()
    {
        using var browser = await LogInAsync();
        foreach (var text in HostileTexts.All.Append(HostileTexts.Long[..4_000]).Select(InPath))
        {
            foreach (var path in new[]
                     {
                         $"/?status={text}", $"/?workflow={text}&label={text}&state={text}&after={text}&q={text}", $"/runs/{text}", $"/runs/r-done/conversations?scope={text}", $"/runs/r-done/entries?from={text}", $"/runs/r-done?visit={text}&from={text}",
                         $"/approvals/{text}?step={text}", $"/approvals/r-asks0?step={text}&full={text}", $"/claims?resource={text}&run={text}&phase={text}", $"/statistics?since={text}&workflow={text}&until={text}", $"/login?back={text}",
                     })
            {
                using var answer = await browser.GetAsync(path);
                if (answer.StatusCode is HttpStatusCode.Redirect or HttpStatusCode.BadRequest && answer.Content.Headers.ContentType is null)
                {
                    continue;
                }

                if (answer.Content.Headers.ContentType is null)
                {
                    Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode); // no route has such a path
                    continue;
                }

                await LookAsync(browser, path);
            }
        }
    }

    [Fact]
    public async Task Is_data_in_every_answer_of_the_API()
    {
        using var client = world.Server.As(world.Server.Keys.Add("anna", ServerRoles.Admin));
        var patterns = ((IEndpointRouteBuilder)world.Server.App).DataSources.SelectMany(s => s.Endpoints).Cast<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<ApiRoute>() is not null && e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains("GET") != false).Select(e => "/" + e.RoutePattern.RawText!.TrimStart('/')).Distinct().ToArray();
        Assert.True(patterns.Length > 20, string.Join(' ', patterns));
        var fingerprint = (await world.Store.FindAsync(new RunId("r-asks0"), Ct))!.Row.Fingerprint;
        foreach (var pattern in patterns.Where(p => !p.EndsWith("/events", StringComparison.Ordinal) && !p.Contains("**", StringComparison.Ordinal)))
        {
            foreach (var run in pattern.Contains("{run}", StringComparison.Ordinal) ? world.Runs : [new RunId("r-none")])
            {
                var path = pattern.Replace("{run}", run.Value, StringComparison.Ordinal).Replace("{seq:long}", "3", StringComparison.Ordinal).Replace("{fingerprint}", fingerprint, StringComparison.Ordinal).Replace("{documentName}", "v1", StringComparison.Ordinal);
                await AskAsync(client, path.EndsWith("/search", StringComparison.Ordinal) ? path + "?q=" + HostileTexts.Word + "*" : path);
            }
        }

        for (var seq = 0; seq < 70; seq++)
        {
            await AskAsync(client, $"/api/v1/runs/r-asks5/entries/{seq}");
        }

        foreach (var text in HostileTexts.All.Select(InPath))
        {
            await AskAsync(client, $"/api/v1/search?q={text}");
            await AskAsync(client, $"/api/v1/runs?label={text}&workflow={text}&status={text}");
            await AskAsync(client, $"/api/v1/runs?after={text}");
            await AskAsync(client, $"/api/v1/claims?resource={text}");
            await AskAsync(client, $"/api/v1/definitions/{text.Replace("%00", "", StringComparison.Ordinal)}"); // no server takes a path with it
        }
    }

    private static async Task AskAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(path, Ct);
        var text = await answer.TextAsync();
        Assert.True((int)answer.StatusCode < 500, $"{path}: {(int)answer.StatusCode} {text[..Math.Min(text.Length, 1000)]}");
        Assert.True(answer.Content.Headers.ContentType?.MediaType is "application/json" or "application/problem+json", $"{path}: {answer.Content.Headers.ContentType} {(int)answer.StatusCode}");
        Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
        Assert.True(HostileTexts.Steers(text) is null && !text.Contains('<', StringComparison.Ordinal), $"{path}: {HostileTexts.Steers(text)}");
        using var json = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 200 });

        // What a run's own routes and the inbox give is bounded by what stands in journals, and that of one run has lines of a megabyte.
        Assert.True(text.Length < (path.Contains("r-long", StringComparison.Ordinal) || path.EndsWith("/approvals", StringComparison.Ordinal) ? 100_000_000 : 4_000_000), $"{path} has {text.Length} characters");
    }

    [Fact]
    public async Task Makes_no_event_of_its_own()
    {
        using var client = world.Server.As(world.Server.Keys.Add("events", ServerRoles.Viewer));
        var end = 0L;
        for (IReadOnlyList<Journal.Entry> page; (page = await world.Store.ReadLogAsync(end, 1000, Ct)).Count > 0;)
        {
            end = page[^1].Position;
        }

        using var answer = await client.GetAsync("/api/v1/events?after=0&bodies=true", HttpCompletionOption.ResponseHeadersRead, Ct);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType!.MediaType);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(Ct));
        var (last, name, data) = (0L, "", "");
        while (last < end && await reader.ReadLineAsync(Ct).AsTask().WaitAsync(TimeSpan.FromSeconds(60), Ct) is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal))
            {
                name = line[7..];
            }
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                Assert.Equal("", data);
                data = line[6..];
            }
            else if (line.StartsWith("id: ", StringComparison.Ordinal))
            {
                var id = long.Parse(line[4..], System.Globalization.CultureInfo.InvariantCulture);
                Assert.Equal(last + 1, id);
                last = id;
            }
            else
            {
                Assert.Equal("", line);
                Assert.True(name is "entry" or "beat", name);
                using var json = JsonDocument.Parse(data, new JsonDocumentOptions { MaxDepth = 200 });
                Assert.True(name != "entry" || json.RootElement.GetProperty("position").GetInt64() == last + (data.Contains($"\"position\":{last},", StringComparison.Ordinal) ? 0 : 1));
                data = "";
            }
        }

        Assert.Equal(end, last);
    }

    [Fact]
    public async Task Is_text_in_the_answer_to_a_form()
    {
        using var browser = await LogInAsync();
        foreach (var text in HostileTexts.All)
        {
            var token = await browser.TokenOfAsync("/runs/r-done");
            foreach (var (path, fields) in new[]
                     {
                         ("/runs/r-done", new[] { ("command", "cancel"), ("text", text) }),
                         ("/runs/r-done", [("command", "release"), ("verb", text), ("text", text)]),
                         ("/runs/r-done", [("command", "judge"), ("verb", "right"), ("decision", text), ("text", text)]),
                         ("/approvals/r-asks0", [("choice", text), ("hash", text), ("comment", text), ("edited", text), ("asked", text)]),
                     })
            {
                using var answer = await browser.PostAsync(path, [("__RequestVerificationToken", token), .. fields]);
                var html = await answer.TextAsync();
                Assert.True((int)answer.StatusCode < 500, $"{path}: {(int)answer.StatusCode} {html}");
                StrictHtml.Check(html, path);
                Page.Check(html);
            }
        }
    }

    /// <summary>Without what no server takes in a path.</summary>
    private static string InPath(string text) => Escaped(text.Replace("\0", "", StringComparison.Ordinal).Replace("%00", "", StringComparison.Ordinal));

    /// <summary>As a browser sends it; half a character goes as the replacement character.</summary>
    private static string Escaped(string text) => Uri.EscapeDataString(new string([.. text.Select((c, i) => char.IsSurrogate(c) && !char.IsSurrogatePair(text, Math.Min(i, text.Length - 2)) && (i == 0 || !char.IsSurrogatePair(text, i - 1)) ? '\uFFFD' : c)]));

    [GeneratedRegex("""(?:href|action)="([^"]*)"(?![^>]*method="post")""")]
    private static partial Regex Link();

    [GeneratedRegex("/entries/[0-9]+$|[?&]full=1|/conversations")]
    private static partial Regex IsWhole();
}
