using Signalbox;
using Signalbox.Journal;
using Signalbox.Storage;

namespace SecurityAlerts;

/// <summary>How often a decision climbed from one tier to the next, or to a person, and why.</summary>
internal sealed record Climbs(string From, string To, string Reason, int Count);

/// <summary>What the analyst's tiers used up, why decisions climbed, and which calls were rejected: read from the journals of runs, for nothing else records it.</summary>
internal sealed class AgentFigures
{
    /// <summary>How a climb is called whose tier was sure that somebody else must look.</summary>
    public const string CallsForHelp = "calls for help";

    private readonly SortedDictionary<string, Spending> _byTier = new(StringComparer.Ordinal);
    private readonly Dictionary<(string From, string To, string Reason), int> _climbs = [];
    private readonly SortedDictionary<string, int> _rejected = new(StringComparer.Ordinal);

    /// <summary>What each tier used up. A call that was cut off counts with what was reserved for it.</summary>
    public IReadOnlyDictionary<string, Spending> ByTier => _byTier;

    public IReadOnlyList<Climbs> Climbs =>
        [.. _climbs.Select(climb => new Climbs(climb.Key.From, climb.Key.To, climb.Key.Reason, climb.Value)).OrderBy(climb => climb.From, StringComparer.Ordinal).ThenByDescending(climb => climb.Count).ThenBy(climb => climb.Reason, StringComparer.Ordinal)];

    /// <summary>Rejected calls and answers, by why.</summary>
    public IReadOnlyDictionary<string, int> Rejected => _rejected;

    public static async Task<AgentFigures> ReadAsync(IRunReader store, IEnumerable<RunId> runs, CancellationToken cancellationToken)
    {
        var figures = new AgentFigures();
        foreach (var run in runs)
        {
            var callsForHelp = new HashSet<string>();
            await foreach (var entry in store.EntriesAsync(run, cancellationToken: cancellationToken))
            {
                figures.Add(entry, callsForHelp);
            }
        }

        return figures;
    }

    private void Add(Entry entry, HashSet<string> callsForHelp)
    {
        // An agent's scope is its name, then the tier's.
        if (Spending.Of(entry) is var spent && spent != Spending.None && entry.Scope.Split('/') is [_, var tier, ..])
        {
            _byTier[tier] = _byTier.GetValueOrDefault(tier, Spending.None) + spent;
        }

        switch (entry.Kind)
        {
            case EntryKinds.DecisionMade when Body.Read<DecisionMade>(entry) is var made && made.Kind == Decision.Escalate.InText():
                callsForHelp.Add(made.Decision);
                break;
            case EntryKinds.EscalationRaised:
                var raised = Body.Read<EscalationRaised>(entry);
                var isCall = raised.Reason == EscalationReasons.LowConfidence && raised.Decision is { } decision && callsForHelp.Contains(decision);
                var climb = (raised.From, raised.To, isCall ? CallsForHelp : raised.Reason);
                _climbs[climb] = _climbs.GetValueOrDefault(climb) + 1;
                break;
            case EntryKinds.ToolRejected:
                Count(Body.Read<ToolRejected>(entry).Code);
                break;
            case EntryKinds.AnswerRejected:
                Count("bad_answer");
                break;
        }
    }

    private void Count(string why) => _rejected[why] = _rejected.GetValueOrDefault(why) + 1;
}
