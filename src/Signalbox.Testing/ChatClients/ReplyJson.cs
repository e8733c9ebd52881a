using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace Signalbox.Testing;

/// <summary>The JSON form of <see cref="ScriptedReply"/>, described there.</summary>
internal static partial class ReplyJson
{
    public static ScriptedReply Read(string json)
    {
        try
        {
            return Read(JsonNode.Parse(json, documentOptions: new() { MaxDepth = ContentJson.DepthMax }));
        }
        catch (JsonException e)
        {
            throw new FormatException($"A reply must be JSON; got {Excerpt.Of(json)}: {e.Message}", e);
        }
    }

    public static ScriptedReply Read(JsonNode? json)
    {
        var members = new JsonMembers(json, "A reply");
        members.ThrowIfUnknown("text", "contents", "finish", "model", "usage", "error", "afterSeconds", "silentSeconds");
        if (members.Has("text") && members.Has("contents"))
        {
            throw new FormatException("A reply has either 'text' or 'contents', not both.");
        }

        if (!members.Has("text") && !members.Has("contents") && !members.Has("error"))
        {
            throw new FormatException("A reply must have one of the members text, contents, error.");
        }

        AIContent[] contents = members.Has("text")
            ? [new TextContent(members.Text("text"))]
            : [.. (members.Array("contents") ?? []).Select((content, i) => ContentJson.Read(content, i + 1))];
        return new ScriptedReply
        {
            Contents = contents,
            Finish = !members.Has("finish") ? ScriptedReply.FinishOf(contents) : members.Text("finish") is { } finish ? new ChatFinishReason(finish) : null,
            Model = members.Text("model"),
            CountsUsage = !members.Has("usage"),
            Usage = members.Object("usage") is { } usage ? Usage(usage) : null,
            Failure = members.Object("error") is { } error ? Failure(error) : null,
            Delay = Seconds(members.Number("afterSeconds")),
            Silence = Seconds(members.Number("silentSeconds")),
        };
    }

    public static JsonObject Write(ScriptedReply reply)
    {
        var json = new JsonObject();
        if (reply.Contents is [TextContent { AdditionalProperties: null, Annotations: null } only])
        {
            json["text"] = only.Text;
        }
        else if (reply.Contents.Count > 0 || reply.Failure is null)
        {
            json["contents"] = new JsonArray([.. reply.Contents.Select(ContentJson.Write)]);
        }

        if (reply.Failure is not null)
        {
            json["error"] = Write(reply.Failure);
        }
        else if (reply.Finish != ScriptedReply.FinishOf(reply.Contents))
        {
            json["finish"] = reply.Finish?.Value;
        }

        Add(json, "model", reply.Model);
        if (!reply.CountsUsage)
        {
            json["usage"] = reply.Usage is { } usage ? Write(usage) : null;
        }

        Add(json, "afterSeconds", Seconds(reply.Delay));
        Add(json, "silentSeconds", Seconds(reply.Silence));
        return json;
    }

    private static TimeSpan Seconds(double? seconds) => seconds switch
    {
        null => TimeSpan.Zero,
        -1 => Timeout.InfiniteTimeSpan,
        >= 0 and < 1e9 => TimeSpan.FromSeconds(seconds.Value),
        _ => throw new FormatException($"A reply's seconds must be 0 or more, or -1 for ever; got {seconds.Value.ToString(CultureInfo.InvariantCulture)}."),
    };

    private static double? Seconds(TimeSpan time) => time == TimeSpan.Zero ? null : time == Timeout.InfiniteTimeSpan ? -1 : time.TotalSeconds;

    private static UsageDetails Usage(JsonObject json)
    {
        var members = new JsonMembers(json, "A reply's usage");
        members.ThrowIfUnknown("input", "output", "cached", "reasoning", "total", "more");
        var usage = new UsageDetails
        {
            InputTokenCount = members.Count("input"),
            OutputTokenCount = members.Count("output"),
            CachedInputTokenCount = members.Count("cached"),
            ReasoningTokenCount = members.Count("reasoning"),
            TotalTokenCount = members.Count("total"),
        };
        if (members.Object("more") is { } more)
        {
            var counts = new JsonMembers(more, "A usage's 'more'");
            usage.AdditionalCounts = [];
            foreach (var (name, _) in more)
            {
                usage.AdditionalCounts[name] = counts.Count(name) ?? 0;
            }
        }

        return usage;
    }

    private static JsonObject Write(UsageDetails usage)
    {
        var json = new JsonObject();
        Add(json, "input", usage.InputTokenCount);
        Add(json, "output", usage.OutputTokenCount);
        Add(json, "cached", usage.CachedInputTokenCount);
        Add(json, "reasoning", usage.ReasoningTokenCount);
        Add(json, "total", usage.TotalTokenCount);
        if (usage.AdditionalCounts is { Count: > 0 } more)
        {
            json["more"] = new JsonObject(more.Select(m => KeyValuePair.Create(m.Key, (JsonNode?)m.Value)));
        }

        return json;
    }

    private static Exception Failure(JsonObject json)
    {
        var members = new JsonMembers(json, "A reply's error");
        members.ThrowIfUnknown("type", "message", "status", "trouble", "retryAfterSeconds");
        var message = members.Text("message") ?? "";
        return members.Text("type") switch
        {
            nameof(ModelException) => new ModelException(
                Enum.TryParse<ModelTrouble>(members.Text("trouble"), out var trouble) && Enum.IsDefined(trouble)
                    ? trouble
                    : throw new FormatException($"A reply's error has a trouble '{members.Text("trouble")}'; it must be one of {string.Join(", ", Enum.GetNames<ModelTrouble>())}."),
                message,
                members.Number("retryAfterSeconds") is { } seconds ? Seconds(seconds) : null),
            nameof(HttpRequestException) => new HttpRequestException(message, null, members.Count("status") is { } status ? (HttpStatusCode)status : null),
            nameof(IOException) => new IOException(message),
            nameof(JsonException) => new JsonException(message),
            nameof(TimeoutException) => new TimeoutException(message),
            nameof(TaskCanceledException) => new TaskCanceledException(message),
            nameof(InvalidOperationException) => new InvalidOperationException(message),
            var other => new RecordedFailureException(other ?? "", message),
        };
    }

    private static JsonObject Write(Exception failure)
    {
        var json = new JsonObject
        {
            ["type"] = failure switch
            {
                ModelException => nameof(ModelException),
                HttpRequestException => nameof(HttpRequestException),
                IOException => nameof(IOException),
                JsonException => nameof(JsonException),
                TimeoutException or OperationCanceledException { InnerException: TimeoutException } => nameof(TimeoutException),
                OperationCanceledException => nameof(TaskCanceledException),
                InvalidOperationException => nameof(InvalidOperationException),
                RecordedFailureException recorded => recorded.OriginalType,
                _ => failure.GetType().FullName,
            },
            ["message"] = Secret().Replace(failure.Message, "[removed]"),
        };
        Add(json, "trouble", (failure as ModelException)?.Trouble.ToString());
        Add(json, "retryAfterSeconds", (failure as ModelException)?.RetryAfter?.TotalSeconds);
        Add(json, "status", (int?)(failure as HttpRequestException)?.StatusCode);
        return json;
    }

    private static void Add<T>(JsonObject json, string name, T? value)
    {
        if (value is not null)
        {
            json[name] = JsonValue.Create(value);
        }
    }

    /// <summary>Providers like to repeat the key that they refuse.</summary>
    [GeneratedRegex("""\b(?:sk|pk|rk|key|xox[a-z]|gh[a-z])[-_][\w.*-]{6,}|(?<=\bbearer\s+)[^\s"',;]+""", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Secret();
}

/// <summary>A recorded exception of a type that replay does not make anew; the engine takes it as it takes any unknown one.</summary>
public sealed class RecordedFailureException(string originalType, string message) : Exception(message)
{
    /// <summary>The full name of the type that was recorded.</summary>
    public string OriginalType { get; } = originalType;
}
