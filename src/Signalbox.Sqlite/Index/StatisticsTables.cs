using System.Text.Json;
using Microsoft.Data.Sqlite;
using Signalbox.Queries;
using Signalbox.Sqlite.Writing;

namespace Signalbox.Sqlite.Index;

/// <summary>What runs came to, added up while the log is read: the tables of <see cref="StatisticsFold"/> in the index file.</summary>
internal sealed class StatisticsTables : IIndexPart
{
    public int Version => 2;

    public void CreateTables(SqliteConnection connection)
    {
        using var stream = typeof(StatisticsTables).Assembly.GetManifestResourceStream("Signalbox.Sqlite.Index.statistics.sql")!;
        using var reader = new StreamReader(stream);
        StoreSchema.Execute(connection, reader.ReadToEnd());
    }

    public void Add(IReadOnlyList<IndexedEntry> entries, SqliteTransaction transaction)
    {
        using var batch = new StatisticsBatch(transaction.Connection!);
        var fold = new StatisticsFold(batch);
        foreach (var (entry, _) in entries)
        {
            fold.Add(entry);
        }

        batch.Write();
    }

    /// <summary>The answer, on any connection to the index file, in its present snapshot. <paramref name="upTo"/> is the last entry that the index has.</summary>
    public static Statistics Read(SqliteConnection connection, StatisticsQuery query, DateTimeOffset now, long upTo) =>
        StatisticsSum.Of(new StatisticsRows(connection), query with { Until = query.Until ?? now }, upTo);
}

/// <summary>
/// What one batch of entries counts: gathered in memory, and written by <see cref="Write"/> before the batch's transaction commits. Knows nothing of earlier batches but what the tables say, so that a rollback or a
/// death leaves nothing behind.
/// </summary>
internal sealed class StatisticsBatch : IStatisticsTables, IDisposable
{
    private readonly Dictionary<RunId, RunMemory?> _runs = [];
    private readonly HashSet<RunId> _changed = [];
    private readonly Dictionary<CountKey, Tally> _counts = [];
    private readonly Dictionary<(string Workflow, string Figure, string Name), long> _series = [];
    private readonly List<Statement> _statements = [];
    private readonly Statement _findRun;
    private readonly Statement _keepRun;
    private readonly Statement _findSeries;
    private readonly Statement _addSeries;
    private readonly Statement _count;
    private readonly Statement _took;
    private readonly Statement _decided;
    private readonly Statement _judged;
    private readonly Statement _acted;

    public StatisticsBatch(SqliteConnection connection)
    {
        _findRun = Prepare("SELECT memory FROM stat_run WHERE run = ?1");
        _keepRun = Prepare("INSERT INTO stat_run (run, memory) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET memory = excluded.memory");
        _findSeries = Prepare("SELECT id FROM stat_series WHERE workflow = ?1 AND figure = ?2 AND name = ?3");
        _addSeries = Prepare("INSERT INTO stat_series (workflow, figure, name) VALUES (?1, ?2, ?3) RETURNING id");
        _count = Prepare("INSERT INTO stat_count (size, slot, series, sum) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET sum = sum + excluded.sum");
        _took = Prepare("INSERT INTO stat_latency (size, slot, series, sum, bin, max) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO UPDATE SET sum = sum + excluded.sum, max = max(max, excluded.max)");
        _decided = Prepare("INSERT OR REPLACE INTO stat_decision (run, decision, position, at, workflow, tier, confidence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
        _judged = Prepare("UPDATE stat_decision SET is_right = ?3 WHERE run = ?1 AND decision = ?2");
        _acted = Prepare("INSERT OR REPLACE INTO stat_action (run, action, at, workflow, outcome) VALUES (?1, ?2, ?3, ?4, ?5)");

        Statement Prepare(string sql)
        {
            var statement = new Statement(connection.Handle!, sql);
            _statements.Add(statement);
            return statement;
        }
    }

    public RunMemory? FindRun(RunId run)
    {
        if (!_runs.TryGetValue(run, out var memory))
        {
            memory = _findRun.Bind(1, run.Value).Text() is { } text ? JsonSerializer.Deserialize(text, RunMemoryJson.Default.RunMemory) : null;
            _runs.Add(run, memory);
        }

        return memory;
    }

    public void KeepRun(RunId run, RunMemory memory)
    {
        _runs[run] = memory;
        _changed.Add(run);
    }

    public void Count(CountKey key, Tally tally) => _counts[key] = _counts.GetValueOrDefault(key) + tally;

    public void Decided(DecisionFigure decision) =>
        _decided.Bind(1, decision.Run.Value).Bind(2, decision.Decision).Bind(3, decision.Position).Bind(4, decision.At).Bind(5, decision.Workflow).Bind(6, decision.Tier).Bind(7, decision.Confidence).Run();

    public void Judged(RunId run, string decision, bool isRight) => _judged.Bind(1, run.Value).Bind(2, decision).Bind(3, isRight ? 1L : 0L).Run();

    public void Acted(ActionFigure action) => _acted.Bind(1, action.Run.Value).Bind(2, action.Action).Bind(3, action.At).Bind(4, action.Workflow).Bind(5, action.Outcome).Run();

    public void Write()
    {
        foreach (var run in _changed)
        {
            _keepRun.Bind(1, run.Value).Bind(2, JsonSerializer.Serialize(_runs[run]!, RunMemoryJson.Default.RunMemory)).Run();
        }

        foreach (var (key, tally) in _counts)
        {
            var isLatency = key.Figure == Figures.Latency;
            var row = (isLatency ? _took : _count).Bind(1, (long)key.Size).Bind(2, key.Slot).Bind(3, SeriesOf(key)).Bind(4, tally.Sum);
            (isLatency ? row.Bind(5, (long)key.Bin).Bind(6, tally.Max) : row).Run();
        }
    }

    public void Dispose()
    {
        foreach (var statement in _statements)
        {
            statement.Dispose();
        }
    }

    private long SeriesOf(CountKey key)
    {
        var names = (key.Workflow, key.Figure, key.Name);
        if (!_series.TryGetValue(names, out var id))
        {
            id = Named(_findSeries).Number() ?? Named(_addSeries).Number()!.Value;
            _series.Add(names, id);
        }

        return id;

        Statement Named(Statement statement) => statement.Bind(1, key.Workflow).Bind(2, key.Figure).Bind(3, key.Name);
    }
}

/// <summary>Reads the tables of statistics over one connection. What it gives is of one moment if the connection is in a transaction.</summary>
internal sealed class StatisticsRows(SqliteConnection connection) : IStatisticsRows
{
    public (long First, long Last)? Span
    {
        get
        {
            using var span = new Statement(connection.Handle!, "SELECT (SELECT min(slot) FROM stat_count WHERE size = 1), (SELECT max(slot) FROM stat_count WHERE size = 1)");
            return span.Rows(row => (First: row.Number(0), Last: row.Number(1))) is [{ First: { } first, Last: { } last }] ? (first, last + Slots.Width(SlotSize.Minute)) : null;
        }
    }

    public IEnumerable<KeyValuePair<CountKey, Tally>> Counts(SlotSize size, long from, long until, string? workflow) =>
        Find("SELECT slot, series, 0, sum, 0 FROM stat_count WHERE size = ?1 AND slot >= ?2 AND slot < ?3", size, from, until, workflow);

    public IEnumerable<KeyValuePair<CountKey, Tally>> Latencies(SlotSize size, long from, long until, string? workflow) =>
        Find("SELECT ?2, series, bin, sum(sum), max(max) FROM stat_latency WHERE size = ?1 AND slot >= ?2 AND slot < ?3 GROUP BY series, bin", size, from, until, workflow);

    public IEnumerable<DecisionFigure> Decisions(long from, long until, string? workflow)
    {
        using var decisions = new Statement(
            connection.Handle!,
            "SELECT run, decision, position, at, workflow, tier, confidence, is_right FROM stat_decision WHERE is_right IS NOT NULL AND at >= ?1 AND at < ?2 AND (?3 IS NULL OR workflow = ?3) ORDER BY position");
        return decisions.Bind(1, from).Bind(2, until).Bind(3, workflow)
            .Rows(row => new DecisionFigure(new RunId(row.Text(0)!), row.Text(1)!, row.Number(2)!.Value, row.Number(3)!.Value, row.Text(4)!, row.Text(5)!, row.Real(6), row.Number(7) == 1));
    }

    public IEnumerable<NamedCount> Actions(long from, long until, string? workflow)
    {
        using var actions = new Statement(connection.Handle!, "SELECT outcome, count(*) FROM stat_action WHERE at >= ?1 AND at < ?2 AND (?3 IS NULL OR workflow = ?3) GROUP BY outcome");
        return actions.Bind(1, from).Bind(2, until).Bind(3, workflow).Rows(row => new NamedCount(row.Text(0)!, row.Number(1)!.Value));
    }

    private IEnumerable<KeyValuePair<CountKey, Tally>> Find(string sql, SlotSize size, long from, long until, string? workflow)
    {
        using var series = new Statement(connection.Handle!, "SELECT id, workflow, figure, name FROM stat_series WHERE ?1 IS NULL OR workflow = ?1");
        var names = series.Bind(1, workflow).Rows(row => (Id: row.Number(0)!.Value, Workflow: row.Text(1)!, Figure: row.Text(2)!, Name: row.Text(3)!)).ToDictionary(s => s.Id);
        using var counts = new Statement(connection.Handle!, sql);
        return counts.Bind(1, (long)size).Bind(2, from).Bind(3, until)
            .Rows(row => (Slot: row.Number(0)!.Value, Series: row.Number(1)!.Value, Bin: (int)row.Number(2)!.Value, Tally: new Tally(row.Number(3)!.Value, row.Number(4)!.Value)))
            .Where(row => names.ContainsKey(row.Series))
            .Select(row => names[row.Series] is var of ? KeyValuePair.Create(new CountKey(size, row.Slot, of.Workflow, of.Figure, of.Name, row.Bin), row.Tally) : default);
    }
}
