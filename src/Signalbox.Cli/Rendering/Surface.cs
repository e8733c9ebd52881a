namespace Signalbox.CommandLine.Rendering;

/// <summary>What the output goes to. The default is a file or a pipe: no colours, nothing that moves.</summary>
internal sealed record Surface
{
    private const int WidthMin = 60;
    private const int WidthMax = 160;

    /// <summary>How wide a line may be; 100 where nobody says.</summary>
    public int Width { get; init; } = 100;

    /// <summary>Whether a person's terminal obeys what is written to the output.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>Whether lines that were written may be written over, as a live table is.</summary>
    public bool IsLive { get; init; }

    /// <summary>How many lines it shows.</summary>
    public int Height { get; init; } = 25;

    /// <summary>Whether it shows colours.</summary>
    public bool HasColours { get; init; }

    /// <summary>Whether a person sees errors at once, and so progress too.</summary>
    public bool ShowsProgress { get; init; }

    /// <summary>Where a person answers what a command asks; null where nobody sits there.</summary>
    public TextReader? Input { get; init; }

    /// <summary>The time by which ages are told.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    public static Surface OfThisProcess()
    {
        var isDumb = Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb" && !OperatingSystem.IsWindows();
        var isTerminal = !Console.IsOutputRedirected;
        return new Surface
        {
            IsTerminal = isTerminal,
            IsLive = isTerminal && !isDumb,
            Height = isTerminal ? HeightOfTerminal() : 25,
            Input = isTerminal && !Console.IsInputRedirected ? Console.In : null,
            HasColours = isTerminal && !isDumb && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")),
            ShowsProgress = !Console.IsErrorRedirected && !isDumb,
            Width = isTerminal ? WidthOfTerminal() : 100,
        };
    }

    private static int WidthOfTerminal()
    {
        try
        {
            return Console.WindowWidth is > 0 and var width ? Math.Clamp(width, WidthMin, WidthMax) : 100;
        }
        catch (IOException)
        {
            return 100; // a terminal that does not say how wide it is
        }
    }

    private static int HeightOfTerminal()
    {
        try
        {
            return Console.WindowHeight is > 0 and var height ? Math.Clamp(height, 10, 200) : 25;
        }
        catch (IOException)
        {
            return 25;
        }
    }
}
