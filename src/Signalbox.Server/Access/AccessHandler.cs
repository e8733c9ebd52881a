using System.Net;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Signalbox.Server.Api;
using Signalbox.Storage;

namespace Signalbox.Server;

/// <summary>
/// Says who asks: by <c>Authorization: Bearer sbk_…</c>, else by the login's cookie, which names a key and nothing more. The key is looked up for each request, so that one that was revoked, or has other roles by now, counts at once.
/// </summary>
internal sealed class AccessHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, IOptions<SignalboxServerOptions> server, IHostEnvironment environment, TimeProvider clock)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public new const string Scheme = "Signalbox";
    public const string CookieScheme = "Signalbox.Cookie";
    public const string BearerType = "Signalbox.Bearer";
    private const string LocalType = "Signalbox.Local";
    private const string Bearer = "Bearer ";
    private const string LocalId = "local";

    /// <summary>Why nobody gets in by a key at all, for the login page; null if keys can be read.</summary>
    public static string? KeysFault(IServiceProvider services, SignalboxServerOptions options, out IReadOnlyList<ApiKey> keys)
    {
        try
        {
            keys = Source(services, options)?.Keys() ?? [];
            return null;
        }
        catch (StoreRefusedException e)
        {
            keys = [];
            return e.Message;
        }
    }

    public static IKeySource? Source(IServiceProvider services, SignalboxServerOptions options) => (options.Keys ?? (s => s.GetService(typeof(IKeySource)) as IKeySource))(services);

    /// <summary>Who holds a key. The cookie of a login keeps its id alone.</summary>
    public static ClaimsPrincipal PrincipalOf(ApiKey key, string type) => Principal(type, key.Id, key.Actor, ServerRoles.Expanded(key.Roles));

    /// <summary>Whether a request brings a key itself, which no page of a stranger can make a browser do.</summary>
    public static bool HasBearer(HttpRequest request) => request.Headers.Authorization.ToString().StartsWith(Bearer, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether whoever was let in by a key would be let in again now: what lasts longer than a request asks this from time to time.</summary>
    public static bool IsStillIn(HttpContext context, SignalboxServerOptions options, TimeProvider clock) =>
        options.AuthenticationScheme is not null || context.User.FindFirstValue(ClaimTypes.NameIdentifier) is not { } id
        || (KeysFault(context.RequestServices, options, out var keys) is null && (id == LocalId ? keys.Count == 0 : keys.FirstOrDefault(k => k.Id == id)?.IsLive(clock.GetUtcNow()) == true));

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        if (KeysFault(Context.RequestServices, server.Value, out var keys) is { } fault)
        {
            Logger.LogError("{Fault}", fault);
            return AuthenticateResult.Fail("keys_unusable");
        }

        if (HasBearer(Request))
        {
            return ApiKey.Find(keys, Request.Headers.Authorization.ToString()[Bearer.Length..].Trim(), clock.GetUtcNow()) is { } key
                ? Success(PrincipalOf(key, BearerType))
                : AuthenticateResult.Fail("The key is unknown, expired or revoked.");
        }

        if ((await Context.AuthenticateAsync(CookieScheme)).Principal?.FindFirstValue(ClaimTypes.NameIdentifier) is { } id)
        {
            return keys.FirstOrDefault(k => k.Id == id) is { } key && key.IsLive(clock.GetUtcNow())
                ? Success(PrincipalOf(key, CookieScheme))
                : AuthenticateResult.Fail("The key of this login is unknown, expired or revoked.");
        }

        return keys.Count == 0 && IsLocalDeveloper() ? Success(Local()) : AuthenticateResult.NoResult();
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (ApiRoute.Is(Context))
        {
            Response.Headers.WWWAuthenticate = "Bearer realm=\"Signalbox\"";
            await Problems.WriteAsync(Context, Problems.Of(StatusCodes.Status401Unauthorized, "not_authenticated", HasBearer(Request)
                ? "The key is unknown, expired or revoked. Nothing was done. Whoever owns the store makes keys: signalbox keys add NAME --role viewer"
                : "This needs a key: send it as 'Authorization: Bearer sbk_…'. Nothing was done. Whoever owns the store makes keys: signalbox keys add NAME --role viewer"));
            return;
        }

        var prefix = SignalboxRoute.PathBaseOf(Context);
        var back = HttpMethods.IsGet(Request.Method) ? new QueryBuilder { { "back", Request.PathBase + Request.Path + Request.QueryString } }.ToString() : "";
        Response.Redirect($"{prefix}/login{back}");
    }

    protected override async Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        const string Text = "This needs a role that you do not have. Nothing was done. Whoever owns the store gives out roles with keys: signalbox keys add NAME --role ROLE";
        if (ApiRoute.Is(Context))
        {
            await Problems.WriteAsync(Context, Problems.Of(StatusCodes.Status403Forbidden, "not_permitted", Text));
            return;
        }

        await Notice.WriteAsync(Context, StatusCodes.Status403Forbidden, "You may not do that", Text);
    }

    private static AuthenticateResult Success(ClaimsPrincipal principal) => AuthenticateResult.Success(new AuthenticationTicket(principal, Scheme));

    /// <summary>
    /// Whether a person works on this machine itself: nothing has passed the request on, and its address is this machine's also by name, so that no page of a stranger reaches us by a name of its own that points here.
    /// </summary>
    private bool IsLocalDeveloper() =>
        server.Value.LetsLocalDeveloperIn && environment.IsDevelopment()
        && Context.Connection.RemoteIpAddress is { } remote && IPAddress.IsLoopback(remote)
        && Request.Host.Host is var host && (host == "localhost" || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address)))
        && !Request.Headers.Keys.Any(name => name.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase) || name.Equals("Forwarded", StringComparison.OrdinalIgnoreCase) || name.Equals("Via", StringComparison.OrdinalIgnoreCase));

    private static ClaimsPrincipal Local()
    {
        var principal = Principal(LocalType, LocalId, "person:" + Environment.UserName, [Caller.AnyRole]);
        ((ClaimsIdentity)principal.Identity!).AddClaim(new System.Security.Claims.Claim(Callers.LocalClaim, "true"));
        return principal;
    }

    private static ClaimsPrincipal Principal(string type, string id, string actor, IEnumerable<string> roles) => new(new ClaimsIdentity(
        [new(ClaimTypes.NameIdentifier, id), new(ClaimTypes.Name, actor), new(Callers.ActorClaim, actor), .. roles.Select(r => new System.Security.Claims.Claim(ClaimTypes.Role, r))], type, ClaimTypes.Name, ClaimTypes.Role));
}
