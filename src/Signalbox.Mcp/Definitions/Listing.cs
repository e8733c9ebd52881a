using System.Text.Json;
using System.Text.Json.Nodes;

namespace Signalbox.Mcp.Definitions;

/// <summary>The tools of a server as it listed them once.</summary>
internal sealed class Listing
{
    private const int ToolsMax = 1_000;
    private const int NameCharactersMax = 128;

    private readonly Dictionary<string, JsonObject> _items = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private readonly HashSet<string> _accepted = new(StringComparer.Ordinal);

    public IReadOnlyCollection<string> Names => _items.Keys;

    /// <summary>Takes a page. What has no usable name, or a name for the second time, is no tool that anybody could declare.</summary>
    public void Add(JsonNode? page)
    {
        try
        {
            foreach (var item in page!["tools"]!.AsArray().OfType<JsonObject>())
            {
                if (item["name"] is JsonValue value && value.TryGetValue<string>(out var name)
                    && name.Length is > 0 and <= NameCharactersMax && !name.Any(c => char.IsControl(c) || char.IsSurrogate(c)) && _items.Count < ToolsMax)
                {
                    _items.TryAdd(name, item);
                }
            }
        }
        catch (Exception e) when (e is InvalidOperationException or NullReferenceException or JsonException)
        {
            throw new InvalidDataException("The server's list of tools does not have the form that MCP prescribes.", e);
        }
    }

    /// <summary>The tool of that name, or null.</summary>
    /// <exception cref="FormatException">It is there, but is no sound definition.</exception>
    public ToolDefinition? Find(string name)
    {
        lock (_lock)
        {
            return _items.TryGetValue(name, out var item) ? ToolDefinition.Of(name, item) : null;
        }
    }

    /// <summary>Whether the tool was found to be as accepted; it does not change within a listing.</summary>
    public bool IsAccepted(string name)
    {
        lock (_lock)
        {
            return _accepted.Contains(name);
        }
    }

    public void SetAccepted(string name)
    {
        lock (_lock)
        {
            _accepted.Add(name);
        }
    }
}
