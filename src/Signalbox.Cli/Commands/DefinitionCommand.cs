using System.CommandLine;
using System.Text.Json;
using Signalbox.CommandLine.Rendering;
using Signalbox.CommandLine.Stores;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Commands;

/// <summary><c>signalbox definition</c>: a workflow as it was declared, from the store.</summary>
internal static class DefinitionCommand
{
    public static Command Create(CommandContext context)
    {
        var name = new Argument<string>("NAME|RUN") { Description = "A workflow's name (its newest run counts), or a run." };
        var version = new Option<int?>("--version") { Description = "The version of the workflow.", HelpName = "N" };
        var mermaid = new Option<bool>("--mermaid") { Description = "Draw it as a Mermaid state diagram." };
        var command = new Command("definition", "Shows a workflow's states and transitions as JSON or as a diagram.") { name, version, mermaid };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            await using var store = await context.OpenAsync(parsed, cancellationToken);
            var (run, _) = await FindAsync(store, parsed.GetValue(name)!, parsed.GetValue(version), cancellationToken);
            var (stored, definition) = await LoadAsync(store, run.Row, cancellationToken);
            if (parsed.GetValue(mermaid))
            {
                WriteMermaid(context.Page, definition);
            }
            else if (context.WantsJson(parsed))
            {
                JsonOutput.Line(context.Output, json => json.Stored(stored));
            }
            else
            {
                context.Output.Write(StoredJson.Indent(stored) + "\n");
            }
        });
        return command;
    }

    /// <summary>The definition of a run's workflow: its stored text, and what it says.</summary>
    /// <exception cref="CliException">It is missing or is none.</exception>
    public static async Task<(ReadOnlyMemory<byte> Stored, WorkflowDefinition Definition)> LoadAsync(OpenStore store, RunRow row, CancellationToken cancellationToken)
    {
        var stored = row.Fingerprint.Length == 64 ? await store.Reader.FindPayloadAsync(new PayloadHash(row.Fingerprint), cancellationToken) : null;
        try
        {
            return stored is { } bytes ? (bytes, WorkflowDefinition.FromJson(bytes.Span)) : throw Missing("is missing or altered");
        }
        catch (JsonException)
        {
            throw Missing("is no definition");
        }

        CliException Missing(string what) => new(
            ExitCodes.Refused, "definition_missing",
            $"The stored definition of {row.Workflow} v{row.Version} (payload {row.Fingerprint}) {what}. Nothing was changed; the run itself can still be shown. See what else is wrong: {CommandContext.Invocation(store, "check")}");
    }

    public static void WriteMermaid(Page page, WorkflowDefinition definition)
    {
        foreach (var line in definition.ToMermaid().TrimEnd('\n').Split('\n'))
        {
            page.Line(line);
        }
    }

    /// <summary>The newest run of a workflow of that name; or else (the second is true) the run that is meant.</summary>
    /// <exception cref="CliException">There is neither.</exception>
    public static async Task<(RunHead Head, bool IsRun)> FindAsync(OpenStore store, string name, int? version, CancellationToken cancellationToken)
    {
        if (await store.Reader.ListAsync(new RunQuery { Workflow = name, Version = version, Limit = 1 }, cancellationToken) is [var newest])
        {
            return (newest, false);
        }

        return (version is null ? await RunFinder.FindAsync(store, name, cancellationToken) : null) is { } run ? (run, true) : throw new CliException(
            ExitCodes.Refused, "definition_not_found",
            $"The store '{store.Path}' has no run of a workflow '{name}'{(version is null ? $", and no run '{name}'" : $" v{version}")}; definitions are stored with runs. See what it has: {CommandContext.Invocation(store, "runs")}");
    }
}
