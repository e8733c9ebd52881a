using Microsoft.Data.Sqlite;
using Signalbox.CommandLine.Rendering;
using Signalbox.Sqlite;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.CommandLine.Tests;

/// <summary>What a command line left behind.</summary>
internal sealed record Outcome(int Exit, string Output, string Error)
{
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>A store in a folder of its own, written by hand under a clock that stands still, and the command line on it.</summary>
internal sealed class TestStore : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("signalbox-cli-").FullName;

    public ManualClock Clock { get; } = new();

    public string Path => File("signalbox.db");

    public string File(string name) => System.IO.Path.Combine(_folder, name);

    /// <summary>Owns the store for as long as <paramref name="write"/> takes.</summary>
    public async Task<TestStore> WriteAsync(Func<Journals, Task> write)
    {
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = Path, Clock = Clock, Entropy = new SeededEntropy(7) }, default);
        await write(new Journals(store, Clock));
        return this;
    }

    public Task<Outcome> RunAsync(params string[] args) => RunAsync(new Surface { Clock = Clock }, args);

    public async Task<Outcome> RunAsync(Surface surface, params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var exit = await Cli.RunAsync([.. args, "--store", Path], output, error, surface);
        return new Outcome(exit, output.ToString().Replace(_folder, "FOLDER", StringComparison.Ordinal), error.ToString().Replace(_folder, "FOLDER", StringComparison.Ordinal));
    }

    /// <summary>Changes the file behind the store's back.</summary>
    public void Tamper(string sql)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path, Pooling = false }.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        Assert.NotEqual(0, command.ExecuteNonQuery());
    }

    public async Task<RunHead> FindAsync(RunId run)
    {
        await using var access = await SqliteRunAccess.OpenAsync(Path);
        return (await access.Reader.FindAsync(run, default))!;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
