using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Rendering;

/// <summary>Writes bodies with their payloads in place, so that one reads what was said and not where it lies.</summary>
internal static class BodyText
{
    /// <summary>The payloads of an entry; null stands for one that is missing or altered.</summary>
    public static async Task<IReadOnlyDictionary<PayloadHash, ReadOnlyMemory<byte>?>> LoadAsync(IRunReader reader, Entry entry, CancellationToken cancellationToken)
    {
        var payloads = new Dictionary<PayloadHash, ReadOnlyMemory<byte>?>();
        foreach (var hash in PayloadReferences.In(entry))
        {
            payloads[hash] = await reader.FindPayloadAsync(hash, cancellationToken);
        }

        return payloads;
    }

    public static void Write(Utf8JsonWriter json, Entry entry, IReadOnlyDictionary<PayloadHash, ReadOnlyMemory<byte>?> payloads)
    {
        if (payloads.Count == 0)
        {
            json.Stored(entry.Body);
            return;
        }

        using var body = JsonDocument.Parse(entry.Body, StoredJson.Options);
        Object(json, body.RootElement, payloads);
    }

    private static void Object(Utf8JsonWriter json, JsonElement container, IReadOnlyDictionary<PayloadHash, ReadOnlyMemory<byte>?> payloads)
    {
        json.WriteStartObject();
        foreach (var member in container.EnumerateObject())
        {
            json.WritePropertyName(member.Name);
            if (PayloadReferences.Of(member.Value) is { } hash)
            {
                Payload(json, hash, payloads);
            }
            else if (member.NameEquals("messages") && PayloadReferences.OfMessages(member.Value).ToArray() is { Length: > 0 } messages)
            {
                json.WriteStartArray();
                foreach (var message in messages)
                {
                    Payload(json, message, payloads);
                }

                json.WriteEndArray();
            }
            else if (PayloadReferences.HasMembers(member))
            {
                Object(json, member.Value, payloads);
            }
            else
            {
                member.Value.WriteTo(json);
            }
        }

        json.WriteEndObject();
    }

    private static void Payload(Utf8JsonWriter json, PayloadHash hash, IReadOnlyDictionary<PayloadHash, ReadOnlyMemory<byte>?> payloads)
    {
        if (payloads.GetValueOrDefault(hash) is { } bytes)
        {
            json.Stored(bytes);
            return;
        }

        json.WriteStartObject();
        json.WriteString("$payload", hash.Value);
        json.WriteBoolean("missing", true);
        json.WriteEndObject();
    }
}
