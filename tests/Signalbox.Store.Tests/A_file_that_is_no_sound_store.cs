using Microsoft.Data.Sqlite;
using Signalbox.Sqlite;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.Store.Tests;

public sealed class A_file_that_is_no_sound_store
{
    [Fact]
    public async Task Of_text_is_refused() => await RefusedAsync(
        path => File.WriteAllText(path, string.Concat(Enumerable.Repeat("These are notes, not a database.\n", 200))),
        "store_damaged",
        "The file '{0}' is not a SQLite database, or its beginning has been overwritten. Nothing was changed. Check the path; if it was a store, keep a copy and restore the last backup.");

    [Fact]
    public async Task Of_no_bytes_is_refused() => await RefusedAsync(
        path => File.WriteAllText(path, ""),
        "store_damaged",
        "The file '{0}' is empty, which a store never is. Nothing was changed. If it never was a store, delete it; otherwise restore the last backup.");

    [Fact]
    public async Task Of_another_program_is_refused() => await RefusedAsync(
        path => Sql(path, "CREATE TABLE bookmarks(url TEXT)"),
        "store_foreign",
        "The file '{0}' is a SQLite database of another program, not a Signalbox store. Nothing was changed. Give the path of a store, or of a file that does not exist yet.");

    [Fact]
    public async Task Of_a_newer_program_is_refused() => await RefusedAsync(
        path =>
        {
            Make(path).GetAwaiter().GetResult();
            Sql(path, "PRAGMA user_version = 99");
        },
        "store_newer",
        $"The store '{{0}}' was written by a newer Signalbox (its schema is version 99; this program knows up to {StoreSchema.Newest}). Nothing was changed. Use the newer program.");

    [Fact]
    public async Task Cut_off_is_refused() => await RefusedAsync(
        path =>
        {
            Make(path).GetAwaiter().GetResult();
            using var file = File.OpenWrite(path);
            file.SetLength(file.Length / 2);
        },
        "store_damaged",
        "The store '{0}' is damaged: SQLite Error 11: 'database disk image is malformed'. Nothing was changed. Stop its owner, keep a copy of the file with its '-wal' beside it, and restore the last backup.");

    [Fact]
    public async Task Whose_beginning_is_overwritten_is_refused() => await RefusedAsync(
        path =>
        {
            Make(path).GetAwaiter().GetResult();
            Overwrite(path, 0, 50);
        },
        "store_damaged",
        "The file '{0}' is not a SQLite database, or its beginning has been overwritten. Nothing was changed. Check the path; if it was a store, keep a copy and restore the last backup.");

    [Fact]
    public async Task Overwritten_further_on_is_reported_when_it_is_read_and_never_read_wrong()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await Make(path);
        for (var page = 2; page < new FileInfo(path).Length / 4096; page++)
        {
            var copy = folder.File($"copy-{page}.db");
            File.Copy(path, copy);
            Overwrite(copy, page * 4096L, 4096);
            var told = await Record.ExceptionAsync(async () =>
            {
                await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = copy }, default);
                await WholeJournal.CheckAsync(store);
                foreach (var head in await store.ListAsync(new RunQuery { Workflow = "flow", Statuses = [RunStatus.Waiting] }, default))
                {
                    await store.FindByKeyAsync("flow", head.Row.Key!, default);
                    Assert.True((await store.CommitAsync(head.Row.Run, Moves.Step())).IsCommitted);
                }
            });
            // A page of an index that none of these questions needs may be the one overwritten; what is read is right all the same.
            Assert.True(told is null or StoreRefusedException { Code: "store_damaged" } or ContractViolationException, $"page {page}: {told}");
        }
    }

    [Fact]
    public async Task With_an_altered_entry_shows_it_in_the_chain()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await Make(path);
        Sql(path, "UPDATE entries SET body = replace(body, 'seen', 'sean') WHERE position = (SELECT max(position) FROM entries WHERE body LIKE '%seen%')");
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        var violation = await Assert.ThrowsAsync<ContractViolationException>(() => WholeJournal.CheckAsync(store));
        Assert.Contains("does not follow from the entry and the one before", violation.Message);
    }

    [Fact]
    public async Task Missing_beside_its_log_is_not_made_anew()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await File.WriteAllTextAsync(path + "-wal", "frames");
        var refusal = await Assert.ThrowsAsync<StoreRefusedException>(async () => await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default));
        Assert.Equal(("store_damaged", true), (refusal.Code, refusal.Message.Contains("the database file is missing, but its write-ahead log")));
        Assert.False(File.Exists(path));
    }

    [Fact]
    public async Task That_does_not_exist_is_made_by_an_owner_but_not_by_a_reader()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        var reading = await Assert.ThrowsAsync<StoreRefusedException>(async () => await SqliteRunAccess.OpenAsync(path));
        Assert.Equal("store_not_found", reading.Code);
        Assert.Equal($"There is no store '{path}'. The program that runs the workflows makes it when it first starts; check the path (--store).", reading.Message);
        var owning = await Assert.ThrowsAsync<StoreRefusedException>(async () => await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("no/store.db") }, default));
        Assert.Equal("store_not_found", owning.Code);
        await Make(path);
        await using var access = await SqliteRunAccess.OpenAsync(path);
    }

    [Fact]
    public async Task Left_half_made_is_made_again()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await File.WriteAllTextAsync(path + ".unfinished", "half");
        await File.WriteAllTextAsync(path + ".unfinished-wal", "half");
        await Make(path);
        Assert.Equal(["store.db", "store.db.lock"], Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task With_one_bad_run_lets_the_others_go_on()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await Make(path);
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        var runs = (await store.ListAsync(new RunQuery(), default)).Select(h => h.Row.Run).ToArray();
        Sql(path, "DELETE FROM entries WHERE run = 1");
        var results = await Task.WhenAll(runs.Select(run => Task.Run(async () => (run, error: await Record.ExceptionAsync(async () => await store.CommitAsync(run, Moves.Step()))))));
        var (bad, error) = Assert.Single(results, r => r.error is not null);
        Assert.Equal((runs[^1], "store_damaged"), (bad, Assert.IsType<StoreRefusedException>(error).Code));
        Assert.Contains($"run '{bad}' has a row but no entry", error!.Message);
    }

    private static async Task RefusedAsync(Action<string> make, string code, string message)
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        make(path);
        var before = await File.ReadAllBytesAsync(path);
        var owning = await Assert.ThrowsAsync<StoreRefusedException>(async () => await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default));
        var reading = await Assert.ThrowsAsync<StoreRefusedException>(async () => await SqliteRunAccess.OpenAsync(path));
        foreach (var refusal in new[] { owning, reading })
        {
            Assert.Equal(string.Format(System.Globalization.CultureInfo.InvariantCulture, message, path), refusal.Message);
            Assert.Equal(code, refusal.Code);
        }

        Assert.Equal(before, await File.ReadAllBytesAsync(path));
    }

    private static async Task Make(string path)
    {
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        for (var i = 0; i < 12; i++)
        {
            var run = await store.StartAsync(key: "key-" + i);
            await store.CommitAsync(run, [.. Enumerable.Range(0, 10).Select(_ => Moves.Step()), Moves.Wait("go"), Moves.Parked()]);
        }
    }

    private static void Overwrite(string path, long from, int count)
    {
        using var file = File.OpenWrite(path);
        file.Position = from;
        file.Write(Enumerable.Repeat((byte)0xA5, count).ToArray());
    }

    private static void Sql(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
