using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.CommandLine.Actions;

/// <summary>Who answered a question about an action, with which roles.</summary>
internal sealed record Approver(string Actor, string Choice, IReadOnlyList<string> Roles, string? Comment);

/// <summary>An action of a run, as its entries tell it: how far it came, on what proof, by whose approval.</summary>
internal sealed class ActionStory(string id, string name, ScopedStep step, string state, int visit)
{
    public string Id { get; } = id;

    public string Name { get; } = name;

    public ScopedStep Step { get; } = step;

    public string State { get; } = state;

    public int Visit { get; } = visit;

    public string Status { get; set; } = "probed";

    public long At { get; set; }

    public RawJson? Arguments { get; set; }

    public string? Hash { get; set; }

    public string? TargetClass { get; set; }

    public string? Reversibility { get; set; }

    public bool Undo { get; set; }

    public int Attempts { get; set; }

    public int Quorum { get; set; } = 1;

    public string? Proposer { get; set; }

    public string? Reason { get; set; }

    public string? Proof { get; set; }

    public int Probes { get; set; }

    public Agreement? Agreement { get; set; }

    /// <summary>Whether our call made the effect; null while nothing is verified.</summary>
    public bool? MadeByUs { get; set; }

    public IReadOnlyList<Claim> Claims { get; set; } = [];

    public List<Approver> Approvers { get; } = [];

    public List<PolicyJudged> Verdicts { get; } = [];

    public List<(ConflictRaised Raised, ConflictRuled? Ruled)> Conflicts { get; } = [];
}

/// <summary>Makes the actions of a run out of its entries, in the order in which they were first seen.</summary>
internal sealed class ActionFold
{
    private readonly Dictionary<string, ActionStory> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Visit, string Scope, string Step), ActionStory> _byStep = [];
    private readonly List<ActionStory> _inOrder = [];

    public IReadOnlyList<ActionStory> Actions => _inOrder;

    public void Add(Entry entry)
    {
        switch (entry.Kind)
        {
            case var _ when entry.IsErased:
                break;
            case EntryKinds.ActionProposed:
                var proposed = Body.Read<ActionProposed>(entry);
                var wanted = Of(entry, proposed.ActionId, proposed.Action);
                (wanted.Status, wanted.Arguments, wanted.Hash, wanted.TargetClass, wanted.Reversibility, wanted.Undo, wanted.Proposer, wanted.Claims) =
                    ("proposed", proposed.Arguments, proposed.ArgumentsHash, proposed.TargetClass, proposed.Reversibility, proposed.Undo, proposed.Proposer, proposed.Claims ?? []);
                break;
            case EntryKinds.ActionIntended:
                var intended = Body.Read<ActionIntended>(entry);
                var begun = Of(entry, intended.ActionId, intended.Action);
                (begun.Status, begun.Arguments, begun.Hash, begun.TargetClass, begun.Undo, begun.Attempts, begun.Claims) =
                    ("intended", intended.Arguments, intended.ArgumentsHash, intended.TargetClass, intended.Undo, intended.Attempt, intended.Claims ?? begun.Claims);
                break;
            case EntryKinds.ActionExecuted:
                var executed = Body.Read<ActionExecuted>(entry);
                if (_byId.TryGetValue(executed.ActionId, out var called))
                {
                    (called.Status, called.At) = ("executed", entry.At);
                }

                break;
            case EntryKinds.ActionProbed or EntryKinds.ActionVerified or EntryKinds.ActionNotApplied or EntryKinds.ActionDiverged or EntryKinds.ActionUnverified or EntryKinds.ActionRefused
                or EntryKinds.ActionUnknown:
                Observe(entry, Body.Read<ActionObserved>(entry));
                break;
            case EntryKinds.PolicyJudged:
                var judged = Body.Read<PolicyJudged>(entry);
                Of(entry, judged.ActionId, judged.Action).Verdicts.Add(judged);
                break;
            case EntryKinds.ConflictRaised:
                var raised = Body.Read<ConflictRaised>(entry);
                (_byId.GetValueOrDefault(raised.ActionId) ?? Of(entry, raised.ActionId, raised.Action)).Conflicts.Add((raised, null));
                break;
            case EntryKinds.ConflictRuled:
                Rule(Body.Read<ConflictRuled>(entry));
                break;
            case EntryKinds.ClaimQueued:
                var queued = Body.Read<ClaimQueued>(entry);
                var waits = Of(entry, queued.ActionId, queued.Action);
                (waits.Status, waits.Claims, waits.Undo) = ("queued", queued.Claims, queued.Undo);
                break;
            case EntryKinds.ApprovalRequested when Body.Read<ApprovalRequested>(entry).Action is { } asked:
                var open = Of(entry, asked.ActionId, asked.Action);
                (open.Status, open.Quorum) = ("asks", Body.Read<ApprovalRequested>(entry).Terms?.Quorum ?? 1);
                break;
            case EntryKinds.ApprovalAnswered when OfStep(entry) is { } answered:
                var said = Body.Read<ApprovalAnswered>(entry);
                answered.Approvers.Add(new(entry.Actor, said.Choice, said.Roles ?? [], said.Comment));
                answered.Status = said.Choice != OpenApproval.Approve ? "rejected" : answered.Approvers.Count(a => a.Choice == OpenApproval.Approve) >= answered.Quorum ? "approved" : "asks";
                break;
            case EntryKinds.ApprovalWithdrawn or EntryKinds.ClaimWithdrawn when OfStep(entry) is { } withdrawn:
                (withdrawn.Status, withdrawn.Reason) = ("withdrawn", entry.Cause);
                break;
            case EntryKinds.ClaimReleased:
                foreach (var id in Body.Read<ClaimReleased>(entry).ActionIds)
                {
                    if (_byId.TryGetValue(id, out var released))
                    {
                        released.Claims = [];
                    }
                }

                break;
        }
    }

    private void Observe(Entry entry, ActionObserved seen)
    {
        var story = Of(entry, seen.ActionId, seen.Action);
        story.Proof = seen.Proof ?? story.Proof;
        story.Probes = seen.Probes;
        if (entry.Kind == EntryKinds.ActionProbed)
        {
            return;
        }

        story.Reason = seen.Reason;
        story.Agreement = seen.Agreement;
        story.Arguments = seen.Arguments ?? story.Arguments;
        story.Claims = seen.Claims ?? story.Claims;
        (story.Status, story.MadeByUs) = entry.Kind switch
        {
            EntryKinds.ActionVerified when seen.Undo => ("undone", false),
            EntryKinds.ActionVerified => ("verified", seen.MadeByUs),
            EntryKinds.ActionNotApplied => ("not applied", story.MadeByUs),
            EntryKinds.ActionDiverged => ("diverged", story.MadeByUs),
            EntryKinds.ActionUnverified => (seen.Undo ? "undo unverified" : "unverified", story.MadeByUs),
            EntryKinds.ActionRefused => ("refused", story.MadeByUs),
            _ => ("unknown", story.MadeByUs),
        };
    }

    private void Rule(ConflictRuled ruled)
    {
        if (_byId.TryGetValue(ruled.ActionId, out var story) && story.Conflicts.FindLastIndex(c => c.Raised.OtherActionId == ruled.OtherActionId) is >= 0 and var at)
        {
            story.Conflicts[at] = (story.Conflicts[at].Raised, ruled);
        }
    }

    private ActionStory? OfStep(Entry entry) => _byStep.GetValueOrDefault((entry.Visit, entry.Scope, entry.Step));

    private ActionStory Of(Entry entry, string id, string name)
    {
        if (!_byId.TryGetValue(id, out var story))
        {
            story = new ActionStory(id, name, new ScopedStep(entry.Scope, entry.Step), entry.State, entry.Visit);
            _byId.Add(id, story);
            _inOrder.Add(story);
            if (entry.Step.Length > 0)
            {
                _byStep[(entry.Visit, entry.Scope, entry.Step)] = story;
            }
        }

        story.At = entry.At;
        return story;
    }
}
