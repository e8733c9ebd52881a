using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>I9: a conflict is on record in both runs, and so is what became of it, before anything is done against a claim that stands.</summary>
internal sealed class Conflicts(Findings findings)
{
    private static readonly string[] s_by = ["wait", "yield", "priority", "person"], s_outcomes = ["waits", "yields", "overrules", "stands", "overruled"];

    private readonly Dictionary<Side, Place> _raised = [];
    private readonly Dictionary<Side, Ruling> _ruled = [];

    public void Raise(Entry entry, Body body)
    {
        var side = new Side(entry.Run, body.Text("actionId"), body.Text("otherActionId"));
        _raised.TryAdd(side, new(entry.Seq, body.Text("otherRun")));
    }

    public void Rule(Entry entry, Body body)
    {
        var side = new Side(entry.Run, body.Text("actionId"), body.Text("otherActionId"));
        var (by, outcome) = (body.Text("by"), body.Text("outcome"));
        if (!_raised.ContainsKey(side))
        {
            findings.Add("I9", entry, $"a conflict.raised of '{side.Action}' with '{side.Other}' before it is ruled", "none");
        }

        if (!s_by.Contains(by, StringComparer.Ordinal) || !s_outcomes.Contains(outcome, StringComparer.Ordinal))
        {
            findings.Add("I3", entry, $"a ruling by {string.Join(", ", s_by)}, whose outcome is {string.Join(", ", s_outcomes)}", $"'{outcome}' by '{by}'");
        }

        _ruled[side] = new(entry.Seq, body.Text("otherRun"), by, outcome);
    }

    /// <summary>What is missing for an intent against a standing claim; null if nothing is.</summary>
    public string? Missing(ActionClaims action, LiveClaim standing, bool approved, long priority)
    {
        var (own, other) = (new Side(action.Run, action.Id, standing.Owner.Id), new Side(standing.Owner.Run, standing.Owner.Id, action.Id));
        var ruling = _ruled.GetValueOrDefault(own);
        return !_raised.ContainsKey(own) ? $"no conflict.raised in run '{own.Run}'"
            : ruling?.Outcome != "overrules" ? $"{(ruling is null ? "no conflict.ruled" : $"a conflict.ruled that says '{ruling.Outcome}'")} in run '{own.Run}'"
            : !_raised.ContainsKey(other) ? $"no conflict.raised in run '{other.Run}'"
            : _ruled.GetValueOrDefault(other)?.Outcome != "overruled" ? $"no conflict.ruled that says 'overruled' in run '{other.Run}'"
            : ruling.By is "wait" or "yield" ? $"a ruling by '{ruling.By}', which overrules nothing"
            : ruling.By == "person" && !approved ? "a ruling by a person, and no approval"
            : ruling.By == "priority" && priority <= standing.Owner.Priority ? $"a ruling by priority, and {priority} is not above {standing.Owner.Priority}"
            : null;
    }

    public void End()
    {
        foreach (var (side, place) in _raised.Where(r => r.Key.Run != r.Value.OtherRun && !_raised.ContainsKey(r.Key.Across(r.Value.OtherRun))))
        {
            findings.Add("I9", side.Run, place.Seq, $"a conflict.raised of '{side.Other}' with '{side.Action}' in run '{place.OtherRun}' too", "none");
        }

        foreach (var (side, ruling) in _ruled.Where(r => r.Key.Run != r.Value.OtherRun))
        {
            var across = _ruled.GetValueOrDefault(side.Across(ruling.OtherRun))?.Outcome;
            if (across is null || (ruling.Outcome == "overrules") != (across == "overruled"))
            {
                findings.Add(
                    "I9", side.Run, ruling.Seq, $"a conflict.ruled in run '{ruling.OtherRun}' that goes with '{ruling.Outcome}'", across is null ? "none" : $"'{across}'");
            }
        }
    }

    private readonly record struct Side(string Run, string Action, string Other)
    {
        public Side Across(string otherRun) => new(otherRun, Other, Action);
    }

    private sealed record Place(long Seq, string OtherRun);

    private sealed record Ruling(long Seq, string OtherRun, string By, string Outcome);
}
