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
        var rest = text;
        while (Of(rest) > width)
        {
            var head = Head(rest, width) is { Length: > 0 } fitting ? fitting : rest[..(char.IsHighSurrogate(rest[0]) ? 2 : 1)];
            var space = rest.Length > head.Length && rest[head.Length] == ' ' ? head.Length : head.LastIndexOf(' ');
            var line = space > head.Length / 2 ? rest[..space] : head;
            yield return line.TrimEnd();
            rest = rest[line.Length..].TrimStart();
        }

        yield return rest;
    }

    /// <summary>The longest beginning of at most so many cells, never half of a character.</summary>
    private static string Head(string text, int width)
    {
        var cells = 0;
        var length = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            var more = rune.IsAscii ? 1 : Of(rune.ToString());
            if (cells + more > width)
            {
                break;
            }

            cells += more;
            length += rune.Utf16SequenceLength;
        }

        return text[..length];
    }
}
