using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Sqlite.Index;
using Signalbox.Tests.Queries;

namespace Signalbox.Store.Tests;

public sealed class Statistics_in_tables : IDisposable
{
    private readonly TempFolder _folder = new();

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 12)];

    public void Dispose() => _folder.Dispose();

    /// <summary>Batches of any size, some of which are rolled back or cut off by the loss of the connection: what the tables say at the end is what one pass in memory says.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Are_those_of_one_pass_however_the_log_was_cut_into_batches(int seed)
    {
        var random = new Random(seed);
        var log = RandomLog(random, entries: 1_500);
        var file = _folder.File("index");
        var part = new StatisticsTables();
        var connection = Open(file);
        part.CreateTables(connection);

        for (var fed = 0; fed < log.Count;)
        {
            var batch = log.Skip(fed).Take(random.Next(1, 90)).ToList();
            var transaction = connection.BeginTransaction();
            part.Add([.. batch.Select(e => new IndexedEntry(e, RunFacts.Unknown))], transaction);
            switch (random.Next(6))
            {
                case 0:
                    transaction.Rollback();
                    break;
                case 1:
                    connection.Dispose(); // in the middle of the transaction
                    (connection, part) = (Open(file), new StatisticsTables());
                    break;
                default:
                    transaction.Commit();
                    fed += batch.Count;
                    break;
            }

            transaction.Dispose();
        }

        foreach (var query in Queries(random, log))
        {
            Assert.Equal(Text(OnePass(log, query)), Text(StatisticsTables.Read(connection, query, DateTimeOffset.UnixEpoch, log.Count)));
        }

        connection.Dispose();
    }

    /// <summary>A day of the middle is one slot. Minute by minute it comes to the same, whatever the time and its stretches.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void Are_the_same_by_days_and_hours_as_minute_by_minute(int seed)
    {
        var random = new Random(seed);
        var tables = new MemoryStatisticsTables();
        var fold = new StatisticsFold(tables);
        var log = RandomLog(random, entries: 1_500, longest: 20_000);
        foreach (var entry in log)
        {
            fold.Add(entry);
        }

        for (var i = 0; i < 40; i++)
        {
            var begin = random.NextInt64(log[0].At, log[^1].At);
            var length = (long)(TimeSpan.FromDays(Math.Pow(10, (random.NextDouble() * 4) - 2)).TotalMicroseconds); // a quarter of an hour to a hundred days
            var query = new StatisticsQuery { Since = Microseconds.ToTime(begin), Until = Microseconds.ToTime(begin + length), Workflow = random.Next(2) == 0 ? "door" : null, Buckets = random.Next(3) == 0 ? 1 : random.Next(1, 500) };

            Assert.Equal(Text(StatisticsSum.Of(new MinuteByMinute(tables), query, log.Count)), Text(StatisticsSum.Of(tables, query, log.Count)));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(24)] // the API's
    [InlineData(60)] // the dashboard's
    public void Of_thirty_days_are_read_from_few_slots(int buckets)
    {
        var read = new MinuteByMinute(new MemoryStatisticsTables());
        var until = new DateTimeOffset(2026, 3, 4, 9, 30, 0, TimeSpan.Zero);

        StatisticsSum.Of(read, new StatisticsQuery { Since = until.AddDays(-30), Until = until, Buckets = buckets }, 0);

        Assert.Equal(29 + 15 + 10, read.Slots); // the days between, and the hours of the first and of the last
    }

    [Fact]
    public void Of_an_empty_log_are_empty()
    {
        using var connection = Open(_folder.File("index"));
        new StatisticsTables().CreateTables(connection);

        var none = StatisticsTables.Read(connection, new StatisticsQuery(), DateTimeOffset.UnixEpoch, 0);

        Assert.Equal((0, 0, null), (none.Started, none.Buckets.Count, none.Autonomy));
    }

    private static Statistics OnePass(IReadOnlyList<Entry> log, StatisticsQuery query)
    {
        var tables = new MemoryStatisticsTables();
        var fold = new StatisticsFold(tables);
        foreach (var entry in log)
        {
            fold.Add(entry);
        }

        return StatisticsSum.Of(tables, query, log.Count);
    }

    private static string Text(Statistics statistics) => JsonSerializer.Serialize(statistics with
    {
        // Dictionaries have no order.
        Ended = statistics.Ended.OrderBy(e => e.Key).ToDictionary(),
        Buckets = [.. statistics.Buckets.Select(b => b with { Stood = b.Stood.OrderBy(s => s.Key, StringComparer.Ordinal).ToDictionary(), Escalations = b.Escalations.OrderBy(s => s.Key, StringComparer.Ordinal).ToDictionary() })],
    });

    private static IEnumerable<StatisticsQuery> Queries(Random random, IReadOnlyList<Entry> log)
    {
        var (first, last) = (log[0].At, log[^1].At);
        yield return new StatisticsQuery { Until = Microseconds.ToTime(last) };
        yield return new StatisticsQuery { Until = Microseconds.ToTime(last), Workflow = "window", Buckets = 1 };
        for (var i = 0; i < 10; i++)
        {
            var (a, b) = (random.NextInt64(first, last), random.NextInt64(first, last));
            yield return new StatisticsQuery { Since = Microseconds.ToTime(Math.Min(a, b)), Until = Microseconds.ToTime(Math.Max(a, b)), Workflow = random.Next(2) == 0 ? "door" : null, Buckets = random.Next(1, 60) };
        }
    }

    /// <summary>Entries in an order that the engine might well write, and in some that it would not.</summary>
    private static IReadOnlyList<Entry> RandomLog(Random random, int entries, double? longest = null)
    {
        var log = new MadeUpLog();
        longest ??= Math.Pow(10, random.Next(1, 5)); // seconds between entries: minutes, hours and days in all
        var runs = new List<RunId>();
        while (log.Entries.Count < entries)
        {
            log.Wait(TimeSpan.FromSeconds(random.NextDouble() * longest.Value));
            if (runs.Count == 0 || random.Next(10) == 0)
            {
                runs.Add(log.Start(string.Create(CultureInfo.InvariantCulture, $"r-{runs.Count}"), Pick("door", "window", "Tür")));
                continue;
            }

            var run = runs[random.Next(Math.Max(0, runs.Count - 8), runs.Count)];
            var (tier, number) = (Pick("fast", "strong"), string.Create(CultureInfo.InvariantCulture, $"{random.Next(6)}"));
            switch (random.Next(16))
            {
                case 0:
                    log.Add(run, EntryKinds.RunCompleted);
                    break;
                case 1:
                    log.Add(run, EntryKinds.RunFailed, new Trouble(Pick(TroubleCodes.EndedWithoutSuccess, "handler_failed"), "why"));
                    break;
                case 2:
                    log.Add(run, Pick(EntryKinds.RunRetried, EntryKinds.RunCanceled, EntryKinds.StateEntered));
                    break;
                case 3:
                    log.Add(run, EntryKinds.RunHeld, new Trouble("quarantined", "why"));
                    break;
                case 4:
                    log.Add(run, EntryKinds.ApprovalRequested, new ApprovalRequested("Open?", ["yes"], null, null, null), step: number);
                    break;
                case 5:
                    log.Add(run, EntryKinds.ApprovalAnswered, new ApprovalAnswered("yes"), step: number);
                    break;
                case 6 or 7:
                    log.Decide(run, number, tier, random.NextDouble(), random.Next(2) == 0);
                    break;
                case 8:
                    log.Judge(run, number, random.Next(2) == 0);
                    break;
                case 9:
                    log.Climb(run, Pick(EscalationReasons.Budget, EscalationReasons.Policy), tier, Pick("strong", "person"));
                    break;
                case 10:
                    log.Add(run, EntryKinds.BudgetReserved, new BudgetReserved("analyst", Pick("m-1", "m-2"), new Spending { Calls = 1, Micros = 500 }), scope: $"analyst/{tier}");
                    break;
                case 11:
                    log.Add(
                        run, EntryKinds.StepCompleted,
                        new StepCompleted(null, MadeUpLog.Json("1"), random.Next(3_000_000), Type: "model", Settlement: new Settlement(new Spending { Calls = 1, Micros = 500 }, new Spending { Calls = 1, Micros = random.Next(400) })),
                        scope: $"analyst/{tier}", step: "model/-/1");
                    break;
                case 12:
                    log.Add(run, Pick(EntryKinds.StepFailed, EntryKinds.StepAttemptFailed), new StepFailed(Pick("timed_out", "failed"), "why", null, random.Next(9_000), 1, Pick("evidence", "tool")), step: "logins/-/1");
                    break;
                case 13:
                    log.Add(run, EntryKinds.ToolRejected, new ToolRejected("analyst", tier, 1, "c-1", "x", null, Pick(RejectionCodes.UnknownTool, RejectionCodes.BadArguments), "no"), scope: $"analyst/{tier}");
                    break;
                case 14:
                    log.Add(run, EntryKinds.ActionIntended, new ActionIntended(number, "block", MadeUpLog.Json("{}"), "", "T3"));
                    break;
                default:
                    log.Add(run, Pick(EntryKinds.ActionVerified, EntryKinds.ActionUnknown, EntryKinds.ActionRefused, EntryKinds.ActionDiverged), new ActionObserved(number, "block", null, null, Undo: random.Next(5) == 0));
                    break;
            }
        }

        return log.Entries;

        string Pick(params string[] of) => of[random.Next(of.Length)];
    }

    private static SqliteConnection Open(string file)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = file, Pooling = false }.ToString());
        connection.Open();
        return connection;
    }

    /// <summary>Gives the minutes of whatever slots it is asked for, and counts those.</summary>
    private sealed class MinuteByMinute(MemoryStatisticsTables tables) : IStatisticsRows
    {
        public long Slots { get; private set; }

        public (long First, long Last)? Span => tables.Span;

        public IEnumerable<KeyValuePair<CountKey, Tally>> Counts(SlotSize size, long from, long until, string? workflow)
        {
            Slots += (until - from) / Signalbox.Queries.Slots.Width(size);
            return tables.Counts(SlotSize.Minute, from, until, workflow);
        }

        public IEnumerable<KeyValuePair<CountKey, Tally>> Latencies(SlotSize size, long from, long until, string? workflow) => tables.Latencies(SlotSize.Minute, from, until, workflow);

        public IEnumerable<DecisionFigure> Decisions(long from, long until, string? workflow) => tables.Decisions(from, until, workflow);

        public IEnumerable<NamedCount> Actions(long from, long until, string? workflow) => tables.Actions(from, until, workflow);
    }
}
