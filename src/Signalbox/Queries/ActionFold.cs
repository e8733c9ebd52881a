using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox.Queries;

/// <summary>Makes the actions of a run out of its entries, in the order in which they were first seen: how far each came, on what proof, by whose approval.</summary>
internal sealed class ActionFold(Redactor redactor) : IEntryFold
{
    private readonly Dictionary<string, Story> _byId = new(StringComparer.Ordinal);
    private readonly Dictionary<(int Visit, string Scope, string Step), Story> _byStep = [];
    private readonly List<Story> _inOrder = [];

    public IReadOnlyList<ActionView> Actions => [.. _inOrder.Select(s => s.View())];

    public void Add(EntryReading reading)
    {
        var entry = reading.Entry;
        switch (entry.Kind)
        {
            case EntryKinds.ActionProposed:
                Proposed(reading, reading.Body<ActionProposed>());
                break;
            case EntryKinds.ActionIntended:
                Intended(reading, reading.Body<ActionIntended>());
                break;
            case EntryKinds.ActionExecuted when _byId.GetValueOrDefault(reading.Need(reading.Body<ActionExecuted>().ActionId)) is { } called:
                called.Status = "executed";
                called.Touch(entry);
                break;
            case EntryKinds.ActionProbed or EntryKinds.ActionVerified or EntryKinds.ActionNotApplied or EntryKinds.ActionDiverged or EntryKinds.ActionUnverified or EntryKinds.ActionRefused or EntryKinds.ActionUnknown:
                Observed(reading, reading.Body<ActionObserved>());
                break;
            case EntryKinds.PolicyJudged:
                var judged = reading.Body<PolicyJudged>();
                reading.Need(judged.Policy);
                reading.Need(judged.Verdict);
                Of(reading, judged.ActionId, judged.Action).Verdicts.Add(redactor.Judged(judged));
                break;
            case EntryKinds.ConflictRaised:
                var raised = reading.Body<ConflictRaised>();
                reading.Need(raised.OtherActionId);
                Of(reading, raised.ActionId, raised.Action).Conflicts.Add(new(entry.Seq, entry.At, raised, null, null));
                break;
            case EntryKinds.ConflictRuled:
                Ruled(reading, reading.Body<ConflictRuled>());
                break;
            case EntryKinds.ClaimQueued:
                var queued = reading.Body<ClaimQueued>();
                var waits = Of(reading, queued.ActionId, queued.Action);
                (waits.Status, waits.Claims, waits.IsUndo) = ("queued", queued.Claims ?? [], queued.Undo);
                break;
            case EntryKinds.ApprovalRequested when reading.Body<ApprovalRequested>() is { Action: { } asked } request:
                var open = Of(reading, asked.ActionId, asked.Action);
                (open.Status, open.Quorum) = ("asks", request.Terms?.Quorum ?? 1);
                break;
            case EntryKinds.ApprovalAnswered when OfStep(entry) is { } answered:
                Answered(reading, answered, reading.Body<ApprovalAnswered>());
                break;
            case EntryKinds.ApprovalWithdrawn or EntryKinds.ClaimWithdrawn when OfStep(entry) is { } withdrawn:
                (withdrawn.Status, withdrawn.Reason) = ("withdrawn", redactor.Text(entry.Cause));
                withdrawn.Touch(entry);
                break;
            case EntryKinds.ClaimReleased:
                foreach (var id in reading.Need(reading.Body<ClaimReleased>().ActionIds))
                {
                    if (_byId.TryGetValue(id, out var released))
                    {
                        released.Claims = [];
                        released.Touch(entry);
                    }
                }

                break;
        }
    }

    private void Proposed(EntryReading reading, ActionProposed body)
    {
        var story = Of(reading, body.ActionId, body.Action);
        (story.Status, story.Arguments, story.Hash, story.TargetClass, story.Reversibility, story.IsUndo, story.Proposer, story.Claims) =
            ("proposed", redactor.Optional(body.Arguments), body.ArgumentsHash, body.TargetClass, body.Reversibility, body.Undo, body.Proposer, body.Claims ?? []);
    }

    private void Intended(EntryReading reading, ActionIntended body)
    {
        var story = Of(reading, body.ActionId, body.Action);
        (story.Status, story.Arguments, story.Hash, story.TargetClass, story.IsUndo, story.Attempts, story.Claims) =
            ("intended", redactor.Optional(body.Arguments), body.ArgumentsHash, body.TargetClass, body.Undo, body.Attempt, body.Claims ?? story.Claims);
    }

    private void Observed(EntryReading reading, ActionObserved seen)
    {
        var entry = reading.Entry;
        var story = Of(reading, seen.ActionId, seen.Action);
        story.Proof = redactor.Optional(seen.Proof) ?? story.Proof;
        story.Probes = seen.Probes;
        if (entry.Kind == EntryKinds.ActionProbed)
        {
            return;
        }

        story.Reason = redactor.Optional(seen.Reason);
        story.Agreement = seen.Agreement;
        story.Arguments = redactor.Optional(seen.Arguments) ?? story.Arguments;
        story.Hash = seen.ArgumentsHash ?? story.Hash;
        story.Claims = seen.Claims ?? story.Claims;
        (story.Status, story.MadeByUs) = entry.Kind switch
        {
            EntryKinds.ActionVerified when seen.Undo => ("undone", false),
            EntryKinds.ActionVerified => ("verified", seen.MadeByUs),
            EntryKinds.ActionNotApplied => ("not_applied", story.MadeByUs),
            EntryKinds.ActionDiverged => ("diverged", story.MadeByUs),
            EntryKinds.ActionUnverified => (seen.Undo ? "undo_unverified" : "unverified", story.MadeByUs),
            EntryKinds.ActionRefused => ("refused", story.MadeByUs),
            _ => ("unknown", story.MadeByUs),
        };
    }

    private void Answered(EntryReading reading, Story story, ApprovalAnswered said)
    {
        var choice = reading.Need(said.Choice);
        story.Answers.Add(new(reading.Entry.Seq, reading.Entry.At, reading.Entry.Actor, choice, said.Roles ?? [], redactor.Optional(said.Comment), Counted: true, null));
        story.Status = choice != OpenApproval.Approve ? "rejected" : story.Answers.Count(a => a.Choice == OpenApproval.Approve) >= story.Quorum ? "approved" : "asks";
        story.Touch(reading.Entry);
    }

    private void Ruled(EntryReading reading, ConflictRuled ruled)
    {
        if (_byId.TryGetValue(reading.Need(ruled.ActionId), out var story) && story.Conflicts.FindLastIndex(c => c.Raised.OtherActionId == ruled.OtherActionId) is >= 0 and var at)
        {
            story.Conflicts[at] = story.Conflicts[at] with { Ruled = redactor.Ruled(ruled), RuledAt = reading.Entry.At };
            story.Touch(reading.Entry);
        }
    }

    private Story? OfStep(Entry entry) => _byStep.GetValueOrDefault((entry.Visit, entry.Scope, entry.Step));

    private Story Of(EntryReading reading, string id, string name)
    {
        var entry = reading.Entry;
        if (!_byId.TryGetValue(reading.Need(id), out var story))
        {
            story = new Story(id, reading.Need(name), entry);
            _byId.Add(id, story);
            _inOrder.Add(story);
            if (entry.Step.Length > 0)
            {
                _byStep[(entry.Visit, entry.Scope, entry.Step)] = story;
            }
        }

        story.Touch(entry);
        return story;
    }

    /// <summary>An action while its entries are read.</summary>
    private sealed class Story(string id, string name, Entry first)
    {
        private long _lastSeq;
        private long _lastAt;

        public string Status { get; set; } = "probed";

        public RawJson? Arguments { get; set; }

        public string? Hash { get; set; }

        public string? TargetClass { get; set; }

        public string? Reversibility { get; set; }

        public bool IsUndo { get; set; }

        public int Attempts { get; set; }

        public int? Quorum { get; set; }

        public string? Proposer { get; set; }

        public string? Reason { get; set; }

        public string? Proof { get; set; }

        public int Probes { get; set; }

        public Agreement? Agreement { get; set; }

        public bool? MadeByUs { get; set; }

        public IReadOnlyList<Claim> Claims { get; set; } = [];

        public List<AnswerView> Answers { get; } = [];

        public List<PolicyJudged> Verdicts { get; } = [];

        public List<ConflictView> Conflicts { get; } = [];

        public void Touch(Entry entry) => (_lastSeq, _lastAt) = (entry.Seq, entry.At);

        public ActionView View() => new(id, name, Status, first.State, first.Visit, first.Scope, first.Step, first.Seq, _lastSeq, _lastAt)
        {
            Arguments = Arguments,
            Hash = Hash,
            TargetClass = TargetClass,
            Reversibility = Reversibility,
            IsUndo = IsUndo,
            Attempts = Attempts,
            Quorum = Quorum,
            Proposer = Proposer,
            Reason = Reason,
            Proof = Proof,
            Probes = Probes,
            Agreement = Agreement,
            MadeByUs = MadeByUs,
            Claims = Claims,
            Answers = Answers,
            Verdicts = Verdicts,
            Conflicts = Conflicts,
        };
    }
}
