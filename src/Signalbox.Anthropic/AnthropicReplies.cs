using System.Runtime.CompilerServices;
using System.Text.Json;
using Anthropic.Models.Messages;
using Microsoft.Extensions.AI;

namespace Signalbox;

/// <summary>
/// Mends two habits of the provider's client: a stream shows its finish reason before its last event, and a tool's result that was read back from JSON would be sent written as
/// JSON once more: a text with quotes around it, an object with line ends that cost tokens.
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
        if (!message.Contents.Any(IsJson))
        {
            return message;
        }

        var plain = message.Clone();
        plain.Contents = [.. message.Contents.Select(c => IsJson(c) ? Plain((FunctionResultContent)c) : c)];
        return plain;
    }

    private static bool IsJson(AIContent content) => content is FunctionResultContent { Result: JsonElement };

    private static FunctionResultContent Plain(FunctionResultContent result) =>
        new(result.CallId, TextOf((JsonElement)result.Result!)) { AdditionalProperties = result.AdditionalProperties, Exception = result.Exception };

    private static string TextOf(JsonElement result) => result.ValueKind == JsonValueKind.String ? result.GetString()! : result.GetRawText();
}
