using Signalbox.Journal;
using Signalbox.Sqlite;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.Store.Tests;

public sealed class A_backup
{
    [Fact]
    public async Task Overwrites_nothing_the_root_of_the_disk_neither()
    {
        using var folder = new TempFolder();
        await using (await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default))
        {
        }

        await using var access = await SqliteRunAccess.OpenAsync(folder.File("store.db"));
        foreach (var taken in new[] { Path.GetPathRoot(folder.File("store.db"))!, folder.File("store.db"), folder.File("store.db") + Path.DirectorySeparatorChar })
        {
            var refused = await Assert.ThrowsAsync<StoreRefusedException>(() => access.BackupAsync(taken, default));
            Assert.Equal("backup_exists", refused.Code);
        }
    }

    [Fact]
    public async Task Of_a_store_that_another_process_writes_at_full_speed_and_is_killed_is_whole_and_goes_on()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        var copies = new List<(StoreCopy Copy, int Heard)>();
        var (heard, runs) = (0, new HashSet<RunId>());
        await using (var victim = await OtherProcess.StartAndWaitAsync(Victim.Appends, path))
        {
            var listening = Task.Run(async () =>
            {
                while (await victim.ReadLineAsync() is { } line)
                {
                    heard += line.StartsWith("ack ", StringComparison.Ordinal) ? 1 : 0;
                }
            });
            await using (var access = await SqliteRunAccess.OpenAsync(path))
            {
                for (var i = 0; i < 4; i++)
                {
                    var before = heard;
                    await Until(() => heard > before + 50);
                    var acknowledged = heard;
                    copies.Add((await access.BackupAsync(folder.File($"copy-{i}"), default), acknowledged));
                }
            }

            victim.KillNow();
            await listening;
        }

        Assert.All(copies, c => Assert.True(c.Copy.Position >= c.Heard, $"{c.Heard} entries were acknowledged before the copy was begun, and it has {c.Copy.Position}."));
        Assert.True(copies[^1].Copy.PayloadFiles > 0);
        foreach (var (copy, _) in copies)
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(copy.Folder));
            await using var restored = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = copy.Database }, default);
            await restored.Swept;
            await WholeJournal.CheckAsync(restored);
            Assert.Equal(copy.Position, (await restored.ReadLogAsync(0, int.MaxValue, default)).Count);
            await EveryPayloadIsThereAsync(restored);

            // The runs go on to their end.
            foreach (var head in await restored.ListAsync(new RunQuery(), default))
            {
                runs.Add(head.Row.Run);
                Assert.True((await restored.CommitAsync(head.Row.Run, Moves.Step(), new EntryDraft { Kind = EntryKinds.RunCompleted, Actor = "engine" })).IsCommitted);
            }

            await WholeJournal.CheckAsync(restored);
            Assert.True(File.Exists(copy.Database + ".restored.json"));
            Assert.False(File.Exists(copy.Database + ".backup.json"));
        }

        Assert.NotEmpty(runs);
    }

    [Fact]
    public async Task Has_the_files_beside_the_store_with_their_modes()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        await store.StartAsync();
        store.Mark(new RedactionRules(["iban"], []));
        File.WriteAllText(path + ".roles.json", """{"person:anna":["*"]}""");
        File.WriteAllText(path + ".keys.json", "{}");
        File.SetUnixFileMode(path + ".keys.json", UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await using var access = await SqliteRunAccess.OpenAsync(path);
        var copy = await access.BackupAsync(folder.File("copy"), default);
        foreach (var end in new[] { "", ".roles.json", ".keys.json", ".redaction.json" })
        {
            Assert.Equal(File.GetUnixFileMode(path + end), File.GetUnixFileMode(copy.Database + end));
        }

        await using var copied = await SqliteRunAccess.OpenAsync(copy.Database);
        Assert.Equal(["iban"], copied.ReadRedactor().Rules.Members);
    }

    [Fact]
    public async Task Overwrites_nothing_and_leaves_nothing_half_done()
    {
        using var folder = new TempFolder();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default);
        await An_erased_run.EndedAsync(store, "kept", 1);
        await using var access = await SqliteRunAccess.OpenAsync(folder.File("store.db"));
        Directory.CreateDirectory(folder.File("there"));
        Assert.Equal("backup_exists", (await Assert.ThrowsAsync<StoreRefusedException>(() => access.BackupAsync(folder.File("there"), default))).Code);

        Directory.Delete(folder.File("store.db-payloads"), recursive: true);
        Assert.Equal("store_damaged", (await Assert.ThrowsAsync<StoreRefusedException>(() => access.BackupAsync(folder.File("copy"), default))).Code);
        Assert.DoesNotContain(Directory.EnumerateFileSystemEntries(folder.Path), e => Path.GetFileName(e).StartsWith("copy", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Has_nothing_of_a_run_that_was_erased_before()
    {
        using var folder = new TempFolder();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default);
        var run = await An_erased_run.EndedAsync(store, "canary", 1);
        await An_erased_run.EndedAsync(store, "kept", 2);
        await RunCommands.ExecuteAsync(store, new EraseRun(run, "asked for"), new Caller("person:anna", ["admin"]), default);
        await using var access = await SqliteRunAccess.OpenAsync(folder.File("store.db"));
        var copy = await access.BackupAsync(folder.File("copy"), default);
        Assert.Equal(1, copy.PayloadFiles);
        await using var restored = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = copy.Database }, default);
        await WholeJournal.CheckAsync(restored);
        Assert.True((await restored.FindAsync(run, default))!.Row.IsErased);
    }

    private static async Task EveryPayloadIsThereAsync(SqliteRunStore store)
    {
        foreach (var entry in await store.ReadLogAsync(0, int.MaxValue, default))
        {
            if (entry.Kind == EntryKinds.RunStarted)
            {
                Assert.NotNull(await store.FindPayloadAsync(Body.Read<RunStarted>(entry).Definition.Reference!.Value, default));
            }
        }
    }

    private static async Task Until(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition())
        {
            await Task.Delay(10, limit.Token);
        }
    }
}

public sealed class A_file_that_says_what_is_masked
{
    [Theory]
    [InlineData("{", "It is no JSON")]
    [InlineData("""{"members":1}""", "'members' is no list of texts")]
    [InlineData("""{"patterns":["("]}""", "is no regular expression")]
    public async Task Shows_nothing_at_all_if_it_is_broken(string text, string why)
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        File.WriteAllText(path + ".redaction.json", text);
        await using var access = await SqliteRunAccess.OpenAsync(path);
        var refused = Assert.Throws<StoreRefusedException>(access.ReadRedactor);
        Assert.Equal("redaction_unusable", refused.Code);
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        Assert.Equal("redaction_unusable", Assert.Throws<StoreRefusedException>(() => store.Mark(new RedactionRules(["iban"], []))).Code);
        Assert.Equal(text, File.ReadAllText(path + ".redaction.json"));
    }

    [Fact]
    public async Task Is_not_believed_if_others_may_write_it()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        File.WriteAllText(path + ".redaction.json", "{}");
        File.SetUnixFileMode(path + ".redaction.json", (UnixFileMode)0b110_110_110);
        await using var access = await SqliteRunAccess.OpenAsync(path);
        Assert.Equal("redaction_unusable", Assert.Throws<StoreRefusedException>(access.ReadRedactor).Code);
    }

    [Fact]
    public async Task Gets_what_the_code_marks_and_keeps_what_it_has()
    {
        using var folder = new TempFolder();
        var path = folder.File("store.db");
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        store.Mark(new RedactionRules([], []));
        Assert.False(File.Exists(path + ".redaction.json"));
        File.WriteAllText(path + ".redaction.json", """{"members":["pin"],"defaults":false}""");
        var all = store.Mark(new RedactionRules(["iban", "PIN"], [@"\bX\d+"]));
        Assert.Equal(("pin iban", @"\bX\d+", false), (string.Join(' ', all.Members), Assert.Single(all.Patterns), all.Defaults));
        await using var access = await SqliteRunAccess.OpenAsync(path);
        Assert.Equal("[redacted]", access.ReadRedactor().Label("Iban", "DE00"));
    }
}
