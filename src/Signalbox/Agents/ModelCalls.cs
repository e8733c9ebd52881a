using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>A model's typed answer, as recorded.</summary>
public sealed record ModelAnswer<T>(T Value, string Model, long? InputTokens, long? OutputTokens);

/// <summary>Single model calls as recorded steps, without tools, ladder or budget. For those, see <see cref="DecideExtensions"/>.</summary>
public static class ModelCallExtensions
{
    /// <summary>
    /// Asks a model for an answer of type <typeparamref name="T"/>, once: the answer is recorded with its messages (each stored once by content), its use and the
    /// reply as it came; a crash afterwards does not ask again. A reply that is cut, truncated, refused or does not fit the type is a failed attempt, never an answer.
    /// </summary>
    /// <exception cref="StepFailedException">No attempt gave an answer. Codes: <c>invalid_answer</c>, <c>too_large</c>, <c>timed_out</c>, or another <see cref="ModelTrouble"/> in snake case.</exception>
    public static Task<ModelAnswer<T>> Ask<T>(
        this VisitScope visit, string name, IChatClient model, IReadOnlyList<ChatMessage> messages, ChatOptions? options = null, StepOptions? step = null)
    {
        ArgumentNullException.ThrowIfNull(visit);
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(messages);
        var payloads = messages.Select(ModelReply.Stored).ToArray();
        var modelId = options?.ModelId ?? model.GetService<ChatClientMetadata>()?.DefaultModelId ?? "";
        var arguments = Bodies.Json(new { model = modelId, messages = payloads.Select(p => p.Hash.Value) });
        return visit.Engine.StepAsync<ModelAnswer<T>>(
            visit.ScopeName, name, arguments, CallAsync, (step ?? StepOptions.Default) with { Type = "model" });

        async Task<StepResult> CallAsync(CancellationToken cancellationToken)
        {
            var asked = options?.Clone() ?? new ChatOptions();
            asked.ResponseFormat ??= ChatResponseFormat.ForJsonSchema<T>(SignalboxJson.Options);
            try
            {
                var response = await ModelReply.AskAsync(visit.Engine.Engine, model, messages, asked, null, cancellationToken);
                var value = ModelReply.Answer<T>(response.Text);
                var (call, stored) = ModelReply.Record(response, modelId, payloads, visit.Engine.Engine.Limits.ResultBytesMax);
                return new StepResult(Bodies.Json(new ModelAnswer<T>(value, call.Model, call.InputTokens, call.OutputTokens)), call, stored);
            }
            catch (ModelException e)
            {
                throw new StepFaultException(ModelTroubles.Code(e.Trouble), e.Message, e);
            }
            catch (JsonException e)
            {
                throw new StepFaultException("invalid_answer", $"the model's reply is no {typeof(T).Name}: {e.Message}", e);
            }
        }
    }
}
