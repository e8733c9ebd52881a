using Signalbox.Queries;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Stores;

/// <summary>The store that a command works on: the one place that knows what kind it is.</summary>
internal sealed class OpenStore : IAsyncDisposable
{
    private readonly SqliteRunAccess _access;
    private readonly TimeProvider _clock;

    private OpenStore(string path, SqliteRunAccess access, Redactor redactor, TimeProvider clock)
    {
        Path = path;
        _access = access;
        _clock = clock;
        Redactor = redactor;
        Masked = new MaskedReader(access.Reader, redactor);
        Queries = new RunQueries(access.Reader, clock, redactor: redactor);
    }

    /// <summary>The path as it was given.</summary>
    public string Path { get; }

    /// <summary>What is shown comes from here: the same answers as everywhere, masked.</summary>
    public RunQueries Queries { get; }

    /// <summary>The same with an index, which finds and counts.</summary>
    public RunQueries Searching(SqliteIndex index) => new(_access.Reader, _clock, index, Redactor);

    /// <summary>Entries and rows as they may be shown, masked.</summary>
    public IRunReader Reader => Masked;

    public MaskedReader Masked { get; }

    /// <summary>The store as it is: for what is verified by its hash, and for nothing that is shown.</summary>
    public IRunReader Unmasked => _access.Reader;

    /// <summary>What masks what is shown.</summary>
    public Redactor Redactor { get; }

    /// <summary>Whether this user owns the store.</summary>
    public bool IsOwnersUser => _access.IsOwnersUser;

    /// <summary>Carries out commands on it for others than the user of this process.</summary>
    public IRunControl Control => _access;

    /// <summary>The keys by which others come in.</summary>
    public KeyFile Keys => _access.Keys;

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

        var access = await SqliteRunAccess.OpenAsync(path, clock, cancellationToken);
        try
        {
            return new OpenStore(path, access, access.ReadRedactor(), clock);
        }
        catch
        {
            await access.DisposeAsync();
            throw;
        }
    }

    /// <summary>The search index beside the store, as it is; to be disposed before the store.</summary>
    public SqliteIndex OpenIndex() => _access.OpenIndex(Redactor);

    public Task<StoreCopy> BackupAsync(string folder, CancellationToken cancellationToken) => _access.BackupAsync(folder, cancellationToken);

    public ValueTask<CommandResult> ExecuteAsync(RunCommand command, CancellationToken cancellationToken) => _access.ExecuteAsync(command, cancellationToken);

    public ValueTask<OwnerInfo?> FindOwnerAsync(CancellationToken cancellationToken) => _access.FindOwnerAsync(cancellationToken);

    public ValueTask DisposeAsync() => _access.DisposeAsync();
}
