using System.Globalization;
using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Signalbox.Journal;
using Xunit;

namespace Signalbox.Tests.Journal;

public sealed class Canonical_json
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    private static string Of(string json) => Encoding.UTF8.GetString(CanonicalJson.Of(Encoding.UTF8.GetBytes(json)));

    [Fact]
    public void Is_as_the_example_of_RFC_8785_3_2_2()
    {
        const string Input = """
            {
              "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
              "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
              "literals": [null, true, false]
            }
            """;

        Assert.Equal("""{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}""", Of(Input));
    }

    [Fact]
    public void Sorts_members_as_the_example_of_RFC_8785_3_2_3()
    {
        const string Input = """
            {
              "\u20ac": "Euro Sign",
              "\r": "Carriage Return",
              "\ufb33": "Hebrew Letter Dalet With Dagesh",
              "1": "One",
              "\ud83d\ude00": "Emoji: Grinning Face",
              "\u0080": "Control",
              "\u00f6": "Latin Small Letter O With Diaeresis"
            }
            """;

        using var sorted = JsonDocument.Parse(Of(Input));
        Assert.Equal(
            ["Carriage Return", "One", "Control", "Latin Small Letter O With Diaeresis", "Euro Sign", "Emoji: Grinning Face", "Hebrew Letter Dalet With Dagesh"],
            sorted.RootElement.EnumerateObject().Select(m => m.Value.GetString()!));
    }

    /// <summary>RFC 8785, appendix B, all finite samples.</summary>
    [Theory]
    [InlineData(0x0000000000000000, "0")]
    [InlineData(0x8000000000000000, "0")]
    [InlineData(0x0000000000000001, "5e-324")]
    [InlineData(0x8000000000000001, "-5e-324")]
    [InlineData(0x7fefffffffffffff, "1.7976931348623157e+308")]
    [InlineData(0xffefffffffffffff, "-1.7976931348623157e+308")]
    [InlineData(0x4340000000000000, "9007199254740992")]
    [InlineData(0xc340000000000000, "-9007199254740992")]
    [InlineData(0x4430000000000000, "295147905179352830000")]
    [InlineData(0x44b52d02c7e14af5, "9.999999999999997e+22")]
    [InlineData(0x44b52d02c7e14af6, "1e+23")]
    [InlineData(0x44b52d02c7e14af7, "1.0000000000000001e+23")]
    [InlineData(0x444b1ae4d6e2ef4e, "999999999999999700000")]
    [InlineData(0x444b1ae4d6e2ef4f, "999999999999999900000")]
    [InlineData(0x444b1ae4d6e2ef50, "1e+21")]
    [InlineData(0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7")]
    [InlineData(0x3eb0c6f7a0b5ed8d, "0.000001")]
    [InlineData(0x41b3de4355555553, "333333333.3333332")]
    [InlineData(0x41b3de4355555554, "333333333.33333325")]
    [InlineData(0x41b3de4355555555, "333333333.3333333")]
    [InlineData(0x41b3de4355555556, "333333333.3333334")]
    [InlineData(0x41b3de4355555557, "333333333.33333343")]
    [InlineData(0xbecbf647612f3696, "-0.0000033333333333333333")]
    [InlineData(0x43143ff3c1cb0959, "1424953923781206.2")]
    public void Writes_numbers_as_RFC_8785_appendix_B(ulong bits, string expected) => Assert.Equal(expected, CanonicalJson.EcmaScript(BitConverter.UInt64BitsToDouble(bits)));

    [Theory]
    [InlineData("1e-6", "0.000001")]
    [InlineData("1e-7", "1e-7")]
    [InlineData("123e-20", "1.23e-18")]
    [InlineData("1e20", "100000000000000000000")]
    [InlineData("1e21", "1e+21")]
    [InlineData("1.0", "1")]
    [InlineData("100.50", "100.5")]
    [InlineData("-0.0", "0")]
    [InlineData("-0", "0")]
    [InlineData("9007199254740993", "9007199254740993")] // our deviation: integers keep their digits
    [InlineData("123456789012345678901234567890", "123456789012345678901234567890")]
    [InlineData("9.5e-1", "0.95")]
    [InlineData("9.9999999999999999e22", "1e+23")]
    public void Writes_numbers_of_a_text_shortest(string number, string expected) => Assert.Equal($"[{expected}]", Of($"[ {number} ]"));

    [Theory]
    [InlineData("1e400")]
    [InlineData("-1e400")]
    public void Refuses_numbers_that_are_not_finite(string number) =>
        Assert.Equal($"The number {number} is not finite as a double.", Assert.Throws<JsonException>(() => Of(number)).Message);

    [Fact]
    public void Refuses_a_member_that_stands_twice() =>
        Assert.Equal("The member 'a' stands twice in one object.", Assert.Throws<JsonException>(() => Of("""{"a":1,"b":2,"\u0061":3}""")).Message);

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[1,]")]
    [InlineData("1 2")]
    [InlineData("nul")]
    [InlineData("\"\\ud800\"")]
    public void Refuses_what_is_not_JSON(string text) => Assert.ThrowsAny<Exception>(() => Of(text));

    /// <summary>ECMA-262 6.1.6.1.20 in other words: the digits and the exponent of the shortest form that reads back as the same number, laid out by its rules.</summary>
    [Fact]
    public void Writes_every_double_so_that_it_reads_back_and_in_ECMAScripts_layout() =>
        Prop.ForAll<ulong>(bits =>
        {
            var number = BitConverter.UInt64BitsToDouble(bits);
            if (!double.IsFinite(number))
            {
                return true;
            }

            var text = CanonicalJson.EcmaScript(number);
            var magnitude = Math.Abs(number);
            var plain = magnitude == 0 || (magnitude >= 1e-6 && magnitude < 1e21);
            var shortest = Digits(number.ToString("R", CultureInfo.InvariantCulture));
            return double.Parse(text, CultureInfo.InvariantCulture) == number
                && plain == !text.Contains('e', StringComparison.Ordinal)
                && Digits(text) == shortest
                && (number == 0 || !text.StartsWith("-0e", StringComparison.Ordinal))
                && Of($"[{text}]") == $"[{text}]";
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));

    [Fact]
    public void Of_canonical_JSON_is_that_JSON_and_does_not_depend_on_order_or_space() =>
        Prop.ForAll(ArbMap.Default.ArbFor<Dictionary<string, int[]>>(), map =>
        {
            map = map.Where(m => m.Key is not null && m.Value is not null && m.Key.All(c => !char.IsSurrogate(c))).ToDictionary(m => m.Key, m => m.Value);
            var json = JsonSerializer.Serialize(map);
            var reversed = JsonSerializer.Serialize(map.Reverse().ToDictionary(m => m.Key, m => m.Value), s_indented);
            var canonical = Of(json);
            return Of(reversed) == canonical && Of(canonical) == canonical;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));

    private static string Digits(string number) => new string([.. number.Split('e', 'E')[0].Where(char.IsAsciiDigit)]).Trim('0');
}
