using System.Text.Json;

namespace Signalbox.HistoryChecker.Format;

/// <summary>A body has not the shape of its entry's kind.</summary>
internal sealed class BodyFaultException(string expected, string got) : Exception
{
    public string Expected { get; } = expected;

    public string Got { get; } = got;
}

/// <summary>The members of a body. Absent and null are the same; unknown members do not matter.</summary>
internal readonly struct Body(JsonElement root)
{
    public static JsonDocument Parse(Entry entry)
    {
        if (entry.Body.IsEmpty)
        {
            throw new BodyFaultException($"a body of '{entry.Kind}'", "none");
        }

        var document = JsonDocument.Parse(entry.Body, JsonLines.DeepDocument);
        return document.RootElement.ValueKind == JsonValueKind.Object
            ? document
            : throw new BodyFaultException($"a body of '{entry.Kind}' that is an object", document.RootElement.ValueKind.ToString());
    }

    public JsonElement? Element(string member) => root.TryGetProperty(member, out var value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public string Text(string member) => OptionalText(member) ?? throw new BodyFaultException($"a body with the text '{member}'", "none");

    public string? OptionalText(string member) => Element(member) is not { } value ? null
        : value.ValueKind == JsonValueKind.String ? TextOf(value)
        : throw new BodyFaultException($"a body with the text '{member}'", value.GetRawText());

    public long? OptionalNumber(string member) => Element(member) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number
        : throw new BodyFaultException($"a body with the whole number '{member}'", value.GetRawText());

    public double? OptionalReal(string member) => Element(member) is not { } value ? null
        : value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out var number) ? number
        : throw new BodyFaultException($"a body with the number '{member}'", value.GetRawText());

    /// <summary>A member that is an object.</summary>
    public Body? Object(string member) => Element(member) is not { } value ? null
        : value.ValueKind == JsonValueKind.Object ? new Body(value)
        : throw new BodyFaultException($"a body with the object '{member}'", value.GetRawText());

    /// <summary>A member that is a list of objects.</summary>
    public Body[] Objects(string member) => Element(member) is not { } value ? []
        : value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.Object)
            ? [.. value.EnumerateArray().Select(v => new Body(v))]
            : throw new BodyFaultException($"a body with a list of objects '{member}'", value.GetRawText());

    /// <summary>The members by name, each an object.</summary>
    public IEnumerable<(string Name, Body Value)> Members() => root.EnumerateObject().Select(m => m.Value.ValueKind == JsonValueKind.Object
        ? (m.Name, new Body(m.Value))
        : throw new BodyFaultException($"an object as '{m.Name}'", m.Value.GetRawText())).ToArray();

    public bool Flag(string member) => Element(member) is { } value && (value.ValueKind is JsonValueKind.True or JsonValueKind.False
        ? value.GetBoolean()
        : throw new BodyFaultException($"a body with true or false as '{member}'", value.GetRawText()));

    public string[] Texts(string member) => Element(member) is not { } value ? []
        : value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String)
            ? [.. value.EnumerateArray().Select(TextOf)]
            : throw new BodyFaultException($"a body with a list of texts '{member}'", value.GetRawText());

    /// <summary>A list of steps, each with its scope.</summary>
    public (string Scope, string Step)[] Steps(string member) => Element(member) is not { } value ? []
        : value.ValueKind == JsonValueKind.Array && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.Object)
            ? [.. value.EnumerateArray().Select(v => (Member(v, "scope"), Member(v, "step")))]
            : throw new BodyFaultException($"a body with a list of steps '{member}'", value.GetRawText());

    private static string Member(JsonElement value, string name) =>
        value.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? TextOf(text) : "";

    /// <summary>The address where the value stands as <c>{"$payload":"hash"}</c>, else null.</summary>
    public static string? Reference(JsonElement value) =>
        value.ValueKind == JsonValueKind.Object && value.TryGetProperty("$payload", out var hash) && hash.ValueKind == JsonValueKind.String && value.EnumerateObject().Count() == 1
            ? hash.GetString()
            : null;

    private static string TextOf(JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new BodyFaultException("texts of whole characters", value.GetRawText()); // half of a surrogate pair
        }
    }
}
