using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox approvals</c>: what waits for a person, and for one run exactly what would be done.</summary>
internal static class ApprovalsCommand
{
    public static Command Create(CommandContext context)
    {
        var run = new Argument<string?>("RUN") { Description = "The run, by its id or how it begins, or by its key: shows what exactly would be done.", Arity = ArgumentArity.ZeroOrOne };
        var step = StepOption();
        var full = new Option<bool>("--full") { Description = "Show the arguments uncut, whatever their length." };
        var limit = new Option<int>("--limit") { Description = "How many at most.", HelpName = "N", DefaultValueFactory = _ => 100 };
        var command = new Command("approvals", "Lists the open questions of all runs, those that are due first; or shows a run's, exactly as it is to be approved.") { run, step, full, limit };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            if (parsed.GetValue(run) is { } id)
            {
                await ShowAsync(context, store, await RunFinder.GetAsync(store, id, cancellationToken), parsed.GetValue(step), parsed.GetValue(full), context.WantsJson(parsed), cancellationToken);
            }
            else
            {
                await ListAsync(context, store, RunFilters.Limit(parsed.GetValue(limit)), context.WantsJson(parsed), cancellationToken);
            }
        });
        return command;
    }

    public static Option<string?> StepOption() => new("--step") { Description = "Which question, where several are open: its step, as 'show' writes it.", HelpName = "STEP" };

    private static async Task ShowAsync(CommandContext context, OpenStore store, RunHead head, string? step, bool full, bool wantsJson, CancellationToken cancellationToken)
    {
        var waits = OpenQuestion.Find(head, step);
        if (waits.Count == 0)
        {
            throw new CliException(
                ExitCodes.Refused, "approval_not_open", $"Run '{head.Row.Run}' is {head.Row.Status} and has no open question{(step is null ? "" : $" '{step}'")}. See: {CommandContext.Invocation(store, "show", head.Row.Run.Value)}");
        }

        foreach (var wait in waits)
        {
            var card = await store.Queries.CardAsync(head, wait, cancellationToken);
            if (wantsJson)
            {
                JsonOutput.Line(context.Output, json => CardPage.WriteJson(json, card));
                continue;
            }

            CardPage.Write(context.Page, card, full);
            context.Page.Line();
            foreach (var line in new OpenQuestion(card).Commands(store, head, isShown: true))
            {
                context.Page.Line("  " + line);
            }

            if (wait != waits[^1])
            {
                context.Page.Line();
            }
        }
    }

    private static async Task ListAsync(CommandContext context, OpenStore store, int limit, bool wantsJson, CancellationToken cancellationToken)
    {
        var open = 0;
        await foreach (var head in store.Queries.EveryAsync(new RunQuery { AsksAPerson = true }, cancellationToken))
        {
            open += head.Waits.Count(w => w.Kind == WaitKind.Approval);
        }

        var first = await store.Queries.InboxAsync(limit, cancellationToken);
        var table = new Table([new("RUN"), new("DUE"), new("WHAT", 20), new("NEEDS", 12), new("SO FAR", 8)]);
        foreach (var card in first)
        {
            if (wantsJson)
            {
                JsonOutput.Line(context.Output, json => CardPage.WriteListedJson(json, card));
            }
            else
            {
                table.Add(
                    card.Row.Run.Value,
                    card.Wait.Due is { } due ? Microseconds.ToTime(due) - context.Page.Now is var left && left > TimeSpan.Zero ? "in " + Words.Age(left) : "over" : "never",
                    new Piece(What(card), Tone.Attention),
                    Needs(card.Wait.Approval?.Terms),
                    string.Join(", ", (card.Wait.Approval?.Voices ?? []).Select(v => $"{v.Actor}: {v.Choice}")));
            }
        }

        if (!wantsJson && first.Count > 0)
        {
            table.Write(context.Page);
            context.Page.Line();
            context.Page.Line($"  See what exactly: {CommandContext.Invocation(store, "approvals", "RUN")}");
        }
        else if (first.Count == 0)
        {
            context.Error.WriteLine(TerminalText.Encode($"Nothing in the store '{store.Path}' waits for a person."));
        }

        if (open > first.Count)
        {
            context.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"There are {open - first.Count:N0} more. See them with --limit."));
        }
    }

    private static string What(ApprovalCard card) => card.Asked switch
    {
        { Action: { } action } => $"{(action.Undo ? "undo " : "")}{VisibleText.Of(action.Action)} {Arguments(action.Arguments)}",
        var asked => VisibleText.Of(asked.Title, 400),
    };

    private static string Arguments(RawJson arguments)
    {
        try
        {
            return arguments.Reference is null ? VisibleText.OfJson(arguments.Utf8.Span, 400).Text : "(…)";
        }
        catch (JsonException)
        {
            return "(they cannot be read)";
        }
    }

    private static string Needs(ApprovalTerms? terms) => terms is null ? "anybody" : $"{(terms.Quorum > 1 ? Words.Number(terms.Quorum) + " x " : "")}{string.Join(" or ", terms.Roles)}";
}
