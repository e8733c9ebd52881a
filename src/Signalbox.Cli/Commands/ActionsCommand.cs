using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Signalbox.CommandLine.Actions;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox actions</c>: what was done to the world, on what proof and by whose approval.</summary>
internal static class ActionsCommand
{
    public static Command Create(CommandContext context)
    {
        var run = new Argument<string?>("RUN") { Description = "Only this run: its id, or how it begins.", Arity = ArgumentArity.ZeroOrOne };
        var filters = new RunFilterOptions();
        var limit = new Option<int>("--limit") { Description = "How many actions at most.", HelpName = "N", DefaultValueFactory = _ => 100 };
        var command = new Command("actions", "Lists actions with how they stand, their proof, who approved them and what policies said: of one run, or of all, the newest runs first.") { run, limit };
        filters.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var most = RunFilters.Limit(parsed.GetValue(limit));
            var query = filters.Read(parsed, context.Surface.Clock.GetUtcNow());
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            if (parsed.GetValue(run) is { } id)
            {
                var shown = await WriteAsync(context, store, await RunFinder.GetAsync(store, id, cancellationToken), most, context.WantsJson(parsed), isFirst: true, cancellationToken);
                TellNone(context, store, shown);
                return;
            }

            var count = 0;
            await foreach (var head in EntryPages.OfRunsAsync(store.Reader, await filters.AfterAsync(query, parsed, store, cancellationToken), cancellationToken))
            {
                count += await WriteAsync(context, store, head, most - count, context.WantsJson(parsed), count == 0, cancellationToken);
                if (count >= most)
                {
                    context.Error.WriteLine(TerminalText.Encode($"There may be more. The next ones: the same command with --after {head.Row.Run}"));
                    break;
                }
            }

            TellNone(context, store, count);
        });
        return command;
    }

    private static async Task<int> WriteAsync(CommandContext context, OpenStore store, RunHead head, int most, bool wantsJson, bool isFirst, CancellationToken cancellationToken)
    {
        var fold = new ActionFold();
        await foreach (var entry in EntryPages.OfRunAsync(store.Reader, head.Row.Run, head.Seq, cancellationToken))
        {
            fold.Add(entry);
        }

        var count = 0;
        foreach (var action in fold.Actions.Take(most))
        {
            if (wantsJson)
            {
                JsonOutput.Line(context.Output, json => WriteJson(json, head, action));
            }
            else
            {
                if (!isFirst || count > 0)
                {
                    context.Page.Line();
                }

                Write(context.Page, head, action);
            }

            count++;
        }

        return count;
    }

    private static void TellNone(CommandContext context, OpenStore store, int count)
    {
        if (count == 0)
        {
            context.Error.WriteLine(TerminalText.Encode($"The store '{store.Path}' has no such action."));
        }
    }

    private static void Write(Page page, RunHead head, ActionStory action)
    {
        page.Line(
            new Piece(VisibleText.Of($"{(action.Undo ? "undo " : "")}{action.Name}"), Tone.Strong), " ", new Piece(action.Status, ToneOf(action.Status)),
            string.Create(CultureInfo.InvariantCulture, $"  run {head.Row.Run}, {action.State}, visit {action.Visit}, {Words.Time(Microseconds.ToTime(action.At))}"));
        if (action.Arguments is { IsMissing: false } arguments)
        {
            page.Field("arguments", VisibleText.Of(EntryWords.Value(arguments), 1000));
        }

        Optional("proof", action.Proof is null ? null : $"{action.Proof}{(action.Probes > 1 ? $" ({Words.Count(action.Probes, "look")})" : "")}");
        Optional("agreed", action.Agreement is { } agreement ? ActionWords.Agreed(agreement) : null);
        Optional("reason", action.Reason);
        Optional("effect", action.MadeByUs switch
        {
            null => null,
            _ when action.Status == "undone" => "taken back by this run",
            true => "made by this run",
            false => "it was so before, or others made it",
        });
        foreach (var claim in action.Claims.Where(c => !ClaimWords.IsOwn(c)))
        {
            page.Field("claims", VisibleText.Of($"'{claim.Intent}' on {claim.Resource}"));
        }

        foreach (var approver in action.Approvers)
        {
            page.Field("answered", VisibleText.Of($"{approver.Actor} ({Roles(approver)}): {approver.Choice}{(approver.Comment is { Length: > 0 } comment ? $", \"{comment}\"" : "")}", 600));
        }

        foreach (var verdict in action.Verdicts)
        {
            page.Field("policy", VisibleText.Of($"{verdict.Policy} says {verdict.Verdict}: {verdict.Reason}", 600), verdict.Verdict == "allow" ? Tone.Plain : Tone.Attention);
        }

        foreach (var (raised, ruled) in action.Conflicts)
        {
            page.Field("conflict", VisibleText.Of($"{ClaimWords.Conflict(raised)}: {(ruled is null ? "no ruling yet" : ClaimWords.Ruling(ruled))}", 900), Tone.Attention);
        }

        Optional("target", action.TargetClass is { } target ? target + (action.Reversibility is { } how ? ", " + how : "") : null);
        Optional("proposer", action.Proposer);
        page.Field("id", action.Id);

        void Optional(string name, string? text)
        {
            if (text is not null)
            {
                page.Field(name, VisibleText.Of(text, 900));
            }
        }
    }

    private static string Roles(Approver approver) => approver.Roles.Count == 0 ? "no role" : string.Join(", ", approver.Roles.Select(r => r == Caller.AnyRole ? "every role" : r));

    private static Tone ToneOf(string status) => status switch
    {
        "verified" or "undone" => Tone.Good,
        "diverged" or "unknown" => Tone.Bad,
        "probed" or "intended" or "executed" => Tone.Plain,
        _ => Tone.Attention,
    };

    private static void WriteJson(Utf8JsonWriter json, RunHead head, ActionStory action)
    {
        json.WriteStartObject();
        json.WriteString("run", head.Row.Run.Value);
        json.WriteString("actionId", action.Id);
        json.WriteString("action", action.Name);
        json.WriteString("status", action.Status);
        json.WriteBoolean("undo", action.Undo);
        json.WriteString("state", action.State);
        json.WriteNumber("visit", action.Visit);
        json.OptionalText("scope", action.Step.Scope);
        json.OptionalText("step", action.Step.Step);
        json.OptionalTime("at", action.At);
        if (action.Arguments is { IsMissing: false } arguments)
        {
            json.Stored("arguments", arguments.Utf8);
        }

        json.OptionalText("hash", action.Hash);
        json.OptionalText("targetClass", action.TargetClass);
        json.OptionalText("reversibility", action.Reversibility);
        json.OptionalText("proposer", action.Proposer);
        json.WriteNumber("attempts", action.Attempts);
        json.OptionalText("reason", action.Reason);
        json.OptionalText("proof", action.Proof);
        json.WriteNumber("probes", action.Probes);
        if (action.Agreement is { } agreement)
        {
            json.WriteStartObject("agreement");
            json.WriteNumber("looks", agreement.Looks);
            json.WriteNumber("over", agreement.Over);
            json.WriteNumber("looksWanted", agreement.LooksWanted);
            json.WriteNumber("overWanted", agreement.OverWanted);
            json.WriteEndObject();
        }

        if (action.MadeByUs is { } made)
        {
            json.WriteBoolean("madeByUs", made);
        }

        ClaimWords.Write(json, action.Claims);
        Answers(json, action);
        json.WriteEndObject();
    }

    private static void Answers(Utf8JsonWriter json, ActionStory action)
    {
        json.WriteStartArray("answers");
        foreach (var approver in action.Approvers)
        {
            json.WriteStartObject();
            json.WriteString("actor", approver.Actor);
            json.WriteString("choice", approver.Choice);
            CardPage.Texts(json, "roles", approver.Roles);
            json.OptionalText("comment", approver.Comment);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("policies");
        foreach (var verdict in action.Verdicts)
        {
            json.WriteStartObject();
            json.WriteString("policy", verdict.Policy);
            json.WriteString("verdict", verdict.Verdict);
            json.WriteString("reason", verdict.Reason);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("conflicts");
        foreach (var (raised, ruled) in action.Conflicts)
        {
            ClaimsCommand.WriteConflict(json, raised, ruled);
        }

        json.WriteEndArray();
    }
}
