using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Signalbox;

/// <summary>Reads of a schema what a sentence needs: what it expects in words, and which of several forms somebody meant.</summary>
internal sealed class SchemaText(JsonElement root)
{
    private const int HopsMax = 8;
    private const int ListedMax = 20;
    private const int BytesRead = 6 * Excerpt.CharactersMax;
    private const int TaggedPropertiesMax = 100;

    private static readonly string[] s_kinds = ["string", "integer", "number", "boolean", "object", "array", "null"];

    private readonly Dictionary<string, JsonElement?> _found = new(StringComparer.Ordinal);

    /// <summary>Whether a value is of a kind, as in <c>"type"</c>. A number without a fraction is an integer, however it is written.</summary>
    public static bool Is(string kind, JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => kind == "string",
        JsonValueKind.Number => kind == "number" || (kind == "integer" && ExactNumber.TryRead(value, out var number) && number.IsInteger),
        JsonValueKind.True or JsonValueKind.False => kind == "boolean",
        JsonValueKind.Object => kind == "object",
        JsonValueKind.Array => kind == "array",
        JsonValueKind.Null => kind == "null",
        _ => false,
    };

    /// <summary>The kinds in a schema's <c>"type"</c>; none if it has none or one that nobody knows.</summary>
    public static IReadOnlyList<string> KindsOf(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object || !schema.TryGetProperty("type"u8, out var type))
        {
            return [];
        }

        var names = type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(NameOf).ToArray() : [NameOf(type)];
        return names.All(name => s_kinds.Contains(name, StringComparer.Ordinal)) ? names : [];

        static string NameOf(JsonElement name) => name.ValueKind == JsonValueKind.String ? name.GetString()! : "";
    }

    /// <summary>What was given: <c>the string "two"</c>.</summary>
    public static string Got(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => "the string " + Shown(value),
        JsonValueKind.Number => "the number " + Shown(value),
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        _ => Shown(value),
    };

    /// <summary>A value itself, cut and escaped. Takes the same time for a long one, of which only the beginning is read.</summary>
    public static string Shown(JsonElement value)
    {
        var json = JsonMarshal.GetRawUtf8Value(value);
        var isLong = json.Length > BytesRead;
        return value.ValueKind switch
        {
            JsonValueKind.String => Excerpt.Quoted(isLong ? Beginning(json) : value.GetString()!),
            JsonValueKind.Object or JsonValueKind.Array => Excerpt.Quoted(Encoding.UTF8.GetString(isLong ? json[..BytesRead] : json), '`'),
            _ => Texts.Cut(Encoding.UTF8.GetString(isLong ? json[..BytesRead] : json), Excerpt.CharactersMax),
        };
    }

    /// <summary>The beginning of a long text, up to where no escape and no code point is cut in two.</summary>
    private static string Beginning(ReadOnlySpan<byte> json)
    {
        var end = 1;
        while (end < BytesRead)
        {
            end += (json[end], json[end + 1]) switch
            {
                ((byte)'\\', (byte)'u') when json[end + 2] is (byte)'d' or (byte)'D' && json[end + 3] is >= (byte)'8' and not (>= (byte)'C' and <= (byte)'F' or >= (byte)'c') => 12, // a pair
                ((byte)'\\', (byte)'u') => 6,
                ((byte)'\\', _) => 2,
                _ => 1,
            };
        }

        while ((json[end] & 0xC0) == 0x80)
        {
            end++;
        }

        return JsonElement.Parse([.. json[..end], (byte)'"']).GetString()!;
    }

    /// <summary>A property's name in a list of them.</summary>
    public static string Name(string name) => name.Length > 0 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-' or '.' or '$') ? Texts.Cut(name, Excerpt.CharactersMax) : Excerpt.Quoted(name, '\'');

    /// <summary>The first of them, and whether there are more.</summary>
    public static string Listed(IEnumerable<string> items, string separator = ", ")
    {
        var first = items.Take(ListedMax + 1).ToArray();
        return first.Length <= ListedMax ? string.Join(separator, first) : string.Join(separator, first.Take(ListedMax)) + separator + "…";
    }

    /// <summary>The values of an <c>enum</c>.</summary>
    public static string OneOf(JsonElement allowed) =>
        allowed.GetArrayLength() == 1 ? Shown(allowed[0]) : "one of " + Listed(allowed.EnumerateArray().Select(Shown));

    /// <summary>What a schema expects, with an article: <c>an integer or null</c>, <c>one of "low", "high"</c>.</summary>
    public string Expected(JsonElement schema) => In(schema, HopsMax, WithArticle) is { Length: > 0 } words ? words : "a value of another form";

    /// <summary>The kinds that a schema takes: <c>integer or null</c>; empty if it does not say.</summary>
    public string Kinds(JsonElement schema) => In(schema, HopsMax, static kind => kind);

    /// <summary>Whether a form is one for values of this kind, so that it may be the one that was meant.</summary>
    public bool TakesKindOf(JsonElement form, JsonElement value)
    {
        form = Resolved(form);
        if (form.ValueKind != JsonValueKind.Object)
        {
            return form.ValueKind == JsonValueKind.True;
        }

        var kinds = KindsOf(form);
        return kinds.Count > 0
            ? kinds.Any(kind => Is(kind, value) || (kind == "integer" && value.ValueKind == JsonValueKind.Number))
            : !form.TryGetProperty("const"u8, out var only) || only.ValueKind == value.ValueKind;
    }

    /// <summary>Whether a form is told from the others by a property that must have one certain value, and the value has another there.</summary>
    public bool HasOtherTag(JsonElement form, JsonElement value)
    {
        form = Resolved(form);
        if (value.ValueKind != JsonValueKind.Object || value.GetPropertyCount() > TaggedPropertiesMax || form.ValueKind != JsonValueKind.Object || !form.TryGetProperty("properties"u8, out var properties) || properties.ValueKind != JsonValueKind.Object)
        {
            return false;
        }

        return properties.EnumerateObject().Any(p => p.Value.ValueKind == JsonValueKind.Object && Tag(p.Value) is { } tag && value.TryGetProperty(p.Name, out var given)
            && tag.ValueKind == JsonValueKind.String && !JsonElement.DeepEquals(tag, given));

        static JsonElement? Tag(JsonElement schema) =>
            schema.TryGetProperty("const"u8, out var only) ? only
            : schema.TryGetProperty("enum"u8, out var allowed) && allowed.ValueKind == JsonValueKind.Array && allowed.GetArrayLength() == 1 ? allowed[0]
            : null;
    }

    /// <summary>What a reference within this schema points to (<c>#</c>, <c>#/$defs/host</c>); null if there is no such thing here.</summary>
    public JsonElement? Find(string reference)
    {
        if (!_found.TryGetValue(reference, out var target))
        {
            _found[reference] = target = FindAnew(reference);
        }

        return target;
    }

    private JsonElement? FindAnew(string reference)
    {
        if (reference is not "#" && !reference.StartsWith("#/", StringComparison.Ordinal))
        {
            return null;
        }

        var here = root;
        foreach (var part in reference.Split('/').Skip(1))
        {
            var name = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (here.ValueKind == JsonValueKind.Object && here.TryGetProperty(name, out var member))
            {
                here = member;
            }
            else if (here.ValueKind == JsonValueKind.Array && int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < here.GetArrayLength())
            {
                here = here[index];
            }
            else
            {
                return null;
            }
        }

        return here;
    }

    private JsonElement Resolved(JsonElement schema)
    {
        for (var hops = 0; hops < HopsMax; hops++)
        {
            if (schema.ValueKind != JsonValueKind.Object || !schema.TryGetProperty("$ref"u8, out var reference) || reference.ValueKind != JsonValueKind.String || Find(reference.GetString()!) is not { } target)
            {
                break;
            }

            schema = target;
        }

        return schema;
    }

    private string In(JsonElement schema, int hops, Func<string, string> word)
    {
        schema = Resolved(schema);
        if (schema.ValueKind != JsonValueKind.Object || hops == 0)
        {
            return "";
        }

        if (schema.TryGetProperty("const"u8, out var only))
        {
            return Shown(only);
        }

        if (schema.TryGetProperty("enum"u8, out var allowed) && allowed.ValueKind == JsonValueKind.Array && allowed.GetArrayLength() > 0)
        {
            return OneOf(allowed);
        }

        var kinds = KindsOf(schema);
        if (kinds.Count > 0)
        {
            return string.Join(" or ", kinds.Distinct(StringComparer.Ordinal).Select(word));
        }

        foreach (var keyword in (ReadOnlySpan<string>)["anyOf", "oneOf"])
        {
            if (schema.TryGetProperty(keyword, out var forms) && forms.ValueKind == JsonValueKind.Array)
            {
                // The words of a few forms are enough, and looking at a few of a few stays cheap.
                return Listed(forms.EnumerateArray().Take(4).Select(form => In(form, hops / 2, word)).Where(words => words.Length > 0).Distinct(StringComparer.Ordinal), " or ");
            }
        }

        return "";
    }

    private static string WithArticle(string kind) => kind switch
    {
        "integer" or "object" or "array" => "an " + kind,
        "null" => kind,
        "boolean" => "true or false",
        _ => "a " + kind,
    };
}
