using System.Text.Json.Nodes;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Signalbox.Mcp.Definitions;

namespace Signalbox.Mcp.Connections;

/// <summary>One session with a server, from its greeting to its end; shared by all who use the server meanwhile. It never comes back: the next is another connection.</summary>
internal sealed class Connection : IAsyncDisposable
{
    private const int PagesMax = 100;
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(1);

    private readonly Link _link;
    private readonly McpServerOptions _options;
    private readonly CancellationTokenSource _ended = new();
    private readonly Lock _lock = new();
    private McpClient _client = null!;
    private Task? _disposal;
    private Task<Listing>? _listing;
    private long _listedAt;
    private long _askedAt;
    private string? _givenUp;

    private Connection(Link link, McpServerOptions options)
    {
        _link = link;
        _options = options;
        OpenedAt = options.Clock.GetTimestamp();
        link.Heard = () => Volatile.Write(ref _askedAt, 0);
    }

    public long OpenedAt { get; }

    /// <summary>When it was seen to have ended; 0 before.</summary>
    public long EndedAt { get; private set; }

    /// <summary>Whether a call has been answered on it.</summary>
    public bool HasAnswered { get; private set; }

    /// <summary>Is cancelled when nothing can come any more.</summary>
    public CancellationToken Ended => _ended.Token;

    /// <summary>Whether it is of no more use.</summary>
    public bool IsSpent => _ended.IsCancellationRequested || _link.IsBroken;

    /// <summary>Starts or reaches the server and greets it. Nothing is left of it on failure.</summary>
    /// <exception cref="TimeoutException">The server did not greet in time.</exception>
    public static async Task<Connection> OpenAsync(McpTransport transport, McpServerOptions options, CancellationToken cancellationToken)
    {
        var link = transport.Open(options);
        var connection = new Connection(link, options);
        using var limit = new CancellationTokenSource(options.ConnectWithin, options.Clock);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var opening = McpClient.CreateAsync(link.Transport, connection.ClientOptions(), cancellationToken: linked.Token);
            try
            {
                connection._client = await opening.WaitAsync(linked.Token);
            }
            catch
            {
                _ = opening.ContinueWith(static late => late.Exception, TaskScheduler.Default); // whatever it still throws has been told
                throw;
            }
        }
        catch (Exception e)
        {
            await link.DisposeAsync();
            if (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
            {
                throw new TimeoutException($"it did not greet within {options.ConnectWithin.TotalSeconds:0.###} s{link.Epitaph(byItself: false)}", e);
            }

            throw e is OperationCanceledException && cancellationToken.IsCancellationRequested ? e : new IOException(Reason(e) + link.Epitaph(byItself: true), e);
        }

        link.Established();
        _ = connection.WatchAsync();
        return connection;
    }

    /// <summary>The server's tools, listed anew if it said that they changed, or long ago.</summary>
    public async Task<Listing> ListAsync(bool anew, CancellationToken cancellationToken)
    {
        Task<Listing> listing;
        lock (_lock)
        {
            if (anew || _listing is null || _listing is { IsCompleted: true, IsCompletedSuccessfully: false } || _options.Clock.GetElapsedTime(_listedAt) > _options.ListedFor)
            {
                _listedAt = _options.Clock.GetTimestamp();
                _listing = Detached.Start(ReadListAsync);
            }

            listing = _listing;
        }

        return await listing.WaitAsync(cancellationToken);
    }

    /// <summary>Sends a request and waits for its answer, for as long as the token and the connection last.</summary>
    public async Task<JsonNode?> RequestAsync(string method, JsonObject parameters, CancellationToken cancellationToken)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Ended);
        Interlocked.CompareExchange(ref _askedAt, Math.Max(1, _options.Clock.GetTimestamp()), 0);
        var request = _client.SendRequestAsync(new JsonRpcRequest { Method = method, Params = parameters }, linked.Token);
        try
        {
            // Writing to a server that does not read heeds no token: it is left behind, and ends with the connection.
            var response = await request.WaitAsync(linked.Token);
            HasAnswered |= method == RequestMethods.ToolsCall;
            return response.Result;
        }
        catch (ModelContextProtocol.McpProtocolException)
        {
            HasAnswered |= method == RequestMethods.ToolsCall;
            throw;
        }
        catch (OperationCanceledException)
        {
            _ = request.ContinueWith(static late => late.Exception, TaskScheduler.Default);
            if (Volatile.Read(ref _askedAt) is not 0 and var asked && _options.Clock.GetElapsedTime(asked) >= _options.SilentMax)
            {
                GiveUp($"it has said nothing for {_options.Clock.GetElapsedTime(asked).TotalSeconds:0} s");
            }

            throw;
        }
    }

    /// <summary>Ends it for a reason of ours.</summary>
    public void GiveUp(string reason)
    {
        lock (_lock)
        {
            _givenUp ??= reason;
        }

        End();
    }

    /// <summary>Ends it: nothing is asked on it any more.</summary>
    public void End()
    {
        lock (_lock)
        {
            if (EndedAt != 0)
            {
                return;
            }

            EndedAt = Math.Max(1, _options.Clock.GetTimestamp());
        }

        _ended.CancelAsync(); // on other threads: whoever waits here holds nobody up
    }

    /// <summary>Why it ended, once it has; waits a moment for the exit code and the last words.</summary>
    public async Task<string> WhyEndedAsync()
    {
        await DisposeAsync();
        return (_givenUp is { } reason ? $"was given up: {reason}" : "ended") + _link.Epitaph(byItself: _givenUp is null);
    }

    /// <summary>Ends the session and the server's process. Afterwards nothing is left of it.</summary>
    public ValueTask DisposeAsync()
    {
        End();
        lock (_lock)
        {
            return new(_disposal ??= Detached.Start(CloseAsync));
        }
    }

    private McpClientOptions ClientOptions() => new()
    {
        ClientInfo = new Implementation { Name = "signalbox", Version = typeof(Connection).Assembly.GetName().Version?.ToString(3) ?? "0" },
        InitializationTimeout = Timeout.InfiniteTimeSpan, // the limit is ours, by the injected clock
        DiscoverProbeTimeout = TimeSpan.FromTicks(Math.Min(TimeSpan.FromSeconds(5).Ticks, _options.ConnectWithin.Ticks / 2)),
        Handlers = new McpClientHandlers
        {
            NotificationHandlers =
            [
                new(NotificationMethods.ToolListChangedNotification, (_, _) =>
                {
                    lock (_lock)
                    {
                        _listing = null;
                    }

                    return ValueTask.CompletedTask;
                }),
            ],
        },
    };

    private async Task<Listing> ReadListAsync()
    {
        var listing = new Listing();
        using var limit = new CancellationTokenSource(_options.ListWithin, _options.Clock);
        try
        {
            string? cursor = null;
            for (var page = 0; page < PagesMax; page++)
            {
                var result = await RequestAsync(RequestMethods.ToolsList, cursor is null ? [] : new JsonObject { ["cursor"] = cursor }, limit.Token);
                listing.Add(result);
                cursor = (result!["nextCursor"] as JsonValue)?.TryGetValue<string>(out var next) == true ? next : null;
                if (cursor is null)
                {
                    break;
                }
            }

            return listing;
        }
        catch (OperationCanceledException e) when (limit.IsCancellationRequested && !IsSpent)
        {
            throw new TimeoutException($"it did not list its tools within {_options.ListWithin.TotalSeconds:0.###} s", e);
        }
    }

    private async Task WatchAsync()
    {
        await Task.WhenAny(_client.Completion, _link.Ended);
        await Task.WhenAny(_client.Completion, Task.Delay(DrainTime, _options.Clock)); // answers that a dead process has still written
        End();
    }

    private async Task CloseAsync()
    {
        if (_link.Ended.IsCompleted || _givenUp is not null)
        {
            await _link.DisposeAsync();
        }

        try
        {
            // HTTP says goodbye with a request; a process is closed by its input, below.
            await _client.DisposeAsync().AsTask().WaitAsync(_options.ShutdownWithin, _options.Clock);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // It is gone either way.
        }

        await _link.DisposeAsync();
    }

    private static string Reason(Exception e) => e switch
    {
        System.ComponentModel.Win32Exception => PlainText.Excerpt(e.Message),
        ModelContextProtocol.McpException or HttpRequestException => PlainText.Excerpt(e.Message),
        ClientTransportClosedException or IOException => "it ended",
        _ => $"{e.GetType().Name}: {PlainText.Excerpt(e.Message)}",
    };
}
