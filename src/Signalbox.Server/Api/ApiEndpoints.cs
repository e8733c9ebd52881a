using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Template;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using Signalbox.Journal;

namespace Signalbox.Server.Api;

/// <summary>The routes of the API, and its description.</summary>
internal static class ApiEndpoints
{
    private const string Document = "v1";

    public static void MapApi(this RouteGroupBuilder all)
    {
        var api = all.MapGroup("/api/v1").WithMetadata(ApiRoute.Instance).AddEndpointFilter((context, next) =>
        {
            ApiQuery.ThrowIfUnknown(context.HttpContext);
            return next(context);
        });
        api.MapReads();
        api.MapWrites();
        EventStream.Map(api);
        api.Map("/{**rest}", (RequestDelegate)(context => throw NoRoute(context))).ExcludeFromDescription();
        all.MapOpenApi("/openapi/{documentName}.json").WithMetadata(ApiRoute.Instance);
    }

    /// <summary>What is wrong with a request that none of the routes takes: its path, its method, or the type of its body.</summary>
    private static ProblemException NoRoute(HttpContext context)
    {
        var path = $"/{context.GetRouteValue("rest")}";
        var there = context.RequestServices.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<ApiRoute>() is not null && e.RoutePattern.RawText is { } text && text.IndexOf("/api/v1/", StringComparison.Ordinal) is >= 0 and var at
                && !text.Contains("**", StringComparison.Ordinal) && new TemplateMatcher(TemplateParser.Parse(text[(at + 8)..]), []).TryMatch(path, []))
            .SelectMany(e => e.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? []).Distinct(StringComparer.Ordinal).ToArray();
        if (there.Length == 0)
        {
            return Problems.Exception(StatusCodes.Status404NotFound, "route_not_found", "The API has no such route; see openapi/v1.json.");
        }

        if (there.Contains(context.Request.Method, StringComparer.OrdinalIgnoreCase))
        {
            return JsonBody.WrongType();
        }

        context.Response.Headers.Allow = string.Join(", ", there);
        return Problems.Exception(StatusCodes.Status405MethodNotAllowed, "request_invalid", $"This route takes {string.Join(" and ", there)} alone. Nothing was done.");
    }

    public static void AddApi(this IServiceCollection services)
    {
        services.AddSingleton<StreamSlots>();
        services.AddSingleton<EventStream>();
        services.AddOpenApi(Document, openApi =>
        {
            openApi.ShouldInclude = api => api.ActionDescriptor.EndpointMetadata.Any(m => m is ApiRoute) && api.ActionDescriptor.EndpointMetadata.All(m => m is not IExcludeFromDescriptionMetadata { ExcludeFromDescription: true });
            openApi.AddDocumentTransformer(DescribeAsync);
            openApi.AddOperationTransformer(DescribeAsync);
            openApi.AddSchemaTransformer(DescribeAsync);
        });
    }

    private static Task DescribeAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new() { Title = "Signalbox", Version = Document, Description = "Runs of AI agents as durable state machines: see them, answer them, repair them. Refusals are problem details (RFC 9457) with a stable code." };
        document.Servers?.Clear();
        document.Components ??= new();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            ["key"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "An API key: signalbox keys add NAME --role ROLE." },
            ["login"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Cookie, Name = "signalbox", Description = "The dashboard's login. What changes something also needs the antiforgery header (GET api/v1/me)." },
        };
        return Task.CompletedTask;
    }

    private static Task DescribeAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        operation.Parameters ??= [];
        foreach (var parameter in metadata.OfType<QueryParameter>())
        {
            var schema = new OpenApiSchema { Type = TypeOf(parameter.Kind) };
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = parameter.Name,
                In = ParameterLocation.Query,
                Description = parameter.Description,
                Schema = parameter.IsMany ? new OpenApiSchema { Type = JsonSchemaType.Array, Items = schema } : schema,
            });
        }

        foreach (var header in metadata.OfType<HeaderParameter>())
        {
            operation.Parameters.Add(new OpenApiParameter { Name = header.Name, In = ParameterLocation.Header, Description = header.Description, Schema = new OpenApiSchema { Type = JsonSchemaType.String } });
        }

        var policy = metadata.OfType<IAuthorizeData>().Select(a => a.Policy).LastOrDefault(p => p is not null);
        operation.Description = $"Policy: {policy}.";
        operation.Security = [new() { [new OpenApiSecuritySchemeReference("key", context.Document)] = [] }, new() { [new OpenApiSecuritySchemeReference("login", context.Document)] = [] }];
        operation.Responses ??= [];
        foreach (var (status, why) in new[] { ("401", "Nobody has said who asks, or by a key that is none: not_authenticated."), ("403", "The caller lacks the role: not_permitted, approval_role, approval_self, …"), ("429", "Too many requests: too_many_requests.") })
        {
            operation.Responses.TryAdd(status, new OpenApiResponse { Description = why });
        }

        return Task.CompletedTask;
    }

    /// <summary>The schemas are made from the types; what the API writes in its own way is said here.</summary>
    private static Task DescribeAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var type = Nullable.GetUnderlyingType(context.JsonTypeInfo.Type) ?? context.JsonTypeInfo.Type;
        if (type == typeof(RunId))
        {
            schema.Type = JsonSchemaType.String;
        }
        else if (type.IsEnum)
        {
            schema.Type = JsonSchemaType.String;
            schema.Enum = [.. Enum.GetValues(type).Cast<object>().Select(v => (JsonNode)JsonNode.Parse(System.Text.Json.JsonSerializer.Serialize(v, type, ApiJson.Options))!)];
        }
        else if (context.JsonPropertyInfo is { } property && ApiJson.IsTime(property))
        {
            (schema.Type, schema.Format) = (JsonSchemaType.String, "date-time");
        }
        else if (type == typeof(RawJson))
        {
            schema.Description = "Stored JSON, as it stands; {\"$payload\": …} where the value is stored apart.";
        }

        return Task.CompletedTask;
    }

    private static JsonSchemaType TypeOf(string kind) => kind switch
    {
        "integer" => JsonSchemaType.Integer,
        "boolean" => JsonSchemaType.Boolean,
        _ => JsonSchemaType.String,
    };
}
