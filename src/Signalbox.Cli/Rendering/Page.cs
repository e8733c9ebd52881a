using Spectre.Console;

namespace Signalbox.CommandLine.Rendering;

/// <summary>How a piece of text is shown where there are colours. Never the only sign of what it says.</summary>
internal enum Tone
{
    Plain,
    Strong,
    Dim,
    Good,
    Bad,
    Attention,
}

/// <summary>A piece of a line.</summary>
internal readonly record struct Piece(string Text, Tone Tone = Tone.Plain)
{
    public static implicit operator Piece(string text) => new(text);
}

/// <summary>
/// The one way to the output for people: whatever is written here is encoded for the terminal, so no command can forget it. Plain lines into a file or a
/// pipe, colours only where a terminal shows them.
/// </summary>
internal sealed class Page
{
    private static readonly Style[] Styles =
        [Style.Plain, new(decoration: Decoration.Bold), new(Color.Grey), new(Color.Green), new(Color.Red), new(Color.Yellow)];

    private readonly TextWriter _output;
    private readonly IAnsiConsole? _coloured;

    public Page(TextWriter output, Surface surface)
    {
        _output = output;
        Surface = surface;
        if (surface.HasColours)
        {
            _coloured = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.Yes, ColorSystem = ColorSystemSupport.Standard, Interactive = InteractionSupport.No, Out = new AnsiConsoleOutput(output) });
            _coloured.Profile.Width = 10_000; // lines are laid out here, not by the console
        }
    }

    public Surface Surface { get; }

    public int Width => Surface.Width;

    public DateTimeOffset Now => Surface.Clock.GetUtcNow();

    public void Line(params ReadOnlySpan<Piece> pieces)
    {
        foreach (var piece in pieces)
        {
            var text = TerminalText.Encode(piece.Text);
            if (_coloured is not null && piece.Tone != Tone.Plain && text.Length > 0)
            {
                _coloured.Write(new Text(text, Styles[(int)piece.Tone]));
            }
            else
            {
                _output.Write(text);
            }
        }

        _output.Write('\n');
    }

    /// <summary>Words wrapped to the width, each line behind the indent.</summary>
    public void Paragraph(string text, int indent = 0, Tone tone = Tone.Plain)
    {
        foreach (var line in TextWidth.Wrap(TerminalText.Encode(text), Math.Max(20, Width - indent)))
        {
            Line(new string(' ', indent), new Piece(line, tone));
        }
    }

    /// <summary>A name in a narrow column, and words beside it.</summary>
    public void Field(string name, string text, Tone tone = Tone.Plain)
    {
        const int Indent = 2;
        const int NameWidth = 10;
        var first = true;
        foreach (var line in TextWidth.Wrap(TerminalText.Encode(text), Math.Max(20, Width - Indent - NameWidth)))
        {
            Line(new string(' ', Indent), new Piece(TextWidth.Pad(first ? name : "", NameWidth), Tone.Dim), new Piece(line, tone));
            first = false;
        }
    }

    /// <summary>JSON over several lines, each behind the indent. What it says about characters, it says in JSON's own escapes.</summary>
    public void Json(string indented, int indent)
    {
        foreach (var line in TerminalText.EncodeJson(indented).Split('\n'))
        {
            Line(new string(' ', indent), new Piece(line, Tone.Dim));
        }
    }
}
