using System.Text;
using System.Text.Json.Nodes;

namespace Signalbox.Providers.Tests.Wire;

/// <summary>Replies as Anthropic's Messages API writes them.</summary>
public static class AnthropicWire
{
    public static string Whole(WireReply reply, string model)
    {
        ArgumentNullException.ThrowIfNull(reply);
        var message = Message(reply, model);
        message["content"] = new JsonArray([.. reply.Blocks.Select(Block)]);
        message["stop_reason"] = Stop(reply.Finish);
        message["usage"] = Usage(reply.Usage, reply.Usage.Output);
        return message.ToJsonString();
    }

    public static string Events(WireReply reply, string model)
    {
        ArgumentNullException.ThrowIfNull(reply);
        var start = Message(reply, model);
        start["content"] = new JsonArray();
        start["stop_reason"] = null;
        start["usage"] = Usage(reply.Usage, 1);
        var text = new StringBuilder();
        Event(text, "message_start", new JsonObject { ["message"] = start });
        Event(text, "ping", []);
        for (var index = 0; index < reply.Blocks.Count; index++)
        {
            BlockEvents(text, index, reply.Blocks[index]);
        }

        Event(text, "message_delta", new JsonObject
        {
            ["delta"] = new JsonObject { ["stop_reason"] = Stop(reply.Finish), ["stop_sequence"] = null },
            ["usage"] = Usage(reply.Usage, reply.Usage.Output),
        });
        Event(text, "message_stop", []);
        return text.ToString();
    }

    public static string Error(string type, string message) =>
        new JsonObject { ["type"] = "error", ["error"] = new JsonObject { ["type"] = type, ["message"] = message }, ["request_id"] = "req_1" }.ToJsonString();

    /// <summary>An error in the middle of a stream.</summary>
    public static string ErrorEvent(string type, string message) => $"event: error\ndata: {Error(type, message)}\n\n";

    private static JsonObject Message(WireReply reply, string model) => new()
    {
        ["id"] = "msg_1",
        ["type"] = "message",
        ["role"] = "assistant",
        ["model"] = model,
        ["stop_sequence"] = null,
    };

    private static JsonNode Block(WireBlock block) => block switch
    {
        WireBlock.Text text => new JsonObject { ["type"] = "text", ["text"] = text.Value },
        WireBlock.Thinking thinking => new JsonObject { ["type"] = "thinking", ["thinking"] = thinking.Value, ["signature"] = thinking.Signature },
        WireBlock.ToolCall call => new JsonObject { ["type"] = "tool_use", ["id"] = call.Id, ["name"] = call.Name, ["input"] = JsonNode.Parse(call.Arguments) },
        _ => throw new ArgumentOutOfRangeException(nameof(block)),
    };

    private static void BlockEvents(StringBuilder text, int index, WireBlock block)
    {
        var (start, deltas) = block switch
        {
            WireBlock.Text t => (new WireBlock.Text(""), Halves(t.Value).Select(h => new JsonObject { ["type"] = "text_delta", ["text"] = h })),
            WireBlock.Thinking t => (new WireBlock.Thinking("", ""), Halves(t.Value).Where(h => h.Length > 0).Select(h => new JsonObject { ["type"] = "thinking_delta", ["thinking"] = h })
                .Append(new JsonObject { ["type"] = "signature_delta", ["signature"] = t.Signature })),
            WireBlock.ToolCall c => ((WireBlock)(c with { Arguments = "{}" }), Halves(c.Arguments).Select(h => new JsonObject { ["type"] = "input_json_delta", ["partial_json"] = h })),
            _ => throw new ArgumentOutOfRangeException(nameof(block)),
        };
        Event(text, "content_block_start", new JsonObject { ["index"] = index, ["content_block"] = Block(start) });
        foreach (var delta in deltas)
        {
            Event(text, "content_block_delta", new JsonObject { ["index"] = index, ["delta"] = delta });
        }

        Event(text, "content_block_stop", new JsonObject { ["index"] = index });
    }

    private static string[] Halves(string text) => [text[..(text.Length / 2)], text[(text.Length / 2)..]];

    private static void Event(StringBuilder text, string type, JsonObject data)
    {
        data.Insert(0, "type", type);
        text.Append("event: ").Append(type).Append("\ndata: ").Append(data.ToJsonString()).Append("\n\n");
    }

    private static JsonObject Usage(WireUsage usage, int output) => new()
    {
        ["input_tokens"] = usage.Fresh,
        ["cache_creation_input_tokens"] = usage.CacheWrite,
        ["cache_read_input_tokens"] = usage.CacheRead,
        ["output_tokens"] = output,
    };

    private static string? Stop(WireFinish finish) => finish switch
    {
        WireFinish.Stop => "end_turn",
        WireFinish.ToolCalls => "tool_use",
        WireFinish.Length => "max_tokens",
        WireFinish.Refusal => "refusal",
        _ => null,
    };
}
