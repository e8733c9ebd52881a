using System.Text;
using Microsoft.Data.Sqlite;
using Signalbox.Search;
using Signalbox.Sqlite.Files;

namespace Signalbox.Sqlite.Index;

/// <summary>An entry made ready for the index.</summary>
internal readonly record struct IndexRow(IndexedEntry Indexed, string Text, string Exact, string Tags)
{
    public static IndexRow Of(IndexedEntry indexed, string text)
    {
        var exact = new StringBuilder();
        SearchTokens.AppendExact(text, exact);
        SearchTokens.AppendExact($"{indexed.Entry.Kind} {indexed.Entry.Run}", exact);
        return new IndexRow(indexed, text, exact.ToString(), IndexTags.Of(indexed));
    }
}

/// <summary>The one connection that writes to an index. Rows and the cursor move in one transaction. Not for several threads at once.</summary>
internal sealed class IndexWriter : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly IReadOnlyList<IIndexPart> _parts;
    private readonly SqliteCommand _move;
    private readonly SortedSet<long> _toMerge = [];
    private SqliteCommand? _insert;
    private long _table = -1;
    private long _merged = -1;

    private IndexWriter(SqliteConnection connection, IReadOnlyList<IIndexPart> parts)
    {
        _connection = connection;
        _parts = parts;
        _move = Command("UPDATE about SET position = $position, hash = $hash, trouble = NULL", "$position", "$hash");
        var about = IndexFile.About(connection)!;
        (Position, Hash, IsMerging, Trouble) = (about.Position, about.Hash, about.IsMerging, about.Trouble);
        for (long table = 0; IsMerging && table <= IndexFile.TableOf(Position); table++)
        {
            _toMerge.Add(table); // a process before this one knew which
        }
    }

    /// <summary>The last entry that it has.</summary>
    public long Position { get; private set; }

    /// <summary>The hash of that entry.</summary>
    public ReadOnlyMemory<byte> Hash { get; private set; }

    /// <summary>Whether words of erased entries may still stand in the file.</summary>
    public bool IsMerging { get; private set; }

    public string? Trouble { get; private set; }

    /// <summary>Opens the index or makes it; null: what is there is of another shape.</summary>
    public static IndexWriter? Open(StorePaths paths, IReadOnlyList<IIndexPart> parts)
    {
        var connection = IndexFile.OpenToWrite(paths, parts);
        try
        {
            return connection is null ? null : new IndexWriter(connection, parts);
        }
        catch
        {
            connection!.Dispose();
            throw;
        }
    }

    /// <summary>Takes in the entries that follow <see cref="Position"/>, all of them or none.</summary>
    public void Add(IReadOnlyList<IndexRow> rows)
    {
        using var transaction = Begin();
        Insert(rows, transaction);
        foreach (var part in _parts)
        {
            part.Add([.. rows.Select(r => r.Indexed)], transaction);
        }

        var last = rows[^1].Indexed.Entry;
        _move.Transaction = transaction;
        _move.Parameters["$position"].Value = last.Position;
        _move.Parameters["$hash"].Value = last.Hash.ToArray();
        _move.ExecuteNonQuery();
        transaction.Commit();
        (Position, Hash, Trouble) = (last.Position, last.Hash, null);
    }

    /// <summary>Puts rows that it has already in the place of what it has of them. The cursor stays.</summary>
    public void Replace(IReadOnlyList<IndexRow> rows)
    {
        using var transaction = Begin();
        foreach (var table in rows.GroupBy(r => IndexFile.TableOf(r.Indexed.Entry.Position)))
        {
            using var delete = Command($"DELETE FROM {IndexFile.TableName(table.Key)} WHERE rowid = $position", "$position");
            foreach (var row in table)
            {
                delete.Parameters["$position"].Value = row.Indexed.Entry.Position;
                delete.ExecuteNonQuery();
            }

            _toMerge.Add(table.Key);
        }

        Insert(rows, transaction);
        using var mark = _connection.CreateCommand();
        mark.CommandText = "UPDATE about SET merging = 1";
        mark.ExecuteNonQuery();
        transaction.Commit();
        IsMerging = true;
    }

    /// <summary>One step towards a file without the words of what was deleted; the last one also clears the log of them.</summary>
    public void Merge()
    {
        const int Pages = 400;
        StoreSchema.Execute(_connection, "PRAGMA secure_delete = ON");
        if (_toMerge.Count > 0)
        {
            var table = _toMerge.Min;
            var name = IndexFile.TableName(table);
            var before = Changes();
            StoreSchema.Execute(_connection, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"INSERT INTO {name}({name}, rank) VALUES('merge', {(_merged == table ? Pages : -Pages)})")); // negative: all of it, from here on
            _merged = table;
            if (Changes() - before < 2) // by FTS5's documentation there was nothing to do
            {
                _toMerge.Remove(table);
                _merged = -1;
            }

            return;
        }

        StoreSchema.Execute(_connection, "PRAGMA secure_delete = OFF; UPDATE about SET merging = 0; PRAGMA wal_checkpoint(TRUNCATE)");
        IsMerging = false;
    }

    /// <summary>Says to all who read the index what keeps it from going on.</summary>
    public void Tell(string trouble)
    {
        if (trouble != Trouble)
        {
            using var command = Command("UPDATE about SET trouble = $trouble", "$trouble");
            command.Parameters["$trouble"].Value = trouble;
            command.ExecuteNonQuery();
            Trouble = trouble;
        }
    }

    public void Dispose()
    {
        _insert?.Dispose();
        _move.Dispose();
        _connection.Dispose();
    }

    private SqliteTransaction Begin()
    {
        _table = -1; // a table that was made in a transaction that was rolled back is not there
        return _connection.BeginTransaction();
    }

    private void Insert(IReadOnlyList<IndexRow> rows, SqliteTransaction transaction)
    {
        foreach (var row in rows)
        {
            var position = row.Indexed.Entry.Position;
            if (_insert is null || IndexFile.TableOf(position) != _table)
            {
                _insert?.Dispose();
                _table = IndexFile.TableOf(position);
                IndexFile.MakeTable(_connection, _table);
                _insert = Command($"INSERT INTO {IndexFile.TableName(_table)}(rowid, text, exact, tags) VALUES($position, $text, $exact, $tags)", "$position", "$text", "$exact", "$tags");
            }

            _insert.Transaction = transaction;
            _insert.Parameters["$position"].Value = position;
            _insert.Parameters["$text"].Value = Searchable(row.Text);
            _insert.Parameters["$exact"].Value = row.Exact;
            _insert.Parameters["$tags"].Value = row.Tags;
            _insert.ExecuteNonQuery();
        }
    }

    /// <summary>Text without characters that FTS5 takes for letters and we do not.</summary>
    private static string Searchable(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\uE000', '\uF8FF') < 0 && !text.Contains('\0', StringComparison.Ordinal))
        {
            return text;
        }

        return string.Create(text.Length, text, static (span, from) =>
        {
            for (var i = 0; i < span.Length; i++)
            {
                span[i] = from[i] is '\0' or (>= '\uE000' and <= '\uF8FF') ? ' ' : from[i];
            }
        });
    }

    private long Changes()
    {
        using var command = _connection.CreateCommand();
        command.CommandText = "SELECT total_changes()";
        return (long)command.ExecuteScalar()!;
    }

    private SqliteCommand Command(string sql, params ReadOnlySpan<string> parameters)
    {
        var command = _connection.CreateCommand();
#pragma warning disable CA2100 // Statements of this file, nothing from outside.
        command.CommandText = sql;
#pragma warning restore CA2100
        foreach (var name in parameters)
        {
            command.Parameters.Add(new SqliteParameter { ParameterName = name });
        }

        return command;
    }
}
