using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Rendering;

/// <summary>Lays an approval's card out on a terminal. What stands on it is made by <see cref="ApprovalCard"/>, for every way to show it alike.</summary>
internal static class CardPage
{
    public static void Write(Page page, ApprovalCard card, bool full)
    {
        foreach (var line in card.Lines(page.Now, full))
        {
            switch (line.Kind)
            {
                case CardLineKind.Heading:
                    page.Line(new Piece(line.Text, Tone.Strong));
                    break;
                case CardLineKind.Warning:
                    page.Paragraph("! " + line.Text, 2, Tone.Bad);
                    break;
                case CardLineKind.Exact:
                    page.Line(new Piece($"  {line.Name,-10}", Tone.Dim), new Piece(line.Text, Tone.Attention)); // not wrapped: a break would be no part of it
                    break;
                case CardLineKind.Untrusted:
                    foreach (var part in TextWidth.Wrap($"{(line.Name.Length == 0 ? "" : line.Name + ": ")}{line.Text}", Math.Max(20, page.Width - 4)))
                    {
                        page.Line(new Piece("  | " + part, Tone.Dim));
                    }

                    break;
                default:
                    page.Field(line.Name, line.Text);
                    break;
            }
        }
    }

    /// <summary>A card for programs: the exact values, not how they are shown.</summary>
    public static void WriteJson(Utf8JsonWriter json, ApprovalCard card)
    {
        json.WriteStartObject();
        Members(json, card);
        json.OptionalText("fault", card.Fault);
        json.WriteBoolean("isCut", card.IsCut);
        if (card.IsMasked)
        {
            json.WriteBoolean("isMasked", true);
        }

        json.WriteString("shown", card.ToText(card.AskedAt, full: true));
        json.WriteEndObject();
    }

    /// <summary>A card of a list, without how it is shown.</summary>
    public static void WriteListedJson(Utf8JsonWriter json, ApprovalCard card)
    {
        json.WriteStartObject();
        Members(json, card);
        json.WriteEndObject();
    }

    private static void Members(Utf8JsonWriter json, ApprovalCard card)
    {
        var (row, wait, asked) = (card.Row, card.Wait, card.IsUnreadable ? null : card.Asked);
        json.WriteString("run", row.Run.Value);
        json.WriteString("workflow", row.Workflow);
        json.WriteNumber("version", row.Version);
        json.WriteString("state", row.State);
        json.WriteString("scope", wait.Scope);
        json.WriteString("step", wait.Step);
        json.WriteNumber("seq", wait.Seq);
        json.OptionalText("title", asked?.Title);
        Texts(json, "choices", asked?.Choices);
        json.OptionalTexts("meanings", asked?.Meanings);
        if (asked?.Action is { } action)
        {
            Action(json, action);
        }

        Texts(json, "why", asked?.Why);
        if (wait.Approval is { } approval)
        {
            Texts(json, "roles", approval.Terms.Roles);
            json.WriteNumber("quorum", approval.Terms.Quorum);
            Texts(json, "barred", approval.Terms.Barred);
            json.WriteStartArray("answers");
            foreach (var voice in approval.Voices)
            {
                json.WriteStartObject();
                json.WriteString("actor", voice.Actor);
                json.WriteString("choice", voice.Choice);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        if (asked?.Details is { IsMissing: false } details)
        {
            json.Stored("details", details.Utf8);
        }

        json.OptionalTime("due", wait.Due);
        json.OptionalText("safe", asked?.Safe);
    }

    private static void Action(Utf8JsonWriter json, ActionProposed action)
    {
        json.WriteStartObject("action");
        json.WriteString("actionId", action.ActionId);
        json.WriteString("name", action.Action);
        json.WriteBoolean("undo", action.Undo);
        json.Stored("arguments", action.Arguments.Utf8);
        json.WriteString("hash", action.ArgumentsHash);
        json.WriteString("targetClass", action.TargetClass);
        json.OptionalText("reversibility", action.Reversibility);
        json.WriteString("definition", action.Definition);
        json.WriteString("proposer", action.Proposer);
        json.OptionalText("requester", action.Requester);
        ClaimWords.Write(json, action.Claims);
        json.WriteEndObject();
    }

    public static void Texts(Utf8JsonWriter json, string name, IReadOnlyList<string>? texts)
    {
        if (texts is { Count: > 0 })
        {
            json.WriteStartArray(name);
            foreach (var text in texts)
            {
                json.WriteStringValue(text);
            }

            json.WriteEndArray();
        }
    }
}
