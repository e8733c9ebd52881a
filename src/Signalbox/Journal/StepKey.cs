using System.Globalization;
using System.Security.Cryptography;

namespace Signalbox.Journal;

/// <summary>
/// What a step is known by within its visit and scope: <c>name/arguments/occurrence</c>, where arguments is the first
/// 128 bits of the SHA-256 of their canonical JSON in hexadecimal (<c>-</c> where there are none) and occurrence counts
/// equal askings from 1. Stored in every journal and pinned by golden files: never change it.
/// </summary>
public readonly record struct StepKey(string Name, string Arguments, int Occurrence)
{
    /// <summary>The key of the first asking of <paramref name="name"/> with the given canonical arguments (empty for none).</summary>
    public static StepKey Of(string name, ReadOnlySpan<byte> canonicalArguments)
    {
        if (canonicalArguments.IsEmpty)
        {
            return new StepKey(name, "-", 1);
        }

        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(canonicalArguments, hash);
        return new StepKey(name, Convert.ToHexStringLower(hash[..16]), 1);
    }

    /// <summary>Throws unless the name can stand in a key: 1 to 100 characters, no slash and no control character.</summary>
    /// <exception cref="ArgumentException">It cannot.</exception>
    public static void ThrowIfUnfit(string name)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (name.Length > 100 || name.AsSpan().Contains('/') || name.AsSpan().ContainsAnyInRange('\u0000', '\u001f') || name.AsSpan().ContainsAnyInRange('\u007f', '\u009f'))
        {
            throw new ArgumentException($"A name of a step, a scope or a signal has 1 to 100 characters, no '/' and no control character; got '{name}'.", nameof(name));
        }
    }

    /// <inheritdoc />
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Name}/{Arguments}/{Occurrence}");
}
