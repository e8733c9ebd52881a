using Microsoft.Data.Sqlite;
using Signalbox.Journal;
using Signalbox.Sqlite;
using Signalbox.Storage;
using Signalbox.Testing;

namespace Signalbox.Store.Tests;

public sealed class Commits_in_SQLite
{
    [Fact]
    public async Task Of_one_run_on_its_own_are_carried_out_by_the_caller()
    {
        using var folder = new TempFolder();
        await using var store = await OpenAsync(folder);
        var run = await store.StartAsync();
        for (var i = 0; i < 50; i++)
        {
            var commit = store.CommitAsync(run, Moves.Step());
            Assert.True(commit.IsCompletedSuccessfully);
            Assert.True((await commit).IsCommitted);
        }
    }

    [Fact]
    public async Task That_come_while_one_is_being_written_share_the_next_transactions()
    {
        using var folder = new TempFolder();
        var clock = new GatedClock();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db"), Clock = clock, TakesCommands = false }, default);
        var before = store.Transactions;
        clock.Gate.Reset(); // a transaction asks for the time when it begins
        var first = Task.Run(() => store.StartAsync());
        Assert.True(SpinWait.SpinUntil(() => store.IsWriting, TimeSpan.FromSeconds(20)));
        var runs = Enumerable.Range(0, 3_000).Select(_ => store.StartAsync()).ToArray();
        clock.Gate.Set();
        await Task.WhenAll([first, .. runs]);

        var transactions = store.Transactions - before;
        TestContext.Current.TestOutputHelper?.WriteLine($"{runs.Length} commits in {transactions} transactions");
        Assert.InRange(transactions, 2, 5);
        await WholeJournal.CheckAsync(store);
    }

    private sealed class GatedClock : TimeProvider
    {
        public ManualResetEventSlim Gate { get; } = new(true);

        public override DateTimeOffset GetUtcNow()
        {
            Gate.Wait();
            return System.GetUtcNow();
        }
    }

    [Fact]
    public async Task Of_a_plain_step_touch_neither_row_nor_waits()
    {
        using var folder = new TempFolder();
        await using var store = await OpenAsync(folder);
        var lease = await store.DriveAsync();
        await store.CommitAsync(lease.Row.Run, Moves.Wait("go"));
        foreach (var (table, change) in new[] { "runs", "waits", "signals", "payloads", "payload_refs", "claims", "limits" }.SelectMany(t => new[] { (t, "INSERT"), (t, "UPDATE"), (t, "DELETE") }))
        {
            Sql(folder, $"CREATE TRIGGER {change}_{table} BEFORE {change} ON {table} BEGIN SELECT RAISE(ABORT, 'a plain step changes {table}'); END");
        }

        var before = (long)Sql(folder, "SELECT count(*) FROM entries")!;
        Assert.True((await store.CommitAsync(new Commit { Run = lease.Row.Run, Epoch = 1, Entries = [Moves.Step()] }, default)).IsCommitted);
        Assert.Equal(before + 1, Sql(folder, "SELECT count(*) FROM entries"));
    }

    [Fact]
    public async Task Accepted_before_closing_are_written_and_later_ones_refused()
    {
        using var folder = new TempFolder();
        var store = await OpenAsync(folder);
        var run = await store.StartAsync();
        var commits = Enumerable.Range(0, 200).Select(_ => Task.Run(async () => await store.CommitAsync(run, Moves.Step()))).ToArray();
        await Task.WhenAny(commits);
        await store.DisposeAsync();
        var outcomes = await Task.WhenAll(commits.Select(async c =>
        {
            try
            {
                return (await c).Entries[0].Seq;
            }
            catch (StoreUnavailableException e)
            {
                Assert.Equal("store_closed", e.Code);
                return -1;
            }
        }));

        Assert.Equal("store_closed", (await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.CommitAsync(run, Moves.Step()))).Code);
        Assert.Equal("store_closed", (await Assert.ThrowsAsync<StoreUnavailableException>(async () => await store.FindAsync(run, default))).Code);
        await using var again = await OpenAsync(folder);
        var kept = (await again.ReadAsync(run, 2, int.MaxValue, default)).Select(e => e.Seq);
        Assert.Equal(outcomes.Where(s => s >= 0).Order(), kept);
    }

    [Fact]
    public async Task That_wait_for_their_turn_can_be_canceled_and_are_then_not_written()
    {
        using var folder = new TempFolder();
        await using var store = await OpenAsync(folder);
        var run = await store.StartAsync();
        Task<CommitResult> first;
        using var canceling = new CancellationTokenSource();
        using (var foreign = new SqliteConnection($"Data Source={folder.File("store.db")};Pooling=False"))
        {
            // Another program's transaction keeps the writer at its beginning.
            foreign.Open();
            using var command = foreign.CreateCommand();
            command.CommandText = "BEGIN IMMEDIATE";
            command.ExecuteNonQuery();
            first = Task.Run(async () => await store.CommitAsync(run, Moves.Step("1")));
            ValueTask<CommitResult> second;
            do
            {
                second = store.IsWriting ? store.CommitAsync(new Commit { Run = run, Entries = [Moves.Step("2")] }, canceling.Token) : default;
            }
            while (second == default);

            await canceling.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await second);
        }

        Assert.True((await first).IsCommitted);
        Assert.Equal(3, (await store.ReadAsync(run, 0, 10, default)).Count);
    }

    [Fact]
    public async Task Whose_start_makes_no_sense_fail_alone()
    {
        using var folder = new TempFolder();
        await using var store = await OpenAsync(folder);
        var bad = new EntryDraft { Kind = EntryKinds.RunStarted, Body = "{}"u8.ToArray() };
        var commits = Enumerable.Range(0, 40).Select(i => Task.Run(async () =>
            (await Record.ExceptionAsync(async () => await store.CommitAsync(RunId.New(Entropy.System), i % 4 == 0 ? bad with { Body = "no json"u8.ToArray() } : Moves.Started()))) is null)).ToArray();
        Assert.Equal(30, (await Task.WhenAll(commits)).Count(ok => ok));
        Assert.Equal(30, (await store.ListAsync(new RunQuery(), default)).Count);
        await WholeJournal.CheckAsync(store);
    }

    [Fact]
    public async Task Are_told_to_other_subscribers_when_one_throws()
    {
        using var folder = new TempFolder();
        await using var store = await OpenAsync(folder);
        var told = new TaskCompletionSource<RunChange>();
        using var bad = store.Subscribe(_ => throw new InvalidOperationException("a subscriber's fault"));
        using var good = store.Subscribe(told.SetResult);
        var run = await store.StartAsync();
        Assert.Equal(run, (await told.Task.WaitAsync(TimeSpan.FromSeconds(20))).Run);
    }

    [Fact]
    public async Task By_an_earlier_owner_leave_no_lease_behind()
    {
        using var folder = new TempFolder();
        RunHead lease;
        await using (var store = await OpenAsync(folder))
        {
            lease = await store.DriveAsync();
        }

        await using var next = await OpenAsync(folder);
        await next.HeartbeatAsync("w-2", TimeSpan.FromHours(1), default);
        var taken = Assert.Single((await next.LeaseAsync(new LeaseRequest("w-2", [new("flow", 1)], 5, true), default)).Runs);
        Assert.Equal((lease.Row.Run, 2, "w-2"), (taken.Row.Run, taken.Row.Epoch, taken.Row.Worker));
    }

    [Fact]
    public async Task Of_a_parked_run_take_two_kilobytes_of_disk_at_most()
    {
        using var folder = new TempFolder();
        const int Runs = 2_000;
        await using (var store = await OpenAsync(folder))
        {
            await Task.WhenAll(Enumerable.Range(0, Runs).Select(_ => Task.Run(() => store.StartAsync())));
            await store.HeartbeatAsync("w-1", TimeSpan.FromHours(1), default);
            var leases = await store.LeaseAsync(new LeaseRequest("w-1", [new("flow", 1)], Runs, true), default);
            Assert.Equal(Runs, leases.Runs.Count);
            await Task.WhenAll(leases.Runs.Select(h => Task.Run(async () =>
                Assert.True((await store.CommitAsync(new Commit { Run = h.Row.Run, Epoch = 1, Entries = [Moves.Wait("go"), Moves.Parked()] }, default)).IsCommitted))));
        }

        var each = new FileInfo(folder.File("store.db")).Length / Runs;
        TestContext.Current.TestOutputHelper?.WriteLine($"{each} bytes each");
        Assert.InRange(each, 1, 2_048);
    }

    private static async Task<SqliteRunStore> OpenAsync(TempFolder folder) => await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = folder.File("store.db") }, default);

    private static object? Sql(TempFolder folder, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={folder.File("store.db")};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar();
    }
}
