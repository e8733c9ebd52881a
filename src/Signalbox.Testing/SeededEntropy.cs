using System.Buffers.Binary;

namespace Signalbox.Testing;

/// <summary>
/// Random bits that follow from a seed (SplitMix64), the same on every machine and in every version. Not for secrets. Safe to call from
/// several threads; the order of their calls then decides who gets what.
/// </summary>
public sealed class SeededEntropy(ulong seed) : Entropy
{
    private readonly Lock _lock = new();
    private ulong _state = seed;

    /// <summary>The seed, to be printed with what failed.</summary>
    public ulong Seed { get; } = seed;

    /// <inheritdoc />
    public override void Fill(Span<byte> bytes)
    {
        lock (_lock)
        {
            Span<byte> word = stackalloc byte[8];
            while (!bytes.IsEmpty)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(word, Next());
                var taken = Math.Min(bytes.Length, word.Length);
                word[..taken].CopyTo(bytes);
                bytes = bytes[taken..];
            }
        }
    }

    /// <summary>A number from 0 up to, but not including, <paramref name="bound"/>.</summary>
    public int Below(int bound)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bound, 1);
        lock (_lock)
        {
            return (int)(Next() % (ulong)bound);
        }
    }

    private ulong Next()
    {
        unchecked
        {
            _state += 0x9E3779B97F4A7C15;
            var z = _state;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
            return z ^ (z >> 31);
        }
    }
}
