using System.Text.Json;

namespace Signalbox;

internal static class JsonSchemaCheck
{
    public static IReadOnlyList<string> Faults(JsonElement schema, JsonElement value) => [];
}
