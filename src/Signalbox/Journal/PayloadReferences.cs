using System.Text.Json;

namespace Signalbox.Journal;

/// <summary>
/// Finds what a body stores elsewhere. A reference is a whole member of the body, or of the model call or the action in it: deeper inside stand the values of authors and strangers, whose own
/// <c>$payload</c> means nothing.
/// </summary>
public static class PayloadReferences
{
    private const string Member = "$payload";

    /// <summary>How JSON from journals is read: a body nests a value that may itself use all the usual depth.</summary>
    internal static JsonDocumentOptions JsonOptions { get; } = new() { MaxDepth = 1000 };

    /// <summary>The payloads that an entry refers to, each once, in the order of their standing. A body that is no JSON refers to nothing.</summary>
    public static IReadOnlyList<PayloadHash> In(Entry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (entry.Body.IsEmpty || !MayRefer(entry.Body.Span))
        {
            return [];
        }

        try
        {
            using var body = JsonDocument.Parse(entry.Body, JsonOptions);
            return body.RootElement.ValueKind == JsonValueKind.Object ? [.. OfMembers(body.RootElement).Distinct()] : [];
        }
        catch (JsonException)
        {
            return []; // who checks the store says so
        }
    }

    /// <summary>The address that a value stands for, or null.</summary>
    internal static PayloadHash? Of(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(Member, out var hash) || value.GetPropertyCount() != 1)
        {
            return null;
        }

        return Hash(hash);
    }

    /// <summary>The addresses of a model call's messages.</summary>
    internal static IEnumerable<PayloadHash> OfMessages(JsonElement messages) =>
        messages.ValueKind == JsonValueKind.Array ? messages.EnumerateArray().Select(Hash).OfType<PayloadHash>() : [];

    /// <summary>Members that have members of the body's own: a model call, and the action that a question is about.</summary>
    internal static bool HasMembers(JsonProperty member) => member.Value.ValueKind == JsonValueKind.Object && (member.NameEquals("model") || member.NameEquals("action"));

    private static IEnumerable<PayloadHash> OfMembers(JsonElement container)
    {
        foreach (var member in container.EnumerateObject())
        {
            if (Of(member.Value) is { } reference)
            {
                yield return reference;
            }
            else if (member.NameEquals("messages"))
            {
                foreach (var message in OfMessages(member.Value))
                {
                    yield return message;
                }
            }
            else if (HasMembers(member))
            {
                foreach (var inner in OfMembers(member.Value))
                {
                    yield return inner;
                }
            }
        }
    }

    private static PayloadHash? Hash(JsonElement value) =>
        value.ValueKind == JsonValueKind.String && value.GetRawText().Length == 66 && value.GetString() is { Length: 64 } text && text.All(char.IsAsciiHexDigitLower) ? new PayloadHash(text) : null;

    /// <summary>Spares most bodies the parsing.</summary>
    private static bool MayRefer(ReadOnlySpan<byte> body) => body.IndexOf("$payload"u8) >= 0 || body.IndexOf("\"messages\""u8) >= 0;
}
