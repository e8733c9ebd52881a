using System.Security.Claims;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;

namespace Signalbox.Server;

/// <summary>The dashboard's login: a key is typed once, and the browser keeps a cookie that names it.</summary>
internal static class Login
{
    public static void Map(RouteGroupBuilder group)
    {
        group.MapGet("/login", ShowAsync).AllowAnonymous();
        group.MapPost("/login", EnterAsync).AllowAnonymous().WithMetadata(LoginRoute.Instance);
        group.MapPost("/logout", (Delegate)LeaveAsync);
    }

    private static RazorComponentResult<LoginPage> ShowAsync(HttpContext context, IAntiforgery antiforgery, IOptions<SignalboxServerOptions> options, string? back = null) => Page(context, antiforgery, options.Value, back, null);

    private static async Task<IResult> EnterAsync(HttpContext context, IAntiforgery antiforgery, IOptions<SignalboxServerOptions> options, TimeProvider clock)
    {
        var form = await context.Request.ReadFormAsync(context.RequestAborted);
        var back = form["back"].ToString();
        if (options.Value.AuthenticationScheme is not null)
        {
            return Page(context, antiforgery, options.Value, back, null);
        }

        AccessHandler.KeysFault(context.RequestServices, options.Value, out var keys);
        if (ApiKey.Find(keys, form["key"].ToString().Trim(), clock.GetUtcNow()) is not { } key)
        {
            return Page(context, antiforgery, options.Value, back, "This key is unknown, expired or revoked.", StatusCodes.Status401Unauthorized);
        }

        var ticket = new ClaimsPrincipal(new ClaimsIdentity([new(ClaimTypes.NameIdentifier, key.Id)], AccessHandler.CookieScheme));
        await context.SignInAsync(AccessHandler.CookieScheme, ticket);
        return TypedResults.LocalRedirect(Local(back) ?? Home(context));
    }

    private static async Task<IResult> LeaveAsync(HttpContext context)
    {
        await context.SignOutAsync(AccessHandler.CookieScheme);
        return TypedResults.LocalRedirect($"{context.Request.PathBase}/login");
    }

    private static RazorComponentResult<LoginPage> Page(HttpContext context, IAntiforgery antiforgery, SignalboxServerOptions options, string? back, string? refused, int status = StatusCodes.Status200OK)
    {
        var fault = AccessHandler.KeysFault(context.RequestServices, options, out var keys);
        var parameters = new Dictionary<string, object?>
        {
            [nameof(LoginPage.Token)] = antiforgery.GetAndStoreTokens(context),
            [nameof(LoginPage.PathBase)] = context.Request.PathBase.ToString(),
            [nameof(LoginPage.Back)] = Local(back),
            [nameof(LoginPage.Refused)] = refused,
            [nameof(LoginPage.Fault)] = fault,
            [nameof(LoginPage.TakesKeys)] = options.AuthenticationScheme is null,
            [nameof(LoginPage.HasKeys)] = keys.Count > 0,
            [nameof(LoginPage.Place)] = AccessHandler.Source(context.RequestServices, options)?.Place,
        };
        return new RazorComponentResult<LoginPage>(parameters) { StatusCode = status };
    }

    private static string Home(HttpContext context) => context.Request.PathBase + "/";

    /// <summary>A path of this server, or null: nobody is sent elsewhere by a link to our login.</summary>
    private static string? Local(string? back) => back is ['/', .. var rest] && (rest.Length == 0 || rest[0] is not ('/' or '\\')) && back.Length <= 2000 && !back.Any(char.IsControl) ? back : null;
}
