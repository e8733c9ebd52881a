using Signalbox.Sqlite;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.Store.Tests;

internal sealed class InMemoryHarness : StoreHarness
{
    public override bool IsDurable => false;

    protected override ValueTask<IRunStore> OpenStoreAsync() => ValueTask.FromResult<IRunStore>(new InMemoryRunStore(Clock, Entropy));
}

internal sealed class SqliteHarness : StoreHarness
{
    private readonly TempFolder _folder = new();

    public override bool IsDurable => true;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _folder.Dispose();
    }

    protected override async ValueTask<IRunStore> OpenStoreAsync() =>
        await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = _folder.File("store.db"), Clock = Clock, Entropy = Entropy }, default);
}
