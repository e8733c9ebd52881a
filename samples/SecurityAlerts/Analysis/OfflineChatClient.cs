using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace SecurityAlerts;

/// <summary>What is said in one reply, and why it ends there.</summary>
internal sealed record OfflineReply(IReadOnlyList<AIContent> Contents, ChatFinishReason Finish);

/// <summary>A chat client that needs no model, no key and no network: it reads the conversation that it is given and nothing else.</summary>
internal abstract class OfflineChatClient(string model, TimeSpan think, TimeProvider clock) : IChatClient
{
    /// <summary>What it calls itself.</summary>
    protected string Model { get; } = model;

    private readonly ChatClientMetadata _metadata = new("signalbox-sample", providerUri: null, model);

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (think > TimeSpan.Zero)
        {
            await Task.Delay(think, clock, cancellationToken);
        }

        var said = messages.ToList();
        var reply = Next(said);
        var input = Tokens(said.Sum(message => JsonSerializer.Serialize(message, AIJsonUtilities.DefaultOptions).Length));
        var output = Tokens(reply.Contents.Sum(content => JsonSerializer.Serialize(content, AIJsonUtilities.DefaultOptions).Length));
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, [.. reply.Contents]))
        {
            ModelId = Model,
            FinishReason = reply.Finish,
            CreatedAt = clock.GetUtcNow(),
            Usage = new UsageDetails { InputTokenCount = input, OutputTokenCount = output, TotalTokenCount = input + output },
        };
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(ChatClientMetadata) ? _metadata
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose()
    {
    }

    /// <summary>What it says next: calls of tools, or its answer.</summary>
    protected abstract OfflineReply Next(List<ChatMessage> messages);

    // About four characters of English or JSON make a token; nobody pays for these, they only show in the totals.
    private static int Tokens(int chars) => (chars + 3) / 4;
}
