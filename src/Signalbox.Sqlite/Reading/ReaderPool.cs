using Microsoft.Data.Sqlite;
using Signalbox.Sqlite.Files;

namespace Signalbox.Sqlite.Reading;

/// <summary>A few read-only connections, opened when first needed. Each use is one snapshot of the store.</summary>
internal sealed class ReaderPool(StorePaths paths) : IDisposable
{
    private const int ConnectionsMax = 4;
    private readonly SemaphoreSlim _free = new(ConnectionsMax);
    private readonly Stack<Reader> _idle = new();
    private bool _closed;

    public async ValueTask<T> ReadAsync<T>(Func<Reader, T> read, CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        try
        {
            return Read(read);
        }
        finally
        {
            _free.Release();
        }
    }

    /// <summary>The same for who is to block.</summary>
    public T ReadNow<T>(Func<Reader, T> read)
    {
        _free.Wait();
        try
        {
            return Read(read);
        }
        finally
        {
            _free.Release();
        }
    }

    public void Dispose()
    {
        lock (_idle)
        {
            _closed = true;
            while (_idle.TryPop(out var reader))
            {
                reader.Dispose();
            }
        }
    }

    private T Read<T>(Func<Reader, T> read)
    {
        Reader? reader = null;
        try
        {
            reader = Take();
            reader.Begin();
            var result = read(reader);
            reader.End();
            Return(reader);
            return result;
        }
        catch (Exception e)
        {
            reader?.Dispose(); // in whatever state it is, it is not used again
            var told = SqliteErrors.Translate(e, paths.Database);
            if (told == e)
            {
                throw;
            }

            throw told;
        }
    }

    private Reader Take()
    {
        lock (_idle)
        {
            if (_closed)
            {
                throw SqliteErrors.Closed(paths.Database);
            }

            if (_idle.TryPop(out var reader))
            {
                return reader;
            }
        }

        return new Reader(StoreConnection.OpenToRead(paths));
    }

    private void Return(Reader reader)
    {
        lock (_idle)
        {
            if (!_closed)
            {
                _idle.Push(reader);
                return;
            }
        }

        reader.Dispose();
    }
}

/// <summary>One connection of the pool, with its prepared statements.</summary>
internal sealed class Reader(SqliteConnection connection) : IDisposable
{
    private readonly SqliteCommand _begin = new("BEGIN", connection);
    private readonly SqliteCommand _end = new("COMMIT", connection);
    private ClaimReader? _claims;

    public SqliteConnection Connection { get; } = connection;

    public HeadReader Heads { get; } = new(connection);

    public EntryReader Entries { get; } = new(connection);

    public ClaimReader Claims => _claims ??= new(Connection.Handle!);

    public void Begin() => _begin.ExecuteNonQuery();

    public void End() => _end.ExecuteNonQuery();

    public void Dispose()
    {
        _begin.Dispose();
        _end.Dispose();
        Heads.Dispose();
        Entries.Dispose();
        _claims?.Dispose();
        Connection.Dispose();
    }
}
