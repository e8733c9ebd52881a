using System.Text;
using System.Text.RegularExpressions;

namespace Signalbox;

/// <summary>
/// A schema's <c>pattern</c>, which is written for JavaScript: there <c>$</c> is the very end (ours would let a line feed follow), and <c>\d</c> and <c>\w</c> are ASCII.
/// </summary>
internal static class EcmaPattern
{
    /// <summary>The expression, without backtracking where it can do without; null if it is none that we have.</summary>
    public static Regex? Find(string pattern, TimeSpan limit)
    {
        var translated = Translated(pattern);
        return Find(translated, RegexOptions.NonBacktracking, limit) ?? Find(translated, RegexOptions.None, limit);
    }

    private static Regex? Find(string pattern, RegexOptions options, TimeSpan limit)
    {
        try
        {
            return new Regex(pattern, options | RegexOptions.CultureInvariant, limit);
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException or InsufficientExecutionStackException)
        {
            return null;
        }
    }

    private static string Translated(string pattern)
    {
        var translated = new StringBuilder(pattern.Length + 16);
        var inClass = false;
        for (var i = 0; i < pattern.Length; i++)
        {
            var c = pattern[i];
            if (c == '\\' && i + 1 < pattern.Length)
            {
                i++;
                translated.Append((pattern[i], inClass) switch
                {
                    ('d', false) => "[0-9]",
                    ('d', true) => "0-9",
                    ('D', false) => "[^0-9]",
                    ('w', false) => "[0-9A-Za-z_]",
                    ('w', true) => "0-9A-Za-z_",
                    ('W', false) => "[^0-9A-Za-z_]",
                    _ => "\\" + pattern[i],
                });
                continue;
            }

            if (!inClass && char.IsHighSurrogate(c) && i + 1 < pattern.Length)
            {
                translated.Append("(?:").Append(c).Append(pattern[++i]).Append(')'); // one character there, so that what follows repeats both halves
                continue;
            }

            inClass = inClass ? c != ']' : c == '[';
            translated.Append((c, inClass) switch
            {
                ('$', false) => "\\z",
                ('[', true) when translated.Length > 0 && translated[^1] == '-' => "\\[", // ours would take the rest as a class to subtract
                _ => c.ToString(),
            });
        }

        return translated.ToString();
    }
}
