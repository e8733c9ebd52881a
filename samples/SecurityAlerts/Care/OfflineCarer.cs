using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;

namespace SecurityAlerts;

/// <summary>
/// A chat client that needs no model, as <see cref="OfflineAnalyst"/>: it reads the conversation and nothing else, calls the two tools, and decides by the rules of <see cref="Judge"/>.
/// </summary>
internal sealed class OfflineCarer(string model, TimeSpan think, TimeProvider clock) : IChatClient
{
    private const int FailuresMax = 2;

    private readonly ChatClientMetadata _metadata = new("signalbox-sample", providerUri: null, model);

    /// <summary>Who is who they say they are, and from whose address nobody attacks, is let in.</summary>
    public static CareVerdict Judge(CareRequest request, CustomerRecord? customer, LoginHistory? logins) => (customer, logins) switch
    {
        (null, _) => new(CareDecision.Leave, 0.3, ["There is no customer's record to go by."]),
        ({ Known: false }, _) => new(CareDecision.Leave, 0.97, [$"{TerminalText.Escape(request.Customer, 40)} is no customer."]),
        ({ IsTheirs: false }, _) => new(CareDecision.Leave, 0.95, [$"{request.Address} is in none of the networks of {Name(customer)}: anybody may say that."]),
        (_, null) => new(CareDecision.Allow, 0.5, [$"{request.Address} is in a network of {Name(customer)}.", "Whether somebody attacks from there is unknown."]),
        (_, { Failures: > FailuresMax } or { UsersTried: > 1 }) => new(CareDecision.Leave, 0.85, [$"{request.Address} is in a network of {Name(customer)}, but somebody guesses at passwords from there: {logins.Failures} failures."]),
        _ => new(CareDecision.Allow, 0.9, [$"{request.Address} is in a network of {Name(customer)}, and nobody guesses at passwords from there."]),
    };

    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (think > TimeSpan.Zero)
        {
            await Task.Delay(think, clock, cancellationToken);
        }

        var said = messages.ToList();
        return Reply(said, Next(said));
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

    private List<AIContent> Next(List<ChatMessage> messages)
    {
        try
        {
            var request = messages.Where(message => message.Role == ChatRole.User).Select(message => CarePrompt.Find(message.Text)).LastOrDefault(found => found is not null)
                ?? throw new JsonException("no message asks about a request");
            var calls = messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().DistinctBy(call => call.CallId).ToDictionary(call => call.CallId, call => call.Name);
            var lacking = CareTools.Names.Except(calls.Values).ToList();
            if (lacking.Count > 0)
            {
                return [.. lacking.Select((tool, index) => new FunctionCallContent($"{model}-{messages.Count}-{index}", tool, new Dictionary<string, object?>()))];
            }

            var answers = messages.SelectMany(message => message.Contents).OfType<FunctionResultContent>().Where(result => calls.ContainsKey(result.CallId))
                .GroupBy(result => calls[result.CallId]).ToDictionary(tool => tool.Key, tool => JsonSerializer.SerializeToElement(tool.Last().Result, SignalboxJson.Options));
            return Say(Judge(request, Answer<CustomerRecord>(answers, CareTools.CustomerRecord), Answer<LoginHistory>(answers, CareTools.AddressHistory)));
        }
        catch (JsonException broken)
        {
            return Say(new(CareDecision.Leave, 0, [$"The conversation cannot be judged by: {TerminalText.Escape(broken.Message, 200)}"]));
        }
    }

    private ChatResponse Reply(List<ChatMessage> messages, List<AIContent> contents)
    {
        var input = Tokens(messages.Sum(message => JsonSerializer.Serialize(message, AIJsonUtilities.DefaultOptions).Length));
        var output = Tokens(contents.Sum(content => JsonSerializer.Serialize(content, AIJsonUtilities.DefaultOptions).Length));
        return new ChatResponse(new ChatMessage(ChatRole.Assistant, contents))
        {
            ModelId = model,
            FinishReason = contents[0] is FunctionCallContent ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop,
            CreatedAt = clock.GetUtcNow(),
            Usage = new UsageDetails { InputTokenCount = input, OutputTokenCount = output, TotalTokenCount = input + output },
        };
    }

    private static List<AIContent> Say(CareVerdict verdict) => [new TextContent(JsonSerializer.Serialize(verdict, SignalboxJson.Options))];

    /// <summary>What is an error, or was cut, is no answer.</summary>
    private static T? Answer<T>(Dictionary<string, JsonElement> answers, string tool) where T : class =>
        answers.TryGetValue(tool, out var answer) && answer.ValueKind == JsonValueKind.Object && !answer.TryGetProperty("error", out _) ? answer.Deserialize<T>(SignalboxJson.Options) : null;

    private static string Name(CustomerRecord customer) => TerminalText.Escape(customer.Name ?? customer.Customer, 60);

    private static int Tokens(int chars) => (chars + 3) / 4;
}
