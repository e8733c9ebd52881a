using System.Text;
using System.Text.Json;

namespace SecurityAlerts;

/// <summary>
/// A folder of input files. What could not be read of them is in <see cref="Faults"/>, with file and line: nothing is dropped silently.
/// </summary>
internal sealed class InputFolder(string path)
{
    public const string LineSkipped = " The line is skipped.";

    public static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    public static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly List<Fault> _faults = [];

    public string Path { get; } = path;

    public IReadOnlyList<Fault> Faults => _faults;

    public void Add(Fault fault) => _faults.Add(fault);

    public void AddRange(IEnumerable<Fault> faults) => _faults.AddRange(faults);

    /// <summary>The values of a file of JSON lines with their line numbers; null if it cannot be read at all.</summary>
    public async Task<List<(int Line, T Value)>?> ReadJsonLinesAsync<T>(
        string file, string ifMissing, Func<JsonFields, T> read, CancellationToken cancellationToken) where T : class
    {
        if (await ReadBytesAsync(file, ifMissing, cancellationToken) is not { } bytes)
        {
            return null;
        }

        var values = new List<(int, T)>();
        foreach (var (number, line) in Lines(bytes))
        {
            try
            {
                // Decoded first: the parser alone lets broken UTF-8 through until a field is looked at.
                using var json = JsonDocument.Parse(StrictUtf8.GetString(line.Span), Strict);
                if (ReadObject(file, number, json.RootElement, LineSkipped, read) is { } value)
                {
                    values.Add((number, value));
                }
            }
            catch (DecoderFallbackException)
            {
                _faults.Add(new(file, number, $"the line is not UTF-8 text.{LineSkipped}"));
            }
            catch (JsonException broken)
            {
                _faults.Add(new(file, number, $"expected one whole JSON object; {Why(broken)}.{LineSkipped}"));
            }
        }
        return values;
    }

    public T? ReadObject<T>(string file, int line, JsonElement json, string ifWrong, Func<JsonFields, T> read) where T : class
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            _faults.Add(new(file, line, $"expected one whole JSON object; got {JsonFields.Show(json)}.{ifWrong}"));
            return null;
        }

        var fields = new JsonFields(json);
        var value = read(fields);
        _faults.AddRange(fields.Wrong.Select(what => new Fault(file, line, what + ifWrong)));
        _faults.AddRange(fields.Unknown().Select(what => new Fault(file, line, what + " The field is ignored.")));
        return fields.Wrong.Count == 0 ? value : null;
    }

    /// <summary>The first of each id. Each further one is a fault.</summary>
    public IReadOnlyList<T> WithoutDuplicates<T>(string file, List<(int Line, T Value)> values, Func<T, string> idOf)
    {
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        var unique = new List<T>();
        foreach (var (line, value) in values)
        {
            if (first.TryAdd(idOf(value), line))
            {
                unique.Add(value);
            }
            else
            {
                _faults.Add(new(file, line, $"id must be unique; \"{Show(idOf(value))}\" is already on line {first[idOf(value)]}.{LineSkipped}"));
            }
        }
        return unique;
    }

    public async Task<byte[]?> ReadBytesAsync(string file, string ifMissing, CancellationToken cancellationToken)
    {
        try
        {
            var bytes = await File.ReadAllBytesAsync(System.IO.Path.Combine(Path, file), cancellationToken);
            return bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? bytes[3..] : bytes;
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            _faults.Add(new(file, null, $"the file is missing; {ifMissing}"));
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            _faults.Add(new(file, null, $"the file cannot be read ({unreadable.GetType().Name}); {ifMissing}"));
        }
        return null;
    }

    public static IEnumerable<(int Number, ReadOnlyMemory<byte> Line)> Lines(byte[] bytes)
    {
        var rest = new ReadOnlyMemory<byte>(bytes);
        for (var number = 1; rest.Length > 0; number++)
        {
            var end = rest.Span.IndexOf((byte)'\n');
            var line = end < 0 ? rest : rest[..end];
            rest = end < 0 ? default : rest[(end + 1)..];
            if (line.Span.TrimEnd((byte)'\r').Length is > 0 and var length)
            {
                yield return (number, line[..length]);
            }
        }
    }

    // The parser's own text ends in ".NET" coordinates that count from 0; its first sentence says what is wrong.
    public static string Why(JsonException broken)
    {
        var text = broken.Message;
        var end = text.IndexOf(" LineNumber:", StringComparison.Ordinal);
        var why = TerminalText.Escape(end < 0 ? text : text[..end], 160).TrimEnd('.');
        return $"it breaks off at byte {broken.BytePositionInLine + 1}: {why}";
    }

    public static string Show(string text) => TerminalText.Escape(text, 60);
}
