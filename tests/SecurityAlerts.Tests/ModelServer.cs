using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Signalbox.Providers.Tests.Wire;

namespace SecurityAlerts.Tests;

/// <summary>
/// A server on this machine that speaks OpenAI's wire format: its answers are data, in order, and it records what it was asked. A plain socket, so that the sample beside the tests runs without ASP.NET.
/// </summary>
internal sealed class ModelServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Queue<WireReply> _replies;
    private readonly List<JsonElement> _requests = [];
    private readonly List<string> _keys = [];
    private readonly Task _serving;

    public ModelServer(params IEnumerable<WireReply> replies)
    {
        _replies = new(replies);
        _listener.Start();
        _serving = ServeAsync();
    }

    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v1");

    /// <summary>The bodies of the requests. Read them when nobody asks any more.</summary>
    public IReadOnlyList<JsonElement> Requests => _requests;

    /// <summary>Their Authorization headers.</summary>
    public IReadOnlyList<string> Keys => _keys;

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _serving;
        _listener.Dispose();
        _end.Dispose();
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync(_end.Token);
                await using var stream = client.GetStream();
                await AnswerAsync(stream);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task AnswerAsync(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.UTF8, leaveOpen: true);
        var length = 0;
        while (await reader.ReadLineAsync(_end.Token) is { Length: > 0 } line)
        {
            if (line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
            {
                length = int.Parse(line.Split(':')[1], CultureInfo.InvariantCulture);
            }
            else if (line.StartsWith("Authorization:", StringComparison.OrdinalIgnoreCase))
            {
                _keys.Add(line.Split(':', 2)[1].Trim());
            }
        }

        // The client writes its JSON in ASCII, so that characters are bytes.
        var body = new char[length];
        await reader.ReadBlockAsync(body, _end.Token);
        using var request = JsonDocument.Parse(new string(body));
        _requests.Add(request.RootElement.Clone());
        var reply = _replies.TryDequeue(out var next) ? next : WireReply.Failure(418, "no_answer_left", $"No answer is left for request {_requests.Count}.");
        var content = reply.Error is { } error ? OpenAIWire.Error(error.Type, error.Message) : OpenAIWire.Events(reply, request.RootElement.GetProperty("model").GetString()!);
        content = content[..Math.Min(content.Length, reply.Sent)];
        var headers = string.Concat(reply.Headers.Select(header => $"{header.Name}: {header.Value}\r\n"));
        var type = reply.Error is null ? "text/event-stream" : "application/json";
        await stream.WriteAsync(Encoding.UTF8.GetBytes($"HTTP/1.1 {reply.Status} X\r\nContent-Type: {type}\r\n{headers}Connection: close\r\n\r\n{content}"), _end.Token);
    }
}
