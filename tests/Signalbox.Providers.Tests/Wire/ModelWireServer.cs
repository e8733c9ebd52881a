using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Signalbox.Providers.Tests.Wire;

/// <summary>
/// A server on this machine that speaks the wire formats of Anthropic (<c>/v1/messages</c>) and OpenAI (<c>/v1/chat/completions</c>), whole and as events. Its answers are
/// data, in order; it records what it was asked. Out of answers it says 418, so that a request too many is seen. Safe to call from several threads.
/// </summary>
public sealed class ModelWireServer : IAsyncDisposable
{
    private const int OutOfAnswers = 418;

    private readonly WebApplication _app;
    private readonly Lock _lock = new();
    private readonly Queue<WireReply> _replies = [];
    private readonly List<WireRequest> _requests = [];
    private readonly Dictionary<int, TaskCompletionSource<WireRequest>> _expected = [];

    private ModelWireServer(WebApplication app) => _app = app;

    /// <summary>Where it listens, without a path: Anthropic's base address. OpenAI's ends in <c>/v1</c>.</summary>
    public Uri Url => new(_app.Urls.First());

    /// <summary>What it was asked, in order.</summary>
    public IReadOnlyList<WireRequest> Requests
    {
        get
        {
            lock (_lock)
            {
                return [.. _requests];
            }
        }
    }

    /// <summary>A server on a free port.</summary>
    public static async Task<ModelWireServer> StartAsync(params IEnumerable<WireReply> replies)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = new ModelWireServer(builder.Build());
        server.Enqueue(replies);
        server._app.Run(server.AnswerAsync);
        await server._app.StartAsync();
        return server;
    }

    /// <summary>Adds answers after those it has.</summary>
    public void Enqueue(params IEnumerable<WireReply> replies)
    {
        ArgumentNullException.ThrowIfNull(replies);
        lock (_lock)
        {
            foreach (var reply in replies)
            {
                _replies.Enqueue(reply);
            }
        }
    }

    /// <summary>The request with this number, from 0, as soon as it has come.</summary>
    public Task<WireRequest> RequestAsync(int number)
    {
        lock (_lock)
        {
            return number < _requests.Count ? Task.FromResult(_requests[number]) : Expected(number).Task;
        }
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await _app.StopAsync(now.Token); // whoever still waits for a silent server is let go
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var request = await ReadAsync(context.Request);
        var reply = Take(request);
        if (reply.Sent >= 0)
        {
            await SendAsync(context, request, reply);
        }

        request.HasAnswer();
        await EndAsync(context, request, reply.End);
    }

    private static async Task SendAsync(HttpContext context, WireRequest request, WireReply reply)
    {
        var (body, contentType) = Rendered(request, reply);
        context.Response.StatusCode = reply.Status;
        context.Response.ContentType = contentType;
        foreach (var (name, value) in reply.Headers)
        {
            context.Response.Headers[name] = value;
        }

        await context.Response.Body.WriteAsync(body.AsMemory(0, Math.Min(reply.Sent, body.Length)), context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }

    private static async Task EndAsync(HttpContext context, WireRequest request, WireEnd end)
    {
        if (end == WireEnd.Dropped)
        {
            context.Abort();
        }
        else if (end == WireEnd.Silent)
        {
            var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using var registration = context.RequestAborted.Register(() => gone.TrySetResult());
            await gone.Task;
            request.IsGone();
        }
    }

    private static (byte[] Body, string ContentType) Rendered(WireRequest request, WireReply reply)
    {
        if (reply.Body is not null)
        {
            return (reply.Body, reply.ContentType);
        }

        var isAnthropic = request.Path.EndsWith("/messages", StringComparison.Ordinal);
        if (reply.Error is { } error)
        {
            return (Encoding.UTF8.GetBytes(isAnthropic ? AnthropicWire.Error(error.Type, error.Message) : OpenAIWire.Error(error.Type, error.Message)), "application/json");
        }

        return request.WantsEvents
            ? (Encoding.UTF8.GetBytes(isAnthropic ? AnthropicWire.Events(reply, request.Model) : OpenAIWire.Events(reply, request.Model)), "text/event-stream")
            : (Encoding.UTF8.GetBytes(isAnthropic ? AnthropicWire.Whole(reply, request.Model) : OpenAIWire.Whole(reply, request.Model)), "application/json");
    }

    private WireReply Take(WireRequest request)
    {
        lock (_lock)
        {
            _requests.Add(request);
            Expected(_requests.Count - 1).TrySetResult(request);
            return _replies.TryDequeue(out var reply) ? reply : WireReply.Failure(OutOfAnswers, "no_answer_left", $"No answer is left for request {_requests.Count}.");
        }
    }

    private TaskCompletionSource<WireRequest> Expected(int number)
    {
        if (!_expected.TryGetValue(number, out var expected))
        {
            _expected[number] = expected = new TaskCompletionSource<WireRequest>(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        return expected;
    }

    private static async Task<WireRequest> ReadAsync(HttpRequest request)
    {
        using var reader = new StreamReader(request.Body);
        var text = await reader.ReadToEndAsync();
        using var document = JsonDocument.Parse(text.Length > 0 ? text : "null");
        var headers = request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        return new WireRequest(request.Path, document.RootElement.Clone(), headers);
    }
}
