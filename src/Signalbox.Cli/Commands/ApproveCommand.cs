using System.CommandLine;
using System.Text;
using System.Text.Json;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox approve</c> and <c>signalbox reject</c>: a person's word on exactly one action.</summary>
internal static class ApproveCommand
{
    private const int HashPrefixMin = 12;

    public static Command CreateApprove(CommandContext context)
    {
        var (run, step, hash) = (RunArgument(), ApprovalsCommand.StepOption(), HashOption());
        var comment = new Option<string?>("--comment") { Description = "Why, for the record.", HelpName = "TEXT" };
        var edit = new Option<string?>("--edit") { Description = "Propose these arguments instead, where that is allowed. Somebody else has to approve them.", HelpName = "JSON" };
        var full = new Option<bool>("--full") { Description = "Show the arguments uncut, whatever their length." };
        var command = new Command("approve", "Approves the action that a run asks about, under your name: exactly what is shown, or what --hash says you were shown.") { run, step, hash, comment, edit, full };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var edited = Edited(parsed.GetValue(edit));
            var choice = edited is null ? OpenApproval.Approve : OpenApproval.Edit;
            return await AnswerAsync(
                context, parsed, (run, step, hash), choice, parsed.GetValue(comment), edited,
                card => ShowAsync(context, card, choice, parsed.GetValue(full), context.WantsJson(parsed), cancellationToken), cancellationToken);
        });
        return command;
    }

    public static Command CreateReject(CommandContext context)
    {
        var (run, step, hash) = (RunArgument(), ApprovalsCommand.StepOption(), HashOption());
        var reason = new Option<string>("--reason") { Description = "Why, for the record and for the run.", HelpName = "TEXT", Required = true };
        var command = new Command("reject", "Rejects the action that a run asks about, under your name. One who rejects is enough.") { run, step, hash, reason };
        command.SetAction((parsed, cancellationToken) => AnswerAsync(
            context, parsed, (run, step, hash), OpenApproval.Reject, parsed.GetValue(reason), null, static card => Task.FromResult(card.Hash!), cancellationToken));
        return command;
    }

    /// <summary>Answers for the action as it is asked about now: for the hash that was given, or the one that <paramref name="show"/> gives of the card.</summary>
    private static async Task<int> AnswerAsync(
        CommandContext context, ParseResult parsed, (Argument<string> Run, Option<string?> Step, Option<string?> Hash) options, string choice, string? comment, RawJson? edited,
        Func<ApprovalCard, Task<string>> show, CancellationToken cancellationToken)
    {
        await using var store = await context.OpenAsync(parsed, cancellationToken);
        var head = await RunFinder.GetAsync(store, parsed.GetValue(options.Run)!, cancellationToken);
        var step = parsed.GetValue(options.Step);
        var wait = Pick(store, head, step);
        var given = parsed.GetValue(options.Hash);
        if (wait is not null)
        {
            var card = await store.Queries.CardAsync(head, wait, cancellationToken);
            ThrowIfNoAction(store, head, card, choice);
            given = given is null ? await show(card) : Whole(given, card.Hash!);
            step = new ScopedStep(wait.Scope, wait.Step).ToString();
        }

        return await Execution.RunAsync(context, parsed, store, new AnswerApproval(head.Row.Run, choice, step, comment, given, edited), head, cancellationToken);
    }

    private static Argument<string> RunArgument() => new("RUN") { Description = "The run: its id or how it begins, or its key." };

    private static Option<string?> HashOption() => new("--hash") { Description = $"The hash that you were shown, or its first {HashPrefixMin} digits at least: if something else is asked by now, nothing happens.", HelpName = "HASH" };

    /// <summary>The question meant; null if none is open, which the store is told all the same, for the record.</summary>
    private static OpenWait? Pick(OpenStore store, RunHead head, string? step) => OpenQuestion.Find(head, step) switch
    {
        [] => null,
        [var one] => one,
        var several => throw new CliException(
            ExitCodes.Refused, "approval_ambiguous", $"Run {head.Row.Run} has {several.Count} open questions; name one with --step. Nothing was answered.",
            [.. several.Select(w => $"  --step {Shell.Quote(new ScopedStep(w.Scope, w.Step).ToString())}"), $"  See them: {CommandContext.Invocation(store, "approvals", head.Row.Run.Value)}"]),
    };

    private static void ThrowIfNoAction(OpenStore store, RunHead head, ApprovalCard card, string choice)
    {
        if (card.IsUnreadable)
        {
            throw new CliException(ExitCodes.Refused, "journal_damaged", $"{card.Fault} Nothing was answered.");
        }

        if (card.Asked.Action is null)
        {
            throw CliException.WrongUse(
                $"What run {head.Row.Run} asks is about no action, and '{choice}' may mean nothing there. Nothing was answered. Its choices:",
                [.. new OpenQuestion(card).Commands(store, head).Select(c => "  " + c)]);
        }

        if (card.Fault is { } fault && choice != OpenApproval.Reject)
        {
            throw new CliException(ExitCodes.Refused, "journal_damaged", $"{fault} Nothing was answered.");
        }
    }

    /// <summary>
    /// Shows what would be approved, and gives its hash: what was read once is what is shown and what is answered for. If another action is asked about in the meantime, the answer is stale and changes nothing.
    /// </summary>
    private static async Task<string> ShowAsync(CommandContext context, ApprovalCard card, string choice, bool full, bool wantsJson, CancellationToken cancellationToken)
    {
        if (card.IsCut && !full)
        {
            throw CliException.WrongUse("The arguments are too long to be shown at once, and what was not shown is not approved. Nothing was answered. Show all with --full, or give the --hash of what you have seen.");
        }

        // Programs read one JSON value from the output: people's words go beside it.
        CardPage.Write(wantsJson ? new Page(context.Error, context.Surface with { HasColours = false }) : context.Page, card, full);
        if (context.Surface.Input is { } input && !wantsJson)
        {
            context.Output.Write($"\n{(choice == OpenApproval.Edit ? "Propose the other arguments instead" : "Approve exactly this")}? Type yes: ");
            await context.Output.FlushAsync(cancellationToken);
            var said = await Task.Run(input.ReadLine, cancellationToken).WaitAsync(cancellationToken);
            if (said?.Trim() is not ("yes" or "y"))
            {
                throw new CliException(ExitCodes.Refused, "not_confirmed", "You did not say yes. Nothing was answered.");
            }
        }

        context.Page.Line();
        return card.Hash!;
    }

    private static string Whole(string given, string hash) => given.Length >= HashPrefixMin && hash.StartsWith(given, StringComparison.OrdinalIgnoreCase) ? hash : given;

    private static RawJson? Edited(string? text)
    {
        if (text is null)
        {
            return null;
        }

        try
        {
            using var json = JsonDocument.Parse(text);
            return json.RootElement.ValueKind == JsonValueKind.Object ? new RawJson(Encoding.UTF8.GetBytes(text)) : throw CliException.WrongUse("--edit wants a JSON object, the arguments that you propose instead. Nothing was answered.");
        }
        catch (JsonException e)
        {
            throw CliException.WrongUse($"--edit wants JSON: {e.Message} Nothing was answered.");
        }
    }
}
