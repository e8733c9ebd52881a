using System.Buffers.Binary;

namespace Signalbox.Sqlite.Commands;

/// <summary>Messages on the socket: the length as four bytes, big-endian, then so many bytes of JSON.</summary>
internal static class Frames
{
    public const int BytesMax = 16 * 1024 * 1024;
    private const int HeaderBytes = 4;

    /// <summary>The next message, or null where the other side has closed between two.</summary>
    /// <exception cref="InvalidDataException">It is too long or breaks off.</exception>
    public static async ValueTask<byte[]?> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var header = new byte[HeaderBytes];
        var read = await stream.ReadAtLeastAsync(header, HeaderBytes, throwOnEndOfStream: false, cancellationToken);
        if (read == 0)
        {
            return null;
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(header);
        if (read < HeaderBytes || length > BytesMax)
        {
            throw new InvalidDataException(read < HeaderBytes
                ? "A message begins with its length in four bytes; the connection broke off in them."
                : $"A message has at most {BytesMax} bytes; its first four bytes announce {length}.");
        }

        var message = new byte[length];
        return await stream.ReadAtLeastAsync(message, message.Length, throwOnEndOfStream: false, cancellationToken) == message.Length
            ? message
            : throw new InvalidDataException($"A message of {length} bytes was announced; the connection broke off in it.");
    }

    public static async ValueTask WriteAsync(Stream stream, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        var frame = new byte[HeaderBytes + message.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, (uint)message.Length);
        message.CopyTo(frame.AsMemory(HeaderBytes));
        await stream.WriteAsync(frame, cancellationToken);
    }
}
