using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Server.Tests.Api;

namespace Signalbox.Server.Tests.Access;

/// <summary>Made from the route table: a route that is added without a policy, or whose refusals differ, fails here.</summary>
public sealed partial class Every_route
{
    /// <summary>What anybody may ask, and why: nobody could log in else.</summary>
    private static readonly string[] Open = ["GET /login", "POST /login", "GET /assets/{file}"];

    /// <summary>What changes nothing but the browser's own cookie.</summary>
    private static readonly string[] Harmless = ["POST /logout", "POST /api/v1/{**rest}"];

    private static readonly Dictionary<string, string[]> Policies = new()
    {
        [SignalboxPolicies.Viewer] = [ServerRoles.Viewer, ServerRoles.Operator, ServerRoles.Approver, ServerRoles.Admin],
        [SignalboxPolicies.Operator] = [ServerRoles.Operator, ServerRoles.Admin],
        [SignalboxPolicies.Approver] = [ServerRoles.Approver, ServerRoles.Admin],
        [SignalboxPolicies.Admin] = [ServerRoles.Admin],
    };

    [GeneratedRegex(@"\{\**(?<name>\w+)(:\w+)?\??\}")]
    private static partial Regex Parameter { get; }

    private sealed record Route(string Method, string Pattern, string Path, bool IsApi, string[] Needed)
    {
        public string Name => $"{Method} {Pattern}";

        public bool IsWrite => Method != "GET";

        public HttpRequestMessage Request(HttpContent? content = null) => new(new HttpMethod(Method), Path) { Content = IsWrite ? content ?? Json("{}") : null };
    }

    private static StringContent Json(string text) => new(text, Encoding.UTF8, "application/json");

    private static List<Route> RoutesOf(ServerWorld world)
    {
        var routes = new List<Route>();
        foreach (var endpoint in world.App.Services.GetServices<EndpointDataSource>().SelectMany(s => s.Endpoints).Cast<RouteEndpoint>().Concat(((IEndpointRouteBuilder)world.App).DataSources.SelectMany(s => s.Endpoints).Cast<RouteEndpoint>()).Distinct())
        {
            Assert.NotNull(endpoint.Metadata.GetMetadata<SignalboxRoute>());
            var pattern = "/" + endpoint.RoutePattern.RawText!.TrimStart('/');
            var path = Parameter.Replace(pattern, m => m.Groups["name"].Value switch
            {
                "seq" => "1",
                "documentName" => "v1",
                "run" => "r-1",
                "rest" => "nothing",
                _ => "x",
            });
            var needed = endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(a => a.Policy!).Distinct().ToArray();
            var isOpen = endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null;
            foreach (var method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET", "POST"])
            {
                routes.Add(new(method, pattern, path, endpoint.Metadata.GetMetadata<Signalbox.Server.ApiRoute>() is not null, isOpen ? [] : needed));
            }
        }

        Assert.True(routes.Count > 40, $"There are only {routes.Count} routes.");
        return routes;
    }

    [Fact]
    public async Task Needs_a_policy_and_a_stronger_one_where_it_changes_something()
    {
        await using var world = await Alerts.StartAsync();

        Assert.All(RoutesOf(world), route =>
        {
            if (Open.Contains(route.Name))
            {
                Assert.Empty(route.Needed);
                return;
            }

            Assert.All(route.Needed, p => Assert.Contains(p, Policies.Keys));
            Assert.Contains(SignalboxPolicies.Viewer, route.Needed);
            Assert.True(!route.IsWrite || Harmless.Contains(route.Name) || route.Needed.Length > 1, $"{route.Name} changes something, and any viewer may.");
        });
    }

    [Fact]
    public async Task Refuses_whom_nobody_knows()
    {
        await using var world = await Alerts.StartAsync();
        world.Keys.Add("anna", ServerRoles.Viewer);
        foreach (var (key, isBearer) in new[] { ((string?)null, false), ("sbk_wrong", true), ("sbk_01234567_" + new string('0', 64), true) })
        {
            using var client = world.As(key);
            foreach (var route in RoutesOf(world).Where(r => !Open.Contains(r.Name)))
            {
                using var answer = await client.SendAsync(route.Request(), TestContext.Current.CancellationToken);
                if (route.IsApi)
                {
                    Assert.Equal("not_authenticated", await answer.CodeAsync(HttpStatusCode.Unauthorized));
                    Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.Single().Scheme);
                }
                else
                {
                    Assert.True(answer.StatusCode == HttpStatusCode.Redirect && answer.Headers.Location!.OriginalString.StartsWith("/login", StringComparison.Ordinal), $"{route.Name}: {answer.StatusCode} {isBearer}");
                }

                Assert.Contains("default-src 'none'", answer.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData(ServerRoles.Viewer)]
    [InlineData(ServerRoles.Operator)]
    [InlineData(ServerRoles.Approver)]
    [InlineData(ServerRoles.Admin)]
    [InlineData("lead")]
    public async Task Lets_in_the_roles_that_it_needs_and_no_other(string role)
    {
        await using var world = await Alerts.StartAsync();
        using var client = world.As(world.Keys.Add("anna", role));
        client.Timeout = TimeSpan.FromSeconds(30);
        foreach (var route in RoutesOf(world).Where(r => !Open.Contains(r.Name)))
        {
            var may = route.Needed.All(p => Policies[p].Contains(role));
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            using var answer = await client.SendAsync(route.Request(), HttpCompletionOption.ResponseHeadersRead, limit.Token);
            Assert.True((answer.StatusCode == HttpStatusCode.Forbidden) == !may, $"{route.Name} as {role}: {(int)answer.StatusCode}");
            Assert.True((int)answer.StatusCode < 500 || route.Name is "GET /api/v1/search" or "GET /api/v1/statistics" or "GET /search" or "GET /statistics", $"{route.Name} as {role}: {(int)answer.StatusCode} {await TextOfAsync(answer)}");
            if (!may && route.IsApi)
            {
                Assert.Equal("not_permitted", await answer.CodeAsync(HttpStatusCode.Forbidden));
            }
        }
    }

    [Fact]
    public async Task Wants_the_antiforgery_token_where_a_cookie_lets_in()
    {
        await using var world = await Alerts.StartAsync();
        var key = world.Keys.Add("anna", ServerRoles.Admin);
        using var browser = world.Browser();
        await browser.LogInAsync(key);
        foreach (var route in RoutesOf(world).Where(r => r.IsWrite))
        {
            foreach (var content in new HttpContent[] { Json("{}"), new FormUrlEncodedContent([]), new FormUrlEncodedContent([new("__RequestVerificationToken", "x")]) })
            {
                using var answer = await browser.SendAsync(route.Request(content));
                Assert.True(answer.StatusCode == HttpStatusCode.BadRequest, $"{route.Name}: {(int)answer.StatusCode}");
                Assert.Contains("antiforgery_failed", await answer.TextAsync(), StringComparison.Ordinal);
            }
        }

        var me = await (await browser.GetAsync("/api/v1/me")).JsonAsync();
        using var with = new HttpRequestMessage(HttpMethod.Post, "/api/v1/runs/r-1/cancel") { Content = Json("""{"reason":"a test"}""") };
        with.Headers.Add(me.GetProperty("antiforgeryHeader").GetString()!, me.GetProperty("antiforgeryToken").GetString());
        Assert.Equal("run_not_found", await (await browser.SendAsync(with)).CodeAsync(HttpStatusCode.NotFound));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Refuses_a_body_that_is_too_long(bool saysItsLength)
    {
        await using var world = await Alerts.StartAsync(o => o.BodyBytesMax = 1000);
        using var client = world.As(world.Keys.Add("anna", ServerRoles.Admin));
        foreach (var route in RoutesOf(world).Where(r => r.IsWrite && !Harmless.Contains(r.Name)))
        {
            foreach (var (type, text) in new[] { ("application/json", "{\"reason\":\"" + new string('x', 2000) + "\"}"), ("application/x-www-form-urlencoded", "key=" + new string('x', 2000)) })
            {
                var content = new StreamContent(saysItsLength ? new MemoryStream(Encoding.UTF8.GetBytes(text)) : new EndlessStart(Encoding.UTF8.GetBytes(text)));
                content.Headers.ContentType = new MediaTypeHeaderValue(type);
                using var answer = await client.SendAsync(route.Request(content), TestContext.Current.CancellationToken);
                var isRead = saysItsLength || (type == "application/json") == route.IsApi; // what is of another type is refused unread
                Assert.True(answer.StatusCode == HttpStatusCode.RequestEntityTooLarge || (!isRead && (int)answer.StatusCode is 400 or 415), $"{route.Name} {type}: {(int)answer.StatusCode} {await answer.TextAsync()}");
            }
        }
    }

    private static async Task<string> TextOfAsync(HttpResponseMessage answer) => answer.Content.Headers.ContentType?.MediaType == "text/event-stream" ? "" : await answer.TextAsync();

    /// <summary>Bytes that do not say how many they are.</summary>
    private sealed class EndlessStart(byte[] bytes) : MemoryStream(bytes)
    {
        public override bool CanSeek => false;
    }
}
