using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using Signalbox.Journal;
using Signalbox.Queries;

namespace Signalbox.OpenTelemetry;

/// <summary>
/// What was said, as the JSON that OpenTelemetry's conventions for generative AI ask for. What does not fit is cut, and says so under <c>$cut</c>: it is JSON still. A text that was cut ends with an ellipsis and has its whole
/// length in bytes; a value stands as the text of its beginning.
/// </summary>
internal static class ContentJson
{
    /// <summary>How many bytes an attribute has at most.</summary>
    public const int BytesMax = 16 * 1024;

    /// <summary>How many bytes one message among others has at most: a list of it alone, which says that others are missing, still fits.</summary>
    public const int MessageBytesMax = BytesMax - 128;

    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>The instructions that stand before a conversation.</summary>
    public static string Instructions(IReadOnlyList<MessagePart> parts) => Text(Fit(BytesMax, (json, bytesMax) => Parts(json, parts, bytesMax), json => Parts(json, [], 0, parts.Count)));

    /// <summary>A message; with a <paramref name="finishReason"/>, one of a model.</summary>
    public static byte[] Message(string role, IReadOnlyList<MessagePart> parts, string? finishReason = null)
    {
        return Fit(MessageBytesMax, (json, bytesMax) => Write(json, parts, bytesMax, 0), json => Write(json, [], 0, parts.Count));

        void Write(Utf8JsonWriter json, IReadOnlyList<MessagePart> shown, int bytesMax, int missing)
        {
            json.WriteStartObject();
            json.WriteString("role", Begin(role, 200));
            json.WritePropertyName("parts");
            Parts(json, shown, bytesMax, missing);
            if (finishReason is not null)
            {
                json.WriteString("finish_reason", finishReason == "tool_calls" ? "tool_call" : Begin(finishReason, 200)); // the conventions' word for it
            }

            json.WriteEndObject();
        }
    }

    /// <summary>A list of messages, before which so many others are missing.</summary>
    public static string Messages(IEnumerable<byte[]> messages, int missing) => Text(Write(json =>
    {
        json.WriteStartArray();
        if (missing > 0)
        {
            json.WriteStartObject();
            json.WriteString("role", "$cut");
            json.WriteStartArray("parts");
            Cut(json, "messages", missing);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        foreach (var message in messages)
        {
            json.WriteRawValue(message, skipInputValidation: true);
        }

        json.WriteEndArray();
    }));

    /// <summary>A value of its own.</summary>
    public static string Value(RawJson value) => Text(Fit(BytesMax, (json, bytesMax) => Value(json, value, bytesMax), json => Value(json, value, 0)));

    private static void Parts(Utf8JsonWriter json, IReadOnlyList<MessagePart> parts, int bytesMax, int missing = 0)
    {
        json.WriteStartArray();
        foreach (var part in parts)
        {
            json.WriteStartObject();
            json.WriteString("type", part.Kind switch
            {
                "text" or "reasoning" => part.Kind,
                "call" => "tool_call",
                "result" => "tool_call_response",
                _ => Begin(part.Name ?? "other", 200),
            });
            if (part.Kind is "call" or "result")
            {
                json.WriteString("id", Begin(part.CallId ?? "", 200));
            }

            if (part.Kind == "call")
            {
                json.WriteString("name", Begin(part.Name ?? "", 200));
            }

            Said(json, part, part.Kind switch { "text" or "reasoning" => "content", "call" => "arguments", "result" => "response", _ => "value" }, bytesMax);
            json.WriteEndObject();
        }

        if (missing > 0)
        {
            Cut(json, "parts", missing);
        }

        json.WriteEndArray();
    }

    private static void Said(Utf8JsonWriter json, MessagePart part, string name, int bytesMax)
    {
        if (part.Value is { IsMissing: false } value)
        {
            json.WritePropertyName(name);
            Value(json, value, bytesMax);
            return;
        }

        var text = Begin(part.Text ?? "", bytesMax);
        json.WriteString(name, text);
        if (text != (part.Text ?? ""))
        {
            json.WriteNumber("$cut", Encoding.UTF8.GetByteCount(part.Text!));
        }
    }

    private static void Value(Utf8JsonWriter json, RawJson value, int bytesMax)
    {
        if (value.Utf8.Length <= bytesMax)
        {
            json.WriteRawValue(value.Utf8.Span, skipInputValidation: true);
            return;
        }

        json.WriteStartObject();
        json.WriteString("$cut", Begin(Encoding.UTF8.GetString(value.Utf8.Span[..Math.Min(value.Utf8.Length, bytesMax + 4)]), bytesMax));
        json.WriteNumber("bytes", value.Utf8.Length);
        json.WriteEndObject();
    }

    private static void Cut(Utf8JsonWriter json, string what, int missing)
    {
        json.WriteStartObject();
        json.WriteString("type", "$cut");
        json.WriteNumber(what, missing);
        json.WriteEndObject();
    }

    /// <summary>As much of each text as lets the whole fit; where there are too many for that, <paramref name="least"/>.</summary>
    private static byte[] Fit(int bytesMax, Action<Utf8JsonWriter, int> write, Action<Utf8JsonWriter> least)
    {
        for (var each = bytesMax; each >= 16; each = each * 7 / 8)
        {
            if (Write(json => write(json, each)) is var written && written.Length <= bytesMax)
            {
                return written;
            }
        }

        return Write(least);
    }

    /// <summary>The text, or its beginning of so many bytes and an ellipsis.</summary>
    private static string Begin(string text, int bytesMax)
    {
        Span<byte> taken = stackalloc byte[256];
        if (text.Length * 3L <= bytesMax || Encoding.UTF8.GetByteCount(text) <= bytesMax)
        {
            return text;
        }

        taken = bytesMax <= taken.Length ? taken[..bytesMax] : new byte[bytesMax];
        Utf8.FromUtf16(text, taken, out var read, out _);
        return text[..read] + "…";
    }

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, s_options))
        {
            write(writer);
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static string Text(byte[] json) => Encoding.UTF8.GetString(json);
}
