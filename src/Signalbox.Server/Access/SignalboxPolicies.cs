using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace Signalbox.Server;

/// <summary>The authorization policies of the server's routes. A host may replace them by adding its own under these names after <see cref="SignalboxServerExtensions.AddSignalboxServer"/>.</summary>
public static class SignalboxPolicies
{
    /// <summary>May see: any of the server's roles.</summary>
    public const string Viewer = "Signalbox.Viewer";

    /// <summary>May change runs: <see cref="ServerRoles.Operator"/>.</summary>
    public const string Operator = "Signalbox.Operator";

    /// <summary>May answer questions: <see cref="ServerRoles.Approver"/>, and what the question's rule asks for.</summary>
    public const string Approver = "Signalbox.Approver";

    /// <summary>May erase: <see cref="ServerRoles.Admin"/>.</summary>
    public const string Admin = "Signalbox.Admin";

    /// <summary>All four with the role that each needs; whoever has any of the server's roles may see.</summary>
    internal static IReadOnlyDictionary<string, string[]> Needs { get; } = new Dictionary<string, string[]>
    {
        [Viewer] = [.. ServerRoles.All],
        [Operator] = [ServerRoles.Operator],
        [Approver] = [ServerRoles.Approver],
        [Admin] = [ServerRoles.Admin],
    };
}

/// <summary>That the caller has one of the roles; an admin, and who has every role, has them all.</summary>
internal sealed record RoleNeeded(IReadOnlyList<string> Roles) : IAuthorizationRequirement;

internal sealed class RoleCheck(Callers callers) : AuthorizationHandler<RoleNeeded>
{
    protected override Task HandleRequirementAsync(AuthorizationHandlerContext context, RoleNeeded requirement)
    {
        if (context.User.Identity?.IsAuthenticated == true && callers.Of(context.User) is { } caller && Caller.IsIn(caller.Roles, requirement.Roles))
        {
            context.Succeed(requirement);
        }

        return Task.CompletedTask;
    }
}

/// <summary>Adds the policies, over the scheme that the options name.</summary>
internal sealed class PolicySetup(IOptions<SignalboxServerOptions> options) : IConfigureOptions<AuthorizationOptions>
{
    public void Configure(AuthorizationOptions authorization)
    {
        foreach (var (name, roles) in SignalboxPolicies.Needs)
        {
            authorization.AddPolicy(name, policy => policy
                .AddAuthenticationSchemes(options.Value.AuthenticationScheme ?? AccessHandler.Scheme)
                .RequireAuthenticatedUser()
                .AddRequirements(new RoleNeeded(roles)));
        }
    }
}
