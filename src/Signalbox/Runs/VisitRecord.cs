using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>What one action of a visit has come to, as recorded.</summary>
internal sealed class ActionRecord
{
    /// <summary>The intent that stands; null before it, and again when a retry reopens the action.</summary>
    public Entry? Intent { get; set; }

    /// <summary>What the target answered to a call for that intent; null while there is no answer.</summary>
    public Entry? Answer { get; set; }

    /// <summary>How often the target was called, or may have been.</summary>
    public int Attempts { get; set; }

    /// <summary>The settled outcome.</summary>
    public Entry? Outcome { get; set; }

    /// <summary>An operator's word to take the effect back: the intent of that, until it is settled.</summary>
    public Entry? TakingBack { get; set; }

    /// <summary>Whether what would be done is on record.</summary>
    public bool IsProposed { get; set; }

    /// <summary>What policies have said of it.</summary>
    public HashSet<PolicyJudged> Verdicts { get; } = [];

    /// <summary>Why that tier has failed by a policy's verdict; null if it has not.</summary>
    public string? FailedBy(string? tier) => tier is not null && Verdicts.FirstOrDefault(v => v.FailedTier == tier) is { } verdict ? $"{verdict.Policy}: {verdict.Reason}" : null;

    /// <summary>The actions of others that it is in conflict with, and how far they had come when that was recorded.</summary>
    public Dictionary<string, ClaimPhase> Conflicts { get; } = [];

    /// <summary>It waits for holds of others: the entry that says so.</summary>
    public Entry? Queued { get; set; }

    /// <summary>Whether its turn has come.</summary>
    public bool IsFreed { get; set; }

    /// <summary>Whether it had come to nothing, and a retry asks it again: it is no new effect then.</summary>
    public bool IsReopened { get; init; }

    public bool IsInDoubt => (Intent is not null && Outcome is null) || TakingBack is not null;
}

/// <summary>
/// The current visit as its entries tell it: what a handler that is entered anew gets back instead of doing it again. A pure fold.
/// </summary>
internal sealed class VisitRecord
{
    private readonly Dictionary<ScopedStep, Entry> _outcomes = [];
    private readonly Dictionary<ScopedStep, Entry> _asked = [];
    private readonly Dictionary<ScopedStep, int> _failedAttempts = [];
    private readonly Dictionary<ScopedStep, ActionRecord> _actions = [];
    private readonly List<ScopedStep> _effects = [];
    private readonly HashSet<ScopedStep> _settled = [];
    private readonly Dictionary<string, Spending> _spent = [];
    private readonly Dictionary<ScopedStep, OpenApproval> _open = [];

    /// <summary>The entry that began the visit.</summary>
    public Entry? Entered { get; private set; }

    /// <summary>Its body.</summary>
    public StateEntered? Opening { get; private set; }

    /// <summary>How many steps have an outcome.</summary>
    public int Steps => _outcomes.Count;

    /// <summary>What the run was last held for in this visit, and what the operator chose then.</summary>
    public (Trouble Trouble, Release? Release, string? By, long Seq)? Hold { get; private set; }

    /// <summary>The recorded effects (intents, questions, children, signals sent), in order, without those an operator settled.</summary>
    public IEnumerable<ScopedStep> Effects => _effects.Where(e => !_settled.Contains(e));

    public IEnumerable<KeyValuePair<ScopedStep, ActionRecord>> Actions => _actions;

    /// <summary>The recorded outcome of a step (completed or failed), a wait, a question or a message.</summary>
    public Entry? Outcome(ScopedStep step) => _outcomes.GetValueOrDefault(step);

    /// <summary>The open or closed wait or question, as first asked.</summary>
    public Entry? Asked(ScopedStep step) => _asked.GetValueOrDefault(step);

    public int FailedAttempts(ScopedStep step) => _failedAttempts.GetValueOrDefault(step);

    public ActionRecord? Action(ScopedStep step) => _actions.GetValueOrDefault(step);

    /// <summary>What was used up in a scope and the scopes within it, as the run's row counts it.</summary>
    public Spending SpentIn(string scope) => _spent.Where(s => IsWithin(s.Key, scope)).Aggregate(Spending.None, (sum, s) => sum + s.Value);

    /// <summary>Whether a person has answered since then.</summary>
    public bool HasAnswerSince(long seq) => _outcomes.Values.Any(e => e.Kind == EntryKinds.ApprovalAnswered && e.Seq > seq);

    /// <summary>Who has answered a question so far that says who may.</summary>
    public OpenApproval? Approval(ScopedStep step) => _open.GetValueOrDefault(step);

    /// <summary>Whether the turn of an action has come that waits for holds of others.</summary>
    public bool HasTurn => _actions.Values.Any(a => a is { Queued: not null, IsFreed: true, Intent: null, Outcome: null });

    /// <summary>Whether a step that waits need not wait any more: its answer has come, or its turn.</summary>
    public bool HasNews(ScopedStep step) => Action(step) is { Queued: not null } action ? action.IsFreed : Outcome(step) is not null;

    public bool IsSettled(ScopedStep step) => _settled.Contains(step);

    public void Fold(Entry entry)
    {
        var step = new ScopedStep(entry.Scope, entry.Step);
        if (entry.Scope.Length > 0 && Spending.Of(entry) is { IsNone: false } spent)
        {
            _spent[entry.Scope] = _spent.GetValueOrDefault(entry.Scope, Spending.None) + spent;
        }

        switch (entry.Kind)
        {
            case EntryKinds.StateEntered:
                Entered = entry;
                Opening = Body.Read<StateEntered>(entry);
                break;
            case EntryKinds.ApprovalAnswered when _open.GetValueOrDefault(step) is { } open && Body.Read<ApprovalAnswered>(entry).Choice is var choice:
                _open[step] = open with { Voices = [.. open.Voices, new Voice(entry.Actor, choice)] };
                if (open.Decides(choice))
                {
                    _outcomes[step] = entry;
                    if (choice != OpenApproval.Approve && Action(step) is { } refused)
                    {
                        refused.Queued = null;
                    }
                }

                break;
            case EntryKinds.StepCompleted or EntryKinds.StepFailed or EntryKinds.WaitCompleted or EntryKinds.ApprovalAnswered or EntryKinds.ApprovalExpired:
            case EntryKinds.AgentBegan or EntryKinds.ToolRejected or EntryKinds.AnswerRejected or EntryKinds.DecisionMade or EntryKinds.EscalationRaised:
            case EntryKinds.DecisionJudged when entry.Step.Length > 0:
                _outcomes[step] = entry;
                break;
            case EntryKinds.ChildStarted or EntryKinds.SignalSent:
                _outcomes[step] = entry;
                AddEffect(step);
                break;
            case EntryKinds.StepAttemptFailed:
                _failedAttempts[step] = FailedAttempts(step) + 1;
                break;
            case EntryKinds.WaitOpened:
                _asked[step] = entry;
                break;
            case EntryKinds.ApprovalRequested:
                _asked[step] = entry;
                _outcomes.Remove(step);
                if (Body.Read<ApprovalRequested>(entry).Terms is { } terms)
                {
                    _open[step] = new OpenApproval(terms, []);
                }

                AddEffect(step);
                break;
            case EntryKinds.WaitWithdrawn or EntryKinds.ApprovalWithdrawn:
                _asked.Remove(step); // by a failure: a retry asks again
                _outcomes.Remove(step);
                break;
            case EntryKinds.ActionProposed:
                Of(step).IsProposed = true;
                Of(step).Queued = null; // its claims are proposals now
                break;
            case EntryKinds.PolicyJudged:
                Of(step).Verdicts.Add(Body.Read<PolicyJudged>(entry));
                break;
            case EntryKinds.ConflictRaised when entry.Step.Length > 0:
                var raised = Body.Read<ConflictRaised>(entry);
                Of(step).Conflicts[raised.OtherActionId] = raised.OtherPhase;
                break;
            case EntryKinds.ClaimQueued:
                Of(step).Queued = entry;
                Of(step).IsFreed = false;
                break;
            case EntryKinds.ClaimFreed:
                Of(step).IsFreed = true;
                break;
            case EntryKinds.ClaimWithdrawn:
                Of(step).Queued = null;
                break;
            case EntryKinds.ActionIntended:
                Intended(step, entry);
                break;
            case EntryKinds.ActionExecuted when Action(step) is { Intent: not null, TakingBack: null } called && Body.Read<ActionExecuted>(entry).Error is null:
                called.Answer = entry;
                break;
            case EntryKinds.ActionVerified or EntryKinds.ActionNotApplied or EntryKinds.ActionDiverged or EntryKinds.ActionUnverified or EntryKinds.ActionRefused:
                Settled(Of(step), entry);
                break;
            case EntryKinds.ActionSettled:
                _settled.UnionWith(Body.Read<ActionSettled>(entry).Steps);
                break;
            case EntryKinds.RunHeld:
                Hold = (Body.Read<Trouble>(entry), null, null, entry.Seq);
                foreach (var queued in _actions.Values)
                {
                    queued.Queued = null;
                }

                break;
            case EntryKinds.RunResumed when Hold is { } hold:
                Hold = hold with { Release = Body.Read<Release>(entry), By = entry.Actor };
                break;
            case EntryKinds.RunRetried:
                Reopen();
                break;
        }
    }

    private void Intended(ScopedStep step, Entry entry)
    {
        var action = Of(step);
        action.Attempts++;
        if (action.Intent is { } intent && IsOpposite(entry, intent))
        {
            action.TakingBack = entry;
            return;
        }

        action.Intent = entry;
        action.Answer = null;
        AddEffect(step);
    }

    private static void Settled(ActionRecord action, Entry entry)
    {
        if (action.TakingBack is not null && Body.Read<ActionObserved>(entry).Undo == Body.Read<ActionIntended>(action.TakingBack).Undo)
        {
            action.TakingBack = null;
            return;
        }

        action.Outcome = entry;
    }

    private static bool IsOpposite(Entry intent, Entry other) => Body.Read<ActionIntended>(intent).Undo != Body.Read<ActionIntended>(other).Undo;

    /// <summary>Whether one of the tiers of an asking, which are the scopes right below it, has decided for good.</summary>
    private bool Stands(string asked) => _outcomes.Values.Any(e =>
        e.Kind == EntryKinds.DecisionMade && IsWithin(e.Scope, asked) && e.Scope.LastIndexOf('/') == asked.Length && Body.Read<DecisionMade>(e).Stands);

    public static bool IsWithin(string scope, string outer) => scope == outer || scope.StartsWith(outer + "/", StringComparison.Ordinal);

    private void AddEffect(ScopedStep step)
    {
        if (!_effects.Contains(step))
        {
            _effects.Add(step);
        }
    }

    private ActionRecord Of(ScopedStep step)
    {
        if (!_actions.TryGetValue(step, out var action))
        {
            _actions[step] = action = new ActionRecord();
        }

        return action;
    }

    /// <summary>
    /// Successes and effects stay; failures and missing evidence are asked again. What an agent was asked hangs together: where its decision stands, all of it stays, its failures too; where it does
    /// not, the agent is asked anew from its first turn, and only what it did stays done.
    /// </summary>
    private void Reopen()
    {
        var askings = _outcomes.Where(o => o.Value.Kind == EntryKinds.AgentBegan).Select(o => o.Key.Scope).ToLookup(Stands);
        foreach (var step in _outcomes.Keys.Concat(_asked.Keys).Where(s => askings[false].Any(a => IsWithin(s.Scope, a)) && !_effects.Contains(s)).ToArray())
        {
            _outcomes.Remove(step);
            _asked.Remove(step);
            _failedAttempts.Remove(step);
        }

        foreach (var failed in _outcomes.Where(o => o.Value.Kind == EntryKinds.StepFailed && !IsKept(o.Key.Scope)).Select(o => o.Key).ToArray())
        {
            _outcomes.Remove(failed);
            _failedAttempts.Remove(failed);
        }

        foreach (var (step, action) in _actions.Where(a => a.Value is { Intent: null, Outcome: null } or { Outcome.Kind: EntryKinds.ActionNotApplied or EntryKinds.ActionDiverged or EntryKinds.ActionRefused }).ToArray())
        {
            if (!IsKept(step.Scope) && !HasEdit(step, action))
            {
                _actions[step] = new ActionRecord { Attempts = action.Attempts, IsReopened = true };
                _asked.Remove(step);
                _outcomes.Remove(step);
            }
        }

        // What a person proposed instead is what is asked again, not what it replaced.
        bool HasEdit(ScopedStep step, ActionRecord action) =>
            Outcome(step) is { Kind: EntryKinds.ApprovalAnswered } answer && Body.Read<ApprovalAnswered>(answer).Choice == OpenApproval.Edit
            && _actions.Keys.Any(a => a.Scope == ActionRunner.EditScope(step.Scope, Body.Read<ActionObserved>(action.Outcome!).ActionId));

        bool IsKept(string scope) => askings[true].Any(a => IsWithin(scope, a));
    }
}
