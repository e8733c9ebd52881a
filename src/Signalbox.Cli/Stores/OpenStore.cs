using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Stores;

/// <summary>The store that a command works on: the one place that knows what kind it is.</summary>
internal sealed class OpenStore : IAsyncDisposable
{
    private readonly SqliteRunAccess _access;

    private OpenStore(string path, SqliteRunAccess access)
    {
        Path = path;
        _access = access;
    }

    /// <summary>The path as it was given.</summary>
    public string Path { get; }

    public IRunReader Reader => _access.Reader;

    /// <summary>Opens a store that exists; never makes one.</summary>
    /// <exception cref="StoreRefusedException">There is none, or it cannot be read.</exception>
    public static async ValueTask<OpenStore> OpenAsync(string path, TimeProvider clock, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(path))
        {
            throw CliException.WrongUse("--store wants the path of a store; got an empty text. Nothing was done.");
        }

        if (Directory.Exists(path))
        {
            throw CliException.WrongUse($"--store wants a file; '{path}' is a folder. Nothing was done. The file is usually called {Commands.CommandContext.DefaultStore}.");
        }

        return new OpenStore(path, await SqliteRunAccess.OpenAsync(path, clock, cancellationToken));
    }

    /// <summary>The search index beside the store, as it is; to be disposed before the store.</summary>
    public SqliteIndex OpenIndex() => _access.OpenIndex();

    public ValueTask<CommandResult> ExecuteAsync(RunCommand command, CancellationToken cancellationToken) => _access.ExecuteAsync(command, cancellationToken);

    public ValueTask<OwnerInfo?> FindOwnerAsync(CancellationToken cancellationToken) => _access.FindOwnerAsync(cancellationToken);

    public ValueTask DisposeAsync() => _access.DisposeAsync();
}
