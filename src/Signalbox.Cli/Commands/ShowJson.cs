using System.Text.Json;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary>A run for programs: one JSON object on one line, written as it is read.</summary>
internal static class ShowJson
{
    public static async Task WriteAsync(TextWriter output, OpenStore store, RunHead head, bool full, CancellationToken cancellationToken)
    {
        var questions = await OpenQuestion.OfAsync(store.Reader, head, cancellationToken);
        var path = await RunPath.StatesAsync(store.Reader, head, cancellationToken);
        var begin = JsonOutput.Text(json =>
        {
            json.WriteStartObject();
            RunJson.Members(json, head);
            json.WriteStartArray("path");
            path.ForEach(json.WriteStringValue);
            json.WriteEndArray();
            json.WriteStartArray("questions");
            foreach (var question in questions)
            {
                question.Write(json);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
        output.Write(begin[..^1] + ",\"entries\":[");
        var separator = "";
        await foreach (var entry in EntryPages.OfRunAsync(store.Reader, head.Row.Run, head.Seq, cancellationToken))
        {
            var payloads = full ? await BodyText.LoadAsync(store.Reader, entry, cancellationToken) : new Dictionary<PayloadHash, ReadOnlyMemory<byte>?>();
            output.Write(separator + JsonOutput.Text(json => Write(json, entry, payloads)));
            separator = ",";
        }

        output.Write("]}\n");
    }

    /// <summary>One entry, whole.</summary>
    public static async Task WriteEntryAsync(TextWriter output, OpenStore store, Entry entry, CancellationToken cancellationToken)
    {
        var payloads = await BodyText.LoadAsync(store.Reader, entry, cancellationToken);
        JsonOutput.Line(output, json => Write(json, entry, payloads));
    }

    private static void Write(Utf8JsonWriter json, Entry entry, IReadOnlyDictionary<PayloadHash, ReadOnlyMemory<byte>?> payloads)
    {
        json.WriteStartObject();
        json.WriteNumber("position", entry.Position);
        json.WriteNumber("seq", entry.Seq);
        json.WriteNumber("epoch", entry.Epoch);
        json.Time("at", entry.Time);
        json.WriteString("kind", entry.Kind);
        json.WriteString("state", entry.State);
        json.WriteNumber("visit", entry.Visit);
        json.OptionalText("scope", entry.Scope);
        json.OptionalText("step", entry.Step);
        json.OptionalText("actor", entry.Actor);
        json.OptionalText("cause", entry.Cause);
        if (!entry.Body.IsEmpty)
        {
            json.WritePropertyName("body");
            BodyText.Write(json, entry, payloads);
        }

        json.WriteEndObject();
    }
}
