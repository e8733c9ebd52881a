using System.Text;
using System.Text.Json;
using Xunit;

namespace Signalbox.Tests.Agents;

public sealed class Arguments_that_do_not_fit_a_schema
{
    private const string Search = """
        {
          "type": "object",
          "properties": {
            "host": { "type": "string", "minLength": 1 },
            "depth": { "type": "integer", "minimum": 1, "maximum": 5 },
            "level": { "enum": ["low", "medium", "high"] },
            "filter": {
              "type": "object",
              "properties": { "ports": { "type": "array", "items": { "type": "integer" } }, "since": { "type": "string", "format": "date-time" } },
              "required": ["ports"]
            }
          },
          "required": ["host"],
          "additionalProperties": false
        }
        """;

    private static IReadOnlyList<string> Faults(string schema, string value) => JsonSchemaCheck.Faults(JsonElement.Parse(schema), JsonElement.Parse(value));

    [Theory]
    [InlineData("""{"host":"db-1","depth":"two"}""", "depth: expected an integer, got the string \"two\"")]
    [InlineData("""{"host":"db-1","depth":2.5}""", "depth: expected an integer, got the number 2.5")]
    [InlineData("""{"host":"db-1","depth":null}""", "depth: expected an integer, got null")]
    [InlineData("""{"host":"db-1","depth":9}""", "depth: expected at most 5, got the number 9")]
    [InlineData("""{"depth":2}""", "missing the required property 'host' (string)")]
    [InlineData("""{"host":"db-1","filter":{}}""", "filter: missing the required property 'ports' (array)")]
    [InlineData("""{"host":"db-1","filter":{"ports":[22,443,"ssh"]}}""", "filter.ports[2]: expected an integer, got the string \"ssh\"")]
    [InlineData("""{"host":"db-1","filter":{"ports":[],"since":"yesterday"}}""", "filter.since: expected a date and time with its offset, such as 2026-01-31T09:30:00Z, got the string \"yesterday\"")]
    [InlineData("""{"host":""}""", "host: expected at least 1 character, got 0")]
    [InlineData("""{"host":"db-1","level":"hihg"}""", "level: expected one of \"low\", \"medium\", \"high\", got the string \"hihg\"; did you mean \"high\"?")]
    [InlineData("""{"host":"db-1","dpeth":1}""", "unknown property 'dpeth'; did you mean 'depth'? It takes: host, depth, level, filter")]
    [InlineData("""{"host":"db-1","zzz":1}""", "unknown property 'zzz'. It takes: host, depth, level, filter")]
    [InlineData("""["db-1"]""", "expected an object, got an array")]
    [InlineData("null", "expected an object, got null")]
    public void Are_told_where_what_was_expected_and_what_was_got(string value, string fault) => Assert.Equal([fault], Faults(Search, value));

    [Fact]
    public void Are_told_all_their_faults_at_once() =>
        Assert.Equal(
            [
                "missing the required property 'host' (string)",
                "depth: expected an integer, got true",
                "filter.ports: expected an array, got the number 22",
                "unknown property 'hsot'; did you mean 'host'? It takes: host, depth, level, filter",
            ],
            Faults(Search, """{"hsot":"db-1","depth":true,"filter":{"ports":22}}"""));

    [Theory]
    [InlineData("""{"type":"number","exclusiveMinimum":0}""", "0.0", "expected more than 0, got the number 0.0")]
    [InlineData("""{"type":"number","exclusiveMaximum":1}""", "1", "expected less than 1, got the number 1")]
    [InlineData("""{"minimum":1,"exclusiveMinimum":true}""", "1", "expected more than 1, got the number 1")]
    [InlineData("""{"minimum":1}""", "0", "expected at least 1, got the number 0")]
    [InlineData("""{"multipleOf":0.01}""", "0.075", "expected a multiple of 0.01, got the number 0.075")]
    [InlineData("""{"maximum":9007199254740992}""", "9007199254740993", "expected at most 9007199254740992, got the number 9007199254740993")]
    [InlineData("""{"maximum":0.1}""", "0.10000000000000000000000000000001", "expected at most 0.1, got the number 0.10000000000000000000000000000001")]
    [InlineData("""{"maxLength":2}""", "\"abc\"", "expected at most 2 characters, got 3")]
    [InlineData("""{"pattern":"^[a-z]+$"}""", "\"db-1\"", "expected text that matches the pattern \"^[a-z]+$\", got the string \"db-1\"")]
    [InlineData("""{"pattern":"^[a-z]+$"}""", "\"db\\n\"", "expected text that matches the pattern \"^[a-z]+$\", got the string \"db\\n\"")]
    [InlineData("""{"pattern":"^\\d+$"}""", "\"٣\"", "expected text that matches the pattern \"^\\\\d+$\", got the string \"٣\"")]
    [InlineData("""{"pattern":"^(?!root$)"}""", "\"root\"", "expected text that matches the pattern \"^(?!root$)\", got the string \"root\"")]
    [InlineData("""{"const":"yes"}""", "\"no\"", "expected \"yes\", got the string \"no\"")]
    [InlineData("""{"type":["string","null"]}""", "1", "expected a string or null, got the number 1")]
    [InlineData("""{"type":"boolean"}""", "\"true\"", "expected true or false, got the string \"true\"")]
    [InlineData("""{"minItems":1}""", "[]", "expected at least 1 item, got 0")]
    [InlineData("""{"maxItems":1}""", "[1,2]", "expected at most 1 item, got 2")]
    [InlineData("""{"uniqueItems":true}""", "[1,{\"a\":1,\"b\":2},{\"b\":2,\"a\":1.0}]", "items 1 and 2 are the same, but each may stand only once")]
    [InlineData("""{"prefixItems":[{"type":"string"}],"items":{"type":"integer"}}""", "[\"a\",1,\"b\"]", "[2]: expected an integer, got the string \"b\"")]
    [InlineData("""{"prefixItems":[{"type":"string"}],"items":false}""", "[\"a\",1]", "expected at most 1 item, got 2")]
    [InlineData("""{"items":[{"type":"string"}],"additionalItems":{"type":"integer"}}""", "[1,1]", "[0]: expected a string, got the number 1")]
    [InlineData("""{"contains":{"type":"string"}}""", "[1,2]", "expected at least 1 item to be a string, got 0")]
    [InlineData("""{"minProperties":1}""", "{}", "expected at least 1 property, got 0")]
    [InlineData("""{"maxProperties":1}""", "{\"a\":1,\"b\":2}", "expected at most 1 property, got 2")]
    [InlineData("""{"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false}""", "{\"x-a\":1}", "x-a: expected a string, got the number 1")]
    [InlineData("""{"patternProperties":{"^x-":{"type":"string"}},"additionalProperties":false}""", "{\"y\":1}", "unknown property 'y'. It takes no properties")]
    [InlineData("""{"additionalProperties":{"type":"integer"}}""", "{\"a b\":\"c\"}", "['a b']: expected an integer, got the string \"c\"")]
    [InlineData("""{"propertyNames":{"maxLength":2}}""", "{\"abc\":1}", "the name of the property 'abc' does not fit: expected at most 2 characters, got 3")]
    [InlineData("""{"dependentRequired":{"user":["reason"]}}""", "{\"user\":1}", "missing the property 'reason', which 'user' requires")]
    [InlineData("""{"properties":{"a":false}}""", "{\"a\":1}", "a: no value is allowed here")]
    [InlineData("""{"$ref":"#/$defs/a~1b%20c","$defs":{"a/b c":{"type":"string"}}}""", "1", "expected a string, got the number 1")]
    [InlineData("""{"properties":{"next":{"$ref":"#"}},"required":["id"]}""", "{\"id\":1,\"next\":{\"id\":2,\"next\":{}}}", "next.next: missing the required property 'id'")]
    [InlineData("""{"if":{"properties":{"kind":{"const":"ip"}}},"then":{"required":["ip"]},"else":{"required":["host"]}}""", "{\"kind\":\"ip\"}", "missing the required property 'ip'")]
    [InlineData("""{"if":{"properties":{"kind":{"const":"ip"}}},"then":{"required":["ip"]},"else":{"required":["host"]}}""", "{\"kind\":\"name\"}", "missing the required property 'host'")]
    [InlineData("""{"not":{"type":"string"}}""", "\"a\"", "expected anything but a string, got the string \"a\"")]
    [InlineData("""{"allOf":[{"minimum":1},{"multipleOf":2}]}""", "3", "expected a multiple of 2, got the number 3")]
    [InlineData("""{"anyOf":[{"type":"integer"},{"type":"null"}]}""", "\"a\"", "expected an integer or null, got the string \"a\"")]
    [InlineData("""{"anyOf":[{"type":"integer","minimum":1},{"type":"null"}]}""", "0", "expected at least 1, got the number 0")]
    [InlineData("""{"oneOf":[{"minimum":1},{"maximum":3}]}""", "2", "fits forms 1 and 2 of its schema, but must fit exactly one")]
    [InlineData("""{"anyOf":[{"minimum":5},{"maximum":1}]}""", "3", "fits none of its 2 forms: (1) expected at least 5, got the number 3; (2) expected at most 1, got the number 3")]
    [InlineData(
        """{"oneOf":[{"properties":{"kind":{"const":"ip"},"ip":{"type":"string"}},"required":["kind","ip"]},{"properties":{"kind":{"const":"user"},"user":{"type":"string"}},"required":["kind","user"]}]}""",
        "{\"kind\":\"user\",\"user\":7}",
        "user: expected a string, got the number 7")]
    public void Are_told_by_each_keyword(string schema, string value, string fault) => Assert.Equal([fault], Faults(schema, value));

    [Theory]
    [InlineData("""{"type":"integer"}""", "2.0")]
    [InlineData("""{"type":"integer"}""", "20e-1")]
    [InlineData("""{"type":"integer"}""", "123456789012345678901234567890")]
    [InlineData("""{"type":"integer"}""", "-0")]
    [InlineData("""{"enum":[1]}""", "1.0")]
    [InlineData("""{"multipleOf":0.01}""", "0.07")]
    [InlineData("""{"multipleOf":1e-300}""", "1e300")]
    [InlineData("""{"multipleOf":3}""", "-1.2e1")]
    [InlineData("""{"maximum":9007199254740993}""", "9007199254740993")]
    [InlineData("""{"maxLength":2}""", "\"😀😀\"")]
    [InlineData("""{"pattern":"b$"}""", "\"a b\"")]
    [InlineData("""{"uniqueItems":true}""", "[1,true,\"1\",[1],0.1,0.10000000000000000000000001]")]
    [InlineData("""{"items":{"type":"integer"}}""", "\"no array\"")]
    [InlineData("""{"required":["a"]}""", "[]")]
    [InlineData("""{"prefixItems":[{"type":"string"},{"type":"integer"}]}""", "[\"a\"]")]
    [InlineData("""{"patternProperties":{"^x-":{}},"additionalProperties":false}""", "{\"x-a\":1}")]
    [InlineData("""{"minContains":0,"contains":{"type":"string"}}""", "[]")]
    [InlineData("""{"format":"ipv6"}""", "\"::ffff:192.0.2.7\"")]
    [InlineData("""{"format":"date-time"}""", "\"2026-02-28T23:59:59.123456789+14:00\"")]
    [InlineData("true", "{\"a\":[1,null]}")]
    [InlineData("{}", "null")]
    public void Do_fit(string schema, string value) => Assert.Empty(Faults(schema, value));

    [Theory]
    [InlineData("date", "2026-02-29")]
    [InlineData("date", "26-01-01")]
    [InlineData("date-time", "2026-01-31T09:30:00")]
    [InlineData("date-time", "2026-01-31 09:30:00Z")]
    [InlineData("date-time", "2026-01-31T24:30:00Z")]
    [InlineData("date-time", "2026-01-31T09:30:00.Z")]
    [InlineData("date-time", "2026-01-31T09:30:00+1:00")]
    [InlineData("ipv4", "192.0.2")]
    [InlineData("ipv4", "192.0.2.256")]
    [InlineData("ipv4", "192.0.2.07")]
    [InlineData("ipv4", "0x7f000001")]
    [InlineData("ipv6", "192.0.2.7")]
    [InlineData("ipv6", "[::1]:80")]
    [InlineData("ipv6", "fe80::1%eth0")]
    [InlineData("uuid", "0123456789abcdef0123456789abcdef")]
    [InlineData("email", "name@")]
    [InlineData("email", "two words@example.com")]
    [InlineData("uri", "/etc/passwd")]
    [InlineData("uri", "example.com/a")]
    [InlineData("uri", "https://example.com/a b")]
    public void Have_a_text_in_another_format(string format, string text) => Assert.Single(Faults($$"""{"format":"{{format}}"}""", JsonSerializer.Serialize(text)));

    [Theory]
    [InlineData("""{"a":1,"b":{"c":1,"\u0063":2}}""", "b: the property 'c' stands twice")]
    [InlineData("""{"a":[1e400]}""", "a[0]: expected a number that a double can hold, got \"1e400\"")]
    [InlineData("""{"a":-1e99999999999999999999}""", "a: expected a number that a double can hold, got \"-1e99999999999999999999\"")]
    [InlineData("""{"a":"\ud800"}""", "a: holds text that is no valid Unicode")]
    [InlineData("""{"\udc00":1}""", "has a property whose name is no valid Unicode")]
    public void Cannot_be_recorded_whatever_the_schema(string value, string fault) => Assert.Equal([fault], Faults("true", value));

    [Fact]
    public void Are_missing_altogether() => Assert.Equal(["there is no value at all"], JsonSchemaCheck.Faults(JsonElement.Parse("{}"), default));

    [Fact]
    public void Nest_too_deep() =>
        Assert.Equal(["nests deeper than 64 levels"], JsonSchemaCheck.Faults(default, Deep(new string('[', 65) + new string(']', 65))));

    [Fact]
    public void Are_too_long() =>
        Assert.Equal(["has 5,000,002 bytes of JSON, but at most 4,194,304 are looked at"], JsonSchemaCheck.Faults(default, JsonElement.Parse($"\"{new string('x', 5_000_000)}\"")));

    [Fact]
    public void Are_shown_short_and_with_nothing_hidden_or_breaking_out()
    {
        var text = "\"}\n\u001b[2J\u202e \U000e0041 ' \\" + new string('x', 1000);
        var value = JsonSerializer.Serialize(new Dictionary<string, object> { [text] = text });
        Assert.Equal(
            ["['\"}\\n\\u001b[2J\\u202e \\udb40\\udc41 \\' \\\\xxxxxxxxxxxxxxxxxxxxxx…']: expected an integer, got the string \"\\\"}\\n\\u001b[2J\\u202e \\udb40\\udc41 ' \\\\xxxxxxxxxxxxxxxxxxxxxx…\""],
            Faults("""{"additionalProperties":{"type":"integer"}}""", value));
        Assert.Equal(["expected an integer, got the string \"\\\"\\n\\u001b\\u202e\\udb40\\udc41\""], Faults("""{"type":"integer"}""", "\"\\\"\\n\\u001b\u202e\U000e0041\""));
    }

    [Fact]
    public void Are_told_ten_faults_at_most() =>
        Assert.Equal(JsonSchemaCheck.FaultsMax, Faults("""{"items":{"type":"string"}}""", $"[{string.Join(',', Enumerable.Range(0, 100))}]").Count);

    [Theory]
    [InlineData("""{"pattern":"("}""")]
    [InlineData("""{"pattern":5,"minLength":-1,"maxLength":-1,"minimum":"1","enum":{},"required":"a","properties":[],"anyOf":{},"allOf":3,"items":"x","if":7,"not":null}""")]
    [InlineData("""{"type":"text"}""")]
    [InlineData("""{"type":["integer","text"]}""")]
    [InlineData("""{"$ref":"https://example.com/schema.json"}""")]
    [InlineData("""{"$ref":"#/$defs/nothing"}""")]
    [InlineData("""{"$ref":"#"}""")]
    [InlineData("""{"allOf":[{"$ref":"#"},{"$ref":"#"}],"anyOf":[{"$ref":"#"}],"oneOf":[{"$ref":"#"}]}""")]
    [InlineData("""{"not":{"$ref":"#"}}""")]
    [InlineData("""{"not":{"pattern":"("}}""")]
    [InlineData("""{"if":{"pattern":"("},"then":false,"else":false}""")]
    [InlineData("""{"oneOf":[{"pattern":"("},true]}""")]
    [InlineData("""{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}""")]
    [InlineData("""{"format":"no-such-format"}""")]
    [InlineData("""{"const":"\ud800","minimum":1e999,"enum":[1e999],"properties":{"\ud800":false}}""")]
    [InlineData("7")]
    public void Are_not_blamed_for_a_schema_that_cannot_be_used(string schema) => Assert.Empty(Faults(schema, "\"text\""));

    [Fact]
    public void Are_still_compared_with_the_rest_of_a_schema_that_can_be_used_in_part() =>
        Assert.Equal(
            ["a: expected a string, got the number 1"],
            Faults("""{"properties":{"\ud800":false,"a":{"type":"string","minLength":1e999}},"required":["\ud800","a"]}""", """{"a":1}"""));

    public static TheoryData<string, string, string> Bombs => new()
    {
        {
            "references that double at each step",
            "{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + Many(40, i => $"\"d{i}\":{{\"anyOf\":[{{\"$ref\":\"#/$defs/d{i + 1}\"}},{{\"$ref\":\"#/$defs/d{i + 1}\"}}]}}") + ",\"d40\":{\"type\":\"string\"}}}",
            "1"
        },
        {
            "a long chain of references",
            "{\"$ref\":\"#/$defs/d0\",\"$defs\":{" + Many(5000, i => $"\"d{i}\":{{\"$ref\":\"#/$defs/d{i + 1}\"}}") + ",\"d5000\":{\"type\":\"string\"}}}",
            "1"
        },
        {
            "a schema that doubles at each level of the value",
            """{"properties":{"a":{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}},"required":["a"]}""",
            string.Concat(Enumerable.Repeat("{\"a\":", 40)) + "{}" + new string('}', 40)
        },
        { "a pattern that goes back for ever", """{"pattern":"^(?=a)(a+)+$"}""", $"\"{new string('a', 40)}!\"" },
        {
            "many texts against many patterns",
            "{\"items\":{\"allOf\":[" + Many(500, i => $"{{\"pattern\":\"^a*(b?{i})?\"}}") + "]}}",
            "[" + Many(20, i => $"\"{new string('a', 100_000)}{i}\"") + "]"
        },
        { "a large array against a large enum", "{\"items\":{\"enum\":[" + Many(10_000, i => $"{i}") + "]}}", "[" + Many(100_000, _ => "9999") + "]" },
    };

    [Theory]
    [MemberData(nameof(Bombs))]
    public void Cannot_keep_the_comparison_busy(string what, string schema, string value)
    {
        Assert.NotEmpty(what);
        Assert.Equal(["could not be compared with the tool's schema within the limits of time and depth: make it smaller and simpler"], Faults(schema, value));
    }

    [Fact]
    public void Of_an_honest_size_are_compared_whole() =>
        Assert.Equal(
            ["rows[9999].ports[2]: expected at most 65535, got the number 65536"],
            Faults(
                """{"properties":{"rows":{"items":{"$ref":"#/$defs/row"}}},"$defs":{"row":{"type":"object","properties":{"host":{"type":"string","pattern":"^[a-z0-9-]+$"},"ports":{"items":{"type":"integer","maximum":65535}}},"required":["host"],"additionalProperties":false}}}""",
                "{\"rows\":[" + Many(10_000, i => $"{{\"host\":\"db-{i}\",\"ports\":[22,443,{(i == 9999 ? 65536 : 80)}]}}") + "]}"));

    private static string Many(int count, Func<int, string> item) => string.Join(',', Enumerable.Range(0, count).Select(item));

    private static JsonElement Deep(string json)
    {
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json), new JsonReaderOptions { MaxDepth = 1000 });
        return JsonElement.ParseValue(ref reader);
    }
}
