using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace Signalbox.Testing;

/// <summary>What a model was asked.</summary>
public sealed record ScriptedRequest(IReadOnlyList<ChatMessage> Messages, ChatOptions? Options)
{
    /// <summary>Which turn of its conversation this is, from 1: one more than the messages in which the model has spoken.</summary>
    public int Turn => Messages.Count(m => m.Role == ChatRole.Assistant) + 1;
}

/// <summary>
/// A model whose replies are data; it records what it was asked. By its constructor it replies in order, whoever asks; <see cref="ByTurn"/> and <see cref="Answering"/> choose
/// the reply from the request alone, so that runs side by side, and runs that go on after a crash, each get their own. Out of replies it throws, so that a call too many is
/// seen. Safe to call from several threads.
/// </summary>
public sealed class ScriptedChatClient : IChatClient
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _clock;
    private readonly Func<ScriptedRequest, ScriptedReply>? _rule;
    private readonly bool _byTurn;
    private readonly List<ScriptedReply> _replies;
    private readonly List<ScriptedRequest> _requests = [];
    private int _taken;

    /// <summary>Replies in order: the first request gets the first reply.</summary>
    public ScriptedChatClient(TimeProvider clock, params IEnumerable<ScriptedReply> replies)
        : this(clock, replies, byTurn: false, rule: null)
    {
    }

    private ScriptedChatClient(TimeProvider clock, IEnumerable<ScriptedReply> replies, bool byTurn, Func<ScriptedRequest, ScriptedReply>? rule)
    {
        _clock = clock;
        _replies = [.. replies];
        _byTurn = byTurn;
        _rule = rule;
    }

    /// <summary>The model's name. Set it before the client is used.</summary>
    public string Model { get; set; } = "scripted-1";

    /// <summary>What it was asked, in order.</summary>
    public IReadOnlyList<ScriptedRequest> Requests
    {
        get
        {
            lock (_lock)
            {
                return [.. _requests];
            }
        }
    }

    /// <summary>
    /// Plays the same conversation with everybody who asks: the n-th turn of a conversation (<see cref="ScriptedRequest.Turn"/>) gets the n-th reply, however often it is asked;
    /// so a reply that fails, fails at every attempt.
    /// </summary>
    public static ScriptedChatClient ByTurn(TimeProvider clock, params IEnumerable<ScriptedReply> replies) => new(clock, replies, byTurn: true, rule: null);

    /// <summary>Replies by a rule. It may be called from several threads at once; one that depends on the request alone gives the same under crashes and side by side.</summary>
    public static ScriptedChatClient Answering(TimeProvider clock, Func<ScriptedRequest, ScriptedReply> rule)
    {
        ArgumentNullException.ThrowIfNull(rule);
        return new(clock, [], byTurn: false, rule);
    }

    /// <summary>Adds replies after those it has.</summary>
    /// <exception cref="InvalidOperationException">It replies by a rule.</exception>
    public void Add(params IEnumerable<ScriptedReply> replies)
    {
        ArgumentNullException.ThrowIfNull(replies);
        if (_rule is not null)
        {
            throw new InvalidOperationException($"The scripted model '{Model}' replies by a rule; it takes no further replies.");
        }

        lock (_lock)
        {
            _replies.AddRange(replies);
        }
    }

    /// <inheritdoc />
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var request = new ScriptedRequest([.. messages], options);
        return await Take(request).AnswerAsync(request, Model, _clock, cancellationToken);
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var request = new ScriptedRequest([.. messages], options);
        await foreach (var update in Take(request).StreamAsync(request, Model, _clock, cancellationToken))
        {
            yield return update;
        }
    }

    /// <inheritdoc />
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("scripted", null, Model) : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <inheritdoc />
    public void Dispose()
    {
    }

    private ScriptedReply Take(ScriptedRequest request)
    {
        lock (_lock)
        {
            _requests.Add(request);
            if (_rule is null)
            {
                var number = _byTurn ? request.Turn : _taken + 1;
                if (number > _replies.Count)
                {
                    throw new InvalidOperationException($"The scripted model '{Model}' has no reply left for {(_byTurn ? $"turn {number}" : $"request {_requests.Count}")}.");
                }

                _taken = number;
                return _replies[number - 1];
            }
        }

        return _rule(request);
    }
}
