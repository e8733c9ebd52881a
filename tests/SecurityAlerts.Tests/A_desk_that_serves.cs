using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace SecurityAlerts.Tests;

/// <summary>Worker, dashboard, API, metrics and health in one process: <c>--serve</c>, as its user meets it.</summary>
public sealed partial class A_desk_that_serves : IDisposable
{
    private const string AnyPort = "http://127.0.0.1:0";

    private readonly World _world = new();

    public void Dispose() => _world.Dispose();

    [Fact]
    public async Task Carries_out_itself_what_is_answered_over_http()
    {
        await using var desk = SampleProcess.Start(_world, "--serve", AnyPort);
        using var http = new HttpClient { BaseAddress = await UrlAsync(desk) };
        var makes = await desk.UntilItSaysAsync("There is no key yet, so nobody is let in. Make one: dotnet run --project src/Signalbox.Cli -- keys add ");
        await desk.UntilItSaysAsync("Staying: answers are carried out as they come; questions to people are at /approvals of the dashboard; Ctrl-C ends.");
        Assert.Equal(HttpStatusCode.Unauthorized, (await http.GetAsync("/api/v1/runs")).StatusCode);

        var made = await SampleProcess.RunCliAsync(_world, makes[(makes.IndexOf(" -- ", StringComparison.Ordinal) + 4)..].Split(' '));
        Assert.Equal(0, made.ExitCode);
        http.DefaultRequestHeaders.Authorization = new("Bearer", made.Output.Trim());
        var question = (await http.GetFromJsonAsync<JsonElement>("/api/v1/runs?asksAPerson=true")).GetProperty("runs").EnumerateArray().First(run => run.GetProperty("key").GetString() == "own-08");
        var answered = await http.PostAsJsonAsync($"/api/v1/runs/{question.GetProperty("run").GetString()}/answers", new { choice = "block_ip", comment = "Not our colleague." });

        Assert.True(answered.IsSuccessStatusCode, await answered.Content.ReadAsStringAsync());
        await desk.UntilItSaysAsync("own-08: block_ip, decided by person:");
        Assert.Contains("192.0.2.201", _world.Read("deny.list"), StringComparison.Ordinal);
        Assert.Equal("Healthy\n", await http.GetStringAsync("/health/ready"));
        Assert.Contains("signalbox_approvals_answered_total", await UntilAsync(() => http.GetStringAsync("/metrics"), text => text.Contains("signalbox_approvals_answered_total", StringComparison.Ordinal)), StringComparison.Ordinal);
        var found = await UntilAsync(() => http.GetStringAsync("/api/v1/search?q=192.0.2.201"), text => text.Contains("own-08", StringComparison.Ordinal));
        Assert.Contains("block_address", found, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shows_its_runs_to_a_person_who_has_logged_in()
    {
        await using var desk = SampleProcess.Start(_world, "--serve", AnyPort);
        using var browser = new HttpClient(new SocketsHttpHandler { CookieContainer = new(), UseCookies = true }) { BaseAddress = await UrlAsync(desk) };
        await desk.UntilItSaysAsync("Staying");
        var key = (await SampleProcess.RunCliAsync(_world, "keys", "add", "anna", "--role", "admin")).Output.Trim();
        var login = await browser.GetStringAsync("/");

        var answer = await browser.PostAsync("/login", new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["key"] = key,
            ["back"] = "/",
            ["__RequestVerificationToken"] = AntiforgeryToken().Match(login).Groups[1].Value,
        }));

        var page = await answer.Content.ReadAsStringAsync();
        Assert.Equal((HttpStatusCode.OK, "/"), (answer.StatusCode, answer.RequestMessage!.RequestUri!.AbsolutePath));
        Assert.Contains("own-08", page, StringComparison.Ordinal);
        Assert.Contains("Transitions", await browser.GetStringAsync(RunLink().Match(page).Value), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ends_in_good_order_with_somebody_listening()
    {
        await using var desk = SampleProcess.Start(_world, "--serve", AnyPort);
        using var http = new HttpClient { BaseAddress = await UrlAsync(desk) };
        await desk.UntilItSaysAsync("Staying");
        http.DefaultRequestHeaders.Authorization = new("Bearer", (await SampleProcess.RunCliAsync(_world, "keys", "add", "ci", "--role", "viewer", "--machine")).Output.Trim());
        using var events = new StreamReader(await http.GetStreamAsync("/api/v1/events"));
        Assert.Equal("event: beat", await events.ReadLineAsync());

        var took = Stopwatch.StartNew();
        desk.Signal(SampleProcess.Interrupt);
        var end = await desk.EndAsync();

        Assert.Equal((0, ""), (end.ExitCode, end.Errors));
        Assert.True(took.Elapsed < DeskServer.StopLimit, $"took {took.Elapsed}");
        Assert.DoesNotContain("event: entry", await events.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Contains("Stopping: what is at work is brought to a point from which it goes on.\n", end.Output, StringComparison.Ordinal);
        Assert.Contains("10 decided, 2 waiting for a person.", end.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Begins_nothing_where_the_port_is_taken()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var port = ((IPEndPoint)other.LocalEndpoint).Port;

        var end = await SampleProcess.RunAsync(_world, "--serve", $"http://127.0.0.1:{port}");

        Assert.Equal(
            (2, $"Nothing can be served at http://127.0.0.1:{port}: another process listens there. Nothing was done. Another place: --serve http://127.0.0.1:{(port < 65535 ? port + 1 : 8471)}\n"),
            (end.ExitCode, end.Errors));
        Assert.Empty(Directory.GetFileSystemEntries(_world.Folder));
    }

    [Fact]
    public async Task Has_a_server_of_another_process_beside_it_which_finds_and_hands_on()
    {
        await using var desk = SampleProcess.Start(_world, "--stay");
        await desk.UntilItSaysAsync("Staying");
        var key = (await SampleProcess.RunCliAsync(_world, "keys", "add", "berta", "--role", "approver")).Output.Trim();
        await using var server = SampleProcess.StartCli(_world, "serve", "--urls", AnyPort);
        using var http = new HttpClient { BaseAddress = new((await server.UntilItSaysAsync("Signalbox serves ")).Split(" at ")[1]), DefaultRequestHeaders = { Authorization = new("Bearer", key) } };

        var found = await UntilAsync(() => http.GetStringAsync("/api/v1/search?q=192.0.2.201"), text => text.Contains("approval.requested", StringComparison.Ordinal));
        var run = JsonDocument.Parse(found).RootElement.GetProperty("hits").EnumerateArray().First(hit => hit.GetProperty("kind").GetString() == "approval.requested").GetProperty("run").GetString();
        var answered = await http.PostAsJsonAsync($"/api/v1/runs/{run}/answers", new { choice = "close" });

        Assert.True(answered.IsSuccessStatusCode, await answered.Content.ReadAsStringAsync());
        await desk.UntilItSaysAsync("own-08: close, decided by person:berta");
        var second = await SampleProcess.RunCliAsync(_world, "serve", "--urls", http.BaseAddress.GetLeftPart(UriPartial.Authority));
        Assert.Equal(2, second.ExitCode);
        Assert.Equal($"cannot_listen: Nothing can be served at {http.BaseAddress.GetLeftPart(UriPartial.Authority)}: another process listens there. Nothing is served. Another place: --urls http://127.0.0.1:8472\n", second.Errors);
        var wide = await SampleProcess.RunCliAsync(_world, "serve", "--urls", "http://example.com:8471");
        Assert.Equal((2, "--urls wants an IP address of this machine, localhost, or * for all of its addresses; any other name, such as 'example.com', would be listened to on all of them too. Nothing is served.\n"), (wide.ExitCode, wide.Errors));
    }

    [Fact]
    public async Task Goes_on_after_a_kill_and_keeps_its_keys()
    {
        await using var killed = SampleProcess.Start(_world, "--serve", AnyPort, "--slow", "threats=600");
        await killed.UntilItSaysAsync("12 new");
        var key = (await SampleProcess.RunCliAsync(_world, "keys", "add", "anna", "--role", "admin")).Output.Trim();
        killed.Kill();
        await killed.EndAsync();

        await using var desk = SampleProcess.Start(_world, "--serve", AnyPort);
        using var http = new HttpClient { BaseAddress = await UrlAsync(desk), DefaultRequestHeaders = { Authorization = new("Bearer", key) } };

        await desk.UntilItSaysAsync("Log in with a key of this store. Another one: dotnet run --project src/Signalbox.Cli -- keys add ");
        await desk.UntilItSaysAsync("0 new, 12 known to signalbox.db");
        await desk.UntilItSaysAsync("10 of 12 alerts handled, 2 waiting for a person. Staying");
        Assert.Equal("person:anna", (await http.GetFromJsonAsync<JsonElement>("/api/v1/me")).GetProperty("actor").GetString());
    }

    [Fact]
    public async Task Makes_the_first_key_for_whoever_starts_it_at_a_terminal_and_shows_it_once()
    {
        await using var desk = SampleProcess.StartAtTerminal(_world, "--serve", AnyPort);
        using var http = new HttpClient { BaseAddress = await UrlAsync(desk) };
        await desk.UntilItSaysAsync("Log in with this key. It is person:");
        http.DefaultRequestHeaders.Authorization = new("Bearer", (await desk.UntilItSaysAsync("sbk_")).Trim());

        Assert.Contains("admin", (await http.GetFromJsonAsync<JsonElement>("/api/v1/me")).GetProperty("roles").EnumerateArray().Select(role => role.GetString()));
        await desk.UntilItSaysAsync("Staying");
        await desk.TypeAsync("\u0003");
        Assert.Equal(0, (await desk.EndAsync()).ExitCode);

        await using var again = SampleProcess.StartAtTerminal(_world, "--serve", AnyPort);
        await again.UntilItSaysAsync("Staying");
        await again.TypeAsync("\u0003");
        var end = await again.EndAsync();
        Assert.Contains("Log in with a key of this store.", end.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("sbk_", end.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://127.0.0.1:8471")]
    [InlineData("http://example.com:8471")]
    [InlineData("http://127.0.0.1:8471/desk")]
    [InlineData("8471")]
    public async Task Serves_nowhere_but_at_an_address_of_this_machine(string url)
    {
        var end = await SampleProcess.RunAsync(_world, "--serve", url);

        Assert.Equal((2, $"--serve must be like http://127.0.0.1:8471, with an IP address of this machine or localhost; got \"{url}\".\nNothing was done. What there is: --help\n"), (end.ExitCode, end.Errors));
        Assert.Empty(Directory.GetFileSystemEntries(_world.Folder));
    }

    private static async Task<Uri> UrlAsync(SampleProcess desk) => new((await desk.UntilItSaysAsync("Dashboard: ")).Split(' ')[1]);

    /// <summary>What follows the log is a moment behind it.</summary>
    private static async Task<string> UntilAsync(Func<Task<string>> look, Func<string, bool> isSo)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (true)
        {
            var seen = await look();
            if (isSo(seen))
            {
                return seen;
            }

            Assert.False(limit.IsCancellationRequested, seen);
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"([^\"]+)\"")]
    private static partial Regex AntiforgeryToken();

    [GeneratedRegex("/runs/r-[a-z0-9]+")]
    private static partial Regex RunLink();
}
