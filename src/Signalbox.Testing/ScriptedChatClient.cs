using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;

namespace Signalbox.Testing;

/// <summary>A model's reply as data: a text, or what goes wrong.</summary>
public sealed record ScriptedReply
{
    private ScriptedReply()
    {
    }

    internal string ReplyText { get; private init; } = "";

    internal ChatFinishReason? Finish { get; private init; } = ChatFinishReason.Stop;

    internal Exception? Failure { get; private init; }

    internal TimeSpan Delay { get; private init; }

    internal IReadOnlyList<AIContent> Contents { get; private init; } = [];

    /// <summary>A complete text.</summary>
    public static ScriptedReply Text(string text) => new() { ReplyText = text };

    /// <summary>A value as JSON, written as Signalbox writes answers.</summary>
    public static ScriptedReply Json<T>(T value) => Text(JsonSerializer.Serialize(value, SignalboxJson.Options));

    /// <summary>A value as JSON within a Markdown fence, as models like to write it.</summary>
    public static ScriptedReply FencedJson<T>(T value) => Text($"```json\n{JsonSerializer.Serialize(value, SignalboxJson.Options)}\n```");

    /// <summary>A call of a tool.</summary>
    public static ScriptedReply ToolCall(string name, IDictionary<string, object?>? arguments = null, string callId = "call-1") =>
        new() { Contents = [new FunctionCallContent(callId, name, arguments)], Finish = ChatFinishReason.ToolCalls };

    /// <summary>The call throws.</summary>
    public static ScriptedReply Throw(Exception failure) => new() { Failure = failure };

    /// <summary>The reply was cut: it has no finish reason.</summary>
    public static ScriptedReply Cut(string text) => new() { ReplyText = text, Finish = null };

    /// <summary>The reply reached its length limit.</summary>
    public static ScriptedReply Truncated(string text) => new() { ReplyText = text, Finish = ChatFinishReason.Length };

    /// <summary>The model or its provider refused.</summary>
    public static ScriptedReply Refused(string text = "") => new() { ReplyText = text, Finish = ChatFinishReason.ContentFilter };

    /// <summary>The same reply after so much time by the client's clock.</summary>
    public ScriptedReply After(TimeSpan delay) => this with { Delay = delay };
}

/// <summary>What a model was asked.</summary>
public sealed record ScriptedRequest(IReadOnlyList<ChatMessage> Messages, ChatOptions? Options);

/// <summary>
/// A model whose replies are data, in order; it records what it was asked. Out of replies it throws, so that a call too many is seen. Safe to call from several threads.
/// </summary>
public sealed class ScriptedChatClient(TimeProvider clock, params IEnumerable<ScriptedReply> replies) : IChatClient
{
    private readonly Lock _lock = new();
    private readonly Queue<ScriptedReply> _replies = new(replies);
    private readonly List<ScriptedRequest> _requests = [];

    /// <summary>The model's name.</summary>
    public string Model { get; init; } = "scripted-1";

    /// <summary>What it was asked, in order.</summary>
    public IReadOnlyList<ScriptedRequest> Requests
    {
        get
        {
            lock (_lock)
            {
                return [.. _requests];
            }
        }
    }

    /// <summary>Adds replies after those it has.</summary>
    public void Add(params IEnumerable<ScriptedReply> replies)
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

    /// <inheritdoc />
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var reply = Take(messages, options);
        if (reply.Delay > TimeSpan.Zero)
        {
            await Task.Delay(reply.Delay, clock, cancellationToken);
        }

        if (reply.Failure is not null)
        {
            throw reply.Failure;
        }

        IList<AIContent> contents = reply.Contents.Count > 0 ? [.. reply.Contents] : [new TextContent(reply.ReplyText)];
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, contents))
        {
            ModelId = Model,
            FinishReason = reply.Finish,
            Usage = new UsageDetails { InputTokenCount = Requests[^1].Messages.Sum(m => m.Text.Length), OutputTokenCount = reply.ReplyText.Length },
        };
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    /// <inheritdoc />
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("scripted", null, Model) : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <inheritdoc />
    public void Dispose()
    {
    }

    private ScriptedReply Take(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        lock (_lock)
        {
            _requests.Add(new ScriptedRequest([.. messages], options));
            return _replies.TryDequeue(out var reply) ? reply : throw new InvalidOperationException($"The scripted model '{Model}' has no reply left for request {_requests.Count}.");
        }
    }
}
