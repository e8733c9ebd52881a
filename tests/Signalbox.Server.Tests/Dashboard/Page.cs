using System.Net;
using System.Text.RegularExpressions;

namespace Signalbox.Server.Tests.Dashboard;

/// <summary>A page as a strict reader takes it: its tags match, its ids are unique, and nothing in it would run or be styled inline.</summary>
internal static partial class Page
{
    private static readonly HashSet<string> s_void = ["area", "br", "hr", "img", "input", "link", "meta"];

    /// <summary>The page, looked at.</summary>
    public static async Task<string> PageAsync(this Browser browser, string path, HttpStatusCode status = HttpStatusCode.OK)
    {
        using var answer = await browser.GetAsync(path);
        var html = await answer.TextAsync();
        Assert.True(answer.StatusCode == status, $"{path}: {(int)answer.StatusCode}: {html}");
        Assert.Equal("text/html", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal("no-store", answer.Headers.CacheControl?.ToString().Replace(", no-cache", "", StringComparison.Ordinal).Replace("no-cache, ", "", StringComparison.Ordinal));
        Check(html);
        return html;
    }

    public static void Check(string html)
    {
        Assert.StartsWith("<!DOCTYPE html>", html.TrimStart(), StringComparison.Ordinal);
        var open = new Stack<string>();
        var ids = new HashSet<string>(StringComparer.Ordinal);
        foreach (Match tag in Tags().Matches(html))
        {
            var name = tag.Groups["name"].Value;
            if (tag.Groups["end"].Length > 0)
            {
                Assert.True(open.TryPop(out var last) && last == name, $"</{name}> ends <{last}> at {html[Math.Max(0, tag.Index - 200)..tag.Index]}");
                continue;
            }

            foreach (Match attribute in Attributes().Matches(tag.Groups["attributes"].Value))
            {
                var attributeName = attribute.Groups[1].Value;
                Assert.False(attributeName == "style" || attributeName.StartsWith("on", StringComparison.Ordinal), $"<{name} {attribute.Value}>");
                Assert.True(attributeName != "id" || ids.Add(attribute.Groups[2].Value), $"The id '{attribute.Groups[2].Value}' stands twice.");
            }

            Assert.False(name is "style" or "iframe" or "object" or "b", $"<{name}>");
            Assert.True(name != "script" || tag.Value.Contains("src=", StringComparison.Ordinal), tag.Value);
            if (!s_void.Contains(name) && tag.Groups["closed"].Length == 0)
            {
                open.Push(name);
            }
        }

        Assert.Empty(open);
        foreach (Match target in Regex.Matches(html, "href=\"#([^\"]+)\""))
        {
            Assert.True(ids.Contains(target.Groups[1].Value), $"Nothing on the page has the id '{target.Groups[1].Value}'.");
        }
    }

    /// <summary>What is read on a page.</summary>
    public static string TextOf(string html) => Asked.TextOf(html);

    [GeneratedRegex("""<(?<end>/)?(?<name>[a-zA-Z][a-zA-Z0-9]*)(?<attributes>(?:\s+[^\s=>"/]+(?:="[^"]*")?)*)\s*(?<closed>/)?>""")]
    private static partial Regex Tags();

    [GeneratedRegex("""([^\s="]+)(?:="([^"]*)")?""")]
    private static partial Regex Attributes();
}
