using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Signalbox.Journal;

namespace Signalbox.Mcp.Definitions;

/// <summary>
/// What a server says a tool is. Its digest is the SHA-256 of the canonical JSON of name, description, input and output schema and annotations, as the server sent them: what a model is told,
/// and what a person looked at.
/// </summary>
internal sealed class ToolDefinition
{
    private const int BytesMax = 64 * 1024;
    private static readonly string[] Parts = ["name", "description", "inputSchema", "outputSchema", "annotations"];

    private ToolDefinition(string name, JsonElement definition, byte[] canonical)
    {
        Name = name;
        Json = definition;
        Digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(canonical));
        Description = Text(definition, "description") ?? "";
        InputSchema = definition.TryGetProperty("inputSchema", out var schema) ? schema : JsonElement.Parse("""{"type":"object"}""");
        DestructiveHint = Hint("destructiveHint");
        ReadOnlyHint = Hint("readOnlyHint");
    }

    public string Name { get; }

    /// <summary>What is pinned.</summary>
    public JsonElement Json { get; }

    public string Digest { get; }

    public string Description { get; }

    public JsonElement InputSchema { get; }

    public bool? DestructiveHint { get; }

    public bool? ReadOnlyHint { get; }

    /// <summary>The definition in an item of a <c>tools/list</c> result.</summary>
    /// <exception cref="FormatException">It is none; the message says why.</exception>
    public static ToolDefinition Of(string name, JsonObject item)
    {
        try
        {
            var pinned = new JsonObject();
            foreach (var part in Parts)
            {
                if (item[part] is { } value)
                {
                    pinned[part] = value.DeepClone();
                }
            }

            var canonical = CanonicalJson.Of(Encoding.UTF8.GetBytes(pinned.ToJsonString()));
            var definition = JsonElement.Parse(canonical);
            if (canonical.Length > BytesMax)
            {
                throw new FormatException($"it has {canonical.Length} bytes; at most {BytesMax} are given to a model");
            }

            return !definition.TryGetProperty("inputSchema", out var schema) || schema.ValueKind == JsonValueKind.Object
                ? new ToolDefinition(name, definition, canonical)
                : throw new FormatException("its input schema is no object");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new FormatException("it is no sound JSON: " + PlainText.Excerpt(e.Message), e);
        }
    }

    /// <summary>What differs from what was accepted, in words. Text from outside is in it, in short excerpts.</summary>
    public string DifferenceFrom(JsonElement accepted) => string.Join("; ", Parts.Select(part => (part, Was: Text(accepted, part), Is: Text(Json, part)))
        .Where(p => p.Was != p.Is)
        .Select(p => $"{Words(p.part)} {Change(p.Was, p.Is)}")) is { Length: > 0 } difference
        ? difference
        : "the pinned digest is not that of the pinned definition";

    private bool? Hint(string name) => Json.TryGetProperty("annotations", out var hints) && hints.ValueKind == JsonValueKind.Object && hints.TryGetProperty(name, out var hint)
        ? hint.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => null,
        }
        : null;

    private static string? Text(JsonElement definition, string part) => definition.ValueKind == JsonValueKind.Object && definition.TryGetProperty(part, out var value)
        ? value.ValueKind == JsonValueKind.String ? value.GetString() : Encoding.UTF8.GetString(CanonicalJson.Of(Encoding.UTF8.GetBytes(value.GetRawText())))
        : null;

    private static string Words(string part) => part switch
    {
        "inputSchema" => "its input schema",
        "outputSchema" => "its output schema",
        "annotations" => "its annotations (hints)",
        _ => "its " + part,
    };

    private static string Change(string? was, string? @is)
    {
        const int before = 20;
        const int shown = 120;
        if (was is null || @is is null)
        {
            return was is null ? $"is new: \"{PlainText.Excerpt(@is!, shown)}\"" : $"is gone: \"{PlainText.Excerpt(was, shown)}\"";
        }

        var start = Math.Max(0, was.AsSpan().CommonPrefixLength(@is) - before);
        return $"changed from \"{At(was)}\" to \"{At(@is)}\"";

        string At(string text) => (start > 0 ? "…" : "") + PlainText.Excerpt(text[start..], shown);
    }
}
