using Spectre.Console.Rendering;

namespace Signalbox.CommandLine.Rendering;

/// <summary>Cuts and wraps by the cells that a terminal needs, in which some characters take two.</summary>
internal static class TextWidth
{
    public static int Of(string text) => Segment.CellCount([new Segment(text)]);

    public static string Pad(string text, int width) => text + new string(' ', Math.Max(0, width - Of(text)));

    /// <summary>At most so many cells; what is cut off shows as an ellipsis.</summary>
    public static string Fit(string text, int width) => Of(text) <= width ? text : width < 1 ? "" : Head(text, width - 1) + "…";

    /// <summary>Lines of at most so many cells, broken at spaces where there are any.</summary>
    public static IEnumerable<string> Wrap(string text, int width)
    {
        var at = 0;
        for (var head = HeadLength(text, at, width); at + head < text.Length; head = HeadLength(text, at, width))
        {
            head = Math.Max(head, char.IsHighSurrogate(text[at]) ? 2 : 1);
            var space = text[at + head] == ' ' ? head : text.LastIndexOf(' ', at + head - 1, head) - at;
            var length = space > head / 2 ? space : head;
            yield return text.AsSpan(at, length).TrimEnd().ToString();
            at += length;
            while (at < text.Length && char.IsWhiteSpace(text[at]))
            {
                at++;
            }
        }

        yield return text[at..];
    }

    private static string Head(string text, int width) => text[..HeadLength(text, 0, width)];

    /// <summary>How much of the text from there on takes at most so many cells, never half of a character.</summary>
    private static int HeadLength(string text, int from, int width)
    {
        var cells = 0;
        var length = 0;
        foreach (var rune in text.AsSpan(from).EnumerateRunes())
        {
            var more = rune.IsAscii ? 1 : Of(rune.ToString());
            if (cells + more > width)
            {
                break;
            }

            cells += more;
            length += rune.Utf16SequenceLength;
        }

        return length;
    }
}
