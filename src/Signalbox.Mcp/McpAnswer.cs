using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signalbox.Mcp;

/// <summary>What a tool answered. Images, sounds and files are described, never carried; text from outside.</summary>
/// <param name="Text">Its text, its blocks one a line.</param>
/// <param name="Structured">Its structured content, where it has some: the same answer as data.</param>
public sealed record McpAnswer(string Text, JsonElement? Structured)
{
    /// <summary>The answer in a result of <c>tools/call</c>.</summary>
    /// <exception cref="McpToolException">The result is an error, or none.</exception>
    internal static McpAnswer Of(string server, string tool, JsonNode? result)
    {
        try
        {
            var answer = result!.AsObject();
            var structured = answer["structuredContent"];
            var text = string.Join('\n', (answer["content"]?.AsArray() ?? []).Select(block => Describe(block!.AsObject())));
            if (answer["isError"]?.GetValue<bool>() == true)
            {
                throw new McpToolException(server, tool, text.Length > 0 ? text : structured?.ToJsonString() ?? "it gave no reason");
            }

            return new McpAnswer(text, structured?.Deserialize<JsonElement>());
        }
        catch (Exception e) when (e is InvalidOperationException or NullReferenceException or FormatException or JsonException or ArgumentException)
        {
            throw new McpToolException(server, tool, "its answer does not have the form that MCP prescribes", e);
        }
    }

    private static string Describe(JsonObject block)
    {
        var type = block["type"]?.GetValue<string>();
        return type switch
        {
            "text" => block["text"]!.GetValue<string>(),
            "image" or "audio" => $"[{type}: {Word(block["mimeType"])}, {Bytes(block["data"])}]",
            "resource" => Resource(block["resource"]!.AsObject()),
            "resource_link" => $"[link: {Word(block["name"])}, {Word(block["uri"])}, {Word(block["mimeType"])}]",
            _ => $"[content of an unknown type: {PlainText.Excerpt(type ?? "none", 50)}]",
        };
    }

    private static string Resource(JsonObject resource) => resource["text"] is { } text
        ? text.GetValue<string>()
        : $"[resource: {Word(resource["uri"])}, {Word(resource["mimeType"])}, {Bytes(resource["blob"])}]";

    private static string Word(JsonNode? value) => value is null ? "unnamed" : PlainText.Excerpt(value.GetValue<string>());

    private static string Bytes(JsonNode? base64)
    {
        var text = base64?.GetValue<string>() ?? "";
        return string.Create(CultureInfo.InvariantCulture, $"{(text.Length / 4 * 3) - text.AsSpan()[Math.Max(0, text.Length - 2)..].Count('=')} bytes");
    }
}
