using System.Globalization;
using Signalbox.Journal;
using Signalbox.Search;
using Signalbox.Storage;

namespace Signalbox.Queries;

/// <summary>Looks at the store, its workers and the index, and says in plain words what to think of them.</summary>
internal static class SystemFold
{
    private const int RunsMax = 1_000;
    private const long LagMax = 10_000;

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_behindMax = TimeSpan.FromSeconds(30);

    public static async Task<SystemView> ReadAsync(IRunReader reader, TimeProvider clock, ISearchIndex? index, Redactor redactor, CancellationToken cancellationToken)
    {
        var store = reader is IStoreFacts facts ? await facts.FactsAsync(cancellationToken) : null;
        var status = index is null ? null : await index.StatusAsync(cancellationToken);
        var running = await reader.ListAsync(new RunQuery { Statuses = [RunStatus.Running], Limit = RunsMax }, cancellationToken);
        var now = clock.GetUtcNow();
        var driven = running.Where(h => h.Row.Worker is not null).ToLookup(h => h.Row.Worker!, h => h.Row);
        IReadOnlyList<WorkerView> workers =
        [
            .. driven.Select(d => d.Key).Concat(store?.Workers?.Keys ?? []).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).Select(name =>
            {
                DateTimeOffset? until = store?.Workers is { } alive && alive.TryGetValue(name, out var u) ? u : null;
                return new WorkerView(name, until, store?.Workers is null ? null : until > now, [.. driven[name].Select(redactor.Row)]);
            }),
        ];
        return new SystemView
        {
            At = now,
            Store = store,
            Index = status,
            Workers = workers,
            Verdicts = [OfStore(store), OfWorkers(workers, store), OfRuns(store, now), OfIndex(status), OfDefinitions(store)],
        };
    }

    private static Verdict OfStore(StoreFacts? store) => store switch
    {
        null => new("store", Health.Good, "The store can be read; it says nothing more of itself."),
        { Schema: { } schema, SchemaNewest: { } newest } when schema < newest => new("store", Health.Attention, $"The store has schema {Number(schema)}, and this program knows {Number(newest)}: the program that owns it is older."),
        { NeedsOwner: true, Owner: null } => new("store", Health.Attention, "The store can be read, but no process owns it: nothing is driven. Start the program that runs the workflows."),
        { Owner: { } owner } => new("store", Health.Good, $"The store can be read, and is written by {owner}."),
        _ => new("store", Health.Good, "The store can be read."),
    };

    private static Verdict OfWorkers(IReadOnlyList<WorkerView> workers, StoreFacts? store)
    {
        var dead = workers.Where(w => w.IsAlive == false && w.Runs.Count > 0).ToList();
        var alive = workers.Count(w => w.IsAlive == true);
        var runs = workers.Sum(w => w.Runs.Count);
        return workers switch
        {
            _ when dead.Count > 0 => new("workers", Health.Bad, $"{Count(dead.Count, "worker gives", "workers give")} no sign of life and {(dead.Count == 1 ? "has" : "have")} {Count(dead.Sum(w => w.Runs.Count), "run", "runs")}: another worker takes them over, if there is one."),
            _ when alive > 0 => new("workers", Health.Good, $"{Count(alive, "worker is", "workers are")} alive; {Count(runs, "run is", "runs are")} driven just now."),
            _ when store?.Workers is not null => new("workers", Health.Attention, "No worker is alive: nothing is driven. Start the program that runs the workflows."),
            [] => new("workers", Health.Good, "No worker drives anything just now."),
            _ => new("workers", Health.Good, $"{Count(runs, "run is", "runs are")} driven just now, by {Count(workers.Count, "worker", "workers")}. Whether they are alive is known to the process that owns the store alone."),
        };
    }

    private static Verdict OfRuns(StoreFacts? store, DateTimeOffset now)
    {
        if (store is null)
        {
            return new("runs", Health.Good, "How many runs there are is not known.");
        }

        var held = store.Runs.GetValueOrDefault(RunStatus.Held);
        var wait = store.ReadySince is { } since ? now - Microseconds.ToTime(since) : TimeSpan.Zero;
        return (wait > s_patience, held) switch
        {
            (true, _) => new("runs", Health.Bad, $"A run that could go on has waited for {Durations.Text(wait)} and no worker takes it: none knows its workflow's version, all are busy, or none is there.{(held > 0 ? $" {Count(held, "run is", "runs are")} held as well." : "")}"),
            (_, > 0) => new("runs", Health.Attention, $"{Count(held, "run is", "runs are")} held and {(held == 1 ? "needs" : "need")} an operator."),
            _ => new("runs", Health.Good, "Nothing waits for a worker for long, and no run is held."),
        };
    }

    private static Verdict OfIndex(IndexStatus? index) => index switch
    {
        null => new("index", Health.Attention, "There is no search index: search and statistics are not to be had."),
        { Trouble: { Length: > 0 } trouble } => new("index", Health.Bad, $"The search index has trouble: {trouble}"),
        { IsFed: false, Lag: > 0 } => new("index", Health.Attention, $"Nobody feeds the search index; it lacks {Count(index.Lag, "entry", "entries")}."),
        _ when index.Lag > LagMax || index.Behind > s_behindMax => new("index", Health.Attention, $"The search index is {Durations.Text(index.Behind)} behind the log ({Count(index.Lag, "entry", "entries")})."),
        { Lag: > 0 } => new("index", Health.Good, $"The search index is {Count(index.Lag, "entry", "entries")} behind the log, and follows it."),
        _ => new("index", Health.Good, "The search index has every entry."),
    };

    private static Verdict OfDefinitions(StoreFacts? store)
    {
        var twice = (store?.Definitions ?? []).Where(d => d.Open > 0).GroupBy(d => d.Workflow).Where(g => g.Count() > 1).Select(g => g.Key.ToString()).ToList();
        return twice.Count > 0
            ? new("workflows", Health.Bad, $"Open runs of one version go by different definitions: {string.Join(", ", twice)}. A program with either refuses to start until the others have ended; give changed workflows a new version.")
            : new("workflows", Health.Good, store is null ? "Which definitions there are is not known." : $"{Count(store.Definitions.Count, "definition has", "definitions have")} runs; the open ones of each version go by one definition.");
    }

    private static string Count(long count, string one, string many) => $"{Number(count)} {(count == 1 ? one : many)}";

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
