using System.CommandLine;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox retry</c>: a failed run's last visit again.</summary>
internal static class RetryCommand
{
    public static Command Create(CommandContext context)
    {
        var run = new Argument<string>("RUN") { Description = "The run: its id or how it begins, or its key." };
        var reason = new Option<string>("--reason") { Description = "Why, for the record.", HelpName = "TEXT", DefaultValueFactory = _ => "retried by an operator" };
        var command = new Command("retry", "Opens a failed run's last visit again: successes and effects stay, failures and missing evidence are asked again.") { run, reason };
        command.SetAction((parsed, cancellationToken) =>
            Execution.RunAsync(context, parsed, parsed.GetValue(run)!, head => new RetryRun(head.Row.Run, parsed.GetValue(reason)!), cancellationToken));
        return command;
    }
}
