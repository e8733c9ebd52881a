using System.Text.Json;

namespace Signalbox.Providers.Tests.Wire;

/// <summary>What the server saw of one request.</summary>
public sealed class WireRequest
{
    private readonly TaskCompletionSource _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal WireRequest(string path, JsonElement body, IReadOnlyDictionary<string, string> headers)
    {
        Path = path;
        Body = body;
        Headers = headers;
    }

    public string Path { get; }

    public JsonElement Body { get; }

    /// <summary>By name, whatever its case.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; }

    /// <summary>Completes when the server has sent all that it will send.</summary>
    public Task Answered => _answered.Task;

    /// <summary>Completes when a client has gone away from a server that was silent.</summary>
    public Task Gone => _gone.Task;

    internal bool WantsEvents => Body.ValueKind == JsonValueKind.Object && Body.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True;

    internal string Model => Body.TryGetProperty("model", out var model) ? model.GetString() ?? "" : "";

    internal void HasAnswer() => _answered.TrySetResult();

    internal void IsGone() => _gone.TrySetResult();
}
