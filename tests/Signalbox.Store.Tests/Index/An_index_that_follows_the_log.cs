using Microsoft.Data.Sqlite;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Search;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.Store.Tests.Index;

public sealed class An_index_that_follows_the_log
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Finds_what_was_committed_while_it_follows_and_says_how_far_it_is()
    {
        await using var world = await IndexWorld.OpenAsync();
        var run = await world.StartAsync();
        var before = await world.Index.StatusAsync(default);
        Assert.Equal((0, 2, 2, false), (before.Position, before.LogEnd, before.Lag, before.IsFed));
        await using var tail = new LogTail(world.Store, TimeProvider.System);
        using var stopping = new CancellationTokenSource();
        var feeding = world.Index.FeedAsync(tail, stopping.Token);
        for (var i = 0; i < 20; i++)
        {
            await world.SayAsync(run, $"word{i}");
            await UntilAsync(async () => (await world.FindAsync($"word{i}")).Length == 1);
        }

        await UntilAsync(async () => await world.Index.StatusAsync(default) is { Position: 22, LogEnd: 22, Lag: 0, IsFed: true, Trouble: null, Bytes: > 0 });
        Assert.False(await world.Index.CatchUpAsync());
        await stopping.CancelAsync();
        await feeding.WaitAsync(s_limit);
        Assert.False((await world.Index.StatusAsync(default)).IsFed);
    }

    [Fact]
    public async Task Searches_and_status_tell_of_what_it_lacks()
    {
        await using var world = await IndexWorld.OpenAsync();
        var run = await world.StartAsync();
        await world.FedAsync();
        for (var i = 0; i < 37; i++)
        {
            await world.SayAsync(run, "later");
        }

        var page = await world.Index.SearchAsync(new SearchQuery { Text = "later" }, default);
        Assert.Empty(page.Hits);
        Assert.Equal((2, 39, 37), (page.Status.Position, page.Status.LogEnd, page.Status.Lag));
        Assert.True(page.Status.Behind > TimeSpan.Zero);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("cut")]
    [InlineData("overwritten")]
    [InlineData("empty")]
    [InlineData("gone")]
    [InlineData("old")]
    [InlineData("stripped")]
    public async Task Is_made_anew_from_the_log_whatever_became_of_its_file(string fate)
    {
        await using var world = await IndexWorld.OpenAsync();
        var run = await world.StartAsync();
        for (var i = 0; i < 300; i++)
        {
            await world.SayAsync(run, $"alpha number{i} {new string((char)('a' + (i % 26)), 200)}");
        }

        await world.FedAsync();
        Assert.Equal(300, (await world.FindAsync(new SearchQuery { Text = "alpha", Limit = 1000 })).Length);
        await world.ReopenIndexAsync(); // else this process has it open
        Spoil(world.IndexPath, fate);
        _ = await Record.ExceptionAsync(() => world.FindAsync("alpha")); // whatever it says, it does not break what follows
        await world.SayAsync(run, "alpha at last");
        for (var attempt = 0; attempt < 2 && (await Record.ExceptionAsync(world.FedAsync) is not null || (await world.Index.StatusAsync(default)).Lag > 0); attempt++)
        {
        }

        Assert.Equal(301, (await world.FindAsync(new SearchQuery { Text = "alpha", Limit = 1000 })).Length);
        Assert.Equal(303, (await world.Index.StatusAsync(default)).Position);
    }

    [Fact]
    public async Task An_index_of_another_log_is_told_and_made_anew()
    {
        await using var world = await IndexWorld.OpenAsync();
        await using var other = await IndexWorld.OpenAsync();
        var run = await world.StartAsync();
        await world.SayAsync(run, "of this store");
        await other.SayAsync(await other.StartAsync(), "of the other store");
        await other.FedAsync();
        SqliteConnection.ClearAllPools();
        File.Copy(other.IndexPath, world.IndexPath);

        var page = await world.Index.SearchAsync(new SearchQuery { Text = "store" }, default);
        Assert.Empty(page.Hits);
        Assert.Contains("another log", page.Status.Trouble, StringComparison.Ordinal);
        await world.FedAsync();
        Assert.Single(await world.FindAsync("\"this store\""));
        Assert.Empty(await world.FindAsync("other"));
    }

    [Fact]
    public async Task Stops_before_a_gap_says_so_and_goes_on_when_it_is_mended()
    {
        await using var world = await IndexWorld.OpenAsync();
        var run = await world.StartAsync();
        for (var i = 0; i < 5; i++)
        {
            await world.SayAsync(run, $"word{i}");
        }

        var gapped = new GappedReader(world.Store) { Missing = 4 };
        await using var index = new SqliteIndex(world.Path, gapped);
        Assert.True(await index.CatchUpAsync());
        var page = await index.SearchAsync(new SearchQuery { Text = "word*" }, default);
        Assert.Equal(new long[] { 3 }, page.Hits.Select(h => h.Position));
        Assert.Equal("After position 3 the log goes on with 5; the entries from 4 to 4 are missing. The index stops before them. See what is wrong with the store: signalbox check", page.Status.Trouble);
        gapped.Missing = null;
        Assert.True(await index.CatchUpAsync());
        var whole = await index.SearchAsync(new SearchQuery { Text = "word*" }, default);
        Assert.Equal(5, whole.Hits.Count);
        Assert.Null(whole.Status.Trouble);
    }

    [Fact]
    public async Task What_was_erased_is_not_found_nor_left_in_the_file_and_the_rest_is()
    {
        await using var world = await IndexWorld.OpenAsync();
        var (kept, erased) = (await world.StartAsync(), await world.StartAsync());
        for (var i = 0; i < 200; i++)
        {
            await world.SayAsync(kept, $"innocent{i} common");
            await world.SayAsync(erased, $"verysecret{i} common");
        }

        await world.FedAsync();
        Assert.Equal(400, (await world.FindAsync(new SearchQuery { Text = "common", Limit = 1000 })).Length);
        await world.CommitAsync(erased, new EntryDraft { Kind = EntryKinds.RunCompleted });
        Assert.True((await RunCommands.ExecuteAsync(world.Store, new EraseRun(erased, "asked for"), new Caller("person:anna", [Caller.AnyRole]), default)).IsAccepted);
        await using var index = new SqliteIndex(world.Path, world.Store);
        Assert.True(await index.CatchUpAsync());
        var found = await index.SearchAsync(new SearchQuery { Text = "common", Limit = 1000 }, default);
        Assert.Equal(200, found.Hits.Count);
        Assert.All(found.Hits, h => Assert.Equal(kept, h.Run));
        Assert.Empty((await index.SearchAsync(new SearchQuery { Text = "verysecret*" }, default)).Hits);
        Assert.Equal(204, (await index.SearchAsync(new SearchQuery { Run = erased, Limit = 1000 }, default)).Hits.Count);
        foreach (var file in new[] { world.IndexPath, world.IndexPath + "-wal" }.Where(File.Exists))
        {
            Assert.Equal(-1, (await File.ReadAllBytesAsync(file)).AsSpan().IndexOf("verysecret"u8));
        }
    }

    [Fact]
    public async Task A_feeding_process_that_is_killed_again_and_again_loses_and_doubles_nothing()
    {
        using var folder = new TempFolder();
        var path = folder.File("signalbox.db");
        for (var cycle = 0; cycle < 12; cycle++)
        {
            await using var victim = await OtherProcess.StartAndWaitAsync(Victim.Feeds, path);
            var killing = Task.Delay(Random.Shared.Next(20, 400)); // real time: the point is that nobody chose it
            await killing;
            if (cycle == 0)
            {
                await IndexedAsync(path); // one life at least is long enough, however slow the machine
            }

            await victim.KillAsync();
        }

        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = path }, default);
        await using var index = new SqliteIndex(path, store);
        var reached = await index.StatusAsync(default);
        Assert.True(reached.Position > 0, "No life was long enough to index anything, so this proves nothing.");
        Assert.Null(reached.Trouble);
        Assert.True(await index.CatchUpAsync());
        var incremental = await EverythingAsync(index);
        Assert.True(await index.CatchUpAsync(anew: true));
        Assert.Equal(await EverythingAsync(index), incremental);
        Assert.Equal((await store.ReadLogAsync(0, int.MaxValue, default)).Count(e => e.Kind == EntryKinds.StepCompleted), incremental.Count);

        static async Task IndexedAsync(string path)
        {
            await using var access = await SqliteRunAccess.OpenAsync(path);
            await using var index = access.OpenIndex();
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
            while ((await index.StatusAsync(limit.Token)).Position == 0)
            {
                await Task.Delay(10, limit.Token);
            }
        }

        static async Task<List<long>> EverythingAsync(SqliteIndex index)
        {
            var all = new List<long>();
            string? after = null;
            do
            {
                var page = await index.SearchAsync(new SearchQuery { Text = "seen", Limit = 1000, After = after }, default);
                all.AddRange(page.Hits.Select(h => h.Position));
                after = page.Next;
            }
            while (after is not null);
            return all;
        }
    }

    [Fact]
    public async Task Pages_stay_in_step_while_the_log_grows()
    {
        await using var world = await IndexWorld.OpenAsync();
        var run = await world.StartAsync();
        var said = new List<long>();
        for (var i = 0; i < 60; i++)
        {
            said.Insert(0, (await world.SayAsync(run, i % 3 == 0 ? "rare rare common" : "common")).Position);
        }

        foreach (var query in new[] { new SearchQuery { Text = "common", Limit = 7 }, new SearchQuery { Kinds = ["step.*"], Limit = 7 }, new SearchQuery { Limit = 7 } })
        {
            await world.FedAsync();
            var end = (await world.Index.StatusAsync(default)).Position;
            var (found, after) = (new List<long>(), (string?)null);
            do
            {
                var page = await world.Index.SearchAsync(query with { After = after }, default);
                found.AddRange(page.Hits.Select(h => h.Position));
                after = page.Next;
                await world.SayAsync(run, "more common");
                await world.FedAsync();
            }
            while (after is not null);
            var expected = (await world.Store.ReadLogAsync(0, int.MaxValue, default)).Where(e => e.Position <= end && (query.Text.Length + query.Kinds.Count == 0 || e.Kind == EntryKinds.StepCompleted)).Select(e => e.Position).Reverse();
            Assert.Equal(expected, found);
        }

        var best = await world.Index.SearchAsync(new SearchQuery { Text = "common rare", ByRank = true, Limit = 15 }, default);
        var rest = await world.Index.SearchAsync(new SearchQuery { Text = "common rare", ByRank = true, Limit = 15, After = best.Next }, default);
        Assert.Equal(20, best.Hits.Concat(rest.Hits).Select(h => h.Position).Distinct().Count());
        Assert.Null(rest.Next);
        await Assert.ThrowsAsync<SearchQueryException>(async () => await world.Index.SearchAsync(new SearchQuery { After = "'; DROP TABLE entries" }, default));
    }

    [Fact]
    public async Task Times_bound_what_is_found()
    {
        using var folder = new TempFolder();
        var clock = new Signalbox.Testing.ManualClock();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("signalbox.db"), Clock = clock }, default);
        await using var index = new SqliteIndex(folder.File("signalbox.db"), store, clock: clock);
        var run = await store.StartAsync();
        for (var i = 0; i < 30; i++)
        {
            clock.Advance(TimeSpan.FromSeconds(1));
            await store.CommitAsync(run, Moves.Step());
        }

        Assert.True(await index.CatchUpAsync());
        var begin = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        foreach (var text in new[] { "seen", "" })
        {
            var some = await index.SearchAsync(new SearchQuery { Text = text, Since = begin.AddSeconds(10), Until = begin.AddSeconds(12.5) }, default);
            Assert.Equal([begin.AddSeconds(12), begin.AddSeconds(11), begin.AddSeconds(10)], some.Hits.Select(h => Microseconds.ToTime(h.At)));
            Assert.Empty((await index.SearchAsync(new SearchQuery { Text = text, Since = begin.AddDays(1) }, default)).Hits);
            Assert.Empty((await index.SearchAsync(new SearchQuery { Text = text, Until = begin }, default)).Hits);
        }
    }

    private static void Spoil(string index, string fate)
    {
        File.Delete(index + "-shm");
        File.Delete(index + "-wal");
        switch (fate)
        {
            case "nonsense":
                File.WriteAllText(index, new string('x', 10_000));
                break;
            case "cut":
                using (var file = File.OpenWrite(index))
                {
                    file.SetLength(file.Length / 2 / 4096 * 4096);
                }

                break;
            case "overwritten":
                using (var file = File.OpenWrite(index))
                {
                    file.Position = 4096;
                    file.Write(Enumerable.Repeat((byte)0xA5, (int)file.Length - 4096).ToArray());
                }

                break;
            case "empty":
                File.WriteAllText(index, "");
                break;
            case "gone":
                File.Delete(index);
                break;
            default:
                using (var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = index, Pooling = false }.ToString()))
                {
                    connection.Open();
                    using var command = connection.CreateCommand();
                    command.CommandText = fate == "old" ? "UPDATE about SET shape = '0'" : "DROP TABLE about";
                    command.ExecuteNonQuery();
                }

                break;
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(s_limit);
        while (!await condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>A log that lacks an entry.</summary>
    private sealed class GappedReader(IRunReader inner) : PassingReader(inner)
    {
        public long? Missing { get; set; }

        public override async ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken) =>
            [.. (await base.ReadLogAsync(position, max + 1, cancellationToken)).Where(e => e.Position != Missing).Take(max)];
    }
}
