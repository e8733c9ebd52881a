using System.Net;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Signalbox.Journal;

/// <summary>
/// How the values of authors (cases, arguments, results, answers) are written: camelCase, enums by name, addresses as text, null members left out,
/// constructor parameters required where the type requires them. A change here changes stored data: pinned by golden files.
/// </summary>
public static class SignalboxJson
{
    /// <summary>The options. Read-only.</summary>
    public static JsonSerializerOptions Options { get; } = Create();

    private static JsonSerializerOptions Create()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            NumberHandling = JsonNumberHandling.Strict,
            RespectNullableAnnotations = true,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // nothing here is ever put into HTML unencoded
            PropertyNameCaseInsensitive = false,
        };
        options.Converters.Add(new JsonStringEnumConverter());
        options.Converters.Add(new IPAddressConverter());
        options.Converters.Add(new IPNetworkConverter());
        options.TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { RequireWhatHasNoDefault } };
        options.MakeReadOnly();
        return options;
    }

    /// <summary>A value that lacks what its type cannot do without is no such value (a model's answer, a changed case); what may be null is left out when it is.</summary>
    private static void RequireWhatHasNoDefault(JsonTypeInfo type)
    {
        foreach (var property in type.Properties.Where(p => p.AssociatedParameter is { HasDefaultValue: false, IsNullable: false }))
        {
            property.Set ??= static (_, _) => { }; // the constructor takes it; only what could be set may be required
            property.IsRequired = true;
        }
    }

    private sealed class IPAddressConverter : JsonConverter<IPAddress>
    {
        public override IPAddress Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            IPAddress.TryParse(reader.GetString(), out var address) ? address : throw new JsonException($"'{reader.GetString()}' is not an IP address.");

        public override void Write(Utf8JsonWriter writer, IPAddress value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
    }

    /// <summary>Without it a network would be written by its members and read as 0.0.0.0/0.</summary>
    private sealed class IPNetworkConverter : JsonConverter<IPNetwork>
    {
        public override IPNetwork Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            IPNetwork.TryParse(reader.GetString(), out var network) ? network : throw new JsonException($"'{reader.GetString()}' is not a network, as 192.0.2.0/24 is.");

        public override void Write(Utf8JsonWriter writer, IPNetwork value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
    }
}

/// <summary>Turns values into what stands in a body.</summary>
internal static class Bodies
{
    /// <summary>A value longer than this becomes a payload.</summary>
    public const int InlineBytesMax = 4096;

    /// <summary>A value that somebody outside has written, without its white space: an export has one line an entry.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public static RawJson Minified(RawJson value)
    {
        var reader = new Utf8JsonReader(value.Utf8.Span);
        using var document = JsonDocument.ParseValue(ref reader);
        return new RawJson(JsonSerializer.SerializeToUtf8Bytes(document.RootElement, SignalboxJson.Options));
    }

    public static RawJson Json<T>(T value) => new(JsonSerializer.SerializeToUtf8Bytes(value, SignalboxJson.Options));

    /// <summary>
    /// Where a value stands: inline, or in a payload. One that looks like a reference always becomes a payload, so that no text from outside can point at somebody else's.
    /// </summary>
    public static (RawJson Value, IReadOnlyList<Payload> Payloads) Place(RawJson value)
    {
        if (value.Utf8.Length <= InlineBytesMax && value.Reference is null)
        {
            return (value, []);
        }

        var payload = Payload.Of(value.Utf8);
        return (RawJson.To(payload.Hash), [payload]);
    }
}
