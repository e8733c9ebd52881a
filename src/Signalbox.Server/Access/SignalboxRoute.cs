using Microsoft.AspNetCore.Http;

namespace Signalbox.Server;

/// <summary>Marks every route of ours, and says under which prefix of the program they lie.</summary>
internal sealed record SignalboxRoute(string Prefix)
{
    /// <summary>What links to our pages begin with, before the gate has put it into the request.</summary>
    public static PathString PathBaseOf(HttpContext context) =>
        context.Items.ContainsKey(typeof(SignalboxRoute)) || context.GetEndpoint()?.Metadata.GetMetadata<SignalboxRoute>() is not { } route ? context.Request.PathBase : context.Request.PathBase + route.Prefix;

    /// <summary>Moves the prefix from the path into its base, so that links are built from the base alone.</summary>
    public void MoveInto(HttpContext context)
    {
        context.Items[typeof(SignalboxRoute)] = this;
        if (Prefix.Length > 0 && context.Request.Path.StartsWithSegments(Prefix, out var rest))
        {
            context.Request.PathBase += Prefix;
            context.Request.Path = rest;
        }
    }
}

/// <summary>Marks a route for programs: it answers with JSON, its refusals too.</summary>
internal sealed class ApiRoute
{
    public static ApiRoute Instance { get; } = new();

    public static bool Is(HttpContext context) => context.GetEndpoint()?.Metadata.GetMetadata<ApiRoute>() is not null;
}

/// <summary>Marks the route that tries keys: it is counted by address, and more strictly.</summary>
internal sealed class LoginRoute
{
    public static LoginRoute Instance { get; } = new();
}
