using System.Text.Json;
using Signalbox.CommandLine.Commands;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Rendering;

/// <summary>An open question of a run, as it was asked. <paramref name="Asked"/> is null where its entry cannot be read.</summary>
internal sealed record OpenQuestion(OpenWait Wait, DateTimeOffset? AskedAt, ApprovalRequested? Asked)
{
    public OpenQuestion(ApprovalCard card)
        : this(card.Wait, card.IsUnreadable ? null : card.AskedAt, card.IsUnreadable ? null : card.Asked)
    {
    }

    public static async Task<IReadOnlyList<OpenQuestion>> OfAsync(RunQueries queries, RunHead head, CancellationToken cancellationToken)
    {
        var questions = new List<OpenQuestion>();
        foreach (var wait in head.Waits.Where(w => w.Kind == WaitKind.Approval))
        {
            questions.Add(new OpenQuestion(await queries.CardAsync(head, wait, cancellationToken)));
        }

        return questions;
    }

    /// <summary>The open questions that a text means: all where there is none; a step's name alone will do where it is the only one of that name.</summary>
    public static IReadOnlyList<OpenWait> Find(RunHead head, string? step)
    {
        OpenWait[] open = [.. head.Waits.Where(w => w.Kind == WaitKind.Approval)];
        return step is null ? open
            : open.Where(w => w.Step == step || new ScopedStep(w.Scope, w.Step).ToString() == step).ToArray() is { Length: > 0 } exact ? exact
            : [.. open.Where(w => w.Step.Split('/')[0] == step)];
    }

    /// <summary>The question on one line, choices included.</summary>
    public string Summary => Asked is null ? $"(the question cannot be read; entry {Wait.Seq})" : $"{Asked.Title} [{string.Join(" | ", Choices)}]";

    /// <summary>Whether it is about an action, which is looked at before it is answered for.</summary>
    public bool IsAboutAnAction => Asked?.Action is not null;

    public IReadOnlyList<string> Choices => Asked?.Choices ?? [];

    /// <summary>The exact command for each choice. <paramref name="isShown"/>: the action stands above, so that an approval can name it.</summary>
    public IEnumerable<string> Commands(OpenStore store, RunHead head, bool isShown = false)
    {
        var isOne = head.Waits.Count(w => w.Kind == WaitKind.Approval) == 1;
        if (Asked?.Action is { } action)
        {
            var which = isOne ? (string[])[] : ["--step", Shell.Quote(new ScopedStep(Wait.Scope, Wait.Step).ToString())];
            if (!isShown)
            {
                yield return CommandContext.Invocation(store, ["approvals", head.Row.Run.Value, .. which]);
            }

            yield return CommandContext.Invocation(store, ["approve", head.Row.Run.Value, .. which, .. isShown ? (string[])["--hash", action.ArgumentsHash[..Math.Min(16, action.ArgumentsHash.Length)]] : []]);
            yield return CommandContext.Invocation(store, ["reject", head.Row.Run.Value, .. which, "--reason", "TEXT"]);
            yield break;
        }

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
        json.OptionalTexts("meanings", Asked?.Meanings);
        if (Asked?.Details is { IsMissing: false } details)
        {
            json.Stored("details", details.Utf8);
        }

        json.OptionalText("hash", Asked?.Action?.ArgumentsHash);
        json.OptionalTime("askedAt", AskedAt is { } at ? Microseconds.From(at) : null);
        json.OptionalTime("due", Wait.Due);
        json.OptionalText("safe", Asked?.Safe);
        json.WriteNumber("seq", Wait.Seq);
        json.WriteEndObject();
    }
}
