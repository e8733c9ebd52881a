using System.Collections.Immutable;
using Microsoft.Data.Sqlite;
using Signalbox.Sqlite.Writing;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Reading;

/// <summary>
/// Puts heads together from the tables, on one connection: a reader's or the writer's. Several queries make one head, so the caller holds a
/// transaction around them.
/// </summary>
internal sealed class HeadReader(SqliteConnection connection) : IDisposable
{
    private const string Rows = $"SELECT {RunColumns.All} FROM runs r ";

    private readonly SqliteCommand _byName = Command(connection, Rows + "WHERE r.run = $1", 1);
    private readonly SqliteCommand _byKey = Command(connection, Rows + "WHERE r.workflow = $1 AND r.key = $2", 2);
    private readonly SqliteCommand _waits = Command(connection, "SELECT scope, step, kind, name, due, seq, approval FROM waits WHERE run = $1 ORDER BY seq", 1);
    private readonly SqliteCommand _signals = Command(connection, "SELECT seq, name FROM signals WHERE run = $1 ORDER BY seq", 1);
    private readonly SqliteCommand _last = Command(connection, "SELECT seq, hash FROM entries WHERE run = $1 ORDER BY seq DESC LIMIT 1", 1);

    public StoredHead? Find(RunId run) => One(Bound(_byName, run.Value));

    public StoredHead? FindByKey(string workflow, string key)
    {
        _byKey.Parameters[1].Value = key;
        return One(Bound(_byKey, workflow));
    }

    /// <summary>The heads of the rows that a command gives, whose columns are <see cref="RunColumns.All"/>.</summary>
    public List<StoredHead> All(SqliteCommand command)
    {
        var rows = new List<(long Id, RunRow Row)>();
        using (var reader = command.ExecuteReader())
        {
            while (reader.Read())
            {
                rows.Add((reader.GetInt64(RunColumns.Id), RunColumns.Read(reader)));
            }
        }

        return rows.ConvertAll(r => new StoredHead(r.Id, Complete(r.Id, r.Row)));
    }

    public void Dispose()
    {
        _byName.Dispose();
        _byKey.Dispose();
        _waits.Dispose();
        _signals.Dispose();
        _last.Dispose();
    }

    private StoredHead? One(SqliteCommand command) => All(command) is [var head] ? head : null;

    private RunHead Complete(long id, RunRow row)
    {
        using var last = Bound(_last, id).ExecuteReader();
        if (!last.Read())
        {
            throw SqliteErrors.Damaged(connection.DataSource, what: $"run '{row.Run}' has a row but no entry");
        }

        return new RunHead { Row = row, Waits = Waits(id), Mailbox = Mailbox(id), Seq = last.GetInt64(0), Hash = last.GetFieldValue<byte[]>(1) };
    }

    private ImmutableArray<OpenWait> Waits(long id)
    {
        using var reader = Bound(_waits, id).ExecuteReader();
        var waits = ImmutableArray.CreateBuilder<OpenWait>();
        while (reader.Read())
        {
            waits.Add(new OpenWait(
                reader.GetString(0), reader.GetString(1), Enum.Parse<WaitKind>(reader.GetString(2)), reader.IsDBNull(3) ? null : reader.GetString(3), reader.IsDBNull(4) ? null : reader.GetInt64(4), reader.GetInt64(5),
                reader.IsDBNull(6) ? null : OpenApproval.FromJson(reader.GetString(6))));
        }

        return waits.DrainToImmutable();
    }

    private ImmutableArray<MailboxSignal> Mailbox(long id)
    {
        using var reader = Bound(_signals, id).ExecuteReader();
        var signals = ImmutableArray.CreateBuilder<MailboxSignal>();
        while (reader.Read())
        {
            signals.Add(new MailboxSignal(reader.GetInt64(0), reader.GetString(1)));
        }

        return signals.DrainToImmutable();
    }

    private static SqliteCommand Bound(SqliteCommand command, object value)
    {
        command.Parameters[0].Value = value;
        return command;
    }

    private static SqliteCommand Command(SqliteConnection connection, string sql, int parameters)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Every text is a constant of this file.
        command.CommandText = sql;
#pragma warning restore CA2100
        for (var i = 1; i <= parameters; i++)
        {
            command.Parameters.Add(new SqliteParameter { ParameterName = "$" + i });
        }

        return command;
    }
}
