using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace SecurityAlerts;

/// <summary>
/// A chat client that needs no model, no key and no network: it parses the evidence out of the messages it is given,
/// decides by the rules of <see cref="AnalystRules"/>, and answers as a model would. It knows nothing but the messages.
/// </summary>
internal sealed class OfflineAnalyst(TimeProvider clock) : IChatClient
{
    public const string ModelId = "offline-analyst";

    private static readonly ChatClientMetadata Metadata = new("signalbox-sample", providerUri: null, ModelId);

    public Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var conversation = messages.ToList();
        var answer = JsonSerializer.Serialize(Judge(conversation), Dossier.Json);
        var input = Tokens(conversation.Sum(message => message.Text.Length));
        var output = Tokens(answer.Length);

        return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, answer))
        {
            ModelId = ModelId,
            FinishReason = ChatFinishReason.Stop,
            CreatedAt = clock.GetUtcNow(),
            Usage = new UsageDetails { InputTokenCount = input, OutputTokenCount = output, TotalTokenCount = input + output },
        });
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
        : serviceType == typeof(ChatClientMetadata) ? Metadata
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose()
    {
    }

    private static Verdict Judge(List<ChatMessage> conversation)
    {
        try
        {
            // The last one counts: an earlier turn may have shown less.
            var dossier = conversation.Where(message => message.Role == ChatRole.User)
                .Select(message => AnalystPrompt.Find(message.Text))
                .LastOrDefault(found => found is not null);
            return dossier is null
                ? new(Decision.Escalate, 0, ["No message holds evidence between <evidence> and </evidence>, so there is nothing to judge by."])
                : AnalystRules.Judge(dossier);
        }
        catch (JsonException broken)
        {
            return new(Decision.Escalate, 0, [$"The evidence cannot be read: {TerminalText.Escape(broken.Message, 200)}"]);
        }
    }

    // About four characters of English or JSON make a token; nobody pays for these, they only show in the totals.
    private static int Tokens(int chars) => (chars + 3) / 4;
}
