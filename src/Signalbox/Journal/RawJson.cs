using System.Text.Json;
using System.Text.Json.Serialization;

namespace Signalbox.Journal;

/// <summary>
/// A JSON value as it stands in a body: inline, or as <c>{"$payload":"hash"}</c> where it is stored as a payload.
/// </summary>
[JsonConverter(typeof(RawJsonConverter))]
public readonly record struct RawJson(ReadOnlyMemory<byte> Utf8)
{
    /// <summary>Whether there is no value at all (which is not JSON's null).</summary>
    [JsonIgnore]
    public bool IsMissing => Utf8.IsEmpty;

    /// <summary>The address, if the value is stored as a payload.</summary>
    [JsonIgnore]
    public PayloadHash? Reference
    {
        get
        {
            const int Length = 79; // {"$payload":" + 64 digits + "}
            return Utf8.Length == Length && Utf8.Span.StartsWith("{\"$payload\":\""u8) && Utf8.Span.EndsWith("\"}"u8)
                ? new PayloadHash(System.Text.Encoding.ASCII.GetString(Utf8.Span.Slice(13, 64)))
                : null;
        }
    }

    /// <summary>The reference to a payload, as it stands in a body.</summary>
    public static RawJson To(PayloadHash hash) => new(System.Text.Encoding.ASCII.GetBytes($"{{\"$payload\":\"{hash.Value}\"}}"));

    /// <summary>
    /// Writes the value to be shown: as JSON, or as a text where it is no JSON, is nested deeper than <paramref name="depthMax"/>, or has half of a character in it (an escape that passes for JSON and
    /// cannot be written anew). That is known before anything of it is written.
    /// </summary>
    public void WriteShown(Utf8JsonWriter json, int depthMax)
    {
        ArgumentNullException.ThrowIfNull(json);
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(Utf8, new JsonDocumentOptions { MaxDepth = depthMax });
        }
        catch (JsonException)
        {
            json.WriteStringValue(ToString());
            return;
        }

        using (document)
        {
            if (CanBeWritten(document, depthMax))
            {
                document.WriteTo(json);
            }
            else
            {
                json.WriteStringValue(ToString());
            }
        }
    }

    private bool CanBeWritten(JsonDocument document, int depthMax)
    {
        if (Utf8.Span.IndexOf("\\ud"u8) < 0 && Utf8.Span.IndexOf("\\uD"u8) < 0)
        {
            return true;
        }

        try
        {
            using var nowhere = new Utf8JsonWriter(Stream.Null, new JsonWriterOptions { MaxDepth = depthMax });
            document.WriteTo(nowhere);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <inheritdoc />
    public override string ToString() => System.Text.Encoding.UTF8.GetString(Utf8.Span);
}

internal sealed class RawJsonConverter : JsonConverter<RawJson>
{
    public override bool HandleNull => true;

    public override RawJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        return new RawJson(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(document.RootElement).ToArray());
    }

    public override void Write(Utf8JsonWriter writer, RawJson value, JsonSerializerOptions options)
    {
        if (value.IsMissing)
        {
            writer.WriteNullValue();
        }
        else
        {
            writer.WriteRawValue(value.Utf8.Span, skipInputValidation: true);
        }
    }
}
