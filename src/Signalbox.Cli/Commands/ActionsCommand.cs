using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox actions</c>: what was done to the world, on what proof and by whose approval.</summary>
internal static class ActionsCommand
{
    /// <summary>How many journals one command reads: a run's row does not say what was done in it.</summary>
    private const int RunsMax = 1_000;

    private static readonly string[] s_statuses =
    [
        "probed", "proposed", "asks", "approved", "rejected", "queued", "intended", "executed", "verified", "not_applied", "diverged", "unverified", "refused", "unknown", "undone", "undo_unverified", "withdrawn",
    ];

    public static Command Create(CommandContext context)
    {
        var run = new Argument<string?>("RUN") { Description = "Only this run: its id or how it begins, or its key.", Arity = ArgumentArity.ZeroOrOne };
        var filters = new RunFilterOptions();
        var limit = new Option<int>("--limit") { Description = "How many actions at most.", HelpName = "N", DefaultValueFactory = _ => 100 };
        var standing = new Option<string[]>("--action-status") { Description = "Only actions that stand so, such as unverified or diverged; may be given several times.", HelpName = "STATUS", DefaultValueFactory = _ => [] };
        standing.CompletionSources.Add(s_statuses);
        var command = new Command(
            "actions", $"Lists actions with how they stand, their proof, who approved them and what policies said: of one run, or of all, the newest runs first. Reads the journals of {RunsMax.ToString("N0", CultureInfo.InvariantCulture)} runs at most.")
        {
            run, standing, limit,
        };
        filters.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var most = RunFilters.Limit(parsed.GetValue(limit));
            var wanted = Statuses(parsed.GetValue(standing)!);
            var query = filters.Read(parsed, context.Surface.Clock.GetUtcNow());
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            if (parsed.GetValue(run) is { } id)
            {
                var shown = await WriteAsync(context, store, await RunFinder.GetAsync(store, id, cancellationToken), wanted, most, context.WantsJson(parsed), isFirst: true, cancellationToken);
                TellNone(context, store, shown);
                return;
            }

            var (count, runs) = (0, 0);
            await foreach (var head in store.Queries.EveryAsync(await filters.AfterAsync(query, parsed, store, cancellationToken), cancellationToken))
            {
                count += await WriteAsync(context, store, head, wanted, most - count, context.WantsJson(parsed), count == 0, cancellationToken);
                if (++runs == RunsMax || count >= most)
                {
                    context.Error.WriteLine(TerminalText.Encode($"There may be more. The next ones: the same command with --after {head.Row.Run}"));
                    break;
                }
            }

            TellNone(context, store, count);
        });
        return command;
    }

    private static async Task<int> WriteAsync(CommandContext context, OpenStore store, RunHead head, string[] wanted, int most, bool wantsJson, bool isFirst, CancellationToken cancellationToken)
    {
        var count = 0;
        foreach (var action in (await store.Queries.ActionsAsync(head.Row.Run, cancellationToken)).Where(a => wanted.Length == 0 || wanted.Contains(a.Status)).Take(most))
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

    public static void Write(Page page, RunHead head, ActionView action)
    {
        page.Line(
            new Piece(VisibleText.Of($"{(action.IsUndo ? "undo " : "")}{action.Name}"), Tone.Strong), " ", new Piece(action.Status.Replace('_', ' '), ToneOf(action.Status)),
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

        foreach (var answer in action.Answers)
        {
            page.Field("answered", VisibleText.Of(Answered(answer), 600));
        }

        foreach (var verdict in action.Verdicts)
        {
            page.Field("policy", VisibleText.Of($"{verdict.Policy} says {verdict.Verdict}: {verdict.Reason}", 600), verdict.Verdict == "allow" ? Tone.Plain : Tone.Attention);
        }

        foreach (var conflict in action.Conflicts)
        {
            page.Field("conflict", VisibleText.Of($"{ClaimWords.Conflict(conflict.Raised)}: {(conflict.Ruled is null ? "no ruling yet" : ClaimWords.Ruling(conflict.Ruled))}", 900), Tone.Attention);
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

    /// <summary>Who said what, in which roles.</summary>
    public static string Answered(AnswerView answer)
    {
        var roles = answer.Roles.Count == 0 ? "no role" : string.Join(", ", answer.Roles.Select(r => r == Caller.AnyRole ? "every role" : r));
        return $"{answer.Actor} ({roles}): {answer.Choice}{(answer.Comment is { Length: > 0 } comment ? $", \"{comment}\"" : "")}";
    }

    private static string[] Statuses(IEnumerable<string> texts)
    {
        string[] wanted = [.. texts.SelectMany(t => t.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)).Select(t => t.Replace(' ', '_'))];
        return wanted.FirstOrDefault(w => !s_statuses.Contains(w)) is { } unknown
            ? throw CliException.WrongUse($"--action-status wants one of {string.Join(", ", s_statuses)}; got '{unknown}'. Nothing was listed.")
            : wanted;
    }

    private static Tone ToneOf(string status) => status switch
    {
        "verified" or "undone" => Tone.Good,
        "diverged" or "unknown" => Tone.Bad,
        "probed" or "intended" or "executed" => Tone.Plain,
        _ => Tone.Attention,
    };

    public static void WriteJson(Utf8JsonWriter json, RunHead head, ActionView action)
    {
        json.WriteStartObject();
        json.WriteString("run", head.Row.Run.Value);
        json.WriteString("actionId", action.Id);
        json.WriteString("action", action.Name);
        json.WriteString("status", action.Status);
        json.WriteBoolean("undo", action.IsUndo);
        json.WriteString("state", action.State);
        json.WriteNumber("visit", action.Visit);
        json.OptionalText("scope", action.Scope);
        json.OptionalText("step", action.Step);
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

    private static void Answers(Utf8JsonWriter json, ActionView action)
    {
        json.WriteStartArray("answers");
        foreach (var answer in action.Answers)
        {
            json.WriteStartObject();
            json.WriteString("actor", answer.Actor);
            json.WriteString("choice", answer.Choice);
            CardPage.Texts(json, "roles", answer.Roles);
            json.OptionalText("comment", answer.Comment);
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
        foreach (var conflict in action.Conflicts)
        {
            ClaimsCommand.WriteConflict(json, conflict);
        }

        json.WriteEndArray();
    }
}
