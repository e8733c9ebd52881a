using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Signalbox.Server.Dashboard;
using Signalbox.Server.Dashboard.Frame;

namespace Signalbox.Server;

/// <summary>Puts Signalbox's HTTP API and dashboard into an ASP.NET Core program.</summary>
public static class SignalboxServerExtensions
{
    /// <summary>
    /// Adds what <see cref="MapSignalbox"/> needs. The program brings <see cref="Queries.RunQueries"/> and <see cref="Storage.IRunControl"/>: by <c>AddSignalbox</c> where it works on the store itself, else by its store's own.
    /// </summary>
    public static IServiceCollection AddSignalboxServer(this IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddRazorComponents();
        services.AddHttpContextAccessor();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<DashboardAssets>();
        services.TryAddScoped<DashboardLinks>();
        return services;
    }

    /// <summary>Maps the API under <c>/api/v1</c> and the dashboard under <c>/</c>; both below <paramref name="prefix"/>, if one is given.</summary>
    public static IEndpointConventionBuilder MapSignalbox(this IEndpointRouteBuilder endpoints, string prefix = "")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var all = endpoints.MapGroup(prefix);
        all.MapDashboard();
        return all;
    }
}
