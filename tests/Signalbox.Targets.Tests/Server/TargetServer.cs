using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Signalbox.Targets.Tests.Server;

/// <summary>What goes wrong with the next call that changes a resource.</summary>
internal enum HttpFault
{
    /// <summary>503, and nothing is done.</summary>
    Refuse,

    /// <summary>The connection is cut, and nothing is done.</summary>
    CutBefore,

    /// <summary>Done, and answered with 500.</summary>
    FailAfter,

    /// <summary>Done, and the connection is cut.</summary>
    CutAfter,

    /// <summary>Done, and never answered.</summary>
    Silence,

    /// <summary>Done, and answered with more than anybody wants to read.</summary>
    Flood,

    /// <summary>Answered as done, and nothing is done.</summary>
    Lie,
}

/// <summary>
/// A real server for tests, a process of its own: blocks (T1: <c>Idempotency-Key</c>), rules (T2: <c>Fence</c>, <c>If-Match</c>, <c>If-None-Match</c>), mails (T4). It keeps a log of its effects, knows nothing of
/// Signalbox, and can be told to misbehave: <c>POST /faults/{kind}/{resource}/{fault}</c>. It ends when its standard input does.
/// </summary>
internal static class TargetServer
{
    public const string Argument = "--target-server";

    private const int BodyBytesMax = 64 * 1024;

    public static async Task<int> RunAsync(string logPath)
    {
        using var shelves = new Shelves(logPath);
        var faults = new ConcurrentDictionary<string, HttpFault>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = BodyBytesMax);
        await using var app = builder.Build();
        app.Run(context => ServeAsync(context, shelves, faults));
        await app.StartAsync();
        Console.WriteLine(app.Urls.First());
        while (await Console.In.ReadLineAsync() is not null)
        {
        }

        return 0;
    }

    private static async Task ServeAsync(HttpContext context, Shelves shelves, ConcurrentDictionary<string, HttpFault> faults)
    {
        var path = context.Request.Path.Value!.Trim('/').Split('/');
        if (path is ["faults", var kind, var resource, var name])
        {
            faults[$"{kind}/{resource}"] = Enum.Parse<HttpFault>(name);
            return;
        }

        using var reader = new StreamReader(context.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        var fault = context.Request.Method != "GET" && path[0] != "hand" && faults.TryRemove($"{path[0]}/{path[^1]}", out var planted) ? planted : (HttpFault?)null;
        if (fault is HttpFault.CutBefore)
        {
            context.Abort();
            return;
        }

        var answer = fault switch
        {
            HttpFault.Refuse => new Answer(503, "out of order"),
            HttpFault.Lie => new Answer(200, "done"),
            _ => Handle(context.Request, path, body, shelves),
        };
        switch (fault)
        {
            case HttpFault.CutAfter:
                context.Abort();
                return;
            case HttpFault.Silence:
                await SilenceAsync(context.RequestAborted);
                return;
            case HttpFault.FailAfter:
                answer = new Answer(500, "something went wrong");
                break;
            case HttpFault.Flood:
                answer = answer with { Status = 200, Body = new string('x', 10_000_000) };
                break;
        }

        context.Response.StatusCode = answer.Status;
        if (answer.ETag is { } etag)
        {
            context.Response.Headers.ETag = etag;
        }

        if (answer.Status != StatusCodes.Status204NoContent)
        {
            await context.Response.WriteAsync(answer.Body, context.RequestAborted);
        }
    }

    private static Answer Handle(HttpRequest request, string[] path, string body, Shelves shelves)
    {
        var op = request.Method == "DELETE" ? "undo" : "execute";
        var actionId = request.Headers["Action-Id"].ToString();
        var fence = request.Headers["Fence"] is [{ } value] ? value : null;
        return (request.Method, path) switch
        {
            ("PUT" or "DELETE", ["hand", var kind, var resource]) => shelves.ByHand(op, kind, resource, body),
            ("GET", ["blocks" or "rules", var resource]) => shelves.Get(path[0], resource, fence),
            ("PUT" or "DELETE", ["blocks", var host]) => shelves.Block(op, host, actionId, request.Headers["Idempotency-Key"] is [{ } key] ? key : null),
            ("PUT" or "DELETE", ["rules", var id]) => shelves.Rule(op, id, body, actionId, fence, request.Headers.IfMatch is [{ } etag] ? etag : null, request.Headers.IfNoneMatch is ["*"]),
            ("POST", ["mails", var to]) => shelves.Mail(to, body, actionId),
            _ => new Answer(404, "there is no such place"),
        };
    }

    private static async Task SilenceAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // The caller has gone.
        }
    }
}
