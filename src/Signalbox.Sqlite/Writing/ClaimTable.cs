using System.Text.Json;
using SQLitePCL;
using Signalbox.Sqlite.Reading;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Writing;

/// <summary>The claims and limits as the open transaction sees them. Keeps nothing in memory: what is rolled back is forgotten.</summary>
internal sealed class ClaimTable(sqlite3 database) : IClaimTable, IDisposable
{
    private readonly ClaimReader _reader = new(database);
    private readonly Statement _put = new(database, "REPLACE INTO claims VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)");
    private readonly Statement _remove = new(database, "DELETE FROM claims WHERE path = ?1 AND action_id = ?2");
    private readonly Statement _forget = new(database, "DELETE FROM limits WHERE name = ?1 AND at <= ?2");
    private readonly Statement _use = new(database, "INSERT INTO limits VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET amount = amount + excluded.amount");

    public IReadOnlyList<ClaimRow> Overlapping(string path) => _reader.Overlapping(path);

    public IReadOnlyList<ClaimRow> Of(string actionId) => _reader.OfAction(actionId);

    public IReadOnlyList<ClaimRow> OfRun(RunId run) => _reader.OfRun(run);

    public IReadOnlyList<ClaimRow> Queued() => _reader.Queued();

    public void Put(ClaimRow row) => _put
        .Bind(1, row.Claim.Resource.Path)
        .Bind(2, row.ActionId)
        .Bind(3, row.Claim.Resource.Name)
        .Bind(4, row.Claim.Intent)
        .Bind(5, row.Claim.Against is { } against ? JsonSerializer.Serialize([.. against], ColumnsJson.Default.StringArray) : null)
        .Bind(6, row.Phase.ToString())
        .Bind(7, row.Action)
        .Bind(8, row.Run.Value)
        .Bind(9, row.Scope)
        .Bind(10, row.Step)
        .Bind(11, row.Position)
        .Bind(12, row.At)
        .Bind(13, row.Priority)
        .Bind(14, row.Until)
        .Bind(15, row.Made ? 1 : 0)
        .Bind(16, row.Undo ? 1 : 0)
        .Bind(17, row.Told ? 1 : 0)
        .Run();

    public void Remove(ClaimRow row) => _remove.Bind(1, row.Claim.Resource.Path).Bind(2, row.ActionId).Run();

    public long Used(string limit, long after) => _reader.Used(limit, after);

    public void Use(string limit, long at, long amount, long forget)
    {
        _forget.Bind(1, limit).Bind(2, forget).Run();
        _use.Bind(1, limit).Bind(2, at).Bind(3, amount).Run();
    }

    public void Dispose()
    {
        _reader.Dispose();
        _put.Dispose();
        _remove.Dispose();
        _forget.Dispose();
        _use.Dispose();
    }
}
