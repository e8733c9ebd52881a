using SQLitePCL;
using Signalbox.Journal;
using Signalbox.Sqlite.Writing;

namespace Signalbox.Sqlite.Payloads;

/// <summary>Stores payloads once and notes which entry refers to them.</summary>
internal sealed class PayloadTable(sqlite3 database, PayloadFiles files, KnownPayloads known) : IDisposable
{
    private readonly Statement _find = new(database, "SELECT id FROM payloads WHERE hash = ?1");
    private readonly Statement _lastId = new(database, "SELECT max(id) FROM payloads");
    private readonly Statement _insert = new(database, "INSERT INTO payloads(id, hash, length, form, bytes) VALUES(?1, ?2, ?3, ?4, ?5)");
    private readonly Statement _refer = new(database, "INSERT OR IGNORE INTO payload_refs(payload, run, seq) VALUES(?1, ?2, ?3)");
    private readonly List<(PayloadHash Hash, long Id)> _met = [];

    public void Refer(long run, long seq, Payload payload, IReadOnlyDictionary<PayloadHash, PackedPayload> packed)
    {
        if (!known.TryGet(payload.Hash, out var id))
        {
            id = Store(payload, packed);
            _met.Add((payload.Hash, id));
        }

        _refer.Bind(1, id).Bind(2, run).Bind(3, seq).Run();
    }

    public void Commit()
    {
        foreach (var (hash, id) in _met)
        {
            known.Add(hash, id);
        }

        _met.Clear();
    }

    public void Rollback() => _met.Clear();

    public void Dispose()
    {
        _find.Dispose();
        _lastId.Dispose();
        _insert.Dispose();
        _refer.Dispose();
    }

    private long Store(Payload payload, IReadOnlyDictionary<PayloadHash, PackedPayload> packed)
    {
        var hash = Convert.FromHexString(payload.Hash.Value);
        if (_find.BindBlob(1, hash).Number() is { } existing)
        {
            return existing;
        }

        if (!packed.TryGetValue(payload.Hash, out var pack))
        {
            pack = PackedPayload.Of(payload);
        }

        // It was written before the turn to write came; meanwhile an erasure may have deleted a file of the same content.
        if (pack.BelongsInFile && !files.Has(pack))
        {
            files.Write(pack);
        }

        var id = (_lastId.Number() ?? 0) + 1;
        _insert.Bind(1, id).BindBlob(2, hash).Bind(3, pack.Length).Bind(4, pack.Form);
        if (pack.BelongsInFile)
        {
            _insert.BindBlob(5, []);
        }
        else
        {
            _insert.BindContent(5, pack.Bytes.Span);
        }

        _insert.Run();
        return id;
    }
}
