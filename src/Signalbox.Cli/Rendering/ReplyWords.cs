using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Rendering;

/// <summary>What a recorded message says, part by part. Reads the JSON itself: a message of a newer program is shown too.</summary>
internal static class ReplyWords
{
    /// <summary>The reply on one line: its tool calls, or its text.</summary>
    public static string OneLine(RawJson reply)
    {
        if (reply.IsMissing || reply.Reference is not null)
        {
            return EntryWords.Value(reply);
        }

        using var json = JsonDocument.Parse(reply.Utf8, StoredJson.Options);
        var parts = Messages(json.RootElement).SelectMany(m => Parts(m)).ToArray();
        var calls = parts.Where(p => p.Type == "functionCall").Select(p => p.Text).ToArray();
        return calls.Length > 0 ? "calls " + string.Join(", ", calls)
            : parts.Length == 0 ? StoredJson.Compact(reply.Utf8)
            : string.Join(' ', parts.Where(p => p.Type == "text").Select(p => p.Text));
    }

    /// <summary>The messages of a reply, or the one message that a payload holds.</summary>
    public static IEnumerable<JsonElement> Messages(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Array => json.EnumerateArray().Where(m => m.ValueKind == JsonValueKind.Object),
        JsonValueKind.Object => [json],
        _ => [],
    };

    public static string Role(JsonElement message) => StoredText.Of(message, "role") is { Length: > 0 } role ? role : "?";

    /// <summary>Text as it is, calls as a person would write them, and anything else as JSON.</summary>
    public static IEnumerable<(string Type, string Text)> Parts(JsonElement message)
    {
        if (!message.TryGetProperty("contents", out var contents) || contents.ValueKind != JsonValueKind.Array)
        {
            yield return StoredText.Of(message, "text") is { Length: > 0 } text ? ("text", text) : ("message", JsonOutput.Text(message.WriteTo));
            yield break;
        }

        foreach (var content in contents.EnumerateArray())
        {
            var type = content.ValueKind == JsonValueKind.Object ? StoredText.Of(content, "$type") : "";
            yield return type switch
            {
                "text" or "reasoning" when StoredText.Of(content, "text") is { Length: > 0 } text => (type, text),
                "functionCall" => (type, StoredText.Of(content, "name") + (content.TryGetProperty("arguments", out var arguments) ? AgentWords.Arguments(arguments) : "()")),
                _ => (type.Length == 0 ? "content" : type, JsonOutput.Text(content.WriteTo)),
            };
        }
    }
}

/// <summary>Texts in stored JSON, which may hold half of a character.</summary>
internal static class StoredText
{
    public static string Of(JsonElement value)
    {
        try
        {
            return value.GetString() ?? "";
        }
        catch (InvalidOperationException)
        {
            return value.GetRawText();
        }
    }

    public static string Of(JsonElement container, string member) =>
        container.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? Of(value) : "";
}
