using Microsoft.Extensions.AI;

namespace Signalbox.Tests.Docs;

// README.md shows what stands between the two markers; The_documents compares and runs it.
// <readme>
public enum Refund { Decide, AskPerson, Pay, Done }

public sealed record RefundCase(string Order, decimal Amount);

public sealed record Opinion(bool Pay, double Confidence, string Reason);

public sealed class RefundFlow(IChatClient model) : Workflow<Refund, RefundCase>("refund", version: 1)
{
    protected override void Define(StateMachine<Refund, RefundCase> states)
    {
        states.Start(Refund.Decide, Decide).To(Refund.Pay, Refund.AskPerson);
        states.State(Refund.AskPerson, AskPerson).To(Refund.Pay, Refund.Done);
        states.State(Refund.Pay, Pay).To(Refund.Done, Refund.AskPerson);
        states.End(Refund.Done);
    }

    private async Task<Next> Decide(Visit<Refund, RefundCase> visit)
    {
        var (opinion, _, _, _) = await visit.Ask<Opinion>("opinion", model, [new(ChatRole.User, $"Refund {visit.Case}?")]);   // asked once, whatever crashes
        return visit.GoTo(opinion is { Pay: true, Confidence: >= 0.8 } ? Refund.Pay : Refund.AskPerson, because: opinion.Reason);
    }

    private async Task<Next> AskPerson(Visit<Refund, RefundCase> visit)
    {
        var answer = await visit.Approve(new Question($"Pay {visit.Case.Amount} back for {visit.Case.Order}?", "yes", "no"));   // parked: a row, no thread
        return visit.GoTo(answer.Choice == "yes" ? Refund.Pay : Refund.Done, because: $"{answer.By} said {answer.Choice}");
    }

    private async Task<Next> Pay(Visit<Refund, RefundCase> visit)
    {
        var outcome = await visit.Act(new PayBack(visit.Case.Order, visit.Case.Amount));   // look, record the intent, act, verify
        return visit.GoTo(outcome.IsVerified ? Refund.Done : Refund.AskPerson, because: outcome.Proof ?? outcome.Reason);
    }
}

// </readme>
public sealed record PayBack(string Order, decimal Amount);

public sealed class Orders
{
    public HashSet<string> Paid { get; } = [];
}

public sealed class PayBackHandler(Orders orders) : ActionHandler<PayBack>
{
    public override TargetClass TargetClass => TargetClass.T3;

    public override Task<Observation> ProbeAsync(PayBack action, ActionContext context, CancellationToken cancellationToken) =>
        Task.FromResult(orders.Paid.Contains(action.Order) ? Observation.So($"{action.Order} is paid back") : Observation.NotSo("not paid back"));

    public override Task<string?> ExecuteAsync(PayBack action, ActionContext context, CancellationToken cancellationToken)
    {
        orders.Paid.Add(action.Order);
        return Task.FromResult<string?>(null);
    }
}
