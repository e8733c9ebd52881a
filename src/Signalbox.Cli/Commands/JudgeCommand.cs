using System.CommandLine;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox judge</c>: whether a decision was right, also after the run has ended.</summary>
internal static class JudgeCommand
{
    private const string Right = "right";
    private const string Wrong = "wrong";

    public static Command Create(CommandContext context)
    {
        var run = new Argument<string>("RUN") { Description = "The run: its id or how it begins, or its key." };
        var decision = new Argument<string>("DECISION") { Description = "The decision's id, as show tells it: d-…" };
        var verdict = new Argument<string>("VERDICT") { Description = $"{Right} or {Wrong}." };
        verdict.AcceptOnlyFromAmong(Right, Wrong);
        var because = new Option<string>("--because") { Description = "How you know, for the record.", HelpName = "TEXT", DefaultValueFactory = _ => "judged by a person" };
        var command = new Command("judge", "Says whether a decision was right, also after its run has ended. Thresholds are earned from such judgements; the latest counts.") { run, decision, verdict, because };
        command.SetAction((parsed, cancellationToken) => Execution.RunAsync(
            context, parsed, parsed.GetValue(run)!,
            head => new JudgeDecision(head.Row.Run, parsed.GetValue(decision)!, parsed.GetValue(verdict) == Right, parsed.GetValue(because)!), cancellationToken));
        return command;
    }
}
