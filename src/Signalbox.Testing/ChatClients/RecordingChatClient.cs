using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Signalbox.Testing;

/// <summary>A request that a recording has no reply to. The message says what the nearest recorded request was, and how to record anew.</summary>
public sealed class NotRecordedException(string message) : Exception(message);

/// <summary>
/// Records what a real model answers, once, and replays it for ever. The recording is a JSON-lines file that people can read and edit; each exchange is on the disk before its
/// reply is handed on, so that a crash loses at most those in flight. It holds the messages, the options that reach the model (its name, instructions, tools, the format of the
/// answer, temperature and the like), and replies or errors; never headers, keys, or a provider's raw objects, and what looks like a key in an error's message is taken out.
/// <para>
/// A reply is found by what was asked: ids and times of messages do not count, ids of tool calls do (they are replayed as they were). Equal requests get their replies in recorded
/// order. Streamed and whole replies are one: either can be replayed as the other. Safe to call from several threads; while a client writes a file, no other can use it.
/// </para>
/// </summary>
public sealed class RecordingChatClient : IChatClient
{
    private readonly Lock _lock = new();
    private readonly IChatClient? _client;
    private readonly RecordingFile _file;
    private readonly string _path;
    private readonly bool _replays;
    private readonly TimeProvider _clock;
    private readonly Dictionary<string, int> _played = [];
    private int _recorded;
    private int _replayed;

    private RecordingChatClient(IChatClient? client, string path, bool replays, TimeProvider? clock)
    {
        _client = client;
        _path = path;
        _replays = replays;
        _clock = clock ?? TimeProvider.System;
        _file = RecordingFile.Read(path);
        if (client?.GetService<ChatClientMetadata>()?.DefaultModelId is { } model && _file.Model is { } recorded && model != recorded)
        {
            throw new InvalidOperationException($"The recording '{path}' was made with the model '{recorded}'; this client's is '{model}'. Use a file for each model, or delete this one to record anew.");
        }
    }

    /// <summary>How many exchanges this client has recorded.</summary>
    public int Recorded => Volatile.Read(ref _recorded);

    /// <summary>How many requests it has answered from the recording.</summary>
    public int Replayed => Volatile.Read(ref _replayed);

    /// <summary>Asks <paramref name="client"/> always, and appends each exchange to the file. Owns the client.</summary>
    /// <exception cref="IOException">Another client writes the file, or it cannot be written.</exception>
    /// <exception cref="FormatException">The file is no recording.</exception>
    public static RecordingChatClient Record(IChatClient client, string path)
    {
        ArgumentNullException.ThrowIfNull(client);
        var recording = new RecordingChatClient(client, path, replays: false, null);
        recording._file.Open(client.GetService<ChatClientMetadata>());
        return recording;
    }

    /// <summary>
    /// Answers from the file alone; asked more often than was recorded, the last reply again. A request that it does not have throws <see cref="NotRecordedException"/>.
    /// <paramref name="clock"/> is for delays that somebody wrote into the file.
    /// </summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="FormatException">The file is no recording.</exception>
    public static RecordingChatClient Replay(string path, TimeProvider? clock = null) => File.Exists(path)
        ? new(null, path, replays: true, clock)
        : throw new FileNotFoundException($"There is no recording '{path}'. Make it with RecordingChatClient.RecordOrReplay over a real client.", path);

    /// <summary>
    /// Answers from the file what is there, and asks <paramref name="client"/> for the rest, which it records; an equal request asked more often than was recorded is asked too. Owns the client.
    /// The file is opened for writing only when something is to be recorded. To record anew, delete the file.
    /// </summary>
    /// <exception cref="FormatException">The file is no recording.</exception>
    public static RecordingChatClient RecordOrReplay(IChatClient client, string path, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(client);
        return new(client, path, replays: true, clock);
    }

    /// <inheritdoc />
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var request = new ScriptedRequest([.. messages], options);
        var form = Form(request);
        if (Find(form) is { } found)
        {
            return await found.AnswerAsync(request, Model ?? "", _clock, cancellationToken);
        }

        ChatResponse response;
        try
        {
            response = await _client!.GetResponseAsync(request.Messages, options, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            Keep(form, ScriptedReply.Throw(e));
            throw;
        }

        Keep(form, Reply(response));
        return response;
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var request = new ScriptedRequest([.. messages], options);
        var form = Form(request);
        if (Find(form) is { } found)
        {
            await foreach (var update in found.StreamAsync(request, Model ?? "", _clock, cancellationToken))
            {
                yield return update;
            }

            yield break;
        }

        List<ChatResponseUpdate> seen = [];
        await using var updates = _client!.GetStreamingResponseAsync(request.Messages, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (await NextAsync(updates, form, seen, cancellationToken))
        {
            seen.Add(updates.Current.Clone());
            yield return updates.Current;
        }
    }

    /// <inheritdoc />
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null && serviceType.IsInstanceOfType(this) ? this
            : _client is not null ? _client.GetService(serviceType, serviceKey)
            : serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata(_file.Provider, null, _file.Model)
            : null;
    }

    /// <summary>Closes the file and the client.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _file.Dispose();
        }

        _client?.Dispose();
    }

    private string? Model => _client is null ? _file.Model : _client.GetService<ChatClientMetadata>()?.DefaultModelId;

    private static ScriptedReply Reply(ChatResponse response) => new()
    {
        Contents = [.. response.Messages.SelectMany(m => m.Contents)],
        Finish = response.FinishReason,
        Model = response.ModelId,
        CountsUsage = false,
        Usage = response.Usage,
    };

    /// <summary>The end of a stream, good or bad, is when it is recorded; one that its reader abandons is not.</summary>
    private async ValueTask<bool> NextAsync(IAsyncEnumerator<ChatResponseUpdate> updates, RequestForm form, List<ChatResponseUpdate> seen, CancellationToken cancellationToken)
    {
        try
        {
            if (await updates.MoveNextAsync())
            {
                return true;
            }
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            Keep(form, Reply(seen.ToChatResponse()).BrokenBy(e));
            throw;
        }

        Keep(form, Reply(seen.ToChatResponse()));
        return false;
    }

    private RequestForm Form(ScriptedRequest request) => RequestForm.Of(request.Messages, request.Options, Model);

    private ScriptedReply? Find(RequestForm form)
    {
        if (!_replays)
        {
            return null;
        }

        lock (_lock)
        {
            var replies = _file.Find(form);
            var next = _played.GetValueOrDefault(form.Digest);
            if (next >= replies.Count && _client is not null)
            {
                return null;
            }

            if (replies.Count == 0)
            {
                throw new NotRecordedException(
                    $"The recording '{_path}' has no reply to this request of {form.Messages.Count} messages. {_file.Nearest(form)} If the change is meant, ask a real client for what is missing by "
                    + "RecordingChatClient.RecordOrReplay, or delete the file to record all anew.");
            }

            _played[form.Digest] = next + 1;
            _replayed++;
            return replies[Math.Min(next, replies.Count - 1)];
        }
    }

    private void Keep(RequestForm form, ScriptedReply reply)
    {
        lock (_lock)
        {
            _file.Open(_client!.GetService<ChatClientMetadata>());
            _file.Append(form, reply);
            _played[form.Digest] = _file.Find(form).Count; // what was just asked is not replayed to this client's next equal request
            _recorded++;
        }
    }
}
