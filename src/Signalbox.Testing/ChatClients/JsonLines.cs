using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signalbox.Testing;

/// <summary>
/// A line of a file of replies. <paramref name="Reply"/>: the line is a reply, or an exchange of a recording that ends in one; null: it is one of a recording's other lines.
/// </summary>
internal sealed record JsonLine(int Number, JsonObject Json, ScriptedReply? Reply);

/// <summary>Reads files of replies and recordings.</summary>
internal static class JsonLines
{
    /// <exception cref="FormatException">A line is neither; the message has the file and the line's number.</exception>
    public static IEnumerable<JsonLine> Read(string path)
    {
        var bytes = File.ReadAllBytes(path);
        return Read(path, bytes.AsSpan(0, WholeLength(bytes)).ToArray());
    }

    /// <summary>
    /// How many of these bytes are whole lines. A writer that died in the middle of its last line leaves it without its end; such a line is no part of the file, but one that
    /// is whole JSON (written by hand, with no line break after it) is.
    /// </summary>
    public static int WholeLength(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.LastIndexOf((byte)'\n') + 1;
        try
        {
            return end == bytes.Length || JsonNode.Parse(bytes[end..], documentOptions: new() { MaxDepth = ContentJson.DepthMax }) is not JsonObject ? end : bytes.Length;
        }
        catch (JsonException)
        {
            return end;
        }
    }

    private static IEnumerable<JsonLine> Read(string path, byte[] bytes)
    {
        var number = 0;
        foreach (var text in Encoding.UTF8.GetString(bytes).Split('\n'))
        {
            number++;
            if (!string.IsNullOrWhiteSpace(text))
            {
                yield return Line(path, number, text);
            }
        }
    }

    private static JsonLine Line(string path, int number, string text)
    {
        try
        {
            var json = JsonNode.Parse(text, documentOptions: new() { MaxDepth = ContentJson.DepthMax }) as JsonObject ?? throw new FormatException("It is no JSON object.");
            return json.ContainsKey("is") || json.ContainsKey("recording")
                ? new JsonLine(number, json, null)
                : new JsonLine(number, json, ReplyJson.Read(json.ContainsKey("reply") ? json["reply"] : json));
        }
        catch (Exception e) when (e is FormatException or JsonException)
        {
            throw new FormatException($"Line {number} of '{path}' cannot be read: {e.Message}", e);
        }
    }
}
