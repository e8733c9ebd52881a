using System.CommandLine;
using System.CommandLine.Help;
using Signalbox.CommandLine.Commands;
using Signalbox.CommandLine.Rendering;
using Signalbox.Storage;

namespace Signalbox.CommandLine;

/// <summary>The <c>signalbox</c> command: reads its arguments, lets one command work, and turns every way to fail into a message and an exit code.</summary>
internal static class Cli
{
    /// <summary>Carries out one command line. Errors go to <paramref name="error"/>; nothing is thrown for what a user or a store can do.</summary>
    public static async Task<int> RunAsync(string[] args, TextWriter output, TextWriter error, Surface? surface = null, CancellationToken cancellationToken = default)
    {
        var context = new CommandContext(output, error, surface ?? new Surface());
        var root = Root(context);

        if (CompletionCommand.Answers(context, root, args))
        {
            await output.FlushAsync(cancellationToken);
            return ExitCodes.Ok;
        }

        // '@x' is a value here as anywhere; the library would read the file x.
        var parsed = root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        try
        {
            if (parsed.Errors.Count > 0)
            {
                throw CliException.WrongUse($"{string.Join(" ", parsed.Errors.Select(e => e.Message))} Nothing was done. See: signalbox {Path(parsed)}--help");
            }

            var invocation = new InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            var exit = await parsed.InvokeAsync(invocation, cancellationToken);
            await output.FlushAsync(CancellationToken.None); // what has come to its end is not stopped any more
            return exit;
        }
        catch (Exception e) when (Ending(e) is { } ending)
        {
            await FlushAsync(output);
            Tell(context, parsed, ending);
            return ending.ExitCode;
        }
    }

    private static Command Root(CommandContext context)
    {
        // Not a RootCommand, whose help would call the program by the name of its assembly.
        var root = new Command("signalbox", "Looks at Signalbox runs, answers their questions, repairs, exports and checks them: on any store, without the code of its workflows.")
        {
            context.StoreOption,
            context.JsonOption,
            new HelpOption(),
            new VersionOption(),
        };
        foreach (var command in new[]
        {
            RunsCommand.Create(context),
            ShowCommand.Create(context),
            SearchCommand.Create(context),
            CostsCommand.Create(context),
            StatsCommand.Create(context),
            WatchCommand.Create(context),
            DiagramCommand.Create(context),
            CompletionCommand.Create(context),
            ApprovalsCommand.Create(context),
            ApproveCommand.CreateApprove(context),
            ApproveCommand.CreateReject(context),
            AnswerCommand.Create(context),
            SignalCommand.Create(context),
            RetryCommand.Create(context),
            CancelCommand.Create(context),
            ReleaseCommand.Create(context),
            JudgeCommand.Create(context),
            ActionsCommand.Create(context),
            ClaimsCommand.Create(context),
            DefinitionCommand.Create(context),
            ExportCommand.Create(context),
            CheckCommand.Create(context),
            EraseCommand.Create(context),
            BackupCommand.Create(context),
            OwnerCommand.Create(context),
            KeysCommand.Create(context),
            ServeCommand.Create(context),
        })
        {
            root.Add(command);
        }

        CompletionCommand.CompleteRuns(context, root);

        return root;
    }

    /// <summary>How an exception ends the command; null for a fault of our own, which should be seen whole.</summary>
    private static CliException? Ending(Exception exception) => exception switch
    {
        CliException e => e,
        OperationCanceledException => new(ExitCodes.Stopped, "stopped", "Stopped."),
        StoreRefusedException { Code: "store_owned" } e => new(ExitCodes.Owned, e.Code, e.Message),
        StoreRefusedException e => new(ExitCodes.WrongUse, e.Code, e.Message),
        StoreUnavailableException e => new(ExitCodes.WrongUse, e.Code, e.Message),
        Search.SearchQueryException e => new(ExitCodes.WrongUse, "search_query", $"{e.Message} Nothing was listed."),
        Journal.JournalDamagedException e => new(ExitCodes.WrongUse, "journal_damaged", $"{e.Message} Nothing was changed. See what else is: signalbox check {e.Run}"),
        IOException e when IsClosedPipe(e) => new(ExitCodes.PipeClosed, "pipe_closed", ""),
        IOException or UnauthorizedAccessException => new(ExitCodes.WrongUse, "io", $"{exception.Message.TrimEnd('.')}. What was asked for is not complete."),
        _ => null,
    };

    private static void Tell(CommandContext context, ParseResult parsed, CliException ending)
    {
        if (ending.ExitCode == ExitCodes.PipeClosed)
        {
            return; // nobody is left to be told
        }

        if (parsed.GetValue(context.JsonOption))
        {
            JsonOutput.Line(context.Error, json =>
            {
                json.WriteStartObject();
                json.WriteString("code", ending.Code);
                json.WriteString("message", string.Join('\n', ending.Lines.Prepend(ending.Message)));
                json.WriteEndObject();
            });
            return;
        }

        var prefix = ending.ExitCode is ExitCodes.Stopped or ExitCodes.WrongUse && ending.Code is "stopped" or "wrong_use" ? "" : ending.Code + ": ";
        foreach (var line in ending.Lines.Prepend(prefix + ending.Message))
        {
            context.Error.WriteLine(TerminalText.Encode(line));
        }
    }

    private static async Task FlushAsync(TextWriter output)
    {
        try
        {
            await output.FlushAsync(CancellationToken.None);
        }
        catch (IOException)
        {
            // Whoever read it went away, or the disk is full: that is why the command ends, and is told.
        }
    }

    private static bool IsClosedPipe(IOException e)
    {
        const int BrokenPipe = 32; // EPIPE; .NET reports it in the low bits of HResult
        return (e.HResult & 0xFFFF) == BrokenPipe;
    }

    private static string Path(ParseResult parsed) => parsed.CommandResult.Command == parsed.RootCommandResult.Command ? "" : parsed.CommandResult.Command.Name + " ";
}
