using System.Buffers;
using System.Collections.Frozen;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>
/// Masks what must not be shown: members of JSON that are marked by name, and text that matches a pattern. The journal keeps what it has; everything that is shown, searched or exported passes through here.
/// Where there is nothing to mask it gives back the same instance. Safe to call from several threads.
/// </summary>
public sealed class Redactor
{
    /// <summary>What stands in place of what is masked.</summary>
    public const string Mask = "[redacted]";

    private const int DepthMax = 1_000;
    private const int NestedMax = 4;
    private static readonly JsonReaderOptions s_reading = new() { MaxDepth = DepthMax };
    private static readonly JsonWriterOptions s_writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true, MaxDepth = DepthMax };

    private readonly FrozenSet<string> _members;
    private readonly FrozenSet<string> _memberTexts;
    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> _membersByName;
    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> _textsByName;
    private readonly int _longestName;
    private readonly bool _hasOwnPatterns;
    private readonly SearchValues<string>? _hints;
    private readonly Regex[] _patterns;

    private Redactor(RedactionRules rules)
    {
        Rules = rules;
        _members = rules.Members.Select(RedactionRules.NameOf).ToFrozenSet(StringComparer.Ordinal);
        _memberTexts = (rules.Defaults ? WellKnownSecrets.Members.Select(RedactionRules.NameOf) : []).Where(n => !_members.Contains(n)).ToFrozenSet(StringComparer.Ordinal);
        _membersByName = _members.GetAlternateLookup<ReadOnlySpan<char>>();
        _textsByName = _memberTexts.GetAlternateLookup<ReadOnlySpan<char>>();
        _longestName = _members.Concat(_memberTexts).Select(n => n.Length).DefaultIfEmpty().Max();
        _hasOwnPatterns = rules.Patterns.Count > 0;
        string[] names = [.. rules.Members, .. rules.Defaults ? WellKnownSecrets.Members : []];
        string[] hints = [.. names, .. rules.Defaults ? WellKnownSecrets.Hints : []];
        _hints = hints.Length == 0 ? null : SearchValues.Create([.. hints.Distinct(StringComparer.OrdinalIgnoreCase)], StringComparison.OrdinalIgnoreCase);
        _patterns =
        [
            .. rules.Defaults ? [WellKnownSecrets.Pattern] : (Regex[])[],
            .. names.Length == 0 ? (Regex[])[] : [WellKnownSecrets.Named(names)],
            .. rules.Patterns.Select(RedactionRules.Compile),
        ];
    }

    /// <summary>Masks nothing.</summary>
    public static Redactor None { get; } = new(new RedactionRules([], [], Defaults: false));

    /// <summary>Masks what is well known to be secret, and nothing else.</summary>
    public static Redactor Default { get; } = new(RedactionRules.None);

    /// <summary>What it was made of.</summary>
    public RedactionRules Rules { get; }

    /// <summary>A redactor by these rules.</summary>
    /// <exception cref="ArgumentException">A rule cannot be used; the message names all that cannot.</exception>
    public static Redactor Create(RedactionRules rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        if (rules is { Defaults: true, Members.Count: 0, Patterns.Count: 0 })
        {
            return Default; // its expressions are costly to build, and most programs have no other
        }

        return rules.Faults().ToArray() is { Length: > 0 } faults ? throw new ArgumentException($"These rules of redaction cannot be used: {string.Join(" ", faults)}", nameof(rules)) : new Redactor(rules);
    }

    /// <summary>The text without what must not be shown; the same instance if there is nothing to mask. A text on which a pattern takes too long is masked whole.</summary>
    public string Text(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (_patterns.Length == 0 || !MayMatch(text))
        {
            return text;
        }

        try
        {
            var masked = text;
            foreach (var pattern in _patterns)
            {
                masked = pattern.Replace(masked, static match => match.Groups["name"] is { Success: true } name ? name.Value + Mask : Mask);
            }

            return masked == text ? text : masked;
        }
        catch (RegexMatchTimeoutException)
        {
            return Mask;
        }
    }

    /// <summary>The JSON without what must not be shown; the same instance if there is nothing to mask. What is no JSON is masked as text.</summary>
    public RawJson Json(RawJson json) => Json(json, NestedMax);

    /// <summary>A named value, such as a label: masked whole if its name is marked.</summary>
    public string Label(string name, string value)
    {
        ArgumentNullException.ThrowIfNull(name);
        var plain = RedactionRules.NameOf(name);
        return _members.Contains(plain) || _memberTexts.Contains(plain) ? Mask : Text(value);
    }

    private RawJson Json(RawJson json, int nested)
    {
        if (json.IsMissing || (_patterns.Length == 0 && _longestName == 0))
        {
            return json;
        }

        try
        {
            if (!MayMask(json.Utf8.Span))
            {
                return json;
            }

            var output = new ArrayBufferWriter<byte>(json.Utf8.Length + 64);
            using var writer = new Utf8JsonWriter(output, s_writing);
            var changed = Write(json.Utf8.Span, writer, nested);
            writer.Flush();
            return changed ? new RawJson(output.WrittenMemory) : json;
        }
        catch (JsonException)
        {
            var text = Encoding.UTF8.GetString(json.Utf8.Span);
            var masked = Text(text);
            return ReferenceEquals(masked, text) ? json : new RawJson(Encoding.UTF8.GetBytes(masked));
        }
    }

    /// <summary>Whether a look at all of it is worth while: a marked member, or a text that may match.</summary>
    private bool MayMask(ReadOnlySpan<byte> json)
    {
        var texts = _hasOwnPatterns || (_patterns.Length > 0 && MayMatch(json));
        if (texts)
        {
            return true;
        }

        var reader = new Utf8JsonReader(json, s_reading);
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && IsMarked(ref reader) != Marking.None)
            {
                return true;
            }
        }

        return false;
    }

    private bool Write(ReadOnlySpan<byte> json, Utf8JsonWriter writer, int nested)
    {
        var reader = new Utf8JsonReader(json, s_reading);
        var changed = false;
        var marking = Marking.None;
        while (reader.Read())
        {
            if (marking == Marking.Whole || (marking == Marking.Texts && reader.TokenType is JsonTokenType.String or JsonTokenType.StartObject or JsonTokenType.StartArray))
            {
                reader.Skip();
                writer.WriteStringValue(Mask);
                (changed, marking) = (true, Marking.None);
                continue;
            }

            marking = Marking.None;
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject: writer.WriteStartObject(); break;
                case JsonTokenType.EndObject: writer.WriteEndObject(); break;
                case JsonTokenType.StartArray: writer.WriteStartArray(); break;
                case JsonTokenType.EndArray: writer.WriteEndArray(); break;
                case JsonTokenType.PropertyName:
                    marking = IsMarked(ref reader);
                    var name = TextOf(ref reader);
                    writer.WritePropertyName(Masked(name, 0, ref changed));
                    break;
                case JsonTokenType.String:
                    writer.WriteStringValue(Masked(TextOf(ref reader), nested, ref changed));
                    break;
                default:
                    writer.WriteRawValue(reader.ValueSpan, skipInputValidation: true);
                    break;
            }
        }

        return changed;
    }

    /// <summary>A text as it may be shown. One that is JSON itself, as the arguments of tool calls are, is masked as such.</summary>
    private string Masked(string text, int nested, ref bool changed)
    {
        var masked = text;
        if (nested > 0 && text.AsSpan().TrimStart() is ['{' or '[', ..])
        {
            var inner = new RawJson(Encoding.UTF8.GetBytes(text));
            var json = Json(inner, nested - 1);
            masked = json.Utf8.Equals(inner.Utf8) ? text : json.ToString();
        }

        masked = Text(masked);
        changed |= !ReferenceEquals(masked, text);
        return masked;
    }

    private Marking IsMarked(ref Utf8JsonReader reader)
    {
        if (_longestName == 0)
        {
            return Marking.None;
        }

        // Letters alone count, so a name as it is written may be longer than it is.
        const int OnTheStack = 128;
        var length = reader.ValueSpan.Length;
        var name = length <= OnTheStack ? stackalloc char[OnTheStack] : new char[length];
        var own = length <= OnTheStack ? stackalloc char[OnTheStack] : new char[length];
        try
        {
            own = own[..reader.CopyString(own)];
        }
        catch (InvalidOperationException)
        {
            return Marking.None; // half of a character: no name that anybody marks
        }

        var plain = RedactionRules.NameOf(own, name);
        return plain.Length > _longestName ? Marking.None : _membersByName.Contains(plain) ? Marking.Whole : _textsByName.Contains(plain) ? Marking.Texts : Marking.None;
    }

    private static string TextOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Encoding.UTF8.GetString(reader.ValueSpan); // half of a character: shown as it was escaped
        }
    }

    private bool MayMatch(ReadOnlySpan<char> text) => _hasOwnPatterns || (_hints is not null && text.ContainsAny(_hints));

    private bool MayMatch(ReadOnlySpan<byte> json)
    {
        if (json.IndexOf("\\u"u8) >= 0)
        {
            return true; // what is escaped is not seen before it is read
        }

        var rented = ArrayPool<char>.Shared.Rent(Encoding.UTF8.GetMaxCharCount(json.Length));
        try
        {
            return MayMatch(rented.AsSpan(0, Encoding.UTF8.GetChars(json, rented)));
        }
        finally
        {
            ArrayPool<char>.Shared.Return(rented);
        }
    }

    private enum Marking
    {
        None,

        /// <summary>Texts, lists and objects; a number, true or false is none of the secrets that are known by their name.</summary>
        Texts,
        Whole,
    }
}
