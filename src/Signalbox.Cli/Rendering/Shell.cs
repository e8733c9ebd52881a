using System.Globalization;
using System.Text;

namespace Signalbox.CommandLine.Rendering;

/// <summary>Writes arguments so that a person can copy a command into a POSIX shell and it means exactly them.</summary>
internal static class Shell
{
    public static string Quote(string argument)
    {
        if (argument.Length > 0 && argument.All(c => char.IsAsciiLetterOrDigit(c) || "-_./:=@%+,".Contains(c, StringComparison.Ordinal)))
        {
            return argument;
        }

        return TerminalText.IsSafe(argument) ? $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'" : Ansi(argument);
    }

    /// <summary>What cannot be shown, in the form <c>$'…'</c>, which bash and zsh read.</summary>
    private static string Ansi(string argument)
    {
        var quoted = new StringBuilder("$'");
        foreach (var rune in argument.EnumerateRunes())
        {
            _ = rune.Value is '\'' or '\\' ? quoted.Append('\\').Append((char)rune.Value)
                : TerminalText.IsSafe(rune.ToString()) ? quoted.Append(rune.ToString())
                : quoted.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:X8}");
        }

        return quoted.Append('\'').ToString();
    }
}
