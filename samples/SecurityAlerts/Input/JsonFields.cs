using System.Globalization;
using System.Net;
using System.Text.Json;

namespace SecurityAlerts;

/// <summary>
/// Reads one JSON object field by field and notes everything that is wrong with it, so that one look at the report
/// is enough to mend the line. Fields that nobody asked for are noted too, and ignored.
/// </summary>
internal sealed class JsonFields(JsonElement json)
{
    private const int GotCharsMax = 60;

    private readonly List<string> _known = [];
    private readonly List<string> _wrong = [];

    /// <summary>What makes the object unusable. Empty when every field that was asked for could be read.</summary>
    public IReadOnlyList<string> Wrong => _wrong;

    public string Text(string name) => OptionalText(name, required: true) ?? "";

    public string? OptionalText(string name, bool required = false)
    {
        if (Find(name, required) is not { } value)
        {
            return null;
        }
        if (value.ValueKind == JsonValueKind.String && (!required || value.GetString() != ""))
        {
            return value.GetString();
        }
        return Bad<string?>(name, required ? "a text that is not empty" : "a text", value, null);
    }

    public DateTimeOffset Time(string name)
    {
        if (Find(name, required: true) is not { } value)
        {
            return default;
        }
        // The logs carry no time zone; a time without one is taken as UTC.
        return value.ValueKind == JsonValueKind.String
            && DateTimeOffset.TryParseExact(
                value.GetString(), ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"],
                CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : Bad(name, "a time like 2023-09-11T07:48:48Z", value, default(DateTimeOffset));
    }

    public string Address(string name) => OptionalAddress(name, required: true) ?? "";

    public string? OptionalAddress(string name, bool required = false)
    {
        if (Find(name, required) is not { } value)
        {
            return null;
        }
        return value.ValueKind == JsonValueKind.String && AddressText.TryParse(value.GetString(), out var address)
            ? AddressText.Of(address)
            : Bad<string?>(name, "an IP address", value, null);
    }

    public long Count(string name, long? ifMissing = null, long min = 0, long max = int.MaxValue)
    {
        if (Find(name, required: ifMissing is null) is not { } value)
        {
            return ifMissing ?? min;
        }
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) && number >= min && number <= max
            ? number
            : Bad(name, $"a whole number from {min} to {max}", value, min);
    }

    public bool? OptionalFlag(string name)
    {
        if (Find(name, required: false) is not { } value)
        {
            return null;
        }
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : Bad<bool?>(name, "true or false", value, null);
    }

    public IReadOnlyList<string> Texts(string name) =>
        List(name, "a text", value => value.ValueKind == JsonValueKind.String ? value.GetString() : null);

    public IReadOnlyList<string> Addresses(string name) =>
        List(name, "an IP address", value =>
            value.ValueKind == JsonValueKind.String && AddressText.TryParse(value.GetString(), out var address)
                ? AddressText.Of(address)
                : null);

    public IReadOnlyList<IPNetwork> Ranges(string name) =>
        [.. List(name, "a range like 10.0.0.0/8", value =>
            value.ValueKind == JsonValueKind.String && RangeText.TryParse(value.GetString(), out var range)
                ? (object)range
                : null).Cast<IPNetwork>()];

    public IReadOnlyList<long> Numbers(string name) =>
        [.. List(name, "a whole number", value =>
            value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? (object)number : null).Cast<long>()];

    /// <summary>A field that may be there and that this sample has no use for.</summary>
    public void Unused(params ReadOnlySpan<string> names) => _known.AddRange(names);

    public IReadOnlyList<string> Unknown() =>
        [.. json.EnumerateObject()
            .Where(field => !_known.Contains(field.Name, StringComparer.Ordinal))
            .Select(field => $"unknown field \"{TerminalText.Escape(field.Name, GotCharsMax)}\"; known are {string.Join(", ", _known)}.")];

    /// <summary>What a value looks like in a report: its JSON, escaped and cut.</summary>
    public static string Show(JsonElement value) => TerminalText.Escape(value.GetRawText(), GotCharsMax);

    private JsonElement? Find(string name, bool required)
    {
        _known.Add(name);
        if (json.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null)
        {
            return value;
        }
        if (required)
        {
            _wrong.Add($"the required field \"{name}\" is missing.");
        }
        return null;
    }

    private List<T> List<T>(string name, string expected, Func<JsonElement, T?> read) where T : class
    {
        var items = new List<T>();
        if (Find(name, required: true) is not { } value)
        {
            return items;
        }
        if (value.ValueKind != JsonValueKind.Array)
        {
            return Bad(name, "a list", value, items);
        }
        foreach (var (index, item) in value.EnumerateArray().Index())
        {
            if (read(item) is { } good)
            {
                items.Add(good);
            }
            else
            {
                Bad<T?>($"{name}[{index}]", expected, item, null);
            }
        }
        return items;
    }

    private T Bad<T>(string name, string expected, JsonElement got, T instead)
    {
        _wrong.Add($"{name} must be {expected}; got {Show(got)}.");
        return instead;
    }
}
