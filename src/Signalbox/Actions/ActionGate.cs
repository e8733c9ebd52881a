using System.Security.Cryptography;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>An action as a step asks for it. <paramref name="Proposer"/> wants it; <paramref name="Edits"/>: its arguments are a person's, so that somebody else must approve them.</summary>
internal sealed record AskedAction(ScopedStep Step, ActionRegistration Registration, RawJson Arguments, bool Undo, string Proposer, string? Tier = null, bool Edits = false);

/// <summary>How far an action came: its outcome, or (none) it waits durably.</summary>
internal readonly record struct Begun(Entry? Outcome);

/// <summary>
/// The way of an action up to its durable intent: look, ask the policies, ask a person, settle conflicts, take the claims. What is in its way is recorded before anybody is asked; what was recorded is not
/// recorded again. Whatever the run waited for, the target is looked at and the policies are asked anew.
/// </summary>
internal sealed class ActionGate(VisitEngine visit, ActionRunner runner)
{
    public async Task<Begun> BeginAsync(AskedAction asked)
    {
        var action = await DescribeAsync(asked);
        var look = await runner.LookAsync(
            action.Step, action.Handler, action.Arguments, runner.Context(action.Intended, visit.Journal.Now), ActionRunner.Wanted(asked.Undo), mayHaveHappened: false, visit.Closing);
        visit.ThrowIfClosed();
        if (look.Agreement is not null)
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
        var drafts = new List<EntryDraft>();
        var barriers = new Barriers();
        Judge(action, drafts, barriers);
        if (barriers.Refusal is { } refused)
        {
            return await EndAsync(action, EntryKinds.ActionRefused, refused, look, drafts);
        }

        var conflicts = await RuleAsync(action, drafts, barriers);
        if (barriers.Refusal is { } overruled)
        {
            return await EndAsync(action, EntryKinds.ActionRefused, overruled, look, drafts, conflicts);
        }

        var answer = visit.Record.Outcome(action.Step);
        if (barriers.Rules.Count == 0 && answer is null && visit.Record.Asked(action.Step) is null)
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
        var claims = handler.Claims(asked.Arguments.Utf8) is { Count: > 0 } declared ? declared : [new Claim(Resource.Of("action", asked.Registration.Name, hash), "do")];
        var earlier = asked.Undo ? await EffectsAsync(asked.Registration.Name, hash) : (Ids: [], IsOurs: false);
        var intended = new ActionIntended(
            ActionRunner.ActionId(visit.Row.Run, visit.Row.Visit, asked.Step), asked.Registration.Name, placed, hash, handler.TargetClass.ToString(), asked.Undo, (visit.Record.Action(asked.Step)?.Attempts ?? 0) + 1, claims,
            Releases: earlier.Ids.Count > 0 ? earlier.Ids : null, Priority: handler.Policy.Priority);
        return new GatedAction(asked, handler, intended, payloads, earlier.IsOurs);
    }

    /// <summary>What this run has done of that action and not undone: the ids, and whether the effect is ours to take back.</summary>
    private async Task<(IReadOnlyList<string> Ids, bool IsOurs)> EffectsAsync(string name, string hash)
    {
        var (ids, isOurs) = await runner.EffectsAsync(name, hash);
        if (!isOurs && ids.Count > 0)
        {
            // Whoever made it may have left it to us.
            var own = await visit.Engine.Store.ClaimsAsync(new ClaimQuery { Run = visit.Row.Run, Phases = [ClaimPhase.Standing], Limit = 10_000 }, visit.Abandoned);
            isOurs = own.Any(r => r.Made && ids.Contains(r.ActionId, StringComparer.Ordinal));
        }

        return (ids, isOurs);
    }

    /// <summary>It is so already: nothing is done, and its claims stand beside those of who did it.</summary>
    private async Task<Begun> JoinAsync(GatedAction action, Sighting look)
    {
        const string Why = "it is so already";
        if (action.Asked.Undo)
        {
            return await EndAsync(action, EntryKinds.ActionVerified, Why, look);
        }

        var joined = runner.Observed(EntryKinds.ActionVerified, action.Step, action.Intended, Why, look, action.Payloads, action.Handler.Policy, joins: true);
        var result = await visit.Journal.TryTakeAsync([joined], []);
        return result.Claims switch
        {
            null => new Begun(result.Entries[^1]),
            { Code: ClaimRefusal.Held } held => await QueueAsync(action, look, held),

            // It stands against somebody's wish already; whose it is shall be settled as if it were to be done.
            _ => await JoinAgainstAsync(action, look),
        };
    }

    private async Task<Begun> JoinAgainstAsync(GatedAction action, Sighting look)
    {
        var drafts = new List<EntryDraft>();
        var barriers = new Barriers();
        var also = await RuleAsync(action, drafts, barriers, mayAsk: false);
        return await EndAsync(action, EntryKinds.ActionRefused, barriers.Refusal ?? "what is against it stands", look, drafts, also);
    }

    /// <summary>Asks the policies; each verdict is recorded once.</summary>
    private void Judge(GatedAction action, List<EntryDraft> drafts, Barriers barriers)
    {
        var known = visit.Record.Action(action.Step)?.Verdicts;
        var proposed = new ProposedAction(
            action.Intended.Action, action.Handler.Read(action.Arguments), action.Asked.Undo, action.Asked.Proposer, action.Asked.Tier, visit.Row.Run, visit.Workflow, visit.Row.State, visit.Case,
            visit.Engine.Clock.GetUtcNow(), action.Handler.TargetClass, action.Handler.Reversibility, action.Intended.Claims!);
        foreach (var (policy, verdict) in visit.Engine.Policies.Judge(proposed))
        {
            var judged = new PolicyJudged(action.Intended.ActionId, action.Intended.Action, policy, verdict.Kind.ToString().ToLowerInvariant(), verdict.Reason);
            if (known?.Contains(judged) != true)
            {
                drafts.Add(visit.Draft(EntryKinds.PolicyJudged, action.Step, Body.Write(judged), verdict.Reason, actor: "policy:" + policy));
            }

            barriers.Take(policy, verdict);
        }

        if (!action.Asked.Undo && action.Handler.Approval(action.Arguments) is { } rule)
        {
            barriers.Rules.Add(rule);
            barriers.Why.Add(action.Handler.Reversibility == Reversibility.Irreversible ? "it cannot be undone" : "this kind of action needs approval");
        }

        if (action.Asked.Edits)
        {
            barriers.Rules.Add(ApprovalRule.Default);
            barriers.Why.Add($"{action.Asked.Proposer} has edited the arguments");
        }
    }

    /// <summary>Puts conflicts on record, in both runs, and says who gives way. Gives the other runs' side.</summary>
    private async Task<List<Commit>> RuleAsync(GatedAction action, List<EntryDraft> drafts, Barriers barriers, bool mayAsk = true)
    {
        var also = new List<Commit>();
        if (action.Asked.Undo)
        {
            return also;
        }

        var known = visit.Record.Action(action.Step)?.Conflicts ?? [];
        var isAsked = visit.Record.Asked(action.Step) is not null;
        var rows = await visit.Engine.Store.ClaimsAsync(new ClaimQuery { Overlapping = [.. action.Intended.Claims!.Select(c => c.Resource)], Limit = 10_000 }, visit.Abandoned);
        visit.ThrowIfClosed();
        var against = from row in rows
                      where row.ActionId != action.Intended.ActionId && !row.Undo && row.IsLive(visit.Journal.Now)
                      let claim = action.Intended.Claims!.FirstOrDefault(c => c.Opposes(row.Claim))
                      where claim is not null
                      group (Row: row, Claim: claim) by row.ActionId into other
                      select other.OrderByDescending(o => o.Row.Phase).First();
        foreach (var (row, claim) in against.ToArray())
        {
            if (!known.Contains(row.ActionId))
            {
                Raise(action, claim, row, drafts, also);
            }

            if (row.Phase == ClaimPhase.Standing)
            {
                Rule(action, row, drafts, also, barriers, isNew: isAsked && !known.Contains(row.ActionId), mayAsk);
            }
        }

        return also;
    }

    private void Raise(GatedAction action, Claim claim, ClaimRow row, List<EntryDraft> drafts, List<Commit> also)
    {
        var ours = new ConflictRaised(
            action.Intended.ActionId, action.Intended.Action, claim.Resource.Name, claim.Intent, row.Run, row.ActionId, row.Action, row.Claim.Resource.Name, row.Claim.Intent, row.Phase);
        var cause = $"'{claim.Intent}' on {claim.Resource} is against '{row.Claim.Intent}' on {row.Claim.Resource} of run {row.Run}";
        drafts.Add(visit.Draft(EntryKinds.ConflictRaised, action.Step, Body.Write(ours), cause, actor: "engine"));
        if (row.Run != visit.Row.Run)
        {
            var theirs = new ConflictRaised(
                row.ActionId, row.Action, row.Claim.Resource.Name, row.Claim.Intent, visit.Row.Run, action.Intended.ActionId, action.Intended.Action, claim.Resource.Name, claim.Intent, ClaimPhase.Proposal);
            also.Add(Theirs(row, EntryKinds.ConflictRaised, Body.Write(theirs), $"'{claim.Intent}' on {claim.Resource} of run {visit.Row.Run} is against '{row.Claim.Intent}' on {row.Claim.Resource}"));
        }
    }

    private void Rule(GatedAction action, ClaimRow row, List<EntryDraft> drafts, List<Commit> also, Barriers barriers, bool isNew, bool mayAsk)
    {
        var policy = action.Handler.Policy;
        var stands = $"'{row.Claim.Intent}' on {row.Claim.Resource} of run {row.Run} stands";
        var (by, wins, why) = policy.OnConflict switch
        {
            _ when row.Run == visit.Row.Run => ("run", true, "the run itself changes its mind"),
            ConflictRule.Priority => ("priority", policy.Priority > row.Priority, $"priority {policy.Priority} against {row.Priority}"),
            ConflictRule.Yield => ("yield", false, $"{stands}, and this action gives way"),
            _ when !mayAsk => ("yield", false, $"{stands}, and it is so already"),
            _ => ("person", true, "approved by a person"),
        };
        if (by == "person")
        {
            if (isNew)
            {
                barriers.Refusal = $"since a person was asked, another conflict has come up: {stands}";
                return;
            }

            barriers.Rules.Add(ApprovalRule.Default);
            barriers.Why.Add($"{stands}, and would be overruled");
            barriers.ByPerson.Add(row);
            return;
        }

        if (wins)
        {
            barriers.Overrules.Add(row.ActionId);
        }
        else
        {
            barriers.Refusal = by == "priority" ? $"{stands}, and has the priority ({why})" : why;
        }

        AddRuling(action, row, by, wins, why, drafts, also);
    }

    private void AddRuling(GatedAction action, ClaimRow row, string by, bool wins, string why, List<EntryDraft> drafts, List<Commit> also)
    {
        drafts.Add(visit.Draft(
            EntryKinds.ConflictRuled, action.Step, Body.Write(new ConflictRuled(action.Intended.ActionId, row.Run, row.ActionId, by, wins ? "overrules" : "yields", why)), why, actor: "engine"));
        if (row.Run != visit.Row.Run)
        {
            also.Add(Theirs(row, EntryKinds.ConflictRuled, Body.Write(new ConflictRuled(row.ActionId, visit.Row.Run, action.Intended.ActionId, by, wins ? "overruled" : "stands", why)), why));
        }
    }

    private Commit Theirs(ClaimRow row, string kind, ReadOnlyMemory<byte> body, string cause) => new()
    {
        Run = row.Run,
        Entries = [new EntryDraft { Kind = kind, Actor = "run:" + visit.Row.Run, Cause = cause, Body = body }],
    };

    /// <summary>Asks a person, with all of what stands in the way, in one question that is bound to exactly this action.</summary>
    private async Task<Begun> AskAsync(GatedAction action, Sighting look, List<EntryDraft> drafts, List<Commit> also, Barriers barriers)
    {
        var started = Body.Read<RunStarted>((await visit.Journal.ReadAsync(0, 1))[0]);
        var requester = (await visit.Journal.ReadAsync(0, 1))[0].Actor;
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
        var request = new ApprovalRequested(title, choices, null, visit.Journal.Now + (long)rule.Within.TotalMicroseconds, OpenApproval.Reject, terms, proposed, barriers.Why);
        visit.ThrowIfClosed();
        await visit.Journal.AppendAsync(
            [
                .. visit.Record.Action(action.Step)?.Queued is null ? [] : new[] { visit.Draft(EntryKinds.ClaimWithdrawn, action.Step, default, "a person is asked first; meanwhile it is in nobody's way", actor: "engine") },
                Probed(action, look),
                visit.Draft(EntryKinds.ActionProposed, action.Step, Body.Write(proposed), "it needs approval", action.Payloads, actor: action.Asked.Proposer),
                .. drafts,
                visit.Draft(EntryKinds.ApprovalRequested, action.Step, Body.Write(request), string.Join("; ", barriers.Why), action.Payloads),
            ],
            also);
        return default;
    }

    private async Task<Begun> AfterAskingAsync(GatedAction action, Sighting look, Entry request, Entry? answer, List<EntryDraft> drafts, List<Commit> also, Barriers barriers)
    {
        switch (answer?.Kind)
        {
            case null when Body.Read<ApprovalRequested>(request).Due <= visit.Journal.Now:
                return await ExpireAsync(action, look, drafts, also);
            case null:
                return default;
            case EntryKinds.ApprovalExpired:
                return await EndAsync(action, EntryKinds.ActionRefused, "nobody approved it in time", look, drafts, also);
        }

        var said = Body.Read<ApprovalAnswered>(answer);
        switch (said.Choice)
        {
            case OpenApproval.Approve when Revoked(action.Step) is { } revoked:
                return await EndAsync(action, EntryKinds.ActionRefused, revoked, look, drafts, also);
            case OpenApproval.Approve:
                foreach (var row in barriers.ByPerson)
                {
                    barriers.Overrules.Add(row.ActionId);
                    AddRuling(action, row, "person", wins: true, $"approved by {answer.Actor}", drafts, also);
                }

                return await TakeAsync(action, look, drafts, also, barriers, request.Seq);
            case OpenApproval.Edit:
                return await EndAsync(action, EntryKinds.ActionRefused, $"{answer.Actor} proposes other arguments instead", look, drafts, also);
            default:
                foreach (var row in barriers.ByPerson)
                {
                    AddRuling(action, row, "person", wins: false, $"rejected by {answer.Actor}", drafts, also);
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
            Limits = barriers.Limits.Count > 0 ? [.. barriers.Limits.Select(l => l.WhenReached == PolicyVerdictKind.Ask && approval is not null ? l.Use with { Max = long.MaxValue } : l.Use)] : null,
        };
        visit.ThrowIfClosed();

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
                ({ Code: ClaimRefusal.Held } held, _) => await QueueAsync(action, look, held),
                ({ Code: ClaimRefusal.CoHeld } coHeld, _) => await LeaveAsync(action, look, coHeld),
                ({ Code: ClaimRefusal.LimitReached } reached, _) => await ReachedAsync(action, look, reached, barriers),

                // Somebody was verified in between: rule on that too.
                _ => await PassAsync(action, look),
            };
        });
    }

    /// <summary>Waits for its turn, for so long and no longer.</summary>
    private async Task<Begun> QueueAsync(GatedAction action, Sighting look, ClaimRefusal held)
    {
        var record = visit.Record.Action(action.Step);
        if (record?.Queued is { } queued)
        {
            if (Body.Read<ClaimQueued>(queued).Due <= visit.Journal.Now)
            {
                var first = held.InTheWay[0];
                return await EndAsync(
                    action, EntryKinds.ActionRefused,
                    $"{first.Claim.Resource} is held by action '{first.Action}' of run {first.Run} since {Microseconds.ToTime(first.At):u}, and was not free within {Durations.Text(action.Handler.Policy.HoldWithin)}", look);
            }

            if (!record.IsFreed)
            {
                return default;
            }
        }

        var behind = held.InTheWay.Select(r => new ClaimHolder(r.Run, r.ActionId, r.Claim.Resource.Name)).Take(20).ToArray();
        var waits = new ClaimQueued(
            action.Intended.ActionId, action.Intended.Action, action.Intended.Claims!, behind, visit.Journal.Now + (long)action.Handler.Policy.HoldWithin.TotalMicroseconds, action.Asked.Undo, action.Intended.Priority);
        visit.ThrowIfClosed();
        await visit.Journal.AppendAsync(
            [visit.Draft(EntryKinds.ClaimQueued, action.Step, Body.Write(waits), $"waits for {string.Join(", ", behind.Select(b => $"{b.Resource} (run {b.Run})"))}", actor: "engine")]);
        return default;
    }

    /// <summary>Others still want the effect: our claim ends, the effect stays.</summary>
    private async Task<Begun> LeaveAsync(GatedAction action, Sighting look, ClaimRefusal coHeld)
    {
        var others = string.Join(", ", coHeld.InTheWay.Select(r => $"run {r.Run}").Distinct().Take(5));
        var why = $"others still want it ({others}); it is left as it is";
        var paths = action.Intended.Claims!.Select(c => c.Resource.Path).ToHashSet();
        if (action.Intended.Releases is not { } ids || !paths.SetEquals(coHeld.InTheWay.Select(r => r.Claim.Resource.Path)))
        {
            // What others want of it is not all of it, or lies within: it can be left to nobody.
            return await EndAsync(action, EntryKinds.ActionRefused, why, look);
        }

        var released = visit.Draft(EntryKinds.ClaimReleased, action.Step, Body.Write(new ClaimReleased(ids, CoHeld: true)), why, actor: "engine");
        visit.ThrowIfClosed();
        var result = await visit.Journal.TryTakeAsync([released, Refused(action, why, look)], []);
        return result.Claims is null ? new Begun(result.Entries[^1]) : await PassAsync(action, look);
    }

    private async Task<Begun> ReachedAsync(GatedAction action, Sighting look, ClaimRefusal reached, Barriers barriers)
    {
        var limit = barriers.Limits.First(l => l.Use.Name == reached.Limit!.Name);
        var why = $"the limit '{limit.Use.Name}' is reached: {reached.Used} of {limit.Use.Max} are used up in the last {Durations.Text(TimeSpan.FromMicroseconds(limit.Use.Window))}";
        var judged = new PolicyJudged(action.Intended.ActionId, action.Intended.Action, limit.Policy, limit.WhenReached.ToString().ToLowerInvariant(), why);
        var draft = visit.Draft(EntryKinds.PolicyJudged, action.Step, Body.Write(judged), why, actor: "policy:" + limit.Policy);
        if (limit.WhenReached != PolicyVerdictKind.Ask)
        {
            return await EndAsync(action, EntryKinds.ActionRefused, why, look, [draft]);
        }

        barriers.Rules.Add(limit.Rule ?? ApprovalRule.Default);
        barriers.Why.Add(why);
        return await AskAsync(action, look, [draft], [], barriers);
    }

    private async Task<Begun> EndAsync(GatedAction action, string kind, string why, Sighting look, IReadOnlyList<EntryDraft>? before = null, IReadOnlyList<Commit>? also = null)
    {
        visit.ThrowIfClosed();
        var end = runner.Observed(kind, action.Step, action.Intended, why, look, action.Payloads, action.Handler.Policy);
        return new Begun((await visit.Journal.AppendAsync([.. before ?? [], end], also))[^1]);
    }

    private EntryDraft Refused(GatedAction action, string why, Sighting look) =>
        runner.Observed(EntryKinds.ActionRefused, action.Step, action.Intended, why, look, action.Payloads, action.Handler.Policy);

    private EntryDraft Probed(GatedAction action, Sighting look) => visit.Draft(
        EntryKinds.ActionProbed, action.Step, Body.Write(new ActionObserved(action.Intended.ActionId, action.Intended.Action, null, look.Look.Proof, Undo: action.Asked.Undo, Probes: look.Looks)), look.Look.Proof);

    private sealed record GatedAction(AskedAction Asked, BoundHandler Handler, ActionIntended Intended, IReadOnlyList<Payload> Payloads, bool IsOurs)
    {
        public ScopedStep Step => Asked.Step;

        public ReadOnlyMemory<byte> Arguments => Asked.Arguments.Utf8;
    }

    /// <summary>What is in the way of an action.</summary>
    private sealed class Barriers
    {
        public string? Refusal { get; set; }

        public List<ApprovalRule> Rules { get; } = [];

        public List<string> Why { get; } = [];

        public List<string> Overrules { get; } = [];

        public List<ClaimRow> ByPerson { get; } = [];

        public List<(string Policy, LimitUse Use, PolicyVerdictKind WhenReached, ApprovalRule? Rule)> Limits { get; } = [];

        public void Take(string policy, PolicyVerdict verdict)
        {
            if (verdict.Limit is { } limit)
            {
                Limits.Add((policy, limit, verdict.WhenReached, verdict.Rule));
            }

            switch (verdict.Kind)
            {
                case PolicyVerdictKind.Ask:
                    Rules.Add(verdict.Rule ?? ApprovalRule.Default);
                    Why.Add($"{policy}: {verdict.Reason}");
                    break;
                case PolicyVerdictKind.Raise or PolicyVerdictKind.Refuse:
                    Refusal ??= $"{policy}: {verdict.Reason}";
                    break;
            }
        }

        /// <summary>One rule that satisfies them all; null if no role could.</summary>
        public ApprovalRule? Rule()
        {
            var roles = Rules.Select(r => r.Roles.AsEnumerable()).Aggregate((a, b) => a.Intersect(b, StringComparer.Ordinal)).ToArray();
            return roles.Length == 0 ? null : new ApprovalRule
            {
                Roles = roles,
                Quorum = Rules.Max(r => r.Quorum),
                Within = Rules.Min(r => r.Within),
                ValidFor = Rules.Min(r => r.ValidFor),
                MayEdit = Rules.All(r => r.MayEdit),
            };
        }
    }
}
