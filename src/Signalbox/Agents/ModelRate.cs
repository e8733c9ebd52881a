namespace Signalbox;

internal sealed class ModelRate(TimeProvider clock, int? callsAtOnce, int? callsPerMinute, long? tokensPerMinute, int queueMax)
{
    public ValueTask<IDisposable> EnterAsync(long tokens, CancellationToken cancellationToken)
    {
        _ = (clock, callsAtOnce, callsPerMinute, tokensPerMinute, queueMax);
        return new(new MemoryStream());
    }
}
