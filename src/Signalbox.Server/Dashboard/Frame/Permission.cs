using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Signalbox.Server.Dashboard.Frame;

internal static class Permission
{
    /// <summary>Whether the caller passes a policy: what they may not do is not offered to them.</summary>
    public static async Task<bool> MayAsync(this HttpContext http, string policy) =>
        (await http.RequestServices.GetRequiredService<IAuthorizationService>().AuthorizeAsync(http.User, policy)).Succeeded;
}
