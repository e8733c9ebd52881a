using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>What an action's claims are against, and who gives way.</summary>
internal sealed class Conflicts(VisitEngine visit)
{
    /// <summary>How many actions of others one action may be against.</summary>
    private const int ConflictsMax = 100;

    /// <summary>Puts conflicts on record, in both runs, and says who gives way. Gives the other runs' side.</summary>
    public async Task<List<Commit>> RuleAsync(GatedAction action, List<EntryDraft> drafts, Barriers barriers, bool mayAsk = true)
    {
        var also = new List<Commit>();
        if (action.Asked.Undo)
        {
            return also;
        }

        var known = visit.Record.Action(action.Step)?.Conflicts ?? [];
        var isAsked = visit.Record.Asked(action.Step) is not null;
        const int RowsMax = 10_000;
        var rows = await visit.Engine.Store.ClaimsAsync(new ClaimQuery { Overlapping = [.. action.Intended.Claims!.Select(c => c.Resource)], Limit = RowsMax }, visit.Abandoned);
        visit.ThrowIfClosed();
        var against = from row in rows
                      where row.ActionId != action.Intended.ActionId && !row.Undo && row.IsLive(visit.Journal.Now)
                      let claim = action.Intended.Claims!.FirstOrDefault(c => c.Opposes(row.Claim))
                      where claim is not null
                      group (Row: row, Claim: claim) by row.ActionId into other
                      select other.OrderByDescending(o => o.Row.Phase).First();
        var conflicts = against.ToArray();
        if (rows.Count == RowsMax || conflicts.Length > ConflictsMax)
        {
            barriers.Refusal = $"{(rows.Count == RowsMax ? $"{RowsMax:N0} claims or more" : $"{conflicts.Length:N0} actions that want the opposite")} lie on what it claims, which is too much for one action: claim something narrower";
            return also;
        }

        foreach (var (row, claim) in conflicts)
        {
            // That something stood when a person was asked is another thing than that somebody wanted it.
            var isKnown = known.TryGetValue(row.ActionId, out var phase) && (phase == ClaimPhase.Standing || row.Phase != ClaimPhase.Standing);
            if (!isKnown)
            {
                Raise(action, claim, row, drafts, also);
            }

            if (row.Phase == ClaimPhase.Standing)
            {
                Rule(action, row, drafts, also, barriers, isNew: isAsked && !isKnown, mayAsk);
            }
        }

        return also;
    }

    /// <summary>Puts one on record, in both runs.</summary>
    public void Raise(GatedAction action, Claim claim, ClaimRow row, List<EntryDraft> drafts, List<Commit> also)
    {
        var ours = new ConflictRaised(
            action.Intended.ActionId, action.Intended.Action, claim.Resource.Name, claim.Intent, row.Run, row.ActionId, row.Action, row.Claim.Resource.Name, row.Claim.Intent, row.Phase);
        var cause = $"'{claim.Intent}' on {claim.Resource} is against '{row.Claim.Intent}' on {row.Claim.Resource} of run {row.Run}";
        drafts.Add(visit.Draft(EntryKinds.ConflictRaised, action.Step, Body.Write(ours), cause, actor: "engine"));
        if (row.Run != visit.Row.Run)
        {
            var theirs = new ConflictRaised(
                row.ActionId, row.Action, row.Claim.Resource.Name, row.Claim.Intent, visit.Row.Run, action.Intended.ActionId, action.Intended.Action, claim.Resource.Name, claim.Intent, ClaimPhase.Proposal);
            also.Add(Theirs(row, EntryKinds.ConflictRaised, Body.Write(theirs), $"'{claim.Intent}' on {claim.Resource} of run {visit.Row.Run} is against '{row.Claim.Intent}' on {row.Claim.Resource}"));
        }
    }

    private void Rule(GatedAction action, ClaimRow row, List<EntryDraft> drafts, List<Commit> also, Barriers barriers, bool isNew, bool mayAsk)
    {
        var policy = action.Handler.Policy;
        var stands = $"'{row.Claim.Intent}' on {row.Claim.Resource} of run {row.Run} stands";
        var (by, wins, why) = policy.OnConflict switch
        {
            _ when row.Run == visit.Row.Run => ("run", true, "the run itself changes its mind"),
            ConflictRule.Priority => ("priority", policy.Priority > row.Priority, $"priority {policy.Priority} against {row.Priority}"),
            ConflictRule.Yield => ("yield", false, $"{stands}, and this action gives way"),
            _ when !mayAsk => ("yield", false, $"{stands}, and it is so already"),
            _ => ("person", true, "approved by a person"),
        };
        if (by == "person")
        {
            if (isNew)
            {
                barriers.Refusal = $"since a person was asked, another conflict has come up: {stands}";
                return;
            }

            barriers.NeedsApproval = true;
            barriers.Why.Add($"{stands}, and would be overruled");
            barriers.ByPerson.Add(row);
            return;
        }

        if (wins)
        {
            barriers.Overrules.Add(row.ActionId);
        }
        else
        {
            barriers.Refusal = by == "priority" ? $"{stands}, and has the priority ({why})" : why;
        }

        AddRuling(action, row, by, wins, why, drafts, also);
    }

    /// <summary>Puts on record what became of one, in both runs.</summary>
    public void AddRuling(GatedAction action, ClaimRow row, string by, bool wins, string why, List<EntryDraft> drafts, List<Commit> also) =>
        AddRuling(action, row, by, wins ? "overrules" : "yields", wins ? "overruled" : "stands", why, drafts, also);

    public void AddRuling(GatedAction action, ClaimRow row, string by, string ours, string theirs, string why, List<EntryDraft> drafts, List<Commit> also)
    {
        drafts.Add(visit.Draft(EntryKinds.ConflictRuled, action.Step, Body.Write(new ConflictRuled(action.Intended.ActionId, row.Run, row.ActionId, by, ours, why)), why, actor: "engine"));
        if (row.Run != visit.Row.Run)
        {
            also.Add(Theirs(row, EntryKinds.ConflictRuled, Body.Write(new ConflictRuled(row.ActionId, visit.Row.Run, action.Intended.ActionId, by, theirs, why)), why));
        }
    }

    private Commit Theirs(ClaimRow row, string kind, ReadOnlyMemory<byte> body, string cause) => new()
    {
        Run = row.Run,
        Entries = [new EntryDraft { Kind = kind, Actor = "run:" + visit.Row.Run, Cause = cause, Body = body }],
    };
}
