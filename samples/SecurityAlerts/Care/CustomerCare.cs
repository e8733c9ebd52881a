using System.Net;
using Microsoft.Extensions.AI;
using Signalbox;

namespace SecurityAlerts;

/// <summary>
/// What happens to a customer's request to be let in. It wants the opposite of <see cref="AlertResponse"/>, and knows nothing of it: that the two are against each other about an address is found
/// by their actions' claims.
/// </summary>
internal sealed class CustomerCare(CareSources sources, Agent<CareVerdict> carer, SecondLook secondLook, ResponseOptions options)
    : Workflow<CareState, CareCase>(CustomerCare.WorkflowName, version: 1)
{
    public const string WorkflowName = "customer-care";

    protected override void Define(StateMachine<CareState, CareCase> states)
    {
        states.Start(CareState.Look, Look).To(CareState.Decide, CareState.AskPerson);
        states.State(CareState.Decide, Decide).To(CareState.Allow, CareState.AskPerson, CareState.Closed).Agent(Carer.Name, CareTools.Names);
        states.State(CareState.Allow, Allow).To(CareState.Verify, CareState.AskPerson, CareState.Closed);
        states.State(CareState.Verify, Verify).To(CareState.Closed, CareState.AskPerson);
        states.State(CareState.AskPerson, AskPerson).To(CareState.Allow, CareState.Closed);
        states.End(CareState.Closed);
        states.EscalatesTo(CareState.AskPerson);
    }

    private async Task<Next> Look(Visit<CareState, CareCase> visit)
    {
        var request = visit.Case.Request;
        var (customer, logins) = await visit.Gather(sources.Records.For(request).Within(options.SourceLimit), sources.Logins.For(request).Within(options.SourceLimit));
        var known = visit.Case with { Customer = customer, Logins = logins };
        return customer.IsMissing
            ? ToPerson(visit, known, because: $"no customer's record: {customer.Reason}")
            : visit.GoTo(CareState.Decide, known, because: $"{request.Customer} wants to get in from {request.Address}");
    }

    private async Task<Next> Decide(Visit<CareState, CareCase> visit)
    {
        var customer = visit.Case.Customer!.Value!;
        var decision = await visit.Decide(carer, new DecisionRequest<CareVerdict>
        {
            Messages = [new ChatMessage(ChatRole.User, CarePrompt.Question(visit.Case.Request))],
            Evidence = visit.Case.Evidence,
            Objection = verdict => Carer.Objection(customer, verdict),
        });
        var decided = visit.Case with { Decision = decision, Verdict = decision.Answer };
        return decision switch
        {
            { Stands: false } => ToPerson(visit, decided, because: decision.Why!),
            { Answer.Decision: CareDecision.Allow } => visit.GoTo(CareState.Allow, decided, because: decision.Answer.MainReason),
            _ => visit.GoTo(CareState.Closed, decided, because: decision.Answer!.MainReason),
        };
    }

    private static async Task<Next> Allow(Visit<CareState, CareCase> visit)
    {
        var outcome = await visit.Act(Wanted(visit.Case));
        return outcome.Match(
            verified: done => visit.GoTo(CareState.Verify, visit.Case with { WasSoAlready = !done.MadeByUs }, because: done.Proof),
            notApplied: why => ToPerson(visit, visit.Case, because: why),
            diverged: why => ToPerson(visit, visit.Case, because: why),
            refused: why => visit.GoTo(CareState.Closed, visit.Case with { Why = why }, because: why),
            unverified: done => visit.GoTo(CareState.Verify, visit.Case with { WasSoAlready = false }, because: $"unverified: {done.Proof}"));
    }

    /// <summary>Looks, with other eyes than the action's own, whether the address gets through.</summary>
    private async Task<Next> Verify(Visit<CareState, CareCase> visit)
    {
        try
        {
            var seen = await visit.Read("second-look", Wanted(visit.Case), secondLook.AtAsync);
            return seen.Stands ? visit.GoTo(CareState.Closed, visit.Case with { IsLetIn = true }, because: seen.What) : ToPerson(visit, visit.Case, because: seen.What);
        }
        catch (StepFailedException failed)
        {
            return ToPerson(visit, visit.Case, because: $"nobody can see whether it gets through: {failed.Reason}");
        }
    }

    private static async Task<Next> AskPerson(Visit<CareState, CareCase> visit)
    {
        var request = visit.Case.Request;
        var answer = await visit.Approve(new Question(
            $"{TerminalText.Escape(request.Id, 40)}: {TerminalText.Escape(request.Customer, 40)} wants to get in from {request.Address}. Is it to be let in?", Carer.InText(CareDecision.Leave), Carer.InText(CareDecision.Allow))
        {
            Meanings = new Dictionary<string, string>
            {
                [Carer.InText(CareDecision.Leave)] = "does nothing.",
                [Carer.InText(CareDecision.Allow)] = $"lets {request.Address} in, if nothing that stands forbids it.",
            },
            Details = new { visit.Case.Why, Proposed = visit.Case.Verdict, Request = request, Customer = visit.Case.Customer?.Value, Logins = visit.Case.Logins?.Value },
        });
        var decision = answer.Choice == Carer.InText(CareDecision.Allow) ? CareDecision.Allow : CareDecision.Leave;
        if (visit.Case.Decision is { Stands: false, Answer: { } proposed } asked)
        {
            await visit.Judge(asked, right: proposed.Decision == decision, $"{answer.By} chose {answer.Choice}");
        }

        var decided = visit.Case with { Verdict = new(decision, 1, [answer.Comment is { Length: > 0 } said ? said : $"{answer.By} chose {answer.Choice}."]), DecidedBy = answer.By, Why = null };
        return visit.GoTo(decision == CareDecision.Allow ? CareState.Allow : CareState.Closed, decided, because: $"{answer.By} chose {answer.Choice}");
    }

    private static Next ToPerson(Visit<CareState, CareCase> visit, CareCase @case, string because) => visit.GoTo(CareState.AskPerson, @case with { Why = because }, because);

    private static AllowAddress Wanted(CareCase @case) => new(IPAddress.Parse(@case.Request.Address));
}
