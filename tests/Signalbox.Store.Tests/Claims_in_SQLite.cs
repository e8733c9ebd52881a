using Microsoft.Data.Sqlite;
using SQLitePCL;
using Signalbox.Journal;
using Signalbox.Sqlite;
using Signalbox.Sqlite.Files;
using Signalbox.Sqlite.Reading;
using Signalbox.Sqlite.Writing;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.Store.Tests;

public sealed class Claims_in_SQLite
{
    private const int Many = 100_000;

    [Fact]
    public void Are_looked_up_in_an_index()
    {
        using var folder = new TempFolder();
        using var connection = Open(folder);
        foreach (var sql in new[]
        {
            ClaimReader.WithinSql, ClaimReader.AtOrBeforeSql, ClaimReader.AtSql, ClaimReader.OfActionSql, ClaimReader.OfRunSql, ClaimReader.UsedSql,
            ClaimReader.ListSql(new ClaimQuery { Run = new RunId("r-1") }), ClaimReader.ListSql(new ClaimQuery { Overlapping = [At(1), At(2)] }), ClaimReader.ListSql(new ClaimQuery { Overlapping = [.. Enumerable.Range(1, 100).Select(At)] }), ClaimReader.ListSql(new ClaimQuery { After = 7 }),
        })
        {
            Assert.All(Plan(connection, sql).Where(step => step.Contains("claims", StringComparison.Ordinal) || step.Contains("limits", StringComparison.Ordinal)), step => Assert.StartsWith("SEARCH", step));
        }

        // All that it gives are read, and nothing else: the index is of the queued ones alone, in their order.
        Assert.Equal(["SCAN claims USING INDEX claims_queued"], Plan(connection, ClaimReader.QueuedSql));
        Assert.Equal(["SCAN claims USING INDEX claims_by_position"], Plan(connection, ClaimReader.ListSql(new ClaimQuery())).Where(step => step.Contains("claims", StringComparison.Ordinal)));
    }

    [Fact]
    public void Cost_nothing_where_they_are_not_overlapped_however_many_there_are()
    {
        using var folder = new TempFolder();
        using var connection = Open(folder);
        using var table = new ClaimTable(connection.Handle!);
        Put(connection, table, Enumerable.Range(0, 100));
        var few = Questions(connection, table, 17);
        Put(connection, table, Enumerable.Range(100, Many - 100));
        foreach (var host in new[] { 17, Many / 2, Many - 1 })
        {
            var many = Questions(connection, table, host);
            TestContext.Current.TestOutputHelper?.WriteLine($"{few} instructions among 100 claims, {many} among {Many}");
            Assert.InRange(many, 1, 2 * few);
        }
    }

    [Fact]
    public void Are_kept_as_the_table_in_memory_keeps_them_also_when_transactions_are_rolled_back()
    {
        using var folder = new TempFolder();
        using var connection = Open(folder);
        using var table = new ClaimTable(connection.Handle!);
        var random = new SeededEntropy(7);
        var model = new MemoryClaimTable();
        string[] parts = ["0", "1", "01", "/", "é", "\uFFFD", "😀", "%"];
        for (var round = 0; round < 150; round++)
        {
            var rolledBack = random.Below(4) == 0;
            var before = Copy(model);
            StoreSchema.Execute(connection, "BEGIN IMMEDIATE");
            for (var change = 0; change < 6; change++)
            {
                var path = "p" + string.Concat(Enumerable.Range(0, random.Below(5)).Select(_ => parts[random.Below(parts.Length)]));
                var row = Row(path, "a-" + random.Below(6), random);
                switch (random.Below(4))
                {
                    case 0:
                        Both(t => t.Remove(row));
                        break;
                    case 1:
                        Both(t => t.Use("l-" + row.Priority, round, row.At, round - 20));
                        break;
                    default:
                        Both(t => t.Put(row));
                        break;
                }

                Compare(path);
            }

            StoreSchema.Execute(connection, rolledBack ? "ROLLBACK" : "COMMIT");
            model = rolledBack ? before : model;
            Compare("p");

            void Compare(string path)
            {
                Assert.Equal(Sorted(model.Overlapping(path)), Sorted(table.Overlapping(path)));
                Assert.Equal(Sorted(model.Of("a-1")), Sorted(table.Of("a-1")));
                Assert.Equal(Sorted(model.OfRun(new RunId("r-1"))), Sorted(table.OfRun(new RunId("r-1"))));
                Assert.Equal(model.Queued().Select(r => r.Position), table.Queued().Select(r => r.Position));
                Assert.Equal(model.Used("l-1", round - 10), table.Used("l-1", round - 10));
            }

            void Both(Action<IClaimTable> change)
            {
                change(model);
                change(table);
            }
        }

        MemoryClaimTable Copy(MemoryClaimTable from)
        {
            var copy = new MemoryClaimTable();
            foreach (var row in from.All)
            {
                copy.Put(row);
            }

            foreach (var (name, at, amount) in from.Uses)
            {
                copy.Use(name, at, amount, long.MinValue);
            }

            return copy;
        }
    }

    [Fact]
    public async Task Of_a_transaction_that_fails_are_as_before_and_so_is_the_queue()
    {
        using var folder = new TempFolder();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default);
        var (holder, waiter, other) = (await store.StartAsync(), await store.StartAsync(), await store.StartAsync());
        Assert.True((await store.CommitAsync(holder, Moves.Intend(holder, At(1)))).IsCommitted);
        Assert.True((await store.CommitAsync(waiter, Moves.Queue(waiter, At(1)), Moves.Parked())).IsCommitted);
        Sql(folder, "CREATE TRIGGER full BEFORE INSERT ON limits BEGIN SELECT RAISE(ABORT, 'no room'); END");

        var limited = Moves.Intend(holder, At(2), new LimitUse("blocks", 1, 1, 1_000_000), "limited");
        await Assert.ThrowsAnyAsync<Exception>(async () => await store.CommitAsync(holder, Moves.NotApplied(holder), Moves.Intend(holder, At(3), step: "more"), limited));
        var claims = await store.ClaimsAsync(new ClaimQuery(), default);
        Assert.Equal([(holder, ClaimPhase.Hold, At(1)), (waiter, ClaimPhase.Queued, At(1))], claims.Select(r => (r.Run, r.Phase, r.Claim.Resource)));
        Assert.Equal(ClaimRefusal.Held, (await store.CommitAsync(other, Moves.Intend(other, At(1)))).Claims?.Code);
        Assert.True((await store.CommitAsync(other, Moves.Intend(other, At(3)))).IsCommitted);
        Assert.Equal(RunStatus.Waiting, (await store.FindAsync(waiter, default))!.Row.Status);

        Sql(folder, "DROP TRIGGER full");
        Assert.True((await store.CommitAsync(holder, Moves.NotApplied(holder), limited)).IsCommitted);
        Assert.Equal(RunStatus.Pending, (await store.FindAsync(waiter, default))!.Row.Status);
        await WholeJournal.CheckAsync(store);
    }

    [Fact]
    public async Task Can_be_made_in_a_store_that_was_written_before_there_were_any()
    {
        using var folder = new TempFolder();
        var options = new SqliteStoreOptions { Path = folder.File("store.db") };
        RunHead waiting;
        await using (var store = await SqliteRunStore.OpenAsync(options, default))
        {
            var run = (await store.DriveAsync()).Row.Run;
            waiting = (await store.CommitAsync(run, Moves.Wait("go"), Moves.Parked())).Head!;
        }

        Sql(folder, "DROP INDEX runs_erased; DROP INDEX payload_refs_of_run; ALTER TABLE runs DROP COLUMN erased; ALTER TABLE entries DROP COLUMN digest");
        Sql(folder, "DROP TABLE claims; DROP TABLE limits; ALTER TABLE waits DROP COLUMN approval; PRAGMA user_version = 2");
        Assert.Equal("store_older", (await Assert.ThrowsAsync<StoreRefusedException>(async () => await SqliteRunAccess.OpenAsync(options.Path))).Code);
        await using var newer = await SqliteRunStore.OpenAsync(options, default);
        Assert.Equal(waiting.Waits, (await newer.FindAsync(waiting.Row.Run, default))!.Waits);
        var other = await newer.StartAsync();
        Assert.True((await newer.CommitAsync(other, Moves.Intend(other, At(1)))).IsCommitted);
        Assert.Equal(ClaimRefusal.Held, (await newer.CommitAsync(waiting.Row.Run, Moves.Intend(waiting.Row.Run, At(1)))).Claims?.Code);
        await WholeJournal.CheckAsync(newer);
    }

    [Fact]
    public async Task Are_read_by_a_process_that_does_not_own_the_store()
    {
        using var folder = new TempFolder();
        var clock = new ManualClock();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db"), Clock = clock }, default);
        var run = await store.StartAsync();
        await store.CommitAsync(run, Moves.Queue(run, At(1), Microseconds.From(clock.GetUtcNow().AddHours(1))));
        await using var access = await SqliteRunAccess.OpenAsync(folder.File("store.db"), clock);
        Assert.Equal(run, Assert.Single(await access.Reader.ClaimsAsync(new ClaimQuery { Overlapping = [At(1)] }, default)).Run);
        clock.Advance(TimeSpan.FromHours(1));
        Assert.Empty(await access.Reader.ClaimsAsync(new ClaimQuery(), default));
    }

    private static SqliteConnection Open(TempFolder folder)
    {
        var paths = new StorePaths(folder.File("store.db"));
        StoreSchema.Create(paths);
        return StoreConnection.OpenToWrite(paths, paths.Database, create: false);
    }

    private static Resource At(int host) => Resource.Address(new([10, (byte)(host >> 16), (byte)(host >> 8), (byte)host]));

    private static void Put(SqliteConnection connection, ClaimTable table, IEnumerable<int> hosts)
    {
        StoreSchema.Execute(connection, "BEGIN IMMEDIATE");
        foreach (var host in hosts)
        {
            table.Put(new ClaimRow(new Claim(At(host), "block", ["allow"]), ClaimPhase.Standing, $"a-{host}", "block", new RunId($"r-{host}"), "", "act", host, host));
            table.Use($"l-{host}", host, 1, long.MinValue);
        }

        StoreSchema.Execute(connection, "COMMIT");
    }

    /// <summary>How many of SQLite's instructions it takes to ask all that an intent asks.</summary>
    private static long Questions(SqliteConnection connection, ClaimTable table, int host)
    {
        long instructions = 0;
        raw.sqlite3_progress_handler(
            connection.Handle!,
            1,
            _ =>
            {
                instructions++;
                return 0;
            },
            null);
        Assert.Single(table.Overlapping(At(host).Path));
        Assert.Single(table.Of($"a-{host}"));
        Assert.Single(table.OfRun(new RunId($"r-{host}")));
        Assert.Empty(table.Queued());
        Assert.Equal(1, table.Used($"l-{host}", host - 1));
        raw.sqlite3_progress_handler(connection.Handle!, 0, null, null);
        return instructions;
    }

    private static ClaimRow Row(string path, string action, SeededEntropy random) => new(
        new Claim(new Resource("n " + path, path), random.Below(2) == 0 ? "block" : "", random.Below(3) switch { 0 => null, 1 => [], _ => ["allow", "ä\"b"] }), (ClaimPhase)(1 + random.Below(4)), action, "do",
        new RunId("r-" + random.Below(3)), random.Below(2) == 0 ? "" : "scope", "step", random.Below(1_000_000), random.Below(9), random.Below(3), random.Below(2) == 0 ? null : random.Below(9), random.Below(2) == 0,
        random.Below(2) == 0, random.Below(2) == 0);

    private static IEnumerable<ClaimRow> Sorted(IEnumerable<ClaimRow> rows) => rows.OrderBy(r => r.Claim.Resource.Path, StringComparer.Ordinal).ThenBy(r => r.ActionId, StringComparer.Ordinal);

    private static List<string> Plan(SqliteConnection connection, string sql)
    {
        using var statement = new Statement(connection.Handle!, "EXPLAIN QUERY PLAN " + sql);
        return statement.Rows(row => row.Text(3)!);
    }

    private static void Sql(TempFolder folder, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={folder.File("store.db")};Pooling=False");
        connection.Open();
        StoreSchema.Execute(connection, sql);
    }
}
