using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Signalbox.Server;

/// <summary>Tells a person on a page of its own why there is none of what was asked for.</summary>
internal static class Notice
{
    public static Task WriteAsync(HttpContext context, int status, string title, string text) => new RazorComponentResult<NoticePage>(new Dictionary<string, object?>
    {
        [nameof(NoticePage.Title)] = title,
        [nameof(NoticePage.Text)] = text,
        [nameof(NoticePage.PathBase)] = SignalboxRoute.PathBaseOf(context).ToString(),
    })
    { StatusCode = status }.ExecuteAsync(context);
}
