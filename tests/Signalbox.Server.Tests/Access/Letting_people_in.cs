using System.Net;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Signalbox.Server.Tests.Access;

public sealed class Letting_people_in
{
    [Fact]
    public async Task Nobody_without_a_key()
    {
        await using var world = await ServerWorld.StartAsync();
        using var browser = world.Browser();

        using var answer = await browser.GetAsync("/?status=Held");

        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.Equal("/login?back=%2F%3Fstatus%3DHeld", answer.Headers.Location!.OriginalString);
        var page = await (await browser.GetAsync("/login")).TextAsync();
        Assert.Contains("There is no key yet, so nobody is let in.", page, StringComparison.Ordinal);
        Assert.Contains("signalbox keys add NAME --role admin", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task By_a_key_that_is_typed_once()
    {
        await using var world = await ServerWorld.StartAsync();
        var key = world.Keys.Add("anna", ServerRoles.Viewer);
        using var browser = world.Browser();

        using var answer = await browser.LogInAsync(key, "/?status=Held");

        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.Equal("/?status=Held", answer.Headers.Location!.OriginalString);
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/")).StatusCode);
        var cookie = Assert.Single(browser.SetCookies, c => c.StartsWith("signalbox=", StringComparison.Ordinal));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(key, cookie, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("sbk_")]
    [InlineData("sbk_01234567_0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("<script>alert(1)</script>")]
    public async Task Not_by_another_key(string key)
    {
        await using var world = await ServerWorld.StartAsync();
        world.Keys.Add("anna", ServerRoles.Viewer);
        using var browser = world.Browser();

        using var answer = await browser.LogInAsync(key);

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        var page = await answer.TextAsync();
        Assert.Contains("This key is unknown, expired or revoked.", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script>", page, StringComparison.Ordinal);
        Assert.DoesNotContain("signalbox", browser.Cookies.Keys);
    }

    [Theory]
    [InlineData("https://elsewhere.example/")]
    [InlineData("//elsewhere.example/")]
    [InlineData("/\\elsewhere.example/")]
    [InlineData("javascript:alert(1)")]
    [InlineData("/\r\nX: y")]
    public async Task Leads_nobody_elsewhere_afterwards(string back)
    {
        await using var world = await ServerWorld.StartAsync();
        var key = world.Keys.Add("anna", ServerRoles.Viewer);
        using var browser = world.Browser();

        using var answer = await browser.LogInAsync(key, back);

        Assert.Equal("/", answer.Headers.Location!.OriginalString);
    }

    [Fact]
    public async Task Not_any_more_once_the_key_is_revoked()
    {
        await using var world = await ServerWorld.StartAsync();
        var key = world.Keys.Add("anna", ServerRoles.Viewer);
        world.Keys.Add("otto", ServerRoles.Viewer);
        using var browser = world.Browser();
        await browser.LogInAsync(key);
        using var program = world.As(key);
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await program.GetAsync("/", TestContext.Current.CancellationToken)).StatusCode);

        world.Keys.Revoke("anna");

        Assert.Equal(HttpStatusCode.Redirect, (await browser.GetAsync("/")).StatusCode);
        Assert.Equal(HttpStatusCode.Redirect, (await program.GetAsync("/", TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task Not_with_an_expired_key()
    {
        await using var world = await ServerWorld.StartAsync();
        var key = world.Keys.Add("anna", isMachine: false, TimeProvider.System.GetUtcNow().AddSeconds(-1), ServerRoles.Viewer);
        using var browser = world.Browser();

        Assert.Equal(HttpStatusCode.Unauthorized, (await browser.LogInAsync(key)).StatusCode);
    }

    [Fact]
    public async Task Not_where_a_key_gives_none_of_the_servers_roles()
    {
        await using var world = await ServerWorld.StartAsync();
        var key = world.Keys.Add("anna", "lead");
        using var browser = world.Browser();
        await browser.LogInAsync(key);

        using var answer = await browser.GetAsync("/");

        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.Contains("This needs a role that you do not have.", await answer.TextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Logs_out()
    {
        await using var world = await ServerWorld.StartAsync();
        var key = world.Keys.Add("anna", ServerRoles.Viewer);
        using var browser = world.Browser();
        await browser.LogInAsync(key);

        Assert.Equal(HttpStatusCode.BadRequest, (await browser.PostAsync("/logout")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/")).StatusCode);
        using var answer = await browser.PostAsync("/logout", ("__RequestVerificationToken", await browser.TokenOfAsync("/login")));

        Assert.Equal("/login", answer.Headers.Location!.OriginalString);
        Assert.DoesNotContain("signalbox", browser.Cookies.Keys);
        Assert.Equal(HttpStatusCode.Redirect, (await browser.GetAsync("/")).StatusCode);
    }

    [Theory]
    [InlineData("Development", "127.0.0.1", "localhost", null, true)]
    [InlineData("Development", "::1", "[::1]:8471", null, true)]
    [InlineData("Development", "127.0.0.1", "127.0.0.1:5000", null, true)]
    [InlineData("Production", "127.0.0.1", "localhost", null, false)]
    [InlineData("Development", "192.0.2.7", "localhost", null, false)]
    [InlineData("Development", "127.0.0.1", "elsewhere.example", null, false)]
    [InlineData("Development", "127.0.0.1", "localhost", "X-Forwarded-For", false)]
    [InlineData("Development", "127.0.0.1", "localhost", "Forwarded", false)]
    public async Task The_developer_at_this_machine_as_long_as_there_is_no_key(string environment, string remote, string host, string? header, bool isLetIn)
    {
        await using var world = await ServerWorld.StartAsync(environment: environment, remote: IPAddress.Parse(remote));
        using var browser = world.Browser();

        Assert.Equal(isLetIn ? HttpStatusCode.OK : HttpStatusCode.Redirect, (await AskAsync()).StatusCode);
        world.Keys.Add("anna", ServerRoles.Viewer);
        Assert.Equal(HttpStatusCode.Redirect, (await AskAsync()).StatusCode);

        Task<HttpResponseMessage> AskAsync()
        {
            var request = new HttpRequestMessage(HttpMethod.Get, "/");
            request.Headers.Host = host;
            if (header is not null)
            {
                request.Headers.Add(header, "for=192.0.2.9");
            }

            return browser.SendAsync(request);
        }
    }

    [Fact]
    public async Task Below_a_prefix_of_the_program()
    {
        await using var world = await ServerWorld.StartAsync(prefix: "/box");
        var key = world.Keys.Add("anna", ServerRoles.Viewer);
        using var browser = world.Browser();

        Assert.Equal("/box/login?back=%2Fbox%2F", (await browser.GetAsync("/box/")).Headers.Location!.OriginalString);
        Assert.Contains("action=\"/box/login\"", await (await browser.GetAsync("/box/login")).TextAsync(), StringComparison.Ordinal);
        Assert.Equal("/box/", (await browser.LogInAsync(key, prefix: "/box")).Headers.Location!.OriginalString);
        Assert.Equal(HttpStatusCode.OK, (await browser.GetAsync("/box/")).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await browser.GetAsync("/")).StatusCode);
    }

    [Fact]
    public async Task Only_so_many_attempts_a_minute()
    {
        await using var world = await ServerWorld.StartAsync(o => o.LoginsPerMinute = 3);
        var key = world.Keys.Add("anna", ServerRoles.Viewer);
        using var browser = world.Browser();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, (await browser.LogInAsync("wrong")).StatusCode);
        }

        using var answer = await browser.LogInAsync(key);
        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.Equal("60", answer.Headers.RetryAfter!.ToString());
    }

    [Fact]
    public async Task Puts_its_headers_on_every_answer()
    {
        await using var world = await ServerWorld.StartAsync();
        using var browser = world.Browser();
        foreach (var path in new[] { "/", "/login" })
        {
            using var answer = await browser.GetAsync(path);
            Assert.Equal("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'", answer.Headers.GetValues("Content-Security-Policy").Single());
            Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
            Assert.Equal("no-referrer", answer.Headers.GetValues("Referrer-Policy").Single());
            Assert.Equal("same-origin", answer.Headers.GetValues("Cross-Origin-Opener-Policy").Single());
        }
    }

    [Theory]
    [InlineData("person:bob", "operator", HttpStatusCode.OK)]
    [InlineData("person:bob", "guest", HttpStatusCode.Forbidden)]
    [InlineData(null, "operator", HttpStatusCode.Unauthorized)]
    public async Task By_a_scheme_of_the_programs_own(string? user, string role, HttpStatusCode expected)
    {
        await using var world = await ServerWorld.StartAsync(
            o => o.AuthenticationScheme = "Corporate",
            configure: b => b.Services.AddAuthentication("Corporate").AddScheme<AuthenticationSchemeOptions, CorporateHandler>("Corporate", null));
        var key = world.Keys.Add("anna", ServerRoles.Admin);
        using var client = world.As(null);
        if (user is not null)
        {
            client.DefaultRequestHeaders.Add("X-Corporate-User", user);
            client.DefaultRequestHeaders.Add("X-Corporate-Role", role);
        }

        Assert.Equal(expected, (await client.GetAsync("/", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await world.As(key).GetAsync("/", TestContext.Current.CancellationToken)).StatusCode);
    }

    [Theory]
    [InlineData("person:bob", HttpStatusCode.OK)]
    [InlineData("bob", HttpStatusCode.Forbidden)]
    [InlineData(":bob", HttpStatusCode.Forbidden)]
    [InlineData("person:b\nob", HttpStatusCode.Forbidden)]
    public async Task By_a_scheme_of_the_programs_own_under_a_name_that_can_stand_on_record(string actor, HttpStatusCode expected)
    {
        await using var world = await ServerWorld.StartAsync(
            o => (o.AuthenticationScheme, o.ActorOf) = ("Corporate", _ => actor),
            configure: b => b.Services.AddAuthentication("Corporate").AddScheme<AuthenticationSchemeOptions, CorporateHandler>("Corporate", null));
        using var client = world.As(null);
        client.DefaultRequestHeaders.Add("X-Corporate-User", "bob");
        client.DefaultRequestHeaders.Add("X-Corporate-Role", "viewer");

        Assert.Equal(expected, (await client.GetAsync("/", TestContext.Current.CancellationToken)).StatusCode);
    }

    private sealed class CorporateHandler(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync() => Task.FromResult(Request.Headers["X-Corporate-User"].ToString() is { Length: > 0 } user
            ? AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(new ClaimsIdentity([new(ClaimTypes.Name, user), new(ClaimTypes.Role, Request.Headers["X-Corporate-Role"].ToString())], "Corporate")), "Corporate"))
            : AuthenticateResult.NoResult());
    }
}
