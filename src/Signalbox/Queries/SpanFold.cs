using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Queries;

/// <summary>
/// Makes spans of the entries of one run, given in order: run > visit > agent > tier > model and tool calls; in a visit, or in an agent that acts, also evidence, reads, actions, questions, waits and children.
/// Holds what is open and nothing else. Pure: the same entries give the same spans, ids included, whoever reads them, and however often.
/// What a span lies in has begun before it and ends no earlier; but a child run, as its parent sees it, outlives the visit that started it, and what still comes of a run that has ended lies in the run's first span.
/// A body that cannot be read costs its span what it would have said.
/// </summary>
internal sealed class SpanFold
{
    private const string ChildEnded = RunEntries.ChildEnded + ":";

    private readonly Dictionary<SpanPlace, OpenSpan> _places = [];
    private readonly Dictionary<string, AskedAgent> _agents = new(StringComparer.Ordinal);
    private readonly List<RunSpan> _closed = [];
    private OpenSpan? _run;
    private OpenSpan? _visit;
    private string _workflow = "";
    private bool _hasBegun;

    /// <summary>The name of the run's workflow, as its first entry tells it.</summary>
    public string Workflow => _workflow;

    /// <summary>The seq of the entry with which the run's visit began, the last one that it has read of.</summary>
    public long VisitSeq { get; private set; }

    /// <summary>Whether the run has ended and nothing is open.</summary>
    public bool IsOver => _hasBegun && _run is null && _places.Count == 0;

    /// <summary>Reads the next entry. Gives the spans that end with it, each before the one that it lies in.</summary>
    public IReadOnlyList<RunSpan> Add(Entry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (!_hasBegun)
        {
            Begin(entry);
        }

        Read(entry);
        if (_closed.Count == 0)
        {
            return [];
        }

        RunSpan[] closed = [.. _closed];
        _closed.Clear();
        return closed;
    }

    /// <summary>The spans that are open, by their start, each after the one that it lies in.</summary>
    public IReadOnlyList<RunSpan> Open()
    {
        var open = new List<RunSpan>();
        List<OpenSpan> roots = [.. _places.Values.Where(s => s.Owner is null)];
        if (_run is not null)
        {
            roots.Add(_run);
        }

        var waiting = new Stack<OpenSpan>(roots.OrderByDescending(s => s.FirstSeq));
        while (waiting.TryPop(out var span))
        {
            open.Add(span.ToSpan(null));
            foreach (var within in span.Within.OrderByDescending(s => s.FirstSeq))
            {
                waiting.Push(within);
            }
        }

        return open;
    }

    /// <summary>The spans by their start, each after the one that it lies in.</summary>
    public static IReadOnlyList<RunSpan> InOrder(IEnumerable<RunSpan> spans) => [.. spans.OrderBy(s => s.StartedAt).ThenBy(s => s.FirstSeq).ThenBy(s => s.Type)];

    private void Begin(Entry entry)
    {
        _hasBegun = true;
        var body = entry.Kind == EntryKinds.RunStarted ? SpanBodies.Read<SpanOfRun>(entry) : null;
        _workflow = body?.Workflow ?? "";
        _run = Start(entry, SpanIds.Root(entry.Run), RunSpanType.Run, _workflow.Length == 0 ? "run" : _workflow, owner: null, parent: null, entry.At);
        _run.Set(SpanAttributes.Workflow, _workflow);
        _run.Set(SpanAttributes.Version, body is null ? null : (long)body.Version);
        _run.Set(SpanAttributes.ParentRun, body?.Parent);
        _run.Set(SpanAttributes.Actor, entry.Actor);
        _run.Set(SpanAttributes.Status, "pending");
    }

    private void Read(Entry entry)
    {
        switch (entry.Kind)
        {
            case EntryKinds.StateEntered:
                Enter(entry, SpanBodies.Read<SpanOfEntry>(entry)?.From);
                break;
            case EntryKinds.RunLeased:
                var lease = SpanBodies.Read<SpanOfLease>(entry);
                Abandon(entry, "worker_lost");
                Stands(entry, "running", (SpanAttributes.Worker, lease?.Worker), (SpanAttributes.Epoch, (long)entry.Epoch), (SpanAttributes.Deaths, lease is { Deaths: > 0 } ? (long)lease.Deaths : null));
                break;
            case EntryKinds.RunReleased or EntryKinds.RunWaiting:
                Abandon(entry, "abandoned");
                Stands(entry, entry.Kind == EntryKinds.RunWaiting ? "waiting" : "pending");
                break;
            case EntryKinds.RunHeld:
                Abandon(entry, "abandoned");
                Unqueue(entry);
                Stands(entry, "held", (SpanAttributes.Code, SpanBodies.Read<SpanOfTrouble>(entry)?.Code));
                break;
            case EntryKinds.RunResumed:
                Stands(entry, "pending", (SpanAttributes.Actor, entry.Actor));
                break;
            case EntryKinds.RunRetried:
                Retry(entry);
                break;
            case EntryKinds.RunCompleted:
                End(entry, "completed", null, null);
                break;
            case EntryKinds.RunFailed:
                var trouble = SpanBodies.Read<SpanOfTrouble>(entry);
                End(entry, "failed", trouble?.Code ?? "failed", trouble?.Reason);
                break;
            case EntryKinds.RunCanceled:
                End(entry, "canceled", null, entry.Cause);
                break;
            case EntryKinds.StepStarted:
                StepOf(entry, SpanBodies.Read<SpanOfStart>(entry)?.StartedAt ?? entry.At, opens: true).Touch(entry);
                break;
            case EntryKinds.BudgetReserved:
                Reserve(entry);
                break;
            case EntryKinds.StepCompleted or EntryKinds.StepFailed or EntryKinds.StepAttemptFailed:
                ReadStep(entry, SpanBodies.Read<SpanOfStep>(entry));
                break;
            case EntryKinds.AgentBegan:
                var asked = new AskedAgent(SpanBodies.Read<SpanOfAgent>(entry)?.Agent ?? LastName(entry.Scope));
                _agents[entry.Scope] = asked;
                OpenAgent(entry, entry.Scope, asked);
                break;
            case EntryKinds.ToolRejected or EntryKinds.AnswerRejected or EntryKinds.DecisionMade or EntryKinds.EscalationRaised:
                ReadAgent(entry);
                break;
            case EntryKinds.DecisionJudged:
                var judged = SpanBodies.Read<SpanOfJudgement>(entry);
                Container(entry, opens: false)?.Tell(entry, (SpanAttributes.Decision, judged?.Decision), (SpanAttributes.Verdict, judged?.Verdict), (SpanAttributes.Actor, entry.Actor));
                break;
            case EntryKinds.WaitOpened or EntryKinds.WaitCompleted or EntryKinds.WaitWithdrawn:
                ReadWait(entry);
                break;
            case EntryKinds.ApprovalRequested or EntryKinds.ApprovalAnswered or EntryKinds.ApprovalExpired or EntryKinds.ApprovalWithdrawn or EntryKinds.ApprovalIgnored:
                ReadApproval(entry);
                break;
            case EntryKinds.ClaimQueued:
                Queue(entry);
                break;
            case EntryKinds.ClaimFreed or EntryKinds.ClaimWithdrawn:
                Close(entry, _places.GetValueOrDefault(Place('q', entry)));
                break;
            case EntryKinds.ConflictRaised or EntryKinds.ConflictRuled or EntryKinds.ClaimReleased:
                var conflict = SpanBodies.Read<SpanOfAction>(entry);
                (_places.GetValueOrDefault(Place('s', entry)) ?? Container(entry, opens: false))?.Tell(entry, (SpanAttributes.ActionId, conflict?.ActionId), (SpanAttributes.Verdict, conflict?.Outcome));
                break;
            case EntryKinds.ActionProbed or EntryKinds.ActionProposed or EntryKinds.PolicyJudged or EntryKinds.ActionIntended or EntryKinds.ActionExecuted or EntryKinds.ActionUnknown
                or EntryKinds.ActionVerified or EntryKinds.ActionNotApplied or EntryKinds.ActionDiverged or EntryKinds.ActionUnverified or EntryKinds.ActionRefused:
                ReadAction(entry, SpanBodies.Read<SpanOfAction>(entry));
                break;
            case EntryKinds.ChildStarted:
                StartChild(entry);
                break;
            case EntryKinds.SignalReceived:
                Receive(entry);
                break;
            case EntryKinds.RunStarted:
                break;
            default: // also a kind of a later program
                Container(entry, opens: false)?.Tell(entry, (SpanAttributes.Actor, entry.Actor));
                break;
        }
    }

    // ── the run and its visits

    private void Enter(Entry entry, string? from)
    {
        Close(entry, _visit);
        _agents.Clear();
        VisitSeq = entry.Seq;
        OpenVisit(entry);
        _visit!.Why = entry.Cause.Length == 0 ? null : entry.Cause;
        _visit.Set(SpanAttributes.From, from);
        _visit.Set(SpanAttributes.Actor, entry.Actor);
    }

    private void OpenVisit(Entry entry) =>
        _visit = Start(entry, SpanIds.Of(entry.Run, "visit", entry.Seq), RunSpanType.Visit, entry.State, _run, _run?.Id ?? SpanIds.Root(entry.Run), entry.At);

    private void Retry(Entry entry)
    {
        if (_run is null)
        {
            _run = Start(entry, SpanIds.Of(entry.Run, "run", entry.Seq), RunSpanType.Run, _workflow.Length == 0 ? "run" : _workflow, owner: null, SpanIds.Root(entry.Run), entry.At);
            _run.Set(SpanAttributes.Workflow, _workflow);
            _run.Set(SpanAttributes.Retry, true);
            _run.Set(SpanAttributes.Actor, entry.Actor);
            if (entry.Visit > 0)
            {
                OpenVisit(entry);
                _visit!.Set(SpanAttributes.Retry, true);
            }
        }

        Stands(entry, "pending", (SpanAttributes.Actor, entry.Actor));
    }

    private void End(Entry entry, string status, string? error, string? why)
    {
        if (_run is { } run)
        {
            run.Set(SpanAttributes.Status, status);
            run.Error = error;
            run.Why = why is "" ? null : why;
            if (error is not null && _visit is { } visit)
            {
                visit.Error = error;
                visit.Why = why ?? visit.Why;
            }

            Close(entry, run);
        }
    }

    private void Stands(Entry entry, string status, params ReadOnlySpan<(string Name, object? Value)> attributes)
    {
        _run?.Set(SpanAttributes.Status, status);
        _run?.Tell(entry, attributes);
    }

    /// <summary>What the worker was at is not going on: it is gone, or has given the run back.</summary>
    private void Abandon(Entry entry, string error)
    {
        foreach (var span in _places.Values.Where(s => s.IsStep).ToList())
        {
            span.Error = error;
            Close(entry, span);
        }
    }

    private void Unqueue(Entry entry)
    {
        foreach (var span in _places.Where(p => p.Key.Slot == 'q').Select(p => p.Value).ToList())
        {
            Close(entry, span);
        }
    }

    // ── steps

    /// <summary>The open span of this entry's step; begun, if it is not.</summary>
    private OpenSpan StepOf(Entry entry, long startedAt, bool opens = false)
    {
        var place = Place('s', entry);
        if (_places.TryGetValue(place, out var open))
        {
            return open;
        }

        var owner = Container(entry, opens);
        var name = StepName(entry.Step);
        var type = owner is not { Type: RunSpanType.Tier } ? RunSpanType.Read : name.StartsWith("turn-", StringComparison.Ordinal) ? RunSpanType.ModelCall : RunSpanType.ToolCall;
        return Start(entry, SpanIds.Of(entry.Run, "step", entry.Seq), type, name, owner, owner?.Id ?? SpanIds.Root(entry.Run), startedAt, place);
    }

    private void Reserve(Entry entry)
    {
        var body = SpanBodies.Read<SpanOfReservation>(entry);
        var step = StepOf(entry, entry.At, opens: true);
        step.Touch(entry);
        step.Type = RunSpanType.ModelCall;
        step.Name = body?.Model ?? step.Name;
        step.Set(SpanAttributes.RequestModel, body?.Model);
        step.Set(SpanAttributes.Agent, body?.Agent);
    }

    private void ReadStep(Entry entry, SpanOfStep? body)
    {
        var begun = entry.At - Math.Clamp(body?.Microseconds ?? 0, 0, entry.At);
        var step = StepOf(entry, begun, opens: body?.Type is not "evidence");
        step.StartedAt = Math.Min(step.StartedAt, Math.Max(begun, step.Owner?.StartedAt ?? begun));
        if (step.IsStep && body is not null)
        {
            Describe(step, StepName(entry.Step), body);
        }

        if (entry.Kind == EntryKinds.StepAttemptFailed)
        {
            step.Tell(entry, (SpanAttributes.Code, body?.Code ?? "failed"), (SpanAttributes.Attempts, (long?)body?.Attempts));
            return;
        }

        if (entry.Kind == EntryKinds.StepFailed)
        {
            step.Error = body?.Code ?? "failed";
            step.Why = body?.Reason ?? entry.Cause;
        }

        step.Touch(entry);
        Close(entry, step);
    }

    private static void Describe(OpenSpan step, string name, SpanOfStep body)
    {
        step.Set(SpanAttributes.Step, name);
        step.Set(SpanAttributes.Attempts, (long)body.Attempts);
        step.Set(SpanAttributes.CachedAge, body.CachedMicroseconds);
        if (body.Settlement is { Spent: { } spent })
        {
            step.Set(SpanAttributes.CostMicros, spent.Micros);
        }

        switch (body.Type)
        {
            case "model":
                step.Type = RunSpanType.ModelCall;
                if (body.Model is { } model)
                {
                    step.Set(SpanAttributes.ResponseModel, model.Model);
                    step.Set(SpanAttributes.FinishReasons, model.FinishReason is { } reason ? new[] { reason } : null);
                    step.Set(SpanAttributes.InputTokens, model.InputTokens);
                    step.Set(SpanAttributes.OutputTokens, model.OutputTokens);
                    step.Set(SpanAttributes.CachedTokens, model.CachedInputTokens);
                    step.Set(SpanAttributes.CacheWriteTokens, model.CacheWriteTokens);
                    step.Set(SpanAttributes.Agent, model.Agent);
                    step.Set(SpanAttributes.Tier, model.Tier);
                    step.Set(SpanAttributes.Turn, model.Turn > 0 ? (long)model.Turn : null);
                    step.Name = step.Name == name ? model.Model ?? name : step.Name;
                }

                break;
            case "tool":
                step.Type = RunSpanType.ToolCall;
                Describe(step, name, body.Tool?.Agent, body.Tool?.Tier, body.Tool?.Turn, body.Tool?.CallId);
                break;
            case "evidence":
                step.Type = RunSpanType.Evidence;
                break;
            default:
                step.Type = RunSpanType.Read;
                break;
        }
    }

    private static void Describe(OpenSpan call, string tool, string? agent, string? tier, int? turn, string? callId)
    {
        call.Set(SpanAttributes.Tool, tool);
        call.Set(SpanAttributes.ToolCallId, callId);
        call.Set(SpanAttributes.Agent, agent);
        call.Set(SpanAttributes.Tier, tier);
        call.Set(SpanAttributes.Turn, turn is > 0 ? (long)turn : null);
    }

    // ── agents

    /// <summary>
    /// What an entry's span lies in: the tier or the agent in whose scope it is, else the visit, else the run; null when all of them have ended. <paramref name="opens"/>: the entry is an agent's own, which shows that
    /// the agent is at work (again).
    /// </summary>
    private OpenSpan? Container(Entry entry, bool opens)
    {
        for (var path = entry.Scope; path.Length > 0 && _agents.Count > 0; path = Above(path))
        {
            if (_agents.TryGetValue(path, out var own))
            {
                if (own.Span is null && opens)
                {
                    OpenAgent(entry, path, own);
                }

                if (own.Span is not null)
                {
                    return own.Span;
                }
            }
            else if (_agents.TryGetValue(Above(path), out var agent))
            {
                if (agent.Tier is not null && agent.TierScope == path)
                {
                    return agent.Tier;
                }

                if (opens)
                {
                    return OpenTier(entry, path, agent);
                }
            }
        }

        return _visit ?? _run;
    }

    private void OpenAgent(Entry entry, string scope, AskedAgent agent)
    {
        // An agent that another one's signal asks lies in that one's tier.
        var owner = Above(scope) is { Length: > 0 } above && Container(entry with { Scope = above }, opens: false) is { } outer ? outer : _visit ?? _run;
        agent.Span = Start(entry, SpanIds.Of(entry.Run, "agent", entry.Seq), RunSpanType.Agent, agent.Name, owner, owner?.Id ?? SpanIds.Root(entry.Run), entry.At);
        agent.Span.Agent = agent;
        agent.Span.Set(SpanAttributes.Agent, agent.Name);
        agent.TierEndedAt = entry.At;
    }

    private OpenSpan OpenTier(Entry entry, string scope, AskedAgent agent)
    {
        if (agent.Span is null)
        {
            OpenAgent(entry, Above(scope), agent);
        }

        Close(entry, agent.Tier);
        var name = LastName(scope);
        agent.TierScope = scope;
        agent.Tier = Start(entry, SpanIds.Of(entry.Run, "tier", entry.Seq), RunSpanType.Tier, name, agent.Span, agent.Span!.Id, agent.TierEndedAt);
        agent.Tier.Agent = agent;
        agent.Tier.Set(SpanAttributes.Agent, agent.Name);
        agent.Tier.Set(SpanAttributes.Tier, name);
        return agent.Tier;
    }

    private void ReadAgent(Entry entry)
    {
        var tier = Container(entry, opens: true);
        var agent = tier is { Type: RunSpanType.Tier } ? tier.Owner : tier is { Type: RunSpanType.Agent } ? tier : null;
        switch (entry.Kind)
        {
            case EntryKinds.ToolRejected:
                var rejected = SpanBodies.Read<SpanOfRejection>(entry);
                var call = Start(entry, SpanIds.Of(entry.Run, "step", entry.Seq), RunSpanType.ToolCall, rejected?.Tool ?? StepName(entry.Step), tier, tier?.Id ?? SpanIds.Root(entry.Run), entry.At);
                Describe(call, call.Name, rejected?.Agent, rejected?.Tier, rejected?.Turn, rejected?.CallId);
                (call.Error, call.Why) = (rejected?.Code ?? "rejected", entry.Cause);
                call.Set(SpanAttributes.Rejection, call.Error);
                Close(entry, call);
                break;
            case EntryKinds.AnswerRejected:
                tier?.Tell(entry, (SpanAttributes.Turn, (long?)SpanBodies.Read<SpanOfRejection>(entry)?.Turn));
                break;
            case EntryKinds.DecisionMade:
                var made = SpanBodies.Read<SpanOfDecision>(entry);
                tier?.Tell(entry, (SpanAttributes.Decision, made?.Decision), (SpanAttributes.DecisionKind, made?.Kind), (SpanAttributes.Confidence, made?.Confidence), (SpanAttributes.Stands, made?.Stands));
                foreach (var span in (ReadOnlySpan<OpenSpan?>)(agent == tier ? [tier] : [tier, agent]))
                {
                    span?.Set(SpanAttributes.Decision, made?.Decision);
                    span?.Set(SpanAttributes.DecisionKind, made?.Kind);
                    span?.Set(SpanAttributes.Confidence, made?.Confidence);
                    span?.Set(SpanAttributes.Stands, made?.Stands);
                    span?.Set(SpanAttributes.Tier, made?.Tier);
                    span?.Set(SpanAttributes.CostMicros, span == tier ? made?.Micros : null);
                }

                if (made?.Stands == true && agent is not null)
                {
                    Close(entry, agent);
                }

                break;
            case EntryKinds.EscalationRaised:
                var raised = SpanBodies.Read<SpanOfEscalation>(entry);
                tier?.Tell(entry, (SpanAttributes.Escalation, raised?.Reason), (SpanAttributes.EscalatedTo, raised?.To));
                if (tier is not { Type: RunSpanType.Tier })
                {
                    break;
                }

                tier.Set(SpanAttributes.Escalation, raised?.Reason);
                tier.Set(SpanAttributes.EscalatedTo, raised?.To);
                tier.Why = entry.Cause.Length == 0 ? null : entry.Cause;
                tier.Error = raised?.Reason is EscalationReasons.RejectedCalls or EscalationReasons.Budget or EscalationReasons.ModelFailure ? raised.Reason : null;
                Close(entry, tier);
                if (raised?.To == Ladder.Person && agent is not null)
                {
                    agent.Set(SpanAttributes.Escalation, raised.Reason);
                    agent.Set(SpanAttributes.EscalatedTo, raised.To);
                    agent.Why = tier.Why;
                    Close(entry, agent);
                }

                break;
        }
    }

    // ── waits, questions, children

    private void ReadWait(Entry entry)
    {
        var place = Place('w', entry);
        if (entry.Kind == EntryKinds.WaitOpened)
        {
            var signal = SpanBodies.Read<SpanOfWait>(entry)?.Signal;
            Close(entry, _places.GetValueOrDefault(place));
            var owner = Container(entry, opens: false);
            var wait = Start(entry, SpanIds.Of(entry.Run, "wait", entry.Seq), RunSpanType.Wait, WaitName(entry, signal), owner, owner?.Id ?? SpanIds.Root(entry.Run), entry.At, place);
            wait.Set(SpanAttributes.Signal, signal);
        }
        else if (_places.TryGetValue(place, out var open))
        {
            open.Set(SpanAttributes.Status, entry.Kind == EntryKinds.WaitCompleted ? "completed" : "withdrawn");
            open.Why = entry.Cause.Length == 0 ? null : entry.Cause;
            Close(entry, open);
        }
    }

    private void ReadApproval(Entry entry)
    {
        var place = Place('w', entry);
        var open = _places.GetValueOrDefault(place);
        switch (entry.Kind)
        {
            case EntryKinds.ApprovalRequested:
                Close(entry, open);
                var body = SpanBodies.Read<SpanOfQuestion>(entry);
                var owner = body?.Action is { } about ? ActionOf(entry, about) : Container(entry, opens: false);
                var question = Start(entry, SpanIds.Of(entry.Run, "approval", entry.Seq), RunSpanType.Approval, body?.Action?.Action ?? StepName(entry.Step), owner, owner?.Id ?? SpanIds.Root(entry.Run), entry.At, place);
                question.Approval = body?.Terms is { Roles: not null, Choices: not null } terms ? new OpenApproval(terms, []) : null;
                question.Why = entry.Cause.Length == 0 ? null : entry.Cause;
                question.Set(SpanAttributes.ActionId, body?.Action?.ActionId);
                break;
            case EntryKinds.ApprovalIgnored:
                (open ?? Container(entry, opens: false))?.Tell(entry, (SpanAttributes.Actor, entry.Actor), (SpanAttributes.Choice, SpanBodies.Read<SpanOfAnswer>(entry)?.Choice));
                break;
            case EntryKinds.ApprovalAnswered when open is not null:
                var choice = SpanBodies.Read<SpanOfAnswer>(entry)?.Choice;
                open.Tell(entry, (SpanAttributes.Actor, entry.Actor), (SpanAttributes.Choice, choice));
                if (choice is not null && open.Approval is { } asked)
                {
                    open.Approval = asked with { Voices = [.. asked.Voices, new Voice(entry.Actor, choice)] };
                    if (!asked.Decides(choice))
                    {
                        break;
                    }
                }

                open.Set(SpanAttributes.Status, "answered");
                open.Set(SpanAttributes.Choice, choice);
                open.Set(SpanAttributes.Actor, entry.Actor);
                Close(entry, open);
                break;
            case EntryKinds.ApprovalExpired or EntryKinds.ApprovalWithdrawn when open is not null:
                open.Set(SpanAttributes.Status, entry.Kind == EntryKinds.ApprovalExpired ? "expired" : "withdrawn");
                open.Set(SpanAttributes.Choice, SpanBodies.Read<SpanOfAnswer>(entry)?.Choice);
                open.Why = entry.Cause.Length == 0 ? open.Why : entry.Cause;
                Close(entry, open);
                break;
        }
    }

    private static string WaitName(Entry entry, string? signal) =>
        signal is null ? StepName(entry.Step) : signal.StartsWith(ChildEnded, StringComparison.Ordinal) ? RunEntries.ChildEnded : signal;

    private void StartChild(Entry entry)
    {
        var body = SpanBodies.Read<SpanOfChild>(entry);
        if (body?.Child is not { Length: > 0 and <= 64 } child || string.IsNullOrWhiteSpace(child))
        {
            return;
        }

        // Whoever started it may leave it to itself: it ends with its own end, at the latest with this run's.
        var parent = Container(entry, opens: false);
        var span = Start(
            entry, SpanIds.Child(entry.Run, new RunId(child)), RunSpanType.Child, body.Workflow ?? "run", _run, parent?.Id ?? SpanIds.Root(entry.Run), entry.At, new SpanPlace('c', "", child));
        span.Set(SpanAttributes.ChildRun, child);
        span.Set(SpanAttributes.Workflow, body.Workflow);
    }

    private void Receive(Entry entry)
    {
        var signal = SpanBodies.Read<SpanOfSignal>(entry)?.Name;
        _run?.Tell(entry, (SpanAttributes.Signal, signal), (SpanAttributes.Actor, entry.Actor));
        if (signal is not null && signal.StartsWith(ChildEnded, StringComparison.Ordinal) && _places.TryGetValue(new SpanPlace('c', "", signal[ChildEnded.Length..]), out var child) && entry.Actor == "run:" + signal[ChildEnded.Length..])
        {
            child.Why = entry.Cause.Length == 0 ? null : entry.Cause;
            Close(entry, child);
        }
    }

    // ── actions

    private OpenSpan ActionOf(Entry entry, SpanOfAction? body)
    {
        var action = StepOf(entry, entry.At);
        if (action.Type != RunSpanType.Action)
        {
            action.Type = RunSpanType.Action;
            action.Name = body?.Action ?? StepName(entry.Step);
            action.Set(SpanAttributes.ActionId, body?.ActionId);
        }

        return action;
    }

    private void Queue(Entry entry)
    {
        var place = Place('q', entry);
        Close(entry, _places.GetValueOrDefault(place));
        var action = ActionOf(entry, SpanBodies.Read<SpanOfAction>(entry));
        action.Tell(entry);
        var wait = Start(entry, SpanIds.Of(entry.Run, "claim", entry.Seq), RunSpanType.Wait, "claim", action, action.Id, entry.At, place);
        wait.Why = entry.Cause.Length == 0 ? null : entry.Cause;
    }

    private void ReadAction(Entry entry, SpanOfAction? body)
    {
        var action = ActionOf(entry, body);
        action.Tell(
            entry, (SpanAttributes.Actor, entry.Actor), (SpanAttributes.Policy, body?.Policy), (SpanAttributes.Verdict, body?.Verdict), (SpanAttributes.Attempts, body is { Attempt: > 0 } ? (long)body.Attempt : null));
        action.Set(SpanAttributes.Undo, body is { Undo: true } ? true : null);
        var status = entry.Kind switch
        {
            EntryKinds.ActionVerified => body is { Undo: true } ? "undone" : "verified",
            EntryKinds.ActionNotApplied => "not_applied",
            EntryKinds.ActionDiverged => "diverged",
            EntryKinds.ActionUnverified => "unverified",
            EntryKinds.ActionRefused => "refused",
            EntryKinds.ActionUnknown => "unknown",
            EntryKinds.ActionIntended => "intended",
            EntryKinds.ActionExecuted => "executed",
            EntryKinds.ActionProposed => "proposed",
            _ => null,
        };
        action.Set(SpanAttributes.ActionStatus, status);
        if (entry.Kind == EntryKinds.ActionIntended)
        {
            Close(entry, _places.GetValueOrDefault(Place('q', entry)));
        }

        if (status is "verified" or "undone" or "not_applied" or "diverged" or "unverified" or "refused" or "unknown")
        {
            action.Why = body?.Reason;
            action.Error = status is "not_applied" or "diverged" or "unknown" ? status : null;
            if (status != "unknown")
            {
                action.Set(SpanAttributes.MadeByUs, status == "verified" ? body?.MadeByUs ?? false : null);
                Close(entry, action);
            }
        }
    }

    // ── opening and closing

    private OpenSpan Start(Entry entry, string id, RunSpanType type, string name, OpenSpan? owner, string? parent, long startedAt, SpanPlace? place = null)
    {
        var span = new OpenSpan(id, type, name, owner, parent, entry, Math.Clamp(startedAt, Math.Min(owner?.StartedAt ?? 0, entry.At), entry.At)) { Place = place };
        span.Enter();
        if (place is { } at)
        {
            _places[at] = span;
        }

        return span;
    }

    private void Close(Entry entry, OpenSpan? span)
    {
        if (span is null)
        {
            return;
        }

        foreach (var within in span.Within.OrderBy(s => s.FirstSeq).ToList())
        {
            within.Error ??= within.IsStep ? "abandoned" : within.Type == RunSpanType.Action ? "unsettled" : null;
            Close(entry, within);
        }

        span.Touch(entry);
        span.Leave();
        if (span.Place is { } place)
        {
            _places.Remove(place);
        }

        Forget(entry, span);
        _closed.Add(span.ToSpan(entry.At));
    }

    private void Forget(Entry entry, OpenSpan span)
    {
        if (span == _run)
        {
            _run = null;
        }
        else if (span == _visit)
        {
            _visit = null;
        }
        else if (span.Agent is { } agent)
        {
            (agent.Span, agent.Tier, agent.TierEndedAt) = (agent.Span == span ? null : agent.Span, null, entry.At);
        }
    }

    private static SpanPlace Place(char slot, Entry entry) => new(slot, entry.Scope, entry.Step);

    /// <summary>The scope around a scope.</summary>
    private static string Above(string scope) => scope.LastIndexOf('/') is >= 0 and var at ? scope[..at] : "";

    /// <summary>The last name in a scope, without its number.</summary>
    private static string LastName(string scope)
    {
        var name = scope[(scope.LastIndexOf('/') + 1)..];
        return name.LastIndexOf('#') is > 0 and var at ? name[..at] : name;
    }

    /// <summary>The name in a step's key.</summary>
    private static string StepName(string step) =>
        step.LastIndexOf('/') is > 0 and var occurrence && step.LastIndexOf('/', occurrence - 1) is > 0 and var arguments ? step[..arguments] : step.Length == 0 ? "step" : step;
}
