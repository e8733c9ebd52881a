namespace Signalbox.Tests.Docs;

// README.md shows what stands between the two markers; The_documents compares and runs it.
// <readme>
public enum Refund { Decide, AskPerson, Pay, Done }

public sealed record RefundCase(string Order, decimal Amount);

public sealed record Opinion(bool Pay, double Confidence, string Reason);

public sealed class RefundFlow() : Workflow<Refund, RefundCase>("refund", version: 1)
{
    private static readonly Agent<Opinion> s_clerk = new("clerk") { Instructions = "Is this refund due?", Confidence = o => o.Confidence, Reasons = o => [o.Reason] };

    protected override void Define(StateMachine<Refund, RefundCase> states)
    {
        states.Start(Refund.Decide, Decide).To(Refund.Pay, Refund.AskPerson).Agent("clerk", "order_history");   // what it may call here
        states.State(Refund.AskPerson, AskPerson).To(Refund.Pay, Refund.Done);
        states.State(Refund.Pay, Pay).To(Refund.Done, Refund.AskPerson);
        states.End(Refund.Done);
        states.EscalatesTo(Refund.AskPerson);
    }

    private async Task<Next> Decide(Visit<Refund, RefundCase> visit)
    {
        var decision = await visit.Decide(s_clerk, $"Refund {visit.Case}?");   // a fast model, a stronger one where it is unsure; each call recorded once, whatever crashes
        return visit.GoTo(decision is { Stands: true, Answer.Pay: true } ? Refund.Pay : Refund.AskPerson, because: decision.Why ?? decision.Reasons[0]);
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

public static class OrderHistory
{
    public static Tool Tool { get; } = Signalbox.Tool.Read("order_history", "What was bought with an order, and what came back.", (string order) => $"{order}: one teapot, nothing came back");
}

public sealed class Orders
{
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, bool> _paid = [];

    public ICollection<string> Paid => _paid.Keys;

    public void PayBack(string order) => _paid[order] = true;
}

public sealed class PayBackHandler(Orders orders) : ActionHandler<PayBack>
{
    public override TargetClass TargetClass => TargetClass.T3;

    // It cannot be undone, so that a person would be asked each time; the workflow itself asks where the model is unsure, and small sums are its own to pay.
    public override ApprovalRule? Approval(PayBack action) => action.Amount > 1_000 ? ApprovalRule.Default : null;

    public override Task<Observation> ProbeAsync(PayBack action, ActionContext context, CancellationToken cancellationToken) =>
        Task.FromResult(orders.Paid.Contains(action.Order) ? Observation.So($"{action.Order} is paid back") : Observation.NotSo("not paid back"));

    public override Task<string?> ExecuteAsync(PayBack action, ActionContext context, CancellationToken cancellationToken)
    {
        orders.PayBack(action.Order);
        return Task.FromResult<string?>(null);
    }
}
