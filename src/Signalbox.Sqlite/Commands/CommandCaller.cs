using System.Net.Sockets;
using System.Text.Json;
using Signalbox.Sqlite.Files;
using Signalbox.Storage;

namespace Signalbox.Sqlite.Commands;

/// <summary>Hands commands to the owner of a store.</summary>
internal sealed class CommandCaller(StorePaths paths)
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(30);
    private static readonly byte[] WhoCommand = """{"command":"who"}"""u8.ToArray();

    /// <summary>The owner's answer, or null if nobody listens and so nothing was changed. <paramref name="behalf"/>: for whom, if not for the user of this process.</summary>
    public async ValueTask<CommandResult?> ExecuteAsync(RunCommand command, Caller? behalf, CancellationToken cancellationToken)
    {
        var message = behalf is null ? command.ToJson() : OnBehalf.Write(command, behalf);
        if (message.Length > Frames.BytesMax)
        {
            return new("command_too_large", $"The command has {message.Length} bytes; another process can be handed at most {Frames.BytesMax}. Nothing was changed.");
        }

        using var socket = await ConnectAsync(cancellationToken);
        if (socket is null)
        {
            return null;
        }

        using var stream = new NetworkStream(socket);
        try
        {
            await Frames.WriteAsync(stream, message, cancellationToken);
        }
        catch (IOException)
        {
            return null; // the owner went before it had the whole command, and of half a command it does nothing
        }

        string fate;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerLimit);
        try
        {
            if (await Frames.ReadAsync(stream, limit.Token) is { } answer)
            {
                return CommandResult.FromJson(answer);
            }

            fate = "ended before it answered";
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            fate = "ended before it answered";
        }
        catch (JsonException e)
        {
            fate = $"gave an answer that makes no sense ({e.Message})";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            fate = $"did not answer within {AnswerLimit.TotalSeconds:0} s";
        }

        return Unknown(command, fate);
    }

    /// <summary>Who listens, or null.</summary>
    public async ValueTask<OwnerInfo?> FindOwnerAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerLimit);
        try
        {
            using var socket = await ConnectAsync(limit.Token);
            if (socket is null)
            {
                return null;
            }

            using var stream = new NetworkStream(socket);
            await Frames.WriteAsync(stream, WhoCommand, limit.Token);
            return await Frames.ReadAsync(stream, limit.Token) is { } answer ? OwnerInfo.FromJson(answer) : null;
        }
        catch (Exception e) when (e is IOException or InvalidDataException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return null;
        }
    }

    private async ValueTask<Socket?> ConnectAsync(CancellationToken cancellationToken)
    {
        if (!SocketPlace.IsSupported || !File.Exists(paths.Socket))
        {
            return null;
        }

        using var place = new SocketPlace(paths);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(place.EndPoint, cancellationToken);
            return socket;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AccessDenied)
        {
            socket.Dispose();
            throw new StoreRefusedException(
                "store_owned", $"The store '{paths.Database}' is written by {StoreLock.Holder(paths)?.ToString() ?? "a process"} of another user, which takes commands only from its own and from the group that it shares the store with, if any. Nothing was changed. Run this command as that user, or become a member of that group.", e);
        }
        catch (SocketException)
        {
            socket.Dispose(); // left by an owner that died, or one that is just closing
            return null;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private CommandResult Unknown(RunCommand command, string fate)
    {
        var run = RunOf(command);
        return new(
            "outcome_unknown",
            $"The process that owns the store '{paths.Database}' was handed the command and {fate}: it may have been carried out or not. Look before you send it again: signalbox show {run}",
            run);
    }

    /// <summary>The run that a command is about.</summary>
    public static RunId RunOf(RunCommand command) => command switch
    {
        StartRun c => c.Run,
        SendSignal c => c.Run,
        AnswerApproval c => c.Run,
        CancelRun c => c.Run,
        RetryRun c => c.Run,
        ReleaseRun c => c.Run,
        JudgeDecision c => c.Run,
        ReleaseClaim c => c.Run,
        _ => throw new ArgumentException($"Unknown command {command.GetType().Name}.", nameof(command)),
    };
}
