namespace Signalbox;

/// <summary>How a plan of several actions ended.</summary>
public enum PlanStatus
{
    /// <summary>Every action is verified.</summary>
    Verified,

    /// <summary>One was not, and of what this run had done before it nothing is left (but what others want too).</summary>
    RolledBack,

    /// <summary>One was not, and something of what was done before could not be taken back, or nobody can look whether it was.</summary>
    PartlyDone,

    /// <summary>Every action is verified, but for those at blind targets, which are done by the target's word alone (<see cref="ActionStatus.Unverified"/>).</summary>
    Unverified,
}

/// <summary>One action of a plan: its outcome (null: it was not come to), and that of taking it back (null: there was nothing to take back).</summary>
public sealed record PlanStep(object Action, ActionOutcome? Outcome, ActionOutcome? Undone);

/// <summary>How a plan ended, with each of its actions in order. <paramref name="Reason"/> says which one failed and why; null if none did.</summary>
public sealed record PlanOutcome(PlanStatus Status, IReadOnlyList<PlanStep> Steps, string? Reason)
{
    /// <summary>Whether every action is verified.</summary>
    public bool IsVerified => Status == PlanStatus.Verified;
}

/// <summary>
/// Several actions as one: in order, each only when the one before is verified, or was answered by a blind target that is trusted; when one fails, those before are undone in reverse order, each undo probed
/// and verified like an action. What cannot be undone comes last, so that nothing is left half done by what was known to be final.
/// </summary>
internal sealed class Plan(VisitScope scope, IReadOnlyList<object> actions)
{
    private ActionRunner Runner => scope.Engine.Actions;

    public async Task<PlanOutcome> RunAsync()
    {
        ThrowIfOutOfOrder();
        var outcomes = new List<ActionOutcome>();
        foreach (var action in actions)
        {
            var outcome = await Runner.ActAsync(scope.ScopeName, action.GetType(), action, undo: false);
            outcomes.Add(outcome);
            if (outcome is not { Status: ActionStatus.Verified or ActionStatus.Unverified })
            {
                return await RollBackAsync(outcomes, $"{Name(action)} is {outcome.Status}: {outcome.Reason}");
            }
        }

        var status = outcomes.TrueForAll(o => o.IsVerified) ? PlanStatus.Verified : PlanStatus.Unverified;
        return new PlanOutcome(status, [.. actions.Zip(outcomes, (action, outcome) => new PlanStep(action, outcome, null))], null);
    }

    private async Task<PlanOutcome> RollBackAsync(List<ActionOutcome> outcomes, string reason)
    {
        var steps = actions.Select((action, i) => new PlanStep(action, i < outcomes.Count ? outcomes[i] : null, null)).ToArray();
        var isClean = true;
        for (var i = outcomes.Count - 1; i >= 0; i--)
        {
            if (outcomes[i].Status == ActionStatus.Unverified && IsFinal(actions[i]))
            {
                // A call to take it back could only fail, and leave a doubt that nobody can settle by looking.
                isClean = false;
            }
            else if (outcomes[i] is { IsVerified: true, MadeByUs: true } or { Status: ActionStatus.Diverged or ActionStatus.Unverified })
            {
                // One that diverged, or that nobody can look for, went through at the target: whatever is left of it is ours.
                var undone = await UndoAsync(steps[i]);
                steps[i] = steps[i] with { Undone = undone };
                isClean &= undone.Status is ActionStatus.Verified or ActionStatus.Refused;
            }
        }

        return new PlanOutcome(isClean ? PlanStatus.RolledBack : PlanStatus.PartlyDone, steps, reason);
    }

    /// <summary>What was edited by a person is undone as it was done.</summary>
    private Task<ActionOutcome> UndoAsync(PlanStep step) => step.Outcome!.Edited is { } edited
        ? Runner.ActAsync(scope.ScopeName, scope.Engine.Engine.Actions.Get(step.Action.GetType()), edited, undo: true)
        : Runner.ActAsync(scope.ScopeName, step.Action.GetType(), step.Action, undo: true);

    private void ThrowIfOutOfOrder()
    {
        object? final = null;
        foreach (var action in actions)
        {
            var isFinal = IsFinal(action);
            if (final is not null && !isFinal)
            {
                throw new ArgumentException($"A plan ends with what cannot be undone; in this one {Name(final)}, which cannot, comes before {Name(action)}, which can. Put it last.");
            }

            final = isFinal ? action : final;
        }
    }

    private bool IsFinal(object action) => scope.Engine.Engine.Actions.Get(action.GetType()).Bind(scope.Engine.Services).Reversibility == Reversibility.Irreversible;

    private string Name(object action) => $"'{scope.Engine.Engine.Actions.Get(action.GetType()).Name}'";
}
