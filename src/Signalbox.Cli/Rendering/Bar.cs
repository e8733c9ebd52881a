namespace Signalbox.CommandLine.Rendering;

/// <summary>Numbers that people would rather look at than read, as bars of text. The number always stands beside it.</summary>
internal static class Bar
{
    /// <summary>A bar as long as the share of <paramref name="most"/>; whatever is not nothing shows.</summary>
    public static string Of(double value, double most, int width) =>
        value <= 0 || most <= 0 ? "" : new string('█', Math.Clamp((int)Math.Round(value / most * width), 1, width));

    /// <summary>A share of one, with the rest of the whole behind it.</summary>
    public static string OfShare(double share, int width) => Of(share, 1, width) is var bar ? bar + new string('·', width - bar.Length) : "";
}
