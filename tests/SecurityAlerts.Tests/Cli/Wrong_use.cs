using Signalbox.Sqlite;

namespace Signalbox.CommandLine.Tests;

public sealed class Wrong_use : IDisposable
{
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    private static async Task<Outcome> RunAsync(params string[] args)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var exit = await Cli.RunAsync(args, output, error);
        return new Outcome(exit, output.ToString(), error.ToString());
    }

    [Theory]
    [InlineData("runs")]
    [InlineData("show", "r-1")]
    [InlineData("answer", "r-1", "yes")]
    [InlineData("signal", "r-1", "bell")]
    [InlineData("retry", "r-1")]
    [InlineData("cancel", "r-1")]
    [InlineData("release", "r-1", "--retry")]
    [InlineData("definition", "door")]
    [InlineData("export")]
    [InlineData("check")]
    [InlineData("owner")]
    public async Task A_store_that_is_not_there_is_never_made(params string[] command)
    {
        var outcome = await _store.RunAsync(command);

        Assert.Equal((2, ""), (outcome.Exit, outcome.Output));
        Assert.Equal("store_not_found: There is no store 'FOLDER/signalbox.db'. The program that runs the workflows makes it when it first starts; check the path (--store).\n", outcome.Error);
        Assert.Empty(Directory.GetFileSystemEntries(Path.GetDirectoryName(_store.Path)!));
    }

    [Fact]
    public async Task A_store_that_is_not_there_is_told_to_programs_as_json()
    {
        var outcome = await _store.RunAsync("runs", "--json");

        Assert.Equal((2, "", "{\"code\":\"store_not_found\",\"message\":\"There is no store 'FOLDER/signalbox.db'. The program that runs the workflows makes it when it first starts; check the path (--store).\"}\n"),
            (outcome.Exit, outcome.Output, outcome.Error));
    }

    [Fact]
    public async Task A_file_that_is_no_store_is_left_alone()
    {
        await File.WriteAllTextAsync(_store.Path, "Dear diary");

        var outcome = await _store.RunAsync("runs");

        Assert.Equal(2, outcome.Exit);
        Assert.StartsWith("store_damaged: The file 'FOLDER/signalbox.db' is not a SQLite database", outcome.Error, StringComparison.Ordinal);
        Assert.Equal("Dear diary", await File.ReadAllTextAsync(_store.Path));
    }

    [Fact]
    public async Task A_store_owned_by_a_process_that_does_not_answer_has_an_exit_code_of_its_own()
    {
        await _store.WriteAsync(async journals => await journals.FailAsync(await journals.StartAsync("r-1")));
        using var owner = new FileStream(_store.Path + ".lock", FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);

        var outcome = await _store.RunAsync("retry", "r-1");

        Assert.Equal((3, ""), (outcome.Exit, outcome.Output));
        Assert.StartsWith("store_owned: The store 'FOLDER/signalbox.db' is written by ", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await _store.RunAsync("runs")).Exit);
    }

    [Theory]
    [InlineData("Required command was not provided. Nothing was done. See: signalbox --help\n")]
    [InlineData("Required command was not provided. Unrecognized command or argument 'dance'. Nothing was done. See: signalbox --help\n", "dance")]
    [InlineData("Required argument missing for command: 'show'. Nothing was done. See: signalbox show --help\n", "show")]
    [InlineData("Unrecognized command or argument '--colour'. Nothing was done. See: signalbox runs --help\n", "runs", "--colour")]
    [InlineData("--status wants one of Pending, Running, Waiting, Held, Completed, Failed, Canceled; got '3'. Nothing was listed.\n", "runs", "--status", "3")]
    [InlineData("--label wants name=value; got 'x'. Nothing was listed.\n", "runs", "--label", "x")]
    [InlineData("--limit wants a number from 1 to 10,000; got 0. Nothing was listed.\n", "runs", "--limit", "0")]
    [InlineData("--since wants a time such as 2026-02-01T08:30Z, or how long ago: 90s, 30m, 2h, 7d; got 'soon'. Nothing was listed.\n", "runs", "--since", "soon")]
    [InlineData("--until wants a time such as 2026-02-01T08:30Z, or how long ago: 90s, 30m, 2h, 7d; got '9999999999d'. Nothing was listed.\n", "runs", "--until", "9999999999d")]
    [InlineData("One choice at a time: got 'a' and --choice 'b'. Nothing was answered.\n", "answer", "r-1", "a", "--choice", "b")]
    [InlineData("--store wants the path of a store; got an empty text. Nothing was done.\n", "runs", "--store", "")]
    [InlineData("--store wants a file; '.' is a folder. Nothing was done. The file is usually called signalbox.db.\n", "runs", "--store", ".")]
    [InlineData("A signal's name has 1 to 100 characters, no '/' and no control character; got 'a/b'. Nothing was sent.\n", "signal", "r-1", "a/b")]
    public async Task Is_answered_with_what_was_expected(string message, params string[] args)
    {
        var outcome = await RunAsync(args);

        Assert.Equal((2, "", message), (outcome.Exit, outcome.Output, outcome.Error));
    }

    [Fact]
    public async Task Help_calls_the_program_by_its_name()
    {
        var outcome = await RunAsync("--help");

        Assert.Equal(0, outcome.Exit);
        Assert.Contains("  signalbox [command] [options]\n", outcome.Output.ReplaceLineEndings("\n"), StringComparison.Ordinal);
        Assert.Contains("  signalbox show <RUN> [options]\n", (await RunAsync("show", "--help")).Output.ReplaceLineEndings("\n"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_when_nobody_owns_a_store()
    {
        await _store.WriteAsync(async journals => await journals.StartAsync("r-1"));

        Assert.Equal("No process writes the store 'FOLDER/signalbox.db' now. A command that changes something takes the lock, writes and leaves.\n", (await _store.RunAsync("owner")).Output);
        Assert.Equal("{\"isOwned\":false}\n", (await _store.RunAsync("owner", "--json")).Output);
    }

    [Fact]
    public async Task Names_the_process_that_owns_a_store()
    {
        await using var owner = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = _store.Path }, default);

        Assert.Contains($"\"isOwned\":true,\"pid\":{Environment.ProcessId},", (await _store.RunAsync("owner", "--json")).Output, StringComparison.Ordinal);
    }
}
