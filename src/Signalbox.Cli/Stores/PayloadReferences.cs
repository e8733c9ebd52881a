using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Stores;

/// <summary>
/// Finds what a body stores elsewhere. A reference is a whole member of the body, or of the model call or the action in it: deeper inside stand the values of
/// authors and strangers, whose own <c>$payload</c> means nothing.
/// </summary>
internal static class PayloadReferences
{
    private const string Member = "$payload";

    /// <summary>The payloads that an entry refers to, each once, in the order of their standing.</summary>
    public static IReadOnlyList<PayloadHash> In(Entry entry)
    {
        if (entry.Body.IsEmpty || !MayRefer(entry.Body.Span))
        {
            return [];
        }

        try
        {
            using var body = JsonDocument.Parse(entry.Body, Rendering.StoredJson.Options);
            return body.RootElement.ValueKind == JsonValueKind.Object ? [.. OfMembers(body.RootElement).Distinct()] : [];
        }
        catch (JsonException)
        {
            return []; // what is no JSON refers to nothing; who checks it says so
        }
    }

    /// <summary>The address that a value stands for, or null.</summary>
    public static PayloadHash? Of(JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(Member, out var hash) || value.GetPropertyCount() != 1)
        {
            return null;
        }

        return Hash(hash);
    }

    /// <summary>The addresses of a model call's messages.</summary>
    public static IEnumerable<PayloadHash> OfMessages(JsonElement messages) =>
        messages.ValueKind == JsonValueKind.Array ? messages.EnumerateArray().Select(Hash).OfType<PayloadHash>() : [];

    /// <summary>Members that have members of the body's own: a model call, and the action that a question is about.</summary>
    public static bool HasMembers(JsonProperty member) => member.Value.ValueKind == JsonValueKind.Object && (member.NameEquals("model") || member.NameEquals("action"));

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
