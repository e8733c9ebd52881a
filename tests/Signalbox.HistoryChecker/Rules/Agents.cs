using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>
/// Agents of one run. I18: nothing but what its state gives and its pinned configuration has is called, and only what its model asked for. I23: a reply that counts is complete, turns count
/// up, and none comes after its tier's decision. I3: what a decision says of itself is what the pinned ladder makes of it, and it climbs rung by rung.
/// </summary>
internal sealed partial class Agents(Findings findings, Definition definition, Payloads payloads)
{
    private const string Person = "person";

    private readonly Dictionary<string, Asking> _askings = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Scope, string Step), string> _actions = [];
    private readonly HashSet<(string Scope, string Step)> _told = [];
    private readonly HashSet<string> _decisions = new(StringComparer.Ordinal);

    public void BeginVisit()
    {
        _askings.Clear();
        _actions.Clear();
        _told.Clear();
    }

    /// <summary>The visit is left in good order: nothing has been left in the air.</summary>
    public void EndVisit(Entry entry)
    {
        foreach (var tier in _askings.Values.SelectMany(a => a.Tiers))
        {
            MustNotClimb(entry, tier, $"'{entry.Kind}'");
        }
    }

    public void Began(Entry entry, Body body)
    {
        var agent = body.Text("agent");
        var given = Given(entry, agent);
        if (given is null)
        {
            findings.Add("I18", entry, $"an agent that '{entry.State}' declares ({List(definition.States.GetValueOrDefault(entry.State)?.Agents.Keys)})", $"'{agent}'");
        }

        if (_askings.TryGetValue(entry.Scope, out var before))
        {
            findings.Add("I23", entry, $"one asking in '{entry.Scope}'", $"a second agent.began after that of seq {before.Seq}");
        }

        var pinned = Pinned(body.Element("configuration") ?? throw new BodyFaultException("a body with 'configuration'", "none"));
        _askings[entry.Scope] = new Asking(entry.Scope, agent, pinned, entry.Seq);
        if (pinned is not null && pinned.Agent != agent)
        {
            findings.Add("I18", entry, $"the configuration of '{agent}'", $"that of '{pinned.Agent}'");
        }

        foreach (var tool in given is null || pinned is null ? [] : pinned.Tools.Concat(pinned.Unavailable).Except(given, StringComparer.Ordinal))
        {
            findings.Add("I18", entry, $"tools that '{entry.State}' gives '{agent}' ({List(given)})", $"'{tool}'");
        }
    }

    public void Reserved(Entry entry, Body body)
    {
        if (Turn(entry.Step) is not { } turn)
        {
            findings.Add("I23", entry, "a reservation of a turn", $"one of '{entry.Step}'");
        }
        else if (Locate(entry, body.Text("agent"), null, "I23") is var (asking, tier) && !_told.Contains((entry.Scope, entry.Step)))
        {
            CheckTurn(entry, asking, tier, turn);
        }
    }

    /// <summary>A step's result or failed attempt, with the body of one that is of a model or a tool.</summary>
    public void Step(Entry entry, Body body)
    {
        var model = body.Object("model");
        if (model is { } call)
        {
            CheckFinish(entry, call);
        }

        if (model?.OptionalText("agent") is { } agent)
        {
            Answered(entry, model.Value, agent);
        }
        else if (body.OptionalText("type") == "model" && entry.Kind == "step.failed" && Turn(entry.Step) is { } turn && Locate(entry, null, null, null) is var (_, tier))
        {
            tier.In(entry.Scope).Failed = (turn.Number, turn.Try);
        }
        else if (body.OptionalText("type") == "tool" || body.Element("tool") is not null)
        {
            Called(entry, body.Object("tool"));
        }
    }

    public void ToolRejected(Entry entry, Body body)
    {
        var code = body.Text("code");
        _ = body.Text("answer");
        if (Locate(entry, body.Text("agent"), body.Text("tier"), "I18") is not var (asking, tier))
        {
            return;
        }

        var callId = body.Text("callId");
        var conversation = tier.In(entry.Scope);
        if (conversation.Answered.TryGetValue(callId, out var answered))
        {
            findings.Add("I18", entry, $"one answer to the call '{callId}'", $"a tool.rejected after a {answered}");
        }

        CheckCall(entry, conversation, Number(body, "turn"), callId, null);
        MustBeAtWork(entry, asking, tier, "call");
        conversation.Answered[callId] = entry.Kind;
        foreach (var later in code == "too_many_calls" ? conversation.Calls?.Keys.SkipWhile(id => id != callId).Skip(1) ?? [] : [])
        {
            conversation.Answered.TryAdd(later, entry.Kind); // the first that was too many stands for the rest
        }
    }

    public void AnswerRejected(Entry entry, Body body)
    {
        _ = body.Text("answer");
        if (Locate(entry, body.Text("agent"), body.Text("tier"), "I23") is not var (asking, tier))
        {
            return;
        }

        var conversation = tier.In(entry.Scope);
        if (Number(body, "turn") is var turn && (turn != conversation.Turn || conversation.IsAnswerRejected || conversation.Calls is { Count: > 0 }))
        {
            findings.Add("I23", entry, "an answer to be rejected once, after its turn", $"one of turn {turn} after {Describe(conversation)}");
        }

        MustBeAtWork(entry, asking, tier, "rejected answer");
        conversation.IsAnswerRejected = true;
    }

    public void Decided(Entry entry, Body body)
    {
        var (id, name, kind, stands) = (body.Text("decision"), body.Text("tier"), body.OptionalText("kind") ?? "", body.Flag("stands"));
        var confidence = body.OptionalReal("confidence") ?? 0;
        _decisions.Add(id);
        if (!(confidence is >= 0 and <= 1))
        {
            findings.Add("I3", entry, "a confidence from 0 to 1", Shown(confidence));
        }

        if (Locate(entry, body.Text("agent"), name, "I3") is not var (asking, tier))
        {
            return;
        }

        if (tier.Decision is { } before)
        {
            findings.Add("I3", entry, $"one decision of tier '{name}' in '{asking.Scope}'", $"a second one after that of seq {before.Seq}");
        }
        else
        {
            MustBeAtWork(entry, asking, tier, "decision");
        }

        var conversation = tier.In(entry.Scope);
        if (conversation.Turn == 0 || conversation.IsAnswerRejected || conversation.Calls is { Count: > 0 })
        {
            findings.Add("I23", entry, $"an answer of tier '{name}' before its decision", Describe(conversation));
        }

        if (stands && body.OptionalText("objection") is { } objection)
        {
            findings.Add("I3", entry, "a decision that stands to have no objection against it", $"'{objection}'");
        }

        if (stands && asking.Pinned?.Tiers.FirstOrDefault(t => t.Name == name) is { } pinned && !(confidence >= pinned.AcceptOf(kind)))
        {
            findings.Add("I3", entry, $"a decision that stands to have a confidence of {Shown(pinned.AcceptOf(kind))} or more", Shown(confidence));
        }

        tier.Decision = new TierDecision(id, stands, entry.Seq);
    }

    public void Judged(Entry entry, Body body)
    {
        if (body.Text("verdict") is not ("right" or "wrong") and var verdict)
        {
            findings.Add("I3", entry, "a verdict that is right or wrong", $"'{verdict}'");
        }

        if (!_decisions.Contains(body.Text("decision")))
        {
            findings.Add("I3", entry, "a decision of this run to be judged", $"'{body.Text("decision")}'");
        }
    }

    public void Escalated(Entry entry, Body body)
    {
        _ = body.Text("reason");
        var (from, to) = (body.Text("from"), body.Text("to"));
        if (Locate(entry, body.Text("agent"), from, "I3") is not var (asking, tier))
        {
            return;
        }

        if (tier.Escalation is { } before)
        {
            findings.Add("I3", entry, $"one escalation from '{from}' in '{asking.Scope}'", $"a second one after that of seq {before.Seq}");
            return;
        }

        if (asking.Standing is { } standing)
        {
            findings.Add("I3", entry, $"no escalation after the decision of seq {standing.Seq}, which stands", $"one from '{from}' to '{to}'");
        }

        if (body.OptionalText("decision") is var decision && decision != tier.Decision?.Id)
        {
            findings.Add("I3", entry, tier.Decision is { } made ? $"the decision '{made.Id}' to climb" : "no decision, as the tier made none", decision is null ? "none" : $"'{decision}'");
        }

        if (asking.Pinned is { } pinned && pinned.IndexOf(from) is >= 0 and var rung)
        {
            var next = rung + 1 < pinned.Tiers.Count ? pinned.Tiers[rung + 1].Name : Person;
            if (to != next && to != Person)
            {
                findings.Add("I3", entry, next == Person ? $"an escalation from '{from}' to a person" : $"an escalation from '{from}' to '{next}' or a person", $"one to '{to}'");
            }
        }

        tier.Escalation = (to, entry.Seq);
    }

    /// <summary>An action in an agent's own scope is the agent's: it begins because a reply that is not answered yet calls a tool.</summary>
    public void Act(Entry entry)
    {
        if (!_askings.TryGetValue(entry.Scope, out var asking))
        {
            return;
        }

        var key = (entry.Scope, entry.Step);
        if (IsUndone(_actions.GetValueOrDefault(key)) && asking.Standing is not null)
        {
            findings.Add("I18", entry, $"nothing more of the action '{Name(entry.Step)}', which ended as {_actions[key]} in an asking that stands", $"'{entry.Kind}'");
        }
        else if (!_actions.ContainsKey(key))
        {
            var given = Given(entry, asking.Agent) ?? [];
            if (!asking.Conversations.Any(c => c.Turn > 0 && (c.Calls is null ? given.Count > 0 : c.Unanswered.Any(call => given.Contains(call.Value, StringComparer.Ordinal)))))
            {
                findings.Add("I18", entry, $"a call of a tool that '{entry.State}' gives '{asking.Agent}' ({List(given)}), not answered yet, before the action '{Name(entry.Step)}' begins", "none");
            }
        }

        _actions[key] = entry.Kind;
    }

    /// <summary>
    /// After a retry, an agent whose decision did not stand may begin anew, with all that is recorded within its scope; of one whose decision stands everything stays, what failed too. Gives
    /// whether a scope begins anew, and whether it stays.
    /// </summary>
    public (Func<string, bool> BeginsAnew, Func<string, bool> Stays) Reopen()
    {
        var anew = _askings.Values.Where(a => a.Standing is null).Select(a => a.Scope).ToArray();
        var stay = _askings.Values.Where(a => a.Standing is not null).Select(a => a.Scope).ToArray();
        foreach (var scope in _askings.Keys.Where(BeginsAnew).ToArray())
        {
            _askings.Remove(scope);
        }

        foreach (var action in _actions.Where(a => IsUndone(a.Value) && !Stays(a.Key.Scope)).Select(a => a.Key).ToArray())
        {
            _actions.Remove(action);
        }

        _told.Clear();
        return (BeginsAnew, Stays);

        bool BeginsAnew(string scope) => anew.Any(a => IsWithin(scope, a));

        bool Stays(string scope) => stay.Any(s => IsWithin(scope, s));
    }

    /// <summary>Whether an action has ended without its effect: a retry may open it again.</summary>
    private static bool IsUndone(string? kind) => kind is "action.not_applied" or "action.diverged" or "action.refused";

    private void CheckFinish(Entry entry, Body model)
    {
        var finish = model.OptionalText("finishReason") ?? "";
        if (finish is "" or "length" or "content_filter")
        {
            findings.Add("I23", entry, "a model's reply with a complete finish reason", finish.Length == 0 ? "none" : $"'{finish}'");
        }
    }

    /// <summary>A model has answered an agent.</summary>
    private void Answered(Entry entry, Body model, string agent)
    {
        if (Locate(entry, agent, model.OptionalText("tier") ?? "", "I23") is not var (asking, tier))
        {
            return;
        }

        var number = Number(model, "turn");
        if (Turn(entry.Step) is not { } turn || turn.Number != number)
        {
            findings.Add("I23", entry, $"the step of turn {number}", $"'{entry.Step}'");
        }
        else if (!_told.Contains((entry.Scope, entry.Step)))
        {
            CheckTurn(entry, asking, tier, turn);
        }

        tier.In(entry.Scope).Reply(number, Calls(model));
    }

    /// <summary>Whether this turn may be asked, or answered, now. Told once for each step.</summary>
    private void CheckTurn(Entry entry, Asking asking, TierCourse tier, (long Number, long Try) turn)
    {
        var conversation = tier.In(entry.Scope);
        if (!MustBeAtWork(entry, asking, tier, "turn"))
        {
            _told.Add((entry.Scope, entry.Step));
        }
        else if (turn.Number != conversation.Turn + 1)
        {
            Tell($"turn {conversation.Turn + 1}", $"turn {turn.Number}");
        }
        else if (turn.Try > 1 && conversation.Failed != (turn.Number, turn.Try - 1))
        {
            Tell($"try {turn.Try} of turn {turn.Number} after try {turn.Try - 1} has failed", "one without");
        }
        else if (conversation.Unanswered.FirstOrDefault() is { Key: { } callId } open)
        {
            Tell($"an answer to the call '{callId}' of '{open.Value}' before turn {turn.Number}", "none");
        }
        else if (conversation is { Turn: > 0, Calls.Count: 0, IsAnswerRejected: false })
        {
            Tell($"no turn after the answer of turn {conversation.Turn}, which nothing rejected", $"turn {turn.Number}");
        }

        void Tell(string expected, string got)
        {
            findings.Add("I23", entry, expected, got);
            _told.Add((entry.Scope, entry.Step));
        }
    }

    /// <summary>A tier is at work from the escalation to it to its own decision or escalation.</summary>
    private bool MustBeAtWork(Entry entry, Asking asking, TierCourse tier, string what)
    {
        if (tier.Decision is { } decision)
        {
            findings.Add("I23", entry, $"no {what} of tier '{tier.Name}' after its decision of seq {decision.Seq}", $"'{entry.Kind}'");
            return false;
        }

        if (tier.Escalation is { } escalation)
        {
            findings.Add("I23", entry, $"no {what} of tier '{tier.Name}' after its escalation of seq {escalation.Seq}", $"'{entry.Kind}'");
            return false;
        }

        if (asking.Standing is { } standing)
        {
            findings.Add("I3", entry, $"no further tier after the decision of seq {standing.Seq}, which stands", $"tier '{tier.Name}'");
            return false;
        }

        return IsNext(entry, asking, tier);
    }

    private bool IsNext(Entry entry, Asking asking, TierCourse tier)
    {
        var at = asking.Tiers.IndexOf(tier);
        if (at == 0)
        {
            if (asking.Pinned is { Tiers: [var first, ..] } && first.Name != tier.Name)
            {
                findings.Add("I3", entry, $"the first tier '{first.Name}' to be asked first", $"'{tier.Name}'");
                return false;
            }

            return true;
        }

        var before = asking.Tiers[at - 1];
        if (before.Climbing is { } climbing)
        {
            findings.Add("I3", entry, $"an escalation after the decision of seq {climbing.Seq}, which does not stand", $"tier '{tier.Name}'");
            before.Escalation = (tier.Name, entry.Seq);
            return false;
        }

        if (before.Escalation?.To != tier.Name)
        {
            findings.Add("I3", entry, before.Escalation is { } to ? $"'{to.To}' after the escalation of seq {to.Seq}" : $"an escalation from '{before.Name}' first", $"tier '{tier.Name}'");
            before.Escalation = (tier.Name, entry.Seq);
            return false;
        }

        return true;
    }

    private void MustNotClimb(Entry entry, TierCourse tier, string got)
    {
        if (tier.Climbing is { } climbing)
        {
            findings.Add("I3", entry, $"an escalation after the decision of seq {climbing.Seq}, which does not stand", got);
        }
    }

    /// <summary>A tool has answered, or an attempt of it has failed.</summary>
    private void Called(Entry entry, Body? tool)
    {
        var name = Name(entry.Step);
        if (tool is not { } call)
        {
            findings.Add("I18", entry, $"whose call of '{name}' it was", "none");
            return;
        }

        if (Locate(entry, call.Text("agent"), call.Text("tier"), "I18") is not var (asking, tier))
        {
            return;
        }

        var given = Given(entry, asking.Agent);
        if (given?.Contains(name, StringComparer.Ordinal) != true)
        {
            findings.Add("I18", entry, $"a tool that '{entry.State}' gives '{asking.Agent}' ({List(given)})", $"'{name}'");
        }
        else if (asking.Pinned is { } pinned && !pinned.Tools.Contains(name))
        {
            findings.Add("I18", entry, $"a tool that was pinned at seq {asking.Seq} ({List(pinned.Tools)})", $"'{name}'");
        }

        var (callId, turn, conversation) = (call.Text("callId"), Number(call, "turn"), tier.In(entry.Scope));
        if (conversation.Answered.TryGetValue(callId, out var answered) && turn == conversation.Turn)
        {
            findings.Add("I18", entry, answered == "tool.rejected" ? $"the call '{callId}' not to be carried out, as it was rejected" : $"one answer to the call '{callId}'", $"'{entry.Kind}' after a {answered}");
            return;
        }

        CheckCall(entry, conversation, turn, callId, name);
        MustBeAtWork(entry, asking, tier, "call");
        if (entry.Kind != "step.attempt_failed")
        {
            conversation.Answered[callId] = entry.Kind;
        }
    }

    /// <summary>The last reply made this very call.</summary>
    private void CheckCall(Entry entry, Conversation conversation, long turn, string callId, string? name)
    {
        if (turn != conversation.Turn)
        {
            findings.Add("I18", entry, $"a call of the turn before it, {conversation.Turn}", $"one of turn {turn}");
        }
        else if (conversation.Calls is { } calls && (!calls.TryGetValue(callId, out var called) || (name is not null && called != name)))
        {
            findings.Add("I18", entry, $"a call that the reply of turn {turn} makes ({List(calls.Select(c => $"{c.Key} of {c.Value}"))})", $"'{callId}'{(name is null ? "" : $" of '{name}'")}");
        }
    }

    /// <summary>The asking and the tier that an entry belongs to; null if there is none, which is told under <paramref name="invariant"/>.</summary>
    private (Asking Asking, TierCourse Tier)? Locate(Entry entry, string? agent, string? tier, string? invariant)
    {
        for (var end = entry.Scope.LastIndexOf('/'); end > 0; end = entry.Scope.LastIndexOf('/', end - 1))
        {
            if (!_askings.TryGetValue(entry.Scope[..end], out var asking))
            {
                continue;
            }

            var rest = entry.Scope.AsSpan(end + 1);
            var name = (rest.IndexOf('/') is >= 0 and var slash ? rest[..slash] : rest).ToString();
            if (invariant is not null && ((agent is not null && asking.Agent != agent) || (tier is not null && tier != name)))
            {
                findings.Add(invariant, entry, $"agent '{asking.Agent}', tier '{name}', whose scope '{entry.Scope}' is", $"agent '{agent}', tier '{tier}'");
                return null;
            }

            if (invariant is not null && asking.Pinned is { } pinned && pinned.IndexOf(name) < 0)
            {
                findings.Add("I3", entry, $"a tier that was pinned at seq {asking.Seq} ({List(pinned.Tiers.Select(t => t.Name))})", $"'{name}'");
                return null;
            }

            return (asking, asking.Tier(name));
        }

        if (invariant is not null)
        {
            findings.Add(invariant, entry, $"an agent.began of '{agent}' before it", $"'{entry.Kind}' in '{entry.Scope}'");
        }

        return null;
    }

    private IReadOnlyList<string>? Given(Entry entry, string agent) => definition.States.GetValueOrDefault(entry.State)?.Agents.GetValueOrDefault(agent);

    private PinnedAgent? Pinned(JsonElement configuration) => Body.Reference(configuration) is { } address ? payloads.FindPinned(address) : PinnedAgent.Read(configuration);

    private Dictionary<string, string>? Calls(Body model)
    {
        if (model.Element("reply") is not { } reply)
        {
            throw new BodyFaultException("a model call with 'reply'", "none");
        }

        if (Body.Reference(reply) is not { } address)
        {
            return Reply.Calls(reply);
        }

        if (payloads.Find(address) is not { IsEmpty: false } json)
        {
            return null;
        }

        using var document = JsonDocument.Parse(json, JsonLines.DeepDocument);
        return Reply.Calls(document.RootElement);
    }

    private static bool IsWithin(string scope, string outer) => scope == outer || (scope.Length > outer.Length && scope[outer.Length] == '/' && scope.StartsWith(outer, StringComparison.Ordinal));

    private static long Number(Body body, string member) => body.OptionalNumber(member) ?? 0;

    private static string Name(string step) => step.Split('/')[0];

    private static string Shown(double number) => number.ToString(CultureInfo.InvariantCulture);

    private static string List(IEnumerable<string>? names) => names is null || !names.Any() ? "none" : string.Join(", ", names);

    private static string Describe(Conversation conversation) => conversation switch
    {
        { Turn: 0 } => "none",
        { IsAnswerRejected: true } => $"turn {conversation.Turn}, whose answer was rejected",
        { Calls.Count: > 0 } => $"turn {conversation.Turn}, which calls tools",
        _ => $"turn {conversation.Turn}",
    };

    /// <summary>The number of a turn, and which try it is, from its step: <c>turn-3</c>, <c>turn-3.2</c>.</summary>
    private static (long Number, long Try)? Turn(string step) => TurnName().Match(Name(step)) is { Success: true } match
        ? (long.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture), match.Groups[2].Success ? long.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture) : 1)
        : null;

    [GeneratedRegex(@"^turn-(\d{1,9})(?:\.(\d{1,9}))?$")]
    private static partial Regex TurnName();
}
