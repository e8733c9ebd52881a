using System.Text.Json;
using System.Text.Json.Serialization;
using Signalbox.Journal;

namespace Signalbox.Queries;

/// <summary>What of the bodies of entries spans and metrics are made of: whoever follows the whole log must not read every prompt and every answer for it.</summary>
internal static class SpanBodies
{
    /// <summary>The body, or null where it is missing, erased, or not of that shape.</summary>
    public static T? Read<T>(Entry entry)
        where T : class
    {
        if (entry.Body.IsEmpty)
        {
            return null;
        }

        try
        {
            return (T?)JsonSerializer.Deserialize(entry.Body.Span, typeof(T), SpanJson.Default);
        }
        catch (Exception e) when (e is JsonException or ArgumentException or NotSupportedException)
        {
            return null; // ArgumentException: an id in the body that is none
        }
    }
}

internal sealed record SpanOfRun(string? Workflow, int Version, string? Parent);

internal sealed record SpanOfTrouble(string? Code, string? Reason);

internal sealed record SpanOfLease(string? Worker, int Deaths);

internal sealed record SpanOfEntry(string? From);

internal sealed record SpanOfStart(long StartedAt);

internal sealed record SpanOfModel(string? Model, string? FinishReason, long? InputTokens, long? OutputTokens, long? CachedInputTokens, long? CacheWriteTokens, string? Agent, string? Tier, int Turn);

internal sealed record SpanOfTool(string? Agent, string? Tier, int Turn, string? CallId);

/// <summary>A step's end: completed, failed, or one attempt of it failed.</summary>
internal sealed record SpanOfStep(
    long Microseconds, int Attempts, string? Type, SpanOfModel? Model, SpanOfTool? Tool, Settlement? Settlement, long? CachedMicroseconds, string? Code, string? Reason);

internal sealed record SpanOfAgent(string? Agent);

internal sealed record SpanOfReservation(string? Agent, string? Model);

internal sealed record SpanOfRejection(string? Agent, string? Tier, int Turn, string? CallId, string? Tool, string? Code);

internal sealed record SpanOfDecision(string? Decision, string? Agent, string? Kind, double Confidence, string? Tier, string? Model, bool Stands, long Micros);

internal sealed record SpanOfJudgement(string? Decision, string? Verdict);

internal sealed record SpanOfEscalation(string? Agent, string? From, string? To, string? Reason);

internal sealed record SpanOfWait(string? Signal);

internal sealed record SpanOfSignal(string? Name);

internal sealed record SpanOfChild(string? Child, string? Workflow);

internal sealed record SpanOfQuestion(ApprovalTerms? Terms, SpanOfAction? Action, IReadOnlyList<string>? Choices);

internal sealed record SpanOfAnswer(string? Choice);

/// <summary>Any entry of an action.</summary>
internal sealed record SpanOfAction(string? ActionId, string? Action, string? Reason, string? Error, bool Undo, bool MadeByUs, int Attempt, string? Policy, string? Verdict, string? Outcome);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, MaxDepth = Body.DepthMax)]
[JsonSerializable(typeof(SpanOfRun))]
[JsonSerializable(typeof(SpanOfTrouble))]
[JsonSerializable(typeof(SpanOfLease))]
[JsonSerializable(typeof(SpanOfEntry))]
[JsonSerializable(typeof(SpanOfStart))]
[JsonSerializable(typeof(SpanOfStep))]
[JsonSerializable(typeof(SpanOfAgent))]
[JsonSerializable(typeof(SpanOfReservation))]
[JsonSerializable(typeof(SpanOfRejection))]
[JsonSerializable(typeof(SpanOfDecision))]
[JsonSerializable(typeof(SpanOfJudgement))]
[JsonSerializable(typeof(SpanOfEscalation))]
[JsonSerializable(typeof(SpanOfWait))]
[JsonSerializable(typeof(SpanOfSignal))]
[JsonSerializable(typeof(SpanOfChild))]
[JsonSerializable(typeof(SpanOfQuestion))]
[JsonSerializable(typeof(SpanOfAnswer))]
[JsonSerializable(typeof(SpanOfAction))]
internal sealed partial class SpanJson : JsonSerializerContext;
