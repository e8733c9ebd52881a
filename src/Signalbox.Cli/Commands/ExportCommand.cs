using System.CommandLine;
using System.Text;
using Signalbox.CommandLine.Exporting;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox export</c>: journals as JSON lines, for tools that trust nothing of ours.</summary>
internal static class ExportCommand
{
    public static Command Create(CommandContext context)
    {
        var runs = new Argument<string[]>("RUN") { Description = "Only these runs; all where none is named.", Arity = ArgumentArity.ZeroOrMore };
        var output = new Option<string?>("--output", "-o") { Description = "Write to this file instead of the standard output. It gets its name when it is whole.", HelpName = "FILE" };
        var command = new Command("export", "Writes entries and payloads as JSON lines, in commit order, as they are stored.") { runs, output };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            var heads = new List<RunHead>();
            foreach (var run in parsed.GetValue(runs)!)
            {
                heads.Add(await RunFinder.GetAsync(store, run, cancellationToken));
            }

            var export = new JournalExport(store.Reader, context.Error);
            if (parsed.GetValue(output) is { } file)
            {
                await ToFileAsync(export, heads, file, cancellationToken);
                context.Error.WriteLine(TerminalText.Encode($"Wrote {Words.Count(export.Entries, "entry", "entries")} and {Words.Count(export.Payloads, "payload")} to '{file}'."));
            }
            else
            {
                await export.WriteAsync(context.Output, heads, isTerminal: context.Surface.IsTerminal, cancellationToken);
            }

            if (export.Faults > 0)
            {
                context.Error.WriteLine($"The export is not all that the journals refer to: {Words.Count(export.Faults, "fault")}. See: {CommandContext.Invocation(store, "check")}");
            }

            return export.Faults == 0 ? ExitCodes.Ok : ExitCodes.Refused;
        });
        return command;
    }

    /// <summary>A file that was there before stays as it was until the new one is whole.</summary>
    private static async Task ToFileAsync(JournalExport export, IReadOnlyList<RunHead> runs, string file, CancellationToken cancellationToken)
    {
        if (file.Length == 0 || Directory.Exists(file))
        {
            throw CliException.WrongUse($"--output wants a file; got '{file}'. Nothing was written.");
        }

        var unfinished = file + ".unfinished";
        try
        {
            await using (var writer = new StreamWriter(unfinished, append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 64 * 1024))
            {
                await export.WriteAsync(writer, runs, isTerminal: false, cancellationToken);
            }

            File.Move(unfinished, file, overwrite: true);
        }
        catch
        {
            File.Delete(unfinished);
            throw;
        }
    }
}
