using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Rendering;

/// <summary>
/// JSON for programs: one value a line, camelCase, members without a value left out. Readable letters stay letters; what a terminal would obey is
/// escaped in JSON's own way, since programs' output ends up on terminals too.
/// </summary>
internal static class JsonOutput
{
    private static readonly JsonWriterOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };
    private static readonly JsonWriterOptions Indented = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, Indented = true, NewLine = "\n" };

    public static string Text(Action<Utf8JsonWriter> write, bool indented = false)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, indented ? Indented : Compact))
        {
            write(writer);
        }

        return TerminalText.EncodeJson(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }

    public static void Line(TextWriter output, Action<Utf8JsonWriter> write) => output.Write(Text(write) + "\n");

    public static void OptionalText(this Utf8JsonWriter json, string name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            json.WriteString(name, value);
        }
    }

    public static void OptionalTexts(this Utf8JsonWriter json, string name, IReadOnlyDictionary<string, string>? texts)
    {
        if (texts is { Count: > 0 })
        {
            json.WriteStartObject(name);
            foreach (var (key, text) in texts)
            {
                json.WriteString(key, text);
            }

            json.WriteEndObject();
        }
    }

    public static void Time(this Utf8JsonWriter json, string name, DateTimeOffset time) => json.WriteString(name, Iso(time));

    public static void OptionalTime(this Utf8JsonWriter json, string name, long? microseconds)
    {
        if (microseconds is { } at)
        {
            json.Time(name, Journal.Microseconds.ToTime(at));
        }
    }

    /// <summary>A stored JSON text as a value; as a text where it is not JSON, or cannot be written anew.</summary>
    public static void Stored(this Utf8JsonWriter json, string name, ReadOnlyMemory<byte> stored)
    {
        json.WritePropertyName(name);
        json.Stored(stored);
    }

    public static void Stored(this Utf8JsonWriter json, ReadOnlyMemory<byte> stored) => new RawJson(stored).WriteShown(json, StoredJson.DepthMax);

    public static string Iso(DateTimeOffset time) => time.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>How JSON from journals is read: bodies nest a value that may itself use all the usual depth.</summary>
internal static class StoredJson
{
    public const int DepthMax = 1000;

    public static JsonDocumentOptions Options { get; } = new() { MaxDepth = DepthMax };

    public static JsonReaderOptions ReaderOptions { get; } = new() { MaxDepth = DepthMax };

    /// <summary>The value indented, for people; the text itself where it is not JSON.</summary>
    public static string Indent(ReadOnlyMemory<byte> json) => JsonOutput.Text(writer => writer.Stored(json), indented: true);

    /// <summary>The value on one line.</summary>
    public static string Compact(ReadOnlyMemory<byte> json) => JsonOutput.Text(writer => writer.Stored(json));
}
