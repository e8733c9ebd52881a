using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>A model's typed answer, as recorded.</summary>
public sealed record ModelAnswer<T>(T Value, string Model, long? InputTokens, long? OutputTokens);

/// <summary>Model calls as recorded steps.</summary>
public static class ModelCallExtensions
{
    private static readonly JsonSerializerOptions MessageOptions = new(AIJsonUtilities.DefaultOptions) { WriteIndented = false };

    /// <summary>
    /// Asks a model for an answer of type <typeparamref name="T"/>, once: the answer is recorded with its messages (each stored once by content), its use and the
    /// reply as it came; a crash afterwards does not ask again. A reply that is cut, truncated, refused or does not fit the type is a failed attempt, never an answer.
    /// </summary>
    /// <exception cref="StepFailedException">No attempt gave an answer. Codes: <c>truncated</c>, <c>refused</c>, <c>invalid_answer</c>, <c>timed_out</c>, <c>failed</c>.</exception>
    public static Task<ModelAnswer<T>> Ask<T>(
        this VisitScope visit, string name, IChatClient model, IReadOnlyList<ChatMessage> messages, ChatOptions? options = null, StepOptions? step = null)
    {
        ArgumentNullException.ThrowIfNull(visit);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(messages);
        var payloads = messages.Select(m => Payload.Of(JsonSerializer.SerializeToUtf8Bytes(m, MessageOptions))).ToArray();
        var modelId = options?.ModelId ?? model.GetService<ChatClientMetadata>()?.DefaultModelId ?? "";
        var hashes = payloads.Select(p => p.Hash.Value).ToArray();
        var arguments = Bodies.Json(new { model = modelId, messages = hashes });
        return visit.Engine.StepAsync<ModelAnswer<T>>(
            visit.ScopeName, name, arguments, cancellationToken => CallAsync<T>(model, modelId, messages, payloads, options, cancellationToken), (step ?? StepOptions.Default) with { Type = "model" });
    }

    private static async Task<StepResult> CallAsync<T>(
        IChatClient model, string modelId, IReadOnlyList<ChatMessage> messages, Payload[] payloads, ChatOptions? options, CancellationToken cancellationToken)
    {
        options = options?.Clone() ?? new ChatOptions();
        options.ResponseFormat ??= ChatResponseFormat.ForJsonSchema<T>(SignalboxJson.Options);
        var response = await model.GetResponseAsync(messages, options, cancellationToken);
        var value = Value<T>(response);
        var (reply, more) = Bodies.Place(new RawJson(JsonSerializer.SerializeToUtf8Bytes(response.Messages, MessageOptions)));
        var call = new ModelCall(
            response.ModelId ?? modelId,
            [.. payloads.Select(p => p.Hash)],
            reply,
            response.FinishReason?.Value ?? "",
            response.Usage?.InputTokenCount,
            response.Usage?.OutputTokenCount,
            response.Usage?.CachedInputTokenCount);
        return new StepResult(Bodies.Json(new ModelAnswer<T>(value, call.Model, call.InputTokens, call.OutputTokens)), call, [.. payloads, .. more]);
    }

    private static T Value<T>(ChatResponse response)
    {
        var finish = response.FinishReason;
        if (finish is null)
        {
            throw new StepFaultException("truncated", "the model's reply was cut: it has no finish reason");
        }

        if (finish == ChatFinishReason.Length)
        {
            throw new StepFaultException("truncated", "the model's reply reached its length limit");
        }

        if (finish == ChatFinishReason.ContentFilter)
        {
            throw new StepFaultException("refused", "the model or its provider refused to answer");
        }

        try
        {
            return JsonSerializer.Deserialize<T>(Unfenced(response.Text), SignalboxJson.Options) ?? throw new JsonException("It is null.");
        }
        catch (JsonException e)
        {
            throw new StepFaultException("invalid_answer", $"the model's reply is no {typeof(T).Name}: {e.Message}", e);
        }
    }

    /// <summary>Models often wrap JSON into a Markdown fence; the fence is no part of the answer.</summary>
    private static string Unfenced(string text)
    {
        var trimmed = text.Trim();
        if (!trimmed.StartsWith("```", StringComparison.Ordinal) || !trimmed.EndsWith("```", StringComparison.Ordinal) || trimmed.Length < 6)
        {
            return trimmed;
        }

        var firstLine = trimmed.IndexOf('\n', StringComparison.Ordinal);
        return firstLine < 0 ? trimmed : trimmed[(firstLine + 1)..^3].Trim();
    }
}
