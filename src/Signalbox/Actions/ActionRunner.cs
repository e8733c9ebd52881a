using System.Security.Cryptography;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>
/// Carries actions out: probe, intent, probe, execute, verify. From the intent on, an action is carried through by <see cref="CarryThroughAsync"/> alone, whether the workflow waits for it
/// or a worker finds it in doubt, so both settle it the same way. An undo is the same walk towards the opposite observation.
/// </summary>
internal sealed class ActionRunner(VisitEngine visit)
{
    public Task<ActionOutcome> ActAsync<TAction>(string scope, TAction action, bool undo)
        where TAction : notnull => ActAsync(scope, visit.Engine.Actions.Get(typeof(TAction)), Bodies.Json(action), undo);

    /// <param name="scope">The scope that acts.</param>
    /// <param name="registration">The action.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="undo">Whether it is to be taken back.</param>
    /// <param name="isOrdered">
    /// Whether the scope comes to its actions in one order, so that a new one before one that is recorded shows changed code. The samples of an agent act side by side in one scope; what they leave unasked
    /// holds the transition alone.
    /// </param>
    public async Task<ActionOutcome> ActAsync(string scope, ActionRegistration registration, RawJson arguments, bool undo, bool isOrdered = true)
    {
        var (step, release) = await visit.AskAsync(scope, undo ? "undo:" + registration.Name : registration.Name, arguments);
        return await visit.OperateAsync(async () =>
        {
            try
            {
                var record = visit.Record.Action(step);
                var outcome = record?.Outcome;
                if (outcome is null)
                {
                    outcome = record?.Intent is { } intent
                        ? await visit.ActAsync(() => CarryThroughAsync(intent, mayExecute: true))
                        : await BeginAsync(step, registration, arguments, undo, isOrdered);
                }

                visit.Scope(scope).Now = Math.Max(visit.Scope(scope).Now, outcome.At);
                return Outcome(outcome);
            }
            finally
            {
                release();
            }
        });
    }

    /// <summary>Settles what the record shows in doubt, before anything else of the run happens. Gives why the run must be held, if it must.</summary>
    public async Task<Trouble?> SettleAsync(bool mayExecute)
    {
        foreach (var (step, action) in visit.Record.Actions.Where(a => a.Value.IsInDoubt).ToArray())
        {
            try
            {
                var verb = WordOn(step, action);
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
                    await RecordAsync(EntryKinds.ActionVerified, step, intended, null, $"accepted by {visit.Record.Hold!.Value.By}", madeByUs: true, 0);
                }
                else
                {
                    await CarryThroughAsync(action.Intent!, mayExecute);
                }
            }
            catch (ActionInDoubtException e)
            {
                return e.Trouble;
            }
        }

        return null;
    }

    /// <summary>Undoes verified effects that the handler no longer asks for, on an operator's word.</summary>
    public async Task<Trouble?> UndoAsync(IReadOnlyList<ScopedStep> steps)
    {
        foreach (var step in steps)
        {
            if (visit.Record.Action(step) is { Intent: not null, Outcome.Kind: EntryKinds.ActionVerified } action && Body.Read<ActionObserved>(action.Outcome).MadeByUs)
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

    /// <summary>The id of an action: the same for every attempt, another for every step of every run.</summary>
    public static string ActionId(RunId run, int visitNumber, ScopedStep step) =>
        Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes($"{run}\n{visitNumber}\n{step.Scope}\n{step.Step}")).AsSpan(0, 16));

    private async Task<Entry> BeginAsync(ScopedStep step, ActionRegistration registration, RawJson arguments, bool undo, bool isOrdered)
    {
        if (isOrdered)
        {
            visit.HoldIfEffectsAreUnasked(step.Scope);
        }

        var handler = registration.Bind(visit.Services);
        registration.ThrowIfUnfit(handler);
        var canonical = CanonicalJson.Of(arguments.Utf8.Span);
        var (placed, payloads) = Bodies.Place(arguments);
        var intended = new ActionIntended(
            ActionId(visit.Row.Run, visit.Row.Visit, step), registration.Name, placed, Convert.ToHexStringLower(SHA256.HashData(canonical)), handler.TargetClass.ToString(), undo,
            (visit.Record.Action(step)?.Attempts ?? 0) + 1);

        var sighting = await LookAsync(step, handler, arguments.Utf8, Context(intended, visit.Journal.Now), Wanted(undo), mayHaveHappened: false, visit.Closing);
        var (look, looks) = (sighting.Look, sighting.Looks);
        visit.ThrowIfClosed();
        if (sighting.Agreement is { } agreed)
        {
            return await RecordAsync(EntryKinds.ActionVerified, step, intended, "it is so already", look.Proof, madeByUs: false, looks, arguments: placed, payloads: payloads, agreement: agreed);
        }

        if (look.Kind == ObservationKind.Unclear && handler.TargetClass != TargetClass.T4)
        {
            // Nothing has been done: not to know how the target stands is a reason not to touch it.
            return await RecordAsync(EntryKinds.ActionNotApplied, step, intended, $"the target could not be asked: {look.Proof}", null, madeByUs: false, looks, arguments: placed, payloads: payloads);
        }

        var notOurs = undo ? await EffectIsNotOursAsync(registration.Name, intended.ArgumentsHash) : null;
        visit.ThrowIfClosed();
        if (notOurs is { } why)
        {
            return await RecordAsync(EntryKinds.ActionRefused, step, intended, why, look.Proof, madeByUs: false, looks, arguments: placed, payloads: payloads);
        }

        // Closing waits for all of this: an intent on its way is an intent.
        return await visit.ActAsync(async () =>
        {
            var intent = await visit.Journal.AppendAsync(
            [
                visit.Draft(EntryKinds.ActionProbed, step, Body.Write(new ActionObserved(intended.ActionId, intended.Action, null, look.Proof, Undo: undo, Probes: looks)), look.Proof),
                visit.Draft(EntryKinds.ActionIntended, step, Body.Write(intended), undo ? "to be undone" : "to be done", payloads),
            ]);
            return await CarryThroughAsync(intent[^1], mayExecute: true, fresh: true);
        });
    }

    /// <summary>Everything after a durable intent. <paramref name="fresh"/>: this very call wrote it, so that nobody can have executed it.</summary>
    private async Task<Entry> CarryThroughAsync(Entry intent, bool mayExecute, bool fresh = false)
    {
        var step = new ScopedStep(intent.Scope, intent.Step);
        var intended = Body.Read<ActionIntended>(intent);
        var handler = Handler(intended, step);
        var arguments = await visit.Journal.ResolveAsync(intended.Arguments, intent.Seq);
        var wanted = Wanted(intended.Undo);
        var mayHaveHappened = !fresh;
        string? lastError = null;
        for (var attempt = intended.Attempt; ; attempt++)
        {
            var context = Context(intended with { Attempt = attempt }, intent.At);
            var sighting = await LookAsync(step, handler, arguments, context, wanted, mayHaveHappened, visit.Abandoned);
            var (look, looks) = (sighting.Look, sighting.Looks);
            if (sighting.Agreement is { } agreed)
            {
                return await RecordAsync(
                    EntryKinds.ActionVerified, step, intended, mayHaveHappened ? "found so when the target was asked" : "it is so already", look.Proof, mayHaveHappened, looks, agreement: agreed);
            }

            if (look.Kind == ObservationKind.Unclear && (mayHaveHappened || handler.TargetClass != TargetClass.T4))
            {
                throw await InDoubtAsync(step, intended, look.Proof, looks);
            }

            if (mayHaveHappened && sighting.Shown > 0)
            {
                // It has happened, then, and to call the target again would do it twice.
                return await RecordAsync(EntryKinds.ActionDiverged, step, intended, sighting.Divergence(handler.Policy.Verification), look.Proof, madeByUs: false, looks);
            }

            if (!mayExecute || attempt >= intended.Attempt + handler.Policy.Attempts)
            {
                var why = mayExecute ? $"{handler.Policy.Attempts} attempts had no effect: {lastError ?? look.Proof}" : "not done: the run is ending";
                return await RecordAsync(EntryKinds.ActionNotApplied, step, intended, why, look.Proof, madeByUs: false, looks);
            }

            var executed = await ExecuteAsync(handler, arguments, intended.Undo, context, step);
            mayHaveHappened = true;
            lastError = executed.Error;
            if (executed.Error is null)
            {
                return await VerifyAsync(handler, arguments, context, step, intended, wanted);
            }

            await PauseAsync(handler.Policy, attempt - intended.Attempt + 1);
        }
    }

    private async Task<ActionExecuted> ExecuteAsync(BoundHandler handler, ReadOnlyMemory<byte> arguments, bool undo, ActionContext context, ScopedStep step)
    {
        var begun = visit.Engine.Clock.GetTimestamp();
        string? receipt = null;
        string? error = null;
        try
        {
            // Not canceled by the visit's end: a call that has begun is seen through to its limit.
            using var limit = new CancellationTokenSource();
            receipt = await visit.Engine.WithinAsync(
                cancellationToken => undo ? handler.UndoAsync(arguments, context, cancellationToken) : handler.ExecuteAsync(arguments, context, cancellationToken), handler.Policy.ExecuteWithin, limit);
        }
        catch (TimeoutException)
        {
            error = $"no answer within {Durations.Text(handler.Policy.ExecuteWithin)}";
        }
        catch (Exception e)
        {
            error = $"{e.GetType().Name}: {e.Message}";
        }

        var executed = new ActionExecuted(
            context.ActionId, receipt is null ? null : Bodies.Json(receipt), error, (long)visit.Engine.Clock.GetElapsedTime(begun).TotalMicroseconds, context.Attempt, undo);
        await visit.Journal.AppendAsync([visit.Draft(EntryKinds.ActionExecuted, step, Body.Write(executed), error ?? "the target answered", actor: "engine")]);
        return executed;
    }

    private async Task<Entry> VerifyAsync(BoundHandler handler, ReadOnlyMemory<byte> arguments, ActionContext context, ScopedStep step, ActionIntended intended, ObservationKind wanted)
    {
        var sighting = await LookAsync(step, handler, arguments, context, wanted, mayHaveHappened: true, visit.Abandoned, looksMin: handler.Policy.Looks);
        if (sighting.Agreement is { } agreed)
        {
            return await RecordAsync(EntryKinds.ActionVerified, step, intended, null, sighting.Look.Proof, madeByUs: true, sighting.Looks, agreement: agreed);
        }

        return sighting.IsUnclear
            ? throw await InDoubtAsync(step, intended, sighting.Look.Proof, sighting.Looks)
            : await RecordAsync(EntryKinds.ActionDiverged, step, intended, sighting.Divergence(handler.Policy.Verification), sighting.Look.Proof, madeByUs: false, sighting.Looks);
    }

    /// <summary>The operator's word on this action, given after the run was held for it.</summary>
    private ReleaseVerb? WordOn(ScopedStep step, ActionRecord action) =>
        visit.Record.Hold is { Release: { } release } hold && hold.Seq > action.Intent!.Seq && hold.Trouble.Steps?.Contains(step) == true ? release.Verb : null;

    /// <summary>Undoes an action on an operator's word: an effect like any other, so its intent is durable before it.</summary>
    private async Task TakeBackAsync(ScopedStep step, ActionRecord action)
    {
        var intent = action.Intent!;
        var original = Body.Read<ActionIntended>(intent);
        var handler = Handler(original, step, "to be undone", "--undo");
        var arguments = await visit.Journal.ResolveAsync(original.Arguments, intent.Seq);
        var intended = original with { Undo = !original.Undo, Attempt = action.Attempts + 1 };
        var mayHaveHappened = action.TakingBack is { } earlier && visit.Record.Hold!.Value.Seq < earlier.Seq;
        if (action.TakingBack is { } begun)
        {
            intended = Body.Read<ActionIntended>(begun);
        }
        else
        {
            IReadOnlyList<Payload> payloads = original.Arguments.Reference is null ? [] : [Payload.Of(arguments)];
            await visit.Journal.AppendAsync([visit.Draft(EntryKinds.ActionIntended, step, Body.Write(intended), "to be taken back on an operator's word", payloads, actor: "engine")]);
        }

        var context = Context(intended, action.TakingBack!.At);
        var wanted = Wanted(intended.Undo);
        var sighting = await LookAsync(
            step, handler, arguments, context, wanted, mayHaveHappened, visit.Abandoned, verification: action.Outcome is null ? Lasting(handler.Policy.Verification) : handler.Policy.Verification);
        string? error = null;
        if (sighting.IsUnclear && mayHaveHappened)
        {
            // This very undo may have been done before a crash; the operator's word was for one.
            throw await InDoubtAsync(step, intended, sighting.Look.Proof, sighting.Looks);
        }

        if (sighting.Agreement is null)
        {
            error = (await ExecuteAsync(handler, arguments, intended.Undo, context, step)).Error;
            sighting = await LookAsync(step, handler, arguments, context, wanted, mayHaveHappened: true, visit.Abandoned);
        }

        if (sighting.Agreement is null)
        {
            throw await InDoubtAsync(step, intended, $"undoing it failed: {error ?? sighting.Look.Proof}", sighting.Looks);
        }

        await RecordTakenBackAsync(step, action, original, intended, sighting);
    }

    private async Task RecordTakenBackAsync(ScopedStep step, ActionRecord action, ActionIntended original, ActionIntended intended, Sighting sighting)
    {
        const string Why = "undone on an operator's word";
        var (look, looks) = (sighting.Look, sighting.Looks);
        var taken = Observed(EntryKinds.ActionVerified, step, intended, Why, look.Proof, madeByUs: true, looks, agreement: sighting.Agreement);
        await visit.Journal.AppendAsync(action.Outcome is null ? [taken, Observed(EntryKinds.ActionNotApplied, step, original, Why, look.Proof, madeByUs: false, looks)] : [taken]);
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
            await RecordAsync(EntryKinds.ActionNotApplied, step, intended, $"the effect is accepted by {visit.Record.Hold!.Value.By}", null, madeByUs: false, 0);
            return;
        }

        var handler = Handler(intended, step);
        var arguments = await visit.Journal.ResolveAsync(intended.Arguments, taking.Seq);
        var sighting = await LookAsync(step, handler, arguments, Context(intended, taking.At), Wanted(intended.Undo), mayHaveHappened: true, visit.Abandoned);
        if (sighting.IsUnclear)
        {
            throw await InDoubtAsync(step, intended, sighting.Look.Proof, sighting.Looks);
        }

        if (sighting.Agreement is not null)
        {
            await RecordTakenBackAsync(step, action, Body.Read<ActionIntended>(action.Intent!), intended, sighting);
        }
        else
        {
            await RecordAsync(EntryKinds.ActionNotApplied, step, intended, "the undo had no effect, and is no longer asked for", sighting.Look.Proof, madeByUs: false, sighting.Looks);
        }
    }

    /// <summary>
    /// Looks until the policy's verification is satisfied, or cannot be any more. <paramref name="mayHaveHappened"/>: the target has been called, or may have been, so that it is given its time to show it.
    /// </summary>
    private async Task<Sighting> LookAsync(
        ScopedStep step, BoundHandler handler, ReadOnlyMemory<byte> arguments, ActionContext context, ObservationKind wanted, bool mayHaveHappened, CancellationToken abandoned, int looksMin = 1,
        Verification? verification = null)
    {
        var policy = handler.Policy;
        verification ??= policy.Verification;
        if (verification != Verification.Default)
        {
            // It may take its time. A heartbeat records once that it is at work, which is no work done: who dies of looking again and again is found out.
            var now = Microseconds.From(visit.Engine.Clock.GetUtcNow());
            visit.Journal.Note(step, () => visit.Draft(EntryKinds.StepStarted, step, Body.Write(new StepStarted(now)), "looks at the target", actor: "engine"));
        }

        try
        {
            return await new Looking(visit.Engine, policy, arguments, context, abandoned).UntilAgreedAsync(
                mayHaveHappened ? handler.VerifyAsync : handler.ProbeAsync, wanted, verification, mayHaveHappened ? verification.Within : TimeSpan.Zero, looksMin);
        }
        finally
        {
            visit.Journal.Forget(step);
        }
    }

    private Task PauseAsync(ActionPolicy policy, int times) => Task.Delay(policy.Pause * Math.Pow(2, times - 1), visit.Engine.Clock, visit.Abandoned);

    private async Task<Entry> RecordAsync(
        string kind, ScopedStep step, ActionIntended intended, string? reason, string? proof, bool madeByUs, int looks, RawJson? arguments = null, IReadOnlyList<Payload>? payloads = null,
        Agreement? agreement = null) =>
        (await visit.Journal.AppendAsync([Observed(kind, step, intended, reason, proof, madeByUs, looks, arguments, payloads, agreement)]))[0];

    private EntryDraft Observed(
        string kind, ScopedStep step, ActionIntended intended, string? reason, string? proof, bool madeByUs, int looks, RawJson? arguments = null, IReadOnlyList<Payload>? payloads = null,
        Agreement? agreement = null) =>
        visit.Draft(
            kind, step, Body.Write(new ActionObserved(intended.ActionId, intended.Action, reason, proof, madeByUs, intended.Undo, looks, arguments, Agreement: agreement)), reason ?? proof ?? "", payloads, actor: "engine");

    private async Task<ActionInDoubtException> InDoubtAsync(ScopedStep step, ActionIntended intended, string why, int looks)
    {
        await RecordAsync(EntryKinds.ActionUnknown, step, intended, why, null, madeByUs: false, looks);
        var trouble = new Trouble(
            TroubleCodes.ActionInDoubt,
            $"Whether action '{intended.Action}' ({intended.ActionId}) happened is unknown: {why}. Look at the target, then release the run: --retry asks the target again, --accept takes it as done, --undo takes it back.",
            [step]);
        visit.Finish(new VisitEnd(VisitEndKind.Held, trouble));
        return new ActionInDoubtException(trouble);
    }

    /// <summary>
    /// Why an effect that stands is not this run's to undo; null if it is. It is where this run has called the target for it, which it does only after a look that showed it not to
    /// stand, whatever was seen right afterwards; and was not undone since.
    /// </summary>
    private async Task<string?> EffectIsNotOursAsync(string action, string argumentsHash)
    {
        var ours = false;
        var same = new HashSet<string>();
        for (long from = 0; ;)
        {
            var page = await visit.Journal.ReadAsync(from, 1000);
            if (page.Count == 0)
            {
                return ours ? null : "this run did not make the effect; it is left as it is";
            }

            from = page[^1].Seq + 1;
            foreach (var entry in page)
            {
                switch (entry.Kind)
                {
                    case EntryKinds.ActionIntended when Body.Read<ActionIntended>(entry) is var intended && intended.Action == action && intended.ArgumentsHash == argumentsHash:
                        same.Add(intended.ActionId);
                        break;
                    case EntryKinds.ActionExecuted when Body.Read<ActionExecuted>(entry) is { Undo: false } executed && same.Contains(executed.ActionId):
                        ours = true;
                        break;
                    case EntryKinds.ActionVerified when Body.Read<ActionObserved>(entry) is { } seen && same.Contains(seen.ActionId):
                        ours = !seen.Undo && (seen.MadeByUs || ours);
                        break;
                }
            }
        }
    }

    /// <exception cref="ActionInDoubtException">The program has none of that name.</exception>
    private BoundHandler Handler(ActionIntended intended, ScopedStep step, string state = "in doubt", string verb = "--retry") => visit.Engine.Actions.Find(intended.Action)?.Bind(visit.Services) ?? throw new ActionInDoubtException(new Trouble(
        TroubleCodes.ActionUnknown,
        $"Action '{intended.Action}' ({intended.ActionId}) is {state}, and this program has no handler of that name to ask the target. Register it, then: signalbox release {visit.Row.Run} {verb}",
        [step]));

    private ActionContext Context(ActionIntended intended, long at) =>
        new(intended.ActionId, visit.Row.Run, visit.Row.Epoch, intended.Attempt, Microseconds.ToTime(at));

    private static ObservationKind Wanted(bool undo) => undo ? ObservationKind.NotSo : ObservationKind.So;

    private static ActionOutcome Outcome(Entry entry)
    {
        var body = Body.Read<ActionObserved>(entry);
        var status = entry.Kind switch
        {
            EntryKinds.ActionVerified => ActionStatus.Verified,
            EntryKinds.ActionNotApplied => ActionStatus.NotApplied,
            EntryKinds.ActionDiverged => ActionStatus.Diverged,
            _ => ActionStatus.Refused,
        };
        return new ActionOutcome(status, body.ActionId, body.Reason, body.Proof, body.MadeByUs);
    }
}

/// <summary>Only an operator can settle this action now; the visit ends as held.</summary>
internal sealed class ActionInDoubtException(Trouble trouble) : Exception(trouble.Reason)
{
    public Trouble Trouble { get; } = trouble;
}
