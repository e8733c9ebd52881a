using System.CommandLine;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox release</c>: an operator's word on a held run.</summary>
internal static class ReleaseCommand
{
    public static Command Create(CommandContext context)
    {
        var run = new Argument<string>("RUN") { Description = "The run: its id or how it begins, or its key." };
        (ReleaseVerb Verb, Option<bool> Option)[] verbs =
        [
            (ReleaseVerb.Retry, new("--retry") { Description = "Try again what it is held for: ask the target again, drive again, read again." }),
            (ReleaseVerb.Accept, new("--accept") { Description = "Take it as it stands: the action in doubt as done, effects no longer asked for as wanted." }),
            (ReleaseVerb.Undo, new("--undo") { Description = "Undo the effects in question at the target, then go on." }),
            (ReleaseVerb.Abandon, new("--abandon") { Description = "End the run as failed. Verified effects stay." }),
        ];
        var note = new Option<string?>("--note") { Description = "Why, for the record.", HelpName = "TEXT" };
        var command = new Command("release", "Lets a held run go on, in one of four ways.") { run, note };
        foreach (var (_, option) in verbs)
        {
            command.Add(option);
        }

        command.SetAction((parsed, cancellationToken) =>
        {
            var chosen = verbs.Where(v => parsed.GetValue(v.Option)).ToArray();
            if (chosen is not [var (verb, _)])
            {
                throw CliException.WrongUse(
                    $"Say with one option how it is to go on: {string.Join(", ", verbs.Select(v => v.Option.Name))}; got {(chosen.Length == 0 ? "none" : string.Join(" and ", chosen.Select(c => c.Option.Name)))}. Nothing was changed.");
            }

            return Execution.RunAsync(context, parsed, parsed.GetValue(run)!, head => new ReleaseRun(head.Row.Run, verb, parsed.GetValue(note)), cancellationToken);
        });
        return command;
    }
}
