using System.CommandLine;
using Signalbox.CommandLine.Serving;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox serve</c>: the dashboard and the HTTP API over a store, whoever owns it.</summary>
internal static class ServeCommand
{
    public static Command Create(CommandContext context)
    {
        var urls = new Option<string>("--urls") { Description = "Where to listen; several are separated by ';'.", HelpName = "URLS", DefaultValueFactory = _ => StoreServer.DefaultUrls };
        var command = new Command("serve", "Serves the dashboard and the HTTP API until Ctrl-C. It drives no runs: that does the program that owns the store, to which it hands what is to be changed.") { urls };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            await StoreServer.RunAsync(context, store, StoreServer.Checked(parsed.GetValue(urls)!), cancellationToken);
        });
        return command;
    }
}
