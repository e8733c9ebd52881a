using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>What the journal of one run says about its decisions, what they cost and how long they took.</summary>
internal sealed class RunReading
{
    private const int PageSize = 500;

    private readonly List<(Asking Asking, DecisionMade Made)> _made = [];
    private readonly List<(Asking Asking, string Scope, string Tier)> _tiers = [];
    private readonly List<(int Visit, string Scope, Spending Amount)> _spent = [];
    private Asking? _last;
    private long _startedAt;
    private long? _askedAt;
    private long _endedAt;

    private RunReading()
    {
    }

    private readonly record struct Asking(int Visit, string Scope);

    /// <summary>The answers of the last asking, in order.</summary>
    public IReadOnlyList<DecisionMade> Answers => [.. _made.Where(m => m.Asking == _last).Select(m => m.Made)];

    /// <summary>What the last asking ended with, unless with a decision that stands.</summary>
    public EscalationRaised? Last { get; private set; }

    /// <summary>Whether a question was put to a person.</summary>
    public bool AskedAPerson => _askedAt is not null;

    /// <summary>Why the run came into its last state.</summary>
    public string Cause { get; private set; } = "";

    public long Microseconds => (_askedAt ?? _endedAt) - _startedAt;

    /// <summary>What each tier of the last asking used up, its samples and tools included.</summary>
    public IReadOnlyList<TierSpending> Tiers =>
    [
        .. _tiers.Where(t => t.Asking == _last).Select(t => new TierSpending(
            t.Tier, _spent.Where(s => s.Visit == t.Asking.Visit && IsWithin(s.Scope, t.Scope)).Aggregate(Spending.None, (sum, s) => sum + s.Amount))),
    ];

    public static async Task<RunReading> ReadAsync(IRunReader store, RunHead head, string? agent, CancellationToken cancellationToken)
    {
        var reading = new RunReading();
        for (long seq = 0; seq <= head.Seq;)
        {
            // No further than the head: what comes later belongs to another answer to the same question.
            var page = await store.ReadAsync(head.Row.Run, seq, (int)Math.Min(PageSize, head.Seq - seq + 1), cancellationToken);
            if (page.Count == 0)
            {
                throw new JournalDamagedException(head.Row.Run, seq, "entries that were there are missing");
            }

            foreach (var entry in page)
            {
                reading.Take(entry, agent);
            }

            seq += page.Count;
        }

        return reading;
    }

    private void Take(Entry entry, string? agent)
    {
        _startedAt = entry.Seq == 0 ? entry.At : _startedAt;
        _endedAt = entry.At;
        switch (entry.Kind)
        {
            case EntryKinds.StateEntered:
                Cause = entry.Cause;
                break;
            case EntryKinds.ApprovalRequested:
                _askedAt ??= entry.At;
                break;
            case EntryKinds.DecisionMade when Body.Read<DecisionMade>(entry) is var made && (agent is null || made.Agent == agent):
                Ask(entry, made.Tier);
                _made.Add((_last!.Value, made));
                Last = null;
                break;
            case EntryKinds.EscalationRaised when Body.Read<EscalationRaised>(entry) is var raised && (agent is null || raised.Agent == agent):
                Ask(entry, raised.From);
                Last = raised;
                break;
        }

        var amount = Spending.Of(entry);
        if (amount != Spending.None)
        {
            _spent.Add((entry.Visit, entry.Scope, amount));
        }
    }

    /// <summary>A tier's scope lies within that of its asking. Each tier that was asked has decided or has been climbed from.</summary>
    private void Ask(Entry entry, string tier)
    {
        var asking = new Asking(entry.Visit, entry.Scope[..Math.Max(0, entry.Scope.LastIndexOf('/'))]);
        _last = asking;
        if (!_tiers.Contains((asking, entry.Scope, tier)))
        {
            _tiers.Add((asking, entry.Scope, tier));
        }
    }

    private static bool IsWithin(string scope, string outer) => scope == outer || (scope.StartsWith(outer, StringComparison.Ordinal) && scope[outer.Length] == '/');
}
