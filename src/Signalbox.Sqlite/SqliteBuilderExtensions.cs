using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Signalbox.Search;
using Signalbox.Sqlite.Index;
using Signalbox.Storage;

namespace Signalbox.Sqlite;

/// <summary>Keeps a program's runs in SQLite.</summary>
public static class SqliteBuilderExtensions
{
    /// <summary>
    /// Keeps runs in the SQLite file at <paramref name="path"/>, which is made if there is none. It is opened when the host starts, which fails with
    /// <see cref="StoreRefusedException"/> if this process cannot own it, and closed with the host's services. Members of <paramref name="group"/> may read it and hand in commands (<see cref="SqliteStoreOptions.Group"/>).
    /// While the host runs it feeds the store's search index (<see cref="SqliteIndex"/>), off the way of commits. API keys are those in the file beside it (<see cref="KeyFile"/>).
    /// </summary>
    public static SignalboxBuilder UseSqlite(this SignalboxBuilder builder, string path, string? group = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.UseBeside(path).UseStore(services => SqliteRunStore.OpenAsync(
            new SqliteStoreOptions
            {
                Path = path,
                Group = group,
                Roles = services.GetService<IRoleSource>(),
                Clock = services.GetRequiredService<TimeProvider>(),
                Entropy = services.GetRequiredService<Entropy>(),
                Logger = services.GetService<ILoggerFactory>()?.CreateLogger("Signalbox.Sqlite"),
            },
            CancellationToken.None).AsTask().GetAwaiter().GetResult()); // services are made synchronously; opening a file blocks no one else
    }

    /// <summary>
    /// Keeps runs in a store that the program has opened itself, and closes it with the host's services. The rest is as if the host had opened it: while the host runs it feeds the search index, and API keys are those in the file beside the
    /// store. What the store was opened with (clock, group, roles) is the program's own choice.
    /// </summary>
    public static SignalboxBuilder UseSqlite(this SignalboxBuilder builder, SqliteRunStore store)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(store);
        return builder.UseBeside(store.Path).UseStore(_ => store);
    }

    /// <summary>What lies beside a store and is used with it: its search index and its keys.</summary>
    private static SignalboxBuilder UseBeside(this SignalboxBuilder builder, string path)
    {
        builder.Services.TryAddSingleton<IKeySource>(_ => new KeyFile(path));
        builder.Services.AddSingleton(services => new SqliteIndex(
            path, services.GetRequiredService<IRunStore>(), services.GetService<Redactor>(), services.GetRequiredService<TimeProvider>(), services.GetService<ILoggerFactory>()?.CreateLogger("Signalbox.Sqlite.Index")));
        builder.Services.AddSingleton<ISearchIndex>(services => services.GetRequiredService<SqliteIndex>());
        builder.Services.AddHostedService<IndexHost>();
        return builder;
    }
}
