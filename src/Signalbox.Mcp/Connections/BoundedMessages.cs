using System.Buffers;
using System.Globalization;
using System.Text;

namespace Signalbox.Mcp.Connections;

/// <summary>Where a message ends.</summary>
internal enum MessageFraming
{
    /// <summary>At the end of the line (stdio).</summary>
    Lines,

    /// <summary>At the end of the line, which begins with <c>data:</c> (server-sent events).</summary>
    Events,

    /// <summary>At the end of the stream (an HTTP body).</summary>
    Whole,
}

/// <summary>
/// What a server sends, with no message longer than a limit. The library beneath reads messages whole; so a longer one is thrown away here as it comes, and
/// in its place stands an error for the call that it would have answered. The session goes on.
/// </summary>
internal sealed class BoundedMessages(Stream source, MessageFraming framing, int bytesMax, Action heard) : Stream
{
    /// <summary>A message so many times longer than the limit is no mistake: the stream fails.</summary>
    private const int PatienceFactor = 32;

    private readonly byte[] _chunk = new byte[32 * 1024];
    private ArrayBufferWriter<byte> _line = new();
    private ArrayBufferWriter<byte> _ready = new();
    private int _taken;
    private AnsweredCall? _tooLong;
    private long _thrownAway;
    private long _eventBytes;
    private bool _isAtEnd;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (_taken < _ready.WrittenCount)
            {
                var count = Math.Min(buffer.Length, _ready.WrittenCount - _taken);
                _ready.WrittenMemory.Slice(_taken, count).CopyTo(buffer);
                _taken += count;
                return count;
            }

            _taken = 0;
            Empty(ref _ready);
            if (_isAtEnd)
            {
                return 0;
            }

            // The read beneath may not heed its token; it is left behind then.
            var read = await source.ReadAsync(_chunk, cancellationToken).AsTask().WaitAsync(cancellationToken);
            if (read == 0)
            {
                _isAtEnd = true;
                EndMessage(""u8);
            }
            else
            {
                heard();
                Take(_chunk.AsSpan(0, read));
            }
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            source.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Take(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var end = framing == MessageFraming.Whole ? -1 : bytes.IndexOf((byte)'\n');
            Add(end < 0 ? bytes : bytes[..end]);
            if (end < 0)
            {
                return;
            }

            EndMessage("\n"u8);
            bytes = bytes[(end + 1)..];
        }
    }

    private void Add(ReadOnlySpan<byte> bytes)
    {
        if (_tooLong is null && _line.WrittenCount + (long)bytes.Length > bytesMax)
        {
            _tooLong = new AnsweredCall();
            _tooLong.Read(_line.WrittenSpan);
            Empty(ref _line);
        }

        if (_tooLong is null)
        {
            if (framing == MessageFraming.Events && (_eventBytes += bytes.Length) > bytesMax * 2L)
            {
                throw new InvalidDataException($"An event of the server has more than {bytesMax * 2L} bytes."); // of many lines, which are put together beneath
            }

            _line.Write(bytes);
            return;
        }

        _tooLong.Read(bytes);
        if ((_thrownAway += bytes.Length) > bytesMax * (long)PatienceFactor)
        {
            throw new InvalidDataException($"A message of the server has more than {bytesMax * (long)PatienceFactor} bytes.");
        }
    }

    private void EndMessage(ReadOnlySpan<byte> end)
    {
        if (_tooLong is not null)
        {
            if (_tooLong.Id is { } id)
            {
                var error = $$$"""{"jsonrpc":"2.0","id":{{{id}}},"error":{"code":-32000,"message":"its answer has more than {{{bytesMax}}} bytes and was not read"}}""";
                _ready.Write(Encoding.UTF8.GetBytes((framing == MessageFraming.Events ? "data: " : "") + error));
            }

            _tooLong = null;
            _thrownAway = 0;
        }
        else
        {
            if (_line.WrittenSpan.Trim((byte)'\r').IsEmpty)
            {
                _eventBytes = 0;
            }

            _ready.Write(_line.WrittenSpan);
        }

        Empty(ref _line);
        _ready.Write(end);
    }

    /// <summary>Ready for the next; what one great message has needed is not kept for the small ones.</summary>
    private static void Empty(ref ArrayBufferWriter<byte> buffer)
    {
        if (buffer.Capacity > 256 * 1024)
        {
            buffer = new();
        }
        else
        {
            buffer.ResetWrittenCount();
        }
    }

    /// <summary>Finds which call a message answers without keeping the message: the number under <c>id</c> in its outermost object.</summary>
    private sealed class AnsweredCall
    {
        private const int TokenBytesMax = 24;

        private readonly StringBuilder _token = new();
        private int _depth;
        private bool _inString;
        private bool _isEscaped;
        private bool _isId;

        public long? Id { get; private set; }

        public void Read(ReadOnlySpan<byte> json)
        {
            foreach (var b in json)
            {
                if (_depth == 0 && b != '{')
                {
                    continue; // "data: "
                }

                Read(b);
            }
        }

        private void Read(byte b)
        {
            if (_inString)
            {
                _inString = _isEscaped || b != '"';
                _isEscaped = !_isEscaped && b == '\\';
                Keep(b);
                return;
            }

            switch ((char)b)
            {
                case '"':
                    _inString = true;
                    Keep(b);
                    break;
                case '{' or '[':
                    _depth++;
                    break;
                case '}' or ']':
                    EndMember();
                    _depth--;
                    break;
                case ':':
                    _isId = _depth == 1 ? _token.Equals("\"id\"") : _isId;
                    Forget();
                    break;
                case ',':
                    EndMember();
                    break;
                case ' ' or '\t' or '\r' or '\n':
                    break;
                default:
                    Keep(b);
                    break;
            }
        }

        private void Keep(byte b)
        {
            if (_depth == 1 && _token.Length < TokenBytesMax)
            {
                _token.Append((char)b);
            }
        }

        private void EndMember()
        {
            if (_depth != 1)
            {
                return;
            }

            if (_isId && long.TryParse(_token.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var id))
            {
                Id = id;
            }

            _isId = false;
            Forget();
        }

        private void Forget()
        {
            if (_depth == 1)
            {
                _token.Clear();
            }
        }
    }
}
