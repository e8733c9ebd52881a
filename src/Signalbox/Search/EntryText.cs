using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.Search;

/// <summary>
/// The text of an entry, as it is searched and shown around a hit: who and why, then the texts of its body and of the payloads that it refers to, a value a line, with names and numbers of the values that are the author's
/// (our own members' names would be found everywhere). Masked. At most <see cref="CharactersMax"/> characters; what follows is not searched.
/// </summary>
internal static class EntryText
{
    /// <summary>How much of an entry is searched.</summary>
    public const int CharactersMax = 256 * 1024;

    private const int MaskMargin = 4096; // so that what is masked at the cut is masked whole

    private static readonly JsonReaderOptions Options = new() { MaxDepth = Body.DepthMax, CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>Members of bodies whose own members are ours too.</summary>
    private static readonly FrozenSet<string> OurMembers = new[] { "model", "tool", "settlement", "action", "terms", "agreement", "claims", "steps", "behind", "limits" }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Names that stand in every message of every conversation.</summary>
    private static readonly FrozenSet<string> UsualNames = new[] { "role", "contents", "text", "name", "arguments", "result", "callId", "additionalProperties" }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>The text. <paramref name="payload"/> finds payloads; one that is missing is left out.</summary>
    public static async ValueTask<string> OfAsync(Entry entry, Redactor redactor, Func<PayloadHash, CancellationToken, ValueTask<ReadOnlyMemory<byte>?>> payload, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var references = new List<PayloadHash>();
        AddHeader(text, entry);
        if (!entry.Body.IsEmpty)
        {
            AddJson(text, redactor.Json(new RawJson(entry.Body)).Utf8.Span, isBody: true, references);
        }

        foreach (var reference in references)
        {
            if (text.Length >= CharactersMax + MaskMargin)
            {
                break;
            }

            if (await payload(reference, cancellationToken) is { } bytes)
            {
                AddJson(text, redactor.Json(new RawJson(bytes)).Utf8.Span, isBody: false, null);
            }
        }

        var masked = redactor.Text(text.Length <= CharactersMax + MaskMargin ? text.ToString() : text.ToString(0, CharactersMax + MaskMargin));
        return (masked.Length <= CharactersMax ? masked : masked[..CharactersMax]).TrimEnd('\n');
    }

    private static void AddHeader(StringBuilder text, Entry entry)
    {
        // A state would be found in every entry of its visits, so it stands only where it is entered; so does the engine's own name.
        AddLine(text, entry.Kind == EntryKinds.StateEntered ? entry.State : "");
        AddLine(text, entry.Scope);
        AddLine(text, entry.Step.AsSpan() is var step && step.IndexOf('/') is >= 0 and var slash ? step[..slash] : step);
        AddLine(text, entry.Actor == "engine" ? "" : entry.Actor);
        AddLine(text, entry.Cause);
    }

    private static void AddLine(StringBuilder text, ReadOnlySpan<char> line)
    {
        if (line.Length > 0)
        {
            text.Append(line[..Math.Min(line.Length, CharactersMax)]).Append('\n');
        }
    }

    private static void AddJson(StringBuilder text, ReadOnlySpan<byte> utf8, bool isBody, List<PayloadHash>? references)
    {
        var before = text.Length;
        try
        {
            var reader = new Utf8JsonReader(utf8, Options);
            if (reader.Read())
            {
                AddValue(text, ref reader, isBody, references, name: null);
            }
        }
        catch (JsonException) when (text.Length > before || isBody)
        {
            // What was read of it is searched; 'check' says what is damaged.
        }
        catch (JsonException)
        {
            AddLine(text, Encoding.UTF8.GetString(utf8[..Math.Min(utf8.Length, 4 * CharactersMax)]));
        }
    }

    /// <summary>One value; the reader stands at its beginning and then at its end.</summary>
    private static void AddValue(StringBuilder text, ref Utf8JsonReader reader, bool isOurs, List<PayloadHash>? references, string? name)
    {
        if (text.Length > CharactersMax + MaskMargin)
        {
            reader.Skip();
            return;
        }

        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                AddMembers(text, ref reader, isOurs, references, name);
                break;
            case JsonTokenType.StartArray:
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    if (name == "messages" && isOurs && reader.TokenType == JsonTokenType.String && Address(StringOf(ref reader)) is { } message)
                    {
                        references?.Add(message);
                    }
                    else
                    {
                        AddValue(text, ref reader, isOurs, references, name: null);
                    }
                }

                break;
            case JsonTokenType.String:
                AddNamed(text, isOurs ? null : name, StringOf(ref reader));
                break;
            case JsonTokenType.Number when !isOurs:
                AddNamed(text, name, Encoding.UTF8.GetString(reader.ValueSpan));
                break;
        }
    }

    private static void AddMembers(StringBuilder text, ref Utf8JsonReader reader, bool isOurs, List<PayloadHash>? references, string? of)
    {
        if (!isOurs && of is not null && !UsualNames.Contains(of))
        {
            AddLine(text, of);
        }

        var isFirst = true;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = StringOf(ref reader);
            reader.Read();
            if (isFirst && name == "$payload" && reader.TokenType == JsonTokenType.String && Address(StringOf(ref reader)) is { } reference)
            {
                if (references is not null && of != "definition") // which is drawn, and the same for every run
                {
                    references.Add(reference);
                }
            }
            else if (name == "$type" && !isOurs)
            {
                reader.Skip();
            }
            else
            {
                // A member of the body whose members are not ours is an author's or a model's value; it may be stored elsewhere, as only whole members are.
                var isObject = reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray;
                var staysOurs = isOurs && (!isObject || OurMembers.Contains(name) || name == "messages");
                var mayRefer = isOurs && isObject ? references : null;
                AddValue(text, ref reader, staysOurs, mayRefer, isOurs && !staysOurs ? null : name);
            }

            isFirst = false;
        }
    }

    private static void AddNamed(StringBuilder text, string? name, string value)
    {
        if (value.Length == 0)
        {
            return;
        }

        if (name is not null && !UsualNames.Contains(name))
        {
            text.Append(name).Append(": ");
        }

        AddLine(text, value);
    }

    private static PayloadHash? Address(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigitLower) ? new PayloadHash(text) : null;

    private static string StringOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Encoding.UTF8.GetString(reader.ValueSpan); // an escape of half a surrogate pair: as it is written
        }
    }
}
