using Signalbox.Queries;

namespace Signalbox.OpenTelemetry;

/// <summary>Of a conversation, the instructions that it began with and as many of its last messages as an attribute holds: what comes earlier is forgotten, however long the conversation becomes.</summary>
internal sealed class KeptConversation
{
    private readonly List<(byte[] Json, int? Call)> _messages = [];
    private Dictionary<string, int> _calls = [];
    private long _bytes;
    private int _forgotten;
    private bool _hasBegun;

    public string? Instructions { get; private set; }

    /// <summary>What a model is given next; null where nothing of that is there.</summary>
    public string? Input() => _messages.Count == 0 ? null : ContentJson.Messages(_messages.Select(m => m.Json), _forgotten);

    public void Add(MessageView message)
    {
        if (message.Fault is not null)
        {
            return;
        }

        if (message.Tool is not null)
        {
            // The answers were recorded as they came; the model was given them in the order of its calls.
            var call = _calls.GetValueOrDefault(message.CallId ?? "", int.MaxValue);
            var at = _messages.Count;
            while (at > 0 && _messages[at - 1].Call > call)
            {
                at--;
            }

            Keep(ContentJson.Message("tool", [new("result", null, message.CallId, null, message.Content)]), call, at);
        }
        else if (message.Role == "system" && !_hasBegun)
        {
            Instructions = ContentJson.Instructions(MessagePart.Of(message));
        }
        else
        {
            Keep(ContentJson.Message(message.Role, MessagePart.Of(message)), null, _messages.Count);
        }

        _hasBegun = true;
    }

    public void AddReply(IReadOnlyList<MessageView> reply)
    {
        if (reply.Count == 0)
        {
            return;
        }

        _hasBegun = true;
        _calls = [];
        MessagePart[] parts = [.. reply.Where(m => m.Fault is null).SelectMany(MessagePart.Of)];
        foreach (var call in parts.Where(p => p is { Kind: "call", CallId: not null }))
        {
            _calls.TryAdd(call.CallId!, _calls.Count);
        }

        if (parts.Length > 0)
        {
            Keep(ContentJson.Message("assistant", parts), null, _messages.Count);
        }
    }

    /// <summary>A model's reply as one message, however many it came in; null where it is missing.</summary>
    public static byte[]? Reply(IReadOnlyList<MessageView> reply) =>
        reply.Count == 0 || reply.Any(m => m.Fault is not null) ? null : ContentJson.Message("assistant", [.. reply.SelectMany(MessagePart.Of)], reply[0].FinishReason ?? "");

    private void Keep(byte[] json, int? call, int at)
    {
        _messages.Insert(at, (json, call));
        _bytes += json.Length + 1;
        var forget = 0;
        while (_bytes > ContentJson.MessageBytesMax + 1)
        {
            _bytes -= _messages[forget++].Json.Length + 1;
        }

        _messages.RemoveRange(0, forget);
        _forgotten += forget;
    }
}
