using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Signalbox.Testing;

/// <summary>
/// Contents of messages as people can read and edit them: <c>{"text"}</c>, <c>{"reasoning","protected"}</c>, <c>{"call","id","arguments"}</c>, <c>{"result","id"}</c>; any other, and those
/// with properties of their provider's, as Microsoft.Extensions.AI writes them.
/// </summary>
internal static class ContentJson
{
    /// <summary>Deep enough for arguments that are meant to be too deep.</summary>
    public const int DepthMax = 4096;

    public static JsonSerializerOptions Options { get; } = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false, MaxDepth = DepthMax };

    public static JsonNode Write(AIContent content) => content switch
    {
        { AdditionalProperties.Count: > 0 } or { Annotations.Count: > 0 } => Verbatim(content),
        TextContent text => new JsonObject { ["text"] = text.Text },
        TextReasoningContent reasoning => With("protected", reasoning.ProtectedData, new() { ["reasoning"] = reasoning.Text }),
        FunctionCallContent call when call.GetType() == typeof(FunctionCallContent) => With(
            "unreadable", call.Exception?.Message, new() { ["call"] = call.Name, ["id"] = call.CallId, ["arguments"] = Node(call.Arguments) }),
        FunctionResultContent result when result.GetType() == typeof(FunctionResultContent) => new JsonObject { ["result"] = Node(result.Result), ["id"] = result.CallId },
        _ => Verbatim(content),
    };

    /// <param name="json">What <see cref="Write"/> wrote, or somebody by hand.</param>
    /// <param name="place">The content's number in its message, from 1: a call without an id is named by it.</param>
    /// <exception cref="FormatException">It is no content.</exception>
    public static AIContent Read(JsonNode? json, int place)
    {
        var members = new JsonMembers(json, "A content");
        if (members.Has("$type"))
        {
            return json.Deserialize<AIContent>(Options)!;
        }

        if (members.Has("text"))
        {
            members.ThrowIfUnknown("text");
            return new TextContent(members.Text("text"));
        }

        if (members.Has("reasoning"))
        {
            members.ThrowIfUnknown("reasoning", "protected");
            return new TextReasoningContent(members.Text("reasoning")) { ProtectedData = members.Text("protected") };
        }

        if (members.Has("call"))
        {
            members.ThrowIfUnknown("call", "id", "arguments", "unreadable");
            return new FunctionCallContent(members.Text("id") ?? $"call-{place}", members.Text("call") ?? "", members.Object("arguments") is { } arguments ? Arguments(arguments) : null)
            {
                Exception = members.Text("unreadable") is { } why ? new JsonException(why) : null,
            };
        }

        if (members.Has("result"))
        {
            members.ThrowIfUnknown("result", "id");
            return new FunctionResultContent(members.Text("id") ?? "", members.Node("result")?.Deserialize<JsonElement>(Options));
        }

        throw new FormatException($"A content must have one of the members text, reasoning, call, result, $type; got {Excerpt.Of(json!.ToJsonString(Options))}.");
    }

    public static JsonNode? Node<T>(T value) => JsonSerializer.SerializeToNode(value, Options);

    /// <summary>As a provider's client gives arguments: JSON elements by name.</summary>
    public static Dictionary<string, object?> Arguments(JsonObject json) => json.ToDictionary(p => p.Key, p => (object?)p.Value.Deserialize<JsonElement>(Options));

    private static JsonObject With(string name, string? value, JsonObject json)
    {
        if (value is not null)
        {
            json[name] = value;
        }

        return json;
    }

    private static JsonNode Verbatim(AIContent content) => JsonSerializer.SerializeToNode(content, Options)!;
}

/// <summary>A JSON object whose members are asked for by name and type, with errors that say what is wrong.</summary>
internal readonly struct JsonMembers(JsonNode? json, string what)
{
    private readonly JsonObject _json = json as JsonObject ?? throw new FormatException($"{what} must be a JSON object; got {Excerpt.Of(json?.ToJsonString(ContentJson.Options) ?? "null")}.");

    public bool Has(string name) => _json.ContainsKey(name);

    public JsonNode? Node(string name) => _json[name];

    public string? Text(string name) => Value<string>(name, "a text");

    public double? Number(string name) => Has(name) && Node(name) is not null ? Value<double>(name, "a number") : null;

    public long? Count(string name) => Has(name) && Node(name) is not null ? Value<long>(name, "a whole number") : null;

    public JsonObject? Object(string name) =>
        Node(name) is null or JsonObject ? (JsonObject?)Node(name) : throw new FormatException($"{what} has a member '{name}' that must be an object; got {Excerpt.Of(Node(name)!.ToJsonString(ContentJson.Options))}.");

    public JsonArray? Array(string name) =>
        Node(name) is null or JsonArray ? (JsonArray?)Node(name) : throw new FormatException($"{what} has a member '{name}' that must be an array; got {Excerpt.Of(Node(name)!.ToJsonString(ContentJson.Options))}.");

    public void ThrowIfUnknown(params string[] known)
    {
        var unknown = _json.Select(p => p.Key).FirstOrDefault(k => !known.Contains(k));
        if (unknown is not null)
        {
            throw new FormatException($"{what} has no member '{unknown}'; it may have {string.Join(", ", known)}.");
        }
    }

    private T? Value<T>(string name, string kind)
    {
        if (Node(name) is not { } node)
        {
            return default;
        }

        return node is JsonValue value && value.TryGetValue<T>(out var typed)
            ? typed
            : throw new FormatException($"{what} has a member '{name}' that must be {kind}; got {Excerpt.Of(node.ToJsonString(ContentJson.Options))}.");
    }
}

/// <summary>A piece of a text for an error: short, and harmless in a terminal.</summary>
internal static class Excerpt
{
    private const int LengthMax = 80;

    /// <param name="text">The text.</param>
    /// <param name="around">A place that must be seen.</param>
    public static string Of(string text, int around = 0)
    {
        var start = Math.Max(0, Math.Min(around - (LengthMax / 4), text.Length - LengthMax));
        var end = Math.Min(text.Length, start + LengthMax);
        var piece = new System.Text.StringBuilder(start > 0 ? "…" : "");
        foreach (var c in text.AsSpan(start, end - start))
        {
            piece = c < ' ' || char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.Format or System.Globalization.UnicodeCategory.Control or System.Globalization.UnicodeCategory.Surrogate
                ? piece.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\u{(int)c:x4}")
                : piece.Append(c);
        }

        return piece.Append(end < text.Length ? "…" : "").ToString();
    }
}
