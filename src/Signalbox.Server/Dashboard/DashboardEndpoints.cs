using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Server.Dashboard.Frame;
using Signalbox.Server.Dashboard.Runs;

namespace Signalbox.Server.Dashboard;

/// <summary>The routes of the dashboard.</summary>
internal static class DashboardEndpoints
{
    public static void MapDashboard(this RouteGroupBuilder all)
    {
        all.MapPage("/assets/{file}", (string file, DashboardAssets assets, HttpContext http) => assets.Serve(file, http)).AllowAnonymous(); // the login page has a look, too
        all.MapRunPages();
        all.MapPage("/statistics", () => new RazorComponentResult<Statistics.StatisticsPage>());
    }

    /// <summary>Maps a page. <paramref name="pattern"/> is its path below the dashboard's root.</summary>
    public static RouteHandlerBuilder MapPage(this RouteGroupBuilder group, string pattern, Delegate page) => group.MapGet(pattern, page).ExcludeFromDescription();

    /// <summary>Maps what a form posts to; the gate has checked its antiforgery token. Say which policy it needs.</summary>
    public static RouteHandlerBuilder MapForm(this RouteGroupBuilder group, string pattern, Delegate form) => group.MapPost(pattern, form).ExcludeFromDescription();

    /// <summary>Whether who asks fulfils a policy: what they may not do is not offered to them.</summary>
    public static async Task<bool> MayAsync(this HttpContext http, string policy) =>
        (await http.RequestServices.GetRequiredService<IAuthorizationService>().AuthorizeAsync(http.User, null, policy)).Succeeded;

    /// <summary>A page that says that there is none of what was asked for.</summary>
    public static RazorComponentResult<MessagePage> NotFound(string code, string message) => Message(StatusCodes.Status404NotFound, "Not found", code, message);

    public static RazorComponentResult<MessagePage> Message(int status, string title, string code, string message) =>
        new(new Dictionary<string, object?> { [nameof(MessagePage.Title)] = title, [nameof(MessagePage.Code)] = code, [nameof(MessagePage.Message)] = message }) { StatusCode = status };
}
