using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Signalbox.Queries;

/// <summary>The ids of traces and spans, from what they are of: whoever reads the same entries comes to the same ids. Stored at whoever was sent them; never change them.</summary>
internal static class SpanIds
{
    /// <summary>The trace of a run: 32 hexadecimal digits. One run, one trace, whatever pauses and crashes lie between.</summary>
    public static string Trace(RunId run) => Hash(run.Value, 16);

    /// <summary>The first span of a run, which all its others lie in.</summary>
    public static string Root(RunId run) => Of(run, "run", 0);

    /// <summary>The span that begins with that entry; <paramref name="role"/> tells those apart that begin with the same one.</summary>
    public static string Of(RunId run, string role, long firstSeq) => Hash(string.Create(CultureInfo.InvariantCulture, $"{run}\n{role}\n{firstSeq}"), 8);

    /// <summary>A child run as its parent sees it. Both of them can tell it, so that the child's trace can point there.</summary>
    public static string Child(RunId parent, RunId child) => Hash($"{parent}\nchild\n{child}", 8);

    private static string Hash(string text, int length)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        var id = hash[..length];
        if (id.IndexOfAnyExcept((byte)0) < 0)
        {
            id[^1] = 1; // an id of nothing but zeros says that there is none
        }

        return Convert.ToHexStringLower(id);
    }
}
