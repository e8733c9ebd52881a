using Signalbox.CommandLine.Commands;
using Signalbox.CommandLine.Stores;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Rendering;

/// <summary>What somebody in front of a run can do, as commands to copy.</summary>
internal static class NextSteps
{
    /// <summary><paramref name="withQuestions"/>: also how to answer; false where the questions stand beside it.</summary>
    public static async Task<IReadOnlyList<string>> OfAsync(OpenStore store, RunHead head, CancellationToken cancellationToken, bool withQuestions = true)
    {
        var row = head.Row;
        return row.Status switch
        {
            RunStatus.Pending => [Pending(row, await store.FindOwnerAsync(cancellationToken))],
            RunStatus.Running => [Running(row, await store.FindOwnerAsync(cancellationToken))],
            RunStatus.Waiting => await WaitingAsync(store, head, withQuestions, cancellationToken),
            RunStatus.Held => Held(store, row),
            RunStatus.Failed when row.ReasonCode == TroubleCodes.EndedWithoutSuccess => ["It reached an end that is no success; there is nothing to try again. Start a new run."],
            RunStatus.Failed => [$"To open its last visit again, once the cause is mended: {Command(store, "retry", row)}"],
            _ => [],
        };
    }

    /// <summary>Words are wrapped, commands are not: they are there to be copied.</summary>
    public static void Write(Page page, IReadOnlyList<string> steps)
    {
        foreach (var step in steps)
        {
            if (step.Contains("signalbox ", StringComparison.Ordinal))
            {
                page.Line("  " + step);
            }
            else
            {
                page.Paragraph(step, 2);
            }
        }
    }

    private static string Running(RunRow row, OwnerInfo? owner) => owner is { Stays: true }
        ? $"Worker {row.Worker} drives it; nothing needs doing."
        : $"Its worker {row.Worker} is gone: no program works on this store now. Start the one that has workflow {row.Workflow} v{row.Version}; it takes the run over.";

    private static string Pending(RunRow row, OwnerInfo? owner) => owner is { Stays: true }
        ? $"It goes on as soon as a worker of {owner} that knows {row.Workflow} v{row.Version} is free."
        : $"No program works on this store now; start the one that has workflow {row.Workflow} v{row.Version}.";

    private static async Task<IReadOnlyList<string>> WaitingAsync(OpenStore store, RunHead head, bool withQuestions, CancellationToken cancellationToken)
    {
        var steps = new List<string>();
        foreach (var question in withQuestions ? await OpenQuestion.OfAsync(store.Queries, head, cancellationToken) : [])
        {
            steps.Add($"It asks: {question.Summary}");
            steps.AddRange(question.Commands(store, head));
        }

        foreach (var wait in head.Waits.Where(w => w.Kind == WaitKind.Signal))
        {
            steps.Add($"It waits for a signal: {CommandContext.Invocation(store, "signal", head.Row.Run.Value, Shell.Quote(wait.Name ?? ""), "'JSON'")}");
        }

        return steps.Count > 0 || head.Waits.Any(w => w.Kind == WaitKind.Approval) ? steps : ["It wakes by itself at its time; nothing needs doing."];
    }

    private static string[] Held(OpenStore store, RunRow row) =>
    [
        $"Try again:        {Command(store, "release", row, "--retry")}",
        .. row.ReasonCode is TroubleCodes.ActionInDoubt or TroubleCodes.ActionUnknown or TroubleCodes.EffectsNotAskedAgain
            ? new[]
            {
                $"Take it as it is: {Command(store, "release", row, "--accept")}",
                $"Undo the effects: {Command(store, "release", row, "--undo")}",
            }
            : [],
        $"End it as failed: {Command(store, "release", row, "--abandon")}",
    ];

    private static string Command(OpenStore store, string verb, RunRow row, params ReadOnlySpan<string> more) => CommandContext.Invocation(store, [verb, row.Run.Value, .. more]);
}
