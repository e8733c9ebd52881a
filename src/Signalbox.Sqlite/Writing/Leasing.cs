using System.Collections.Frozen;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Signalbox.Journal;
using Signalbox.Sqlite.Payloads;
using Signalbox.Sqlite.Reading;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Writing;

/// <summary>
/// Gives runs to workers inside the writer's transaction: orphans first, then those that are ready, the longest ready first. Each question is
/// answered by an index over just the runs it is about, so that a hundred thousand waiting runs cost nothing.
/// </summary>
internal sealed class Leasing : IDisposable
{
    private static readonly FrozenDictionary<PayloadHash, PackedPayload> NoPayloads = FrozenDictionary<PayloadHash, PackedPayload>.Empty;

    private readonly JournalWriter _writer;
    private const int VisitAtHandMax = 50;
    private readonly EntryReader _entries;
    private List<IReadOnlyList<Entry>> _visits = [];
    private readonly WorkerLeases _workers;
    private readonly ILogger? _logger;
    private readonly SqliteCommand _drivers;
    private readonly SqliteCommand _driven;
    private readonly SqliteCommand _ready;
    private readonly SqliteCommand _next;

    public Leasing(JournalWriter writer, SqliteConnection connection, WorkerLeases workers, ILogger? logger)
    {
        _writer = writer;
        _entries = new EntryReader(connection);
        _workers = workers;
        _logger = logger;
        _drivers = connection.CreateCommand();
        _drivers.CommandText = """
            WITH RECURSIVE driver(worker) AS (
              SELECT min(worker) FROM runs WHERE worker IS NOT NULL
              UNION ALL
              SELECT (SELECT min(worker) FROM runs WHERE worker > driver.worker) FROM driver WHERE driver.worker IS NOT NULL)
            SELECT worker FROM driver WHERE worker IS NOT NULL
            """; // each worker once, by a seek in the index per worker, not a step per run
        _driven = connection.CreateCommand();
        _driven.CommandText = "SELECT id, run, workflow, version, deaths_alone + alone FROM runs WHERE worker = $worker ORDER BY id";
        _driven.Parameters.Add("$worker", SqliteType.Text);
        _ready = connection.CreateCommand();
        _ready.CommandText = "SELECT id, run, ready_at FROM runs WHERE workflow = $workflow AND version = $version AND ready_at <= $now ORDER BY ready_at, id LIMIT $max";
        _next = connection.CreateCommand();
        _next.CommandText = "SELECT min(ready_at) FROM runs WHERE workflow = $workflow AND version = $version AND ready_at > $now";
        foreach (var command in new[] { _ready, _next })
        {
            command.Parameters.Add("$workflow", SqliteType.Text);
            command.Parameters.Add("$version", SqliteType.Integer);
            command.Parameters.Add("$now", SqliteType.Integer);
        }

        _ready.Parameters.Add("$max", SqliteType.Integer);
    }

    public LeaseResult Lease(LeaseRequest request)
    {
        var given = new List<RunHead>();
        _visits = [];
        var aloneWaits = false;
        foreach (var run in Orphans(request.Workflows))
        {
            if (IsFull())
            {
                break;
            }

            aloneWaits |= !TryTakeOver(run, request, given);
        }

        foreach (var run in IsFull() || aloneWaits ? [] : Ready(request.Workflows, request.Max - given.Count))
        {
            if (IsFull())
            {
                break;
            }

            Attempt(run, head => Give(head, LeaseRules.Take(head, request.Worker), given));
        }

        return new LeaseResult(given, NextDue(request.Workflows), aloneWaits) { Visits = _visits };

        bool IsFull() => given.Count >= request.Max || given is [{ Row.Alone: true }];
    }

    public void Dispose()
    {
        _entries.Dispose();
        _drivers.Dispose();
        _driven.Dispose();
        _ready.Dispose();
        _next.Dispose();
    }

    private IEnumerable<RunId> Orphans(IReadOnlyCollection<WorkflowVersion> workflows)
    {
        var dead = new List<string>();
        using (var reader = _drivers.ExecuteReader())
        {
            while (reader.Read())
            {
                if (reader.GetString(0) is var worker && !_workers.IsAlive(worker))
                {
                    dead.Add(worker);
                }
            }
        }

        var orphans = new List<(long Id, RunId Run, int Suspicion)>();
        foreach (var worker in dead)
        {
            _driven.Parameters[0].Value = worker;
            using var reader = _driven.ExecuteReader();
            while (reader.Read())
            {
                if (workflows.Contains(new WorkflowVersion(reader.GetString(2), reader.GetInt32(3))))
                {
                    orphans.Add((reader.GetInt64(0), new RunId(reader.GetString(1)), reader.GetInt32(4)));
                }
            }
        }

        return orphans.OrderBy(o => o.Suspicion).ThenBy(o => o.Id).Select(o => o.Run); // LeaseRules.Suspicion
    }

    /// <summary>False: the run must be driven alone, and this worker cannot do that now.</summary>
    private bool TryTakeOver(RunId run, LeaseRequest request, List<RunHead> given)
    {
        var taken = true;
        Attempt(run, head =>
        {
            var since = _entries.Read(head.Row.Run, head.Row.LeaseSeq + 1, int.MaxValue);
            if (LeaseRules.TakeOver(head, since, request.Worker, request.Idle && given.Count == 0) is { } draft)
            {
                Give(head, draft, given);
            }
            else
            {
                taken = false;
            }
        });
        return taken;
    }

    private void Give(RunHead head, EntryDraft draft, List<RunHead> given)
    {
        var result = _writer.Append(new Commit { Run = head.Row.Run, Entries = [draft] }, NoPayloads);
        if (draft.Kind == EntryKinds.RunLeased)
        {
            given.Add(result.Head!);
            _visits.Add(AtHand(result.Head!));
        }
    }

    /// <summary>
    /// The visit of a run that is given, unless it is long: here it is a look into pages that are at hand, while a reader, whose cache every commit voids, has to fetch them.
    /// </summary>
    private List<Entry> AtHand(RunHead head)
    {
        var from = Math.Max(0, head.Row.VisitSeq - 1);
        return head.Seq - from < VisitAtHandMax ? _entries.Read(head.Row.Run, from, VisitAtHandMax) : [];
    }

    /// <summary>Passes over a run whose journal is damaged, so that it keeps nobody else from going on.</summary>
    private void Attempt(RunId run, Action<RunHead> lease)
    {
        try
        {
            lease(_writer.Find(run)!);
        }
        catch (JournalDamagedException e)
        {
            _logger?.LogError(e, "Run {Run} cannot be leased: its journal is damaged. Others go on.", e.Run);
        }
    }

    private IEnumerable<RunId> Ready(IReadOnlyCollection<WorkflowVersion> workflows, int max)
    {
        var ready = new List<(long At, long Id, RunId Run)>();
        foreach (var workflow in workflows)
        {
            _ready.Parameters[3].Value = max;
            using var reader = Of(_ready, workflow).ExecuteReader();
            while (reader.Read())
            {
                ready.Add((reader.GetInt64(2), reader.GetInt64(0), new RunId(reader.GetString(1))));
            }
        }

        return ready.OrderBy(r => r.At).ThenBy(r => r.Id).Take(max).Select(r => r.Run);
    }

    private DateTimeOffset? NextDue(IReadOnlyCollection<WorkflowVersion> workflows)
    {
        long? next = null;
        foreach (var workflow in workflows)
        {
            if (Of(_next, workflow).ExecuteScalar() is long due && !(next <= due))
            {
                next = due;
            }
        }

        return next is { } at ? Microseconds.ToTime(at) : null;
    }

    private SqliteCommand Of(SqliteCommand command, WorkflowVersion workflow)
    {
        command.Parameters[0].Value = workflow.Name;
        command.Parameters[1].Value = workflow.Version;
        command.Parameters[2].Value = _writer.Now;
        return command;
    }
}
