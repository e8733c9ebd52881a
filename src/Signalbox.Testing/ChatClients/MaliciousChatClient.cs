using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.AI;

namespace Signalbox.Testing;

/// <summary>
/// A model that plays the worst move at every turn: tools that do not exist or are not offered, arguments of every wrong kind, replies that are cut, empty, huge or no answer, orders to
/// the next reader, odd exceptions, silence. Which move comes follows from the seed and the conversation alone, so that the same conversation gets the same move after a crash, at a
/// second attempt, and whatever other runs ask meanwhile. Some conversations are under an obsession: they repeat their last call for ever.
/// Safe to call from several threads.
/// </summary>
public sealed class MaliciousChatClient(ulong seed) : IChatClient
{
    private const int ObsessedOneIn = 10;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, int> _moves = new(StringComparer.Ordinal);

    /// <summary>The names of all moves, <c>obeys_with_call</c> and <c>obeys_with_answer</c> apart.</summary>
    public static IReadOnlyList<string> AllMoves { get; } = [.. MaliciousMoves.All.Select(m => m.Name)];

    /// <summary>The seed, to be printed with what failed.</summary>
    public ulong Seed { get; } = seed;

    /// <summary>The model's name.</summary>
    public string Model { get; init; } = "malicious-1";

    /// <summary>How likely a turn does what was asked, with a valid call of an offered tool or an answer that fits the schema, so that runs get deep: 0 (never) to 1.</summary>
    public double Obey { get; init; }

    /// <summary>Names of tools that other agents have, to be tried.</summary>
    public IReadOnlyList<string> OtherTools { get; init; } = [];

    /// <summary>What a decision must never say, for answers that say it with full confidence.</summary>
    public IReadOnlyList<string> Forbidden { get; init; } = ["0.0.0.0/0", "127.0.0.1", "rm -rf /", "*"];

    /// <summary>Only these moves are played; by default all. A turn in which none of them is possible gets <c>empty</c>.</summary>
    public IReadOnlyCollection<string> Only { get; init; } = AllMoves;

    /// <summary>With a clock, it may be late by days, or never answer, heeding a cancellation or not. Without, these moves are left out.</summary>
    public TimeProvider? Clock { get; init; }

    /// <summary>How long huge texts are, in characters.</summary>
    public int TextCharacters { get; init; } = 5_000_000;

    /// <summary>How long huge arguments are, in characters.</summary>
    public int ArgumentCharacters { get; init; } = 1_000_000;

    /// <summary>How often each move was played, by name.</summary>
    public IReadOnlyDictionary<string, int> Moves
    {
        get
        {
            lock (_lock)
            {
                return new SortedDictionary<string, int>(_moves, StringComparer.Ordinal);
            }
        }
    }

    /// <inheritdoc />
    public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
    {
        var request = new ScriptedRequest([.. messages], options);
        return await Play(request).AnswerAsync(request, Model, Clock ?? TimeProvider.System, cancellationToken);
    }

    /// <inheritdoc />
    public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var request = new ScriptedRequest([.. messages], options);
        await foreach (var update in Play(request).StreamAsync(request, Model, Clock ?? TimeProvider.System, cancellationToken))
        {
            yield return update;
        }
    }

    /// <inheritdoc />
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata("malicious", null, Model) : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <inheritdoc />
    public void Dispose()
    {
    }

    private ScriptedReply Play(ScriptedRequest request)
    {
        var (name, reply) = Choose(request);
        lock (_lock)
        {
            _moves[name] = _moves.GetValueOrDefault(name) + 1;
        }

        return reply;
    }

    private (string Name, ScriptedReply Reply) Choose(ScriptedRequest request)
    {
        string[] conversation = [.. request.Messages.Select(m => RequestPart.Of(RequestForm.MessageJson(m)).Hash)];
        var opening = request.Messages.TakeWhile(m => m.Role != ChatRole.Assistant).Count();
        var temper = EntropyOf(conversation.AsSpan(0, opening));
        var isObsessed = temper.Below(ObsessedOneIn) == 0 && !Obeys(temper);
        var entropy = EntropyOf(conversation);
        var turn = new MaliciousTurn(request, entropy, this);

        if (isObsessed && Only.Contains(MaliciousMoves.SameCall.Name) && MaliciousMoves.SameCall.Play(turn) is { } again)
        {
            return (MaliciousMoves.SameCall.Name, again);
        }

        if (Obeys(entropy))
        {
            return turn.Tools.Count > 0 && entropy.Below(request.Turn + 3) < 3 ? ("obeys_with_call", turn.Call()) : ("obeys_with_answer", turn.Answer());
        }

        List<MaliciousMove> left = [.. MaliciousMoves.All.Where(m => Only.Contains(m.Name))];
        while (left.Count > 0)
        {
            var at = entropy.Below(left.Sum(m => m.Weight));
            var move = left.First(m => (at -= m.Weight) < 0);
            if (move.Play(turn) is { } reply)
            {
                return (move.Name, reply);
            }

            left.Remove(move);
        }

        return ("empty", ScriptedReply.Of());
    }

    private bool Obeys(SeededEntropy entropy) => entropy.Below(1_000_000) < Obey * 1_000_000;

    private SeededEntropy EntropyOf(ReadOnlySpan<string> hashes)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{Seed}");
        foreach (var hash in hashes)
        {
            text.Append(' ').Append(hash);
        }

        return new(BitConverter.ToUInt64(System.Security.Cryptography.SHA256.HashData(Encoding.ASCII.GetBytes(text.ToString()))));
    }
}
