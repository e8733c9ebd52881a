using System.Security.Cryptography;

namespace Signalbox;

/// <summary>
/// Where the engine and the stores take random bits from (run ids, salts, retry jitter). The only such source, so that
/// a simulation can replay a run bit for bit from one seed. Implementations are safe to call from several threads.
/// </summary>
public abstract class Entropy
{
    private const string Alphabet = "0123456789abcdefghijklmnopqrstuv";

    /// <summary>The operating system's cryptographic generator.</summary>
    public static Entropy System { get; } = new SystemEntropy();

    /// <summary>Fills the span with random bytes.</summary>
    public abstract void Fill(Span<byte> bytes);

    internal string NextText(int length)
    {
        Span<byte> bytes = stackalloc byte[length];
        Fill(bytes);
        Span<char> text = stackalloc char[length];
        for (var i = 0; i < length; i++)
        {
            text[i] = Alphabet[bytes[i] & 31];
        }

        return new string(text);
    }

    /// <summary>A number in [0, 1).</summary>
    internal double NextFraction()
    {
        Span<byte> bytes = stackalloc byte[4];
        Fill(bytes);
        return BitConverter.ToUInt32(bytes) / (double)(1L << 32);
    }

    private sealed class SystemEntropy : Entropy
    {
        public override void Fill(Span<byte> bytes) => RandomNumberGenerator.Fill(bytes);
    }
}
