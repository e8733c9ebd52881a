using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Signalbox.Server.Api;

namespace Signalbox.Server;

/// <summary>
/// What every request to one of our routes passes after ASP.NET has let its caller in: limits of number and size, antiforgery, and the one place where what goes wrong becomes an answer. It wraps each route itself, so that no
/// order of a host's middleware leaves it out.
/// </summary>
internal sealed class Gate : IDisposable
{
    private readonly SignalboxServerOptions _options;
    private readonly IAntiforgery _antiforgery;
    private readonly ILogger<Gate> _logger;
    private readonly PartitionedRateLimiter<HttpContext> _requests;
    private readonly PartitionedRateLimiter<HttpContext> _logins;

    public Gate(IOptions<SignalboxServerOptions> options, IAntiforgery antiforgery, ILogger<Gate> logger)
    {
        _options = options.Value;
        _antiforgery = antiforgery;
        _logger = logger;
        _requests = Limiter(context => context.FindCaller()?.Actor ?? AddressOf(context), _options.RequestsPerMinute);
        _logins = Limiter(AddressOf, _options.LoginsPerMinute);
    }

    public async Task PassAsync(HttpContext context, SignalboxRoute route, RequestDelegate next)
    {
        route.MoveInto(context);
        try
        {
            await EnterAsync(context, next);
            if (!context.Response.HasStarted && context.Response.StatusCode is StatusCodes.Status400BadRequest or StatusCodes.Status413PayloadTooLarge or StatusCodes.Status415UnsupportedMediaType && context.Response.ContentType is null && context.Response.ContentLength is null)
            {
                // ASP.NET could not make sense of it, and has said no more.
                await RefuseAsync(context, Problems.Of(new BadHttpRequestException(BoundedBody.TooLong(_options.BodyBytesMax).Message, context.Response.StatusCode))!);
            }
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is left to be told.
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            if (Problems.Of(e) is not { } known)
            {
                _logger.LogError(e, "{Method} {Path} failed in a way nobody foresaw.", context.Request.Method, context.Request.Path);
                known = Problems.Of(StatusCodes.Status500InternalServerError, "server_failed", "The server failed in a way nobody foresaw; its log says how. Whether something was changed cannot be said: look before you ask again.");
            }

            await RefuseAsync(context, known);
        }
    }

    private async Task EnterAsync(HttpContext context, RequestDelegate next)
    {
        using var lease = (context.GetEndpoint()?.Metadata.GetMetadata<LoginRoute>() is not null ? _logins : _requests).AttemptAcquire(context);
        if (!lease.IsAcquired)
        {
            context.Response.Headers.RetryAfter = "60";
            await RefuseAsync(context, Problems.Of(StatusCodes.Status429TooManyRequests, "too_many_requests", "There were too many requests within a minute. Nothing was done. Try again later."));
            return;
        }

        LimitBody(context);
        if (IsWrite(context.Request) && !AccessHandler.HasBearer(context.Request) && !await _antiforgery.IsRequestValidAsync(context))
        {
            await RefuseAsync(context, Problems.Of(
                StatusCodes.Status400BadRequest, "antiforgery_failed", "The request lacks the token that shows it came from a page of ours, or the page is from an earlier login. Nothing was done. Load the page again, then repeat it."));
            return;
        }

        await next(context);
    }

    private void LimitBody(HttpContext context)
    {
        if (context.Request.ContentLength > _options.BodyBytesMax)
        {
            throw BoundedBody.TooLong(_options.BodyBytesMax);
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } feature)
        {
            feature.MaxRequestBodySize = _options.BodyBytesMax;
        }

        if (IsWrite(context.Request))
        {
            context.Request.Body = new BoundedBody(context.Request.Body, _options.BodyBytesMax); // also where a server knows no such limit
        }
    }

    private static Task RefuseAsync(HttpContext context, Problem problem)
    {
        context.Response.TakeBack();
        if (problem.Status == StatusCodes.Status503ServiceUnavailable)
        {
            context.Response.Headers.RetryAfter = "5";
        }

        return ApiRoute.Is(context) ? Problems.WriteAsync(context, problem) : Notice.WriteAsync(context, problem.Status, "That did not work", $"{problem.Detail} ({problem.Code})");
    }

    private static bool IsWrite(HttpRequest request) => !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method) && !HttpMethods.IsOptions(request.Method);

    /// <summary>Whom to count; of IPv6 the network, since one machine has all its addresses.</summary>
    private static string AddressOf(HttpContext context)
    {
        if (context.Connection.RemoteIpAddress is not { } address)
        {
            return "unknown";
        }

        return address is { AddressFamily: AddressFamily.InterNetworkV6, IsIPv4MappedToIPv6: false } ? new IPAddress([.. address.GetAddressBytes().AsSpan(0, 8), .. new byte[8]]).ToString() : address.ToString();
    }

    /// <summary>Counts per minute and partition; idle partitions are forgotten.</summary>
    private static PartitionedRateLimiter<HttpContext> Limiter(Func<HttpContext, string> partition, int perMinute) => PartitionedRateLimiter.Create<HttpContext, string>(context =>
        RateLimitPartition.GetTokenBucketLimiter(partition(context), _ => new()
        {
            TokenLimit = perMinute,
            TokensPerPeriod = Math.Max(1, perMinute / 6),
            ReplenishmentPeriod = TimeSpan.FromSeconds(10),
            QueueLimit = 0,
        }));

    public void Dispose()
    {
        _requests.Dispose();
        _logins.Dispose();
    }
}

internal static class ResponseExtensions
{
    /// <summary>Takes back what was prepared, but what says when to come again, or by which methods.</summary>
    public static void TakeBack(this HttpResponse response)
    {
        var (retry, allow, status) = (response.Headers.RetryAfter, response.Headers.Allow, response.StatusCode);
        response.Clear();
        (response.Headers.RetryAfter, response.Headers.Allow, response.StatusCode) = (retry, allow, status); // one without a value is none
    }
}
