using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Signalbox.Server.Dashboard.Frame;

/// <summary>Who looks at a page, as the host has authenticated them.</summary>
internal static class Visitor
{
    public static async Task<(Caller? Caller, bool IsApprover)> OfAsync(HttpContext http)
    {
        var caller = Of(http);
        return (caller, caller is not null && await MayAsync(http, "Signalbox.Approver"));
    }

    public static Caller? Of(HttpContext http) => http.User.Identity is { IsAuthenticated: true, Name: { Length: > 0 } name }
        ? new Caller(name.Contains(':', StringComparison.Ordinal) ? name : "person:" + name, [.. http.User.FindAll(ClaimTypes.Role).Select(c => c.Value)])
        : null;

    public static async Task<bool> MayAsync(HttpContext http, string policy) =>
        (await http.RequestServices.GetRequiredService<IAuthorizationService>().AuthorizeAsync(http.User, policy)).Succeeded;
}
