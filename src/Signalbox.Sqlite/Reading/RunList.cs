using System.Globalization;
using System.Text;
using Microsoft.Data.Sqlite;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Reading;

/// <summary>Turns a <see cref="RunQuery"/> into a command. Values are always bound, never written into the text.</summary>
internal static class RunList
{
    private const int LimitMax = 10_000;

    // Keys are unique, and indexed, within a workflow: with the few names of workflows, from one to the next in the index, a key is found without reading the runs.
    private const string WorkflowsWithKeys = """
        WITH RECURSIVE w(name) AS (
            SELECT min(workflow) FROM runs WHERE key IS NOT NULL
            UNION ALL SELECT (SELECT min(workflow) FROM runs WHERE key IS NOT NULL AND workflow > w.name) FROM w WHERE w.name IS NOT NULL)
        SELECT name FROM w WHERE name IS NOT NULL
        """;

    public static SqliteCommand Command(SqliteConnection connection, RunQuery query)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Limit, LimitMax);
        var command = connection.CreateCommand();
        var sql = new StringBuilder($"SELECT {RunColumns.All} FROM runs r WHERE 1");
        Add(query.Workflow is not null, $"r.workflow = {Bind(query.Workflow)}");
        Add(query.Version is not null, $"r.version = {Bind(query.Version)}");
        Add(query.Statuses.Count > 0, $"r.status IN ({string.Join(", ", query.Statuses.Select(s => Bind(s.ToString())))})");
        Add(query.State is not null, $"r.state = {Bind(query.State)}");
        Add(!string.IsNullOrEmpty(query.IdPrefix), $"r.run >= {Bind(query.IdPrefix)} AND r.run < {Bind(query.IdPrefix)} || char(1114111)");
        Add(query.Key is not null, $"r.key = {Bind(query.Key)} AND r.workflow IN ({WorkflowsWithKeys})");
        Add(query.Since is not null, $"r.started_at >= {Bind(query.Since is { } since ? Microseconds.Ceiling(since) : null)}");
        Add(query.Until is not null, $"r.started_at < {Bind(query.Until is { } until ? Microseconds.Ceiling(until) : null)}");
        Add(query.ChangedSince is not null, $"r.changed_at >= {Bind(query.ChangedSince is { } changed ? Microseconds.Ceiling(changed) : null)}");
        Add(query.MicrosMin is not null, $"coalesce(json_extract(r.spent, '$.micros'), 0) >= {Bind(query.MicrosMin)}");
        Add(query.ChangedBefore is not null, $"r.changed_at < {Bind(query.ChangedBefore is { } before ? Microseconds.Ceiling(before) : null)}");
        Add(query.IsErased is not null, $"r.erased = {Bind(query.IsErased is true ? 1 : 0)}");
        Add(query.FingerprintIsNot is not null, $"r.fingerprint <> {Bind(query.FingerprintIsNot)}");
        Add(query.AsksAPerson, $"r.id IN (SELECT run FROM waits WHERE kind = '{nameof(WaitKind.Approval)}')");
        Add(query.After is not null, $"r.id < (SELECT id FROM runs WHERE run = {Bind(query.After?.Value)})");
        foreach (var (label, value) in query.Labels)
        {
            Add(true, $"EXISTS(SELECT 1 FROM json_each(r.labels) l WHERE l.key = {Bind(label)} AND l.value = {Bind(value)})");
        }

        sql.Append(CultureInfo.InvariantCulture, $" ORDER BY r.id DESC LIMIT {query.Limit}");
#pragma warning disable CA2100 // Put together from the texts above; what comes from outside is bound.
        command.CommandText = sql.ToString();
#pragma warning restore CA2100
        return command;

        void Add(bool given, string condition)
        {
            if (given)
            {
                sql.Append(" AND ").Append(condition);
            }
        }

        string Bind(object? value)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"${command.Parameters.Count}");
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
            return name;
        }
    }
}
