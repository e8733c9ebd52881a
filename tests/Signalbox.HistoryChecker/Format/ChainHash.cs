using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Signalbox.HistoryChecker.Format;

/// <summary>
/// The hash that an entry must have, from the documented layout: SHA-256 over the hash before, run, seq, epoch, at, kind, state, visit, scope,
/// step, actor, cause and the digest of salt and body. Not safe for several threads: it keeps its buffer.
/// </summary>
internal sealed class ChainHash
{
    private byte[] _buffer = new byte[4096];
    private int _length;

    /// <summary>Fills <paramref name="hash"/>, 32 bytes.</summary>
    public void Of(ReadOnlySpan<byte> previous, Entry entry, Span<byte> hash)
    {
        Span<byte> digest = stackalloc byte[32];
        digest.Clear();
        if (entry.IsErased)
        {
            entry.Digest.CopyTo(digest);
        }
        else if (!entry.Body.IsEmpty)
        {
            _length = 0;
            Append(entry.Salt);
            Append(entry.Body.Span);
            SHA256.HashData(_buffer.AsSpan(0, _length), digest);
        }

        _length = 0;
        Append(previous);
        Append(entry.Run);
        Append(entry.Seq);
        Append(entry.Epoch);
        Append(entry.At);
        Append(entry.Kind);
        Append(entry.State);
        Append(entry.Visit);
        Append(entry.Scope);
        Append(entry.Step);
        Append(entry.Actor);
        Append(entry.Cause);
        Append(digest);
        SHA256.HashData(_buffer.AsSpan(0, _length), hash);
    }

    /// <summary>One more link of the seal over what is left of erased entries: SHA-256 over the hash that the entry as it is would have after the link before, and the hash that it has.</summary>
    public byte[] Seal(ReadOnlySpan<byte> previous, Entry entry)
    {
        Span<byte> both = stackalloc byte[64];
        Of(previous, entry, both[..32]);
        entry.Hash.CopyTo(both[32..]);
        return SHA256.HashData(both);
    }

    private void Append(scoped ReadOnlySpan<byte> bytes)
    {
        Grow(bytes.Length);
        bytes.CopyTo(_buffer.AsSpan(_length));
        _length += bytes.Length;
    }

    private void Append(long number)
    {
        Grow(8);
        BinaryPrimitives.WriteInt64BigEndian(_buffer.AsSpan(_length), number);
        _length += 8;
    }

    private void Append(string text)
    {
        Grow(4 + (3 * text.Length));
        var bytes = Encoding.UTF8.GetBytes(text, _buffer.AsSpan(_length + 4));
        BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(_length), bytes);
        _length += 4 + bytes;
    }

    private void Grow(int more)
    {
        if (_buffer.Length - _length < more)
        {
            Array.Resize(ref _buffer, Math.Max(2 * _buffer.Length, _length + more));
        }
    }
}
