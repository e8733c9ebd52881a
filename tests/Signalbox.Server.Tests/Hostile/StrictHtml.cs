using System.Net;
using System.Text.RegularExpressions;

namespace Signalbox.Server.Tests.Hostile;

/// <summary>A page as a suspicious reader takes it: what is no tag of ours is an error, and so is an address that leads elsewhere or a character that steers the screen.</summary>
internal static partial class StrictHtml
{
    private static readonly HashSet<string> s_tags = new(StringComparer.Ordinal)
    {
        "a", "abbr", "article", "aside", "bdi", "body", "br", "button", "caption", "code", "col", "colgroup", "dd", "details", "div", "dl", "dt", "em", "fieldset", "figcaption", "figure", "footer", "form", "g", "h1", "h2", "h3", "h4",
        "head", "header", "hr", "html", "input", "kbd", "label", "legend", "li", "line", "link", "main", "mark", "marker", "meta", "meter", "nav", "ol", "optgroup", "option", "p", "path", "pre", "q", "rect", "script", "section", "select", "small",
        "span", "strong", "summary", "sup", "svg", "table", "tbody", "td", "text", "textarea", "tfoot", "th", "thead", "time", "title", "tr", "ul", "circle", "defs", "polyline", "polygon", "tspan", "desc", "output", "datalist",
    };

    private static readonly HashSet<string> s_addresses = new(StringComparer.Ordinal) { "href", "src", "action", "formaction", "data-href", "data-events", "data-root", "xlink:href" };

    public static void Check(string html, string path)
    {
        var at = 0;
        while (at < html.Length)
        {
            var next = html.IndexOf('<', at);
            CheckText(html[at..(next < 0 ? html.Length : next)], $"{path} after …{html[Math.Max(0, at - 60)..at]}");
            if (next < 0)
            {
                return;
            }

            var tag = Tag().Match(html, next);
            Assert.True(tag.Success, $"{path}: a '<' that begins no tag: {Around(html, next)}");
            at = next + tag.Length;
            CheckTag(tag, html, next, path);
        }
    }

    private static void CheckText(string raw, string path)
    {
        Assert.False(raw.Contains('>', StringComparison.Ordinal), $"{path}: a '>' in text: {raw}");
        CheckShown(WebUtility.HtmlDecode(raw), path);
    }

    private static void CheckShown(string text, string path) => Assert.True(HostileTexts.Steers(text) is null, $"{path}: {HostileTexts.Steers(text)}");

    private static void CheckTag(Match tag, string html, int at, string path)
    {
        var name = tag.Groups["name"].Value;
        if (name == "!DOCTYPE" || tag.Value[1] == '/')
        {
            return;
        }

        Assert.True(s_tags.Contains(name), $"{path}: <{name}>: {Around(html, at)}");
        var attributes = Attribute().Matches(tag.Groups["attributes"].Value).Select(m => (Name: m.Groups["name"].Value, Value: WebUtility.HtmlDecode(m.Groups["value"].Value))).ToArray();
        foreach (var (attribute, value) in attributes)
        {
            Assert.False(attribute.StartsWith("on", StringComparison.OrdinalIgnoreCase) || attribute is "style" or "srcdoc" or "http-equiv", $"{path}: <{name} {attribute}>");
            if (s_addresses.Contains(attribute) && value.Length > 0)
            {
                Assert.True(value[0] is '#' or '?' || (value[0] == '/' && (value.Length == 1 || value[1] is not ('/' or '\\'))), $"{path}: <{name} {attribute}=\"{value}\">");
                Assert.True(name != "script" || value.StartsWith("/assets/", StringComparison.Ordinal), value);
            }

            // What a form gives back must be what it was given; everything else is read by somebody.
            if (attribute != "value")
            {
                CheckShown(value, $"{path} <{name} {attribute}>");
            }
        }

        Assert.True(name != "script" || attributes.Any(a => a.Name == "src"), $"{path}: a script on the page: {Around(html, at)}");
    }

    private static string Around(string html, int at) => html.Substring(Math.Max(0, at - 100), Math.Min(300, html.Length - Math.Max(0, at - 100)));

    [GeneratedRegex("""\G<(?:(?<name>!DOCTYPE) html|/?(?<name>[a-z][a-z0-9]*)(?<attributes>(?:\s+[a-zA-Z][a-zA-Z0-9:_-]*(?:="[^"]*")?)*)\s*/?)>""")]
    private static partial Regex Tag();

    [GeneratedRegex("""(?<name>[a-zA-Z][a-zA-Z0-9:_-]*)(?:="(?<value>[^"]*)")?""")]
    private static partial Regex Attribute();
}
