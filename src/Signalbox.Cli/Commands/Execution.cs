using System.CommandLine;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary>Hands a command to the store and says what became of it, how the run stands now and what to do next.</summary>
internal static class Execution
{
    public static async Task<int> RunAsync(CommandContext context, ParseResult parsed, string run, Func<RunHead, RunCommand> command, CancellationToken cancellationToken)
    {
        await using var store = await context.OpenAsync(parsed, cancellationToken);
        var head = await RunFinder.GetAsync(store, run, cancellationToken);
        return await RunAsync(context, parsed, store, command(head), head, cancellationToken);
    }

    public static async Task<int> RunAsync(CommandContext context, ParseResult parsed, OpenStore store, RunCommand command, RunHead before, CancellationToken cancellationToken)
    {
        var result = await store.ExecuteAsync(command, cancellationToken);
        var head = await store.Queries.FindAsync(before.Row.Run, cancellationToken) ?? before;
        var next = await NextSteps.OfAsync(store, head, cancellationToken);
        if (context.WantsJson(parsed))
        {
            WriteJson(context.Output, result, head, next);
        }
        else if (result.IsAccepted)
        {
            Write(context.Page, result.Message, head, next);
        }
        else
        {
            // To the errors: an output that is read on must not look like success.
            Write(new Page(context.Error, context.Surface with { HasColours = false }), $"{result.Code}: {result.Message}", head, next);
        }

        return result.IsAccepted ? ExitCodes.Ok : ExitCodes.Refused;
    }

    private static void Write(Page page, string message, RunHead head, IReadOnlyList<string> next)
    {
        page.Line(message);
        page.Line(RunWords.Standing(head));
        NextSteps.Write(page, next);
    }

    private static void WriteJson(TextWriter output, CommandResult result, RunHead head, IReadOnlyList<string> next) => JsonOutput.Line(output, json =>
    {
        json.WriteStartObject();
        json.WriteBoolean("accepted", result.IsAccepted);
        json.WriteString("code", result.Code);
        json.WriteString("message", result.Message);
        json.WriteString("run", head.Row.Run.Value);
        json.WriteString("status", head.Row.Status.ToString());
        json.WriteString("state", head.Row.State);
        json.WriteStartArray("next");
        foreach (var step in next)
        {
            json.WriteStringValue(step);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    });
}
