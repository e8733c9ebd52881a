using System.Text;
using SQLitePCL;
using Signalbox.Journal;
using Signalbox.Sqlite.Payloads;
using Signalbox.Sqlite.Reading;

namespace Signalbox.Sqlite.Writing;

/// <summary>
/// Empties what a run was about. Every text is written over in its place before it is taken away: SQLite wipes what it frees, but what it moves when rows shrink and pages merge it only leaves behind.
/// </summary>
internal sealed class ErasureTable(sqlite3 database, EntryReader entries, PayloadFiles files, KnownPayloads known) : IDisposable
{
    private const int Page = 500;
    private static readonly byte[] s_zeros = new byte[EntryHash.SaltLength];
    private readonly Statement _blank = new(database, "UPDATE entries SET body = ?2, cause = ?3, salt = ?4 WHERE position = ?1");
    private readonly Statement _empty = new(database, "UPDATE entries SET body = NULL, cause = '', salt = NULL, digest = ?2 WHERE position = ?1");
    private readonly Statement _blankRun = new(database, "UPDATE runs SET labels = ?2, reason = ?3 WHERE id = ?1");
    private readonly Statement _emptyRun = new(database, "UPDATE runs SET labels = NULL, reason = NULL, key = NULL, erased = 1 WHERE id = ?1");
    private readonly Statement _unreferred = new(database, """
        SELECT p.id, p.hash, p.form, length(p.bytes) FROM payloads p
        WHERE p.id IN (SELECT payload FROM payload_refs WHERE run = ?1) AND p.hash <> ?2 AND NOT EXISTS(SELECT 1 FROM payload_refs o WHERE o.payload = p.id AND o.run <> ?1)
        """);

    private readonly Statement _unrefer = new(database, "DELETE FROM payload_refs WHERE run = ?1 AND payload <> coalesce((SELECT id FROM payloads WHERE hash = ?2), -1)");
    private readonly Statement _blankPayload = new(database, "UPDATE payloads SET bytes = zeroblob(length(bytes)) WHERE id = ?1 AND bytes IS NOT NULL");
    private readonly Statement _delete = new(database, "DELETE FROM payloads WHERE id = ?1");
    private readonly List<(PayloadHash Hash, string Form)> _gone = [];

    /// <summary>Whether a transaction that was committed has left erased text in the write-ahead log.</summary>
    public bool IsDue { get; private set; }

    private bool _erased;

    /// <summary>Empties the entries of a run before the seq <paramref name="end"/>, and forgets the payloads that it alone refers to, but for its definition.</summary>
    public void Erase(StoredHead run, long end)
    {
        _erased = true;
        var digests = new List<(long Position, ReadOnlyMemory<byte> Digest)>();
        for (long seq = 0; seq < end && entries.Read(run.Head.Row.Run, seq, (int)Math.Min(Page, end - seq)) is { Count: > 0 } page; seq = page[^1].Seq + 1)
        {
            foreach (var entry in page.Where(e => !e.IsErased))
            {
                _blank.Bind(1, entry.Position).BindText(2, Blanks(entry.Body.Length)).Bind(3, new string(' ', Encoding.UTF8.GetByteCount(entry.Cause))).BindBlob(4, s_zeros.AsSpan(0, entry.Salt.Length)).Run();
                digests.Add((entry.Position, EntryHash.Erase(entry).Digest));
            }
        }

        foreach (var (position, digest) in digests)
        {
            _empty.Bind(1, position).BindBlob(2, digest.Span).Run();
        }

        EraseRow(run);
        ErasePayloads(run.Id, run.Head.Row.Fingerprint is { Length: 2 * EntryHash.Length } definition ? Convert.FromHexString(definition) : [0]);
    }

    /// <summary>After the commit: deletes the files. A crash before leaves them to the sweep of the next owner.</summary>
    public void Commit()
    {
        foreach (var (hash, form) in _gone)
        {
            files.Delete(hash, form);
        }

        _gone.Clear();
        IsDue |= _erased;
        _erased = false;
    }

    public void Rollback()
    {
        _gone.Clear();
        _erased = false;
    }

    /// <summary>Notes that nothing is left in the write-ahead log; or, at the start, that there may be.</summary>
    public void Scrubbed(bool isDone) => IsDue = !isDone;

    public void Dispose()
    {
        foreach (var statement in new[] { _blank, _empty, _blankRun, _emptyRun, _unreferred, _unrefer, _blankPayload, _delete })
        {
            statement.Dispose();
        }
    }

    private void EraseRow(StoredHead run)
    {
        var row = run.Head.Row;
        _blankRun.Bind(1, run.Id).BindText(2, Blanks(RunColumns.Labels(row.Labels) is { } labels ? Encoding.UTF8.GetByteCount(labels) : 0)).BindText(3, Blanks(row.Reason is { } reason ? Encoding.UTF8.GetByteCount(reason) : 0)).Run();
        _emptyRun.Bind(1, run.Id).Run();
    }

    private void ErasePayloads(long run, byte[] definition)
    {
        known.Clear();
        var gone = _unreferred.Bind(1, run).BindBlob(2, definition).Rows(s => (Id: s.Number(0)!.Value, Hash: s.Blob(1), Form: s.Text(2)!, IsInFile: s.Number(3) is null));
        _unrefer.Bind(1, run).BindBlob(2, definition).Run();
        foreach (var payload in gone)
        {
            _blankPayload.Bind(1, payload.Id).Run();
            _delete.Bind(1, payload.Id).Run();
            if (payload.IsInFile)
            {
                _gone.Add((new PayloadHash(Convert.ToHexStringLower(payload.Hash)), payload.Form));
            }
        }
    }

    private static byte[] Blanks(int bytes)
    {
        var blanks = new byte[bytes];
        blanks.AsSpan().Fill((byte)' ');
        return blanks;
    }
}
