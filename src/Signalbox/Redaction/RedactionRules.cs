using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Signalbox;

/// <summary>
/// What a <see cref="Redactor"/> masks. <paramref name="Members"/> are names of members of JSON, whose whole values are masked wherever they stand; how they are written does not matter (<c>apiKey</c>, <c>api_key</c>,
/// <c>API-Key</c>). <paramref name="Patterns"/> are regular expressions; what they match in any text is masked. <paramref name="Defaults"/>: what is well known to be secret is masked too.
/// </summary>
public sealed record RedactionRules(IReadOnlyList<string> Members, IReadOnlyList<string> Patterns, bool Defaults = true)
{
    private const int NamesMax = 1_000;
    private const int PatternsMax = 100;
    private const int TextMax = 100;
    private const int PatternMax = 1_000;

    internal static readonly TimeSpan TimeLimit = TimeSpan.FromMilliseconds(200);

    /// <summary>Nothing but the defaults.</summary>
    public static RedactionRules None { get; } = new([], []);

    /// <summary>These rules and those of another together.</summary>
    public RedactionRules With(RedactionRules other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return new([.. Members.Concat(other.Members).DistinctBy(NameOf, StringComparer.Ordinal)], [.. Patterns.Concat(other.Patterns).Distinct(StringComparer.Ordinal)], Defaults || other.Defaults);
    }

    /// <summary>Whether these rules mask all that the other ones mask.</summary>
    public bool Covers(RedactionRules other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return (Defaults || !other.Defaults) && other.Members.All(m => Members.Any(own => NameOf(own) == NameOf(m))) && other.Patterns.All(p => Patterns.Contains(p, StringComparer.Ordinal));
    }

    /// <summary>The rules as a file holds them.</summary>
    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, NewLine = "\n" }))
        {
            json.WriteStartObject();
            List("members", Members);
            List("patterns", Patterns);
            json.WriteBoolean("defaults", Defaults);
            json.WriteEndObject();

            void List(string name, IEnumerable<string> texts)
            {
                json.WriteStartArray(name);
                foreach (var text in texts)
                {
                    json.WriteStringValue(text);
                }

                json.WriteEndArray();
            }
        }

        return System.Text.Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    /// <summary>The rules of a file: <c>{"members": […], "patterns": […], "defaults": true}</c>, each of which may be left out.</summary>
    /// <exception cref="FormatException">It is none; the message names every fault.</exception>
    public static RedactionRules Parse(ReadOnlyMemory<byte> utf8)
    {
        var faults = new List<string>();
        var rules = None;
        try
        {
            using var json = JsonDocument.Parse(utf8);
            if (json.RootElement.ValueKind != JsonValueKind.Object)
            {
                throw new FormatException("It is no JSON object.");
            }

            foreach (var member in json.RootElement.EnumerateObject())
            {
                rules = member.Name switch
                {
                    "members" => rules with { Members = Texts(member) },
                    "patterns" => rules with { Patterns = Texts(member) },
                    "defaults" when member.Value.ValueKind is JsonValueKind.True or JsonValueKind.False => rules with { Defaults = member.Value.GetBoolean() },
                    "defaults" => Fault(rules, "'defaults' is true or false."),
                    _ => Fault(rules, $"'{member.Name}' is none of members, patterns and defaults."),
                };
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new FormatException($"It is no JSON: {e.Message}", e); // InvalidOperationException: half of a character
        }

        faults.AddRange(rules.Faults());
        return faults.Count == 0 ? rules : throw new FormatException(string.Join(" ", faults));

        IReadOnlyList<string> Texts(JsonProperty member)
        {
            if (member.Value.ValueKind == JsonValueKind.Array && member.Value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String))
            {
                return [.. member.Value.EnumerateArray().Select(v => v.GetString()!)];
            }

            faults.Add($"'{member.Name}' is no list of texts.");
            return [];
        }

        RedactionRules Fault(RedactionRules read, string fault)
        {
            faults.Add(fault);
            return read;
        }
    }

    internal IEnumerable<string> Faults()
    {
        if (Members.Count > NamesMax || Patterns.Count > PatternsMax)
        {
            yield return $"There are at most {NamesMax} members and {PatternsMax} patterns; got {Members.Count} and {Patterns.Count}.";
        }

        foreach (var name in Members.Where(m => string.IsNullOrWhiteSpace(m) || m.Length > TextMax || NameOf(m).Length == 0))
        {
            yield return $"A member has a name of 1 to {TextMax} characters, of which one at least is a letter or a digit; got '{name}'.";
        }

        foreach (var pattern in Patterns)
        {
            if (FaultOf(pattern) is { } fault)
            {
                yield return $"The pattern '{pattern}' {fault}.";
            }
        }
    }

    /// <summary>A pattern, in time linear in the text where it can be so. Each match has a time limit.</summary>
    internal static Regex Compile(string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant, TimeLimit);
        }
        catch (NotSupportedException)
        {
            return new Regex(pattern, RegexOptions.CultureInvariant, TimeLimit);
        }
    }

    /// <summary>A name by which members are compared: letters and digits alone, in lower case.</summary>
    internal static string NameOf(string name) => NameOf(name, new char[name.Length]).ToString();

    internal static ReadOnlySpan<char> NameOf(ReadOnlySpan<char> name, Span<char> plain)
    {
        var length = 0;
        foreach (var letter in name)
        {
            if (char.IsLetterOrDigit(letter))
            {
                plain[length++] = char.ToLowerInvariant(letter);
            }
        }

        return plain[..length];
    }

    private static string? FaultOf(string pattern)
    {
        if (string.IsNullOrEmpty(pattern) || pattern.Length > PatternMax)
        {
            return $"has 1 to {PatternMax} characters";
        }

        try
        {
            return Compile(pattern).IsMatch("") ? "matches nothing at all, and so would match everywhere" : null;
        }
        catch (ArgumentException e)
        {
            return $"is no regular expression: {e.Message.TrimEnd('.')}";
        }
    }
}
