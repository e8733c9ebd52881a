using System.IO.Compression;
using System.Security.Cryptography;
using Signalbox.Journal;

namespace Signalbox.Sqlite.Payloads;

/// <summary>A payload as it is stored: plain, or compressed where that saves a tenth.</summary>
internal sealed record PackedPayload(PayloadHash Hash, int Length, string Form, ReadOnlyMemory<byte> Bytes)
{
    public const string Plain = "plain";
    public const string Brotli = "brotli";

    // Text of models and tools shrinks to a fifth at this level already; higher ones cost more time than a disk saves.
    private const int Quality = 2;
    private const int Window = 22;
    private const int CompressedBytesMin = 256;

    /// <summary>From so many stored bytes on a payload lies in a file of its own.</summary>
    public const int FileBytesMin = 32 * 1024;

    public bool BelongsInFile => Bytes.Length >= FileBytesMin;

    public static PackedPayload Of(Payload payload)
    {
        var content = payload.Bytes;
        if (content.Length >= CompressedBytesMin)
        {
            var packed = new byte[content.Length - (content.Length / 10)];
            if (BrotliEncoder.TryCompress(content.Span, packed, out var written, Quality, Window))
            {
                return new(payload.Hash, content.Length, Brotli, packed.AsMemory(0, written));
            }
        }

        return new(payload.Hash, content.Length, Plain, content);
    }

    /// <summary>The content, or null if what is stored is no longer that.</summary>
    public static ReadOnlyMemory<byte>? Unpack(PayloadHash hash, int length, string form, byte[] stored)
    {
        var content = stored;
        if (form == Brotli)
        {
            content = new byte[length];
            if (!BrotliDecoder.TryDecompress(stored, content, out var written) || written != length)
            {
                return null;
            }
        }

        Span<byte> actual = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(content, actual);
        if (!actual.SequenceEqual(Convert.FromHexString(hash.Value)))
        {
            return null; // in one expression with the content, null would become an empty memory
        }

        return content;
    }
}
