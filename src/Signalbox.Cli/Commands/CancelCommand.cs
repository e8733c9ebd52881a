using System.CommandLine;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox cancel</c>: the request that a run end.</summary>
internal static class CancelCommand
{
    public static Command Create(CommandContext context)
    {
        var run = new Argument<string>("RUN") { Description = "The run: its id or how it begins, or its key." };
        var reason = new Option<string>("--reason") { Description = "Why, for the record.", HelpName = "TEXT", DefaultValueFactory = _ => "canceled by an operator" };
        var command = new Command("cancel", "Asks that a run end: reads stop, actions settle, waits and questions are withdrawn. Verified effects stay.") { run, reason };
        command.SetAction((parsed, cancellationToken) =>
            Execution.RunAsync(context, parsed, parsed.GetValue(run)!, head => new CancelRun(head.Row.Run, parsed.GetValue(reason)!), cancellationToken));
        return command;
    }
}
