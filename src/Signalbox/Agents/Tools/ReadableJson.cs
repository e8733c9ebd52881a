using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Signalbox;

/// <summary>
/// JSON that the rest of the code can take without a surprise. A reader lets more pass than a program can use: text that is no Unicode, numbers that no double holds, a property
/// that stands twice, nesting without end.
/// </summary>
internal static class ReadableJson
{
    /// <summary>How deep arrays and objects may nest, as with the framework's own reader.</summary>
    public const int DepthMax = 64;

    /// <summary>The longest value from a model that is looked at, in bytes of UTF-8.</summary>
    public const int BytesMax = 4 << 20;

    private static readonly JsonElement s_anything = JsonElement.Parse("true"u8);

    /// <summary>The first thing that makes a value unusable, as a sentence; null if there is none.</summary>
    public static string? Fault(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Undefined)
        {
            return "there is no value at all";
        }

        var bytes = JsonMarshal.GetRawUtf8Value(value).Length;
        return bytes > BytesMax
            ? string.Create(CultureInfo.InvariantCulture, $"has {bytes:N0} bytes of JSON, but at most {BytesMax:N0} are looked at")
            : Fault(value, JsonPlace.Root);
    }

    private static string? Fault(JsonElement value, JsonPlace place)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.String:
                return TextOf(value) is null ? place.Tell("holds text that is no valid Unicode") : null;
            case JsonValueKind.Number:
                return ExactNumber.TryRead(value, out _) ? null : place.Tell($"expected a number that a double can hold, got {Excerpt.Quoted(value.GetRawText())}");
            case JsonValueKind.Array or JsonValueKind.Object when place.Depth >= DepthMax:
                return string.Create(CultureInfo.InvariantCulture, $"nests deeper than {DepthMax} levels");
            case JsonValueKind.Array:
                var index = 0;
                foreach (var item in value.EnumerateArray())
                {
                    if (Fault(item, place.Item(index++)) is { } fault)
                    {
                        return fault;
                    }
                }

                return null;
            case JsonValueKind.Object:
                var names = new HashSet<string>(StringComparer.Ordinal);
                foreach (var property in value.EnumerateObject())
                {
                    var name = NameOf(property);
                    if (name is null)
                    {
                        return place.Tell("has a property whose name is no valid Unicode");
                    }

                    if (!names.Add(name))
                    {
                        return place.Tell($"the property {Excerpt.Quoted(name, '\'')} stands twice");
                    }

                    if (Fault(property.Value, place.Property(name)) is { } fault)
                    {
                        return fault;
                    }
                }

                return null;
            default:
                return null;
        }
    }

    /// <summary>
    /// A schema without its unusable parts: each is left out together with the member that it stands in. Numbers, texts, names and nesting of what remains can be used;
    /// of a member that stands twice the last counts, as the framework's reader has it.
    /// </summary>
    public static JsonElement UsableSchema(JsonElement schema)
    {
        if (schema.ValueKind == JsonValueKind.Undefined || !IsUsable(schema, 0, ofMembersToo: false))
        {
            return s_anything;
        }

        if (IsUsable(schema, 0, ofMembersToo: true))
        {
            return schema;
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            WriteUsable(writer, schema, 0);
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }

    /// <summary>Whether it can be used; an object can if its unusable members are left out, so these count only where asked for.</summary>
    private static bool IsUsable(JsonElement element, int depth, bool ofMembersToo) => element.ValueKind switch
    {
        JsonValueKind.String => TextOf(element) is not null,
        JsonValueKind.Number => ExactNumber.TryRead(element, out _),
        JsonValueKind.Array or JsonValueKind.Object when depth >= DepthMax => false,
        JsonValueKind.Array => element.EnumerateArray().All(item => IsUsable(item, depth + 1, ofMembersToo)),
        JsonValueKind.Object => !ofMembersToo || element.EnumerateObject().All(member => NameOf(member) is not null && IsUsable(member.Value, depth + 1, ofMembersToo)),
        _ => true,
    };

    private static void WriteUsable(Utf8JsonWriter writer, JsonElement element, int depth)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                {
                    WriteUsable(writer, item, depth + 1);
                }

                writer.WriteEndArray();
                break;
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in element.EnumerateObject())
                {
                    if (NameOf(member) is { } name && IsUsable(member.Value, depth + 1, ofMembersToo: false))
                    {
                        writer.WritePropertyName(name);
                        WriteUsable(writer, member.Value, depth + 1);
                    }
                }

                writer.WriteEndObject();
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }

    /// <summary>The text; null if it holds half a surrogate pair or bytes that are no UTF-8.</summary>
    private static string? TextOf(JsonElement text)
    {
        try
        {
            return text.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static string? NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
