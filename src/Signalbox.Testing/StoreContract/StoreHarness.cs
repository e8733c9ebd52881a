using Signalbox.Storage;

namespace Signalbox.Testing;

/// <summary>What the contract needs of a store under test: a new one for each fact, on a clock that the fact moves, and where it is durable the same one again.</summary>
public abstract class StoreHarness : IAsyncDisposable
{
    private IRunStore? _store;

    /// <summary>The clock that the store must use.</summary>
    public ManualClock Clock { get; } = new();

    /// <summary>The source of random bits for the store and for the fact.</summary>
    public SeededEntropy Entropy { get; } = new(20_260_101);

    /// <summary>Whether what was committed is there after closing and opening.</summary>
    public abstract bool IsDurable { get; }

    /// <summary>The store, open.</summary>
    public IRunStore Store => _store ?? throw new InvalidOperationException("The store is not open; a fact opens it before it begins.");

    /// <summary>Closes the store and opens it again.</summary>
    public async ValueTask ReopenAsync()
    {
        await CloseAsync();
        await OpenAsync();
    }

    /// <inheritdoc />
    public virtual async ValueTask DisposeAsync()
    {
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    internal async ValueTask OpenAsync() => _store = await OpenStoreAsync();

    /// <summary>Opens the store: the first time one without a run, later the same one.</summary>
    protected abstract ValueTask<IRunStore> OpenStoreAsync();

    private async ValueTask CloseAsync()
    {
        if (_store is { } store)
        {
            _store = null;
            await store.DisposeAsync();
        }
    }
}
