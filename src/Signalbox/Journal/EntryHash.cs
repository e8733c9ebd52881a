using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Signalbox.Journal;

/// <summary>
/// The chain that makes an edit in the middle of a run's journal show.
/// <c>digest = SHA-256(salt ‖ body)</c>, or 32 zero bytes for an empty body;
/// <c>hash = SHA-256(previous ‖ run ‖ seq ‖ epoch ‖ at ‖ kind ‖ state ‖ visit ‖ scope ‖ step ‖ actor ‖ cause ‖ digest)</c>,
/// where <c>previous</c> is the hash of the entry before (32 zero bytes before the first), a number is 8 bytes
/// big-endian, and a text is its UTF-8 length as 4 bytes big-endian followed by the bytes. Only the digest of the body
/// is chained, so a body can be erased with its salt. A cause is erased with it: then the hash stays as it was, and <see cref="Seal"/> vouches for what is left.
/// The end of the chain is protected only by a checkpoint kept elsewhere.
/// </summary>
public static class EntryHash
{
    /// <summary>The bytes in a hash and a digest.</summary>
    public const int Length = 32;

    /// <summary>The bytes in a salt.</summary>
    public const int SaltLength = 16;

    /// <summary>What stands before the first entry of a run.</summary>
    public static ReadOnlyMemory<byte> Origin { get; } = new byte[Length];

    /// <summary>The hash of <paramref name="entry"/>, whatever its own <see cref="Entry.Hash"/> says.</summary>
    public static byte[] Compute(ReadOnlySpan<byte> previous, Entry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        var hash = new byte[Length];
        Compute(previous, entry, hash);
        return hash;
    }

    /// <summary>The same, into <paramref name="hash"/>.</summary>
    internal static void Compute(ReadOnlySpan<byte> previous, Entry entry, Span<byte> hash)
    {
        Span<byte> digest = stackalloc byte[Length];
        digest.Clear();
        if (entry.IsErased)
        {
            entry.Digest.Span.CopyTo(digest);
        }
        else if (!entry.Body.IsEmpty)
        {
            Digest(entry.Salt.Span, entry.Body.Span, digest);
        }

        var size = (2 * Length) + (4 * 8) + (8 * 4) + Encoding.UTF8.GetMaxByteCount(
            entry.Run.Value.Length + entry.Kind.Length + entry.State.Length + entry.Scope.Length + entry.Step.Length + entry.Actor.Length + entry.Cause.Length);
        var rented = ArrayPool<byte>.Shared.Rent(size);
        try
        {
            var writer = new Writer(rented);
            writer.Bytes(previous);
            writer.Text(entry.Run.Value);
            writer.Number(entry.Seq);
            writer.Number(entry.Epoch);
            writer.Number(entry.At);
            writer.Text(entry.Kind);
            writer.Text(entry.State);
            writer.Number(entry.Visit);
            writer.Text(entry.Scope);
            writer.Text(entry.Step);
            writer.Text(entry.Actor);
            writer.Text(entry.Cause);
            writer.Bytes(digest);
            SHA256.HashData(writer.Written, hash);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    /// <summary>The entry without its body, salt and cause; its hash stays. One that was erased already is given back as it is.</summary>
    public static Entry Erase(Entry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (entry.IsErased)
        {
            return entry;
        }

        var digest = new byte[Length];
        if (!entry.Body.IsEmpty)
        {
            Digest(entry.Salt.Span, entry.Body.Span, digest);
        }

        return entry with { Body = default, Salt = default, Cause = "", Digest = digest };
    }

    /// <summary>
    /// One more link of the seal over erased entries: <c>seal = SHA-256(Compute(previous seal, what is left of the entry) ‖ the entry's own hash)</c>. It begins with <see cref="Origin"/>, and its end stands in
    /// <see cref="RunErased.Seal"/>, in lower-case hexadecimal.
    /// </summary>
    public static byte[] Seal(ReadOnlySpan<byte> previous, Entry entry)
    {
        Span<byte> both = stackalloc byte[2 * Length];
        Compute(previous, Erase(entry)).CopyTo(both);
        entry.Hash.Span.CopyTo(both[Length..]);
        return SHA256.HashData(both);
    }

    private static void Digest(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> body, Span<byte> digest)
    {
        var rented = ArrayPool<byte>.Shared.Rent(salt.Length + body.Length);
        salt.CopyTo(rented);
        body.CopyTo(rented.AsSpan(salt.Length));
        SHA256.HashData(rented.AsSpan(0, salt.Length + body.Length), digest);
        ArrayPool<byte>.Shared.Return(rented);
    }

    private ref struct Writer(Span<byte> buffer)
    {
        private readonly Span<byte> _buffer = buffer;
        private int _length;

        public readonly ReadOnlySpan<byte> Written => _buffer[.._length];

        public void Bytes(scoped ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(_buffer[_length..]);
            _length += bytes.Length;
        }

        public void Number(long value)
        {
            BinaryPrimitives.WriteInt64BigEndian(_buffer[_length..], value);
            _length += 8;
        }

        public void Text(string value)
        {
            var bytes = Encoding.UTF8.GetBytes(value, _buffer[(_length + 4)..]);
            BinaryPrimitives.WriteInt32BigEndian(_buffer[_length..], bytes);
            _length += 4 + bytes;
        }
    }
}
