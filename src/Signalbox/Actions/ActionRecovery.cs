using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>
/// Settles what the record shows in doubt before a handler is entered: by asking the target, or as an operator has said of a held run. To undo on an operator's word is an effect like any other.
/// </summary>
internal sealed class ActionRecovery(VisitEngine visit, ActionRunner runner)
{
    /// <summary>Settles what the record shows in doubt, before anything else of the run happens. Gives why the run must be held, if it must.</summary>
    public async Task<Trouble?> SettleAsync(bool mayExecute)
    {
        var troubles = new List<Trouble>();
        foreach (var (step, action, verb) in visit.Record.Actions.Where(a => a.Value.IsInDoubt).Select(a => (a.Key, a.Value, WordOn(a.Key, a.Value))).ToArray())
        {
            try
            {
                if (verb == ReleaseVerb.Undo)
                {
                    await TakeBackAsync(step, action);
                    continue;
                }

                if (action.TakingBack is { } taking)
                {
                    await StopTakingBackAsync(step, taking, verb);
                }

                if (action.Outcome is not null)
                {
                    continue;
                }

                if (verb == ReleaseVerb.Accept)
                {
                    var intended = Body.Read<ActionIntended>(action.Intent!);
                    await runner.RecordAsync(EntryKinds.ActionVerified, step, intended, null, $"accepted by {visit.Record.Hold!.Value.By}", madeByUs: true, 0);
                }
                else
                {
                    await runner.CarryThroughAsync(action.Intent!, mayExecute);
                }
            }
            catch (ActionInDoubtException e)
            {
                troubles.Add(e.Trouble);
            }
        }

        // The operator's word, once given, is on all of them.
        return troubles switch
        {
            [] => null,
            [var only] => only,
            _ => new Trouble(troubles[0].Code, string.Join(" ", troubles.Select(t => t.Reason)), [.. troubles.SelectMany(t => t.Steps ?? [])]),
        };
    }

    /// <summary>Undoes effects that the handler no longer asks for, on an operator's word: those that are verified, and those that nobody can look for.</summary>
    public async Task<Trouble?> UndoAsync(IReadOnlyList<ScopedStep> steps)
    {
        foreach (var step in steps)
        {
            if (visit.Record.Action(step) is { Intent: not null, Outcome: { Kind: EntryKinds.ActionVerified or EntryKinds.ActionUnverified } outcome } action
                && (outcome.Kind == EntryKinds.ActionUnverified || Body.Read<ActionObserved>(outcome).MadeByUs))
            {
                try
                {
                    await TakeBackAsync(step, action);
                }
                catch (ActionInDoubtException e)
                {
                    return e.Trouble;
                }
            }
        }

        return null;
    }

    /// <summary>The operator's word on this action, given after the run was held for it.</summary>
    private ReleaseVerb? WordOn(ScopedStep step, ActionRecord action) =>
        visit.Record.Hold is { Release: { } release } hold && hold.Seq > action.Intent!.Seq && hold.Trouble.Steps?.Contains(step) == true ? release.Verb : null;

    /// <summary>Undoes an action on an operator's word: an effect like any other, so its intent is durable before it.</summary>
    private async Task TakeBackAsync(ScopedStep step, ActionRecord action)
    {
        var intent = action.Intent!;
        var original = Body.Read<ActionIntended>(intent);
        var handler = runner.Handler(original, step, "to be undone", "--undo");
        var arguments = await visit.Journal.ResolveAsync(original.Arguments, intent.Seq);
        var intended = original with { Undo = !original.Undo, Attempt = action.Attempts + 1, Approval = null, Overrules = null, Limits = null };
        var mayHaveHappened = action.TakingBack is { } earlier && visit.Record.Hold!.Value.Seq < earlier.Seq;
        if (action.TakingBack is { } begun)
        {
            intended = Body.Read<ActionIntended>(begun);
        }
        else
        {
            IReadOnlyList<Payload> payloads = original.Arguments.Reference is null ? [] : [Payload.Of(arguments)];
            var taken = await visit.Journal.TryTakeAsync([visit.Draft(EntryKinds.ActionIntended, step, Body.Write(intended), "to be taken back on an operator's word", payloads, actor: "engine")], []);
            if (taken.Claims is { } claims)
            {
                throw new ActionInDoubtException(InTheWay(step, intended, claims));
            }
        }

        var context = runner.Context(intended, action.TakingBack!.At);
        var wanted = ActionRunner.Wanted(intended.Undo);
        var sighting = await runner.LookAsync(
            step, handler, arguments, context, wanted, mayHaveHappened, visit.Abandoned, verification: action.Outcome is null ? Lasting(handler.Policy.Verification) : handler.Policy.Verification);
        string? error = null;
        if (sighting.IsUnclear && mayHaveHappened)
        {
            // This very undo may have been done before a crash; the operator's word was for one.
            throw await runner.InDoubtAsync(step, intended, sighting.Look.Proof, sighting.Looks);
        }

        var wasCalled = sighting.Agreement is null;
        if (wasCalled)
        {
            var executed = await runner.ExecuteAsync(handler, arguments, intended.Undo, context, step);
            error = executed.Error;
            if (error is null && action.Outcome is not null && ActionRunner.TrustsAnswer(handler, intended))
            {
                await runner.RecordUnverifiedAsync(step, intended, executed);
                return;
            }

            // A doubt that is taken back at a blind target stays one: what became of the action itself nobody has said.
            sighting = await runner.LookAsync(step, handler, arguments, context, wanted, mayHaveHappened: true, visit.Abandoned);
        }

        if (sighting.Agreement is null)
        {
            throw await runner.InDoubtAsync(step, intended, $"undoing it failed: {error ?? sighting.Look.Proof}", sighting.Looks);
        }

        await RecordTakenBackAsync(step, action, original, intended, sighting, madeByUs: wasCalled || mayHaveHappened);
    }

    private Trouble InTheWay(ScopedStep step, ActionIntended intended, ClaimRefusal claims) => new(
        TroubleCodes.ActionInDoubt,
        $"Action '{intended.Action}' ({intended.ActionId}) cannot be taken back just now: {string.Join(", ", claims.InTheWay.Select(r => $"{r.Claim.Resource} is {(r.Phase == ClaimPhase.Standing ? "wanted" : "held")} by run {r.Run}").Distinct().Take(5))}. When that is settled: signalbox release {visit.Row.Run} --undo, or --accept to leave it.",
        [step]);

    private async Task RecordTakenBackAsync(ScopedStep step, ActionRecord action, ActionIntended original, ActionIntended intended, Sighting sighting, bool madeByUs)
    {
        const string Why = "undone on an operator's word";
        var (look, looks) = (sighting.Look, sighting.Looks);
        var taken = runner.Observed(EntryKinds.ActionVerified, step, intended, Why, look.Proof, madeByUs, looks, agreement: sighting.Agreement);
        await visit.Journal.AppendAsync(action.Outcome is null ? [taken, runner.Observed(EntryKinds.ActionNotApplied, step, original, Why, look.Proof, madeByUs: false, looks)] : [taken]);
    }

    /// <summary>An effect in doubt may still come to be seen: that it is not there counts only once it has lasted as long as that may take.</summary>
    private static Verification Lasting(Verification verification) => verification with { Over = verification.Over > verification.Within ? verification.Over : verification.Within };

    /// <summary>An undo was begun and the operator's word is another now: what has become of it is settled first.</summary>
    private async Task StopTakingBackAsync(ScopedStep step, Entry taking, ReleaseVerb? verb)
    {
        var action = visit.Record.Action(step)!;
        var intended = Body.Read<ActionIntended>(taking);
        if (verb == ReleaseVerb.Accept)
        {
            await runner.RecordAsync(EntryKinds.ActionNotApplied, step, intended, $"the effect is accepted by {visit.Record.Hold!.Value.By}", null, madeByUs: false, 0);
            return;
        }

        var handler = runner.Handler(intended, step);
        var arguments = await visit.Journal.ResolveAsync(intended.Arguments, taking.Seq);
        var sighting = await runner.LookAsync(step, handler, arguments, runner.Context(intended, taking.At), ActionRunner.Wanted(intended.Undo), mayHaveHappened: true, visit.Abandoned);
        if (sighting.IsUnclear)
        {
            throw await runner.InDoubtAsync(step, intended, sighting.Look.Proof, sighting.Looks);
        }

        if (sighting.Agreement is not null)
        {
            await RecordTakenBackAsync(step, action, Body.Read<ActionIntended>(action.Intent!), intended, sighting, madeByUs: true);
        }
        else
        {
            await runner.RecordAsync(EntryKinds.ActionNotApplied, step, intended, "the undo had no effect, and is no longer asked for", sighting.Look.Proof, madeByUs: false, sighting.Looks);
        }
    }
}
