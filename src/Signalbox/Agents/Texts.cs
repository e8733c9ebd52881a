namespace Signalbox;

internal static class Texts
{
    /// <summary>At most so many characters, with a mark where something was cut off; never half a surrogate pair.</summary>
    public static string Cut(string text, int max)
    {
        if (text.Length <= max)
        {
            return text;
        }

        var length = char.IsHighSurrogate(text[max - 2]) ? max - 2 : max - 1;
        return string.Concat(text.AsSpan(0, length), "…");
    }
}
