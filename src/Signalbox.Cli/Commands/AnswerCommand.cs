using System.CommandLine;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox answer</c>: a person's answer to a run's open question.</summary>
internal static class AnswerCommand
{
    public static Command Create(CommandContext context)
    {
        var run = new Argument<string>("RUN") { Description = "The run: its id or how it begins, or its key." };
        var choice = new Argument<string?>("CHOICE") { Description = "One of the question's choices, letter by letter.", Arity = ArgumentArity.ZeroOrOne };
        var choiceOption = new Option<string?>("--choice") { Description = "The same, as an option.", HelpName = "CHOICE" };
        var question = new Option<string?>("--question") { Description = "Which question, where several are open: its step, as 'show' writes it.", HelpName = "STEP" };
        var comment = new Option<string?>("--comment") { Description = "Why, for the record.", HelpName = "TEXT" };
        var command = new Command("answer", "Answers a run's open question under your name.") { run, choice, choiceOption, question, comment };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var (positional, named) = (parsed.GetValue(choice), parsed.GetValue(choiceOption));
            if (positional is not null && named is not null && positional != named)
            {
                throw CliException.WrongUse($"One choice at a time: got '{positional}' and --choice '{named}'. Nothing was answered.");
            }

            await using var store = await context.OpenAsync(parsed, cancellationToken);
            var head = await RunFinder.GetAsync(store, parsed.GetValue(run)!, cancellationToken);
            await ThrowIfAboutAnActionAsync(store, head, parsed.GetValue(question), cancellationToken);
            var answer = positional ?? named ?? throw await ChoiceMissingAsync(store, head, cancellationToken);
            return await Execution.RunAsync(
                context, parsed, store, new AnswerApproval(head.Row.Run, answer, Step(head, parsed.GetValue(question)), parsed.GetValue(comment)), head, cancellationToken);
        });
        return command;
    }

    /// <summary>The step of the question meant: its name alone will do where it is the only one of that name.</summary>
    private static string? Step(RunHead head, string? question)
    {
        var named = head.Waits.Where(w => w.Kind == WaitKind.Approval && w.Step.Split('/')[0] == question).ToArray();
        return named is [var one] ? one.Step : question;
    }

    /// <summary>What is approved is looked at first: that is what the other commands are for.</summary>
    private static async Task ThrowIfAboutAnActionAsync(OpenStore store, RunHead head, string? question, CancellationToken cancellationToken)
    {
        var meant = OpenQuestion.Find(head, question);
        var about = (await OpenQuestion.OfAsync(store.Queries, head, cancellationToken)).FirstOrDefault(q => meant.Contains(q.Wait) && q.IsAboutAnAction);
        if (about is not null && meant.Count == 1)
        {
            throw CliException.WrongUse($"Run {head.Row.Run} asks about an action; look at it and say so by the commands for that. Nothing was answered.", [.. about.Commands(store, head).Select(c => "  " + c)]);
        }
    }

    private static async Task<CliException> ChoiceMissingAsync(OpenStore store, RunHead head, CancellationToken cancellationToken)
    {
        var questions = await OpenQuestion.OfAsync(store.Queries, head, cancellationToken);
        const string Nothing = "No choice was given, and nothing was answered.";
        return questions.Count == 0
            ? CliException.WrongUse($"{Nothing} Run {head.Row.Run} has no open question.")
            : CliException.WrongUse($"{Nothing} Run {head.Row.Run} asks:", [.. questions.SelectMany(q => q.Commands(store, head).Prepend(q.Summary)).Select(line => "  " + line)]);
    }
}
