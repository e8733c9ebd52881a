using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Queries;

/// <summary>Makes a <see cref="RunView"/> in one pass over a run's entries. A body that cannot be read breaks nothing: it is named and left out.</summary>
internal sealed class RunViewFold
{
    private readonly VisitFold _visits;
    private readonly AgentFold _agents;
    private readonly ActionFold _actions;
    private readonly ApprovalFold _approvals;
    private readonly CostFold _costs = new();
    private readonly IEntryFold[] _parts;
    private readonly Redactor _redactor;
    private readonly SpanFold _spans = new();
    private readonly List<RunSpan> _ended = [];
    private readonly List<long> _unreadable = [];

    public RunViewFold(Redactor redactor)
    {
        _redactor = redactor;
        _visits = new(redactor);
        _agents = new(redactor);
        _actions = new(redactor);
        _approvals = new(redactor);
        _parts = [_visits, _agents, _actions, _approvals, _costs];
    }

    /// <summary>The kinds of which no part of the view is made, and why; what they tell shows in the run's head, in its spans and among its entries.</summary>
    public static IReadOnlyDictionary<string, string> Ignored { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        [EntryKinds.RunStarted] = "the run's row has it",
        [EntryKinds.RunLeased] = "the run's row has the last one",
        [EntryKinds.RunWaiting] = "the run's row has its status",
        [EntryKinds.RunReleased] = "the run's row has its status",
        [EntryKinds.RunHeld] = "the run's row has its reason",
        [EntryKinds.RunErased] = "the run's row has it, and the entries before it say so",
        [EntryKinds.RunResumed] = "the run's row has its status",
        [EntryKinds.CancelRequested] = "the run's row has it",
        [EntryKinds.StepStarted] = "a step counts when it ends",
        [EntryKinds.WaitOpened] = "the run's head has the open waits",
        [EntryKinds.WaitCompleted] = "the run's head has the open waits",
        [EntryKinds.WaitWithdrawn] = "the run's head has the open waits",
        [EntryKinds.SignalReceived] = "the run's head has the mailbox",
        [EntryKinds.SignalSent] = "the other run's journal has it",
        [EntryKinds.ClaimFreed] = "the action's intent, or its refusal, follows",
        [EntryKinds.ActionSettled] = "what came of it stands in the action's next entry",
        [EntryKinds.AgentBegan] = "the agent's conversations have its configuration",
    };

    /// <summary>The kinds of which the view is made.</summary>
    public static IReadOnlySet<string> Read { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        EntryKinds.RunFailed, EntryKinds.RunRetried, EntryKinds.RunCompleted, EntryKinds.RunCanceled, EntryKinds.StateEntered, EntryKinds.ChildStarted,
        EntryKinds.StepAttemptFailed, EntryKinds.StepCompleted, EntryKinds.StepFailed, EntryKinds.BudgetReserved, EntryKinds.ToolRejected, EntryKinds.AnswerRejected,
        EntryKinds.DecisionMade, EntryKinds.DecisionJudged, EntryKinds.EscalationRaised,
        EntryKinds.ApprovalRequested, EntryKinds.ApprovalAnswered, EntryKinds.ApprovalExpired, EntryKinds.ApprovalWithdrawn, EntryKinds.ApprovalIgnored,
        EntryKinds.ActionProbed, EntryKinds.ActionProposed, EntryKinds.ActionIntended, EntryKinds.ActionExecuted, EntryKinds.ActionVerified, EntryKinds.ActionNotApplied, EntryKinds.ActionDiverged,
        EntryKinds.ActionUnverified, EntryKinds.ActionRefused, EntryKinds.ActionUnknown,
        EntryKinds.PolicyJudged, EntryKinds.ConflictRaised, EntryKinds.ConflictRuled, EntryKinds.ClaimQueued, EntryKinds.ClaimWithdrawn, EntryKinds.ClaimReleased,
    };

    /// <summary>Whether an entry of that kind has a body, so that an empty one was erased. Of a kind that this program does not know nobody can say.</summary>
    public static bool HasBody(string kind) => (Read.Contains(kind) || Ignored.ContainsKey(kind)) && kind is not (
        EntryKinds.RunWaiting or EntryKinds.RunReleased or EntryKinds.RunRetried or EntryKinds.RunCompleted or EntryKinds.RunCanceled or EntryKinds.CancelRequested or EntryKinds.WaitWithdrawn
        or EntryKinds.ApprovalWithdrawn or EntryKinds.ClaimWithdrawn);

    /// <summary>Takes the run's next entry.</summary>
    public void Add(Entry entry)
    {
        var reading = new EntryReading(entry);
        var isReadable = IsObject(entry);
        foreach (var part in _parts)
        {
            isReadable &= TryAdd(part, reading);
        }

        _ended.AddRange(_spans.Add(entry));

        if (!isReadable)
        {
            _unreadable.Add(entry.Seq);
        }
    }

    /// <summary>Whether a part of a view could read the entry.</summary>
    public static bool TryAdd(IEntryFold part, EntryReading reading)
    {
        try
        {
            part.Add(reading);
            return true;
        }
        catch (Exception e) when (e is JournalDamagedException or ArgumentException)
        {
            return false; // ArgumentException: a hash, an id or a resource in the body that is none
        }
    }

    /// <summary>What the entries so far tell.</summary>
    public RunView View(RunHead head, WorkflowDefinition? definition) => new()
    {
        Head = _redactor.Head(head),
        Definition = definition,
        Visits = _visits.Visits,
        Children = _visits.Children,
        Spans = [.. _ended.Concat(_spans.Open()).OrderBy(s => s.StartedAt).ThenBy(s => s.FirstSeq).ThenBy(s => s.Type).Select(_redactor.Span)],
        Evidence = _agents.Evidence,
        Decisions = _agents.Decisions,
        Escalations = _agents.Escalations,
        ModelCalls = _agents.ModelCalls,
        ToolCalls = _agents.ToolCalls,
        Actions = _actions.Actions,
        Approvals = _approvals.Approvals,
        Costs = _costs.Costs,
        Unreadable = _unreadable,
    };

    /// <summary>Whether there is a body where there should be one, and it is a JSON object: no part reads all of them.</summary>
    private static bool IsObject(Entry entry)
    {
        if (entry.Body.IsEmpty)
        {
            return !HasBody(entry.Kind);
        }

        try
        {
            var reader = new Utf8JsonReader(entry.Body.Span, new JsonReaderOptions { MaxDepth = Body.DepthMax });
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
