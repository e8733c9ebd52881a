using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Signalbox.Testing;

/// <summary>Makes values that fit a JSON schema, as far as the schemas of C# types and of tools go; texts come from <paramref name="words"/>.</summary>
internal sealed class SchemaSample(SeededEntropy entropy, IReadOnlyList<string> words)
{
    private const int DepthMax = 8;

    public JsonNode? Of(JsonElement schema) => Of(schema, schema, "", 0);

    private JsonNode? Of(JsonElement root, JsonElement schema, string name, int depth)
    {
        schema = Resolved(root, schema);
        if (schema.ValueKind != JsonValueKind.Object)
        {
            return Text(default, name);
        }

        if (schema.TryGetProperty("const", out var constant))
        {
            return Node(constant);
        }

        if (schema.TryGetProperty("enum", out var values) && values.ValueKind == JsonValueKind.Array && values.GetArrayLength() > 0)
        {
            JsonElement[] all = [.. values.EnumerateArray().Where(v => v.ValueKind != JsonValueKind.Null)];
            return all.Length == 0 ? null : Node(all[entropy.Below(all.Length)]);
        }

        foreach (var choice in (string[])["anyOf", "oneOf", "allOf"])
        {
            if (depth < DepthMax && schema.TryGetProperty(choice, out var schemas) && schemas.ValueKind == JsonValueKind.Array && schemas.GetArrayLength() > 0)
            {
                JsonElement[] all = [.. schemas.EnumerateArray().Where(s => TypeOf(s) != "null")];
                return all.Length == 0 ? null : Of(root, all[choice == "allOf" ? 0 : entropy.Below(all.Length)], name, depth + 1);
            }
        }

        return TypeOf(schema) switch
        {
            "object" => Object(root, schema, depth),
            "array" => Array(root, schema, name, depth),
            "boolean" => entropy.Below(2) == 0,
            "integer" => Integer(schema),
            "number" => Number(schema, name),
            "null" => null,
            _ => Text(schema, name),
        };
    }

    private static JsonElement Resolved(JsonElement root, JsonElement schema)
    {
        for (var i = 0; i < DepthMax && schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("$ref", out var reference) && reference.GetString() is { } path && path.StartsWith('#'); i++)
        {
            schema = root;
            foreach (var part in path.Split('/').Skip(1))
            {
                schema = schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty(part.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal), out var inner) ? inner
                    : schema.ValueKind == JsonValueKind.Array && int.TryParse(part, out var index) && index < schema.GetArrayLength() ? schema[index]
                    : default;
            }
        }

        return schema;
    }

    /// <summary>Nullable types are written as arrays such as <c>["string","null"]</c>: never null where it can be something.</summary>
    private static string? TypeOf(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            return null;
        }

        if (!schema.TryGetProperty("type", out var type))
        {
            return schema.TryGetProperty("properties", out _) ? "object" : schema.TryGetProperty("items", out _) ? "array" : null;
        }

        return type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(t => t.GetString()).OrderBy(t => t is "null").FirstOrDefault() : type.GetString();
    }

    private JsonObject Object(JsonElement root, JsonElement schema, int depth)
    {
        var json = new JsonObject();
        if (schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object)
        {
            HashSet<string?> required = schema.TryGetProperty("required", out var names) && names.ValueKind == JsonValueKind.Array ? [.. names.EnumerateArray().Select(n => n.GetString())] : [];
            foreach (var property in properties.EnumerateObject())
            {
                if (required.Contains(property.Name) || (depth < DepthMax && entropy.Below(4) > 0))
                {
                    json[property.Name] = depth < DepthMax * 2 ? Of(root, property.Value, property.Name, depth + 1) : null;
                }
            }
        }

        return json;
    }

    private JsonArray Array(JsonElement root, JsonElement schema, string name, int depth)
    {
        var least = schema.TryGetProperty("minItems", out var min) && min.TryGetInt32(out var items) ? Math.Clamp(items, 0, 100) : 0;
        var most = schema.TryGetProperty("maxItems", out var max) && max.TryGetInt32(out items) ? Math.Clamp(items, least, least + 3) : least + 2;
        var count = depth >= DepthMax ? least : least + entropy.Below(most - least + 1);
        return schema.TryGetProperty("items", out var of) ? new([.. Enumerable.Range(0, count).Select(_ => Of(root, of, name, depth + 1))]) : [];
    }

    private JsonNode Integer(JsonElement schema)
    {
        var (least, most) = Range(schema, 0, 100);
        return (long)(Math.Ceiling(least) + entropy.Below((int)Math.Clamp(Math.Floor(most) - Math.Ceiling(least) + 1, 1, 1_000_000)));
    }

    private JsonNode Number(JsonElement schema, string name)
    {
        var (least, most) = Range(schema, 0, name.Contains("confidence", StringComparison.OrdinalIgnoreCase) ? 1 : 100);
        return Math.Round(least + ((most - least) * entropy.Below(101) / 100), 4);
    }

    private static (double Least, double Most) Range(JsonElement schema, double least, double most)
    {
        var from = Limit(schema, "minimum") ?? Limit(schema, "exclusiveMinimum") + 1;
        var to = Limit(schema, "maximum") ?? Limit(schema, "exclusiveMaximum") - 1;
        return (from ?? Math.Min(least, to ?? least), Math.Max(from ?? least, to ?? Math.Max(most, (from ?? 0) + most)));
    }

    private static double? Limit(JsonElement schema, string name) => schema.TryGetProperty(name, out var limit) && limit.ValueKind == JsonValueKind.Number ? limit.GetDouble() : null;

    private JsonNode Text(JsonElement schema, string name)
    {
        string? Member(string member) => schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty(member, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        int Length(string member, int otherwise) => schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty(member, out var value) && value.TryGetInt32(out var length) ? Math.Clamp(length, 0, 10_000) : otherwise;

        var known = Member("format") switch
        {
            "date-time" => "2026-01-01T00:00:00Z",
            "date" => "2026-01-01",
            "time" => "00:00:00",
            "duration" => "PT1H",
            "uuid" => "00000000-0000-4000-8000-000000000001",
            "uri" => "https://example.org/",
            "email" => "somebody@example.org",
            "ipv4" => "192.0.2.7",
            "ipv6" => "2001:db8::7",
            _ => null,
        };
        if (known is not null)
        {
            return known;
        }

        var fitting = Member("pattern") is { } pattern ? [.. words.Where(w => Fits(w, pattern))] : words;
        var text = fitting.Count > 0 ? fitting[entropy.Below(fitting.Count)] : name.Length > 0 ? name : "text";
        text = text.PadRight(Length("minLength", 0), 'x');
        return text[..Math.Min(text.Length, Length("maxLength", text.Length))];
    }

    private static bool Fits(string word, string pattern)
    {
        try
        {
            return Regex.IsMatch(word, pattern, RegexOptions.ECMAScript, TimeSpan.FromMilliseconds(100));
        }
        catch (Exception e) when (e is ArgumentException or RegexMatchTimeoutException)
        {
            return true; // not a pattern of ours: any word is as good
        }
    }

    private static JsonNode? Node(JsonElement value) => JsonSerializer.SerializeToNode(value, ContentJson.Options);
}
