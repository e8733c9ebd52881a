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
        var questions = await OpenQuestion.OfAsync(store.Queries, head, cancellationToken);
        var view = await store.Queries.ViewAsync(head.Row.Run, cancellationToken);
        var begin = JsonOutput.Text(json =>
        {
            json.WriteStartObject();
            RunJson.Members(json, head);
            json.WriteStartArray("path");
            foreach (var visit in view?.Visits ?? [])
            {
                json.WriteStringValue(visit.State);
            }

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
        await foreach (var entry in store.Queries.JournalAsync(head.Row.Run, head.Seq, cancellationToken))
        {
            var body = full ? (await store.Queries.EntryAsync(head.Row.Run, entry.Seq, cancellationToken))?.Body?.Utf8 ?? default : entry.Body;
            output.Write(separator + JsonOutput.Text(json => Write(json, entry, body)));
            separator = ",";
        }

        output.Write("]}\n");
    }

    private static void Write(Utf8JsonWriter json, Entry entry, ReadOnlyMemory<byte> body)
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
        if (!body.IsEmpty)
        {
            json.Stored("body", body);
        }

        json.WriteEndObject();
    }
}
