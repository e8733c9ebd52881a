namespace Signalbox.Providers;

/// <summary>A provider's body while it is read: it may neither go silent nor grow without end.</summary>
internal sealed class WatchedStream(Stream inner, Provider provider) : Stream
{
    private const long BytesMax = 64 * 1024 * 1024;

    private long _bytes;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => _bytes; set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using var silence = new CancellationTokenSource(provider.Silence, provider.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silence.Token, cancellationToken);
        try
        {
            return Counted(await inner.ReadAsync(buffer, either.Token));
        }
        catch (OperationCanceledException) when (silence.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw provider.Trouble(ModelTrouble.TimedOut, $"went silent in the middle of its answer, for {Provider.Seconds(provider.Silence)}.");
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("An answer is read asynchronously, so that it can be given up.");

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
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Counted(int count)
    {
        _bytes += count;
        return _bytes <= BytesMax ? count : throw provider.Trouble(ModelTrouble.Unreadable, $"sent an answer of more than {BytesMax / 1024 / 1024} MiB.");
    }
}
