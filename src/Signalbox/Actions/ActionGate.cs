using System.Globalization;
using System.Security.Cryptography;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>
/// An action as a step asks for it. <paramref name="Proposer"/> wants it; <paramref name="Edits"/>: its arguments are a person's, so that somebody else must approve them; <paramref name="MayRaise"/>: there is a tier
/// above <paramref name="Tier"/> to raise it to.
/// </summary>
internal sealed record AskedAction(ScopedStep Step, ActionRegistration Registration, RawJson Arguments, bool Undo, string Proposer, string? Tier = null, bool Edits = false, bool MayRaise = false);

/// <summary>How far an action came: its outcome; or why the tier that wants it has failed by that; or (neither) it waits durably.</summary>
internal readonly record struct Begun(Entry? Outcome, string? FailedBy = null);

/// <summary>
/// The way of an action up to its durable intent: look, ask the policies, ask a person, settle conflicts, take the claims. What is in its way is recorded before anybody is asked; what was recorded is not
/// recorded again. Whatever the run waited for, the target is looked at and the policies are asked anew.
/// </summary>
internal sealed class ActionGate(VisitEngine visit, ActionRunner runner)
{
    /// <summary>How often an action is ruled on anew because something came in between.</summary>
    private const int PassesMax = 20;

    /// <summary>How far up it is looked for who has started the run that started the run.</summary>
    private const int ParentsMax = 100;

    private readonly Conflicts _conflicts = new(visit);
    private readonly OwnEffects _effects = new(visit);

    public async Task<Begun> BeginAsync(AskedAction asked)
    {
        var action = await DescribeAsync(asked);
        if (action.Unfit is { } unfit)
        {
            return await EndAsync(action, EntryKinds.ActionRefused, unfit, new Sighting(Observation.Unclear("the target was not asked"), 0, null, 0));
        }

        var look = await runner.LookAsync(
            action.Step, action.Handler, action.Arguments, runner.Context(action.Intended, visit.Journal.Now), ActionRunner.Wanted(asked.Undo), mayHaveHappened: false, visit.Closing);
        visit.ThrowIfClosed();
        if (look.Agreement is not null && !IsRefusedByPerson(action))
        {
            return await JoinAsync(action, look);
        }

        if (look.IsUnclear && action.Handler.TargetClass != TargetClass.T4)
        {
            // Nothing has been done: not to know how the target stands is a reason not to touch it.
            return await EndAsync(action, EntryKinds.ActionNotApplied, $"the target could not be asked: {look.Look.Proof}", look);
        }

        if (asked.Undo && !action.IsOurs)
        {
            return await EndAsync(action, EntryKinds.ActionRefused, "this run did not make the effect; it is left as it is", look);
        }

        return await PassAsync(action, look);
    }

    /// <summary>Everything that may be in the way of an action that is to be done.</summary>
    private async Task<Begun> PassAsync(GatedAction action, Sighting look)
    {
        if (++action.Passes > PassesMax)
        {
            return await EndAsync(action, EntryKinds.ActionRefused, $"what others claim there changed {PassesMax} times while it was about to begin", look);
        }

        var drafts = new List<EntryDraft>();
        var barriers = new Barriers();
        Judge(action, drafts, barriers);
        if (barriers.Refusal is { } refused)
        {
            return await EndAsync(action, EntryKinds.ActionRefused, refused, look, drafts);
        }

        if (barriers.FailedBy is { } failed)
        {
            return await RaiseAsync(drafts, failed);
        }

        var conflicts = await _conflicts.RuleAsync(action, drafts, barriers);
        if (barriers.Refusal is { } overruled)
        {
            return await EndAsync(action, EntryKinds.ActionRefused, overruled, look, drafts, conflicts);
        }

        var answer = visit.Record.Outcome(action.Step);
        if (!barriers.AskAPerson && answer is null && visit.Record.Asked(action.Step) is null)
        {
            return await TakeAsync(action, look, drafts, conflicts, barriers);
        }

        return visit.Record.Asked(action.Step) is { } request
            ? await AfterAskingAsync(action, look, request, answer, drafts, conflicts, barriers)
            : await AskAsync(action, look, drafts, conflicts, barriers);
    }

    private async Task<GatedAction> DescribeAsync(AskedAction asked)
    {
        var handler = asked.Registration.Bind(visit.Services);
        asked.Registration.ThrowIfUnfit(handler);
        var hash = Convert.ToHexStringLower(SHA256.HashData(CanonicalJson.Of(asked.Arguments.Utf8.Span)));
        var (placed, payloads) = Bodies.Place(asked.Arguments);
        var (declared, rule, unfit) = Declared(handler, asked);
        var claims = declared.Count > 0 ? declared : [new Claim(Resource.Of("action", asked.Registration.Name, hash[..32]), "do")];
        var earlier = asked.Undo ? await _effects.FindAsync(asked.Registration.Name, hash) : (Ids: [], IsOurs: false);
        var intended = new ActionIntended(
            ActionRunner.ActionId(visit.Row.Run, visit.Row.Visit, asked.Step), asked.Registration.Name, placed, hash, handler.TargetClass.ToString(), asked.Undo, (visit.Record.Action(asked.Step)?.Attempts ?? 0) + 1, claims,
            Releases: earlier.Ids.Count > 0 ? earlier.Ids : null, Priority: handler.Policy.Priority);
        return new GatedAction(asked, handler, intended, payloads, earlier.IsOurs, rule, unfit);
    }

    /// <summary>Arguments may fit their type and be no action all the same (a text that is no address); a model's often are.</summary>
    private static (IReadOnlyList<Claim> Claims, ApprovalRule? Rule, string? Unfit) Declared(BoundHandler handler, AskedAction asked)
    {
        try
        {
            return (ClaimRules.Fit(handler.Claims(asked.Arguments.Utf8), asked.Registration.Name), asked.Undo ? null : handler.Approval(asked.Arguments.Utf8), null);
        }
        catch (Exception e)
        {
            return ([], null, $"what it touches, or who must approve it, cannot be told ({e.GetType().Name}: {Texts.Cut(e.Message, 500)})");
        }
    }

    /// <summary>It is so already: nothing is done, and its claims stand beside those of who did it.</summary>
    private async Task<Begun> JoinAsync(GatedAction action, Sighting look)
    {
        const string Why = "it is so already";
        if (action.Asked.Undo)
        {
            return await EndAsync(action, EntryKinds.ActionVerified, Why, look);
        }

        if (!HasTurn(action))
        {
            // Whoever takes back or overrules what was seen must not come between the look and the record: the look that counts is one while it is this action's turn.
            return await QueueAsync(action, look, [], [], [], hadTurn: false);
        }

        var drafts = new List<EntryDraft>();
        var barriers = new Barriers();
        Judge(action, drafts, barriers);
        if (barriers.Refusal is { } forbidden)
        {
            // Nothing would be done, but its claim would stand in the way of whoever takes back what must not be.
            return await EndAsync(action, EntryKinds.ActionRefused, forbidden, look, drafts);
        }

        drafts.Clear(); // nobody is asked, and no tier fails, by what is so already
        var also = await _conflicts.RuleAsync(action, drafts, barriers, mayAsk: false);
        if (barriers.Refusal is { } refused)
        {
            // It stands against somebody's wish already, and who wishes it now gives way.
            return await EndAsync(action, EntryKinds.ActionRefused, refused, look, drafts, also);
        }

        visit.ThrowIfClosed();
        var joined = runner.Observed(
            EntryKinds.ActionVerified, action.Step, action.Intended with { Overrules = barriers.Overrules.Count > 0 ? barriers.Overrules : null }, Why, look, action.Payloads, action.Handler.Policy, joins: true);
        var result = await visit.Journal.TryTakeAsync([.. drafts, joined], also);
        return result.Claims switch
        {
            null => new Begun(result.Entries[^1]),
            { Code: ClaimRefusal.Held } held => await QueueAsync(action, look, held.InTheWay, drafts, also, hadTurn: true),
            _ when ++action.Passes > PassesMax => await EndAsync(action, EntryKinds.ActionRefused, "what is against it stands", look, drafts, also),
            _ => await JoinAsync(action, look),
        };
    }

    /// <summary>Asks the policies; each verdict is recorded once.</summary>
    private void Judge(GatedAction action, List<EntryDraft> drafts, Barriers barriers)
    {
        var known = visit.Record.Action(action.Step)?.Verdicts;
        var proposed = new ProposedAction(
            action.Intended.Action, action.Handler.Read(action.Arguments), action.Asked.Undo, action.Asked.Proposer, action.Asked.Tier, visit.Row.Run, visit.Workflow, visit.Row.State, visit.Case,
            visit.Engine.Clock.GetUtcNow(), action.Handler.TargetClass, action.Handler.Reversibility, action.Intended.Claims!);
        var verdicts = visit.Engine.Policies.Judge(proposed);
        var raises = MayRaise(action) && verdicts.All(v => v.Verdict.Kind != PolicyVerdictKind.Refuse);
        foreach (var (policy, verdict) in verdicts)
        {
            var judged = new PolicyJudged(
                action.Intended.ActionId, action.Intended.Action, policy, verdict.Kind.ToString().ToLowerInvariant(), verdict.Reason,
                raises && verdict.Kind == PolicyVerdictKind.Raise ? action.Asked.Tier : null);
            if (known?.Contains(judged) != true)
            {
                drafts.Add(visit.Draft(EntryKinds.PolicyJudged, action.Step, Body.Write(judged), verdict.Reason, actor: "policy:" + policy));
            }

            barriers.Take(policy, verdict, raises);
        }

        if (action.Rule is { } rule)
        {
            barriers.Rules.Add(rule);
            barriers.Why.Add(action.Handler.Reversibility == Reversibility.Irreversible ? "it cannot be undone" : "this kind of action needs approval");
        }

        if (action.Asked.Edits)
        {
            barriers.NeedsApproval = true;
            barriers.Why.Add($"{action.Asked.Proposer} has edited the arguments");
        }
    }

    /// <summary>Whether a policy may send the action to a tier above. Once a person is asked, there is nobody above.</summary>
    private bool MayRaise(GatedAction action) => action.Asked is { MayRaise: true, Tier: not null } && visit.Record.Asked(action.Step) is null;

    /// <summary>The tier that wants it has failed by a verdict, which is on record before anybody hears of it: so it stays, whatever the policies are by then.</summary>
    private async Task<Begun> RaiseAsync(IReadOnlyList<EntryDraft> drafts, string failed)
    {
        visit.ThrowIfClosed();
        await visit.Journal.AppendAsync(drafts);
        return new Begun(null, failed);
    }

    /// <summary>Asks a person, with all of what stands in the way, in one question that is bound to exactly this action.</summary>
    private async Task<Begun> AskAsync(GatedAction action, Sighting look, List<EntryDraft> drafts, List<Commit> also, Barriers barriers)
    {
        var begun = (await visit.Journal.ReadAsync(0, 1))[0];
        var started = Body.Read<RunStarted>(begun);
        var requester = await RequesterAsync(begun);
        if (barriers.Rule() is not { } rule)
        {
            return await EndAsync(action, EntryKinds.ActionRefused, "the rules by which it needs approval have no role in common, so that nobody could give it", look, drafts, also);
        }

        var proposed = new ActionProposed(
            action.Intended.ActionId, action.Intended.Action, action.Intended.Arguments, action.Intended.ArgumentsHash, action.Intended.TargetClass, started.Workflow, started.Version,
            started.Definition.Reference?.Value ?? "", action.Asked.Proposer, requester, action.Asked.Undo, action.Intended.Claims, action.Handler.Reversibility.ToString().ToLowerInvariant(), action.Handler.Policy.Priority);
        string[] barred = [.. new[] { action.Asked.Proposer, requester }.Where(a => a.StartsWith("person:", StringComparison.Ordinal)).Distinct()];
        string[] choices = rule.MayEdit ? [OpenApproval.Approve, OpenApproval.Reject, OpenApproval.Edit] : [OpenApproval.Approve, OpenApproval.Reject];
        var terms = new ApprovalTerms(
            rule.Roles, rule.Quorum, choices, barred.Length > 0 ? barred : null, (long)rule.ValidFor.TotalMicroseconds, OpenApproval.Reject, action.Intended.ActionId, action.Intended.ArgumentsHash);
        var title = $"{(action.Asked.Undo ? "Undo" : "Do")} '{action.Intended.Action}'?";
        string[] before = [.. Passes(action).Except(barriers.Reached, StringComparer.Ordinal)];
        string[] passes = [.. before, .. barriers.Reached];
        barriers.Why.AddRange(before.Select(limit => $"the limit '{limit}' was reached before, which was approved"));
        var request = new ApprovalRequested(
            title, choices, null, visit.Journal.Now + (long)rule.Within.TotalMicroseconds, OpenApproval.Reject, terms, proposed, barriers.Why, passes.Length > 0 ? passes : null);
        visit.ThrowIfClosed();
        await visit.Journal.AppendAsync(
            [
                .. Withdrawn(action),
                Probed(action, look),
                visit.Draft(EntryKinds.ActionProposed, action.Step, Body.Write(proposed), "it needs approval", action.Payloads, actor: action.Asked.Proposer),
                .. drafts,
                visit.Draft(EntryKinds.ApprovalRequested, action.Step, Body.Write(request), string.Join("; ", barriers.Why), action.Payloads),
            ],
            also);
        return default;
    }

    /// <summary>What it has waited for before it is asked about (anew).</summary>
    private IEnumerable<EntryDraft> Withdrawn(GatedAction action)
    {
        const string Why = "a person is to be asked first";
        if (visit.Record.Action(action.Step)?.Queued is not null)
        {
            yield return visit.Draft(EntryKinds.ClaimWithdrawn, action.Step, default, Why, actor: "engine");
        }

        if (visit.Record.Asked(action.Step) is not null)
        {
            yield return visit.Draft(EntryKinds.ApprovalWithdrawn, action.Step, default, Why, actor: "engine");
        }
    }

    /// <summary>It was to join what stood already, and that is gone: it waits for the person alone, and is in nobody's way.</summary>
    private async Task LeaveQueueAsync(GatedAction action, Entry request)
    {
        if (visit.Record.Action(action.Step)?.Queued is not null)
        {
            const string Why = "it is not so any more, and a person is still asked";
            visit.ThrowIfClosed();
            await visit.Journal.AppendAsync(
            [
                visit.Draft(EntryKinds.ClaimWithdrawn, action.Step, default, Why, actor: "engine"),
                visit.Draft(EntryKinds.ActionProposed, action.Step, Body.Write(Body.Read<ApprovalRequested>(request).Action!), Why, action.Payloads, actor: action.Asked.Proposer),
            ]);
        }
    }

    /// <summary>A person who does not want it does not want it to be left standing as wanted either.</summary>
    private bool IsRefusedByPerson(GatedAction action) =>
        visit.Record.Asked(action.Step) is not null && visit.Record.Outcome(action.Step) is { Kind: EntryKinds.ApprovalAnswered } answer && Body.Read<ApprovalAnswered>(answer).Choice != OpenApproval.Approve;

    /// <summary>Who has started the run: of a child, who has started the run that it comes from.</summary>
    private async Task<string> RequesterAsync(Entry started)
    {
        for (var i = 0; i < ParentsMax && Body.Read<RunStarted>(started).Parent is { } parent; i++)
        {
            if (await visit.Engine.Store.ReadAsync(parent, 0, 1, visit.Abandoned) is not [var above])
            {
                break;
            }

            started = above;
        }

        return started.Actor;
    }

    private async Task<Begun> AfterAskingAsync(GatedAction action, Sighting look, Entry request, Entry? answer, List<EntryDraft> drafts, List<Commit> also, Barriers barriers)
    {
        switch (answer?.Kind)
        {
            case null when Body.Read<ApprovalRequested>(request).Due <= visit.Journal.Now:
                return await ExpireAsync(action, look, drafts, also);
            case null:
                await LeaveQueueAsync(action, request);
                return default;
            case EntryKinds.ApprovalExpired:
                return await EndAsync(action, EntryKinds.ActionRefused, "nobody approved it in time", look, drafts, also);
        }

        var said = Body.Read<ApprovalAnswered>(answer);
        switch (said.Choice)
        {
            case OpenApproval.Approve when Revoked(action.Step) is { } revoked:
                return await EndAsync(action, EntryKinds.ActionRefused, revoked, look, drafts, also);
            case OpenApproval.Approve when !Suffices(request, barriers):
                return await AskAsync(action, look, drafts, also, barriers);
            case OpenApproval.Approve:
                foreach (var row in barriers.ByPerson)
                {
                    barriers.Overrules.Add(row.ActionId);
                    _conflicts.AddRuling(action, row, "person", wins: true, $"approved by {answer.Actor}", drafts, also);
                }

                return await TakeAsync(action, look, drafts, also, barriers, request.Seq);
            case OpenApproval.Edit:
                return await EndAsync(action, EntryKinds.ActionRefused, $"{answer.Actor} proposes other arguments instead", look, drafts, also);
            default:
                foreach (var row in barriers.ByPerson)
                {
                    _conflicts.AddRuling(action, row, "person", wins: false, $"rejected by {answer.Actor}", drafts, also);
                }

                return await EndAsync(action, EntryKinds.ActionRefused, $"rejected by {answer.Actor}{(said.Comment is { Length: > 0 } comment ? $": {comment}" : "")}", look, drafts, also);
        }
    }

    /// <summary>Why an approval that was good when it was given is none any more: who gave it has lost the role since. Null if it is still good.</summary>
    private string? Revoked(ScopedStep step)
    {
        if (visit.Engine.Roles is not { } source || visit.Record.Approval(step) is not { } approval)
        {
            return null;
        }

        var voices = approval.Voices.Where(v => v.Choice == OpenApproval.Approve).Select(v => v.Actor).ToArray();
        string[] lost;
        try
        {
            lost = [.. voices.Where(actor => source.RolesOf(actor) is { } roles && !Caller.IsIn(roles, approval.Terms.Roles))];
        }
        catch (StoreRefusedException e)
        {
            return $"whether those who approved it still may cannot be said: {e.Message}";
        }

        return voices.Length - lost.Length >= approval.Terms.Quorum ? null : $"{string.Join(", ", lost)} approved it and has none of the roles any more ({string.Join(", ", approval.Terms.Roles)})";
    }

    /// <summary>Whether those who approved are those who must: the rules may have become stricter since they were asked.</summary>
    private static bool Suffices(Entry request, Barriers barriers)
    {
        var terms = Body.Read<ApprovalRequested>(request).Terms!;
        return barriers.Rules.Count == 0 || (barriers.Rule() is { } rule && rule.Quorum <= terms.Quorum && terms.Roles.All(r => rule.Roles.Contains(r, StringComparer.Ordinal)));
    }

    /// <summary>The limits that whoever approves the action lets pass, because the question says so.</summary>
    private IReadOnlyList<string> Passes(GatedAction action) => visit.Record.Asked(action.Step) is { } request ? Body.Read<ApprovalRequested>(request).Passes ?? [] : [];

    /// <summary>The time is up, unless an answer has come in before this is on record.</summary>
    private async Task<Begun> ExpireAsync(GatedAction action, Sighting look, List<EntryDraft> drafts, List<Commit> also)
    {
        const string Why = "nobody approved it in time";
        var expired = visit.Draft(EntryKinds.ApprovalExpired, action.Step, Body.Write(new ApprovalAnswered(OpenApproval.Reject)), Why, actor: "engine");
        while (visit.Record.Outcome(action.Step) is null)
        {
            visit.ThrowIfClosed();
            if (await visit.Journal.TryAppendAsync([expired, .. drafts, Refused(action, Why, look)], also))
            {
                return new Begun(visit.Record.Action(action.Step)!.Outcome);
            }
        }

        return await BeginAsync(action.Asked);
    }

    /// <summary>Takes the claims and records the intent, in one transaction; then carries it through.</summary>
    private async Task<Begun> TakeAsync(GatedAction action, Sighting look, List<EntryDraft> drafts, List<Commit> also, Barriers barriers, long? approval = null)
    {
        var intended = action.Intended with
        {
            Approval = approval,
            Overrules = barriers.Overrules.Count > 0 ? barriers.Overrules : null,
            Limits = barriers.Limits.Count > 0 ? [.. barriers.Limits.Select(l => approval is not null && Passes(action).Contains(l.Use.Name, StringComparer.Ordinal) ? l.Use with { Max = long.MaxValue } : l.Use)] : null,
        };
        visit.ThrowIfClosed();
        var hadTurn = HasTurn(action);

        // Closing waits for all of this: an intent on its way is an intent.
        return await visit.ActAsync(async () =>
        {
            var result = await visit.Journal.TryTakeAsync(
                [
                    .. drafts,
                    Probed(action, look),
                    visit.Draft(EntryKinds.ActionIntended, action.Step, Body.Write(intended), action.Asked.Undo ? "to be undone" : "to be done", action.Payloads),
                ],
                also);
            return (result.Claims, result.Refusal) switch
            {
                (null, null) => new Begun(await runner.CarryThroughAsync(result.Entries[^1], mayExecute: true, fresh: true)),
                (null, { } refusal) => await EndAsync(action, EntryKinds.ActionRefused, refusal.Why, look),
                ({ Code: ClaimRefusal.Held } held, _) => await QueueAsync(action, look, held.InTheWay, drafts, also, hadTurn),
                ({ Code: ClaimRefusal.CoHeld } coHeld, _) => await LeaveAsync(action, look, coHeld),
                ({ Code: ClaimRefusal.LimitReached } reached, _) => await ReachedAsync(action, look, reached, barriers, drafts, also),

                // Somebody was verified in between: rule on that too.
                _ => await PassAsync(action, look),
            };
        });
    }

    /// <summary>Waits for its turn, for so long and no longer. What it is against meanwhile is on record, and that it waits.</summary>
    private async Task<Begun> QueueAsync(GatedAction action, Sighting look, IReadOnlyList<ClaimRow> inTheWay, List<EntryDraft> drafts, List<Commit> also, bool hadTurn)
    {
        var record = visit.Record.Action(action.Step);
        if (record?.Queued is { } queued)
        {
            if (record.IsFreed && !hadTurn)
            {
                return await BeginAsync(action.Asked); // its turn has come while the refusal was on its way
            }

            if (Body.Read<ClaimQueued>(queued).Due <= visit.Journal.Now)
            {
                var who = inTheWay is [var first, ..] ? $"{first.Claim.Resource} is held by action '{first.Action}' of run {first.Run} since {Microseconds.ToTime(first.At):u}, and" : "it";
                return await EndAsync(action, EntryKinds.ActionRefused, $"{who} was not free within {Durations.Text(action.Handler.Policy.HoldWithin)}", look);
            }

            if (!record.IsFreed)
            {
                return default;
            }
        }

        // What was ruled counts when it is begun; that there is a conflict is so now.
        var raised = drafts.Where(d => d.Kind != EntryKinds.ConflictRuled).ToList();
        var theirs = also.Where(c => c.Entries.All(d => d.Kind != EntryKinds.ConflictRuled)).ToList();
        foreach (var row in inTheWay.Where(r => r.Phase == ClaimPhase.Hold && !r.Undo && action.Intended.Claims!.Any(c => c.Opposes(r.Claim))).DistinctBy(r => r.ActionId))
        {
            if (record?.Conflicts.ContainsKey(row.ActionId) != true && !raised.Exists(d => d.Kind == EntryKinds.ConflictRaised && Body.Read<ConflictRaised>(d).OtherActionId == row.ActionId))
            {
                _conflicts.Raise(action, action.Intended.Claims!.First(c => c.Opposes(row.Claim)), row, raised, theirs);
            }

            _conflicts.AddRuling(action, row, "wait", "waits", "stands", $"'{row.Claim.Intent}' on {row.Claim.Resource} of run {row.Run} is to be settled first", raised, theirs);
        }

        var behind = inTheWay.Select(r => new ClaimHolder(r.Run, r.ActionId, r.Claim.Resource.Name)).Take(20).ToArray();
        var waits = new ClaimQueued(action.Intended.ActionId, action.Intended.Action, action.Intended.Claims!, behind, Due(action), action.Asked.Undo, action.Intended.Priority);
        var why = behind.Length > 0 ? $"waits for {string.Join(", ", behind.Select(b => $"{b.Resource} (run {b.Run})"))}" : "it is so already; nobody is to change that while it is looked at";
        visit.ThrowIfClosed();
        await visit.Journal.AppendAsync([.. raised, visit.Draft(EntryKinds.ClaimQueued, action.Step, Body.Write(waits), why, actor: "engine")], theirs);
        await visit.Journal.RefreshAsync();
        visit.ThrowIfClosed();
        return visit.Record.Action(action.Step) is { IsFreed: true } ? await BeginAsync(action.Asked) : default;
    }

    private bool HasTurn(GatedAction action) => visit.Record.Action(action.Step) is { Queued: not null, IsFreed: true };

    /// <summary>How long it waits: no longer than its approval is good for.</summary>
    private long Due(GatedAction action)
    {
        var due = visit.Journal.Now + (long)action.Handler.Policy.HoldWithin.TotalMicroseconds;
        return visit.Journal.Head.Waits.FirstOrDefault(w => w.Kind == WaitKind.Approved && w.Scope == action.Step.Scope && w.Step == action.Step.Step)?.Due is { } lapses ? Math.Min(due, lapses) : due;
    }

    /// <summary>Others still want the effect: our claim ends, the effect stays.</summary>
    private async Task<Begun> LeaveAsync(GatedAction action, Sighting look, ClaimRefusal coHeld)
    {
        var others = string.Join(", ", coHeld.InTheWay.Select(r => $"run {r.Run}").Distinct().Take(5));
        var paths = action.Intended.Claims!.Select(c => c.Resource.Path).ToHashSet();
        var wanted = coHeld.InTheWay.Select(r => r.Claim.Resource.Path).ToHashSet();
        if (action.Intended.Releases is not { } ids || !paths.SetEquals(wanted))
        {
            // Part of it can be neither taken back alone nor left to others: it goes on standing as ours.
            return await EndAsync(action, EntryKinds.ActionRefused, $"others still want {(paths.IsProperSubsetOf(wanted) ? "it" : "part of it")} ({others}); it is left as it is", look);
        }

        var why = $"others still want it ({others}); it is left as it is";
        var released = visit.Draft(EntryKinds.ClaimReleased, action.Step, Body.Write(new ClaimReleased(ids, CoHeld: true)), why, actor: "engine");
        visit.ThrowIfClosed();
        var result = await visit.Journal.TryTakeAsync([released, Refused(action, why, look)], []);
        return result.Claims is null ? new Begun(result.Entries[^1]) : await PassAsync(action, look);
    }

    private async Task<Begun> ReachedAsync(GatedAction action, Sighting look, ClaimRefusal reached, Barriers barriers, List<EntryDraft> drafts, List<Commit> also)
    {
        // What was ruled counts when it is begun.
        drafts.RemoveAll(d => d.Kind == EntryKinds.ConflictRuled);
        also.RemoveAll(c => c.Entries.Any(d => d.Kind == EntryKinds.ConflictRuled));
        var limit = barriers.Limits.First(l => l.Use.Name == reached.Limit!.Name);
        var uses = limit.Use.Amount == 1 ? "" : string.Create(CultureInfo.InvariantCulture, $", and this one counts {limit.Use.Amount}");
        var why = string.Create(
            CultureInfo.InvariantCulture, $"the limit '{limit.Use.Name}' is reached: {reached.Used} of {limit.Use.Max} are used up in the last {Durations.Text(TimeSpan.FromMicroseconds(limit.Use.Window))}{uses}");
        var raises = limit.WhenReached == PolicyVerdictKind.Raise && MayRaise(action);
        var judged = new PolicyJudged(
            action.Intended.ActionId, action.Intended.Action, limit.Policy, limit.WhenReached.ToString().ToLowerInvariant(), why, raises ? action.Asked.Tier : null);
        EntryDraft[] verdicts =
        [
            .. drafts, visit.Draft(EntryKinds.PolicyJudged, action.Step, Body.Write(judged), why, actor: "policy:" + limit.Policy),
        ];
        if (raises)
        {
            return await RaiseAsync([.. verdicts.Where(d => d.Kind == EntryKinds.PolicyJudged)], $"{limit.Policy}: {why}");
        }

        if (limit.WhenReached == PolicyVerdictKind.Refuse)
        {
            return await EndAsync(action, EntryKinds.ActionRefused, why, look, verdicts, also);
        }

        barriers.Rules.Add(limit.Rule ?? ApprovalRule.Default);
        barriers.Why.Add(why);
        barriers.Reached.Add(limit.Use.Name);
        return await AskAsync(action, look, [.. verdicts], also, barriers);
    }

    private async Task<Begun> EndAsync(GatedAction action, string kind, string why, Sighting look, IReadOnlyList<EntryDraft>? before = null, IReadOnlyList<Commit>? also = null)
    {
        visit.ThrowIfClosed();
        var end = runner.Observed(kind, action.Step, action.Intended, why, look, action.Payloads, action.Handler.Policy);
        return new Begun((await visit.Journal.AppendAsync([.. before ?? [], end], also)).Entries[^1]);
    }

    private EntryDraft Refused(GatedAction action, string why, Sighting look) =>
        runner.Observed(EntryKinds.ActionRefused, action.Step, action.Intended, why, look, action.Payloads, action.Handler.Policy);

    private EntryDraft Probed(GatedAction action, Sighting look) => visit.Draft(
        EntryKinds.ActionProbed, action.Step, Body.Write(new ActionObserved(action.Intended.ActionId, action.Intended.Action, null, look.Look.Proof, Undo: action.Asked.Undo, Probes: look.Looks)), look.Look.Proof);
}
