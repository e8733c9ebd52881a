using Microsoft.Data.Sqlite;
using SQLitePCL;
using Signalbox.Sqlite.Files;

namespace Signalbox.Sqlite.Index;

/// <summary>A few read-only connections to the index. Each use is one snapshot, of the file that is there now.</summary>
internal sealed class IndexReaders(StorePaths paths) : IDisposable
{
    private const int ConnectionsMax = 4;
    private readonly SemaphoreSlim _free = new(ConnectionsMax);
    private readonly Stack<(SqliteConnection Connection, DateTime Made)> _idle = new();
    private bool _closed;

    /// <summary>Reads in one snapshot; ends with <paramref name="cancellationToken"/> even in the middle of a statement.</summary>
    public async ValueTask<T> ReadAsync<T>(Func<SqliteConnection, T> read, CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken);
        SqliteConnection? connection = null;
        try
        {
            (connection, var made) = Take();
            T result;
            var handle = connection.Handle!;
            await using (cancellationToken.UnsafeRegister(static handle => raw.sqlite3_interrupt((sqlite3)handle!), handle))
            {
                using var transaction = connection.BeginTransaction(deferred: true);
                result = read(connection);
                transaction.Commit();
            }

            Return(connection, made);
            return result;
        }
        catch (Exception e)
        {
            connection?.Dispose(); // in whatever state it is, it is not used again
            if (e is SqliteException { SqliteErrorCode: raw.SQLITE_INTERRUPT })
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            throw;
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
            while (_idle.TryPop(out var idle))
            {
                idle.Connection.Dispose();
            }
        }
    }

    private (SqliteConnection Connection, DateTime Made) Take()
    {
        // An index that was thrown away is another file; who has the old one open would go on reading it.
        var made = File.GetCreationTimeUtc(paths.Index);
        lock (_idle)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            while (_idle.TryPop(out var idle))
            {
                if (idle.Made == made)
                {
                    return idle;
                }

                idle.Connection.Dispose();
            }
        }

        return (IndexFile.OpenToRead(paths), made);
    }

    private void Return(SqliteConnection connection, DateTime made)
    {
        lock (_idle)
        {
            if (!_closed)
            {
                _idle.Push((connection, made));
                return;
            }
        }

        connection.Dispose();
    }
}
