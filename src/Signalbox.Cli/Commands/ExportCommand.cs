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
        var unmasked = new Option<bool>("--unmasked") { Description = "Write also what is masked wherever runs are shown. Only for the user that owns the store." };
        var command = new Command("export", "Writes entries and payloads as JSON lines, in commit order, as they are stored but for what is masked.") { runs, output, unmasked };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            var isMasked = !parsed.GetValue(unmasked);
            if (!isMasked && !store.IsOwnersUser)
            {
                throw new CliException(ExitCodes.Refused, "export_not_owner", $"Only the user that owns the store '{store.Path}' exports it unmasked. Nothing was written.");
            }

            var heads = new List<RunHead>();
            foreach (var run in parsed.GetValue(runs)!)
            {
                heads.Add(await RunFinder.GetAsync(store, run, cancellationToken));
            }

            var export = new JournalExport(isMasked ? store.Masked : store.Unmasked, context.Error);
            if (parsed.GetValue(output) is { } file)
            {
                await ToFileAsync(export, heads, file, cancellationToken);
                context.Error.WriteLine(TerminalText.Encode($"Wrote {Words.Count(export.Entries, "entry", "entries")} and {Words.Count(export.Payloads, "payload")} to '{file}'."));
            }
            else
            {
                await export.WriteAsync(context.Output, heads, isTerminal: context.Surface.IsTerminal, cancellationToken);
            }

            if (isMasked && store.Masked.MaskedCount > 0)
            {
                context.Error.WriteLine($"{Words.Count(store.Masked.MaskedCount, "entry or payload is", "entries and payloads are")} masked in part, so that their hashes cannot be verified from the export. The whole: --unmasked");
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
