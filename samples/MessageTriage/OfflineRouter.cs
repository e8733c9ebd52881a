using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace MessageTriage;

/// <summary>
/// A chat client that needs no model, no key and no network. It reads the message out of the conversation, asks for labels through the tools it is given, as a model would, and answers by
/// <see cref="LabelScore"/>. It knows nothing but the conversation.
/// </summary>
internal sealed class OfflineRouter(bool isStrong) : IChatClient
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);

    private string ModelId => isStrong ? "offline-strong" : "offline-fast";

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var conversation = messages.ToList();
        var reply = Reply(conversation);
        var calls = reply.Any(content => content is FunctionCallContent);
        return Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, reply))
        {
            ModelId = ModelId,
            FinishReason = calls ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop,
            Usage = new UsageDetails { InputTokenCount = conversation.Sum(message => message.Text.Length) / 4, OutputTokenCount = 20 }, // roughly; nobody pays for these
        });
    }

    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
        {
            yield return update;
        }
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("signalbox-sample", null, ModelId) : serviceType.IsInstanceOfType(this) ? this : null;

    public void Dispose()
    {
    }

    private IList<AIContent> Reply(List<ChatMessage> conversation)
    {
        var text = Message(conversation);
        var results = conversation.SelectMany(message => message.Contents).OfType<FunctionResultContent>().ToDictionary(result => result.CallId, result => result.Result);
        if (!results.TryGetValue("search", out var found))
        {
            // The fast one asks for what shares a word; the strong one wants to see all, for it knows other words for the same.
            return [new FunctionCallContent("search", LabelTools.Search, new Dictionary<string, object?> { ["words"] = isStrong ? "" : string.Join(' ', LabelTools.Words(text).Where(word => !Synonyms.Empty.Contains(word))) })];
        }

        var ranked = new LabelScore(Value<List<string>>(found) ?? [], isStrong).Rank(text);
        if (isStrong && ranked.Count > 1 && !results.ContainsKey("describe-0"))
        {
            return [.. ranked.Take(2).Select((label, i) => new FunctionCallContent($"describe-{i}", LabelTools.Describe, new Dictionary<string, object?> { ["name"] = label.Label }))];
        }

        return [new TextContent(JsonSerializer.Serialize(Answer(ranked, results), s_json))];
    }

    private RouterAnswer Answer(IReadOnlyList<Scored> ranked, Dictionary<string, object?> results)
    {
        if (ranked.Count == 0)
        {
            // That no name has one of its words says little; that none has a word like them says more.
            return new(MessageRouting.OutOfScope, isStrong ? 0.8 : 0.3, ["no label has a word of this message"]);
        }

        var confidence = LabelScore.Confidence(ranked);
        List<string> reasons = [$"it says {string.Join(", ", ranked[0].Said)} of {ranked[0].Label}"];
        if (ranked.Count > 1)
        {
            reasons.Add(FormattableString.Invariant($"next comes {ranked[1].Label} ({ranked[1].Score:0.00} against {ranked[0].Score:0.00})"));

            // Near labels are told apart by few words: where the message says none of those, it is a guess.
            if (results.TryGetValue("describe-0", out var best) && results.TryGetValue("describe-1", out var next)
                && Value<LabelDescription>(best) is { } one && Value<LabelDescription>(next) is { } other && one.Near.Contains(other.Name)
                && one.Words.Except(other.Words).Select(Synonyms.Stem).Intersect(ranked[0].Said).FirstOrDefault() is null)
            {
                confidence = Math.Round(confidence * 0.75, 3);
                reasons.Add($"nothing it says tells {one.Name} from {other.Name}");
            }
        }

        return new(ranked[0].Label, confidence, reasons);
    }

    private static string Message(List<ChatMessage> conversation)
    {
        const string Begin = "<message>";
        const string End = "</message>";
        var text = conversation.First(message => message.Role == ChatRole.User && message.Text.StartsWith(Begin, StringComparison.Ordinal)).Text;
        return JsonSerializer.Deserialize<string>(text[Begin.Length..text.LastIndexOf(End, StringComparison.Ordinal)]) ?? "";
    }

    /// <summary>A tool's answer; null if the tool failed.</summary>
    private static T? Value<T>(object? result)
        where T : class
    {
        try
        {
            return result is JsonElement element ? element.Deserialize<T>(s_json) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
