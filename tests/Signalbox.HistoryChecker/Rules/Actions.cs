using System.Text.Json;
using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>A verdict that changed what should be in the target's state.</summary>
internal readonly record struct StateChange(long Position, ActionRecord Action, bool Undo, bool MadeByUs, IReadOnlyList<string> Releases);

/// <summary>
/// What the journal alone says of actions: an intent before everything that needs one (I4), its arguments' hash (I4), no second intent once it is
/// verified (I5), and nothing unsettled when a visit or the run ends (I3).
/// </summary>
internal sealed class Actions(Findings findings, Payloads payloads, HistoryOptions options)
{
    private readonly Dictionary<string, ActionRecord> _all = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<ActionRecord>> _byRun = new(StringComparer.Ordinal);
    private readonly List<(Entry Entry, string Payload, string Stated)> _hashesToCheck = [];
    private readonly HashSet<string> _ended = new(StringComparer.Ordinal);

    public IReadOnlyCollection<ActionRecord> All => _all.Values;

    public List<StateChange> StateChanges { get; } = [];

    public ActionRecord? Find(string id) => _all.GetValueOrDefault(id);

    public bool HasEnded(string run) => _ended.Contains(run);

    /// <summary>Whether entries of this kind are about actions, or about what they need or hold.</summary>
    public static bool Concerns(string kind) => kind.StartsWith("action.", StringComparison.Ordinal) || kind.StartsWith("approval.", StringComparison.Ordinal) || kind.StartsWith("claim.", StringComparison.Ordinal)
        || kind.StartsWith("conflict.", StringComparison.Ordinal)
        || kind is "run.started" or "state.entered" or "run.completed" or "run.canceled" or "run.failed" or "run.retried" or "run.held" or "policy.judged";

    public void Take(Entry entry, Body body)
    {
        if (entry.Kind is "state.entered" or "run.completed" or "run.canceled")
        {
            CheckSettled(entry);
        }

        if (entry.Kind is "run.completed" or "run.canceled" or "run.failed")
        {
            _ended.Add(entry.Run);
        }
        else if (entry.Kind == "run.retried")
        {
            _ended.Remove(entry.Run);
        }

        switch (entry.Kind)
        {
            case "action.proposed": Propose(entry, body); break;
            case "action.intended": Intend(entry, body); break;
            case "action.executed": Execute(entry, body); break;
            case "action.verified": Observe(entry, body, Phase.Verified); break;
            case "action.not_applied": Observe(entry, body, Phase.NotApplied); break;
            case "action.diverged": Observe(entry, body, Phase.Diverged); break;
            case "action.unverified": Observe(entry, body, Phase.Unverified); break;
            case "action.refused": Observe(entry, body, Phase.Refused); break;
            case "action.unknown": Observe(entry, body, Phase.Unknown); break;
            case "action.settled": Settle(entry, body); break;
            case "run.failed" when body.Text("code") == "abandoned": SettleAll(entry); break;
        }
    }

    /// <summary>What could not be said before the last payload was read.</summary>
    public void End()
    {
        foreach (var (entry, payload, stated) in _hashesToCheck)
        {
            CheckHash(entry, payloads.CanonicalHash(payload), stated);
        }
    }

    private void CheckSettled(Entry entry)
    {
        foreach (var action in Of(entry.Run).Where(a => a.IsUnsettled))
        {
            var course = action.Do.IsUnsettled ? action.Do : action.Undo;
            findings.Add("I3", entry, $"no unsettled action at '{entry.Kind}'", $"'{action.Name}' ({action.Id}), {course.Phase} at seq {course.Seq}");
        }
    }

    private void Propose(Entry entry, Body body) => KeepArguments(entry, body, Record(entry, body));

    /// <summary>The arguments have the hash that is stated, and are those that the action has always had.</summary>
    private void KeepArguments(Entry entry, Body body, ActionRecord action)
    {
        var stated = body.Text("argumentsHash");
        var arguments = body.Element("arguments") ?? throw new BodyFaultException("a body with 'arguments'", "none");
        if (Body.Reference(arguments) is { } payload)
        {
            _hashesToCheck.Add((entry, payload, stated));
        }
        else
        {
            CheckHash(entry, Canonical.Hash(arguments), stated);
        }

        if (action.ArgumentsHash is { } before && before != stated)
        {
            findings.Add("I4", entry, $"action '{action.Id}' to keep the arguments {before}", stated);
        }

        action.ArgumentsHash = stated;
    }

    private void Intend(Entry entry, Body body)
    {
        var action = Record(entry, body);
        var undo = body.Flag("undo");
        var course = undo ? action.Undo : action.Do;
        KeepArguments(entry, body, action);
        action.TargetClass = body.Text("targetClass");
        if (action.TargetClass is not ("T0" or "T1" or "T2" or "T3" or "T4"))
        {
            findings.Add("I3", entry, "a target class from T0 to T4", $"'{action.TargetClass}'");
        }

        var attempt = body.OptionalNumber("attempt") ?? 1;
        if (course.Phase is Phase.Verified or Phase.Unverified && !(action.Undo.Phase is Phase.Verified or Phase.Unverified && !undo))
        {
            findings.Add("I5", entry, $"no intent of action '{action.Id}' after seq {course.Seq} {(course.Phase == Phase.Verified ? "verified it" : "ended it as answered")}", $"attempt {attempt}");
        }
        else if (attempt <= course.Attempt)
        {
            findings.Add("I5", entry, $"attempt {course.Attempt + 1} of action '{action.Id}'", $"attempt {attempt}");
        }

        action.Step = (entry.Scope, entry.Step);
        course.IntentPosition ??= entry.Position;
        course.Attempt = attempt;
        course.IsAnswered = false;
        action.Intended = course;
        Set(course, Phase.Intended, entry);
    }

    private void CheckHash(Entry entry, string? actual, string stated)
    {
        if (actual != stated)
        {
            findings.Add("I4", entry, $"argumentsHash {actual ?? "of arguments that have a canonical form"}", stated);
        }
    }

    private void Execute(Entry entry, Body body)
    {
        var id = body.Text("actionId");
        if (_all.GetValueOrDefault(id)?.Intended is not { } course)
        {
            NoIntent(entry, id);
        }
        else
        {
            var action = _all[id];
            if (action.TargetClass == "T4" && course == action.Do && course.IsAnswered)
            {
                findings.Add("I5", entry, $"no second call for '{id}' at a T4 target that has answered one", "another action.executed");
            }

            course.IsAnswered |= body.OptionalText("error") is null;
            Set(course, Phase.Executed, entry);
        }
    }

    private void Observe(Entry entry, Body body, Phase verdict)
    {
        var action = Record(entry, body);
        var undo = body.Flag("undo");
        var course = undo ? action.Undo : action.Do;
        var madeByUs = body.Flag("madeByUs");
        if (course.IntentPosition is null && (madeByUs || verdict is Phase.Diverged or Phase.Unverified))
        {
            NoIntent(entry, action.Id);
        }
        else if (verdict == Phase.Unverified)
        {
            MayStayUnverified(entry, action, course, madeByUs);
        }

        if (body.OptionalText("argumentsHash") is not null)
        {
            KeepArguments(entry, body, action);
        }

        course.MadeByUs = madeByUs;
        course.IsAccepted = verdict == Phase.Verified && (body.OptionalNumber("probes") ?? 0) == 0;
        action.Step = (entry.Scope, entry.Step);
        Set(course, verdict, entry);
        if (verdict == Phase.Verified)
        {
            StateChanges.Add(new(entry.Position, action, undo, madeByUs, body.Texts("releases")));
            if (IsOfTheState(action.Name) && action.Resource is null)
            {
                findings.Add("I10", entry, $"arguments with the text '{options.Resource}' in the intent or the verdict of '{action.Name}'", "none");
            }
        }
    }

    /// <summary>Only what cannot be asked may end without a look, and only on an answer; whose effect it is, nobody can know then.</summary>
    private void MayStayUnverified(Entry entry, ActionRecord action, Course course, bool madeByUs)
    {
        if (action.TargetClass != "T4")
        {
            findings.Add("I6", entry, $"'{action.Id}' to be looked at, which a {action.TargetClass} target allows", "it is left unverified");
        }

        if (!course.IsAnswered || course.Phase is not (Phase.Executed or Phase.Unknown))
        {
            findings.Add("I6", entry, $"an answer of the target to '{action.Id}' before it is left unverified", course.IsAnswered ? $"{course.Phase} at seq {course.Seq}" : "none without an error");
        }

        if (madeByUs)
        {
            findings.Add("I6", entry, $"nobody to know whose effect '{action.Id}' is", "it is made by us, and unverified");
        }
    }

    private void Settle(Entry entry, Body body)
    {
        _ = body.Text("verb");
        var steps = body.Steps("steps");
        foreach (var action in Of(entry.Run).Where(a => a.IsUnsettled && steps.Contains(a.Step)))
        {
            SettleCourses(action, entry.Seq);
        }
    }

    /// <summary>Who abandons a run takes its actions as they are.</summary>
    private void SettleAll(Entry entry)
    {
        foreach (var action in Of(entry.Run))
        {
            SettleCourses(action, entry.Seq);
        }
    }

    private static void SettleCourses(ActionRecord action, long seq)
    {
        foreach (var course in new[] { action.Do, action.Undo }.Where(c => c.IsUnsettled))
        {
            (course.Phase, course.Seq) = (Phase.Settled, seq);
        }
    }

    private void NoIntent(Entry entry, string id) => findings.Add("I4", entry, $"an action.intended of '{id}' before it", $"'{entry.Kind}' without one");

    private static void Set(Course course, Phase phase, Entry entry) => (course.Phase, course.Seq) = (phase, entry.Seq);

    private ActionRecord Record(Entry entry, Body body)
    {
        var id = body.Text("actionId");
        var name = body.Text("action");
        if (!_all.TryGetValue(id, out var action))
        {
            action = new ActionRecord(id, entry.Run) { Name = name };
            _all.Add(id, action);
            _byRun.TryAdd(entry.Run, []);
            _byRun[entry.Run].Add(action);
        }

        if (action.Run != entry.Run || action.Name != name)
        {
            findings.Add("I4", entry, $"action '{id}' to be the '{action.Name}' of run '{action.Run}' alone", $"a '{name}'");
        }

        action.Resource ??= IsOfTheState(name) ? Resource(body.Element("arguments")) : null;
        return action;
    }

    private bool IsOfTheState(string action) => options.Action is not null && (action == options.Action || action == options.Against);

    private string? Resource(JsonElement? arguments)
    {
        if (arguments is not { ValueKind: JsonValueKind.Object } inline || options.Resource is null)
        {
            return null;
        }

        if (Body.Reference(inline) is { } payload)
        {
            if (payloads.Find(payload) is not { IsEmpty: false } json)
            {
                return null;
            }

            using var document = JsonDocument.Parse(json, JsonLines.DeepDocument);
            return document.RootElement.ValueKind == JsonValueKind.Object && Body.Reference(document.RootElement) is null ? Resource(document.RootElement) : null;
        }

        return inline.TryGetProperty(options.Resource, out var value) && value.ValueKind == JsonValueKind.String ? TargetResource.Normal(value.GetString()!) : null;
    }

    private List<ActionRecord> Of(string run) => _byRun.TryGetValue(run, out var actions) ? actions : [];
}
