using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Signalbox.Tests.Agents;

/// <summary>Schemas and values made from a seed, which FsCheck prints if one of them shows a fault.</summary>
public sealed class Any_arguments_and_any_schema
{
    private static readonly Arbitrary<int> s_seeds = Gen.Choose(0, int.MaxValue).ToArbitrary(); // the usual integers are few: they grow with the size of the test

    [Fact]
    public void Fit_if_they_were_made_from_the_schema() =>
        Prop.ForAll(s_seeds, seed =>
        {
            var shape = new Shapes(seed).Root();
            return !Faults(shape.Schema, shape.Fitting()).Any();
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    [Fact]
    public void Do_not_fit_if_one_thing_in_them_was_changed_that_the_schema_names() =>
        Prop.ForAll(s_seeds, seed =>
        {
            var shape = new Shapes(seed).Root();
            return shape.Misfitting.All(misfit => Faults(shape.Schema, misfit.Make()).Count > 0 ? true : throw new InvalidOperationException(misfit.How));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300));

    [Fact]
    public void Are_compared_without_an_exception_and_told_in_short_clean_sentences() =>
        Prop.ForAll(s_seeds, seed =>
        {
            var random = new Random(seed);
            var (schema, value) = (Rubbish.Schema(random, 4), Rubbish.Value(random, 4));
            var faults = JsonSchemaCheck.Faults(JsonElement.Parse(schema), JsonElement.Parse(value));
            return faults.Count <= JsonSchemaCheck.FaultsMax && faults.All(f => f.Length is > 0 and <= JsonSchemaCheck.FaultCharactersMax && f.EnumerateRunes().All(IsClean));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(4000));

    private static bool IsClean(Rune rune) => Rune.GetUnicodeCategory(rune) is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator) && rune != Rune.ReplacementChar;

    private static IReadOnlyList<string> Faults(JsonNode schema, JsonNode? value) =>
        JsonSchemaCheck.Faults(JsonElement.Parse(schema.ToJsonString()), JsonElement.Parse(value?.ToJsonString() ?? "null"));

    /// <summary>A schema, values that fit it, and values that differ from it in one named way.</summary>
    private sealed record Shape(JsonNode Schema, Func<JsonNode?> Fitting, IReadOnlyList<(string How, Func<JsonNode?> Make)> Misfitting);

    private sealed class Shapes(int seed)
    {
        private readonly Random _random = new(seed);
        private readonly JsonObject _definitions = [];

        public Shape Root()
        {
            var shape = Object(3);
            shape.Schema["$defs"] = _definitions;
            return shape;
        }

        private Shape Any(int depth) => _random.Next(depth > 0 ? 9 : 5) switch
        {
            0 => Integer(),
            1 => Number(),
            2 => Text(),
            3 => Choice(),
            4 => Formatted(),
            5 => Array(depth - 1),
            6 => Optional(depth - 1),
            7 => Referenced(depth - 1),
            _ => Object(depth - 1),
        };

        private Shape Integer()
        {
            var (low, high) = (_random.Next(-100, 0), _random.Next(1, 100));
            return new(
                new JsonObject { ["type"] = "integer", ["minimum"] = low, ["exclusiveMaximum"] = high },
                () => _random.Next(2) == 0 ? _random.Next(low, high) : JsonNode.Parse($"{_random.Next(low, high)}.0"),
                [("too small", () => low - 1), ("the excluded bound", () => high), ("a fraction", () => 0.5), ("a text", () => "1"), ("null", () => null)]);
        }

        private Shape Number() => new(
            new JsonObject { ["type"] = "number", ["multipleOf"] = 0.1, ["maximum"] = 10 },
            () => JsonNode.Parse($"{_random.Next(-9, 10)}.{_random.Next(10)}"),
            [("no multiple", () => 0.15), ("too large", () => 10.1), ("a boolean", () => true)]);

        private Shape Text()
        {
            var least = _random.Next(1, 5);
            return new(
                new JsonObject { ["type"] = "string", ["minLength"] = least, ["maxLength"] = 8, ["pattern"] = "^[a-z😀]+$" },
                () => string.Concat(Enumerable.Range(0, _random.Next(least, 9)).Select(_ => _random.Next(5) == 0 ? "😀" : "x")).Replace("😀", "z", StringComparison.Ordinal),
                [("too short", () => new string('x', least - 1)), ("too long", () => "xxxxxxxxx"), ("another pattern", () => "XXXX"), ("a line feed after the end", () => "xxxx\n"), ("a list", () => new JsonArray("xxxx"))]);
        }

        private Shape Choice() => new(
            new JsonObject { ["enum"] = new JsonArray("low", "high", 3, null) },
            () => _random.Next(4) switch { 0 => "low", 1 => "high", 2 => JsonNode.Parse("3.0"), _ => null },
            [("another case", () => "Low"), ("another value", () => 4), ("an object", () => new JsonObject())]);

        private Shape Formatted() => _random.Next(3) switch
        {
            0 => new(new JsonObject { ["type"] = "string", ["format"] = "date-time" }, () => DateTimeOffset.UnixEpoch.AddSeconds(_random.Next()).ToString("O"), [("no date", () => "soon")]),
            1 => new(new JsonObject { ["type"] = "string", ["format"] = "ipv4" }, () => $"192.0.2.{_random.Next(256)}", [("no address", () => "192.0.2.256")]),
            _ => new(new JsonObject { ["type"] = "string", ["format"] = "uuid" }, () => new Guid(_random.Next(), 0, 0, new byte[8]).ToString(), [("no uuid", () => "1-2-3")]),
        };

        private Shape Array(int depth)
        {
            var item = Any(depth);
            var least = _random.Next(1, 3);
            return new(
                new JsonObject { ["type"] = "array", ["items"] = item.Schema, ["minItems"] = least, ["maxItems"] = 4 },
                () => Of(_random.Next(least, 5)),
                [
                    ("too few", () => Of(least - 1)),
                    ("too many", () => Of(5)),
                    ("no array", () => new JsonObject()),
                    .. item.Misfitting.Select(m => ("in an item: " + m.How, (Func<JsonNode?>)(() => With(Of(least), m.Make())))),
                ]);

            JsonArray Of(int count) => [.. Enumerable.Range(0, count).Select(_ => item.Fitting())];

            JsonArray With(JsonArray items, JsonNode? other)
            {
                items[_random.Next(items.Count)] = other;
                return items;
            }
        }

        private Shape Optional(int depth)
        {
            var inner = _random.Next(2) == 0 ? Object(depth) : Integer();
            return new(
                new JsonObject { [_random.Next(2) == 0 ? "anyOf" : "oneOf"] = new JsonArray(new JsonObject { ["type"] = "null" }, inner.Schema) },
                () => _random.Next(3) == 0 ? null : inner.Fitting(),
                [.. inner.Misfitting.Where(m => m.How != "null").Select(m => ("in what may be null: " + m.How, m.Make))]);
        }

        private Shape Referenced(int depth)
        {
            var inner = Any(depth);
            var name = $"a/b~{_definitions.Count}";
            _definitions[name] = inner.Schema;
            return inner with { Schema = new JsonObject { ["$ref"] = $"#/$defs/{name.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}" } };
        }

        private Shape Object(int depth)
        {
            var properties = Enumerable.Range(0, _random.Next(1, 5)).Select(i => (Name: $"p{i}", Shape: Any(depth), IsRequired: i == 0 || _random.Next(2) == 0)).ToArray();
            return new(
                new JsonObject
                {
                    ["type"] = "object",
                    ["properties"] = new JsonObject(properties.Select(p => KeyValuePair.Create(p.Name, (JsonNode?)p.Shape.Schema))),
                    ["required"] = new JsonArray([.. properties.Where(p => p.IsRequired).Select(p => JsonValue.Create(p.Name))]),
                    ["additionalProperties"] = false,
                },
                () => Of(leaveOut: null),
                [
                    ("without p0", () => Of(leaveOut: "p0")),
                    ("with another property", () => With("q", 1)),
                    ("no object", () => "p0"),
                    .. properties.SelectMany(p => p.Shape.Misfitting.Select(m => ($"in {p.Name}: {m.How}", (Func<JsonNode?>)(() => With(p.Name, m.Make()))))),
                ]);

            JsonObject Of(string? leaveOut) => new(
                properties.Where(p => p.Name != leaveOut && (p.IsRequired || _random.Next(2) == 0)).Reverse().Select(p => KeyValuePair.Create(p.Name, p.Shape.Fitting())));

            JsonObject With(string name, JsonNode? value)
            {
                var whole = Of(leaveOut: null);
                whole[name] = value;
                return whole;
            }
        }
    }

    /// <summary>JSON that a careless or hostile server or model might send: keywords with anything in them, texts that are none, names that stand twice.</summary>
    private static class Rubbish
    {
        private static readonly string[] s_keywords =
        [
            "type", "properties", "required", "additionalProperties", "patternProperties", "propertyNames", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
            "multipleOf", "minLength", "maxLength", "pattern", "format", "items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
            "contains", "minContains", "maxContains", "dependentRequired", "anyOf", "oneOf", "allOf", "not", "if", "then", "else", "$ref", "$defs", "unknown",
        ];

        private static readonly string[] s_scalars =
        [
            "null", "true", "false", "0", "-0", "1", "2.0", "-3.5", "1e400", "1e-400", "1e99999999999", "-1E+308", "0.10000000000000000000000000000000000000000001", "123456789012345678901234567890",
            "\"\"", "\"a\"", "\"b\"", "\"string\"", "\"integer\"", "\"object\"", "\"array\"", "\"null\"", "\"#\"", "\"#/properties/a\"", "\"#/$defs/b\"", "\"#/%zz/~2\"", "\"date-time\"", "\"ipv6\"", "\"uri\"", "\"email\"",
            "\"^a\"", "\"(\"", "\"(a+)+$\"", "\"[^\"", "\"\\\\\"", "\"(?=a)\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\u0000\\u001b\\u202e\"", "\"\U000e0041\"", "\"2026-01-31T09:30:00Z\"", "\"😀\"",
            "\"" + string.Concat(Enumerable.Repeat("\\ud83d\\ude00\\n", 100)) + "\"", "\"" + new string('é', 300) + "\"", "\"a" + string.Concat(Enumerable.Repeat("\\ud83d\\ude00", 100)) + "\"",
        ];

        private static readonly string[] s_names = ["a", "b", "A", "a b", "", "\\ud800", "\\u0061", "\\u0000", "\\\"", "required"];

        public static string Schema(Random random, int depth)
        {
            if (depth == 0 || random.Next(10) == 0)
            {
                return s_scalars[random.Next(s_scalars.Length)];
            }

            return "{" + string.Join(',', Enumerable.Range(0, random.Next(6)).Select(_ => $"\"{s_keywords[random.Next(s_keywords.Length)]}\":{Operand()}")) + "}";

            string Operand() => random.Next(5) switch
            {
                0 => Schema(random, depth - 1),
                1 => "[" + string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => Schema(random, depth - 1))) + "]",
                2 => "{" + string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => $"\"{s_names[random.Next(s_names.Length)]}\":{Schema(random, depth - 1)}")) + "}",
                3 => "[" + string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => s_scalars[random.Next(s_scalars.Length)])) + "]",
                _ => s_scalars[random.Next(s_scalars.Length)],
            };
        }

        public static string Value(Random random, int depth) => random.Next(depth == 0 ? 1 : 3) switch
        {
            0 => s_scalars[random.Next(s_scalars.Length)],
            1 => "[" + string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => Value(random, depth - 1))) + "]",
            _ => "{" + string.Join(',', Enumerable.Range(0, random.Next(4)).Select(_ => $"\"{s_names[random.Next(s_names.Length)]}\":{Value(random, depth - 1)}")) + "}",
        };
    }
}
