using System.Runtime.CompilerServices;
using System.Text.Json;
using Anthropic.Models.Messages;
using Microsoft.Extensions.AI;

namespace Signalbox;

/// <summary>
/// Mends two habits of the provider's client: a stream shows its finish reason before its last event, and a tool's text that was read back from JSON would be sent with quotes
/// around it.
/// </summary>
internal sealed class AnthropicReplies(IChatClient inner) : DelegatingChatClient(inner)
{
    public override Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        base.GetResponseAsync(messages.Select(Plain), options, cancellationToken);

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ChatResponseUpdate? last = null;
        ChatFinishReason? finish = null;
        var complete = false;
        await foreach (var update in base.GetStreamingResponseAsync(messages.Select(Plain), options, cancellationToken))
        {
            complete |= update.RawRepresentation is RawMessageStreamEvent { Value: RawMessageStopEvent };
            finish = update.FinishReason ?? finish;
            update.FinishReason = null;
            last = update;
            yield return update;
        }

        if (complete)
        {
            yield return new ChatResponseUpdate(ChatRole.Assistant, [])
            {
                FinishReason = finish,
                MessageId = last!.MessageId,
                ModelId = last.ModelId,
                ResponseId = last.ResponseId,
            };
        }
    }

    private static ChatMessage Plain(ChatMessage message)
    {
        if (!message.Contents.Any(IsQuoted))
        {
            return message;
        }

        var plain = message.Clone();
        plain.Contents = [.. message.Contents.Select(c => IsQuoted(c) ? Plain((FunctionResultContent)c) : c)];
        return plain;
    }

    private static bool IsQuoted(AIContent content) => content is FunctionResultContent { Result: JsonElement { ValueKind: JsonValueKind.String } };

    private static FunctionResultContent Plain(FunctionResultContent result) =>
        new(result.CallId, ((JsonElement)result.Result!).GetString()) { AdditionalProperties = result.AdditionalProperties, Exception = result.Exception };
}
