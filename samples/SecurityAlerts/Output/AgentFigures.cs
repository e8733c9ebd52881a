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

    /// <summary>How a climb is called where all sources had answered, and tools of the tier had not.</summary>
    public const string ToolsFailed = "tools failed";

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
            var read = new Read();
            await foreach (var entry in store.EntriesAsync(run, cancellationToken: cancellationToken))
            {
                figures.Add(entry, read);
            }
        }

        return figures;
    }

    private void Add(Entry entry, Read read)
    {
        // An agent's scope is its name, then the tier's.
        if (Spending.Of(entry) is var spent && spent != Spending.None && entry.Scope.Split('/') is [_, var tier, ..])
        {
            _byTier[tier] = _byTier.GetValueOrDefault(tier, Spending.None) + spent;
        }

        switch (entry.Kind)
        {
            case EntryKinds.StepFailed when Body.Read<StepFailed>(entry).Type == "evidence":
                read.Sources.Add(entry.Step.Split('/')[0]);
                break;
            case EntryKinds.DecisionMade:
                var made = Body.Read<DecisionMade>(entry);
                read.Decisions[made.Decision] = made;
                break;
            case EntryKinds.EscalationRaised:
                var raised = Body.Read<EscalationRaised>(entry);
                var climb = (raised.From, raised.To, read.WhyOf(raised));
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

    /// <summary>What a run's journal has told so far.</summary>
    private sealed class Read
    {
        public Dictionary<string, DecisionMade> Decisions { get; } = [];

        /// <summary>The sources that did not answer.</summary>
        public HashSet<string> Sources { get; } = [];

        public string WhyOf(EscalationRaised raised)
        {
            var made = raised.Decision is { } decision ? Decisions.GetValueOrDefault(decision) : null;
            return raised.Reason switch
            {
                EscalationReasons.LowConfidence when made?.Kind == Decision.Escalate.InText() => CallsForHelp,
                EscalationReasons.MissingEvidence when made?.Missing is { Count: > 0 } missing && !missing.Keys.Any(Sources.Contains) => ToolsFailed,
                var reason => reason,
            };
        }
    }

    private void Count(string why) => _rejected[why] = _rejected.GetValueOrDefault(why) + 1;
}
