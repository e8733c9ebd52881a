using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;
using Signalbox.Queries;

namespace Signalbox.Server.Dashboard.SystemHealth;

/// <summary>The system page.</summary>
internal static class SystemEndpoints
{
    public static void MapSystem(this RouteGroupBuilder pages) => pages.MapPage("/system", async (RunQueries queries, CancellationToken cancellationToken) =>
        new RazorComponentResult<SystemPage>(new Dictionary<string, object?> { [nameof(SystemPage.View)] = await queries.SystemAsync(cancellationToken) }));
}
