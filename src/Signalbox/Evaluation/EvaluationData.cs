using System.Globalization;
using System.Text;
using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>A line of a data set that was not used, and why. Shown as <c>file:line: what</c>; parts of the line's text in it are escaped as JSON.</summary>
public sealed record DataFault(string File, int Line, string What)
{
    /// <inheritdoc />
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{File}:{Line}: {What}");
}

/// <summary>What of a data set could be read, in its order, and every fault in it.</summary>
public sealed record DataSet<T>(IReadOnlyList<T> Items, IReadOnlyList<DataFault> Faults);

/// <summary>How the members of a line with a truth are called, and what they may say.</summary>
public sealed record TruthForm
{
    /// <summary><c>id</c>, <c>right</c>, <c>harmful</c>, and nothing else.</summary>
    public static TruthForm Default { get; } = new();

    /// <summary>The case's id, a string.</summary>
    public string Id { get; init; } = "id";

    /// <summary>The right kind, a string, or several, an array.</summary>
    public string Right { get; init; } = "right";

    /// <summary>The harmful kinds, likewise; may be absent.</summary>
    public string Harmful { get; init; } = "harmful";

    /// <summary>Whether further members are ignored. Otherwise they are faults: a misspelt <c>harmful</c> must not pass.</summary>
    public bool IgnoresOthers { get; init; }

    /// <summary>The cases that there are; null: any. A truth about another one is a fault: a mistyped id must not pass as a case of which nothing is known.</summary>
    public IReadOnlyCollection<string>? Ids { get; init; }

    /// <summary>The kinds of decision that there are; null: any. Another one is a fault: a mistyped kind would make every decision wrong.</summary>
    public IReadOnlyCollection<string>? Kinds { get; init; }
}

/// <summary>
/// Reads data sets: JSON lines, an object a line. A line with a fault is named with its number and left out; the good ones are used. Empty lines are skipped.
/// </summary>
public static class EvaluationData
{
    /// <summary>More characters than this make no line.</summary>
    public const int LineCharactersMax = 1_000_000;

    private const string Case = "case";

    /// <summary>
    /// Reads cases: <c>{"id":"a-1","case":{…},"right":["block_ip"],"harmful":["close"]}</c>. The case is what a run starts with, as Signalbox writes it; <c>right</c> may be one string, and be absent where
    /// nobody knows. <paramref name="file"/> is how faults call it.
    /// </summary>
    public static async Task<DataSet<EvaluationCase<TCase>>> ReadCasesAsync<TCase>(TextReader reader, string file, CancellationToken cancellationToken = default)
        where TCase : class =>
        await ReadAsync(reader, file, "case", line =>
        {
            var id = line.Id();
            line.AllowOnly(line.Form.Id, Case, line.Form.Right, line.Form.Harmful);
            var start = line.Value<TCase>(Case);
            return new EvaluationCase<TCase>(id, start, line.Has(line.Form.Right) || line.Has(line.Form.Harmful) ? line.Truth() : null);
        }, one => one.Id, TruthForm.Default, cancellationToken);

    /// <summary>Reads truths that stand in a file of their own, to be joined with cases by their ids.</summary>
    public static async Task<DataSet<KeyValuePair<string, Truth>>> ReadTruthAsync(TextReader reader, string file, TruthForm? form = null, CancellationToken cancellationToken = default) =>
        await ReadAsync(reader, file, "truth", line =>
        {
            var id = line.Id();
            line.AllowOnly(line.Form.Id, line.Form.Right, line.Form.Harmful);
            var truth = line.Truth();
            return line.Form.Ids?.Contains(id) == false ? throw new JsonException($"{DataLine.Quoted(id)} is the id of no case") : KeyValuePair.Create(id, truth);
        }, one => one.Key, form ?? TruthForm.Default, cancellationToken);

    /// <summary>Reads any objects, one a line, as Signalbox writes them: data that a program makes cases of. Members that <typeparamref name="T"/> does not have are ignored.</summary>
    public static async Task<DataSet<T>> ReadObjectsAsync<T>(TextReader reader, string file, Func<T, string> id, CancellationToken cancellationToken = default)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(id);
        return await ReadAsync(reader, file, "line", line => line.Whole<T>(), id, TruthForm.Default, cancellationToken);
    }

    private static async Task<DataSet<T>> ReadAsync<T>(TextReader reader, string file, string what, Func<DataLine, T> read, Func<T, string> id, TruthForm form, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(reader);
        var items = new List<T>();
        var faults = new List<DataFault>();
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        var lines = new BoundedLines(reader, LineCharactersMax);
        for (var number = 1; await lines.NextAsync(cancellationToken) is { } text; number++)
        {
            try
            {
                if (text.Length > LineCharactersMax)
                {
                    throw new JsonException(string.Create(CultureInfo.InvariantCulture, $"the line has more than {LineCharactersMax:N0} characters"));
                }

                if (string.IsNullOrWhiteSpace(text))
                {
                    continue;
                }

                using var line = DataLine.Parse(text, form);
                var item = read(line);
                if (!seen.TryAdd(id(item), number))
                {
                    throw new JsonException($"the id {DataLine.Quoted(id(item))} has a {what} already: line {seen[id(item)]}");
                }

                items.Add(item);
            }
            catch (JsonException e)
            {
                faults.Add(new DataFault(file, number, e.Message));
            }
        }

        return new(items, faults);
    }

    /// <summary>One line as an object; what is wrong with it is thrown as a <see cref="JsonException"/>.</summary>
    private sealed class DataLine(JsonDocument document, TruthForm form) : IDisposable
    {
        public TruthForm Form => form;

        private JsonElement Root => document.RootElement;

        public static DataLine Parse(string text, TruthForm form)
        {
            JsonDocument document;
            try
            {
                document = JsonDocument.Parse(text, new JsonDocumentOptions { AllowDuplicateProperties = false });
            }
            catch (JsonException e)
            {
                // Where it goes wrong is only said of what breaks the grammar.
                throw new JsonException(
                    e.BytePositionInLine is { } at ? string.Create(CultureInfo.InvariantCulture, $"it is no JSON: expected an object; it breaks off or goes wrong at byte {at + 1}") : "it has a member twice", e);
            }

            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                var kind = document.RootElement.ValueKind;
                document.Dispose();
                throw new JsonException($"expected an object, got {Words(kind)}");
            }

            return new DataLine(document, form);
        }

        public static string Quoted(string text, int charactersMax = 60) => JsonSerializer.Serialize(Texts.Cut(text, charactersMax)).Replace("\\u0027", "'", StringComparison.Ordinal);

        public bool Has(string member) => Root.TryGetProperty(member, out var value) && value.ValueKind != JsonValueKind.Null;

        public void AllowOnly(params string[] members)
        {
            if (!form.IgnoresOthers && Root.EnumerateObject().FirstOrDefault(p => !members.Contains(p.Name)) is { Value.ValueKind: not JsonValueKind.Undefined } other)
            {
                throw new JsonException($"it has a member {Quoted(other.Name)}; there may be: {string.Join(", ", members)}");
            }
        }

        public string Id()
        {
            var id = Member(form.Id);
            return id.ValueKind == JsonValueKind.String && !string.IsNullOrWhiteSpace(id.GetString()) ? id.GetString()! : throw new JsonException($"'{form.Id}' must be a string that is not empty, got {(id.ValueKind == JsonValueKind.String ? "an empty one" : Words(id.ValueKind))}");
        }

        public T Value<T>(string member) => Typed<T>(Member(member), $"'{member}'");

        public T Whole<T>() => Typed<T>(Root, "it");

        public Truth Truth()
        {
            var truth = new Truth(Kinds(form.Right)) { Harmful = Has(form.Harmful) ? Kinds(form.Harmful) : [] };
            if (form.Kinds is { } kinds && truth.Right.Concat(truth.Harmful).FirstOrDefault(kind => !kinds.Contains(kind)) is { } unknown)
            {
                throw new JsonException($"{Quoted(unknown)} is no kind of decision; there are: {string.Join(", ", kinds)}");
            }

            return truth.Right.FirstOrDefault(truth.Harmful.Contains) is { } both ? throw new JsonException($"{Quoted(both)} is both right and harmful") : truth;
        }

        public void Dispose() => document.Dispose();

        private IReadOnlyList<string> Kinds(string member)
        {
            var value = Member(member);
            var kinds = value.ValueKind == JsonValueKind.Array ? [.. value.EnumerateArray()] : new List<JsonElement> { value };
            return kinds.Count > 0 && kinds.TrueForAll(k => k.ValueKind == JsonValueKind.String && !string.IsNullOrWhiteSpace(k.GetString()))
                ? [.. kinds.Select(k => k.GetString()!).Distinct()]
                : throw new JsonException($"'{member}' must be a string that is not empty, or an array of such");
        }

        private JsonElement Member(string member) => Root.TryGetProperty(member, out var value) ? value : throw new JsonException($"it has no '{member}'");

        private static T Typed<T>(JsonElement value, string what)
        {
            try
            {
                return value.Deserialize<T>(SignalboxJson.Options) ?? throw new JsonException($"{what} is null");
            }
            catch (JsonException e) when (e.Path is not null)
            {
                var at = e.Message.IndexOf(" Path: ", StringComparison.Ordinal);
                throw new JsonException($"{what} is no {typeof(T).Name}: {Quoted(at < 0 ? e.Message : e.Message[..at], 200)} at {Quoted(e.Path!)}", e);
            }
        }

        private static string Words(JsonValueKind kind) => kind switch
        {
            JsonValueKind.Array => "an array",
            JsonValueKind.String => "a string",
            JsonValueKind.Number => "a number",
            JsonValueKind.Object => "an object",
            JsonValueKind.Null => "null",
            _ => "true or false",
        };
    }

    /// <summary>Lines of a text of any size: of one that is too long, only so much is kept that this can be seen.</summary>
    private sealed class BoundedLines(TextReader reader, int charactersMax)
    {
        private readonly char[] _buffer = new char[16_384];
        private readonly StringBuilder _line = new();
        private int _from;
        private int _to;
        private bool _ended;

        public async Task<string?> NextAsync(CancellationToken cancellationToken)
        {
            _line.Clear();
            var any = false;
            while (true)
            {
                if (_from == _to)
                {
                    _to = _ended ? 0 : await reader.ReadAsync(_buffer.AsMemory(), cancellationToken);
                    _from = 0;
                    if (_to == 0)
                    {
                        _ended = true;
                        return any ? _line.ToString() : null;
                    }
                }

                any = true;
                var end = Array.IndexOf(_buffer, '\n', _from, _to - _from);
                var until = end < 0 ? _to : end;
                _line.Append(_buffer, _from, Math.Min(until - _from, Math.Max(0, charactersMax + 1 - _line.Length)));
                _from = end < 0 ? _to : end + 1;
                if (end >= 0)
                {
                    return _line.ToString().TrimEnd('\r');
                }
            }
        }
    }
}
