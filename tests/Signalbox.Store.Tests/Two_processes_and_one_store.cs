using System.Diagnostics;
using Signalbox.Journal;
using Signalbox.Sqlite;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.Store.Tests;

public sealed class Two_processes_and_one_store
{
    [Fact]
    public async Task Only_one_may_write_and_the_other_is_told_who_does()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await using var owner = await OtherProcess.StartAndWaitAsync(Victim.Owns, path);
        var refusal = await Assert.ThrowsAsync<StoreRefusedException>(async () => await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default));
        Assert.Equal("store_owned", refusal.Code);
        Assert.StartsWith($"The store '{path}' is written by process {owner.Id} (Signalbox.Store.Tests, since 2", refusal.Message);
        Assert.EndsWith($"only one process may write. Nothing was changed. Stop that process, or hand it commands: signalbox --store '{path}' …", refusal.Message);
    }

    [Fact]
    public async Task A_command_is_carried_out_by_the_owner_under_the_name_of_the_callers_user()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await using var owner = await OtherProcess.StartAndWaitAsync(Victim.Owns, path);
        await using var access = await SqliteRunAccess.OpenAsync(path);
        var found = await access.FindOwnerAsync(default);
        Assert.Equal((owner.Id, "Signalbox.Store.Tests", true), (found!.Pid, found.Program, found.Stays));

        var start = Moves.StartCommand(key: "k");
        var started = await access.ExecuteAsync(start, default);
        Assert.Equal(("ok", start.Run, RunStatus.Pending), (started.Code, started.Run!.Value, started.Status!.Value));
        Assert.Equal(("key_taken", start.Run), ((await access.ExecuteAsync(Moves.StartCommand(key: "k"), default)) is var again ? (again.Code, again.Run!.Value) : default));
        Assert.Equal("ok", (await access.ExecuteAsync(new SendSignal(start.Run, "go", Moves.Json("""{"a":"ü"}""")), default)).Code);
        Assert.Equal("run_not_found", (await access.ExecuteAsync(new CancelRun(new RunId("r-none"), "because"), default)).Code);

        var entries = await access.Reader.ReadAsync(start.Run, 0, 10, default);
        Assert.Equal([EntryKinds.RunStarted, EntryKinds.StateEntered, EntryKinds.SignalReceived], entries.Select(e => e.Kind));
        Assert.All(entries, e => Assert.Equal("person:" + UserName(), e.Actor));
        await WholeJournal.CheckAsync(access.Reader);
    }

    [Fact]
    public async Task Where_nobody_owns_the_store_a_command_writes_and_leaves()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await using (await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default))
        {
        }

        await using var access = await SqliteRunAccess.OpenAsync(path);
        var start = Moves.StartCommand();
        Assert.Equal("ok", (await access.ExecuteAsync(start, default)).Code);
        Assert.Null(await access.FindOwnerAsync(default));
        Assert.Equal("person:" + UserName(), (await access.Reader.ReadAsync(start.Run, 0, 1, default))[0].Actor);
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        Assert.NotNull(await store.FindAsync(start.Run, default));
    }

    [Fact]
    public async Task Commands_that_pass_by_at_once_each_get_their_turn()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await using (await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default))
        {
        }

        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
        {
            await using var access = await SqliteRunAccess.OpenAsync(path);
            return await access.ExecuteAsync(Moves.StartCommand(), default);
        })));
        Assert.All(results, r => Assert.Equal("ok", r.Code));
        await using var reading = await SqliteRunAccess.OpenAsync(path);
        Assert.Equal(8, (await reading.Reader.ListAsync(new RunQuery(), default)).Count);
    }

    [Fact]
    public async Task An_owner_killed_between_command_and_answer_leaves_an_unknown_outcome_and_a_free_store()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        var owner = await OtherProcess.StartAndWaitAsync(Victim.Owns, path);
        await using var access = await SqliteRunAccess.OpenAsync(path);
        owner.Freeze();
        var start = Moves.StartCommand();
        var asking = access.ExecuteAsync(start, default);
        Assert.False(asking.IsCompleted);
        await owner.DisposeAsync();
        var result = await asking;
        Assert.Equal(("outcome_unknown", false, start.Run), (result.Code, result.IsAccepted, result.Run!.Value));
        Assert.Equal(
            $"The process that owns the store '{path}' was handed the command and ended before it answered: it may have been carried out or not. Look before you send it again: signalbox show {start.Run}",
            result.Message);
        Assert.Equal("ok", (await access.ExecuteAsync(start, default)).Code);
    }

    [Fact]
    public async Task A_reader_sees_what_a_killed_owner_had_committed()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        var last = default((RunId Run, long Seq));
        await using (var owner = await OtherProcess.StartAndWaitAsync(Victim.Appends, path))
        {
            for (var i = 0; i < 50; i++)
            {
                var ack = (await owner.ReadLineAsync())!.Split(' ');
                last = (new RunId(ack[1]), long.Parse(ack[2]));
            }
        }

        await using var access = await SqliteRunAccess.OpenAsync(path);
        Assert.Single(await access.Reader.ReadAsync(last.Run, last.Seq, 1, default));
        await WholeJournal.CheckAsync(access.Reader);
    }

    [Fact]
    public async Task One_process_does_not_own_a_store_twice_by_whatever_path()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        Directory.CreateSymbolicLink(folder.File("folder"), folder.Path);
        File.CreateSymbolicLink(folder.File("link.db"), path);
        foreach (var way in new[] { path, folder.File("folder/store.db"), folder.File("link.db") })
        {
            var refusal = await Assert.ThrowsAsync<StoreRefusedException>(async () => await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = way }, default));
            Assert.Contains($"process {Environment.ProcessId} ", refusal.Message);
        }
    }

    private static string UserName()
    {
        using var id = Process.Start(new ProcessStartInfo("id", "-un") { RedirectStandardOutput = true })!;
        return id.StandardOutput.ReadToEnd().Trim();
    }
}
