using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Signalbox.Journal;
using Signalbox.Sqlite.Files;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Commands;

/// <summary>
/// Takes commands from other processes of the same user, of root and of the members of the group that the host has named, carries them out under the name that the kernel gives of them, and answers.
/// What makes no sense is answered with an error; neither that nor a caller that hangs or floods touches the store.
/// </summary>
internal sealed class CommandSocket : IAsyncDisposable
{
    public const string Who = "who";

    private const int CallersMax = 32;
    private const int Backlog = 64;
    private static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan WriteLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan LeaveLimit = TimeSpan.FromSeconds(1);

    private readonly StorePaths _paths;
    private readonly SqliteRunStore _store;
    private readonly ILogger? _logger;
    private readonly SocketPlace _place;
    private readonly Socket _listener;
    private readonly SemaphoreSlim _free = new(CallersMax);
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _accepting;

    private CommandSocket(StorePaths paths, SqliteRunStore store, ILogger? logger, SocketPlace place, Socket listener)
    {
        _paths = paths;
        _store = store;
        _logger = logger;
        _place = place;
        _listener = listener;
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>Opens the socket beside a store whose lock this process holds; one that is there is a dead owner's.</summary>
    public static CommandSocket Open(StorePaths paths, SqliteRunStore store, StoreGroup? group, ILogger? logger)
    {
        File.Delete(paths.Socket);
        var place = new SocketPlace(paths);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            // Nobody can connect before it listens, so nobody gets in before only those may who are meant to.
            listener.Bind(place.EndPoint);
            if (!OperatingSystem.IsWindows())
            {
                File.SetUnixFileMode(paths.Socket, UnixFileMode.UserRead | UnixFileMode.UserWrite);
                group?.ShareSocket();
            }

            listener.Listen(Backlog);
            return new CommandSocket(paths, store, logger, place, listener);
        }
        catch
        {
            listener.Dispose();
            place.Dispose();
            throw;
        }
    }

    /// <summary>Takes no more callers, and lets those finish whose command is being carried out.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _accepting;
        for (var i = 0; i < CallersMax; i++)
        {
            await _free.WaitAsync();
        }

        _listener.Dispose();
        File.Delete(_paths.Socket);
        _place.Dispose();
        _closing.Dispose();
        _free.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                await _free.WaitAsync(_closing.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            try
            {
                var caller = await _listener.AcceptAsync(_closing.Token);
                _ = Task.Run(() => ServeAsync(caller));
            }
            catch (OperationCanceledException)
            {
                _free.Release();
                return;
            }
            catch (SocketException e)
            {
                _free.Release();
                _logger?.LogWarning(e, "A caller on the socket {Socket} was lost before it was heard.", _paths.Socket);
                await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System); // out of file handles, most likely: do not spin
            }
        }
    }

    private async Task ServeAsync(Socket caller)
    {
        try
        {
            var user = Users.Of(caller);
            using var stream = new NetworkStream(caller, ownsSocket: true);
            while (await HearAsync(stream) is { } command)
            {
                await AnswerAsync(stream, await CarryOutAsync(command, user));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            _logger?.LogDebug(e, "A caller on the socket {Socket} went away or was silent too long.", _paths.Socket);
        }
        finally
        {
            caller.Dispose();
            _free.Release();
        }
    }

    private async ValueTask<byte[]?> HearAsync(NetworkStream stream)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
        limit.CancelAfter(ReadLimit);
        try
        {
            return await Frames.ReadAsync(stream, limit.Token);
        }
        catch (InvalidDataException e)
        {
            // What follows on this connection cannot be told from the middle of a message, so it ends with the answer.
            await AnswerAsync(stream, Unreadable(e.Message).ToJson());
            await LeaveAsync(stream);
            return null;
        }
    }

    /// <summary>Hears out, within limits, what it does not want: closing on unread bytes would reset the connection before the caller has read why.</summary>
    private async ValueTask LeaveAsync(NetworkStream stream)
    {
        stream.Socket.Shutdown(SocketShutdown.Send);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_closing.Token);
        limit.CancelAfter(LeaveLimit);
        var unwanted = new byte[64 * 1024];
        while (await stream.ReadAsync(unwanted, limit.Token) > 0)
        {
        }
    }

    private static async ValueTask AnswerAsync(NetworkStream stream, byte[] answer)
    {
        using var limit = new CancellationTokenSource(WriteLimit);
        await Frames.WriteAsync(stream, answer, limit.Token);
    }

    private async ValueTask<byte[]> CarryOutAsync(byte[] message, uint user)
    {
        try
        {
            if (IsWho(message))
            {
                return OwnerInfo.Self.ToJson();
            }

            var (inner, behalf) = OnBehalf.Read(message);
            var command = RunCommand.FromJson(inner.Span);
            if (CommandCaller.RunOf(command).Value is null)
            {
                return Unreadable("it names no run.").ToJson();
            }

            // Who could write the store's files anyway is believed; anybody else speaks for themselves alone.
            if (behalf is not null && user != 0 && user != Native.EffectiveUser())
            {
                return new CommandResult(
                    "caller_not_trusted",
                    $"The store '{_paths.Database}' takes commands on somebody's behalf only from its own user ({Users.Named(Native.EffectiveUser())}) and from root; this one came from {Users.Named(user)}. Nothing was changed. Run the server as the store's user.",
                    CommandCaller.RunOf(command)).ToJson();
            }

            return (await RunCommands.ExecuteAsync(_store, command, behalf ?? _store.CallerOf(command, Users.Named(user)), CancellationToken.None)).ToJson();
        }
        catch (Exception e) when (e is JsonException or ArgumentException or NotSupportedException)
        {
            return Unreadable(e.Message).ToJson();
        }
        catch (StoreUnavailableException e)
        {
            return new CommandResult(e.Code, e.Message).ToJson();
        }
        catch (StoreRefusedException e)
        {
            return new CommandResult(e.Code, e.Message).ToJson();
        }
        catch (JournalDamagedException e)
        {
            return new CommandResult(TroubleCodes.JournalDamaged, e.Message, e.Run).ToJson();
        }
#pragma warning disable CA1031 // A caller's odd command must end in an answer to that caller, not in the end of the owner.
        catch (Exception e)
#pragma warning restore CA1031
        {
            _logger?.LogError(e, "A command from {Actor} failed in a way nobody foresaw.", Users.Named(user));
            return new CommandResult("command_failed", $"The owner could not carry the command out: {e.Message} Nothing was changed. See the owner's log.").ToJson();
        }
    }

    private static bool IsWho(byte[] message)
    {
        using var json = JsonDocument.Parse(message);
        return json.RootElement.ValueKind == JsonValueKind.Object
            && json.RootElement.TryGetProperty("command", out var command)
            && command.ValueKind == JsonValueKind.String
            && command.ValueEquals(Who);
    }

    private static CommandResult Unreadable(string why) => new("command_unreadable", $"This is no command that the owner of the store understands: {why} Nothing was changed.");
}
