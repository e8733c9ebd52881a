using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Signalbox.Server.Api;

/// <summary>Says of each route what the description of the API tells of it.</summary>
internal static class Description
{
    /// <summary>A route that reads.</summary>
    public static RouteHandlerBuilder Reads<T>(this RouteHandlerBuilder route, string name, string summary, params QueryParameter[] query)
    {
        route.WithName("signalbox." + name).WithSummary(summary).Produces<T>().Fails(StatusCodes.Status400BadRequest, StatusCodes.Status500InternalServerError, StatusCodes.Status503ServiceUnavailable);
        foreach (var parameter in query)
        {
            route.WithMetadata(parameter);
        }

        return route;
    }

    /// <summary>A route that reads something of one run.</summary>
    public static RouteHandlerBuilder ReadsRun<T>(this RouteHandlerBuilder route, string name, string summary, params QueryParameter[] query) => route.Reads<T>(name, summary, query).Fails(StatusCodes.Status404NotFound);

    /// <summary>A route that changes something.</summary>
    public static RouteHandlerBuilder Writes<TBody>(this RouteHandlerBuilder route, string name, string policy, string summary)
        where TBody : notnull => route
        .WithName("signalbox." + name).WithSummary(summary).RequireAuthorization(policy).Accepts<TBody>("application/json").Produces<CommandAnswer>()
        .Fails(
            StatusCodes.Status400BadRequest, StatusCodes.Status404NotFound, StatusCodes.Status409Conflict, StatusCodes.Status413PayloadTooLarge, StatusCodes.Status415UnsupportedMediaType, StatusCodes.Status422UnprocessableEntity,
            StatusCodes.Status500InternalServerError, StatusCodes.Status503ServiceUnavailable, StatusCodes.Status504GatewayTimeout);

    private static RouteHandlerBuilder Fails(this RouteHandlerBuilder route, params ReadOnlySpan<int> statuses)
    {
        foreach (var status in statuses)
        {
            route.Produces<Problem>(status, "application/problem+json");
        }

        return route;
    }
}
