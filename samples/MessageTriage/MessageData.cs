using System.Text.Json;
using Signalbox;

namespace MessageTriage;

/// <summary>A line of <c>messages.jsonl</c>.</summary>
internal sealed record Message(string Id, string Text);

/// <summary>A folder of messages: <c>messages.jsonl</c> (<c>id</c>, <c>text</c>), <c>message_labels.json</c> (names), and where somebody knows it <c>message-truth.jsonl</c> (<c>id</c>, <c>label</c>).</summary>
internal sealed record MessageData(IReadOnlyList<EvaluationCase<MessageCase>> Cases, bool HasTruth, IReadOnlyList<string> Faults)
{
    private const int LabelsMax = 1_000;

    /// <exception cref="IOException">A file is missing or cannot be read.</exception>
    /// <exception cref="JsonException">The labels are no list of names.</exception>
    public static async Task<MessageData> ReadAsync(string folder, string? truthFile, CancellationToken cancellationToken)
    {
        var labels = await LabelsAsync(Path.Combine(folder, "message_labels.json"), cancellationToken);
        var messages = await ReadAsync(Path.Combine(folder, "messages.jsonl"), (reader, file) => EvaluationData.ReadObjectsAsync<Message>(reader, file, message => message.Id, cancellationToken));
        var truths = truthFile is null && !File.Exists(Path.Combine(folder, "message-truth.jsonl"))
            ? new DataSet<KeyValuePair<string, Truth>>([], [])
            : await ReadAsync(truthFile ?? Path.Combine(folder, "message-truth.jsonl"), (reader, file) => EvaluationData.ReadTruthAsync(reader, file, new TruthForm { Right = "label", IgnoresOthers = true }, cancellationToken));
        var truthOf = truths.Items.ToDictionary(truth => truth.Key, truth => truth.Value, StringComparer.Ordinal);
        var ids = messages.Items.Select(message => message.Id).ToHashSet(StringComparer.Ordinal);
        return new(
            [.. messages.Items.Select(message => new EvaluationCase<MessageCase>(message.Id, new MessageCase(message.Text, labels), truthOf.GetValueOrDefault(message.Id)))],
            truths.Items.Count > 0,
            [
                .. messages.Faults.Concat(truths.Faults).Select(fault => fault.ToString()),
                .. truthOf.Keys.Where(id => !ids.Contains(id)).Select(id => $"There is a truth for {JsonSerializer.Serialize(id)}, but no such message."),
            ]);
    }

    private static async Task<IReadOnlyList<string>> LabelsAsync(string path, CancellationToken cancellationToken)
    {
        using var stream = File.OpenRead(path);
        try
        {
            var labels = await JsonSerializer.DeserializeAsync<string[]>(stream, cancellationToken: cancellationToken) ?? [];
            return labels.Length is > 0 and <= LabelsMax && labels.All(label => !string.IsNullOrWhiteSpace(label)) && labels.Distinct().Count() == labels.Length
                ? labels
                : throw new JsonException("");
        }
        catch (JsonException)
        {
            throw new JsonException($"{path}: expected a JSON array of 1 to {LabelsMax} names that differ.");
        }
    }

    private static async Task<DataSet<T>> ReadAsync<T>(string path, Func<TextReader, string, Task<DataSet<T>>> read)
    {
        using var reader = new StreamReader(path);
        return await read(reader, path);
    }
}
