using System.ClientModel.Primitives;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.AI;
using OpenAI;
using OpenAI.Chat;
using Signalbox.Providers;
using ChatFinishReason = Microsoft.Extensions.AI.ChatFinishReason;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;

namespace Signalbox;

/// <summary>OpenAI's chat client as an <see cref="IChatClient"/>.</summary>
internal sealed class OpenAIChatClient(OpenAIClient client, string model, Provider provider, bool usesMaxTokens) : IChatClient
{
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var (asked, conversation, settings) = Request(messages, options);
        var answer = await client.GetChatClient(asked).CompleteChatAsync(conversation, settings, cancellationToken);
        ThrowIfError(ref answer.Value.Patch);
        return OpenAIReply.Of(answer);
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var (asked, conversation, settings) = Request(messages, options);
        var calls = new ToolCallPieces();
        var refusal = new StringBuilder();
        ChatResponseUpdate? last = null;
        ChatFinishReason? finish = null;
        await foreach (var piece in client.GetChatClient(asked).CompleteChatStreamingAsync(conversation, settings, cancellationToken))
        {
            ThrowIfError(ref piece.Patch);
            calls.Add(piece.ToolCallUpdates);
            refusal.Append(piece.RefusalUpdate);
            finish = piece.FinishReason is { } reason ? OpenAIReply.Finish(reason) : finish;
            last = OpenAIReply.Update(piece, last);
            if (last.Contents.Count > 0)
            {
                yield return last;
            }
        }

        if (finish is not null)
        {
            yield return OpenAIReply.End(last!, calls.ToContents(last!.ResponseId), refusal.ToString(), finish.Value);
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("openai", provider.BaseUrl, model)
            : serviceType == typeof(OpenAIClient) ? client
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    public void Dispose()
    {
    }

    private (string Model, List<OpenAI.Chat.ChatMessage> Messages, ChatCompletionOptions Settings) Request(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        var conversation = OpenAIRequest.Messages(messages, options?.Instructions).ToList();
        return conversation.Count > 0
            ? (options?.ModelId ?? model, conversation, OpenAIRequest.Settings(options, usesMaxTokens))
            : throw provider.Trouble(ModelTrouble.InvalidRequest, "cannot be asked without a message.");
    }

    /// <summary>A server that fails after it has sent its status says so in the body.</summary>
    private void ThrowIfError(ref JsonPatch unknown)
    {
        if (unknown.TryGetJson("$.error"u8, out var body) && !body.Span.SequenceEqual("null"u8))
        {
            var error = ErrorAnswer.Read(Encoding.UTF8.GetString(body.Span));
            throw provider.Trouble(error.Trouble(), $"broke its answer off{error.Said(provider)}");
        }
    }
}
