using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>
/// I3: one run's entries, folded through its definition, are all allowed where they stand. After a violation the fold goes on from what the
/// journal says, so that one fault is told once.
/// </summary>
internal sealed class RunFold(Findings findings, Definition definition, Payloads payloads, Limit? limit)
{
    private readonly Waits _waits = new(findings);
    private readonly Agents _agents = new(findings, definition, payloads);
    private readonly Budget _budget = new(findings, limit);
    private readonly Dictionary<(string Scope, string Step), Result> _results = [];
    private Status _status = Status.Pending;
    private string _state = "";
    private long _visit;
    private string _endedBy = "";
    private bool _reachedItsEnd, _abandoned, _cancelRequested, _enteredForCancel;

    /// <summary>What the run's agents have used up, as its entries say.</summary>
    public Usage Used => _budget.Used;

    /// <summary>Takes every entry after the first.</summary>
    public void Take(Entry entry)
    {
        if (Kinds.Find(entry.Kind) is not { } rule)
        {
            findings.Add("I3", entry, "a declared kind", $"'{entry.Kind}'");
            return;
        }

        if (_status is Status.Completed or Status.Canceled && entry.Kind != "decision.judged")
        {
            if ((rule.While & _status) == 0)
            {
                findings.Add("I3", entry, $"nothing that drives the run after '{_endedBy}'", $"'{entry.Kind}'");
            }

            return;
        }

        CheckPlace(entry, rule);
        CheckStatus(entry, rule);
        if (rule.HasStep && entry.Step.Length == 0)
        {
            findings.Add("I3", entry, $"a step key with '{entry.Kind}'", "none");
        }

        try
        {
            using var document = rule.ReadsBody || IsOfAnAgent(entry) ? Body.Parse(entry) : null;
            Apply(entry, document is null ? default : new Body(document.RootElement));
        }
        catch (BodyFaultException e)
        {
            findings.Add("I3", entry, e.Expected, e.Got);
        }
    }

    private void CheckPlace(Entry entry, KindRule rule)
    {
        var isCurrent = entry.State == _state && entry.Visit == _visit;
        var isNone = entry.State.Length == 0 && entry.Visit == 0;
        var fits = rule.Place switch
        {
            Place.Current => isCurrent && _visit > 0,
            Place.CurrentOrNone => isCurrent || isNone,
            _ => entry.Kind != "approval.ignored" || entry.Visit <= _visit, // it may be about a question of long ago
        };
        if (!fits)
        {
            findings.Add("I3", entry, $"'{entry.Kind}' in {(_visit == 0 ? "a visit" : $"'{_state}' visit {_visit}")}", $"'{entry.State}' visit {entry.Visit}");
        }
    }

    private void CheckStatus(Entry entry, KindRule rule)
    {
        var first = entry.Kind == "state.entered" && _visit == 0;
        var abandons = _abandoned && entry.Kind is "wait.withdrawn" or "approval.withdrawn" or "claim.withdrawn" or "run.failed";
        if ((rule.While & _status) == 0 && !(first && _status == Status.Pending) && !(abandons && _status == Status.Pending))
        {
            findings.Add("I3", entry, rule.While == Status.None ? $"'{entry.Kind}' as the first entry alone" : $"'{entry.Kind}' of a run that is {rule.While.ToString().Replace(", ", " or ", StringComparison.Ordinal)}", $"one that is {_status}");
        }
    }

    private void Apply(Entry entry, Body body)
    {
        switch (entry.Kind)
        {
            case "run.leased": Lease(entry, body); break;
            case "run.waiting": Park(entry); break;
            case "run.released": _status = Status.Pending; break;
            case "run.held": Hold(body); break;
            case "claim.queued": _waits.Queue(entry, body); break;
            case "claim.freed": Wake(); break;
            case "run.resumed": Resume(body); break;
            case "run.failed": Fail(entry, body); break;
            case "run.retried": Retry(entry); break;
            case "run.completed": End(entry, Status.Completed); break;
            case "run.canceled": End(entry, Status.Canceled); break;
            case "cancel.requested": Cancel(entry); break;
            case "state.entered": Enter(entry, body); break;
            case "step.completed": Record(entry, completed: true); break;
            case "step.failed": Record(entry, completed: false); break;
            case "agent.began": Begin(entry, body); break;
            case "budget.reserved": Reserve(entry, body); break;
            case "tool.rejected": Reject(entry, body, _agents.ToolRejected); break;
            case "answer.rejected": Reject(entry, body, _agents.AnswerRejected); break;
            case "decision.made": _agents.Decided(entry, body); break;
            case "decision.judged": _agents.Judged(entry, body); break;
            case "escalation.raised": Escalate(entry, body); break;
            case "wait.opened" or "approval.requested": _waits.Open(entry, body); break;
            case "wait.completed": _waits.Complete(entry, body); break;
            case "wait.withdrawn" or "approval.withdrawn" or "claim.withdrawn": _waits.Withdraw(entry); break;
            case "action.intended" or "action.verified" or "action.not_applied" or "action.diverged" or "action.unverified" or "action.refused": _waits.Act(entry); break;
            case "approval.answered": Answer(entry, body); break;
            case "approval.expired": _waits.Answer(entry, body); break;
            case "signal.received": Receive(entry, body); break;
        }

        if (IsOfAnAgent(entry))
        {
            _agents.Step(entry, body);
            _budget.Settle(entry, body, paid: body.Object("model")?.OptionalText("agent") is not null);
        }
        else if (entry.Kind.StartsWith("action.", StringComparison.Ordinal) && entry.Kind != "action.settled")
        {
            _agents.Act(entry);
        }
    }

    /// <summary>Spares most steps the parsing: what is of a model or a tool says so.</summary>
    private static bool IsOfAnAgent(Entry entry) => entry.Kind is "step.completed" or "step.failed" or "step.attempt_failed"
        && (entry.Body.Span.IndexOf("\"model\""u8) >= 0 || entry.Body.Span.IndexOf("\"tool\""u8) >= 0 || entry.Body.Span.IndexOf("\"settlement\""u8) >= 0);

    private void Begin(Entry entry, Body body)
    {
        _agents.Began(entry, body);
        _budget.See(entry.Scope, entry);
    }

    private void Reserve(Entry entry, Body body)
    {
        if (_results.TryGetValue((entry.Scope, entry.Step), out var result))
        {
            findings.Add("I3", entry, $"no call of '{entry.Step}' after its result of seq {result.Seq}", "a reservation for one");
        }

        _agents.Reserved(entry, body);
        _budget.Reserve(entry, body);
    }

    private void Reject(Entry entry, Body body, Action<Entry, Body> check)
    {
        check(entry, body);
        _budget.Reject(entry);
    }

    private void Escalate(Entry entry, Body body)
    {
        _agents.Escalated(entry, body);
        if (entry.Scope.LastIndexOf('/') is > 0 and var end)
        {
            _budget.See(entry.Scope[..end], entry); // the next tier begins where this one ended
        }
    }

    private void Lease(Entry entry, Body body)
    {
        if (_status == Status.Waiting && (_waits.FirstDue ?? long.MaxValue) > entry.At)
        {
            findings.Add("I3", entry, "a waiting run to be leased when its time has come", _waits.FirstDue is { } due ? $"{entry.At}, and its first time is {due}" : "one that waits for no time");
        }

        if (entry.Actor != "worker:" + body.Text("worker"))
        {
            findings.Add("I2", entry, $"the lease of '{body.Text("worker")}' to be written by it", $"'{entry.Actor}'");
        }

        _status = Status.Running;
        _abandoned = false;
        _budget.Lease(entry);
    }

    private void Park(Entry entry)
    {
        if (_waits.IsEmpty)
        {
            findings.Add("I3", entry, "an open wait when the run is parked", "none");
        }

        if (_waits.SignalThere is { } signal)
        {
            findings.Add("I3", entry, $"no parking while the signal '{signal}' lies in the mailbox", "a lost wake-up");
        }

        if (_cancelRequested && !_enteredForCancel && _state != definition.OnCancel)
        {
            findings.Add("I3", entry, "no parking after cancel.requested", "a run that nothing ends");
        }

        _status = Status.Waiting;
    }

    private void Hold(Body body)
    {
        _status = Status.Held;
        _waits.LeaveQueues();
        _ = body.Text("code");
        _ = body.Text("reason");
    }

    private void Resume(Body body)
    {
        _status = Status.Pending;
        _abandoned = body.Text("verb") == "abandon";
    }

    private void Fail(Entry entry, Body body)
    {
        _waits.EndVisit(entry);
        _status = Status.Failed;
        _abandoned = false;
        _reachedItsEnd = body.Text("code") == "ended_without_success";
        if (_reachedItsEnd && EndOf(_state) != "failure")
        {
            findings.Add("I3", entry, "ended_without_success only in an end declared a failure", Describe(_state));
        }
    }

    private void Retry(Entry entry)
    {
        if (_reachedItsEnd)
        {
            findings.Add("I3", entry, $"no retry of a run that reached the end '{_state}'", "one");
        }

        var (beginsAnew, stays) = _agents.Reopen();
        foreach (var failed in _results.Where(r => beginsAnew(r.Key.Scope) || (!r.Value.Completed && !stays(r.Key.Scope))).Select(r => r.Key).ToArray())
        {
            _results.Remove(failed);
        }

        _waits.Reopen();
        _status = Status.Pending;
    }

    private void End(Entry entry, Status status)
    {
        _waits.EndVisit(entry);
        if (status == Status.Completed && EndOf(_state) != "success")
        {
            findings.Add("I3", entry, "run.completed only in an end declared a success", Describe(_state));
        }

        if (status == Status.Canceled && !_cancelRequested)
        {
            findings.Add("I3", entry, "a cancel.requested before run.canceled", "none");
        }

        if (status == Status.Canceled && definition.OnCancel is { } state && !_enteredForCancel && _state != state)
        {
            findings.Add("I3", entry, $"the state '{state}', which the definition declares for it, before run.canceled", Describe(_state));
        }

        _status = status;
        _endedBy = entry.Kind;
        _results.Clear();
        _results.TrimExcess(); // most runs of a long history have ended
    }

    private void Cancel(Entry entry)
    {
        if (_cancelRequested)
        {
            findings.Add("I3", entry, "one cancel.requested", "a second one");
        }

        _cancelRequested = true;
        _status = _status is Status.Waiting or Status.Held ? Status.Pending : _status;
    }

    private void Enter(Entry entry, Body body)
    {
        var from = body.OptionalText("from");
        if ((from ?? "") != _state)
        {
            findings.Add("I3", entry, _visit == 0 ? "no state before the first" : $"a transition from '{_state}'", $"one from '{from}'");
        }

        if (entry.Visit != _visit + 1)
        {
            findings.Add("I3", entry, $"visit {_visit + 1}", $"{entry.Visit}");
        }

        if (_visit == 0)
        {
            if (entry.State != definition.Start)
            {
                findings.Add("I3", entry, $"the start state '{definition.Start}'", $"'{entry.State}'");
            }
        }
        else if (_cancelRequested && !_enteredForCancel && entry.State == definition.OnCancel)
        {
            _enteredForCancel = true;
        }
        else if (definition.States.GetValueOrDefault(_state)?.To is var to && to?.Contains(entry.State, StringComparer.Ordinal) != true)
        {
            findings.Add("I3", entry, $"a transition that '{_state}' declares ({(to is null or [] ? "none" : string.Join(", ", to))})", $"'{entry.State}'");
        }

        if (!_cancelRequested)
        {
            _agents.EndVisit(entry);
        }

        _waits.EndVisit(entry);
        _waits.BeginVisit();
        _agents.BeginVisit();
        _budget.BeginVisit();
        _results.Clear();
        (_state, _visit) = (entry.State, entry.Visit);
    }

    private void Record(Entry entry, bool completed)
    {
        if (!_results.TryAdd((entry.Scope, entry.Step), new(completed, entry.Seq)))
        {
            var first = _results[(entry.Scope, entry.Step)];
            findings.Add("I3", entry, $"one result of '{entry.Step}' in visit {entry.Visit}", $"{entry.Kind} after the {(first.Completed ? "step.completed" : "step.failed")} of seq {first.Seq}");
        }
    }

    private void Answer(Entry entry, Body body)
    {
        if (_waits.Answer(entry, body))
        {
            Wake();
        }
    }

    private void Wake() => _status = _status == Status.Waiting ? Status.Pending : _status;

    private void Receive(Entry entry, Body body)
    {
        _waits.Receive(entry, body);
        _status = _status == Status.Waiting && _waits.Wants(body.Text("name")) ? Status.Pending : _status;
    }

    private string? EndOf(string state) => definition.States.GetValueOrDefault(state)?.End;

    private string Describe(string state) => EndOf(state) is { } end ? $"'{state}', which is a {end}" : $"'{state}', which is no end";

    private readonly record struct Result(bool Completed, long Seq);
}
