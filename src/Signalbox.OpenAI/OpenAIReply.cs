using System.ClientModel;
using System.ClientModel.Primitives;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using OpenAI.Chat;
using ChatFinishReason = Microsoft.Extensions.AI.ChatFinishReason;
using ChatMessage = Microsoft.Extensions.AI.ChatMessage;
using OpenAIFinishReason = OpenAI.Chat.ChatFinishReason;

namespace Signalbox;

/// <summary>What a server answered, in the terms of Microsoft.Extensions.AI.</summary>
internal static class OpenAIReply
{
    public static ChatResponse Of(ClientResult<ChatCompletion> answer)
    {
        var reply = answer.Value;
        var calls = reply.ToolCalls.Select((c, number) => Call(c.Id, c.FunctionName, c.FunctionArguments.ToString(), reply.Id, number)).ToArray<AIContent>();
        IList<AIContent> contents = [.. Thoughts(ref reply.Patch, "message"), .. Texts(reply.Content), .. Refusal(reply.Refusal), .. calls];
        var message = new ChatMessage(ChatRole.Assistant, contents) { MessageId = reply.Id, CreatedAt = reply.CreatedAt };
        return new ChatResponse(message)
        {
            ResponseId = reply.Id,
            ModelId = reply.Model,
            CreatedAt = reply.CreatedAt,
            FinishReason = HasFinish(answer) ? Finish(Finish(reply.FinishReason), calls.Length > 0, reply.Refusal) : null,
            Usage = reply.Usage is { } usage ? Use(usage) : null,
            RawRepresentation = reply,
        };
    }

    /// <summary>A piece of a stream without tool calls and finish reason: those wait for the end.</summary>
    public static ChatResponseUpdate Update(StreamingChatCompletionUpdate piece, ChatResponseUpdate? before)
    {
        var id = string.IsNullOrEmpty(piece.CompletionId) ? before?.ResponseId : piece.CompletionId;
        IEnumerable<AIContent> use = piece.Usage is { } usage ? [new UsageContent(Use(usage))] : [];
        return new ChatResponseUpdate(ChatRole.Assistant, [.. Thoughts(ref piece.Patch, "delta"), .. Texts(piece.ContentUpdate), .. use])
        {
            ResponseId = id,
            MessageId = id,
            ModelId = string.IsNullOrEmpty(piece.Model) ? before?.ModelId : piece.Model,
            CreatedAt = piece.CreatedAt,
            RawRepresentation = piece,
        };
    }

    public static ChatResponseUpdate End(ChatResponseUpdate last, IList<AIContent> calls, string refusal, ChatFinishReason finish) => new(ChatRole.Assistant, [.. Refusal(refusal), .. calls])
    {
        ResponseId = last.ResponseId,
        MessageId = last.MessageId,
        ModelId = last.ModelId,
        CreatedAt = last.CreatedAt,
        FinishReason = Finish(finish, calls.Count > 0, refusal),
    };

    /// <summary>A call as the model made it. Its id is made up from its place where the server gives none, so that its answer can name it.</summary>
    public static FunctionCallContent Call(string? id, string? name, string arguments, string? replyId, int number) => FunctionCallContent.CreateFromParsedArguments(
        arguments,
        string.IsNullOrEmpty(id) ? string.Create(CultureInfo.InvariantCulture, $"{replyId}-call-{number}") : id,
        name ?? "",
        static text => text.Length == 0 ? null : JsonSerializer.Deserialize<Dictionary<string, object?>>(text, AIJsonUtilities.DefaultOptions));

    public static ChatFinishReason Finish(OpenAIFinishReason reason) => reason switch
    {
        OpenAIFinishReason.Stop => ChatFinishReason.Stop,
        OpenAIFinishReason.Length => ChatFinishReason.Length,
        OpenAIFinishReason.ContentFilter => ChatFinishReason.ContentFilter,
        OpenAIFinishReason.ToolCalls or OpenAIFinishReason.FunctionCall => ChatFinishReason.ToolCalls,
        _ => new ChatFinishReason(reason.ToString()),
    };

    // A refusal is told beside an ordinary stop, and some servers stop where they call a tool.
    private static ChatFinishReason Finish(ChatFinishReason told, bool hasCalls, string? refusal) =>
        !string.IsNullOrEmpty(refusal) ? ChatFinishReason.ContentFilter
        : hasCalls && told == ChatFinishReason.Stop ? ChatFinishReason.ToolCalls
        : told;

    private static IEnumerable<AIContent> Texts(ChatMessageContent content) =>
        content.Where(p => p.Kind == ChatMessageContentPartKind.Text && !string.IsNullOrEmpty(p.Text)).Select(p => new TextContent(p.Text));

    /// <summary>What the model thought, where a server tells it (vLLM, Ollama and others, under either name). It is for the record: the format has no way to hand it back.</summary>
    private static IEnumerable<AIContent> Thoughts(ref JsonPatch unknown, string within) =>
        (Thought(ref unknown, $"$.choices[0].{within}.reasoning_content") ?? Thought(ref unknown, $"$.choices[0].{within}.reasoning")) is { Length: > 0 } thought
            ? [new TextReasoningContent(thought)]
            : [];

    private static string? Thought(ref JsonPatch unknown, string path) => unknown.TryGetValue(Encoding.UTF8.GetBytes(path), out string? text) ? text : null;

    private static IEnumerable<AIContent> Refusal(string? text) => string.IsNullOrEmpty(text) ? [] : [new ErrorContent(text) { ErrorCode = "refusal" }];

    private static UsageDetails Use(ChatTokenUsage usage) => new()
    {
        InputTokenCount = usage.InputTokenCount,
        OutputTokenCount = usage.OutputTokenCount,
        TotalTokenCount = usage.TotalTokenCount,
        CachedInputTokenCount = usage.InputTokenDetails?.CachedTokenCount,
        ReasoningTokenCount = usage.OutputTokenDetails?.ReasoningTokenCount,
    };

    /// <summary>The library reads a missing finish reason as an ordinary stop; only the bytes tell them apart.</summary>
    private static bool HasFinish(ClientResult answer)
    {
        using var body = JsonDocument.Parse(answer.GetRawResponse().Content);
        return body.RootElement.GetProperty("choices")[0].TryGetProperty("finish_reason", out var finish) && finish.ValueKind == JsonValueKind.String;
    }
}
