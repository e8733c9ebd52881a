using System.Text;
using System.Text.Json.Nodes;

namespace Signalbox.Providers.Tests.Wire;

/// <summary>Replies as OpenAI's chat completions API writes them.</summary>
public static class OpenAIWire
{
    public static string Whole(WireReply reply, string model)
    {
        ArgumentNullException.ThrowIfNull(reply);
        var text = TextOf(reply);
        var message = new JsonObject { ["role"] = "assistant", ["content"] = text.Length > 0 ? text : null };
        if (Calls(reply) is { Length: > 0 } calls)
        {
            message["tool_calls"] = new JsonArray([.. calls.Select(c => Call(c, c.Arguments))]);
        }

        var choice = new JsonObject { ["index"] = 0, ["message"] = message, ["finish_reason"] = Finish(reply.Finish) };
        var whole = Head("chat.completion", model);
        whole["choices"] = new JsonArray(choice);
        whole["usage"] = Usage(reply.Usage);
        return whole.ToJsonString();
    }

    public static string Events(WireReply reply, string model)
    {
        ArgumentNullException.ThrowIfNull(reply);
        var text = new StringBuilder();
        Chunk(text, model, new JsonObject { ["role"] = "assistant", ["content"] = "" });
        foreach (var half in Halves(TextOf(reply)).Where(h => h.Length > 0))
        {
            Chunk(text, model, new JsonObject { ["content"] = half });
        }

        foreach (var (index, call) in Calls(reply).Index())
        {
            CallChunks(text, model, index, call);
        }

        Chunk(text, model, [], Finish(reply.Finish));
        var end = Head("chat.completion.chunk", model);
        end["choices"] = new JsonArray();
        end["usage"] = Usage(reply.Usage);
        Data(text, end.ToJsonString());
        Data(text, "[DONE]");
        return text.ToString();
    }

    public static string Error(string type, string message) =>
        new JsonObject { ["error"] = new JsonObject { ["message"] = message, ["type"] = type, ["param"] = null, ["code"] = type } }.ToJsonString();

    /// <summary>An error in the middle of a stream.</summary>
    public static string ErrorEvent(string type, string message) => $"data: {Error(type, message)}\n\n";

    private static void CallChunks(StringBuilder text, string model, int index, WireBlock.ToolCall call)
    {
        var first = Call(call, "");
        first.Insert(0, "index", index);
        Chunk(text, model, new JsonObject { ["tool_calls"] = new JsonArray(first) });
        foreach (var half in Halves(call.Arguments))
        {
            var more = new JsonObject { ["index"] = index, ["function"] = new JsonObject { ["arguments"] = half } };
            Chunk(text, model, new JsonObject { ["tool_calls"] = new JsonArray(more) });
        }
    }

    private static void Chunk(StringBuilder text, string model, JsonObject delta, string? finish = null)
    {
        var chunk = Head("chat.completion.chunk", model);
        chunk["choices"] = new JsonArray(new JsonObject { ["index"] = 0, ["delta"] = delta, ["finish_reason"] = finish });
        Data(text, chunk.ToJsonString());
    }

    private static void Data(StringBuilder text, string data) => text.Append("data: ").Append(data).Append("\n\n");

    private static JsonObject Head(string kind, string model) => new() { ["id"] = "cc-1", ["object"] = kind, ["created"] = 1_750_000_000, ["model"] = model };

    private static JsonObject Call(WireBlock.ToolCall call, string arguments) => new()
    {
        ["id"] = call.Id,
        ["type"] = "function",
        ["function"] = new JsonObject { ["name"] = call.Name, ["arguments"] = arguments },
    };

    private static WireBlock.ToolCall[] Calls(WireReply reply) => [.. reply.Blocks.OfType<WireBlock.ToolCall>()];

    private static string TextOf(WireReply reply) => string.Concat(reply.Blocks.OfType<WireBlock.Text>().Select(t => t.Value));

    private static string[] Halves(string text) => [text[..(text.Length / 2)], text[(text.Length / 2)..]];

    private static JsonObject Usage(WireUsage usage) => new()
    {
        ["prompt_tokens"] = usage.Input,
        ["completion_tokens"] = usage.Output,
        ["total_tokens"] = usage.Input + usage.Output,
        ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = usage.CacheRead },
        ["completion_tokens_details"] = new JsonObject { ["reasoning_tokens"] = usage.Reasoning },
    };

    private static string? Finish(WireFinish finish) => finish switch
    {
        WireFinish.Stop => "stop",
        WireFinish.ToolCalls => "tool_calls",
        WireFinish.Length => "length",
        WireFinish.Refusal => "content_filter",
        _ => null,
    };
}
