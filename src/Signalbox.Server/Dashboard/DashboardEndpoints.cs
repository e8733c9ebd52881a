using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.ResponseCompression;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Options;
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
    public static void MapDashboard(this RouteGroupBuilder all)
    {
        all.MapPage("/assets/{file}", (string file, DashboardAssets assets, HttpContext http) => assets.Serve(file, http)).AllowAnonymous(); // the login page has a look, too
        all.MapRunPages();
        all.MapApprovals();
        all.MapClaims();
        all.MapSearch();
        all.MapSystem();
        all.MapPage("/statistics", () => new RazorComponentResult<Statistics.StatisticsPage>());
    }

    /// <summary>Maps a page. <paramref name="pattern"/> is its path below the dashboard's root.</summary>
    public static RouteHandlerBuilder MapPage(this RouteGroupBuilder group, string pattern, Delegate page)
    {
        var mapped = group.MapGet(pattern, page).ExcludeFromDescription();
        mapped.Add(Compress);
        return mapped;
    }

    /// <summary>Maps what a form posts to; the gate has checked its antiforgery token. Say which policy it needs.</summary>
    public static RouteHandlerBuilder MapForm(this RouteGroupBuilder group, string pattern, Delegate form) => group.MapPost(pattern, form).ExcludeFromDescription();

    /// <summary>A page that says that there is none of what was asked for.</summary>
    public static RazorComponentResult<MessagePage> NotFound(string code, string message) => Message(StatusCodes.Status404NotFound, "Not found", code, message);

    public static RazorComponentResult<MessagePage> Message(int status, string title, string code, string message) =>
        new(new Dictionary<string, object?> { [nameof(MessagePage.Title)] = title, [nameof(MessagePage.Code)] = code, [nameof(MessagePage.Message)] = message }) { StatusCode = status };

    /// <summary>A page of tables is a tenth of its size then. Not over TLS, where the length of what is compressed may betray what is in it: a proxy that knows its clients may do so.</summary>
    private static void Compress(EndpointBuilder endpoint)
    {
        var provider = new ResponseCompressionProvider(endpoint.ApplicationServices, Options.Create(new ResponseCompressionOptions()));
        endpoint.RequestDelegate = new ResponseCompressionMiddleware(endpoint.RequestDelegate!, provider).Invoke;
    }
}
