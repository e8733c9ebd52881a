using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Signalbox.Server.Api;

internal static class JsonBody
{
    public static ProblemException WrongType() => Problems.Exception(StatusCodes.Status415UnsupportedMediaType, "request_invalid", "This takes a body of the type application/json. Nothing was done.");
}

/// <summary>A request's body as JSON in the API's own form, whatever the program has set for its own routes.</summary>
internal sealed record JsonBody<T>(T Value)
{
    /// <summary>Called by ASP.NET.</summary>
    public static async ValueTask<JsonBody<T>> BindAsync(HttpContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (!context.Request.HasJsonContentType())
        {
            throw JsonBody.WrongType();
        }

        try
        {
            return new(await JsonSerializer.DeserializeAsync<T>(context.Request.Body, ApiJson.Options, context.RequestAborted) ?? throw ApiQuery.Wrong("The body is a JSON object; got null."));
        }
        catch (JsonException e)
        {
            throw ApiQuery.Wrong($"The body does not fit{(e.Path is { Length: > 1 } path ? $" at {path}" : "")}: {Fault(e)}");
        }
    }

    /// <summary>What is wrong, without the names of our types.</summary>
    private static string Fault(JsonException e) => e.Message switch
    {
        var m when m.Contains("missing required properties", StringComparison.Ordinal) && m.IndexOf("including: ", StringComparison.Ordinal) is > 0 and var at => $"it lacks {m[(at + 11)..].TrimEnd('.')}.",
        var m when m.Contains("could not be mapped to any .NET member", StringComparison.Ordinal) => "it has a member that nothing is known of.",
        var m when m.Contains("could not be converted", StringComparison.Ordinal) || m.Contains("deserializing null", StringComparison.Ordinal) => "the value is of another kind than the description of the API says (openapi/v1.json).",
        _ => "it is no JSON.",
    };
}
