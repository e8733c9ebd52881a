using System.Text.Json.Serialization;

namespace Signalbox;

/// <summary>The name of one run: <c>r-</c> and thirteen characters of <c>0-9a-v</c> (65 random bits), unique in its store.</summary>
[JsonConverter(typeof(RunIdJsonConverter))]
public readonly record struct RunId
{
    /// <summary>Takes the text of an existing id.</summary>
    /// <exception cref="ArgumentException">The text is empty or longer than 64 characters.</exception>
    public RunId(string value)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(value);
        if (value.Length > 64)
        {
            throw new ArgumentException($"A run id has at most 64 characters; got {value.Length}.", nameof(value));
        }

        Value = value;
    }

    /// <summary>The id as text, as the command line and the HTTP API take it.</summary>
    public string Value { get; }

    /// <inheritdoc />
    public override string ToString() => Value;

    /// <summary>A fresh id from the given source of entropy.</summary>
    public static RunId New(Entropy entropy) => new("r-" + entropy.NextText(13));
}

internal sealed class RunIdJsonConverter : JsonConverter<RunId>
{
    public override RunId Read(ref System.Text.Json.Utf8JsonReader reader, Type typeToConvert, System.Text.Json.JsonSerializerOptions options) =>
        new(reader.GetString() ?? throw new System.Text.Json.JsonException("A run id is a string."));

    public override void Write(System.Text.Json.Utf8JsonWriter writer, RunId value, System.Text.Json.JsonSerializerOptions options) =>
        writer.WriteStringValue(value.Value);
}
