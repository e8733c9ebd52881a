using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace Signalbox.Mcp.Tests;

/// <summary>An MCP server behind HTTP, in this process, that can be told to misbehave.</summary>
internal sealed class OddWebServer : IDisposable
{
    private readonly HttpListener _listener = new();
    private readonly ConcurrentQueue<string> _authorizations = new();
    private volatile int _greetings;

    public OddWebServer()
    {
        var port = Npm.FreePort();
        Endpoint = new Uri($"http://127.0.0.1:{port}/mcp");
        _listener.Prefixes.Add($"http://127.0.0.1:{port}/");
        _listener.Start();
        _ = ServeAsync();
    }

    public Uri Endpoint { get; }

    /// <summary>The authorisation of each request, in order.</summary>
    public IReadOnlyCollection<string> Authorizations => _authorizations;

    /// <summary>How often it was greeted.</summary>
    public int Greetings => _greetings;

    /// <summary>The status of every reply; 200 unless set.</summary>
    public int Status { get; set; } = 200;

    /// <summary>Where every reply sends the client.</summary>
    public Uri? Redirect { get; set; }

    /// <summary>Whether replies are event streams.</summary>
    public bool UsesEvents { get; set; }

    public void Dispose() => _listener.Close();

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext context;
            try
            {
                context = await _listener.GetContextAsync();
            }
            catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
            {
                return;
            }

            await ReplyAsync(context);
        }
    }

    private async Task ReplyAsync(HttpListenerContext context)
    {
        var response = context.Response;
        try
        {
            _authorizations.Enqueue(context.Request.Headers["Authorization"] ?? "");
            if (Redirect is { } elsewhere)
            {
                response.StatusCode = 307;
                response.RedirectLocation = elsewhere.ToString();
                return;
            }

            if (context.Request.HttpMethod != "POST")
            {
                response.StatusCode = 405;
                return;
            }

            var message = JsonNode.Parse(await new StreamReader(context.Request.InputStream).ReadToEndAsync())!;
            if (Status != 200)
            {
                response.StatusCode = Status;
                return;
            }

            if (message["id"] is not { } id || Answer(message["method"]!.GetValue<string>(), message["params"]) is not { } answer)
            {
                response.StatusCode = 202;
                return;
            }

            answer["id"] = id.DeepClone();
            answer["jsonrpc"] = "2.0";
            response.Headers["Mcp-Session-Id"] = "s1";
            response.ContentType = UsesEvents ? "text/event-stream" : "application/json";
            await response.OutputStream.WriteAsync(Encoding.UTF8.GetBytes(UsesEvents ? $"data: {answer.ToJsonString()}\n\n" : answer.ToJsonString()));
        }
        catch (Exception e) when (e is HttpListenerException or IOException or ObjectDisposedException)
        {
            // The client went away.
        }
        finally
        {
            response.Close();
        }
    }

    private JsonObject? Answer(string method, JsonNode? parameters)
    {
        switch (method)
        {
            case "initialize":
                Interlocked.Increment(ref _greetings);
                return Result("""{"protocolVersion":"2025-11-25","capabilities":{"tools":{}},"serverInfo":{"name":"odd","version":"1"}}""");
            case "tools/list":
                return Result("""{"tools":[{"name":"huge","inputSchema":{"type":"object"}},{"name":"echo","inputSchema":{"type":"object"}}]}""");
            case "tools/call":
                var text = parameters!["name"]!.GetValue<string>() == "huge" ? new string('x', 1_000_000) : "echo";
                return Result($$"""{"content":[{"type":"text","text":"{{text}}"}]}""");
            default:
                return new JsonObject { ["error"] = new JsonObject { ["code"] = -32601, ["message"] = "Method not found" } };
        }
    }

    private static JsonObject Result(string json) => new() { ["result"] = JsonNode.Parse(json) };
}
