using System.CommandLine;
using Signalbox.CommandLine.Rendering;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox owner</c>: which process writes the store.</summary>
internal static class OwnerCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("owner", "Says which process writes the store.");
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            var owner = await store.FindOwnerAsync(cancellationToken);
            if (context.WantsJson(parsed))
            {
                JsonOutput.Line(context.Output, json =>
                {
                    json.WriteStartObject();
                    json.WriteBoolean("isOwned", owner is not null);
                    if (owner is not null)
                    {
                        json.WriteNumber("pid", owner.Pid);
                        json.WriteString("program", owner.Program);
                        json.Time("startedAt", owner.StartedAt);
                        json.WriteBoolean("stays", owner.Stays);
                    }

                    json.WriteEndObject();
                });
            }
            else
            {
                context.Page.Line(owner switch
                {
                    null => $"No process writes the store '{store.Path}' now. A command that changes something takes the lock, writes and leaves.",
                    { Stays: true } => $"The store '{store.Path}' is written by {owner}. Commands are handed to it.",
                    _ => $"The store '{store.Path}' is being written by a passing command, {owner}.",
                });
            }
        });
        return command;
    }
}
