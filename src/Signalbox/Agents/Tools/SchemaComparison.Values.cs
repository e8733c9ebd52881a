using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>What the keywords for numbers, texts, arrays and objects say, each of its own kind of value only.</summary>
internal sealed partial class SchemaComparison
{
    private static void CheckNumber(JsonElement schema, JsonElement value, JsonPlace place, List<string> faults)
    {
        if (!ExactNumber.TryRead(value, out var number))
        {
            return;
        }

        var hasMinimum = TryGetNumber(schema, "minimum"u8, out var minimum);
        var hasMaximum = TryGetNumber(schema, "maximum"u8, out var maximum);
        var above = TryGetNumber(schema, "exclusiveMinimum"u8, out var bound);
        if (above || (hasMinimum && IsTrue(schema, "exclusiveMinimum"u8))) // draft 4 wrote true beside the limit
        {
            bound = above ? bound : minimum;
            if (number.CompareTo(bound) <= 0)
            {
                Add(faults, place, $"expected more than {(above ? Raw(schema, "exclusiveMinimum") : Raw(schema, "minimum"))}, got {SchemaText.Got(value)}");
            }
        }

        if (hasMinimum && number.CompareTo(minimum) < 0)
        {
            Add(faults, place, $"expected at least {Raw(schema, "minimum")}, got {SchemaText.Got(value)}");
        }

        var below = TryGetNumber(schema, "exclusiveMaximum"u8, out bound);
        if (below || (hasMaximum && IsTrue(schema, "exclusiveMaximum"u8)))
        {
            bound = below ? bound : maximum;
            if (number.CompareTo(bound) >= 0)
            {
                Add(faults, place, $"expected less than {(below ? Raw(schema, "exclusiveMaximum") : Raw(schema, "maximum"))}, got {SchemaText.Got(value)}");
            }
        }

        if (hasMaximum && number.CompareTo(maximum) > 0)
        {
            Add(faults, place, $"expected at most {Raw(schema, "maximum")}, got {SchemaText.Got(value)}");
        }

        if (TryGetNumber(schema, "multipleOf"u8, out var unit) && unit.Sign > 0 && !number.IsMultipleOf(unit))
        {
            Add(faults, place, $"expected a multiple of {Raw(schema, "multipleOf")}, got {SchemaText.Got(value)}");
        }
    }

    private void CheckString(JsonElement schema, JsonElement value, JsonPlace place, List<string> faults)
    {
        var hasPattern = schema.TryGetProperty("pattern"u8, out var pattern) && pattern.ValueKind == JsonValueKind.String;
        var hasFormat = schema.TryGetProperty("format"u8, out var format) && format.ValueKind == JsonValueKind.String;
        var hasMinimum = TryGetCount(schema, "minLength"u8, out var minimum);
        var hasMaximum = TryGetCount(schema, "maxLength"u8, out var maximum);
        if (!(hasPattern || hasFormat || hasMinimum || hasMaximum) || !CanSpend(Weight(value) + (hasPattern ? Weight(pattern) : 0)))
        {
            return;
        }

        var text = value.GetString()!;
        var length = text.Count(unit => !char.IsLowSurrogate(unit)); // whole code points, not halves of a pair
        if (hasMinimum && length < minimum)
        {
            Add(faults, place, string.Create(CultureInfo.InvariantCulture, $"expected at least {Counted(minimum, "character")}, got {length}"));
        }

        if (hasMaximum && length > maximum)
        {
            Add(faults, place, string.Create(CultureInfo.InvariantCulture, $"expected at most {Counted(maximum, "character")}, got {length}"));
        }

        if (hasPattern && Matches(pattern.GetString()!, text) == false)
        {
            Add(faults, place, $"expected text that matches the pattern {Excerpt.Quoted(pattern.GetString()!)}, got {SchemaText.Got(value)}");
        }

        if (hasFormat)
        {
            var (fits, expected) = TextFormat.Check(format.GetString()!, text);
            if (expected is null)
            {
                _ignored++;
            }
            else if (!fits)
            {
                Add(faults, place, $"expected {expected}, got {SchemaText.Got(value)}");
            }
        }
    }

    private void CheckArray(JsonElement schema, JsonElement value, JsonPlace place, List<string> faults)
    {
        var length = value.GetArrayLength();
        if (TryGetCount(schema, "minItems"u8, out var minimum) && length < minimum)
        {
            Add(faults, place, string.Create(CultureInfo.InvariantCulture, $"expected at least {Counted(minimum, "item")}, got {length}"));
        }

        if (TryGetCount(schema, "maxItems"u8, out var maximum) && length > maximum)
        {
            Add(faults, place, string.Create(CultureInfo.InvariantCulture, $"expected at most {Counted(maximum, "item")}, got {length}"));
        }

        // Draft 7 wrote the first items' schemas into "items" and the rest's into "additionalItems".
        var hasItems = schema.TryGetProperty("items"u8, out var items);
        var hasFirst = schema.TryGetProperty("prefixItems"u8, out var first) && first.ValueKind == JsonValueKind.Array;
        if (hasItems && items.ValueKind == JsonValueKind.Array)
        {
            (hasFirst, first) = (true, items);
            hasItems = schema.TryGetProperty("additionalItems"u8, out items);
        }

        if (hasFirst || hasItems)
        {
            var firstCount = hasFirst ? first.GetArrayLength() : 0;
            if (hasItems && items.ValueKind == JsonValueKind.False && firstCount > 0)
            {
                hasItems = false;
                if (length > firstCount)
                {
                    Add(faults, place, string.Create(CultureInfo.InvariantCulture, $"expected at most {Counted(firstCount, "item")}, got {length}"));
                }
            }

            using var schemas = hasFirst ? first.EnumerateArray() : default;
            var index = 0;
            foreach (var item in value.EnumerateArray())
            {
                if (faults.Count >= JsonSchemaCheck.FaultsMax || !CanSpend(1))
                {
                    return;
                }

                if (hasFirst && index < firstCount && schemas.MoveNext())
                {
                    Check(schemas.Current, item, place.Item(index), null, faults);
                }
                else if (hasItems)
                {
                    Check(items, item, place.Item(index), null, faults);
                }
                else
                {
                    break;
                }

                index++;
            }
        }

        CheckContains(schema, value, place, faults);
        if (IsTrue(schema, "uniqueItems"u8))
        {
            CheckUnique(value, place, faults);
        }
    }

    private void CheckContains(JsonElement schema, JsonElement value, JsonPlace place, List<string> faults)
    {
        if (!schema.TryGetProperty("contains"u8, out var wanted))
        {
            return;
        }

        var minimum = TryGetCount(schema, "minContains"u8, out var given) ? given : 1;
        var hasMaximum = TryGetCount(schema, "maxContains"u8, out var maximum);
        var ignored = _ignored;
        var found = 0;
        foreach (var (index, item) in value.EnumerateArray().Index())
        {
            found += Misfits(wanted, item, place.Item(index), null).Count == 0 ? 1 : 0;
            if (IsSpent)
            {
                return;
            }
        }

        if (found < minimum)
        {
            Add(faults, place, string.Create(CultureInfo.InvariantCulture, $"expected at least {Counted(minimum, "item")} to be {_text.Expected(wanted)}, got {found}"));
        }

        if (hasMaximum && found > maximum && _ignored == ignored)
        {
            Add(faults, place, string.Create(CultureInfo.InvariantCulture, $"expected at most {Counted(maximum, "item")} to be {_text.Expected(wanted)}, got {found}"));
        }
    }

    private void CheckUnique(JsonElement value, JsonPlace place, List<string> faults)
    {
        var seen = new Dictionary<string, (int Index, JsonElement Item)>(StringComparer.Ordinal);
        foreach (var (index, item) in value.EnumerateArray().Index())
        {
            if (faults.Count >= JsonSchemaCheck.FaultsMax || !CanSpend(1 + (2 * Weight(item))))
            {
                return;
            }

            var canonical = Encoding.UTF8.GetString(CanonicalJson.Of(JsonMarshal.GetRawUtf8Value(item)));
            if (!seen.TryAdd(canonical, (index, item)) && JsonElement.DeepEquals(seen[canonical].Item, item)) // equal as doubles need not be equal as numbers
            {
                Add(faults, place, string.Create(CultureInfo.InvariantCulture, $"items {seen[canonical].Index} and {index} are the same, but each may stand only once"));
            }
        }
    }

    private void CheckObject(JsonElement schema, JsonElement value, JsonPlace place, List<string> faults)
    {
        var count = value.GetPropertyCount();
        var hasProperties = schema.TryGetProperty("properties"u8, out var properties) && properties.ValueKind == JsonValueKind.Object;
        if (!CanSpend(count + Weight(value) + (hasProperties ? properties.GetPropertyCount() : 0)))
        {
            return;
        }

        if (TryGetCount(schema, "minProperties"u8, out var minimum) && count < minimum)
        {
            Add(faults, place, string.Create(CultureInfo.InvariantCulture, $"expected at least {Counted(minimum, "property")}, got {count}"));
        }

        if (TryGetCount(schema, "maxProperties"u8, out var maximum) && count > maximum)
        {
            Add(faults, place, string.Create(CultureInfo.InvariantCulture, $"expected at most {Counted(maximum, "property")}, got {count}"));
        }

        var given = value.EnumerateObject().ToDictionary(p => p.Name, p => p.Value, StringComparer.Ordinal);
        CheckRequired(schema, given, place, faults);
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (var property in ObjectIn(schema, "properties"u8))
        {
            if (faults.Count >= JsonSchemaCheck.FaultsMax || !CanSpend(1))
            {
                return;
            }

            known.Add(property.Name);
            if (given.TryGetValue(property.Name, out var found))
            {
                Check(property.Value, found, place.Property(property.Name), null, faults);
            }
        }

        CheckOtherProperties(schema, known, given, place, faults);
    }

    private void CheckRequired(JsonElement schema, Dictionary<string, JsonElement> given, JsonPlace place, List<string> faults)
    {
        foreach (var name in NamesIn(schema, "required"u8))
        {
            if (faults.Count >= JsonSchemaCheck.FaultsMax || !CanSpend(1))
            {
                return;
            }

            if (!given.ContainsKey(name))
            {
                Add(faults, place, $"missing the required property {Excerpt.Quoted(name, '\'')}{Hint(name)}");
            }
        }

        foreach (var dependent in ObjectIn(schema, "dependentRequired"u8).Where(d => given.ContainsKey(d.Name)))
        {
            foreach (var name in Names(dependent.Value))
            {
                if (faults.Count >= JsonSchemaCheck.FaultsMax || !CanSpend(1))
                {
                    return;
                }

                if (!given.ContainsKey(name))
                {
                    Add(faults, place, $"missing the property {Excerpt.Quoted(name, '\'')}{Hint(name)}, which {Excerpt.Quoted(dependent.Name, '\'')} requires");
                }
            }
        }

        string Hint(string name) =>
            schema.TryGetProperty("properties"u8, out var properties) && properties.ValueKind == JsonValueKind.Object && properties.TryGetProperty(name, out var property)
            && _text.Kinds(property) is { Length: > 0 } kinds ? $" ({kinds})" : "";
    }

    private void CheckOtherProperties(JsonElement schema, HashSet<string> known, Dictionary<string, JsonElement> given, JsonPlace place, List<string> faults)
    {
        var patterns = ObjectIn(schema, "patternProperties"u8).ToArray();
        var hasNames = schema.TryGetProperty("propertyNames"u8, out var names);
        var hasOthers = schema.TryGetProperty("additionalProperties"u8, out var others);
        if (patterns.Length == 0 && !hasNames && !hasOthers)
        {
            return;
        }

        foreach (var (name, item) in given)
        {
            var isKnown = known.Contains(name);
            foreach (var pattern in patterns)
            {
                if (faults.Count >= JsonSchemaCheck.FaultsMax || !CanSpend(1 + (name.Length / 64)))
                {
                    return;
                }

                var matches = Matches(pattern.Name, name);
                isKnown |= matches != false; // a pattern that cannot be used may have meant it
                if (matches == true)
                {
                    Check(pattern.Value, item, place.Property(name), null, faults);
                }
            }

            if (faults.Count >= JsonSchemaCheck.FaultsMax || !CanSpend(1 + (name.Length / 64)))
            {
                return;
            }

            if (hasNames)
            {
                var misfits = Misfits(names, JsonSerializer.SerializeToElement(name, SignalboxJson.Options), JsonPlace.Root, null);
                if (misfits.Count > 0)
                {
                    Add(faults, place, $"the name of the property {Excerpt.Quoted(name, '\'')} does not fit: {misfits[0]}");
                }
            }

            if (!hasOthers || isKnown)
            {
                continue;
            }

            if (others.ValueKind == JsonValueKind.False)
            {
                Add(faults, place, Unknown(name, known, given));
            }
            else
            {
                Check(others, item, place.Property(name), null, faults);
            }
        }
    }

    private string Unknown(string name, HashSet<string> known, Dictionary<string, JsonElement> given)
    {
        var meant = Nearest(name, known.Where(k => !given.ContainsKey(k)));
        var takes = known.Count == 0 ? "It takes no properties" : $"It takes: {SchemaText.Listed(known.Select(SchemaText.Name))}";
        return $"unknown property {Excerpt.Quoted(name, '\'')}{(meant is null ? "." : $"; did you mean {Excerpt.Quoted(meant, '\'')}?")} {takes}";
    }

    private string? Nearest(string name, IEnumerable<string> names)
    {
        string[] candidates = [.. names.Take(NamesMax)];
        return CanSpend(candidates.Length * NameWork) && NearestNames.Of(name, candidates, 1) is [var nearest, ..] ? nearest : null;
    }

    private static bool TryGetNumber(JsonElement schema, ReadOnlySpan<byte> keyword, out ExactNumber number)
    {
        number = default;
        return schema.TryGetProperty(keyword, out var element) && ExactNumber.TryRead(element, out number);
    }

    private static bool TryGetCount(JsonElement schema, ReadOnlySpan<byte> keyword, out double count)
    {
        count = 0;
        return TryGetNumber(schema, keyword, out var number) && number.IsInteger && number.Sign >= 0 && schema.GetProperty(keyword).TryGetDouble(out count);
    }

    private static bool IsTrue(JsonElement schema, ReadOnlySpan<byte> keyword) => schema.TryGetProperty(keyword, out var element) && element.ValueKind == JsonValueKind.True;

    private static string Raw(JsonElement schema, string keyword) => SchemaText.Shown(schema.GetProperty(keyword));

    private static JsonElement.ObjectEnumerator ObjectIn(JsonElement schema, ReadOnlySpan<byte> keyword) =>
        schema.TryGetProperty(keyword, out var element) && element.ValueKind == JsonValueKind.Object ? element.EnumerateObject() : default;

    private static JsonElement.ArrayEnumerator ArrayIn(JsonElement schema, ReadOnlySpan<byte> keyword) =>
        schema.TryGetProperty(keyword, out var element) && element.ValueKind == JsonValueKind.Array ? element.EnumerateArray() : default;

    private static IEnumerable<string> NamesIn(JsonElement schema, ReadOnlySpan<byte> keyword) => schema.TryGetProperty(keyword, out var element) ? Names(element) : [];

    private static IEnumerable<string> Names(JsonElement names) =>
        names.ValueKind == JsonValueKind.Array ? names.EnumerateArray().Where(name => name.ValueKind == JsonValueKind.String).Select(name => name.GetString()!) : [];

    private static string Counted(double count, string noun) => string.Create(
        CultureInfo.InvariantCulture, $"{count} {(count == 1 ? noun : noun == "property" ? "properties" : noun + "s")}");
}
