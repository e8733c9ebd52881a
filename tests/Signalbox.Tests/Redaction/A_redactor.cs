using System.Text;
using Signalbox.Journal;
using Xunit;

namespace Signalbox.Tests.Redaction;

public sealed class A_redactor
{
    private static readonly Redactor s_default = Redactor.Default;

    [Theory]
    [InlineData("""{"password":"hunter2"}""", """{"password":"[redacted]"}""")]
    [InlineData("""{"a":[{"apiKey":"x"},{"API-Key":"y"},{"api_key":{"id":1}}]}""", """{"a":[{"apiKey":"[redacted]"},{"API-Key":"[redacted]"},{"api_key":"[redacted]"}]}""")]
    [InlineData("""{"token":"abc","tokens":12,"inputTokens":345}""", """{"token":"[redacted]","tokens":12,"inputTokens":345}""")]
    [InlineData("""{"set-cookie":["a=1","b=2"],"next":1.50}""", """{"set-cookie":"[redacted]","next":1.50}""")]
    [InlineData("""{"arguments":"{\"password\":\"hunter2\",\"n\":1}"}""", """{"arguments":"{\"password\":\"[redacted]\",\"n\":1}"}""")]
    [InlineData("""{"pass\u0077ord":"hunter2"}""", """{"password":"[redacted]"}""")]
    [InlineData("""{"note":"key \u0073k-ant-api03-abcdefghijklmnopqrstuvwx end"}""", """{"note":"key [redacted] end"}""")]
    [InlineData("""["Bearer abcdefghijklmnop1234"]""", """["[redacted]"]""")]
    public void Masks_secrets_in_JSON(string json, string expected) => Assert.Equal(expected, s_default.Json(Raw(json)).ToString());

    [Theory]
    [InlineData("the key sk-ant-api03-abcdefghijklmnopqrstuvwx was used", "the key [redacted] was used")]
    [InlineData("sk-proj-abcdefghijklmnopqrstuvwx", "[redacted]")]
    [InlineData("AKIAIOSFODNN7EXAMPLE", "[redacted]")]
    [InlineData("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[redacted]")]
    [InlineData("sbk_abcdefghijkl0123", "[redacted]")]
    [InlineData("Authorization: Basic dXNlcjpwYXNz", "[redacted]")]
    [InlineData("curl -H 'authorization: bearer abcdefghijklmnop'", "curl -H '[redacted]'")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_1", "[redacted]")]
    [InlineData("-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc=\n-----END RSA PRIVATE KEY-----\nrest", "[redacted]\nrest")]
    [InlineData("-----BEGIN PRIVATE KEY-----\nMIIEcut", "[redacted]")]
    [InlineData("postgres://signalbox:hunter2@db/runs", "[redacted]db/runs")]
    [InlineData("GET /x?user=a&password=hunter2&n=1", "GET /x?user=a&password=[redacted]&n=1")]
    [InlineData("""cut: {"client_secret": "abc", "n": 1""", """cut: {"client_secret": "[redacted]", "n": 1""")]
    public void Masks_secrets_in_text(string text, string expected) => Assert.Equal(expected, s_default.Text(text));

    [Theory]
    [InlineData("Failed password for root from 192.0.2.7 port 22 ssh2")]
    [InlineData("run r-0123456789abc took 12 tokens of 300; token budget is low")]
    [InlineData("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")]
    [InlineData("block/0123456789abcdef0123456789abcdef/1")]
    [InlineData("the risk-assessment-of-the-whole-department-is-low and desk-0123456789012345678901 is free")]
    [InlineData("the bearer of bad news; see https://example.org/a:b")]
    [InlineData("toolu_01A09q90qw90lq917835lq9")]
    public void Leaves_what_is_no_secret(string text)
    {
        Assert.Same(text, s_default.Text(text));
        var json = Raw(System.Text.Json.JsonSerializer.Serialize(new { text, hash = text, tokens = 12, inputTokens = 5, secret = 7, password = (string?)null, isToken = true }));
        Assert.Equal(json, s_default.Json(json));
    }

    [Fact]
    public void Masks_marked_members_whole_whatever_they_are()
    {
        var redactor = Redactor.Create(new RedactionRules(["iban", "birthYear"], []));
        Assert.Equal(
            """{"IBAN":"[redacted]","i_ban":"[redacted]","birth-year":"[redacted]","x":{"iban":"[redacted]"},"year":1990}""",
            redactor.Json(Raw("""{"IBAN":"DE00","i_ban":null,"birth-year":1990,"x":{"iban":{"a":[1,{"b":2}]}},"year":1990}""")).ToString());
        Assert.Equal((Redactor.Mask, "kept"), (redactor.Label("Iban", "DE00"), redactor.Label("who", "kept")));
    }

    [Fact]
    public void Masks_what_own_patterns_match_and_only_that_without_the_defaults()
    {
        var redactor = Redactor.Create(new RedactionRules([], [@"\bCASE-\d+\b", @"(?<=name: )\w+"], Defaults: false));
        Assert.Equal("[redacted] of name: [redacted], password=x", redactor.Text("CASE-42 of name: Anna, password=x"));
        Assert.Equal("""{"CASE":"[redacted]","password":"x"}""", redactor.Json(Raw("""{"CASE":"CASE-42","password":"x"}""")).ToString());
    }

    [Fact]
    public void Masks_the_whole_text_where_a_pattern_takes_too_long()
    {
        var redactor = Redactor.Create(new RedactionRules([], [@"^(?=(a+)+$)a+b\1$"], Defaults: false)); // a look-ahead, so that it backtracks
        Assert.Equal(Redactor.Mask, redactor.Text(new string('a', 5_000) + "!"));
        Assert.Equal("aab", redactor.Text("aab"));
    }

    [Fact]
    public void Gives_the_same_instance_and_allocates_nothing_where_there_is_nothing_to_mask()
    {
        var json = Raw("""{"result":{"logins":[{"ip":"192.0.2.7","at":"2026-01-01T00:00:00Z","count":17}],"note":"nothing of interest – ü"},"durationMicroseconds":1234}""");
        var text = "alert 7 of 192.0.2.7 went to a person because no login history was found";
        Assert.True(s_default.Json(json).Equals(json) && ReferenceEquals(s_default.Text(text), text)); // once, so that pools are filled
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            Assert.True(ReferenceEquals(text, s_default.Text(text)) && s_default.Json(json).Equals(json));
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20_000); // 200 bytes a round at most, where a copy would be 500
    }

    [Fact]
    public void Takes_deep_broken_and_odd_JSON_as_it_is()
    {
        var deep = string.Concat(Enumerable.Repeat("{\"a\":", 500)) + "{\"password\":\"hunter2\"}" + new string('}', 500);
        Assert.DoesNotContain("hunter2", s_default.Json(Raw(deep)).ToString(), StringComparison.Ordinal);
        Assert.Equal("""{"password":"[redacted]",""", s_default.Json(Raw("""{"password":"hunter2",""")).ToString());
        Assert.Equal("""{"password":"[redacted]","password":"[redacted]"}""", s_default.Json(Raw("""{"password":"a","password":"b"}""")).ToString());
        Assert.Equal(default, s_default.Json(default));
        foreach (var odd in new[] { "", "null", "1", "{\"\\ud800\":\"\\ud800\"}", "[\"\\ud800 \\u0041\"]" })
        {
            Assert.Equal(odd, s_default.Json(Raw(odd)).ToString());
        }
    }

    [Theory]
    [InlineData("n", 100)]
    [InlineData("\u0436", 100)]
    public void Masks_a_member_whatever_the_length_of_its_name(string letter, int times)
    {
        var name = string.Concat(Enumerable.Repeat(letter, times));
        var redactor = Redactor.Create(new RedactionRules([name], []));

        Assert.DoesNotContain("canary", redactor.Json(Raw($$"""{"{{name}}":"canary"}""")).ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("canary", redactor.Json(Raw($$"""{"{{string.Join("__", name.ToCharArray())}}":"canary"}""")).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Lets_no_planted_secret_through_wherever_it_stands()
    {
        var random = new Random(11);
        var redactor = Redactor.Create(new RedactionRules(["mark_ed"], []));
        for (var i = 0; i < 500; i++)
        {
            var secret = "canary" + random.Next();
            var json = Plant(random, secret, 0);
            Assert.DoesNotContain(secret, redactor.Json(Raw(json)).ToString(), StringComparison.Ordinal);
        }

        static string Plant(Random random, string secret, int depth) => (depth > 4 ? 0 : random.Next(5)) switch
        {
            0 => $$"""{"n":{{random.Next()}},"marked":{"deep":["{{secret}}"]} }""",
            1 => $$"""{"other":"x","in":{{Plant(random, secret, depth + 1)}} }""",
            2 => $"[1,true,{Plant(random, secret, depth + 1)},null]",
            3 => $$"""{"text":{{System.Text.Json.JsonSerializer.Serialize(Plant(random, secret, 9))}}}""",
            _ => $$"""{"Mark-Ed":"{{secret}}"}""",
        };
    }

    private static RawJson Raw(string json) => new(Encoding.UTF8.GetBytes(json));
}
