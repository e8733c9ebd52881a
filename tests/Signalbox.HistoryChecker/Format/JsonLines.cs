using System.Text.Json;

namespace Signalbox.HistoryChecker.Format;

/// <summary>JSON lines whose objects are small: acknowledgements, the target's log.</summary>
internal static class JsonLines
{
    /// <summary>A line nests one level deeper than the body in it, which may use all 64 levels that are usual.</summary>
    public static JsonReaderOptions Deep { get; } = new() { MaxDepth = 1000 };

    public static JsonDocumentOptions DeepDocument { get; } = new() { MaxDepth = 1000 };

    public static IEnumerable<(long Line, JsonElement Value)> Read(IEnumerable<string> lines, string name)
    {
        long number = 0;
        foreach (var line in lines)
        {
            number++;
            if (!string.IsNullOrWhiteSpace(line))
            {
                using var document = Parse(line, name, number);
                yield return (number, document.RootElement);
            }
        }
    }

    public static JsonDocument Parse(string line, string name, long number)
    {
        try
        {
            var document = JsonDocument.Parse(line, DeepDocument);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document : throw new BadInputException(name, number, "expected a JSON object");
        }
        catch (JsonException e)
        {
            throw Cut(name, number, e);
        }
    }

    public static BadInputException Cut(string name, long number, JsonException e) =>
        new(name, number, $"the line is no whole JSON object (it breaks at byte {e.BytePositionInLine}); was the file cut?");

    public static string? Text(this JsonElement line, string member, string name, long number) =>
        !line.TryGetProperty(member, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : throw new BadInputException(name, number, $"the member '{member}' is no text");

    public static long? Number(this JsonElement line, string member, string name, long number) =>
        !line.TryGetProperty(member, out var value) || value.ValueKind == JsonValueKind.Null ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var whole) ? whole
        : throw new BadInputException(name, number, $"the member '{member}' is no whole number");

    public static string RequiredText(this JsonElement line, string member, string name, long number) =>
        line.Text(member, name, number) ?? throw new BadInputException(name, number, $"the member '{member}' is missing");
}
