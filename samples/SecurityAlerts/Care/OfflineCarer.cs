using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;

namespace SecurityAlerts;

/// <summary>
/// Calls the two tools, and decides by the rules of <see cref="Judge"/>.
/// </summary>
internal sealed class OfflineCarer(string model, TimeSpan think, TimeProvider clock) : OfflineChatClient(model, think, clock)
{
    private const int FailuresMax = 2;

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

    protected override OfflineReply Next(List<ChatMessage> messages)
    {
        try
        {
            var request = messages.Where(message => message.Role == ChatRole.User).Select(message => CarePrompt.Find(message.Text)).LastOrDefault(found => found is not null)
                ?? throw new JsonException("no message asks about a request");
            var calls = messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().DistinctBy(call => call.CallId).ToDictionary(call => call.CallId, call => call.Name);
            var lacking = CareTools.Names.Except(calls.Values).ToList();
            if (lacking.Count > 0)
            {
                return new([.. lacking.Select((tool, index) => new FunctionCallContent($"{Model}-{messages.Count}-{index}", tool, new Dictionary<string, object?>()))], ChatFinishReason.ToolCalls);
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

    private static OfflineReply Say(CareVerdict verdict) => new([new TextContent(JsonSerializer.Serialize(verdict, SignalboxJson.Options))], ChatFinishReason.Stop);

    /// <summary>What is an error, or was cut, is no answer.</summary>
    private static T? Answer<T>(Dictionary<string, JsonElement> answers, string tool) where T : class =>
        answers.TryGetValue(tool, out var answer) && answer.ValueKind == JsonValueKind.Object && !answer.TryGetProperty("error", out _) ? answer.Deserialize<T>(SignalboxJson.Options) : null;

    private static string Name(CustomerRecord customer) => TerminalText.Escape(customer.Name ?? customer.Customer, 60);
}
