using Microsoft.Extensions.DependencyInjection;
using Signalbox.Queries;
using Signalbox.Search;
using Signalbox.Sqlite;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.Server.Tests.Hostile;

/// <summary>The hostile journals in a SQLite store with its index, and a server over them. Made once for all who look at it: nothing changes it.</summary>
public sealed class HostileWorld : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("signalbox-hostile-");
    private SqliteRunStore? _store;
    private SqliteIndex? _index;
    private ServerWorld? _server;

    internal string Path => System.IO.Path.Combine(_folder.FullName, "signalbox.db");

    internal IRunStore Store => _store!;

    internal ServerWorld Server => _server!;

    internal ManualClock Clock { get; } = new();

    internal IReadOnlyList<RunId> Runs { get; private set; } = [];

    public async ValueTask InitializeAsync()
    {
        _store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = Path, Clock = Clock, Entropy = new SeededEntropy(7) }, default);
        Runs = await new HostileJournals(_store, Clock).WriteAsync();
        _index = new SqliteIndex(Path, _store, clock: Clock);
        Assert.True(await _index.CatchUpAsync());
        _server = await ServerWorld.StartAsync(configure: builder =>
        {
            builder.Services.AddSingleton<TimeProvider>(Clock);
            builder.Services.AddSingleton<IRunReader>(_store);
            builder.Services.AddSingleton<IRunControl>(new Dashboard.HarnessControl(_store));
            builder.Services.AddSingleton<ISearchIndex>(_index);
            builder.Services.AddSingleton(new RunQueries(_store, Clock, _index));
            builder.Services.AddSingleton(new LogTail(_store, Clock));
        });
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }

        if (_index is not null)
        {
            await _index.DisposeAsync();
        }

        if (_store is not null)
        {
            await _store.DisposeAsync();
        }

        _folder.Delete(recursive: true);
    }
}
