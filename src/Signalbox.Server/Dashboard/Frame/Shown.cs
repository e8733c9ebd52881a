using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.Server.Dashboard.Frame;

/// <summary>How values are written on pages. Razor encodes what comes from here; this makes visible what would steer the screen, and cuts what is too long.</summary>
internal static class Shown
{
    private static readonly JsonWriterOptions Pretty = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Text from outside on one line: what would steer the screen, or take up no room, is escaped.</summary>
    public static string Line(string? text, int max = int.MaxValue) => text is null ? "" : VisibleText.Readable(Cut(text, max));

    /// <summary>Text from outside with its line breaks and tabs; else as <see cref="Line"/>.</summary>
    public static string Block(string? text, int max = int.MaxValue)
    {
        if (text is null)
        {
            return "";
        }

        var cut = Cut(text, max);
        return string.Join('\n', cut.Split('\n').Select(line => string.Join('\t', (line.EndsWith('\r') ? line[..^1] : line).Split('\t').Select(VisibleText.Readable))));
    }

    /// <summary>JSON with its members on lines of their own; what is no JSON as text.</summary>
    public static string Json(RawJson? json, int max = int.MaxValue)
    {
        if (json is not { IsMissing: false } value)
        {
            return "";
        }

        try
        {
            using var document = JsonDocument.Parse(value.Utf8);
            var written = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(written, Pretty))
            {
                document.RootElement.WriteTo(writer);
            }

            return Block(Encoding.UTF8.GetString(written.WrittenSpan), max);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            return Block(value.ToString(), max);
        }
    }

    /// <summary>JSON on one line, for tables.</summary>
    public static string JsonLine(RawJson? json, int max) => json is { IsMissing: false } value ? Line(value.ToString(), max) : "";

    /// <summary>A duration as people say it: <c>250 ms</c>, <c>2.4 s</c>, <c>1.5 min</c>, <c>3.2 h</c>, <c>4 d</c>.</summary>
    public static string Duration(long microseconds) => TimeSpan.FromMicroseconds(Math.Max(0, microseconds)) switch
    {
        { TotalMicroseconds: > 0 and < 100 } => "0.1 ms",
        { TotalMilliseconds: < 9.95 } span => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds:0.#} ms"),
        { TotalMilliseconds: < 999.5 } span => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds:0} ms"),
        { TotalSeconds: < 90 } span => string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.0} s"),
        { TotalMinutes: < 90 } span => string.Create(CultureInfo.InvariantCulture, $"{span.TotalMinutes:0.#} min"),
        { TotalHours: < 48 } span => string.Create(CultureInfo.InvariantCulture, $"{span.TotalHours:0.#} h"),
        var span => string.Create(CultureInfo.InvariantCulture, $"{span.TotalDays:0.#} d"),
    };

    /// <summary>How far a time is from now: <c>3 min ago</c>, <c>in 2 h</c>. The script in site.js says the same.</summary>
    public static string Relative(DateTimeOffset time, DateTimeOffset now)
    {
        var distance = (now - time).Duration();
        var words = distance switch
        {
            { TotalSeconds: < 60 } => $"{(int)distance.TotalSeconds} s",
            { TotalMinutes: < 60 } => $"{(int)distance.TotalMinutes} min",
            { TotalHours: < 48 } => $"{(int)distance.TotalHours} h",
            _ => $"{(int)distance.TotalDays} d",
        };
        return distance.TotalSeconds < 1 ? "now" : time > now ? "in " + words : words + " ago";
    }

    /// <summary>A time in full, to the millisecond, UTC.</summary>
    public static string Absolute(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>Millionths of the price table's currency, which is dollars unless somebody says otherwise; small amounts to four digits. As the command line says it.</summary>
    public static string Money(long micros) => (micros / 1_000_000m) switch
    {
        0 => "$0",
        > -0.0001m and < 0.0001m => "<$0.0001",
        var money and > -1 and < 1 => string.Create(CultureInfo.InvariantCulture, $"${money:0.0000}"),
        var money => string.Create(CultureInfo.InvariantCulture, $"${money:N2}"),
    };

    public static string Count(long count, string one, string? many = null) => $"{Number(count)} {(count == 1 ? one : many ?? one + "s")}";

    /// <summary>A step's key as people know it: its name, and which asking of several it was.</summary>
    public static string Step(string step)
    {
        var parts = step.Split('/');
        return Line(parts.Length == 3 && parts[2] != "1" ? $"{parts[0]} #{parts[2]}" : parts[0], 120);
    }

    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    public static string Number(double number) => number.ToString("0.00", CultureInfo.InvariantCulture);

    private static string Cut(string text, int max)
    {
        if (text.Length <= max)
        {
            return text;
        }

        var end = char.IsHighSurrogate(text[max - 1]) ? max - 1 : max;
        return string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, end)}… ({text.Length - end:N0} more characters)");
    }
}
