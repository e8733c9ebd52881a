using System.Text.Json;

namespace Signalbox;

/// <summary>
/// Compares a tool call's arguments with the tool's JSON schema (draft 2020-12 as tools use it, and the tuples and <c>definitions</c> of draft 7). A keyword that is not known,
/// or that is used in a way that makes no sense, allows everything: <c>$id</c>, <c>$dynamicRef</c>, references to other documents, <c>unevaluated…</c>.
/// </summary>
internal static class JsonSchemaCheck
{
    /// <summary>How many faults are told at once.</summary>
    public const int FaultsMax = 10;

    /// <summary>How long a fault may be, in characters.</summary>
    public const int FaultCharactersMax = 600;

    /// <summary>
    /// Every way in which the value does not fit, as sentences for the model that has written it; empty if it fits. What comes from outside stands in quotes, short and escaped.
    /// Beyond the schema, a value must be one that can be recorded and passed on: no property twice, no number beyond a double, nested no deeper than 64 levels, at most 4 MiB.
    /// Never throws, and takes bounded time: what cannot be compared within the limits is a fault.
    /// </summary>
    public static IReadOnlyList<string> Faults(JsonElement schema, JsonElement value) =>
        ReadableJson.Fault(value) is { } unreadable ? [unreadable] : new SchemaComparison(ReadableJson.UsableSchema(schema)).Faults(value);
}
