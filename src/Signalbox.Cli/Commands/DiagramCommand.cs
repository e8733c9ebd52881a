using System.CommandLine;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox diagram</c>: a workflow as a state diagram, and of a run the path that it took.</summary>
internal static class DiagramCommand
{
    public static Command Create(CommandContext context)
    {
        var name = new Argument<string>("WORKFLOW|RUN") { Description = "A workflow's name (its newest run counts), or a run, whose path is marked." };
        var version = new Option<int?>("--version") { Description = "The version of the workflow.", HelpName = "N" };
        var command = new Command("diagram", "Draws a workflow, or the path that a run took through it, as a Mermaid state diagram.") { name, version };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            var (head, isRun) = await DefinitionCommand.FindAsync(store, parsed.GetValue(name)!, parsed.GetValue(version), cancellationToken);
            var (_, definition) = await DefinitionCommand.LoadAsync(store, head.Row, cancellationToken);
            DefinitionCommand.WriteMermaid(context.Page, definition);
            if (isRun)
            {
                await MarkAsync(context.Page, store, head, definition, cancellationToken);
            }
        });
        return command;
    }

    /// <summary>Mermaid's own way to mark: classes of states. How often a state was entered stands in a note.</summary>
    private static async Task MarkAsync(Page page, OpenStore store, RunHead head, WorkflowDefinition definition, CancellationToken cancellationToken)
    {
        var view = await store.Queries.ViewAsync(head.Row.Run, cancellationToken);
        var visits = (view?.Visits ?? []).Select(v => v.State).Where(s => definition.Find(s) is not null).CountBy(s => s).ToList();
        foreach (var (state, times) in visits.Where(v => v.Value > 1))
        {
            page.Line($"    note right of {state} : {Words.Count(times, "visit")}");
        }

        page.Line("    classDef visited fill:#dbeafe,stroke:#1d4ed8,color:#111827");
        page.Line("    classDef current fill:#1d4ed8,stroke:#1d4ed8,color:#ffffff");
        if (visits.Where(v => v.Key != head.Row.State).Select(v => v.Key).ToList() is { Count: > 0 } left)
        {
            page.Line($"    class {string.Join(',', left)} visited");
        }

        if (definition.Find(head.Row.State) is not null)
        {
            page.Line($"    class {head.Row.State} current");
        }
    }
}
