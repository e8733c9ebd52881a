using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>A case from outside does not fit the workflow that it was meant for. The message says everything that does not fit.</summary>
public sealed class CaseUnfitException(string message) : Exception(message);

/// <summary>Reads cases that come from outside.</summary>
internal static class CaseJson
{
    private static readonly JsonSerializerOptions Strict = new(SignalboxJson.Options) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    /// <summary>The case as the workflow's own code would have written it.</summary>
    public static RawJson Fit(RegisteredWorkflow workflow, RawJson @case)
    {
        try
        {
            var reader = new Utf8JsonReader(@case.Utf8.Span);
            using var document = JsonDocument.ParseValue(ref reader);
            var schema = AIJsonUtilities.CreateJsonSchema(workflow.CaseType, serializerOptions: SignalboxJson.Options, inferenceOptions: new() { TransformOptions = new() { DisallowAdditionalProperties = true } });
            if (JsonSchemaCheck.Faults(schema, document.RootElement) is { Count: > 0 } faults)
            {
                throw Unfit(workflow, string.Join("; ", faults));
            }

            var value = document.RootElement.Deserialize(workflow.CaseType, Strict) ?? throw Unfit(workflow, "null is no case");
            return new RawJson(JsonSerializer.SerializeToUtf8Bytes(value, workflow.CaseType, SignalboxJson.Options));
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw Unfit(workflow, e is JsonException { Path: { Length: > 1 } path } ? $"{path}: {e.Message.Split(" Path: ")[0].TrimEnd('.')}" : e.Message.TrimEnd('.'));
        }
    }

    private static CaseUnfitException Unfit(RegisteredWorkflow workflow, string faults) => new($"The case does not fit workflow {workflow.Id}: {faults}. Nothing was started.");
}
