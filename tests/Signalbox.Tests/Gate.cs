namespace Signalbox.Tests;

/// <summary>Where a handler stands until the test lets it go on, or kills it.</summary>
public sealed class Gate
{
    private readonly TaskCompletionSource _open = new();

    public int Passes { get; private set; }

    public Task PassAsync()
    {
        Passes++;
        return _open.Task;
    }

    public void Open() => _open.SetResult();
}
