using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Queries;

/// <summary>An entry's body with its payloads in place, so that one reads what was said and not where it lies.</summary>
internal sealed class ResolvedBody
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    private readonly Dictionary<PayloadHash, ReadOnlyMemory<byte>?> _payloads;
    private readonly Redactor _redactor;
    private readonly int _valueBytesMax;
    private readonly SortedSet<string> _missing = new(StringComparer.Ordinal);

    private ResolvedBody(Dictionary<PayloadHash, ReadOnlyMemory<byte>?> payloads, Redactor redactor, int valueBytesMax)
    {
        _payloads = payloads;
        _redactor = redactor;
        _valueBytesMax = valueBytesMax;
    }

    /// <summary>The entry, masked, with what it refers to in place: values longer than that are cut.</summary>
    public static async Task<EntryView> ViewAsync(IRunReader reader, Entry entry, Redactor redactor, int valueBytesMax, CancellationToken cancellationToken)
    {
        var payloads = new Dictionary<PayloadHash, ReadOnlyMemory<byte>?>();
        foreach (var hash in PayloadReferences.In(entry))
        {
            payloads[hash] = await reader.FindPayloadAsync(hash, cancellationToken);
        }

        var (body, fault) = new ResolvedBody(payloads, redactor, valueBytesMax).Of(entry);
        return new(
            entry.Position, entry.Run, entry.Seq, entry.Epoch, entry.At, entry.Kind, entry.State, entry.Visit, entry.Scope, entry.Step, entry.Actor, redactor.Text(entry.Cause),
            body is { } json ? redactor.Json(json) : null, Convert.ToHexStringLower(entry.Hash.Span), fault);
    }

    /// <summary>A value of a body that a reader may refer to: what it stands for; null where that is missing.</summary>
    public static async Task<ReadOnlyMemory<byte>?> FindAsync(IRunReader reader, RawJson value, CancellationToken cancellationToken) =>
        value.Reference is { } hash ? await reader.FindPayloadAsync(hash, cancellationToken) : value.Utf8;

    /// <summary>What stands in place of a payload that is missing.</summary>
    public static RawJson Missing(string address) => Write(json => Missing(json, address));

    /// <summary>The stored value as JSON: as a text where it is none.</summary>
    public static RawJson Stored(ReadOnlyMemory<byte> stored)
    {
        try
        {
            using var document = JsonDocument.Parse(stored, PayloadReferences.JsonOptions);
            return new RawJson(stored);
        }
        catch (JsonException)
        {
            return Write(json => json.WriteStringValue(Encoding.UTF8.GetString(stored.Span)));
        }
    }

    public static RawJson Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, s_options))
        {
            write(writer);
        }

        return new RawJson(buffer.WrittenSpan.ToArray());
    }

    private (RawJson? Body, string? Fault) Of(Entry entry)
    {
        if (entry.Body.IsEmpty)
        {
            return (null, RunViewFold.HasBody(entry.Kind) ? "its body is gone: it was erased" : null);
        }

        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(entry.Body, PayloadReferences.JsonOptions);
        }
        catch (JsonException)
        {
            return (Stored(entry.Body), "its body is no JSON; see: signalbox check");
        }

        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return (new RawJson(entry.Body), "its body is no JSON object; see: signalbox check");
            }

            if (_payloads.Count == 0)
            {
                return (new RawJson(entry.Body), null);
            }

            var body = Write(json => Object(json, document.RootElement));
            return (body, _missing.Count == 0 ? null : $"missing or altered: {string.Join(", ", _missing.Select(m => "payload " + m))}");
        }
    }

    private void Object(Utf8JsonWriter json, JsonElement container)
    {
        json.WriteStartObject();
        foreach (var member in container.EnumerateObject())
        {
            json.WritePropertyName(member.Name);
            if (PayloadReferences.Of(member.Value) is { } hash)
            {
                Payload(json, hash);
            }
            else if (member.NameEquals("messages") && PayloadReferences.OfMessages(member.Value).ToArray() is { Length: > 0 } messages)
            {
                json.WriteStartArray();
                foreach (var message in messages)
                {
                    Payload(json, message);
                }

                json.WriteEndArray();
            }
            else if (PayloadReferences.HasMembers(member))
            {
                Object(json, member.Value);
            }
            else
            {
                json.WriteRawValue(member.Value.GetRawText(), skipInputValidation: true); // as it stands: an escaped half of a character cannot be written anew
            }
        }

        json.WriteEndObject();
    }

    private void Payload(Utf8JsonWriter json, PayloadHash hash)
    {
        if (_payloads.GetValueOrDefault(hash) is not { } bytes)
        {
            _missing.Add(hash.Value);
            Missing(json, hash.Value);
            return;
        }

        // Masked before it is cut: the cut may go through what is to be masked.
        var value = _redactor.Json(Stored(bytes));
        if (value.Utf8.Length <= _valueBytesMax)
        {
            json.WriteRawValue(value.Utf8.Span, skipInputValidation: true);
            return;
        }

        json.WriteStartObject();
        json.WriteString("$cut", Begin(value.Utf8.Span, _valueBytesMax));
        json.WriteNumber("bytes", value.Utf8.Length);
        json.WriteString("payload", hash.Value);
        json.WriteEndObject();
    }

    private static string Begin(ReadOnlySpan<byte> utf8, int bytes)
    {
        while (bytes > 0 && (utf8[bytes] & 0xC0) == 0x80)
        {
            bytes--; // not through a character
        }

        return Encoding.UTF8.GetString(utf8[..bytes]) + "…";
    }

    private static void Missing(Utf8JsonWriter json, string address)
    {
        json.WriteStartObject();
        json.WriteString("$payload", address);
        json.WriteBoolean("missing", true);
        json.WriteEndObject();
    }
}
