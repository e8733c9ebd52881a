using System.Globalization;
using Signalbox.Journal;

namespace Signalbox.Queries;

/// <summary>What agents found out, asked and decided: evidence, model calls, tool calls, decisions, escalations.</summary>
internal sealed class AgentFold(Redactor redactor) : IEntryFold
{
    private readonly List<EvidenceView> _evidence = [];
    private readonly List<ModelCallView> _modelCalls = [];
    private readonly List<ToolCallView> _toolCalls = [];
    private readonly List<DecisionView> _decisions = [];
    private readonly List<EscalationView> _escalations = [];
    private readonly Dictionary<string, int> _decisionAt = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Visit, string Scope, string Step), BudgetReserved> _reserved = [];

    public IReadOnlyList<EvidenceView> Evidence => _evidence;

    public IReadOnlyList<ModelCallView> ModelCalls => _modelCalls;

    public IReadOnlyList<ToolCallView> ToolCalls => _toolCalls;

    public IReadOnlyList<DecisionView> Decisions => _decisions;

    public IReadOnlyList<EscalationView> Escalations => _escalations;

    public void Add(EntryReading reading)
    {
        var entry = reading.Entry;
        switch (entry.Kind)
        {
            case EntryKinds.BudgetReserved:
                var reserved = reading.Body<BudgetReserved>();
                reading.Need(reserved.Amount);
                _reserved[(entry.Visit, entry.Scope, entry.Step)] = reserved;
                break;
            case EntryKinds.StepCompleted:
                Completed(reading, reading.Body<StepCompleted>());
                break;
            case EntryKinds.StepFailed or EntryKinds.StepAttemptFailed:
                Failed(reading, reading.Body<StepFailed>(), isFinal: entry.Kind == EntryKinds.StepFailed);
                break;
            case EntryKinds.ToolRejected:
                var rejected = reading.Body<ToolRejected>();
                _toolCalls.Add(new(
                    entry.Seq, entry.At, entry.Visit, entry.State, entry.Scope, rejected.Agent ?? "", rejected.Tier ?? "", rejected.Turn, rejected.CallId ?? "", redactor.Text(reading.Need(rejected.Tool)),
                    redactor.Optional(rejected.Arguments), null, reading.Need(rejected.Code), null, redactor.Optional(rejected.Answer), redactor.Texts(rejected.Nearest), 0, 0));
                break;
            case EntryKinds.DecisionMade:
                Decided(reading, reading.Body<DecisionMade>());
                break;
            case EntryKinds.DecisionJudged:
                var judged = reading.Body<DecisionJudged>();
                if (_decisionAt.TryGetValue(reading.Need(judged.Decision), out var at))
                {
                    _decisions[at] = _decisions[at] with { Outcome = reading.Need(judged.Verdict), JudgedBy = entry.Actor };
                }

                break;
            case EntryKinds.EscalationRaised:
                var raised = reading.Body<EscalationRaised>();
                _escalations.Add(new(
                    entry.Seq, entry.At, entry.Visit, entry.State, entry.Scope, raised.Agent ?? "", reading.Need(raised.From), reading.Need(raised.To), reading.Need(raised.Reason), redactor.Shown(raised.Why), raised.Decision));
                break;
        }
    }

    private void Completed(EntryReading reading, StepCompleted body)
    {
        var entry = reading.Entry;
        if (body.Model is { } model)
        {
            _modelCalls.Add(new(
                entry.Seq, entry.At, entry.Visit, entry.State, entry.Scope, model.Agent ?? "", model.Tier ?? "", model.Turn, reading.Need(model.Model), model.FinishReason, model.InputTokens, model.OutputTokens,
                model.CachedInputTokens, body.Settlement?.Spent?.Micros ?? 0, body.Microseconds, body.Attempts, null, null, IsFinal: true));
        }
        else if (body.Tool is { } tool)
        {
            _toolCalls.Add(new(
                entry.Seq, entry.At, entry.Visit, entry.State, entry.Scope, tool.Agent ?? "", tool.Tier ?? "", tool.Turn, tool.CallId ?? "", reading.StepName, redactor.Optional(body.Arguments), redactor.Optional(body.Result),
                null, null, null, [], body.Microseconds, body.Attempts));
        }
        else if (body.Type == "evidence")
        {
            _evidence.Add(new(
                entry.Seq, entry.At, entry.Visit, entry.State, entry.Scope, reading.StepName, redactor.Optional(body.Arguments), redactor.Optional(body.Result), null, null, body.Microseconds, body.Attempts,
                body.CachedMicroseconds));
        }
    }

    private void Failed(EntryReading reading, StepFailed body, bool isFinal)
    {
        var entry = reading.Entry;
        var (code, reason) = (reading.Need(body.Code), redactor.Shown(body.Reason));
        if (body.Tool is { } tool)
        {
            _toolCalls.Add(new(
                entry.Seq, entry.At, entry.Visit, entry.State, entry.Scope, tool.Agent ?? "", tool.Tier ?? "", tool.Turn, tool.CallId ?? "", reading.StepName, redactor.Optional(body.Arguments), null, null, code, reason, [],
                body.Microseconds, body.Attempts, isFinal));
        }
        else if (body.Type == "model")
        {
            // Who was asked stands in the reservation before it; one that is not settled counts as spent.
            var reserved = _reserved.GetValueOrDefault((entry.Visit, entry.Scope, entry.Step));
            var agent = reserved?.Agent ?? "";
            _modelCalls.Add(new(
                entry.Seq, entry.At, entry.Visit, entry.State, entry.Scope, agent, agent.Length == 0 ? "" : Scopes.TierOf(entry.Scope, agent), Turn(reading.StepName), reserved?.Model ?? "", null, null, null, null,
                (body.Settlement?.Spent ?? reserved?.Amount)?.Micros ?? 0, body.Microseconds, body.Attempts, code, reason, isFinal));
        }
        else if (body.Type == "evidence" && isFinal)
        {
            _evidence.Add(new(
                entry.Seq, entry.At, entry.Visit, entry.State, entry.Scope, reading.StepName, redactor.Optional(body.Arguments), null, code, reason, body.Microseconds, body.Attempts, null));
        }
    }

    private void Decided(EntryReading reading, DecisionMade made)
    {
        var entry = reading.Entry;
        var decision = new DecisionView(
            entry.Seq, entry.At, entry.Visit, entry.State, entry.Scope, reading.Need(made.Decision), made.Agent ?? "", made.Tier ?? "", made.Model ?? "", redactor.Shown(made.Kind), redactor.Value(made.Answer), made.Confidence,
            made.Signals ?? new Dictionary<string, double>(), redactor.Texts(made.Reasons), made.Stands, made.Micros, redactor.Texts(made.Missing), redactor.Optional(made.Objection), null, null);
        _decisionAt[decision.Decision] = _decisions.Count;
        _decisions.Add(decision);
    }

    /// <summary>The turn in a step's name such as <c>turn-3</c> or, where another model was tried, <c>turn-3.2</c>; 0 where it is none.</summary>
    private static int Turn(string step) =>
        step.StartsWith("turn-", StringComparison.Ordinal) && int.TryParse(step[5..].Split('.')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var turn) ? turn : 0;
}

/// <summary>What the names of scopes say.</summary>
internal static class Scopes
{
    /// <summary>The tier in a scope such as <c>left/analyst#2/fast/sample-2</c>.</summary>
    public static string TierOf(string scope, string agent)
    {
        var parts = scope.Split('/');
        var at = Array.FindLastIndex(parts, p => p == agent || p.StartsWith(agent + "#", StringComparison.Ordinal));
        return at >= 0 && at + 1 < parts.Length ? parts[at + 1] : "";
    }

    /// <summary>Whether it is that scope, or one opened in it.</summary>
    public static bool IsWithin(string scope, string outer) =>
        outer.Length == 0 || scope == outer || (scope.StartsWith(outer, StringComparison.Ordinal) && scope[outer.Length] == '/');
}
