using Signalbox.Journal;

namespace Signalbox.Queries;

/// <summary>
/// What a run's agents have used up, by agent, tier and model: a reservation counts as spent until its settlement corrects it. Holds one sum for each of those, and who speaks in which scope.
/// </summary>
internal sealed class CostFold : IEntryFold
{
    private readonly Dictionary<Speaker, Spending> _sums = [];
    private readonly Dictionary<string, Speaker> _speaking = new(StringComparer.Ordinal);

    /// <summary>The sums, the dearest first.</summary>
    public IReadOnlyList<CostView> Costs => Sorted(_sums.Select(s => new CostView(s.Key.Agent, s.Key.Tier, s.Key.Model, s.Value)));

    /// <summary>Those of several runs as one.</summary>
    public static IReadOnlyList<CostView> Sum(IEnumerable<CostView> costs) =>
        Sorted(costs.GroupBy(c => new Speaker(c.Agent, c.Tier, c.Model)).Select(g => new CostView(g.Key.Agent, g.Key.Tier, g.Key.Model, g.Aggregate(Spending.None, (sum, c) => sum + c.Spent))));

    public void Add(EntryReading reading)
    {
        var entry = reading.Entry;
        switch (entry.Kind)
        {
            case EntryKinds.StateEntered:
                _speaking.Clear();
                break;
            case EntryKinds.BudgetReserved:
                var reserved = reading.Body<BudgetReserved>();
                Spend(new(_speaking[entry.Scope] = WhoSpent.Reserving(entry, reserved), reading.Need(reserved.Amount)));
                break;
            case EntryKinds.ToolRejected:
                var call = reading.Body<ToolRejected>();
                Spend(WhoSpent.Rejected(Speaking(entry), call.Agent, call.Tier));
                break;
            case EntryKinds.AnswerRejected:
                var answer = reading.Body<AnswerRejected>();
                Spend(WhoSpent.Rejected(Speaking(entry), answer.Agent, answer.Tier));
                break;
            case EntryKinds.StepCompleted:
                var completed = reading.Body<StepCompleted>();
                Spend(WhoSpent.Step(Speaking(entry), completed.Settlement, completed.Type, completed.Tool, completed.Microseconds));
                break;
            case EntryKinds.StepFailed or EntryKinds.StepAttemptFailed:
                var failed = reading.Body<StepFailed>();
                Spend(WhoSpent.Step(Speaking(entry), failed.Settlement, failed.Type, failed.Tool, failed.Microseconds));
                break;
        }
    }

    private Speaker? Speaking(Entry entry) => _speaking.GetValueOrDefault(entry.Scope);

    private void Spend(Spent? spent)
    {
        if (spent is var (by, amount) && amount != Spending.None)
        {
            _sums[by] = _sums.GetValueOrDefault(by, Spending.None) + amount;
        }
    }

    private static IReadOnlyList<CostView> Sorted(IEnumerable<CostView> costs) =>
    [
        .. costs.OrderByDescending(c => c.Spent.Micros).ThenByDescending(c => c.Spent.InputTokens + c.Spent.OutputTokens)
            .ThenBy(c => c.Agent, StringComparer.Ordinal).ThenBy(c => c.Tier, StringComparer.Ordinal).ThenBy(c => c.Model, StringComparer.Ordinal),
    ];
}
