using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Signalbox.Journal;
using Xunit;

namespace Signalbox.Tests.Approvals;

public sealed class Text_to_decide_by
{
    private static readonly Arbitrary<int> s_seeds = Gen.Choose(0, int.MaxValue).ToArbitrary();

    [Theory]
    [InlineData("plain ASCII, 192.0.2.7 and C:\\temp", "plain ASCII, 192.0.2.7 and C:\\temp")]
    [InlineData("München, café, łódź", "München, café, łódź")]
    [InlineData("привет, мир; Ελλάδα; 東京タワー; 서울", "привет, мир; Ελλάδα; 東京タワー; 서울")]
    [InlineData("pаypal.com", "p\\u0430ypal.com")] // a Cyrillic а
    [InlineData("аррӏе.com", "\\u0430\\u0440\\u0440\\u04cf\\u0435.com")] // Cyrillic throughout, and an apple to the eye
    [InlineData("Αdmin, ΝΑΤΟ", "\\u0391dmin, \\u039d\\u0391\\u03a4\\u039f")] // Greek capitals
    [InlineData("ａｄｍｉｎ１", "\\uff41\\uff44\\uff4d\\uff49\\uff4e\\uff11")]
    [InlineData("adm\u0131n", "adm\\u0131n")] // dotless i
    [InlineData("192。0。2。7", "192\\u30020\\u30022\\u30027")]
    [InlineData("e\u0301", "e\\u0301")]
    [InlineData("a\u200Bb\u00ADc\uFEFFd\u2060e", "a\\u200bb\\u00adc\\ufeffd\\u2060e")]
    [InlineData("10\u00A0000\u3000x", "10\\u00a0000\\u3000x")]
    [InlineData("safe\u202Etxt.exe\u2066", "safe\\u202etxt.exe\\u2066")]
    [InlineData("שלום", "\\u05e9\\u05dc\\u05d5\\u05dd")]
    [InlineData("\u001b[2J\u0007\r\n\t\u007f\u009b31m", "\\u001b[2J\\u0007\\r\\n\\t\\u007f\\u009b31m")]
    [InlineData("🚦 \U000E0041 𝐚", "\\ud83d\\udea6 \\udb40\\udc41 \\ud835\\udc1a")]
    [InlineData("5 € für §3 «x»", "5 € für §3 «x»")]
    [InlineData("/etc∕passwd – 1‐2 ․ …", "/etc\\u2215passwd \\u2013 1\\u20102 \\u2024 \\u2026")]
    public void Is_shown_as_what_it_is(string text, string shown)
    {
        Assert.Equal(shown, VisibleText.Of(text));
        Assert.Equal(shown, VisibleText.Of(shown)); // once is enough
    }

    [Fact]
    public void With_half_of_a_character_shows_that_half() => Assert.Equal("a\\ud800b\\udc00", VisibleText.Of("a\ud800b\udc00"));

    [Fact]
    public void Too_long_says_how_much_is_left_out_and_keeps_the_end()
    {
        Assert.Equal("aaaaaaaaa<<< 88 characters left out >>>zzz", VisibleText.Of(new string('a', 50) + new string('z', 50), 12));
        Assert.Equal("abc", VisibleText.Of("abc", 3));
        Assert.DoesNotContain("\\ud83d<<<", VisibleText.Of(string.Concat(Enumerable.Repeat("🚦", 50)), 13), StringComparison.Ordinal); // never half of a character
    }

    [Fact]
    public void Reads_as_its_readers_are_used_to_beside_the_exact_form()
    {
        Assert.Equal("pаypal, שלום 🚦", VisibleText.Readable("pаypal, שלום 🚦"));
        Assert.Equal("a\\u202eb\\u200bc\\u001b[2J\\n", VisibleText.Readable("a\u202Eb\u200Bc\u001b[2J\n"));
        Assert.Equal("e\u0301\u0301\\u0301\\u0301", VisibleText.Readable("e\u0301\u0301\u0301\u0301"));
    }

    [Fact]
    public void Of_JSON_keeps_JSONs_own_escapes() =>
        Assert.Equal("""{"a":"x\n\"\\привет p\u0430ypal","ключ":[1,true,null]}""", VisibleText.OfJson("""{ "ключ": [1, true, null], "a": "x\n\"\\привет p\u0430ypal" }"""u8));

    [Fact]
    public void Of_JSON_parses_back_to_the_same_hash_whatever_is_in_it() =>
        Prop.ForAll(s_seeds, seed =>
        {
            var json = Naughty.Json(new Random(seed), large: seed % 500 == 0);
            var shown = VisibleText.OfJson(json);
            return IsClean(shown) && Hash(Encoding.UTF8.GetBytes(shown)) == Hash(json);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void Of_JSON_that_is_cut_says_so_and_keeps_its_bound() =>
        Prop.ForAll(s_seeds, seed =>
        {
            var json = Naughty.Json(new Random(seed), large: seed % 100 == 0);
            var shown = VisibleText.OfJson(json, 400);
            return IsClean(shown.Text)
                && (shown.IsCut ? shown.Text.Length < 500 && shown.Text.Contains(" characters left out >>>", StringComparison.Ordinal) && shown.Characters > 400 : Hash(Encoding.UTF8.GetBytes(shown.Text)) == Hash(json));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    [Fact]
    public void Of_JSON_of_a_megabyte_shows_the_member_that_stands_behind_it()
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(new SortedDictionary<string, string> { ["comment"] = new string('x', 1024 * 1024), ["target"] = "203.0.113.9" });

        var shown = VisibleText.OfJson(json, 4000);

        Assert.True(shown.IsCut);
        Assert.EndsWith("\",\"target\":\"203.0.113.9\"}", shown.Text, StringComparison.Ordinal);
        Assert.Contains("<<< 1,047,576 characters left out >>>", shown.Text, StringComparison.Ordinal);
        Assert.Equal(Hash(json), Hash(Encoding.UTF8.GetBytes(VisibleText.OfJson(json))));
    }

    [Fact]
    public void Of_any_text_has_nothing_that_a_screen_obeys() =>
        Prop.ForAll(s_seeds, seed =>
        {
            var text = Naughty.Text(new Random(seed), 200);
            return IsPlain(VisibleText.Of(text)) && IsPlain(VisibleText.Of(text, 20)) && HasNoControl(VisibleText.Readable(text));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    private static string Hash(ReadOnlySpan<byte> json) => Convert.ToHexStringLower(SHA256.HashData(CanonicalJson.Of(json)));

    private static bool HasNoControl(string text) => text.EnumerateRunes().All(r => Rune.GetUnicodeCategory(r) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned));

    private static bool IsPlain(string text) => HasNoControl(text) && text.EnumerateRunes().All(r => r.IsAscii || Rune.IsLetter(r) || "§°€£¥«»¡¿".Contains((char)r.Value, StringComparison.Ordinal));

    /// <summary>Letters of common scripts, ASCII and a few symbols, and between JSON's escapes no word of two scripts.</summary>
    private static bool IsClean(string json) => IsPlain(json) && !Regex.IsMatch(
        Regex.Replace(json, @"\\(u[0-9a-f]{4}|.)", " "), @"[A-Za-z][\u0370-\u04FF]|[\u0370-\u04FF][A-Za-z]|[\u0370-\u03FF][\u0400-\u04FF]|[\u0400-\u04FF][\u0370-\u03FF]|[\uFF00-\uFFEF]");

    /// <summary>JSON out of what has fooled people and programs before.</summary>
    private static class Naughty
    {
        private static readonly string[] s_pieces =
        [
            "admin", "192.0.2.7", "p\u0430ypal", "\u0430\u0440\u0440\u04cf\u0435", "привет", "Ελλάδα", "ΑΒΕ", "ａｄｍｉｎ", "東京", "ロ口", "שלום", "مرحبا", "\u202Eexe.txt\u202C", "\u2066\u2069", "\u200B\u200D\uFEFF", "\u001b[31m",
            "\u001b]0;title\u0007", "\u009b2J", "\u0000", "\u0008\u0008\u0008", "\r\n", "\u2028\u2029", "\u0085", "\u007f", "\"", "\\", "\\u0041", "\\\\", "\\\"", "<script>", "$(reboot)", "`x`", "'; DROP TABLE runs; --", "🚦", "👩‍👩‍👧", "\U000E0041\U000E0042",
            "e\u0301\u0301\u0301\u0301", "\u0E49\u0E49\u0E49", "\u3164", "\u115F", "\uFE0F", "𝐚𝐝𝐦𝐢𝐧", "ﬁ", "½", "…", "‐", "∕", "\u00A0", "\uE000", "\uFFFF", "\uFDD0", "<<< 9 characters left out >>>", "null", "1e400", " ", "  ",
        ];

        public static string Text(Random random, int pieces) => string.Concat(Enumerable.Range(0, random.Next(pieces)).Select(_ => random.Next(4) == 0 ? Any(random) : s_pieces[random.Next(s_pieces.Length)]));

        public static byte[] Json(Random random, bool large)
        {
            var value = Value(random, 3);
            return JsonSerializer.SerializeToUtf8Bytes(large ? new Dictionary<string, object?> { [Whole(random, 4)] = value, ["a"] = string.Concat(Enumerable.Repeat(Whole(random, 6) + "x", 100_000)) } : value);
        }

        private static object? Value(Random random, int depth) => random.Next(depth == 0 ? 3 : 5) switch
        {
            0 => Whole(random, 20),
            1 => random.NextDouble() * Math.Pow(10, random.Next(-20, 20)),
            2 => random.Next(3) switch { 0 => null, 1 => true, _ => random.NextInt64() },
            3 => Enumerable.Range(0, random.Next(6)).Select(_ => Value(random, depth - 1)).ToArray(),
            _ => Enumerable.Range(0, random.Next(6)).Select(i => (Name: Whole(random, 4) + i, Value: Value(random, depth - 1))).ToDictionary(m => m.Name, m => m.Value),
        };

        /// <summary>Text that JSON can hold: no half of a character.</summary>
        private static string Whole(Random random, int pieces) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(Text(random, pieces)));

        private static string Any(Random random) => random.Next(3) switch
        {
            0 => ((char)random.Next(0x10000)).ToString(),
            1 => new Rune(random.Next(0x10000, 0x110000)).ToString(),
            _ => ((char)random.Next(0x500)).ToString(),
        };
    }
}
