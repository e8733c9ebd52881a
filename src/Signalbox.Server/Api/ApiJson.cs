using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Signalbox.Journal;

namespace Signalbox.Server.Api;

/// <summary>
/// How the API writes and reads: camelCase, members without a value left out, times as ISO 8601 in UTC with microseconds, the statuses of runs by their names and all other enums in camelCase, stored JSON as it stands. Names are
/// those of the command line's <c>--json</c>.
/// </summary>
internal static class ApiJson
{
    public static JsonSerializerOptions Options { get; } = Create();

    private static JsonSerializerOptions Create()
    {
        // The encoder is the strict one: what stands here may end up in a page, whoever embeds it.
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            NumberHandling = JsonNumberHandling.Strict,
            RespectNullableAnnotations = true,
            RespectRequiredConstructorParameters = true,
            UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
            MaxDepth = 128,
            TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { WriteTimes } },
        };
        options.Converters.Add(new JsonStringEnumConverter<RunStatus>());
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase));
        options.Converters.Add(new StoredJsonConverter());
        options.Converters.Add(new TimeConverter());
        options.MakeReadOnly();
        return options;
    }

    /// <summary>Members that hold a time as microseconds (<c>At</c>, <c>EndedAt</c>, <c>Due</c>, …) are written as times.</summary>
    private static void WriteTimes(JsonTypeInfo type)
    {
        foreach (var property in type.Properties)
        {
            if (IsTime(property))
            {
                property.CustomConverter = property.PropertyType == typeof(long) ? new MicrosecondsConverter() : new OptionalMicrosecondsConverter();
            }
        }
    }

    public static bool IsTime(JsonPropertyInfo property) =>
        (property.PropertyType == typeof(long) || property.PropertyType == typeof(long?))
        && (property.AttributeProvider as MemberInfo)?.Name is { } name && (name is "At" or "Due" or "Until" or "ReadySince" || name.EndsWith("At", StringComparison.Ordinal));

    public static string Iso(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    private sealed class TimeConverter : JsonConverter<DateTimeOffset>
    {
        public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetDateTimeOffset();

        public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => writer.WriteStringValue(Iso(value));
    }

    private sealed class MicrosecondsConverter : JsonConverter<long>
    {
        public override long Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, long value, JsonSerializerOptions options) => writer.WriteStringValue(Iso(Microseconds.ToTime(value)));
    }

    private sealed class OptionalMicrosecondsConverter : JsonConverter<long?>
    {
        public override long? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, long? value, JsonSerializerOptions options)
        {
            if (value is { } at)
            {
                writer.WriteStringValue(Iso(Microseconds.ToTime(at)));
            }
            else
            {
                writer.WriteNullValue();
            }
        }
    }

    /// <summary>Stored JSON is written anew, value by value, and as a text where it is none: no byte from outside gets into an answer as it is.</summary>
    private sealed class StoredJsonConverter : JsonConverter<RawJson>
    {
        private const int DepthMax = 100; // less than an answer may have, for what it lies in

        public override RawJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using var document = JsonDocument.ParseValue(ref reader);
            return new RawJson(JsonSerializer.SerializeToUtf8Bytes(document.RootElement));
        }

        public override void Write(Utf8JsonWriter writer, RawJson value, JsonSerializerOptions options)
        {
            if (value.IsMissing)
            {
                writer.WriteNullValue();
                return;
            }

            value.WriteShown(writer, DepthMax);
        }
    }
}
