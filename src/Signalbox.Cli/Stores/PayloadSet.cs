using System.Globalization;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Stores;

/// <summary>Payloads already met: 32 bytes for each, so that a store with millions of them fits.</summary>
internal sealed class PayloadSet
{
    private readonly HashSet<(UInt128 High, UInt128 Low)> _met = [];

    /// <summary>False if it was met before.</summary>
    public bool Add(PayloadHash hash) => _met.Add((Half(hash.Value.AsSpan(0, 32)), Half(hash.Value.AsSpan(32))));

    private static UInt128 Half(ReadOnlySpan<char> digits) => UInt128.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
