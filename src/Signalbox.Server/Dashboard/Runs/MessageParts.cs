using System.Text;
using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.Server.Dashboard.Runs;

/// <summary>A part of a message. <paramref name="Kind"/> is <c>text</c>, <c>reasoning</c>, <c>call</c>, <c>result</c> or <c>other</c>; <paramref name="Name"/> a tool's; <paramref name="Value"/> JSON where it is no text.</summary>
internal sealed record MessagePart(string Kind, string? Name, string? CallId, string? Text, RawJson? Value);

/// <summary>A message of Microsoft.Extensions.AI taken apart for reading. What is not understood is shown as the JSON that it is; nothing is left out.</summary>
internal static class MessageParts
{
    public static IReadOnlyList<MessagePart> Of(Queries.MessageView message)
    {
        try
        {
            using var json = JsonDocument.Parse(message.Content.IsMissing ? "null"u8.ToArray() : message.Content.Utf8);
            if (json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("contents", out var contents) && contents.ValueKind == JsonValueKind.Array)
            {
                return [.. contents.EnumerateArray().Select(Of)];
            }
        }
        catch (JsonException)
        {
        }

        return message.Text.Length > 0 || message.Content.IsMissing ? [new("text", null, null, message.Text, null)] : [new("other", null, null, null, message.Content)];
    }

    private static MessagePart Of(JsonElement content)
    {
        var type = Text(content, "$type");
        return type switch
        {
            "text" when Text(content, "text") is { } text => new("text", null, null, text, null),
            "reasoning" when Text(content, "text") is { Length: > 0 } text => new("reasoning", null, null, text, null),
            "functionCall" => new("call", Text(content, "name"), Text(content, "callId"), null, Json(content, "arguments")),
            "functionResult" when content.TryGetProperty("result", out var result) => result.ValueKind == JsonValueKind.String
                ? new("result", null, Text(content, "callId"), result.GetString(), null)
                : new("result", null, Text(content, "callId"), null, Json(content, "result")),
            _ => new("other", type, null, null, new RawJson(Encoding.UTF8.GetBytes(content.GetRawText()))),
        };
    }

    private static string? Text(JsonElement content, string name) =>
        content.ValueKind == JsonValueKind.Object && content.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static RawJson? Json(JsonElement content, string name) => content.TryGetProperty(name, out var value) ? new RawJson(Encoding.UTF8.GetBytes(value.GetRawText())) : null;
}
