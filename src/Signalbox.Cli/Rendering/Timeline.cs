using System.Globalization;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Rendering;

/// <summary>
/// Entries one after the other, under a heading for each visit: seq, time, time since the run's start, what happened. Holds no entries, so that a run of
/// any length can be shown.
/// </summary>
internal sealed class Timeline(Page page, long startedAt)
{
    // "  12  10:12:03.150   +27 ms  "
    private const int TextColumn = 31;
    private const int DetailLinesMax = 3;
    private string? _day;

    /// <summary>
    /// Writes one entry; <paramref name="full"/> is its body for people, where bodies are wanted, and <paramref name="apart"/> the configuration of an agent that begins.
    /// </summary>
    public void Add(Entry entry, string? full, ReadOnlyMemory<byte>? apart)
    {
        if (Words.Day(entry.Time) is var day && day != _day)
        {
            _day = day;
            page.Line(new Piece($"  {day} (UTC)", Tone.Dim));
        }

        if (entry.Kind == EntryKinds.StateEntered)
        {
            page.Line();
            Head(entry, string.Create(CultureInfo.InvariantCulture, $"{entry.State}, visit {entry.Visit}"), Tone.Strong);
            Detail($"because: {(entry.Cause.Length == 0 ? "the handler said so" : entry.Cause)} ({entry.Actor})", full is not null);
        }
        else
        {
            var text = EntryWords.Of(entry, apart);
            Head(entry, text.What, text.Tone);
            foreach (var detail in text.Details)
            {
                Detail(detail, full is not null);
            }
        }

        if (full is not null)
        {
            page.Json(full, TextColumn + 2);
        }
    }

    private void Head(Entry entry, string what, Tone tone)
    {
        var offset = "+" + Words.Microseconds(entry.At - startedAt);
        var first = true;
        foreach (var line in TextWidth.Wrap(TerminalText.Encode(what), page.Width - TextColumn))
        {
            var left = first ? string.Create(CultureInfo.InvariantCulture, $"{entry.Seq,4}  {Words.TimeOfDay(entry.Time)} {offset,10}  ") : "";
            page.Line(new Piece(left.PadRight(TextColumn), Tone.Dim), new Piece(line, tone));
            first = false;
        }
    }

    private void Detail(string text, bool whole)
    {
        var lines = TextWidth.Wrap(TerminalText.Encode(text), page.Width - TextColumn - 2).ToList();
        if (!whole && lines.Count > DetailLinesMax)
        {
            lines = [.. lines.Take(DetailLinesMax - 1), TextWidth.Fit(lines[DetailLinesMax - 1] + " …", page.Width - TextColumn - 3) is var last && last.EndsWith('…') ? last : last + "…"];
        }

        foreach (var line in lines)
        {
            page.Line(new string(' ', TextColumn + 2), new Piece(line, Tone.Dim));
        }
    }
}
