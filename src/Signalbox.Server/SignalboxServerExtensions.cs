using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Signalbox.Queries;
using Signalbox.Server.Api;
using Signalbox.Server.Dashboard;
using Signalbox.Server.Dashboard.Frame;
using Signalbox.Storage;

namespace Signalbox.Server;

/// <summary>Puts Signalbox's HTTP API and dashboard into an ASP.NET Core program.</summary>
public static class SignalboxServerExtensions
{
    private static readonly TimeSpan LoginLasts = TimeSpan.FromHours(8);

    /// <summary>
    /// Adds what <see cref="MapSignalbox"/> needs. The program brings <see cref="Queries.RunQueries"/> and <see cref="Storage.IRunControl"/>: by <c>AddSignalbox</c> where it works on the store itself, else by its store's own.
    /// Nobody is let in without a key, or a scheme of the program's own (<see cref="SignalboxServerOptions.AuthenticationScheme"/>).
    /// </summary>
    public static IServiceCollection AddSignalboxServer(this IServiceCollection services, Action<SignalboxServerOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        services.AddOptions<SignalboxServerOptions>().Validate(o => o is { RequestsPerMinute: > 0, LoginsPerMinute: > 0, BodyBytesMax: > 0, StreamsMax: > 0, StreamsPerCallerMax: > 0 }, "Every limit of SignalboxServerOptions is at least 1.").ValidateOnStart();
        if (configure is not null)
        {
            services.Configure(configure);
        }

        services.TryAddSingleton(TimeProvider.System);
        services.AddRazorComponents();
        services.AddHttpContextAccessor();
        services.TryAddSingleton<DashboardAssets>();
        services.TryAddScoped<DashboardLinks>();
        services.AddAntiforgery();
        services.Configure<AntiforgeryOptions>(o => o.Cookie.SecurePolicy = o.Cookie.SecurePolicy == CookieSecurePolicy.None ? CookieSecurePolicy.SameAsRequest : o.Cookie.SecurePolicy);
        services.AddAuthentication()
            .AddScheme<AuthenticationSchemeOptions, AccessHandler>(AccessHandler.Scheme, null)
            .AddCookie(AccessHandler.CookieScheme, cookie =>
            {
                cookie.Cookie.Name = "signalbox";
                cookie.Cookie.HttpOnly = true;
                cookie.Cookie.SameSite = SameSiteMode.Strict;
                cookie.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
                cookie.ExpireTimeSpan = LoginLasts;
                cookie.SlidingExpiration = true;
            });
        services.AddAuthorization();
        services.AddApi();
        services.TryAddSingleton<Callers>();
        services.TryAddSingleton<Gate>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IAuthorizationHandler, RoleCheck>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IConfigureOptions<AuthorizationOptions>, PolicySetup>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IStartupFilter, SecurityHeaders>());
        return services;
    }

    /// <summary>
    /// Maps the API under <c>/api/v1</c> and the dashboard under <c>/</c>, all of it below <paramref name="prefix"/> (<c>/signalbox</c>). Every route needs at least the policy <see cref="SignalboxPolicies.Viewer"/>, but the login and
    /// what it looks like.
    /// </summary>
    public static IEndpointConventionBuilder MapSignalbox(this IEndpointRouteBuilder endpoints, string prefix = "")
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(prefix);
        var route = new SignalboxRoute(prefix.Trim('/') is { Length: > 0 } name ? "/" + name : "");
        ThrowIfMissing(endpoints.ServiceProvider);
        var gate = endpoints.ServiceProvider.GetRequiredService<Gate>();
        var all = endpoints.MapGroup(route.Prefix).WithMetadata(route).RequireAuthorization(SignalboxPolicies.Viewer).DisableAntiforgery(); // the gate checks it, for forms and scripts alike
        ((IEndpointConventionBuilder)all).Finally(endpoint =>
        {
            var next = endpoint.RequestDelegate!;
            endpoint.RequestDelegate = context => gate.PassAsync(context, route, next);
        });
        Login.Map(all);
        all.MapApi();
        all.MapDashboard();
        return all;
    }

    /// <summary>A route whose services are missing would be found out by its first caller.</summary>
    private static void ThrowIfMissing(IServiceProvider services)
    {
        var registered = services.GetRequiredService<IServiceProviderIsService>();
        var missing = new[] { typeof(RunQueries), typeof(IRunControl), typeof(LogTail) }.Where(t => !registered.IsService(t)).Select(t => t.Name).ToArray();
        if (missing.Length > 0)
        {
            throw new InvalidOperationException($"MapSignalbox needs {string.Join(", ", missing)} among the program's services. AddSignalbox brings them to a program that works on the store itself; any other adds those of its store.");
        }
    }
}
