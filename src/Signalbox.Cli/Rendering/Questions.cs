using System.Text.Json;
using Signalbox.CommandLine.Commands;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Rendering;

/// <summary>An open question of a run, as it was asked. <paramref name="Asked"/> is null where its entry cannot be read.</summary>
internal sealed record OpenQuestion(OpenWait Wait, Entry? Entry, ApprovalRequested? Asked)
{
    public static async Task<IReadOnlyList<OpenQuestion>> OfAsync(IRunReader reader, RunHead head, CancellationToken cancellationToken)
    {
        var questions = new List<OpenQuestion>();
        foreach (var wait in head.Waits.Where(w => w.Kind == WaitKind.Approval))
        {
            var entry = await reader.ReadAsync(head.Row.Run, wait.Seq, 1, cancellationToken) is [var found] && found.Seq == wait.Seq ? found : null;
            questions.Add(new OpenQuestion(wait, entry, entry is null ? null : Tolerant.Read<ApprovalRequested>(entry)));
        }

        return questions;
    }

    /// <summary>The question on one line, choices included.</summary>
    public string Summary => Asked is null ? $"(the question cannot be read; entry {Wait.Seq})" : $"{Asked.Title} [{string.Join(" | ", Choices)}]";

    public IReadOnlyList<string> Choices => Asked?.Choices ?? [];

    /// <summary>The exact command for each choice.</summary>
    public IEnumerable<string> Commands(OpenStore store, RunHead head)
    {
        var isOne = head.Waits.Count(w => w.Kind == WaitKind.Approval) == 1;
        foreach (var choice in Choices)
        {
            var said = choice.StartsWith('-') ? "--choice=" + Shell.Quote(choice) : Shell.Quote(choice);
            yield return CommandContext.Invocation(store, ["answer", head.Row.Run.Value, said, .. isOne ? (string[])[] : ["--question", Shell.Quote(Wait.Step)]]);
        }
    }

    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("scope", Wait.Scope);
        json.WriteString("step", Wait.Step);
        json.OptionalText("title", Asked?.Title);
        json.WriteStartArray("choices");
        foreach (var choice in Choices)
        {
            json.WriteStringValue(choice);
        }

        json.WriteEndArray();
        if (Asked?.Details is { IsMissing: false } details)
        {
            json.Stored("details", details.Utf8);
        }

        json.OptionalTime("askedAt", Entry?.At);
        json.OptionalTime("due", Wait.Due);
        json.OptionalText("safe", Asked?.Safe);
        json.WriteNumber("seq", Wait.Seq);
        json.WriteEndObject();
    }
}

/// <summary>Reads bodies for showing: a damaged one is no reason to show nothing of a run.</summary>
internal static class Tolerant
{
    public static T? Read<T>(Entry entry)
        where T : class
    {
        try
        {
            return Body.Read<T>(entry);
        }
        catch (Exception e) when (e is JournalDamagedException or ArgumentException)
        {
            return null; // ArgumentException: a hash or an id in the body that is none
        }
    }
}
