using System.Security.Claims;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace Signalbox.Server;

/// <summary>Turns who was authenticated, by whatever scheme, into who speaks to Signalbox.</summary>
internal sealed class Callers(IOptions<SignalboxServerOptions> options)
{
    public const string ActorClaim = "signalbox:actor";

    /// <summary>Marks a principal that was let in without a key, because somebody develops here.</summary>
    public const string LocalClaim = "signalbox:local";

    /// <summary>The caller, or null where the principal has no name that could stand on record.</summary>
    public Caller? Of(ClaimsPrincipal principal)
    {
        var actor = options.Value.AuthenticationScheme is null
            ? principal.FindFirstValue(ActorClaim)
            : options.Value.ActorOf is { } actorOf ? actorOf(principal) : principal.Identity?.Name is { Length: > 0 } name ? "person:" + name : null;
        if (actor is null || actor.IndexOf(':', StringComparison.Ordinal) <= 0 || actor.Length > 256 || actor.Any(char.IsControl))
        {
            return null;
        }

        var roles = principal.Identities.Where(i => i.IsAuthenticated).SelectMany(i => i.FindAll(i.RoleClaimType)).Select(c => c.Value).Distinct(StringComparer.Ordinal).ToArray();
        return new Caller(actor, ServerRoles.Expanded(roles));
    }
}

/// <summary>Who asks, for the routes.</summary>
internal static class CallerExtensions
{
    /// <summary>The authenticated caller of this request. Only routes behind a policy have one.</summary>
    public static Caller Caller(this HttpContext context) => context.FindCaller() ?? throw new InvalidOperationException("This route has no policy, and so no caller.");

    /// <summary>The caller, or null where nobody is authenticated.</summary>
    public static Caller? FindCaller(this HttpContext context) =>
        context.User.Identity?.IsAuthenticated == true ? context.RequestServices.GetRequiredService<Callers>().Of(context.User) : null;

    /// <summary>Whether the caller was let in without a key, as the developer at this machine.</summary>
    public static bool IsLocalDeveloper(this HttpContext context) => context.User.HasClaim(c => c.Type == Callers.LocalClaim);
}
