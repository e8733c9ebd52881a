using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Checking;

/// <summary>Checks moves against the definitions that the store keeps, each loaded once.</summary>
internal sealed class DefinitionCheck(IRunReader reader, CheckReport report)
{
    private readonly Dictionary<string, WorkflowDefinition?> _definitions = [];

    /// <summary>The definition that a run was started with; null, with a fault at its first run, if the store does not have it whole.</summary>
    public async ValueTask<WorkflowDefinition?> FindAsync(RunRow row, CancellationToken cancellationToken)
    {
        if (_definitions.TryGetValue(row.Fingerprint, out var known))
        {
            return known;
        }

        var (definition, fault) = await LoadAsync(row, cancellationToken);
        if (fault is not null)
        {
            report.Add(FaultCodes.DefinitionMissing, row.Run, 0, $"the definition of {row.Workflow} v{row.Version} as payload {row.Fingerprint}", fault);
        }

        report.Definitions += definition is null ? 0 : 1;
        return _definitions[row.Fingerprint] = definition;
    }

    /// <summary>Looks at one entry; <paramref name="from"/> is the state before it, empty before the first.</summary>
    public void Check(WorkflowDefinition definition, Entry entry, string from)
    {
        if (entry.Kind == EntryKinds.StateEntered)
        {
            report.Transitions++;
            var body = Body.Read<StateEntered>(entry);
            if ((body.From ?? "") != from)
            {
                report.Add(FaultCodes.TransitionUndeclared, entry.Run, entry.Seq, $"a transition from '{from}'", $"one from '{body.From}' to '{entry.State}'");
            }
            else if (!IsDeclared(definition, from, entry.State, body.Canceling))
            {
                report.Add(FaultCodes.TransitionUndeclared, entry.Run, entry.Seq, Declared(definition, from), $"'{from}' to '{entry.State}'");
            }
        }
        else if (entry.Kind == EntryKinds.RunCompleted && definition.Find(entry.State)?.End != "success")
        {
            report.Add(FaultCodes.EndUndeclared, entry.Run, entry.Seq, "a completed run in a state that is declared a success", $"one in '{entry.State}'");
        }
    }

    private static bool IsDeclared(WorkflowDefinition definition, string from, string to, bool canceling) =>
        from.Length == 0 ? to == definition.Start : definition.Find(from)?.To.Contains(to) == true || (canceling && to == definition.OnCancel);

    private static string Declared(WorkflowDefinition definition, string from) => from.Length == 0
        ? $"the start '{definition.Start}'"
        : $"'{from}' to one of: {string.Join(", ", definition.Find(from)?.To ?? [])}";

    private async ValueTask<(WorkflowDefinition? Definition, string? Fault)> LoadAsync(RunRow row, CancellationToken cancellationToken)
    {
        if (row.Fingerprint.Length != 64 || !row.Fingerprint.All(char.IsAsciiHexDigitLower))
        {
            return (null, "no payload's address");
        }

        var bytes = await reader.FindPayloadAsync(new PayloadHash(row.Fingerprint), cancellationToken);
        try
        {
            return bytes is { } whole ? (WorkflowDefinition.FromJson(whole.Span), null) : (null, "nothing, or something altered");
        }
        catch (JsonException)
        {
            return (null, "something that is no definition");
        }
    }
}
