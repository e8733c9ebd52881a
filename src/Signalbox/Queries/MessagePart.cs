using System.Text;
using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.Queries;

/// <summary>
/// A part of a message. <paramref name="Kind"/> is <c>text</c>, <c>reasoning</c>, <c>call</c>, <c>result</c> or <c>other</c>; <paramref name="Name"/> a tool's, or the type of another part; <paramref name="Value"/> JSON where
/// it is no text.
/// </summary>
public sealed record MessagePart(string Kind, string? Name, string? CallId, string? Text, RawJson? Value)
{
    /// <summary>A message of Microsoft.Extensions.AI taken apart for reading. What is not understood is given as the JSON that it is; nothing is left out.</summary>
    public static IReadOnlyList<MessagePart> Of(MessageView message)
    {
        ArgumentNullException.ThrowIfNull(message);
        try
        {
            using var json = JsonDocument.Parse(message.Content.IsMissing ? "null"u8.ToArray() : message.Content.Utf8, PayloadReferences.JsonOptions);
            if (json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("contents", out var contents) && contents.ValueKind == JsonValueKind.Array)
            {
                return [.. contents.EnumerateArray().Select(Of)];
            }
        }
        catch (JsonException)
        {
        }

        if (message.Role == "tool" && message.Content is { IsMissing: false } answer)
        {
            return [new("other", null, null, null, answer)]; // what the model was given, as the JSON that it is
        }

        return message.Text.Length > 0 || message.Content.IsMissing ? [new("text", null, null, message.Text, null)] : [new("other", null, null, null, message.Content)];
    }

    private static MessagePart Of(JsonElement content)
    {
        var type = TextOf(content, "$type");
        return type switch
        {
            "text" when TextOf(content, "text") is { } text => new("text", null, null, text, null),
            "reasoning" when TextOf(content, "text") is { Length: > 0 } text => new("reasoning", null, null, text, null),
            "functionCall" => new("call", TextOf(content, "name"), TextOf(content, "callId"), null, Json(content, "arguments")),
            "functionResult" when content.TryGetProperty("result", out var result) => result.ValueKind == JsonValueKind.String
                ? new("result", null, TextOf(content, "callId"), TextOf(content, "result"), null)
                : new("result", null, TextOf(content, "callId"), null, Json(content, "result")),
            _ => new("other", type, null, null, new RawJson(Encoding.UTF8.GetBytes(content.GetRawText()))),
        };
    }

    private static string? TextOf(JsonElement content, string name)
    {
        if (content.ValueKind != JsonValueKind.Object || !content.TryGetProperty(name, out var value) || value.ValueKind != JsonValueKind.String)
        {
            return null;
        }

        try
        {
            return value.GetString();
        }
        catch (InvalidOperationException)
        {
            return value.GetRawText(); // half of a character
        }
    }

    private static RawJson? Json(JsonElement content, string name) => content.TryGetProperty(name, out var value) ? new RawJson(Encoding.UTF8.GetBytes(value.GetRawText())) : null;
}
