namespace Signalbox.CommandLine.Rendering;

/// <summary>A column. One that may shrink gives up width, down to <paramref name="WidthMin"/>, when the lines would be too long.</summary>
internal sealed record Column(string Title, int? WidthMin = null);

/// <summary>Rows under titles, no line longer than the page is wide. Columns shrink from the last to the first.</summary>
internal sealed class Table(params Column[] columns)
{
    private const string Gap = "  ";
    private readonly List<(Piece[] Cells, string? Note)> _rows = [];

    public void Add(params Piece[] cells) => _rows.Add(([.. cells.Select(c => c with { Text = TerminalText.Encode(c.Text) })], null));

    /// <summary>A line of words under the row added last.</summary>
    public void Note(string note) => _rows[^1] = (_rows[^1].Cells, TerminalText.Encode(note));

    public void Write(Page page)
    {
        var widths = Widths(page.Width);
        page.Line(new Piece(string.Concat(columns.Select((c, i) => Cell(c.Title, i, widths))).TrimEnd(), Tone.Dim));
        foreach (var (cells, note) in _rows)
        {
            page.Line([.. cells.Select((c, i) => c with { Text = Cell(c.Text, i, widths) })]);
            if (note is not null)
            {
                page.Line(new Piece("  " + TextWidth.Fit(note, page.Width - 2), Tone.Attention));
            }
        }
    }

    private string Cell(string text, int column, int[] widths)
    {
        var fitted = TextWidth.Fit(text, widths[column]);
        return column == columns.Length - 1 ? fitted : TextWidth.Pad(fitted, widths[column]) + Gap;
    }

    private int[] Widths(int width)
    {
        var widths = columns.Select((c, i) => _rows.Select(r => TextWidth.Of(r.Cells[i].Text)).Append(c.Title.Length).Max()).ToArray();
        var excess = widths.Sum() + (Gap.Length * (columns.Length - 1)) - width;
        for (var i = columns.Length - 1; i >= 0 && excess > 0; i--)
        {
            if (columns[i].WidthMin is { } least && widths[i] > least)
            {
                var less = Math.Min(excess, widths[i] - least);
                widths[i] -= less;
                excess -= less;
            }
        }

        return widths;
    }
}
