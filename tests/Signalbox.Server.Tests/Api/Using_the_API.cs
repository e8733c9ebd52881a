using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Signalbox.Storage;

namespace Signalbox.Server.Tests.Api;

public sealed class Using_the_API
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static HttpRequestMessage Start(object body, string? key = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/runs") { Content = JsonContent.Create(body) };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return request;
    }

    [Theory]
    [InlineData("POST", "/box/api/v1/runs", "text/plain", 415, "application/json")]
    [InlineData("POST", "/box/api/v1/runs/r-1/answers", "application/x-www-form-urlencoded", 415, "application/json")]
    [InlineData("DELETE", "/box/api/v1/runs/r-1", null, 405, "GET")]
    [InlineData("GET", "/box/api/v1/runs/r-1/cancel", null, 405, "POST")]
    [InlineData("GET", "/box/api/v1/runs/r-1/nothing", null, 404, "openapi/v1.json")]
    public async Task Says_what_keeps_a_request_from_every_route(string method, string path, string? type, int status, string says)
    {
        await using var world = await Alerts.StartAsync(prefix: "/box");
        using var client = world.As(world.Keys.Add("ada", ServerRoles.Admin));
        using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = type is null ? null : new StringContent("{}", new System.Net.Http.Headers.MediaTypeHeaderValue(type)) };

        using var response = await client.SendAsync(request, Ct);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(says, (await response.JsonAsync()).GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Equal(status == 405 ? [says] : [], response.Content.Headers.Allow);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Starts_a_run_once_for_one_key(bool inSqlite)
    {
        var folder = Directory.CreateTempSubdirectory("signalbox-api-");
        try
        {
            await using var world = await Alerts.StartAsync(store: inSqlite ? Path.Combine(folder.FullName, "store.db") : null, prefix: "/box");

            var text = inSqlite
                ? (await new Sqlite.KeyFile(Path.Combine(folder.FullName, "store.db")).AddAsync("ci", true, [ServerRoles.Operator], TimeProvider.System.GetUtcNow())).Text
                : world.Keys.Add("ci", true, null, ServerRoles.Operator);
            using var client = world.As(text);
            var body = new { workflow = "alert", @case = new { ip = "192.0.2.7" }, labels = new { site = "<b>lab</b>" } };

            HttpRequestMessage Request()
            {
                var request = Start(body, "k-1");
                request.RequestUri = new Uri("/box/api/v1/runs", UriKind.Relative);
                return request;
            }

            using var first = await client.SendAsync(Request(), Ct);
            using var second = await client.SendAsync(Request(), Ct);

            Assert.Equal(HttpStatusCode.Created, first.StatusCode);
            Assert.Equal(HttpStatusCode.OK, second.StatusCode);
            var run = (await first.JsonAsync()).GetProperty("run").GetString();
            Assert.Equal($"/box/api/v1/runs/{run}", first.Headers.Location!.OriginalString);
            Assert.Equal(run, (await second.JsonAsync()).GetProperty("run").GetString());
            var shown = (await (await client.GetAsync(first.Headers.Location, Ct)).JsonAsync()).GetProperty("run");
            Assert.Equal("k-1", shown.GetProperty("key").GetString());
            Assert.Equal("<b>lab</b>", shown.GetProperty("labels").GetProperty("site").GetString());
            Assert.Equal("key:ci", (await world.Client.Store.ReadAsync(new RunId(run!), 0, 1, Ct))[0].Actor);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("""{"workflow":"alert","case":{}}""", HttpStatusCode.UnprocessableEntity, "case_unfit")]
    [InlineData("""{"workflow":"alert","case":{"ip":7}}""", HttpStatusCode.UnprocessableEntity, "case_unfit")]
    [InlineData("""{"workflow":"alert","case":{"ip":"192.0.2.7","levle":2}}""", HttpStatusCode.UnprocessableEntity, "case_unfit")]
    [InlineData("""{"workflow":"alert","case":null}""", HttpStatusCode.UnprocessableEntity, "case_unfit")]
    [InlineData("""{"workflow":"other","case":{}}""", HttpStatusCode.NotFound, "definition_not_found")]
    [InlineData("""{"workflow":"signalbox.watch:block-ip","case":{}}""", HttpStatusCode.NotFound, "definition_not_found")]
    [InlineData("""{"workflow":"alert"}""", HttpStatusCode.BadRequest, "request_invalid")]
    [InlineData("""{"workflow":"alert","case":{},"who":"me"}""", HttpStatusCode.BadRequest, "request_invalid")]
    [InlineData("""{"workflow":"alert","case":{"ip":"192.0.2.7"},"labels":{"site":null}}""", HttpStatusCode.BadRequest, "request_invalid")]
    [InlineData("""{"workflow":"alert","case":{"ip":"\ud800"}}""", HttpStatusCode.BadRequest, "request_invalid")]
    [InlineData("null", HttpStatusCode.BadRequest, "request_invalid")]
    [InlineData("{", HttpStatusCode.BadRequest, "request_invalid")]
    public async Task Starts_nothing_that_does_not_fit(string body, HttpStatusCode status, string code)
    {
        await using var world = await Alerts.StartAsync();
        using var client = world.As(world.Keys.Add("anna", ServerRoles.Operator));

        using var answer = await client.PostAsync("/api/v1/runs", new StringContent(body, System.Text.Encoding.UTF8, "application/json"), Ct);

        Assert.Equal(code, await answer.CodeAsync(status));
        Assert.DoesNotContain("Signalbox.", (await answer.JsonAsync()).GetProperty("detail").GetString()!, StringComparison.Ordinal);
        Assert.Empty(await world.Client.ListAsync(new(), Ct));
    }

    [Theory]
    [InlineData("signals", """{"name":"go","value":"\udc00"}""")]
    [InlineData("signals", """{"name":"go","value":{"\ud800":1}}""")]
    [InlineData("answers", """{"choice":"edit","hash":"0","edited":["\ud800"]}""")]
    [InlineData("release", """{"verb":7}""")]
    [InlineData("release", """{"verb":"forgive"}""")]
    public async Task Sends_nothing_that_cannot_be_kept_or_is_no_command(string route, string body)
    {
        await using var world = await Alerts.StartAsync();
        var run = await world.AskAsync();
        using var client = world.As(world.Keys.Add("anna", ServerRoles.Admin));
        var before = (await world.Client.Store.ReadAsync(run, 0, 1000, Ct)).Count;

        using var answer = await client.PostAsync($"/api/v1/runs/{run}/{route}", new StringContent(body, System.Text.Encoding.UTF8, "application/json"), Ct);

        Assert.Equal("request_invalid", await answer.CodeAsync(HttpStatusCode.BadRequest));
        Assert.Equal(before, (await world.Client.Store.ReadAsync(run, 0, 1000, Ct)).Count);
    }

    [Fact]
    public async Task Takes_every_time_of_the_calendar()
    {
        var folder = Directory.CreateTempSubdirectory("signalbox-api-");
        try
        {
            var store = Path.Combine(folder.FullName, "store.db");
            await using var world = await Alerts.StartAsync(store: store);
            var run = await world.AskAsync();
            using var client = world.As((await new Sqlite.KeyFile(store).AddAsync("ada", false, [ServerRoles.Viewer], TimeProvider.System.GetUtcNow())).Text);
            const string All = "since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59.9999999Z";

            var runs = (await (await client.GetAsync($"/api/v1/runs?{All}", Ct)).JsonAsync()).GetProperty("runs");

            Assert.Equal(run.Value, Assert.Single(runs.EnumerateArray()).GetProperty("run").GetString());
            foreach (var path in new[] { "/api/v1/search?q=alert&", "/api/v1/search?q=alert&since=9999-12-31T23:59:59.9999999Z&", "/api/v1/statistics?", "/?", "/search?q=alert&", "/statistics?" })
            {
                using var answer = await client.GetAsync(path.Contains("since", StringComparison.Ordinal) ? path : path + All, Ct);
                Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{path}: {(int)answer.StatusCode} {await answer.TextAsync()}");
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Theory]
    [InlineData("""{"a":"\ud83d\ude00","b":1}""", """{"a":"\uD83D\uDE00","b":1}""")]
    [InlineData("""{"a":"\ud83d"}""", "\"{\\u0022a\\u0022:\\u0022\\\\ud83d\\u0022}\"")]
    [InlineData("""{"\uDC00":1}""", "\"{\\u0022\\\\uDC00\\u0022:1}\"")]
    [InlineData("no JSON", "\"no JSON\"")]
    public void Shows_stored_JSON_as_a_text_where_it_cannot_be_written_anew(string stored, string shown) =>
        Assert.Equal(shown, JsonSerializer.Serialize(new Signalbox.Journal.RawJson(System.Text.Encoding.UTF8.GetBytes(stored)), Signalbox.Server.Api.ApiJson.Options));

    [Fact]
    public async Task Answers_a_question_with_the_hash_that_was_shown()
    {
        await using var world = await Alerts.StartAsync();
        var run = await world.AskAsync();
        using var client = world.As(world.Keys.Add("anna", ServerRoles.Approver));
        using var machine = world.As(world.Keys.Add("ci", true, null, ServerRoles.Approver));
        var question = (await (await client.GetAsync("/api/v1/approvals", Ct)).JsonAsync()).GetProperty("approvals")[0];
        var hash = question.GetProperty("hash").GetString();
        var path = $"/api/v1/runs/{run}/answers";

        Assert.Equal("hash_missing", await (await client.PostAsJsonAsync(path, new { choice = "approve" }, Ct)).CodeAsync(HttpStatusCode.UnprocessableEntity));
        Assert.Equal("approval_stale", await (await client.PostAsJsonAsync(path, new { choice = "approve", hash = new string('0', 64) }, Ct)).CodeAsync(HttpStatusCode.Conflict));
        Assert.Equal("approval_not_a_person", await (await machine.PostAsJsonAsync(path, new { choice = "approve", hash }, Ct)).CodeAsync(HttpStatusCode.Forbidden));
        Assert.Empty(world.Blocked());
        using var answer = await client.PostAsJsonAsync(path, new { choice = "approve", hash, comment = "<script>" }, Ct);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(RunStatus.Completed, (await world.Client.WaitForEndAsync(run, Ct)).Status);
        Assert.Equal(["192.0.2.7"], world.Blocked());
        var approval = (await (await client.GetAsync($"/api/v1/runs/{run}/approvals", Ct)).JsonAsync())[0];
        Assert.Contains(approval.GetProperty("answers").EnumerateArray(), a => a.GetProperty("actor").GetString() == "person:anna" && a.TryGetProperty("comment", out var comment) && comment.GetString() == "<script>");
        Assert.Equal("approval_not_open", await (await client.PostAsJsonAsync(path, new { choice = "approve", hash }, Ct)).CodeAsync(HttpStatusCode.Conflict));
    }

    [Fact]
    public async Task Takes_an_approval_along_with_the_key_that_is_revoked_before_it_is_consumed()
    {
        await using var world = await Alerts.StartAsync();
        var run = await world.AskAsync("203.0.113.9"); // two have to approve
        using var anna = world.As(world.Keys.Add("anna", ServerRoles.Approver));
        using var otto = world.As(world.Keys.Add("otto", ServerRoles.Approver));
        var hash = (await (await anna.GetAsync("/api/v1/approvals", Ct)).JsonAsync()).GetProperty("approvals")[0].GetProperty("hash").GetString();
        Assert.Equal(HttpStatusCode.OK, (await anna.PostAsJsonAsync($"/api/v1/runs/{run}/answers", new { choice = "approve", hash }, Ct)).StatusCode);

        world.Keys.Revoke("anna");
        Assert.Equal(HttpStatusCode.OK, (await otto.PostAsJsonAsync($"/api/v1/runs/{run}/answers", new { choice = "approve", hash }, Ct)).StatusCode);

        await world.Client.WaitUntilSettledAsync(run, Ct);
        Assert.Empty(world.Blocked());
    }

    [Fact]
    public async Task Lists_every_run_once_while_others_start()
    {
        await using var world = await Alerts.StartAsync();
        using var client = world.As(world.Keys.Add("anna", ServerRoles.Viewer));
        var before = new List<string>();
        for (var i = 0; i < 7; i++)
        {
            before.Add((await world.AskAsync($"192.0.2.{i}")).Value);
        }

        var listed = new List<string>();
        for (var next = ""; ;)
        {
            var page = await (await client.GetAsync($"/api/v1/runs?limit=2{next}", Ct)).JsonAsync();
            listed.AddRange(page.GetProperty("runs").EnumerateArray().Select(r => r.GetProperty("run").GetString()!));
            await world.AskAsync($"198.51.100.{listed.Count}");
            if (!page.TryGetProperty("next", out var after))
            {
                break;
            }

            next = $"&after={after.GetString()}";
        }

        Assert.Equal(before.AsEnumerable().Reverse(), listed);
    }

    [Fact]
    public async Task Goes_on_after_the_last_event_that_was_read()
    {
        await using var world = await Alerts.StartAsync();
        using var client = world.As(world.Keys.Add("anna", ServerRoles.Viewer));
        var run = await world.AskAsync();
        var first = await ReadAsync(client, "/api/v1/events?after=0", null, count: 3);
        var other = await world.AskAsync("192.0.2.8");
        var end = (await world.Client.Store.ReadLogAsync(0, 1000, Ct)).Count;

        var rest = await ReadAsync(client, "/api/v1/events?after=0", first[^1], end - 3);

        Assert.Equal(Enumerable.Range(1, end).Select(i => (long)i), first.Concat(rest));
        var own = (await world.Client.Store.ReadAsync(other, 0, 1000, Ct)).Select(e => e.Position).ToArray();
        Assert.Equal(own, await ReadAsync(client, $"/api/v1/events?run={other}&after=0", null, own.Length));
        Assert.Equal(own[1..], await ReadAsync(client, $"/api/v1/events?run={other}&after={own[0]}", null, own.Length - 1));
        Assert.Equal("run_not_found", await (await client.GetAsync("/api/v1/events?run=r-nothing", Ct)).CodeAsync(HttpStatusCode.NotFound));
        Assert.NotEqual(run, other);
    }

    [Fact]
    public async Task Hears_that_the_connection_lives_while_only_others_go_on()
    {
        await using var world = await Dashboard.AskingWorld.StartAsync();
        var run = await world.AskAsync(new Dashboard.Errand(Question: "Close it?"));
        using var client = world.Server.As(world.Server.Keys.Add("anna", ServerRoles.Viewer));
        using var own = await client.GetAsync($"/api/v1/events?run={run}", HttpCompletionOption.ResponseHeadersRead, Ct);
        using var all = await client.GetAsync("/api/v1/events", HttpCompletionOption.ResponseHeadersRead, Ct);
        using var ofRun = new StreamReader(await own.Content.ReadAsStreamAsync(Ct));
        using var ofAll = new StreamReader(await all.Content.ReadAsStreamAsync(Ct));
        await HearAsync(ofRun, "event: beat"); // it is connected
        await HearAsync(ofAll, "event: beat");

        for (var beats = 0; beats < 3; beats++)
        {
            for (var seconds = 0; seconds < 18; seconds += 6)
            {
                world.Harness.Clock.Advance(TimeSpan.FromSeconds(6));
                await world.Harness.Client().StartAsync("desk", new Dashboard.Errand(Question: "And this?"));
                await HearAsync(ofAll, $"id: {await world.Harness.Store.FindLogEndAsync(cancellationToken: Ct)}");
            }

            await HearAsync(ofRun, "event: beat");
        }

        static async Task HearAsync(StreamReader stream, string wanted)
        {
            string? line;
            do
            {
                line = await stream.ReadLineAsync(Ct).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Ct);
                Assert.NotNull(line);
            }
            while (line != wanted);
        }
    }

    [Fact]
    public async Task Opens_only_so_many_event_streams()
    {
        await using var world = await Alerts.StartAsync(o => o.StreamsPerCallerMax = 2);
        using var client = world.As(world.Keys.Add("anna", ServerRoles.Viewer));
        using var one = await client.GetAsync("/api/v1/events", HttpCompletionOption.ResponseHeadersRead, Ct);
        using var two = await client.GetAsync("/api/v1/events", HttpCompletionOption.ResponseHeadersRead, Ct);

        Assert.Equal("too_many_streams", await (await client.GetAsync("/api/v1/events", Ct)).CodeAsync(HttpStatusCode.TooManyRequests));
    }

    [Fact]
    public async Task Keeps_hostile_text_as_data()
    {
        const string Hostile = "</script><img src=x onerror=alert(1)>\u001b[31m\u202e\"'\\\r\n=HYPERLINK(1)\ndata: x\n\nid: 9";
        await using var world = await Alerts.StartAsync();
        using var client = world.As(world.Keys.Add("anna", ServerRoles.Viewer));
        var run = (await world.Client.StartAsync("alert", new AlertCase("192.0.2.7", Note: Hostile), labels: new Dictionary<string, string> { ["site"] = Hostile })).Run;
        await world.Client.CancelAsync(run, Hostile, Ct);

        foreach (var path in new[] { $"runs/{run}", "runs", $"runs/{run}/entries", $"runs/{run}/visits", $"runs/{run}/timeline" })
        {
            using var answer = await client.GetAsync($"/api/v1/{path}", Ct);
            var text = await answer.TextAsync();
            Assert.Equal("application/json", answer.Content.Headers.ContentType!.MediaType);
            Assert.DoesNotContain('<', text);
            Assert.DoesNotContain('\u001b', text);
            Assert.DoesNotContain('\u202e', text);
            Assert.DoesNotContain('\n', text);
        }

        var entries = (await (await client.GetAsync($"/api/v1/runs/{run}/entries", Ct)).JsonAsync()).GetProperty("entries").EnumerateArray().ToArray();
        Assert.Contains(entries, e => e.GetProperty("cause").GetString() == Hostile);
        Assert.Contains(entries, e => e.TryGetProperty("body", out var body) && body.TryGetProperty("case", out var @case) && @case.GetProperty("note").GetString() == Hostile);
        var count = (await world.Client.Store.ReadAsync(run, 0, 1000, Ct)).Count;
        Assert.True((await ReadAsync(client, "/api/v1/events?after=0&bodies=true", null, 3)).Count == 3 && count >= 3);
    }

    [Fact]
    public async Task Is_told_of_route_by_route_in_the_documentation()
    {
        await using var world = await Alerts.StartAsync();
        var routes = ((IEndpointRouteBuilder)world.App).DataSources.SelectMany(s => s.Endpoints).Cast<RouteEndpoint>()
            .Where(e => e.RoutePattern.RawText!.TrimStart('/').StartsWith("api/v1", StringComparison.Ordinal) && !e.RoutePattern.RawText.Contains("**", StringComparison.Ordinal))
            .SelectMany(e => e.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods.Select(m =>
                $"| `{m} /{Regex.Replace(e.RoutePattern.RawText!.TrimStart('/'), ":[a-z]+", "")}` | {e.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(a => a.Policy!).Last(p => p is not null).Replace("Signalbox.", "", StringComparison.Ordinal)} |"))
            .Order(StringComparer.Ordinal).ToArray();

        var told = File.ReadLines(Path.Combine(Root(), "docs", "http-api.md")).Where(l => l.StartsWith("| `", StringComparison.Ordinal)).Order(StringComparer.Ordinal);

        Assert.Equal(routes, told);
        using var client = world.As(world.Keys.Add("anna", ServerRoles.Viewer));
        var description = await (await client.GetAsync("/openapi/v1.json", Ct)).JsonAsync();
        var described = description.GetProperty("paths").EnumerateObject().SelectMany(p => p.Value.EnumerateObject().Select(o => (Path: p.Name, Operation: o.Value))).ToArray();
        Assert.Equal(routes.Length, described.Length);
        Assert.All(described, d => Assert.All(new[] { "401", "403", "429", "503" }, s => Assert.True(d.Operation.GetProperty("responses").TryGetProperty(s, out _), $"{d.Path} {s}")));
        Assert.Equal(["key", "login"], description.GetProperty("components").GetProperty("securitySchemes").EnumerateObject().Select(s => s.Name).Order());
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Signalbox.slnx")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return folder;
    }

    /// <summary>The ids of so many events of a stream, and then the connection is dropped.</summary>
    private static async Task<List<long>> ReadAsync(HttpClient client, string path, long? lastId, int count)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (lastId is not null)
        {
            request.Headers.Add("Last-Event-ID", $"{lastId}");
        }

        using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType!.MediaType);
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(Ct));
        var ids = new List<long>();
        while (ids.Count < count && await reader.ReadLineAsync(Ct).AsTask().WaitAsync(TimeSpan.FromSeconds(30), Ct) is { } line)
        {
            if (line.StartsWith("data: {\"position\":", StringComparison.Ordinal))
            {
                using var data = JsonDocument.Parse(line[6..]);
                ids.Add(data.RootElement.GetProperty("position").GetInt64());
            }
        }

        return ids;
    }
}
