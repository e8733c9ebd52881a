using Signalbox.Journal;

namespace Signalbox.Queries;

/// <summary>
/// What a run's agents have used up, by agent, tier and model: a reservation counts as spent until its settlement corrects it. Holds one sum for each of those, and who speaks in which scope.
/// </summary>
internal sealed class CostFold : IEntryFold
{
    private readonly Dictionary<Spender, Spending> _sums = [];
    private readonly Dictionary<string, Spender> _speaking = new(StringComparer.Ordinal);

    private readonly record struct Spender(string Agent, string Tier, string Model);

    /// <summary>The sums, the dearest first.</summary>
    public IReadOnlyList<CostView> Costs => Sorted(_sums.Select(s => new CostView(s.Key.Agent, s.Key.Tier, s.Key.Model, s.Value)));

    /// <summary>Those of several runs as one.</summary>
    public static IReadOnlyList<CostView> Sum(IEnumerable<CostView> costs) =>
        Sorted(costs.GroupBy(c => new Spender(c.Agent, c.Tier, c.Model)).Select(g => new CostView(g.Key.Agent, g.Key.Tier, g.Key.Model, g.Aggregate(Spending.None, (sum, c) => sum + c.Spent))));

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
                var agent = reserved.Agent ?? "";
                Add(_speaking[entry.Scope] = new(agent, agent.Length == 0 ? "" : Scopes.TierOf(entry.Scope, agent), reserved.Model ?? ""), reading.Need(reserved.Amount));
                break;
            case EntryKinds.ToolRejected:
                var call = reading.Body<ToolRejected>();
                Add(Speaking(entry, call.Agent, call.Tier), Spending.OneRejection);
                break;
            case EntryKinds.AnswerRejected:
                var answer = reading.Body<AnswerRejected>();
                Add(Speaking(entry, answer.Agent, answer.Tier), Spending.OneRejection);
                break;
            case EntryKinds.StepCompleted:
                var completed = reading.Body<StepCompleted>();
                Add(entry, completed.Settlement, completed.Type, completed.Tool, completed.Microseconds);
                break;
            case EntryKinds.StepFailed or EntryKinds.StepAttemptFailed:
                var failed = reading.Body<StepFailed>();
                Add(entry, failed.Settlement, failed.Type, failed.Tool, failed.Microseconds);
                break;
        }
    }

    private void Add(Entry entry, Settlement? settlement, string? type, ToolCalled? tool, long microseconds)
    {
        if (settlement is { Spent: not null, Reserved: not null })
        {
            Add(_speaking.GetValueOrDefault(entry.Scope, new("", "", "")), settlement.Spent - settlement.Reserved);
        }
        else if (type == "tool")
        {
            Add(Speaking(entry, tool?.Agent, tool?.Tier), Spending.None with { Microseconds = microseconds });
        }
    }

    private Spender Speaking(Entry entry, string? agent, string? tier) => _speaking.GetValueOrDefault(entry.Scope, new(agent ?? "", tier ?? "", ""));

    private void Add(Spender spender, Spending amount)
    {
        if (amount != Spending.None)
        {
            _sums[spender] = _sums.GetValueOrDefault(spender, Spending.None) + amount;
        }
    }

    private static IReadOnlyList<CostView> Sorted(IEnumerable<CostView> costs) =>
    [
        .. costs.OrderByDescending(c => c.Spent.Micros).ThenByDescending(c => c.Spent.InputTokens + c.Spent.OutputTokens)
            .ThenBy(c => c.Agent, StringComparer.Ordinal).ThenBy(c => c.Tier, StringComparer.Ordinal).ThenBy(c => c.Model, StringComparer.Ordinal),
    ];
}
