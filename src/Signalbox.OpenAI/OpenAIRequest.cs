using System.Text.Json;
using Microsoft.Extensions.AI;
using OpenAI.Chat;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;
using OpenAIMessage = OpenAI.Chat.ChatMessage;
using OpenAIResponseFormat = OpenAI.Chat.ChatResponseFormat;

namespace Signalbox;

/// <summary>A request in the terms of OpenAI's client. What cannot be said in them is refused, never dropped.</summary>
internal static class OpenAIRequest
{
    private static readonly JsonSerializerOptions s_compact = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    public static IEnumerable<OpenAIMessage> Messages(IEnumerable<ChatMessage> messages, string? instructions)
    {
        IEnumerable<OpenAIMessage> first = string.IsNullOrEmpty(instructions) ? [] : [new SystemChatMessage(instructions)];
        return first.Concat(messages.SelectMany(Messages));
    }

    public static ChatCompletionOptions Settings(ChatOptions? options, bool usesMaxTokens)
    {
        var settings = new ChatCompletionOptions();
        if (options is not null)
        {
            Sampling(options, settings, usesMaxTokens);
            Tools(options, settings);
            settings.ResponseFormat = Format(options);
            settings.ReasoningEffortLevel = Effort(options.Reasoning?.Effort);
        }

        return settings;
    }

    private static IEnumerable<OpenAIMessage> Messages(ChatMessage message)
    {
        if (message.Role == ChatRole.System)
        {
            return [new SystemChatMessage(message.Text)];
        }

        return message.Role == ChatRole.Assistant ? [Assistant(message)] : [.. ToolResults(message), .. User(message)];
    }

    private static AssistantChatMessage Assistant(ChatMessage message)
    {
        var calls = message.Contents.OfType<FunctionCallContent>().Select(Call).ToArray();
        if (calls.Length == 0)
        {
            return new AssistantChatMessage(message.Text);
        }

        var assistant = new AssistantChatMessage(calls);
        if (message.Text.Length > 0)
        {
            assistant.Content.Add(ChatMessageContentPart.CreateTextPart(message.Text));
        }

        return assistant;
    }

    private static ChatToolCall Call(FunctionCallContent call) =>
        ChatToolCall.CreateFunctionToolCall(call.CallId, call.Name, BinaryData.FromString(JsonSerializer.Serialize(call.Arguments ?? new Dictionary<string, object?>(), s_compact)));

    private static IEnumerable<OpenAIMessage> ToolResults(ChatMessage message) =>
        message.Contents.OfType<FunctionResultContent>().Select(r => new ToolChatMessage(r.CallId, ResultText(r.Result)));

    private static string ResultText(object? result) => result switch
    {
        null => "",
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } text => text.GetString()!,
        TextContent text => text.Text,
        IEnumerable<AIContent> contents when contents.All(c => c is TextContent) => string.Concat(contents.Cast<TextContent>().Select(c => c.Text)),
        _ => JsonSerializer.Serialize(result, s_compact),
    };

    private static IEnumerable<OpenAIMessage> User(ChatMessage message)
    {
        var parts = message.Contents.Where(c => c is not FunctionResultContent).Select(Part).ToArray();
        return parts.Length > 0 ? [new UserChatMessage(parts)] : [];
    }

    private static ChatMessageContentPart Part(AIContent content) => content switch
    {
        TextContent text => ChatMessageContentPart.CreateTextPart(text.Text),
        DataContent data when data.HasTopLevelMediaType("image") => ChatMessageContentPart.CreateImagePart(BinaryData.FromBytes(data.Data), data.MediaType),
        UriContent address when address.HasTopLevelMediaType("image") => ChatMessageContentPart.CreateImagePart(address.Uri),
        _ => throw new NotSupportedException($"a user's message may hold texts and images; got {content.GetType().Name}."),
    };

    private static void Sampling(ChatOptions options, ChatCompletionOptions settings, bool usesMaxTokens)
    {
        settings.Temperature = options.Temperature;
        settings.TopP = options.TopP;
        settings.FrequencyPenalty = options.FrequencyPenalty;
        settings.PresencePenalty = options.PresencePenalty;
        settings.Seed = options.Seed;
        foreach (var sequence in options.StopSequences ?? [])
        {
            settings.StopSequences.Add(sequence);
        }

        if (options.MaxOutputTokens is { } limit && usesMaxTokens)
        {
            settings.Patch.Set("$.max_tokens"u8, limit);
        }
        else
        {
            settings.MaxOutputTokenCount = options.MaxOutputTokens;
        }
    }

    private static void Tools(ChatOptions options, ChatCompletionOptions settings)
    {
        foreach (var tool in options.Tools ?? [])
        {
            settings.Tools.Add(tool is AIFunctionDeclaration function
                ? ChatTool.CreateFunctionTool(function.Name, function.Description, BinaryData.FromString(function.JsonSchema.GetRawText()), IsStrict(function.AdditionalProperties))
                : throw new NotSupportedException($"a tool must be a function; got '{tool.Name}', a {tool.GetType().Name}."));
        }

        if (settings.Tools.Count > 0)
        {
            settings.AllowParallelToolCalls = options.AllowMultipleToolCalls;
            settings.ToolChoice = Choice(options.ToolMode);
        }
    }

    private static ChatToolChoice? Choice(ChatToolMode? mode) => mode switch
    {
        RequiredChatToolMode { RequiredFunctionName: { } name } => ChatToolChoice.CreateFunctionChoice(name),
        RequiredChatToolMode => ChatToolChoice.CreateRequiredChoice(),
        NoneChatToolMode => ChatToolChoice.CreateNoneChoice(),
        AutoChatToolMode => ChatToolChoice.CreateAutoChoice(),
        _ => null,
    };

    private static OpenAIResponseFormat? Format(ChatOptions options) => options.ResponseFormat switch
    {
        ChatResponseFormatJson { Schema: { } schema } json => OpenAIResponseFormat.CreateJsonSchemaFormat(
            json.SchemaName ?? "answer", BinaryData.FromString(schema.GetRawText()), json.SchemaDescription, IsStrict(options.AdditionalProperties)),
        ChatResponseFormatJson => OpenAIResponseFormat.CreateJsonObjectFormat(),
        ChatResponseFormatText => OpenAIResponseFormat.CreateTextFormat(),
        _ => null,
    };

    private static ChatReasoningEffortLevel? Effort(ReasoningEffort? effort) => effort switch
    {
        null => (ChatReasoningEffortLevel?)null,
        ReasoningEffort.None => new ChatReasoningEffortLevel("none"),
        ReasoningEffort.Low => ChatReasoningEffortLevel.Low,
        ReasoningEffort.Medium => ChatReasoningEffortLevel.Medium,
        ReasoningEffort.High => ChatReasoningEffortLevel.High,
        _ => new ChatReasoningEffortLevel("xhigh"),
    };

    // OpenAI's strict mode takes only some schemas, so that it is asked for, as with Microsoft.Extensions.AI's other clients, by the additional property "strict".
    private static bool? IsStrict(IReadOnlyDictionary<string, object?>? properties) => properties?.GetValueOrDefault("strict") as bool?;
}
