using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Signalbox.Server.Dashboard.Approvals;
using Signalbox.Server.Dashboard.Claims;
using Signalbox.Server.Dashboard.Frame;
using Signalbox.Server.Dashboard.Runs;
using Signalbox.Server.Dashboard.Search;
using Signalbox.Server.Dashboard.SystemHealth;

namespace Signalbox.Server.Dashboard;

/// <summary>The routes of the dashboard.</summary>
internal static class DashboardEndpoints
{
    /// <summary>Nothing but our own files: no inline script or style, no frame, no other host.</summary>
    public const string ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    public static void MapDashboard(this RouteGroupBuilder all)
    {
        var pages = all.MapGroup("");
        pages.MapPage("/", () => new RazorComponentResult<RunsPage>());
        pages.MapApprovals();
        pages.MapClaims();
        pages.MapSearch();
        pages.MapSystem();

        // Everybody may have these: the login page needs them.
        all.MapGet("/assets/{file}", (string file, DashboardAssets assets, HttpContext http) => assets.Serve(file, http)).AllowAnonymous().ExcludeFromDescription();
    }

    /// <summary>Maps a page. <paramref name="pattern"/> is its path below the dashboard's root.</summary>
    public static RouteHandlerBuilder MapPage(this RouteGroupBuilder group, string pattern, Delegate page) => OfDashboard(group.MapGet(pattern, page), pattern);

    /// <summary>Maps what a form posts to. It validates the antiforgery token if it binds <c>[FromForm]</c> parameters or is marked to.</summary>
    public static RouteHandlerBuilder MapForm(this RouteGroupBuilder group, string pattern, Delegate form) => OfDashboard(group.MapPost(pattern, form), pattern);

    private static RouteHandlerBuilder OfDashboard(RouteHandlerBuilder endpoint, string pattern) => endpoint
        .WithMetadata(DashboardRoute.Of(pattern))
        .ExcludeFromDescription()
        .AddEndpointFilter((context, next) =>
        {
            var headers = context.HttpContext.Response.Headers;
            headers.ContentSecurityPolicy = ContentSecurityPolicy;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "same-origin";
            headers.CacheControl = "no-store"; // what stands here is for whoever was let in, now
            return next(context);
        });
}
