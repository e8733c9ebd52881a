using SQLitePCL;
using Signalbox.Journal;

namespace Signalbox.Sqlite.Writing;

/// <summary>Writes entries.</summary>
internal sealed class EntryTable(sqlite3 database) : IDisposable
{
    private readonly Statement _insert = new(database, "INSERT INTO entries(position, run, seq, epoch, at, kind, state, visit, scope, step, actor, cause, body, salt, hash) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)");
    private readonly Statement _has = new(database, "SELECT 1 FROM entries WHERE position = ?1 AND hash = ?2");

    public void Insert(long run, Entry entry) => _insert
        .Bind(1, entry.Position)
        .Bind(2, run)
        .Bind(3, entry.Seq)
        .Bind(4, entry.Epoch)
        .Bind(5, entry.At)
        .Bind(6, entry.Kind)
        .Bind(7, entry.State)
        .Bind(8, entry.Visit)
        .Bind(9, entry.Scope)
        .Bind(10, entry.Step)
        .Bind(11, entry.Actor)
        .Bind(12, entry.Cause)
        .BindText(13, entry.Body.Span)
        .BindBlob(14, entry.Salt.Span)
        .BindBlob(15, entry.Hash.Span)
        .Run();

    /// <summary>Whether this very entry is there.</summary>
    public bool Has(Entry entry) => _has.Bind(1, entry.Position).BindBlob(2, entry.Hash.Span).Number() is not null;

    public void Dispose()
    {
        _insert.Dispose();
        _has.Dispose();
    }
}
