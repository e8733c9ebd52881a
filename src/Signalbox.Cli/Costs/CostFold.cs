using Signalbox.CommandLine.Rendering;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Costs;

/// <summary>Who used something up.</summary>
internal readonly record struct Spender(string Agent, string Tier, string Model);

/// <summary>
/// What agents have used up, by agent, tier and model, from the entries of runs: a reservation counts as spent until its settlement corrects it. Holds one sum for each of those, and
/// of the run that is being read who speaks in which scope.
/// </summary>
internal sealed class CostFold
{
    private readonly Dictionary<Spender, Spending> _sums = [];
    private readonly Dictionary<string, Spender> _speaking = new(StringComparer.Ordinal);

    /// <summary>The sums, the dearest first.</summary>
    public IEnumerable<KeyValuePair<Spender, Spending>> Sums =>
        _sums.OrderByDescending(s => s.Value.Micros).ThenByDescending(s => s.Value.InputTokens + s.Value.OutputTokens)
            .ThenBy(s => s.Key.Agent, StringComparer.Ordinal).ThenBy(s => s.Key.Tier, StringComparer.Ordinal).ThenBy(s => s.Key.Model, StringComparer.Ordinal);

    public Spending Total => _sums.Values.Aggregate(Spending.None, (sum, s) => sum + s);

    public void BeginRun() => _speaking.Clear();

    public void Add(Entry entry)
    {
        switch (entry.Kind)
        {
            case var _ when entry.IsErased:
                break;
            case EntryKinds.StateEntered:
                _speaking.Clear();
                break;
            case EntryKinds.BudgetReserved when Tolerant.Read<BudgetReserved>(entry) is { Amount: not null } reserved:
                Add(_speaking[entry.Scope] = new(reserved.Agent, TierOf(entry.Scope, reserved.Agent), reserved.Model), reserved.Amount);
                break;
            case EntryKinds.ToolRejected when Tolerant.Read<ToolRejected>(entry) is { } rejected:
                Add(Speaking(entry, rejected.Agent, rejected.Tier), Spending.None with { Rejections = 1 });
                break;
            case EntryKinds.AnswerRejected when Tolerant.Read<AnswerRejected>(entry) is { } rejected:
                Add(Speaking(entry, rejected.Agent, rejected.Tier), Spending.None with { Rejections = 1 });
                break;
            case EntryKinds.StepCompleted when MaySpend(entry) && Tolerant.Read<StepCompleted>(entry) is { } step:
                Add(entry, step.Settlement, step.Type, step.Tool, step.Microseconds);
                break;
            case EntryKinds.StepFailed or EntryKinds.StepAttemptFailed when MaySpend(entry) && Tolerant.Read<StepFailed>(entry) is { } step:
                Add(entry, step.Settlement, step.Type, step.Tool, step.Microseconds);
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
            Add(Speaking(entry, tool?.Agent ?? "", tool?.Tier ?? ""), Spending.None with { Microseconds = microseconds });
        }
    }

    private Spender Speaking(Entry entry, string agent, string tier) => _speaking.GetValueOrDefault(entry.Scope, new(agent, tier, ""));

    private void Add(Spender spender, Spending amount)
    {
        if (amount != Spending.None)
        {
            _sums[spender] = _sums.GetValueOrDefault(spender, Spending.None) + amount;
        }
    }

    /// <summary>Spares most bodies the parsing.</summary>
    private static bool MaySpend(Entry entry) => entry.Body.Span.IndexOf("\"settlement\""u8) >= 0 || entry.Body.Span.IndexOf("\"tool\""u8) >= 0;

    /// <summary>The tier in a scope such as <c>left/analyst#2/fast/sample-2</c>.</summary>
    private static string TierOf(string scope, string agent)
    {
        var parts = scope.Split('/');
        var at = Array.FindLastIndex(parts, p => p == agent || p.StartsWith(agent + "#", StringComparison.Ordinal));
        return at >= 0 && at + 1 < parts.Length ? parts[at + 1] : "";
    }
}
