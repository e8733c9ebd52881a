using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>
/// Carries actions out: probe, intent, probe, execute, verify. From the intent on, an action is carried through by <see cref="CarryThroughAsync"/> alone, whether the workflow waits for it
/// or a worker finds it in doubt, so both settle it the same way. An undo is the same walk towards the opposite observation.
/// </summary>
internal sealed class ActionRunner
{
    /// <summary>So much of a target's answer goes into a proof; all of it is in the entry of the call.</summary>
    private const int AnswerCharactersMax = 200;

    private readonly VisitEngine _visit;
    private readonly ActionGate _gate;

    public ActionRunner(VisitEngine visit)
    {
        _visit = visit;
        _gate = new ActionGate(visit, this);
    }

    /// <param name="scope">The scope that acts.</param>
    /// <param name="type">The type that the action is registered as.</param>
    /// <param name="action">The action.</param>
    /// <param name="undo">Whether it is to be taken back.</param>
    /// <param name="tier">The tier by whose decision the workflow acts.</param>
    public Task<ActionOutcome> ActAsync(string scope, Type type, object action, bool undo, string? tier = null)
    {
        var registration = _visit.Engine.Actions.Get(type);
        return ActAsync(scope, registration, Written(registration, action), undo, tier);
    }

    /// <summary>The action as it is recorded; what is done later, perhaps by another process, is done by what is read of that.</summary>
    private static RawJson Written(ActionRegistration registration, object action)
    {
        var written = JsonSerializer.SerializeToUtf8Bytes(action, registration.ActionType, SignalboxJson.Options);
        byte[]? again;
        try
        {
            again = JsonSerializer.SerializeToUtf8Bytes(JsonSerializer.Deserialize(written, registration.ActionType, SignalboxJson.Options), registration.ActionType, SignalboxJson.Options);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new ArgumentException($"Action '{registration.Name}' cannot be recorded: what is written of a {registration.ActionType.Name} cannot be read again ({e.Message}). Make it a plain record of its arguments.", nameof(action), e);
        }

        return written.AsSpan().SequenceEqual(again)
            ? new RawJson(written)
            : throw new ArgumentException(
                $"Action '{registration.Name}' cannot be recorded: a {registration.ActionType.Name} is another one after it was written and read again ({Encoding.UTF8.GetString(written)} becomes {Encoding.UTF8.GetString(again)}), so that something else would be done. Make it a plain record of its arguments.",
                nameof(action));
    }

    /// <summary>The same for an action as it was recorded.</summary>
    public async Task<ActionOutcome> ActAsync(string scope, ActionRegistration registration, RawJson arguments, bool undo, string? tier = null) =>
        (await ActAsync(scope, new AskedAction(default, registration, arguments, undo, "workflow:" + _visit.Workflow, tier), isOrdered: true)).Outcome!;

    /// <param name="scope">The scope that acts.</param>
    /// <param name="wanted">The action. With a step it is one that was asked for before and has not come to anything.</param>
    /// <param name="isOrdered">
    /// Whether the scope comes to its actions in one order, so that a new one before one that is recorded shows changed code. The samples of an agent act side by side in one scope; what they leave unasked
    /// holds the transition alone.
    /// </param>
    public async Task<Acted> ActAsync(string scope, AskedAction wanted, bool isOrdered)
    {
        await _visit.Context.EnterAsync();
        var (step, release) = wanted.Step == default
            ? _visit.Ask(scope, wanted.Undo ? "undo:" + wanted.Registration.Name : wanted.Registration.Name, wanted.Arguments)
            : (wanted.Step, static () => { }
        );
        var asked = wanted with { Step = step };
        var (outcome, failed, edit) = await _visit.OperateAsync<(ActionOutcome?, string?, AskedAction?)>(async () =>
        {
            Begun begun;
            try
            {
                begun = await OutcomeAsync(asked, isOrdered);
            }
            catch
            {
                release(); // the author's code may ask again
                throw;
            }

            if (begun.Outcome is null)
            {
                return (null, begun.FailedBy, null);
            }

            release();
            _visit.Consume(scope, begun.Outcome);
            return (Outcome(begun.Outcome), null, await EditAsync(asked));
        });
        if (failed is not null)
        {
            release();
            return new Acted(step, null, failed);
        }

        if (outcome is null)
        {
            // It waits for a person, or for its turn, and is asked again when that has come.
            return await _visit.WaitAsync<Acted>(step, null);
        }

        if (edit is null)
        {
            return new Acted(step, outcome, null);
        }

        var edited = await ActAsync(EditScope(scope, outcome.ActionId), edit, isOrdered: true);
        return new Acted(step, edited.Outcome! with { Edited = edit.Arguments }, null);
    }

    /// <summary>The settled outcome, from the record or by getting there, or that the tier has failed by it; neither while it waits.</summary>
    private async Task<Begun> OutcomeAsync(AskedAction asked, bool isOrdered)
    {
        var record = _visit.Record.Action(asked.Step);
        if (asked.MayRaise && record?.FailedBy(asked.Tier) is { } failed)
        {
            return new Begun(null, failed); // whatever a higher tier has made of it since
        }

        if (record?.Outcome is { } outcome)
        {
            return new Begun(outcome);
        }

        if (record?.Intent is { } intent)
        {
            return new Begun(await _visit.ActAsync(() => CarryThroughAsync(intent, mayExecute: true)));
        }

        if (isOrdered && record is not { IsReopened: true })
        {
            _visit.HoldIfEffectsAreUnasked(asked.Step.Scope);
        }

        return await _gate.BeginAsync(asked);
    }

    /// <summary>What a person proposed instead of what was asked; null if nobody did, or if it is no such action.</summary>
    private async Task<AskedAction?> EditAsync(AskedAction asked)
    {
        if (_visit.Record.Outcome(asked.Step) is not { Kind: EntryKinds.ApprovalAnswered } answer || Body.Read<ApprovalAnswered>(answer) is not { Choice: Storage.OpenApproval.Edit, Edited: { } edited })
        {
            return null;
        }

        var arguments = await _visit.Journal.ResolveAsync(edited, answer.Seq);
        try
        {
            // As the type writes it, so that what was left out or is unknown to it cannot differ from what is shown.
            var handler = asked.Registration.Bind(_visit.Services);
            var action = handler.Read(arguments);
            _ = Storage.ClaimRules.Fit(handler.Claims(arguments), asked.Registration.Name);
            _ = handler.Approval(arguments);
            return new AskedAction(default, asked.Registration, new RawJson(JsonSerializer.SerializeToUtf8Bytes(action, asked.Registration.ActionType, SignalboxJson.Options)), asked.Undo, answer.Actor, Edits: true);
        }
        catch (Exception)
        {
            // The author's code says of arguments that were typed in by hand that they are none, each in its own way.
            return null;
        }
    }

    /// <summary>The scope in which what a person proposed instead of an action is asked for.</summary>
    public static string EditScope(string scope, string actionId) => $"{(scope.Length == 0 ? "" : scope + "/")}edit-{actionId[..8]}";

    /// <summary>The id of an action: the same for every attempt, another for every step of every run.</summary>
    public static string ActionId(RunId run, int visitNumber, ScopedStep step) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{run}\n{visitNumber}\n{step.Scope}\n{step.Step}")).AsSpan(0, 16));

    /// <summary>Everything after a durable intent. <paramref name="fresh"/>: this very call wrote it, so that nobody can have executed it.</summary>
    public async Task<Entry> CarryThroughAsync(Entry intent, bool mayExecute, bool fresh = false)
    {
        var step = new ScopedStep(intent.Scope, intent.Step);
        var intended = Body.Read<ActionIntended>(intent);
        var handler = Handler(intended, step);
        var arguments = await _visit.Journal.ResolveAsync(intended.Arguments, intent.Seq);
        if (_visit.Record.Action(step)?.Answer is { } answer && TrustsAnswer(handler, intended))
        {
            return await RecordUnverifiedAsync(step, intended, Body.Read<ActionExecuted>(answer));
        }

        var wanted = Wanted(intended.Undo);
        var mayHaveHappened = !fresh;
        string? lastError = null;
        for (var attempt = intended.Attempt; ; attempt++)
        {
            var context = Context(intended with { Attempt = attempt }, intent.At);
            var sighting = await LookAsync(step, handler, arguments, context, wanted, mayHaveHappened, _visit.Abandoned);
            var (look, looks) = (sighting.Look, sighting.Looks);
            if (sighting.Agreement is { } agreed)
            {
                return await RecordAsync(
                    EntryKinds.ActionVerified, step, intended, mayHaveHappened ? "found so when the target was asked" : "it is so already", look.Proof, mayHaveHappened, looks, handler.Policy, agreed);
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

            if (mayHaveHappened && handler.Policy.RemembersFor is { } memory && handler.TargetClass == TargetClass.T1 && _visit.Engine.Clock.GetUtcNow() - intent.Time > memory / 2)
            {
                throw await InDoubtAsync(
                    step, intended, $"the target shows nothing ({look.Proof}), and {Durations.Text(memory / 2)} after the intent it may have forgotten that it was called, so that it is not called again", looks);
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
                return TrustsAnswer(handler, intended)
                    ? await RecordUnverifiedAsync(step, intended, executed)
                    : await VerifyAsync(handler, arguments, context, step, intended, wanted);
            }

            await PauseAsync(handler.Policy, attempt - intended.Attempt + 1);
        }
    }

    public async Task<ActionExecuted> ExecuteAsync(BoundHandler handler, ReadOnlyMemory<byte> arguments, bool undo, ActionContext context, ScopedStep step)
    {
        var begun = _visit.Engine.Clock.GetTimestamp();
        string? receipt = null;
        string? error = null;
        try
        {
            // Not canceled by the visit's end: a call that has begun is seen through to its limit.
            using var limit = new CancellationTokenSource();
            receipt = await _visit.Engine.WithinAsync(
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
            context.ActionId, receipt is null ? null : Bodies.Json(receipt), error, (long)_visit.Engine.Clock.GetElapsedTime(begun).TotalMicroseconds, context.Attempt, undo);
        await _visit.Journal.AppendAsync([_visit.Draft(EntryKinds.ActionExecuted, step, Body.Write(executed), error ?? "the target answered", actor: "engine")]);
        return executed;
    }

    private async Task<Entry> VerifyAsync(BoundHandler handler, ReadOnlyMemory<byte> arguments, ActionContext context, ScopedStep step, ActionIntended intended, ObservationKind wanted)
    {
        var sighting = await LookAsync(step, handler, arguments, context, wanted, mayHaveHappened: true, _visit.Abandoned, looksMin: handler.Policy.Looks);
        if (sighting.Agreement is { } agreed)
        {
            return await RecordAsync(EntryKinds.ActionVerified, step, intended, null, sighting.Look.Proof, madeByUs: true, sighting.Looks, handler.Policy, agreed);
        }

        return sighting.IsUnclear
            ? throw await InDoubtAsync(step, intended, sighting.Look.Proof, sighting.Looks)
            : await RecordAsync(EntryKinds.ActionDiverged, step, intended, sighting.Divergence(handler.Policy.Verification), sighting.Look.Proof, madeByUs: false, sighting.Looks);
    }

    /// <summary>Whether an answer is the end of it. A look that can only be unclear is spared then.</summary>
    public static bool TrustsAnswer(BoundHandler handler, ActionIntended intended) =>
        handler.Policy.Blind == BlindRule.TrustAnswer && handler.TargetClass == TargetClass.T4 && intended.TargetClass == nameof(TargetClass.T4);

    public Task<Entry> RecordUnverifiedAsync(ScopedStep step, ActionIntended intended, ActionExecuted executed)
    {
        var answer = executed.Receipt is { IsMissing: false } receipt ? $"'{Texts.Cut(JsonSerializer.Deserialize<string>(receipt.Utf8.Span) ?? "", AnswerCharactersMax)}'" : "without a word";
        return RecordAsync(
            EntryKinds.ActionUnverified, step, intended, "unverified: the target answered, and cannot be asked whether it is so", $"the target answered {answer}; nobody can look whether it is so", madeByUs: false, looks: 0);
    }

    /// <summary>
    /// Looks until the policy's verification is satisfied, or cannot be any more. <paramref name="mayHaveHappened"/>: the target has been called, or may have been, so that it is given its time to show it.
    /// </summary>
    public async Task<Sighting> LookAsync(
        ScopedStep step, BoundHandler handler, ReadOnlyMemory<byte> arguments, ActionContext context, ObservationKind wanted, bool mayHaveHappened, CancellationToken abandoned, int looksMin = 1,
        Verification? verification = null)
    {
        var policy = handler.Policy;
        verification ??= policy.Verification;
        if (verification != Verification.Default)
        {
            // It may take its time. A heartbeat records once that it is at work, which is no work done: who dies of looking again and again is found out.
            var now = Microseconds.From(_visit.Engine.Clock.GetUtcNow());
            _visit.Journal.Note(step, () => _visit.Draft(EntryKinds.StepStarted, step, Body.Write(new StepStarted(now)), "looks at the target", actor: "engine"));
        }

        try
        {
            return await new Looking(_visit.Engine, policy, arguments, context, abandoned).UntilAgreedAsync(
                mayHaveHappened ? handler.VerifyAsync : handler.ProbeAsync, wanted, verification, mayHaveHappened ? verification.Within : TimeSpan.Zero, looksMin);
        }
        finally
        {
            _visit.Journal.Forget(step);
        }
    }

    private Task PauseAsync(ActionPolicy policy, int times) => Task.Delay(policy.Pause * Math.Pow(2, times - 1), _visit.Engine.Clock, _visit.Abandoned);

    public async Task<Entry> RecordAsync(string kind, ScopedStep step, ActionIntended intended, string? reason, string? proof, bool madeByUs, int looks, ActionPolicy? policy = null, Agreement? agreement = null) =>
        (await _visit.Journal.AppendAsync([Observed(kind, step, intended, reason, proof, madeByUs, looks, policy, agreement)])).Entries[0];

    public EntryDraft Observed(string kind, ScopedStep step, ActionIntended intended, string? reason, string? proof, bool madeByUs, int looks, ActionPolicy? policy = null, Agreement? agreement = null) =>
        Observed(step, kind, new ActionObserved(intended.ActionId, intended.Action, reason, proof, madeByUs, intended.Undo, looks, Agreement: agreement), intended, policy, []);

    /// <summary>What became of an action that has no intent, and so must say itself what it was about. <paramref name="joins"/>: its claims stand beside those of who made the effect.</summary>
    public EntryDraft Observed(string kind, ScopedStep step, ActionIntended intended, string? reason, Sighting sighting, IReadOnlyList<Payload> payloads, ActionPolicy policy, bool joins = false) => Observed(
        step, kind,
        new ActionObserved(
            intended.ActionId, intended.Action, reason, sighting.Look.Proof, Undo: intended.Undo, Probes: sighting.Looks, Arguments: intended.Arguments, ArgumentsHash: intended.ArgumentsHash,
            Claims: joins ? intended.Claims : null, Overrules: joins ? intended.Overrules : null, Agreement: kind == EntryKinds.ActionVerified ? sighting.Agreement : null),
        intended, policy, payloads);

    private EntryDraft Observed(ScopedStep step, string kind, ActionObserved observed, ActionIntended intended, ActionPolicy? policy, IReadOnlyList<Payload> payloads)
    {
        var body = (kind, intended.Undo) switch
        {
            (EntryKinds.ActionVerified, false) => observed with { StandsUntil = StandsUntil(intended, policy), Priority = intended.Priority },
            (EntryKinds.ActionVerified, true) => observed with { Releases = intended.Releases },
            _ => observed,
        };
        return _visit.Draft(kind, step, Body.Write(body), observed.Reason ?? observed.Proof ?? "", payloads, actor: "engine");
    }

    /// <summary>Until when what is verified stands; a blind target's effect is over when it has happened.</summary>
    private long? StandsUntil(ActionIntended intended, ActionPolicy? policy) =>
        intended.TargetClass == nameof(TargetClass.T4) ? 0 : policy?.StandsFor is { } time ? Math.Max(_visit.Journal.Now, Microseconds.From(_visit.Engine.Clock.GetUtcNow())) + (long)time.TotalMicroseconds : null;

    public async Task<ActionInDoubtException> InDoubtAsync(ScopedStep step, ActionIntended intended, string why, int looks)
    {
        await RecordAsync(EntryKinds.ActionUnknown, step, intended, why, null, madeByUs: false, looks);
        var trouble = new Trouble(
            TroubleCodes.ActionInDoubt,
            $"Whether action '{intended.Action}' ({intended.ActionId}) happened is unknown: {why}. Look at the target, then release the run: --retry asks the target again, --accept takes it as done, --undo takes it back.",
            [step]);
        _visit.Finish(new VisitEnd(VisitEndKind.Held, trouble));
        return new ActionInDoubtException(trouble);
    }

    /// <exception cref="ActionInDoubtException">The program has none of that name.</exception>
    public BoundHandler Handler(ActionIntended intended, ScopedStep step, string state = "in doubt", string verb = "--retry") => _visit.Engine.Actions.Find(intended.Action)?.Bind(_visit.Services) ?? throw new ActionInDoubtException(new Trouble(
        TroubleCodes.ActionUnknown,
        $"Action '{intended.Action}' ({intended.ActionId}) is {state}, and this program has no handler of that name to ask the target. Register it, then: signalbox release {_visit.Row.Run} {verb}",
        [step]));

    public ActionContext Context(ActionIntended intended, long at) =>
        new(intended.ActionId, _visit.Row.Run, _visit.Row.Epoch, intended.Attempt, Microseconds.ToTime(at));

    public static ObservationKind Wanted(bool undo) => undo ? ObservationKind.NotSo : ObservationKind.So;

    private static ActionOutcome Outcome(Entry entry)
    {
        var body = Body.Read<ActionObserved>(entry);
        var status = entry.Kind switch
        {
            EntryKinds.ActionVerified => ActionStatus.Verified,
            EntryKinds.ActionNotApplied => ActionStatus.NotApplied,
            EntryKinds.ActionDiverged => ActionStatus.Diverged,
            EntryKinds.ActionUnverified => ActionStatus.Unverified,
            _ => ActionStatus.Refused,
        };
        return new ActionOutcome(status, body.ActionId, body.Reason, body.Proof, body.MadeByUs);
    }
}

/// <summary>What came of asking for an action under that step: its outcome, or (where none) why the tier that asked for it has failed.</summary>
internal sealed record Acted(ScopedStep Step, ActionOutcome? Outcome, string? FailedBy);

/// <summary>Only an operator can settle this action now; the visit ends as held.</summary>
internal sealed class ActionInDoubtException(Trouble trouble) : Exception(trouble.Reason)
{
    public Trouble Trouble { get; } = trouble;
}
