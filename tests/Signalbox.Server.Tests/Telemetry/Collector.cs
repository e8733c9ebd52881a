using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Signalbox.Server.Tests.Telemetry;

/// <summary>What of a span went over the wire.</summary>
internal sealed record WireSpan(string Trace, string Id, string Parent, string Name, long StartedAt, long EndedAt, string Status, string Attributes, string Events, string Links);

/// <summary>A log line as it went over the wire.</summary>
internal sealed record WireLog(string Trace, string Body, IReadOnlyDictionary<string, object> Attributes);

internal enum CollectorMood
{
    Takes,
    Refuses,
    NeverAnswers,
}

/// <summary>A small collector that speaks OTLP over HTTP in protobuf.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly TaskCompletionSource _leaving = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private WebApplication? _app;

    public Collector()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Endpoint = new Uri($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}");
    }

    public Uri Endpoint { get; }

    public CollectorMood Mood { get; set; }

    /// <summary>The spans by trace and id; what is sent again must be the same.</summary>
    public ConcurrentDictionary<(string Trace, string Id), WireSpan> Spans { get; } = new();

    public ConcurrentDictionary<string, int> Metrics { get; } = new();

    public ConcurrentQueue<WireLog> Logs { get; } = new();

    public ConcurrentQueue<string> Faults { get; } = new();

    public ConcurrentDictionary<string, string> Services { get; } = new();

    public int Requests { get; private set; }

    public async Task ListenAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(Endpoint.AbsoluteUri);
        _app = builder.Build();
        _app.MapPost("/v1/{signal}", TakeAsync);
        await _app.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _leaving.TrySetResult();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }

    private async Task TakeAsync(HttpContext context, string signal)
    {
        Requests++;
        if (Mood == CollectorMood.Refuses)
        {
            context.Response.StatusCode = 503;
            return;
        }

        if (Mood == CollectorMood.NeverAnswers)
        {
            await Task.WhenAny(_leaving.Task, Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted));
            return;
        }

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var message = new Protobuf(body.ToArray());
        foreach (var part in message.Messages(1))
        {
            var resource = part.Messages(1).Single().Attributes(1);
            Services[signal] = (string)resource["service.name"];
            foreach (var item in part.Messages(2).SelectMany(scope => scope.Messages(2)))
            {
                Take(signal, item);
            }
        }

        context.Response.ContentType = "application/x-protobuf";
    }

    private void Take(string signal, Protobuf item)
    {
        switch (signal)
        {
            case "traces":
                var span = new WireSpan(
                    item.Hex(1), item.Hex(2), item.Hex(4), item.Text(5), (long)item.Number(7), (long)item.Number(8), Status(item), Tell(item.Attributes(9)),
                    string.Join("|", item.Messages(11).Select(e => $"{e.Text(2)}@{e.Number(1)}")), string.Join("|", item.Messages(13).Select(l => $"{l.Hex(1)}/{l.Hex(2)}")));
                if (!Spans.TryAdd((span.Trace, span.Id), span) && Spans[(span.Trace, span.Id)] != span)
                {
                    Faults.Enqueue($"Sent again, {span} was otherwise: {Spans[(span.Trace, span.Id)]}");
                }

                break;
            case "metrics":
                Metrics.AddOrUpdate(item.Text(1), 1, (_, n) => n + 1);
                break;
            case "logs":
                Logs.Enqueue(new WireLog(item.Hex(9), item.Messages(5).Single().Text(1), item.Attributes(6)));
                break;
        }
    }

    private static string Status(Protobuf span) => span.Messages(15).FirstOrDefault() is { } status && status.Number(3) == 2 ? "error" : "ok";

    private static string Tell(Dictionary<string, object> attributes) => string.Join("|", attributes.OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => string.Create(CultureInfo.InvariantCulture, $"{a.Key}={a.Value}")));
}
