using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>
/// I8: an answer counts only of a person who is entitled to give it; an intent consumes a whole approval of exactly this action and these arguments, once, in time; and nothing is done that a policy refused, or of
/// which a person is still to be asked.
/// </summary>
internal sealed class Approvals(Findings findings)
{
    private readonly Dictionary<string, OfRun> _runs = new(StringComparer.Ordinal);

    public void Take(Entry entry, Body body)
    {
        if (entry.Kind == "run.started")
        {
            _runs.TryAdd(entry.Run, new(RunStart.Read(entry, body)));
        }
        else if (entry.Kind is "run.completed" or "run.canceled")
        {
            _runs.Remove(entry.Run);
        }
        else if (_runs.TryGetValue(entry.Run, out var run))
        {
            Take(entry, body, run);
        }
    }

    private void Take(Entry entry, Body body, OfRun run)
    {
        switch (entry.Kind)
        {
            case "action.proposed": Propose(entry, body, run); break;
            case "approval.requested": Request(entry, body, run); break;
            case "approval.answered": Answer(entry, body, run); break;
            case "approval.expired": Close(entry, run, RequestState.Expired); break;
            case "approval.withdrawn": Close(entry, run, RequestState.Withdrawn); break;
            case "policy.judged": run.Judge(body.Text("actionId"), body.Text("policy"), body.Text("verdict"), entry.Seq); break;
            case "run.retried":
                // What had come to nothing is judged and asked anew, and need not need it any more.
                run.Verdicts.Clear();
                run.Asked.Clear();
                break;
            case "action.intended": Intend(entry, body, run); break;
        }
    }

    private void Propose(Entry entry, Body body, OfRun run)
    {
        var proposal = Proposal.Read(body);
        MustBeOfTheRun(entry, proposal, run.Start);
        run.Proposed[(proposal.Id, proposal.Undo)] = (entry.Scope, entry.Step, proposal);
        foreach (var edit in run.Edits.Where(e => entry.Scope == e.Scope))
        {
            if (proposal.Proposer != edit.By)
            {
                findings.Add("I8", entry, $"'{edit.By}', who edited the arguments at seq {edit.Seq}, to be the proposer of '{proposal.Id}'", $"'{proposal.Proposer}'");
            }
        }
    }

    private void Request(Entry entry, Body body, OfRun run)
    {
        if (body.Object("terms") is not { } terms)
        {
            return;
        }

        var request = new ApprovalRequest(entry, body, terms, run.Start);
        run.Requests[entry.Seq] = request;
        run.ByStep[(entry.Scope, entry.Step)] = request;
        if (request.Quorum < 1 || request.Roles.Count == 0)
        {
            findings.Add("I8", entry, "terms with roles and a quorum of one or more", $"{request.Roles.Count} roles and a quorum of {request.Quorum}");
        }

        if (request.Action is not { } action)
        {
            return;
        }

        MustBeOfTheRun(entry, action, run.Start);
        run.Asked[(action.Id, action.Undo)] = request;
        if (!run.Proposed.TryGetValue((action.Id, action.Undo), out var proposed) || proposed != (entry.Scope, entry.Step, action))
        {
            findings.Add("I8", entry, $"an action.proposed of exactly what is asked about '{action.Id}'", proposed.Proposal is null ? "none" : "another one");
        }

        if ((terms.OptionalText("actionId") ?? action.Id) != action.Id || (terms.OptionalText("argumentsHash") ?? action.Hash) != action.Hash)
        {
            findings.Add("I8", entry, $"terms for '{action.Id}' with the arguments {action.Hash}", $"terms for '{terms.OptionalText("actionId")}' with {terms.OptionalText("argumentsHash")}");
        }
    }

    private void MustBeOfTheRun(Entry entry, Proposal proposal, RunStart start)
    {
        if (proposal.Workflow != start.Workflow || proposal.Version != start.Version || (start.Definition is not null && proposal.Definition != start.Definition))
        {
            findings.Add(
                "I8", entry, $"'{proposal.Id}' to be of '{start.Workflow}' version {start.Version} with the definition {start.Definition}", $"'{proposal.Workflow}' version {proposal.Version} with {proposal.Definition}");
        }
    }

    private void Answer(Entry entry, Body body, OfRun run)
    {
        if (run.ByStep.GetValueOrDefault((entry.Scope, entry.Step)) is not { State: RequestState.Open } request)
        {
            return; // the fold says that there is no such question
        }

        var choice = body.Text("choice");
        if (request.Objection(entry.Actor, body.Texts("roles"), body.OptionalText("hash")) is { } objection)
        {
            findings.Add("I8", entry, $"an approval.ignored where an answer to '{entry.Step}' does not count", $"one by {objection}");
        }

        request.Answers.Add((entry.Actor, choice));
        if (choice == "edit" && request.Action is { } action)
        {
            // What is proposed instead is proposed in a scope of its own.
            var edit = new Edit($"{(entry.Scope.Length == 0 ? "" : entry.Scope + "/")}edit-{action.Id[..Math.Min(8, action.Id.Length)]}", entry.Actor, entry.Seq);
            run.Edits.RemoveAll(e => e.Scope == edit.Scope); // of one that came to nothing, before a retry asked again
            run.Edits.Add(edit);
        }

        if (request.IsDecided(choice))
        {
            (request.State, request.StateSeq) = (choice == "approve" || request.Action is null ? RequestState.Approved : RequestState.Refused, entry.Seq);
            request.ValidUntil = entry.At + request.ValidFor;
        }
    }

    private static void Close(Entry entry, OfRun run, RequestState state)
    {
        if (run.ByStep.Remove((entry.Scope, entry.Step), out var request))
        {
            (request.State, request.StateSeq) = (state, entry.Seq);
        }
    }

    private void Intend(Entry entry, Body body, OfRun run)
    {
        var id = body.Text("actionId");
        var undo = body.Flag("undo");
        run.FirstDirection.TryAdd(id, undo);
        var approval = body.OptionalNumber("approval");
        if (approval is { } seq)
        {
            Consume(entry, body, run, seq);
        }
        else if (run.Asked.GetValueOrDefault((id, undo)) is { State: not RequestState.Withdrawn } asked)
        {
            findings.Add("I8", entry, $"an intent of '{id}' with the approval that was asked for at seq {asked.Seq}", $"one without, and that is {Describe(asked)}");
        }

        foreach (var limit in body.Objects("limits").Where(l => l.OptionalNumber("max") == long.MaxValue).Select(l => l.Text("name")))
        {
            // What alone is too much is asked about by the policy itself; what is too much with others is named by the question.
            var isAsked = run.Verdicts.GetValueOrDefault(id)?.Values.Any(v => v.Word == "ask") == true || (approval is { } of && run.Requests.GetValueOrDefault(of)?.Passes.Contains(limit, StringComparer.Ordinal) == true);
            if (approval is null || !isAsked)
            {
                findings.Add("I16", entry, $"an approval of '{id}' that lets it pass the limit '{limit}'", "none");
            }
        }

        // Who takes an effect back on an operator's word is not judged again.
        foreach (var (policy, verdict) in run.FirstDirection[id] == undo ? run.Verdicts.GetValueOrDefault(id) ?? [] : [])
        {
            if (verdict.Word == "refuse")
            {
                findings.Add("I8", entry, $"no intent of '{id}', which the policy '{policy}' refused at seq {verdict.Seq}", "one");
            }
            else if (verdict.Word == "ask" && approval is null)
            {
                findings.Add("I8", entry, $"an approval of '{id}', of which the policy '{policy}' asks a person at seq {verdict.Seq}", "an intent without one");
            }
        }
    }

    private void Consume(Entry entry, Body body, OfRun run, long seq)
    {
        var id = body.Text("actionId");
        var fault = run.Requests.GetValueOrDefault(seq) is not { Action: { } action } request ? "no question about an action"
            : request.State != RequestState.Approved ? $"one that is {Describe(request)}"
            : (action.Id, action.Action, action.Undo) != (id, body.Text("action"), body.Flag("undo")) ? $"one of '{action.Action}' ({action.Id})"
            : action.Hash != body.Text("argumentsHash") ? $"one of the arguments {action.Hash}"
            : (request.Visit, request.Scope, request.Step) != (entry.Visit, entry.Scope, entry.Step) ? $"one of '{request.Step}' in visit {request.Visit}"
            : request.ValidUntil <= entry.At ? $"one that was good until {request.ValidUntil}, at {entry.At}"
            : null;
        if (fault is not null)
        {
            findings.Add("I8", entry, $"an approval of '{id}' with these arguments at seq {seq}, whole, in time and not consumed", fault);
        }

        if (run.Requests.TryGetValue(seq, out var consumed))
        {
            (consumed.State, consumed.StateSeq) = (RequestState.Consumed, entry.Seq);
        }
    }

    private static string Describe(ApprovalRequest request) => request.State == RequestState.Open
        ? $"open with {request.Answers.Count} of {request.Quorum} answers"
        : $"{request.State.ToString().ToLowerInvariant()} at seq {request.StateSeq}";

    private sealed class OfRun(RunStart start)
    {
        public RunStart Start { get; } = start;

        public Dictionary<long, ApprovalRequest> Requests { get; } = [];

        public Dictionary<(string Scope, string Step), ApprovalRequest> ByStep { get; } = [];

        public Dictionary<(string Action, bool Undo), ApprovalRequest> Asked { get; } = [];

        public Dictionary<(string Action, bool Undo), (string Scope, string Step, Proposal Proposal)> Proposed { get; } = [];

        public Dictionary<string, Dictionary<string, (string Word, long Seq)>> Verdicts { get; } = new(StringComparer.Ordinal);

        public Dictionary<string, bool> FirstDirection { get; } = new(StringComparer.Ordinal);

        public List<Edit> Edits { get; } = [];

        public void Judge(string action, string policy, string verdict, long seq)
        {
            Verdicts.TryAdd(action, new(StringComparer.Ordinal));
            Verdicts[action][policy] = (verdict, seq);
        }
    }

    private sealed record Edit(string Scope, string By, long Seq);
}
