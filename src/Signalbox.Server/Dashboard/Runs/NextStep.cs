using Signalbox.Storage;

namespace Signalbox.Server.Dashboard.Runs;

/// <summary>What somebody in front of a run can do, in words; the forms beside it do it.</summary>
internal static class NextStep
{
    public static string? Of(RunHead head)
    {
        var row = head.Row;
        return row.Status switch
        {
            _ when row.CancelRequested && row.IsOpen => "It ends when its actions are settled, as soon as a worker that knows its workflow drives it.",
            RunStatus.Pending => $"It goes on as soon as a worker that knows {row.Workflow} v{row.Version} is free.",
            RunStatus.Running => null,
            RunStatus.Waiting when head.Waits.Any(w => w.Kind == WaitKind.Approval) => "It asks a person, and goes on when the question is answered.",
            RunStatus.Waiting when head.Waits.Any(w => w.Kind == WaitKind.Signal) => $"It waits for the signal {string.Join(" or ", head.Waits.Where(w => w.Kind == WaitKind.Signal).Select(w => $"'{w.Name}'"))}.",
            RunStatus.Waiting when head.Waits.Any(w => w.Kind == WaitKind.Claim) => "It waits until others are done with what its action claims.",
            RunStatus.Waiting => "It wakes by itself at its time; nothing needs doing.",
            RunStatus.Held when Settles(row) => "It needs an operator: try again what it is held for, take it as it is, undo the effects, or end it as failed.",
            RunStatus.Held => "It needs an operator: mend the cause and try again, or end it as failed.",
            RunStatus.Failed when row.ReasonCode == TroubleCodes.EndedWithoutSuccess => "It reached an end that is no success; there is nothing to try again. Start a new run.",
            RunStatus.Failed => "Once the cause is mended, retry opens its last visit again: successes and effects stay, failures are asked again.",
            _ => null,
        };
    }

    /// <summary>Whether what it is held for are effects that can be accepted or undone.</summary>
    public static bool Settles(RunRow row) => row.ReasonCode is TroubleCodes.ActionInDoubt or TroubleCodes.ActionUnknown or TroubleCodes.EffectsNotAskedAgain;
}
