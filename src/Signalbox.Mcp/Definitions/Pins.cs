using System.Collections.Concurrent;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Signalbox.Mcp.Definitions;

/// <summary>A definition as it was accepted. The digest decides; the definition is there for people who compare, and for the message that says what changed.</summary>
internal sealed record Pin(string Digest, JsonElement Definition);

/// <summary>
/// The accepted definitions of one server's tools, in a JSON file (server, tool, pin; sorted) that is replaced as a whole, or in memory. Processes that pin at the same time wait for each other.
/// </summary>
internal sealed class Pins(string? path, string server, TimeProvider clock)
{
    private const int LockAttempts = 100;

    private static readonly JsonSerializerOptions FileFormat = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        IndentSize = 2,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // people read it; what is invisible is escaped below
    };

    private readonly string? _path = path is null ? null : Path.GetFullPath(path);
    private readonly ConcurrentDictionary<string, Pin> _memory = new(StringComparer.Ordinal);

    /// <summary>Where they lie, in words.</summary>
    public string Place => _path ?? "the memory of this process";

    /// <summary>The pin of a tool, or null.</summary>
    /// <exception cref="ToolUnavailableException">The file cannot be read.</exception>
    public async Task<Pin?> FindAsync(string tool, CancellationToken cancellationToken)
    {
        if (_path is null)
        {
            return _memory.GetValueOrDefault(tool);
        }

        return (await ReadAsync(cancellationToken)).GetValueOrDefault(server)?.GetValueOrDefault(tool);
    }

    /// <summary>Accepts a definition, durably before it returns. With <paramref name="onlyIfNew"/> an existing pin stays, and is returned.</summary>
    /// <exception cref="ToolUnavailableException">The file cannot be read or replaced.</exception>
    public async Task<Pin> SetAsync(ToolDefinition definition, bool onlyIfNew, CancellationToken cancellationToken)
    {
        var pin = new Pin(definition.Digest, definition.Json);
        if (_path is null)
        {
            return onlyIfNew ? _memory.GetOrAdd(definition.Name, pin) : _memory[definition.Name] = pin;
        }

        try
        {
            await using var @lock = await LockAsync(cancellationToken);
            var all = await ReadAsync(cancellationToken);
            if (!all.TryGetValue(server, out var tools))
            {
                all[server] = tools = new(StringComparer.Ordinal);
            }

            if (onlyIfNew && tools.TryGetValue(definition.Name, out var existing))
            {
                return existing;
            }

            tools[definition.Name] = pin;
            Replace(PlainText.EscapeJson(JsonSerializer.Serialize(all, FileFormat)) + "\n");
            return pin;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable("cannot be written", e);
        }
    }

    private async Task<SortedDictionary<string, SortedDictionary<string, Pin>>> ReadAsync(CancellationToken cancellationToken)
    {
        var pins = new SortedDictionary<string, SortedDictionary<string, Pin>>(StringComparer.Ordinal);
        try
        {
            var read = JsonSerializer.Deserialize<Dictionary<string, Dictionary<string, Pin>>>(await File.ReadAllBytesAsync(_path!, cancellationToken), FileFormat);
            foreach (var (name, tools) in read ?? throw new JsonException("It is null."))
            {
                pins[name] = tools.Values.All(p => p?.Digest is not null)
                    ? new SortedDictionary<string, Pin>(tools, StringComparer.Ordinal)
                    : throw new JsonException($"A pin of '{name}' has no digest.");
            }

            return pins;
        }
        catch (FileNotFoundException)
        {
            return pins;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or NullReferenceException)
        {
            throw Unusable("cannot be read", e);
        }
    }

    private async Task<FileStream> LockAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return new FileStream(_path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
            }
            catch (IOException e) when (e is not (DirectoryNotFoundException or PathTooLongException) && attempt < LockAttempts)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(20), clock, cancellationToken);
            }
        }
    }

    private void Replace(string content)
    {
        var next = _path + ".new";
        using (var file = new FileStream(next, FileMode.Create, FileAccess.Write))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(content));
            file.Flush(flushToDisk: true);
        }

        File.Move(next, _path!, overwrite: true);
    }

    private ToolUnavailableException Unusable(string what, Exception e) =>
        new("pins_unusable", $"The accepted definitions of MCP tools in '{_path}' {what}: {PlainText.Excerpt(e.Message)} No tool of MCP server '{server}' is given to an agent until that is put right.", e);
}
