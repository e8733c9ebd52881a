using System.Text.Json;

namespace Signalbox.HistoryChecker.Format;

/// <summary>The tool calls in a model's recorded reply, by call id.</summary>
internal static class Reply
{
    /// <summary>Null where the reply is no list of messages.</summary>
    public static Dictionary<string, string>? Calls(JsonElement messages)
    {
        if (messages.ValueKind != JsonValueKind.Array)
        {
            return null;
        }

        var calls = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var message in messages.EnumerateArray())
        {
            if (message.ValueKind == JsonValueKind.Object && message.TryGetProperty("contents", out var contents) && contents.ValueKind == JsonValueKind.Array)
            {
                foreach (var content in contents.EnumerateArray().Where(IsCall))
                {
                    calls[Text(content, "callId")] = Text(content, "name");
                }
            }
        }

        return calls;
    }

    private static bool IsCall(JsonElement content) => content.ValueKind == JsonValueKind.Object && Text(content, "$type") == "functionCall";

    private static string Text(JsonElement value, string member) => value.TryGetProperty(member, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString()! : "";
}
