using Microsoft.Data.Sqlite;
using SQLitePCL;
using Signalbox.Sqlite.Commands;
using Signalbox.Sqlite.Files;
using Signalbox.Sqlite.Payloads;
using Signalbox.Sqlite.Reading;
using Signalbox.Storage;

namespace Signalbox.Sqlite;

/// <summary>
/// A store as a process sees it that does not own it, such as the command line: it reads for itself, whether somebody owns the store or not, and
/// hands what is to be written to the owner; where there is none it takes the lock, writes, and leaves. Safe to call from several threads.
/// </summary>
public sealed class SqliteRunAccess : IRunControl, IAsyncDisposable
{
    private const int Attempts = 200;
    private static readonly TimeSpan BetweenAttempts = TimeSpan.FromMilliseconds(25);

    private readonly StorePaths _paths;
    private readonly TimeProvider _clock;
    private readonly CommandCaller _owner;

    private SqliteRunAccess(StorePaths paths, TimeProvider clock, SqliteReader reader)
    {
        _paths = paths;
        _clock = clock;
        _owner = new CommandCaller(paths);
        Reader = reader;
        Keys = new KeyFile(paths.Database);
    }

    /// <summary>Reads the store. Ends with this object.</summary>
    public IRunReader Reader { get; }

    /// <summary>The API keys beside the store.</summary>
    public KeyFile Keys { get; }

    /// <summary>Opens a store that exists. <paramref name="clock"/> dates what is written where nobody owns the store.</summary>
    /// <exception cref="StoreRefusedException"><c>store_not_found</c>, <c>store_damaged</c>, <c>store_foreign</c>, <c>store_newer</c>, <c>store_older</c>.</exception>
    public static async ValueTask<SqliteRunAccess> OpenAsync(string path, TimeProvider? clock = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var paths = new StorePaths(path);
        if (!File.Exists(paths.Database))
        {
            throw new StoreRefusedException("store_not_found", $"There is no store '{paths.Database}'. The program that runs the workflows makes it when it first starts; check the path (--store).");
        }

        StoreSchema.ThrowIfEmpty(paths);
        var reader = new SqliteReader(paths, new PayloadFiles(paths.Payloads), clock ?? TimeProvider.System);
        try
        {
            reader.Check();
            return new SqliteRunAccess(paths, clock ?? TimeProvider.System, reader);
        }
        catch (StoreUnavailableException e) when (e.InnerException is SqliteException { SqliteErrorCode: raw.SQLITE_CANTOPEN or raw.SQLITE_READONLY } && StoreLock.Holder(paths) is null)
        {
            // SQLite would have to make the log's files beside the database, which only who may write there can.
            await reader.DisposeAsync();
            throw new StoreUnavailableException(
                e.Code, $"The store '{paths.Database}' can be read by this user only while some process owns it, and none does now. Nothing was changed. Start the program that runs the workflows, or run this command as the store's user.", e);
        }
        catch
        {
            await reader.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Carries out a command, in the owner's process under the name of this process's user, or here where nobody owns the store. The result's
    /// code is <c>outcome_unknown</c> if the owner ended after it had the command and before it answered: then it may have been carried out.
    /// </summary>
    /// <exception cref="StoreRefusedException"><c>store_owned</c>: somebody owns the store and takes no commands from this user.</exception>
    /// <exception cref="StoreUnavailableException">Nothing was written; try again.</exception>
    public ValueTask<CommandResult> ExecuteAsync(RunCommand command, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(command);
        return CarryOutAsync(command, null, cancellationToken);
    }

    /// <summary>
    /// The same on behalf of somebody whom this process has authenticated, such as a server's caller. An owner believes that from a process of its own user or of root alone, and answers any other with <c>caller_not_trusted</c>.
    /// </summary>
    /// <inheritdoc cref="ExecuteAsync(RunCommand, CancellationToken)" path="/exception" />
    public ValueTask<CommandResult> ExecuteAsync(RunCommand command, Caller caller, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentNullException.ThrowIfNull(caller);
        return CarryOutAsync(command, caller, cancellationToken);
    }

    private async ValueTask<CommandResult> CarryOutAsync(RunCommand command, Caller? caller, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (await _owner.ExecuteAsync(command, caller, cancellationToken) is { } answer)
            {
                return answer;
            }

            if (StoreLock.TryTake(_paths, stays: false) is { } taken)
            {
                await using var store = SqliteRunStore.Open(_paths, new SqliteStoreOptions { Path = _paths.Database, Clock = _clock, TakesCommands = false }, taken);
                return await RunCommands.ExecuteAsync(store, command, caller ?? store.CallerOf(command, Users.Self()), cancellationToken);
            }

            // Somebody has the lock and does not listen: an owner that is just starting or closing, or another command passing by.
            if (attempt == Attempts)
            {
                throw StoreLock.Owned(_paths, StoreLock.Holder(_paths));
            }

            await Task.Delay(BetweenAttempts, TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>The store's search index, as it is; <see cref="SqliteIndex.CatchUpAsync"/> brings it up to date where nobody else does. The caller disposes it, before this object.</summary>
    public SqliteIndex OpenIndex(Redactor? redactor = null, Microsoft.Extensions.Logging.ILogger? logger = null) => new(_paths.Database, Reader, redactor, _clock, logger);

    /// <summary>The process that owns the store, or null if none does.</summary>
    public async ValueTask<OwnerInfo?> FindOwnerAsync(CancellationToken cancellationToken) =>
        await _owner.FindOwnerAsync(cancellationToken) ?? StoreLock.Holder(_paths);

    /// <inheritdoc />
    public ValueTask DisposeAsync() => Reader.DisposeAsync();
}
