using System.Collections.Immutable;
using SQLitePCL;
using Signalbox.Journal;
using Signalbox.Sqlite.Reading;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Writing;

/// <summary>Writes what <see cref="RunHead"/> makes of the entries: the row, the open waits, the mailbox; and of each only what changed.</summary>
internal sealed class RunTables(sqlite3 database) : IDisposable
{
    private readonly Statement _insert = new(database, """
        INSERT INTO runs(status, state, visit, visit_seq, reason_code, reason, epoch, worker, lease_seq, deaths, alone, deaths_alone, cancel_requested, changed_at, ready_at, spent,
          id, run, workflow, version, fingerprint, key, labels, parent, parent_step, started_at)
        VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26)
        """);

    private readonly Statement _update = new(database, """
        UPDATE runs SET status = ?1, state = ?2, visit = ?3, visit_seq = ?4, reason_code = ?5, reason = ?6, epoch = ?7, worker = ?8, lease_seq = ?9, deaths = ?10,
          alone = ?11, deaths_alone = ?12, cancel_requested = ?13, changed_at = ?14, ready_at = ?15, spent = ?16
        WHERE id = ?17
        """);

    private readonly Statement _openWait = new(database, "INSERT INTO waits(run, seq, kind, scope, step, name, due, approval) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    private readonly Statement _closeWait = new(database, "DELETE FROM waits WHERE run = ?1 AND seq = ?2");
    private readonly Statement _putSignal = new(database, "INSERT INTO signals(run, seq, name) VALUES(?1, ?2, ?3)");
    private readonly Statement _takeSignal = new(database, "DELETE FROM signals WHERE run = ?1 AND seq = ?2");
    private readonly Statement _lastId = new(database, "SELECT max(id) FROM runs");

    /// <summary>Writes the head after a commit; <paramref name="before"/> is null for a run's first.</summary>
    public StoredHead Write(StoredHead? before, RunHead after)
    {
        var id = before?.Id ?? (_lastId.Number() ?? 0) + 1;
        if (before is null)
        {
            Insert(id, after);
        }
        else if (!ReferenceEquals(before.Head.Row, after.Row) || before.Head.ReadyAt != after.ReadyAt)
        {
            BindChanging(_update, after).Bind(17, id).Run();
        }

        if (before?.Head.Waits != after.Waits)
        {
            WriteWaits(id, before?.Head.Waits ?? [], after.Waits);
        }

        if (before?.Head.Mailbox != after.Mailbox)
        {
            WriteMailbox(id, before?.Head.Mailbox ?? [], after.Mailbox);
        }

        return new StoredHead(id, after);
    }

    public void Dispose()
    {
        _insert.Dispose();
        _update.Dispose();
        _openWait.Dispose();
        _closeWait.Dispose();
        _putSignal.Dispose();
        _takeSignal.Dispose();
        _lastId.Dispose();
    }

    private void Insert(long id, RunHead head)
    {
        var row = head.Row;
        BindChanging(_insert, head)
            .Bind(17, id)
            .Bind(18, row.Run.Value)
            .Bind(19, row.Workflow)
            .Bind(20, row.Version)
            .Bind(21, row.Fingerprint)
            .Bind(22, row.Key)
            .Bind(23, RunColumns.Labels(row.Labels))
            .Bind(24, row.Parent?.Value)
            .Bind(25, row.ParentStep)
            .Bind(26, Microseconds.From(row.StartedAt))
            .Run();
    }

    private static Statement BindChanging(Statement statement, RunHead head)
    {
        var row = head.Row;
        return statement
            .Bind(1, row.Status.ToString())
            .Bind(2, row.State)
            .Bind(3, row.Visit)
            .Bind(4, row.VisitSeq)
            .Bind(5, row.ReasonCode)
            .Bind(6, row.Reason)
            .Bind(7, row.Epoch)
            .Bind(8, row.Worker)
            .Bind(9, row.LeaseSeq)
            .Bind(10, row.Deaths)
            .Bind(11, row.Alone ? 1 : 0)
            .Bind(12, row.DeathsAlone)
            .Bind(13, row.CancelRequested ? 1 : 0)
            .Bind(14, Microseconds.From(row.ChangedAt))
            .Bind(15, head.ReadyAt)
            .Bind(16, RunColumns.Spent(row.Spent));
    }

    private void WriteWaits(long id, ImmutableArray<OpenWait> before, ImmutableArray<OpenWait> after)
    {
        foreach (var wait in before.Where(w => !after.Contains(w)))
        {
            _closeWait.Bind(1, id).Bind(2, wait.Seq).Run();
        }

        foreach (var wait in after.Where(w => !before.Contains(w)))
        {
            _openWait.Bind(1, id).Bind(2, wait.Seq).Bind(3, wait.Kind.ToString()).Bind(4, wait.Scope).Bind(5, wait.Step).Bind(6, wait.Name).Bind(7, wait.Due).Bind(8, wait.Approval?.ToJson()).Run();
        }
    }

    private void WriteMailbox(long id, ImmutableArray<MailboxSignal> before, ImmutableArray<MailboxSignal> after)
    {
        foreach (var signal in before.Where(s => !after.Contains(s)))
        {
            _takeSignal.Bind(1, id).Bind(2, signal.Seq).Run();
        }

        foreach (var signal in after.Where(s => !before.Contains(s)))
        {
            _putSignal.Bind(1, id).Bind(2, signal.Seq).Bind(3, signal.Name).Run();
        }
    }
}
