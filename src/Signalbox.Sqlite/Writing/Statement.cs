using System.Buffers;
using System.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Signalbox.Sqlite.Writing;

/// <summary>
/// A statement prepared once and run many times, over the handle of one connection: binding UTF-8 without the provider's commands halves
/// the cost of an insert. Not safe for several threads at once.
/// </summary>
internal sealed class Statement : IDisposable
{
    private const int PreparePersistent = 1;
    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;

    public Statement(sqlite3 database, string sql)
    {
        _database = database;
        var code = raw.sqlite3_prepare_v3(database, sql, PreparePersistent, out _statement);
        if (code != raw.SQLITE_OK)
        {
            throw Error(code);
        }
    }

    public Statement Bind(int index, long value)
    {
        Check(raw.sqlite3_bind_int64(_statement, index, value));
        return this;
    }

    public Statement Bind(int index, long? value) => value is { } number ? Bind(index, number) : BindNull(index);

    public Statement Bind(int index, double value)
    {
        Check(raw.sqlite3_bind_double(_statement, index, value));
        return this;
    }

    public Statement Bind(int index, string? text)
    {
        if (text is null)
        {
            return BindNull(index);
        }

        if (text.Length == 0)
        {
            Check(raw.sqlite3_bind_text(_statement, index, utf8z.FromSpan("\0"u8)));
            return this;
        }

        const int OnStack = 512;
        var size = Encoding.UTF8.GetMaxByteCount(text.Length);
        var rented = size > OnStack ? ArrayPool<byte>.Shared.Rent(size) : null;
        var buffer = rented is null ? stackalloc byte[OnStack] : rented;
        BindText(index, buffer[..Encoding.UTF8.GetBytes(text, buffer)]);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return this;
    }

    /// <summary>Binds text that is UTF-8 already; nothing at all becomes NULL.</summary>
    public Statement BindText(int index, ReadOnlySpan<byte> utf8)
    {
        if (utf8.IsEmpty)
        {
            return BindNull(index);
        }

        Check(raw.sqlite3_bind_text(_statement, index, utf8));
        return this;
    }

    /// <summary>Binds bytes; none at all become NULL.</summary>
    public Statement BindBlob(int index, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return BindNull(index);
        }

        Check(raw.sqlite3_bind_blob(_statement, index, bytes));
        return this;
    }

    /// <summary>Binds bytes that may be none, but are there.</summary>
    public Statement BindContent(int index, ReadOnlySpan<byte> bytes)
    {
        Check(bytes.IsEmpty ? raw.sqlite3_bind_zeroblob(_statement, index, 0) : raw.sqlite3_bind_blob(_statement, index, bytes));
        return this;
    }

    /// <summary>Runs a statement that gives no rows.</summary>
    public void Run()
    {
        var code = raw.sqlite3_step(_statement);
        if (code is not (raw.SQLITE_DONE or raw.SQLITE_ROW))
        {
            var error = Error(code);
            _ = raw.sqlite3_reset(_statement);
            throw error;
        }

        _ = raw.sqlite3_reset(_statement);
    }

    /// <summary>The first column of the first row as a number, or null if there is no row or no value.</summary>
    public long? Number()
    {
        try
        {
            return Step() && raw.sqlite3_column_type(_statement, 0) != raw.SQLITE_NULL ? raw.sqlite3_column_int64(_statement, 0) : null;
        }
        finally
        {
            _ = raw.sqlite3_reset(_statement);
        }
    }

    /// <summary>The first column of every row as a number.</summary>
    public List<long> Numbers()
    {
        try
        {
            var numbers = new List<long>();
            while (Step())
            {
                numbers.Add(raw.sqlite3_column_int64(_statement, 0));
            }

            return numbers;
        }
        finally
        {
            _ = raw.sqlite3_reset(_statement);
        }
    }

    /// <summary>Every row, made into something by <paramref name="read"/>, which looks at this statement's columns; or those before the first that is not <paramref name="wanted"/> after them.</summary>
    public List<T> Rows<T>(Func<Statement, T> read, Func<List<T>, T, bool>? wanted = null)
    {
        var rows = new List<T>();
        try
        {
            while (Step())
            {
                var row = read(this);
                if (wanted?.Invoke(rows, row) == false)
                {
                    break;
                }

                rows.Add(row);
            }

            return rows;
        }
        finally
        {
            _ = raw.sqlite3_reset(_statement);
        }
    }

    /// <summary>The first column of the first row as text, or null if there is no row or no value.</summary>
    public string? Text()
    {
        try
        {
            return Step() ? Text(0) : null;
        }
        finally
        {
            _ = raw.sqlite3_reset(_statement);
        }
    }

    /// <summary>A column of the row at hand as text, or null.</summary>
    public string? Text(int column) => raw.sqlite3_column_type(_statement, column) == raw.SQLITE_NULL ? null : raw.sqlite3_column_text(_statement, column).utf8_to_string();

    /// <summary>A column of the row at hand as a number, or null.</summary>
    public long? Number(int column) => raw.sqlite3_column_type(_statement, column) == raw.SQLITE_NULL ? null : raw.sqlite3_column_int64(_statement, column);

    /// <summary>A column of the row at hand as bytes; none for NULL.</summary>
    public byte[] Blob(int column) => raw.sqlite3_column_blob(_statement, column).ToArray();

    /// <summary>A column of the row at hand as a fraction.</summary>
    public double Real(int column) => raw.sqlite3_column_double(_statement, column);

    public void Dispose() => _statement.Dispose();

    private bool Step() => raw.sqlite3_step(_statement) switch
    {
        raw.SQLITE_ROW => true,
        raw.SQLITE_DONE => false,
        var code => throw Error(code),
    };

    private Statement BindNull(int index)
    {
        Check(raw.sqlite3_bind_null(_statement, index));
        return this;
    }

    private void Check(int code)
    {
        if (code != raw.SQLITE_OK)
        {
            throw Error(code);
        }
    }

    private SqliteException Error(int code) =>
        new(raw.sqlite3_errmsg(_database).utf8_to_string(), code & 0xFF, raw.sqlite3_extended_errcode(_database));
}
