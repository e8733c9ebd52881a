using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.AI;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>One asking of an agent: tier after tier, until a decision stands or a person must decide.</summary>
internal sealed class LadderClimb<TAnswer>
{
    private const string SelfReport = "self_report";
    private const string Agreement = "agreement";

    private readonly VisitScope _parent;
    private readonly VisitScope _asking;
    private readonly Agent<TAnswer> _agent;
    private readonly DecisionRequest<TAnswer> _request;
    private readonly ToolRunner _tools;
    private readonly DossierDraft _dossier;
    private AgentConfiguration _configuration = null!;
    private TAnswer? _answer;
    private DecisionMade? _last;
    private bool _toPerson;

    public LadderClimb(VisitScope visit, Agent<TAnswer> agent, DecisionRequest<TAnswer> request)
    {
        _parent = visit;
        _asking = visit.Open(agent.Name);
        _agent = agent;
        _request = request;
        _tools = new ToolRunner(_asking, agent.Name);
        _dossier = new DossierDraft(request.Evidence);
    }

    private VisitEngine Visit => _asking.Engine;

    public async Task<Decision<TAnswer>> DecideAsync()
    {
        _configuration = await PinAsync();
        _dossier.Miss(_configuration.Unavailable);
        (string Reason, string Why)? climbed = null;
        for (var i = 0; i < _configuration.Tiers.Count; i++)
        {
            var next = i + 1 < _configuration.Tiers.Count ? _configuration.Tiers[i + 1].Name : Ladder.Person;
            climbed = await AskTierAsync(_configuration.Tiers[i], next);
            if (climbed is null || _toPerson)
            {
                break;
            }
        }

        _parent.Join(_asking);
        return Result(climbed);
    }

    /// <summary>Asks one tier. Null if its decision stands, else why it climbs.</summary>
    private async Task<(string Reason, string Why)?> AskTierAsync(Tier tier, string next)
    {
        var scope = _asking.Open(tier.Name);
        var loop = new TurnLoop<TAnswer>(scope, _agent, tier, _configuration, _tools, Lacks);
        try
        {
            var answer = await loop.RunAsync(Opening());
            _dossier.Keep(loop.Outcomes);
            return await WeighAsync(scope, tier, loop, answer, next);
        }
        catch (TierFailedException e)
        {
            _dossier.Keep(loop.Outcomes);
            _dossier.Add(new TierOpinion(tier.Name, loop.Model) { Climbed = e.Reason, Why = e.Message });
            _toPerson = e.IsFinal; // a budget is a person's to extend: a stronger tier would only cost more
            await EscalateAsync(scope, tier, next, e.Reason, e.Message, null);
            return (e.Reason, e.Message);
        }
        finally
        {
            _asking.Join(scope);
        }
    }

    private async Task<(string Reason, string Why)?> WeighAsync(VisitScope scope, Tier tier, TurnLoop<TAnswer> loop, TAnswer answer, string next)
    {
        var kind = _agent.Kind?.Invoke(answer) ?? "";
        var thresholds = tier.For(kind);
        var signals = await MeasureAsync(scope, tier, answer, kind, thresholds);
        var raw = _agent.Combine(signals);
        var missing = _dossier.Missing();
        var confidence = missing.Keys.Select(_agent.CapFor).Append(raw).Min();
        var objection = _request.Objection?.Invoke(answer);
        var (reason, why) = Verdict(confidence, raw, signals, missing, thresholds, objection);
        var made = await RecordAsync(scope, new DecisionMade(
            Id(scope), _agent.Name, kind, Bodies.Json(answer), confidence, signals, _agent.Reasons(answer), tier.Name, loop.Model, Stands: reason is null,
            Visit.Record.SpentIn(scope.ScopeName).Micros, missing.Count == 0 ? null : missing, objection));

        // What was recorded counts, whatever the code makes of it by now.
        (_answer, _last) = (answer, made);
        if (made.Stands)
        {
            _dossier.Add(Opinion(made));
            return null;
        }

        (string Reason, string Why) climbed = reason is null ? (EscalationReasons.LowConfidence, "it did not stand when it was made") : (reason, why!);
        _dossier.Add(Opinion(made) with { Climbed = climbed.Reason, Why = climbed.Why });
        _toPerson = made.Objection is null && made.Confidence < thresholds.Floor;
        await EscalateAsync(scope, tier, next, climbed.Reason, climbed.Why, made.Decision);
        return climbed;
    }

    /// <summary>Why a decision does not stand; null if it does.</summary>
    private static (string? Reason, string? Why) Verdict(double confidence, double raw, Dictionary<string, double> signals, Dictionary<string, string> missing, Thresholds thresholds, string? objection)
    {
        if (objection is not null)
        {
            return (EscalationReasons.Policy, objection);
        }

        if (confidence >= thresholds.Accept)
        {
            return (null, null);
        }

        if (raw >= thresholds.Accept)
        {
            return (EscalationReasons.MissingEvidence, $"confidence {Shown(raw)} is capped at {Shown(confidence)}, for {string.Join(" and ", missing.Keys)} {(missing.Count == 1 ? "is" : "are")} missing; {Shown(thresholds.Accept)} is needed");
        }

        return signals.TryGetValue(Agreement, out var agreement) && agreement < thresholds.Accept && signals.GetValueOrDefault(SelfReport, 1) >= thresholds.Accept
            ? (EscalationReasons.Disagreement, $"asked several times, it gives this answer in {Shown(agreement)} of the cases; {Shown(thresholds.Accept)} is needed")
            : (EscalationReasons.LowConfidence, $"confidence {Shown(confidence)} is below {Shown(thresholds.Accept)}");
    }

    private async Task<Dictionary<string, double>> MeasureAsync(VisitScope scope, Tier tier, TAnswer answer, string kind, Thresholds thresholds)
    {
        var signals = new Dictionary<string, double>();
        if (_agent.Confidence?.Invoke(answer) is { } said)
        {
            signals[SelfReport] = said;
        }

        foreach (var signal in _agent.Signals)
        {
            var own = scope.Open(signal.Name);
            if (await signal.MeasureAsync(own, answer) is { } measured)
            {
                signals[signal.Name] = double.IsNaN(measured) ? 0 : Math.Clamp(measured, 0, 1);
            }

            scope.Join(own);
        }

        // Further samples can only lower what is sure enough; where it is not, they would be paid for nothing.
        if (tier.Samples > 1 && _agent.Combine(signals) >= thresholds.Accept)
        {
            signals[Agreement] = await SampleAsync(scope, tier, kind);
        }

        return signals;
    }

    /// <summary>
    /// The share of samples that come to the same kind of decision, the first one included (self-consistency: Wang et al., 2022, arXiv 2203.11171). A sample without an answer does not agree.
    /// </summary>
    private async Task<double> SampleAsync(VisitScope scope, Tier tier, string kind)
    {
        var opening = Opening().ToList();
        var agree = await Task.WhenAll(Enumerable.Range(2, tier.Samples - 1).Select(async number =>
        {
            var own = scope.Open(string.Create(CultureInfo.InvariantCulture, $"sample-{number}"));
            try
            {
                var sample = await new TurnLoop<TAnswer>(own, _agent, tier, _configuration, _tools, Lacks).RunAsync(opening);
                return (_agent.Kind?.Invoke(sample) ?? "") == kind;
            }
            catch (TierFailedException)
            {
                return false;
            }
            finally
            {
                scope.Join(own);
            }
        }));
        return (1 + agree.Count(a => a)) / (double)tier.Samples;
    }

    /// <summary>What a tier is told: the agent's instructions, the question, and what those before it found and said.</summary>
    private IEnumerable<ChatMessage> Opening()
    {
        yield return new ChatMessage(ChatRole.System, _agent.Instructions);
        foreach (var message in _request.Messages)
        {
            yield return message;
        }

        if (_dossier.HasOpinions)
        {
            yield return new ChatMessage(ChatRole.User, _dossier.ToMessage());
        }
    }

    private static TierOpinion Opinion(DecisionMade made) => new(made.Tier, made.Model)
    {
        Answer = made.Answer,
        Kind = made.Kind,
        Confidence = made.Confidence,
        Reasons = made.Reasons,
    };

    private Decision<TAnswer> Result((string Reason, string Why)? climbed) => new()
    {
        Id = _last?.Decision ?? "",
        Agent = _agent.Name,
        Stands = climbed is null,
        Answer = _answer,
        Kind = _last?.Kind ?? "",
        Confidence = _last?.Confidence ?? 0,
        Tier = _last?.Tier,
        Model = _last?.Model,
        Reason = climbed?.Reason,
        Why = climbed?.Why,
        Micros = Visit.Record.SpentIn(_asking.ScopeName).Micros,
        Dossier = _dossier.ToDossier(),
    };

    /// <summary>What the agent works under, pinned once for this visit.</summary>
    private async Task<AgentConfiguration> PinAsync()
    {
        var declared = Visit.State?.Agents?.Find(a => a.Name == _agent.Name)
            ?? throw new InvalidOperationException(
                $"State '{Visit.Row.State}' of workflow '{Visit.Workflow}' asks the agent '{_agent.Name}', but does not declare it; it declares: {(Visit.State?.Agents is { Count: > 0 } agents ? string.Join(", ", agents.Select(a => a.Name)) : "none")}. Declare it: .Agent(\"{_agent.Name}\", tools).");
        var ladder = Visit.Engine.Decisions.LadderFor(Visit.Workflow, Visit.Row.State, _agent.Name);
        if (_agent.Kind is null && ladder.Tiers.Any(t => t.Samples > 1))
        {
            throw new InvalidOperationException($"Agent '{_agent.Name}' is to be asked several times, but says nothing of when two answers are the same. Set its {nameof(Agent<>.Kind)}.");
        }

        var (step, release) = Visit.Ask(_asking.ScopeName, "agent", null);
        return await Visit.OperateAsync(async () =>
        {
            try
            {
                var entry = Visit.Record.Outcome(step);
                if (entry is null)
                {
                    var (tools, unavailable) = await _tools.PinAsync(declared.Tools);
                    Visit.ThrowIfClosed();
                    var configuration = new AgentConfiguration(_agent.Name, ladder.Tiers, tools, unavailable, _agent.TurnsMax, _agent.RejectionsMax, _agent.SameCallMax);

                    // Always a payload: one configuration serves many runs, and is stored once.
                    var payload = Payload.Of(Bodies.Json(configuration).Utf8);
                    entry = (await Visit.Journal.AppendAsync([Visit.Draft(EntryKinds.AgentBegan, step, Body.Write(new AgentBegan(_agent.Name, RawJson.To(payload.Hash))), payloads: [payload])])).Entries[0];
                }

                Visit.Consume(_asking.ScopeName, entry);
                return await Visit.ReadAsync<AgentConfiguration>(entry, Body.Read<AgentBegan>(entry).Configuration);
            }
            finally
            {
                release();
            }
        });
    }

    private async Task<DecisionMade> RecordAsync(VisitScope scope, DecisionMade made)
    {
        var entry = await Visit.FactAsync(scope.ScopeName, "decision", step =>
        {
            var (answer, payloads) = Bodies.Place(made.Answer);
            return Visit.Draft(EntryKinds.DecisionMade, step, Body.Write(made with { Answer = answer }), made.Stands ? "it stands" : "it climbs", payloads, actor: "agent:" + _agent.Name);
        });
        var recorded = Body.Read<DecisionMade>(entry);
        return recorded.Answer.Reference is null ? recorded : recorded with { Answer = made.Answer };
    }

    private async Task EscalateAsync(VisitScope scope, Tier tier, string next, string reason, string why, string? decision)
    {
        var to = _toPerson ? Ladder.Person : next;
        await Visit.FactAsync(
            scope.ScopeName, "escalation",
            step => Visit.Draft(EntryKinds.EscalationRaised, step, Body.Write(new EscalationRaised(_agent.Name, tier.Name, to, reason, why, decision)), why, actor: "engine"));
    }

    /// <summary>What the agent's or the run's budget lacks for a call.</summary>
    private string? Lacks(Spending next) =>
        _agent.Budget.Lacks(Visit.SpentIn(_asking.ScopeName), next) is { } own ? $"the agent's budget does not suffice: {own}"
        : Visit.Engine.Decisions.BudgetFor(Visit.Workflow).Lacks(Visit.Spent, next) is { } shared ? $"the run's budget does not suffice: {shared}"
        : null;

    private string Id(VisitScope scope) => "d-" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Visit.Row.Run}\n{Visit.Row.Visit}\n{scope.ScopeName}")).AsSpan(0, 8));

    private static string Shown(double confidence) => confidence.ToString("0.00", CultureInfo.InvariantCulture);
}
