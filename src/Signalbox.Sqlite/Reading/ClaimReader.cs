using System.Globalization;
using System.Text;
using System.Text.Json;
using SQLitePCL;
using Signalbox.Sqlite.Writing;

namespace Signalbox.Sqlite.Reading;

/// <summary>
/// Reads claims and limits, on one connection: a reader's or the writer's. Every question but that for a list is answered by seeks in an index, so that claims elsewhere cost nothing, however many stand.
/// </summary>
internal sealed class ClaimReader(sqlite3 database) : IDisposable
{
    internal const string WithinSql = $"SELECT {Columns} FROM claims WHERE path >= ?1 AND path < ?2";
    internal const string AtOrBeforeSql = "SELECT path FROM claims WHERE path <= ?1 ORDER BY path DESC LIMIT 1";
    internal const string AtSql = $"SELECT {Columns} FROM claims WHERE path = ?1";
    internal const string OfActionSql = $"SELECT {Columns} FROM claims WHERE action_id = ?1";
    internal const string OfRunSql = $"SELECT {Columns} FROM claims WHERE run = ?1";
    internal const string QueuedSql = $"SELECT {Columns} FROM claims WHERE phase = '{nameof(ClaimPhase.Queued)}' ORDER BY position, path";
    internal const string UsedSql = "SELECT sum(amount) FROM limits WHERE name = ?1 AND at > ?2";

    private const int LimitMax = 10_000;
    private const string Columns = "path, action_id, resource, intent, against, phase, action, run, scope, step, position, at, priority, until, made, undo, told";

    private readonly Statement _within = new(database, WithinSql);
    private readonly Statement _atOrBefore = new(database, AtOrBeforeSql);
    private readonly Statement _at = new(database, AtSql);
    private readonly Statement _ofAction = new(database, OfActionSql);
    private readonly Statement _ofRun = new(database, OfRunSql);
    private readonly Statement _queued = new(database, QueuedSql);
    private readonly Statement _used = new(database, UsedSql);

    public List<ClaimRow> Overlapping(string path)
    {
        var found = BindWithin(_within, 1, path).Rows(Read);

        // What begins the path: from the longest on, each time the last path in the order that can still be one. A path there that is none says how much of it they may have in common.
        for (var length = path.Length - 1; length > 0;)
        {
            if (_atOrBefore.Bind(1, path[..length]).Text() is not { } above)
            {
                break;
            }

            var common = path.AsSpan().CommonPrefixLength(above);
            if (common == above.Length)
            {
                found.AddRange(_at.Bind(1, above).Rows(Read));
                common--;
            }

            length = Math.Min(common, length - 1);
        }

        return found;
    }

    public List<ClaimRow> OfAction(string actionId) => _ofAction.Bind(1, actionId).Rows(Read);

    public List<ClaimRow> OfRun(RunId run) => _ofRun.Bind(1, run.Value).Rows(Read);

    public List<ClaimRow> Queued() => _queued.Rows(Read);

    public long Used(string limit, long after) => _used.Bind(1, limit).Bind(2, after).Number() ?? 0;

    /// <summary>The claims that match and count at <paramref name="now"/>, or at the time of the last entry if that is later.</summary>
    public List<ClaimRow> List(ClaimQuery query, long now)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(query.Limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(query.Limit, LimitMax);
        using var statement = new Statement(database, ListSql(query));
        var next = 1;
        foreach (var resource in query.Overlapping ?? [])
        {
            BindWithin(statement, next, resource.Path).Bind(next + 2, Beginnings(resource.Path));
            next += 3;
        }

        if (query.Run is { } run)
        {
            statement.Bind(next++, run.Value);
        }

        foreach (var phase in query.Phases)
        {
            statement.Bind(next++, phase.ToString());
        }

        if (query.After is { } after)
        {
            statement.Bind(next++, after);
        }

        if (!query.WithExpired)
        {
            statement.Bind(next, now);
        }

        return statement.Rows(Read, (rows, row) => rows.Count < query.Limit || row.Position == rows[^1].Position);
    }

    public void Dispose()
    {
        _within.Dispose();
        _atOrBefore.Dispose();
        _at.Dispose();
        _ofAction.Dispose();
        _ofRun.Dispose();
        _queued.Dispose();
        _used.Dispose();
    }

    /// <summary>Values are bound, never written into the text.</summary>
    internal static string ListSql(ClaimQuery query)
    {
        var next = 0;
        var sql = new StringBuilder($"SELECT {Columns} FROM ");
        if (query.Overlapping is { Count: > 0 } resources)
        {
            // Each resource by its own seeks: an OR of more than a few is answered by reading all there are.
            var found = resources.Select(_ =>
                $"SELECT path, action_id FROM claims WHERE path >= {Next()} AND path < {Next()} UNION SELECT path, action_id FROM claims WHERE path IN (SELECT value FROM json_each({Next()}))");
            sql.Append(CultureInfo.InvariantCulture, $"({string.Join(" UNION ", found)}) CROSS JOIN claims USING (path, action_id) WHERE 1");
        }
        else
        {
            sql.Append(query.Overlapping is null ? "claims WHERE 1" : "claims WHERE 0");
        }

        if (query.Run is not null)
        {
            sql.Append(CultureInfo.InvariantCulture, $" AND run = {Next()}");
        }

        if (query.Phases.Count > 0)
        {
            sql.Append(CultureInfo.InvariantCulture, $" AND phase IN ({string.Join(", ", query.Phases.Select(_ => Next()))})");
        }

        if (query.After is not null)
        {
            sql.Append(CultureInfo.InvariantCulture, $" AND position > {Next()}");
        }

        if (!query.WithExpired)
        {
            sql.Append(CultureInfo.InvariantCulture, $" AND (phase = '{nameof(ClaimPhase.Hold)}' OR until IS NULL OR until > max({Next()}, (SELECT at FROM entries ORDER BY position DESC LIMIT 1)))");
        }

        return sql.Append(" ORDER BY position, path").ToString();

        string Next() => string.Create(CultureInfo.InvariantCulture, $"?{++next}");
    }

    /// <summary>The bounds of what begins with the path. No text of UTF-8 has the byte 255, which is behind all that it has.</summary>
    private static Statement BindWithin(Statement statement, int index, string path)
    {
        Span<byte> bound = [.. Encoding.UTF8.GetBytes(path), 255];
        return statement.BindText(index, bound[..^1]).BindText(index + 1, bound);
    }

    private static string Beginnings(string path) => JsonSerializer.Serialize([.. Enumerable.Range(1, path.Length - 1).Select(length => path[..length])], ColumnsJson.Default.StringArray);

    private static ClaimRow Read(Statement row) => new(
        new Claim(new Resource(row.Text(2)!, row.Text(0)!), row.Text(3)!, row.Text(4) is { } against ? JsonSerializer.Deserialize(against, ColumnsJson.Default.StringArray) : null),
        Enum.Parse<ClaimPhase>(row.Text(5)!),
        row.Text(1)!,
        row.Text(6)!,
        new RunId(row.Text(7)!),
        row.Text(8)!,
        row.Text(9)!,
        row.Number(10)!.Value,
        row.Number(11)!.Value,
        (int)row.Number(12)!.Value,
        row.Number(13),
        row.Number(14) == 1,
        row.Number(15) == 1,
        row.Number(16) == 1);
}
