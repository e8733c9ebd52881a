using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Signalbox.Journal;

namespace Signalbox.Testing;

/// <summary>A part of a request, with the hash of its canonical JSON.</summary>
internal sealed record RequestPart(string Hash, JsonObject Json)
{
    public static RequestPart Of(JsonObject json)
    {
        var utf8 = JsonSerializer.SerializeToUtf8Bytes(json, ContentJson.Options);
        try
        {
            utf8 = CanonicalJson.Of(utf8);
        }
        catch (JsonException)
        {
            // Too deep, or a member twice: a model's arguments may be anything. It keeps the order in which it was written.
        }

        return new(Convert.ToHexStringLower(SHA256.HashData(utf8)), json);
    }
}

/// <summary>
/// What of a request its answer depends on: the messages without their ids and times, and of the options those that reach the model. Headers, keys, callbacks and a provider's own
/// properties are no part of it.
/// </summary>
internal sealed class RequestForm(RequestPart options, IReadOnlyList<RequestPart> messages)
{
    public RequestPart Options { get; } = options;

    public IReadOnlyList<RequestPart> Messages { get; } = messages;

    /// <summary>Equal for equal requests.</summary>
    public string Digest { get; } = DigestOf([options, .. messages]);

    public static RequestForm Of(IEnumerable<ChatMessage> messages, ChatOptions? options, string? defaultModel) =>
        new(RequestPart.Of(OptionsJson(options ?? new ChatOptions(), defaultModel)), [.. messages.Select(m => RequestPart.Of(MessageJson(m)))]);

    public static string DigestOf(IEnumerable<RequestPart> parts) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join(' ', parts.Select(p => p.Hash)))));

    public static JsonObject MessageJson(ChatMessage message)
    {
        var json = new JsonObject { ["role"] = message.Role.Value };
        if (message.AuthorName is { } author)
        {
            json["author"] = author;
        }

        json["contents"] = new JsonArray([.. message.Contents.Select(ContentJson.Write)]);
        return json;
    }

    private static JsonObject OptionsJson(ChatOptions options, string? defaultModel)
    {
        var json = new JsonObject();
        Add(json, "model", options.ModelId ?? defaultModel);
        Add(json, "instructions", options.Instructions);
        Add(json, "temperature", options.Temperature);
        Add(json, "topP", options.TopP);
        Add(json, "topK", options.TopK);
        Add(json, "seed", options.Seed);
        Add(json, "maxOutputTokens", options.MaxOutputTokens);
        Add(json, "frequencyPenalty", options.FrequencyPenalty);
        Add(json, "presencePenalty", options.PresencePenalty);
        Add(json, "stop", options.StopSequences);
        Add(json, "reasoning", options.Reasoning);
        Add(json, "severalCalls", options.AllowMultipleToolCalls);
        Add(json, "toolMode", options.ToolMode switch
        {
            NoneChatToolMode => "none",
            RequiredChatToolMode { RequiredFunctionName: { } name } => $"required: {name}",
            RequiredChatToolMode => "required",
            AutoChatToolMode => "auto",
            _ => null,
        });
        Add(json, "format", options.ResponseFormat switch
        {
            ChatResponseFormatJson { Schema: { } schema } => schema,
            ChatResponseFormatJson => "json",
            ChatResponseFormatText => "text",
            _ => (object?)null,
        });
        if (options.Tools is { Count: > 0 } tools)
        {
            json["tools"] = new JsonArray([.. tools.Select(Tool)]);
        }

        return json;
    }

    private static JsonNode Tool(AITool tool)
    {
        var json = new JsonObject { ["name"] = tool.Name };
        Add(json, "description", string.IsNullOrEmpty(tool.Description) ? null : tool.Description);
        Add(json, "schema", (tool as AIFunctionDeclaration)?.JsonSchema);
        return json;
    }

    private static void Add<T>(JsonObject json, string name, T? value)
    {
        if (value is not null)
        {
            json[name] = ContentJson.Node(value);
        }
    }
}
