using System.Security.Cryptography;

namespace Signalbox.Journal;

/// <summary>The address of a payload: the SHA-256 of its bytes as 64 lower-case hexadecimal digits.</summary>
public readonly record struct PayloadHash
{
    /// <summary>Takes an address as text.</summary>
    /// <exception cref="ArgumentException">The text is not 64 lower-case hexadecimal digits.</exception>
    public PayloadHash(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (value.Length != 64 || !value.All(char.IsAsciiHexDigitLower))
        {
            throw new ArgumentException($"A payload's address is 64 lower-case hexadecimal digits; got '{value}'.", nameof(value));
        }

        Value = value;
    }

    /// <summary>The hexadecimal digits.</summary>
    public string Value { get; }

    /// <summary>The address of the given bytes.</summary>
    public static PayloadHash Of(ReadOnlySpan<byte> bytes) => new(Convert.ToHexStringLower(SHA256.HashData(bytes)));

    /// <inheritdoc />
    public override string ToString() => Value;
}

/// <summary>
/// A body too large (or too often repeated) to stand in its entry. Stored once per content, committed no later than the
/// first entry that refers to it, kept for as long as an entry refers to it.
/// </summary>
public sealed record Payload(PayloadHash Hash, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>The payload of the given bytes.</summary>
    public static Payload Of(ReadOnlyMemory<byte> bytes) => new(PayloadHash.Of(bytes.Span), bytes);
}
