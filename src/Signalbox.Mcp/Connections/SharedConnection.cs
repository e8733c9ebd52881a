using System.Globalization;
using System.ComponentModel;
using Microsoft.Extensions.Logging;

namespace Signalbox.Mcp.Connections;

/// <summary>
/// The one connection of a server: made at the first use, made anew at the next use after it ended. Failures in a row put more and more time between attempts; while much of it is left, a use
/// fails at once instead of waiting.
/// </summary>
internal sealed class SharedConnection(string server, McpTransport transport, McpServerOptions options) : IAsyncDisposable
{
    private const int AttemptsMax = 3;
    private static readonly TimeSpan PauseFirst = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan PauseMax = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan WaitMax = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Proved = TimeSpan.FromMinutes(1);

    private readonly CancellationTokenSource _disposed = new();
    private readonly Lock _lock = new();
    private readonly List<Task> _closing = [];
    private Task<Connection>? _current;
    private int _failures;
    private long _failedAt;
    private string _reason = "";

    /// <summary>The connection, made if there is none that works.</summary>
    /// <exception cref="ToolUnavailableException"><c>server_unavailable</c>.</exception>
    public async Task<Connection> GetAsync(CancellationToken cancellationToken)
    {
        Task<Connection> current;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed.IsCancellationRequested, typeof(McpServer));
            if (_current is null or { IsFaulted: true } or { IsCanceled: true })
            {
                _current = Detached.Start(OpenAsync);
            }
            else if (_current.IsCompleted && _current.Result.IsSpent)
            {
                Retire(_current.Result);
                _current = Detached.Start(OpenAsync);
            }

            current = _current;
        }

        try
        {
            return await current.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (_disposed.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new ObjectDisposedException(typeof(McpServer).FullName);
        }
    }

    public ToolUnavailableException Unavailable(string reason, Exception? inner = null) => new("server_unavailable", $"MCP server '{server}' {reason}.", inner);

    public async ValueTask DisposeAsync()
    {
        Task<Connection>? current;
        lock (_lock)
        {
            current = _current;
            _disposed.Cancel();
        }

        if (current is not null)
        {
            await current.ContinueWith(static done => done.Exception, TaskScheduler.Default);
            if (current.IsCompletedSuccessfully)
            {
                await current.Result.DisposeAsync();
            }
        }

        await Task.WhenAll(_closing);
    }

    /// <summary>A connection that brought nothing before it ended counts as a failed attempt: a server that dies of every call is not started in a tight loop.</summary>
    private void Retire(Connection connection)
    {
        _closing.RemoveAll(static closing => closing.IsCompleted);
        _closing.Add(connection.DisposeAsync().AsTask());
        if (connection.HasAnswered || options.Clock.GetElapsedTime(connection.OpenedAt, connection.EndedAt) > Proved)
        {
            _failures = 0;
            return;
        }

        _failures++;
        _failedAt = connection.EndedAt;
        _reason = "ended before it answered a call";
    }

    private async Task<Connection> OpenAsync()
    {
        for (var attempt = 1; ; attempt++)
        {
            var left = PauseAfter(_failures) - options.Clock.GetElapsedTime(_failedAt);
            if (left > WaitMax)
            {
                var due = (options.Clock.GetUtcNow() + left).ToString("HH:mm:ss", CultureInfo.InvariantCulture);
                throw Unavailable($"{_reason} ({_failures} times in a row); it is tried again from {due} UTC on");
            }

            if (left > TimeSpan.Zero)
            {
                await Task.Delay(left, options.Clock, _disposed.Token);
            }

            try
            {
                return await Connection.OpenAsync(transport, options, _disposed.Token);
            }
            catch (Exception e) when (!_disposed.IsCancellationRequested)
            {
                _failures++;
                _failedAt = options.Clock.GetTimestamp();
                _reason = "cannot be reached: " + (e is TimeoutException or IOException ? e.Message : PlainText.Excerpt(e.Message));
                options.Logger?.LogWarning("MCP server '{Server}' {Reason}", server, _reason);
                if (attempt == AttemptsMax || e is TimeoutException or Win32Exception)
                {
                    throw Unavailable(_reason, e);
                }
            }
        }
    }

    private static TimeSpan PauseAfter(int failures) =>
        failures == 0 ? TimeSpan.Zero : TimeSpan.FromTicks((long)Math.Min(PauseMax.Ticks, PauseFirst.Ticks * Math.Pow(2, failures - 1)));
}
