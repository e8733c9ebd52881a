using Signalbox.Journal;
using Xunit;

namespace Signalbox.Tests.Claims;

/// <summary>
/// Says from the log and from what the wall itself took whether claims were kept. It asks none of the engine's tables, and none of its rules but which resources overlap and which intents are against each other.
/// </summary>
internal sealed class WishOracle(IReadOnlyList<Entry> log, Wall wall)
{
    private readonly Dictionary<string, (ActionIntended Intended, RunId Run)> _holds = [];
    private readonly List<Standing> _standing = [];
    private readonly Dictionary<string, ActionIntended> _intents = [];
    private readonly HashSet<(RunId Run, string Action, RunId OtherRun, string OtherAction)> _raised = [];
    private readonly HashSet<(RunId Run, string Action, RunId OtherRun, string OtherAction, string Outcome)> _ruled = [];
    private readonly HashSet<RunId> _blurred = [];
    private readonly Dictionary<string, ActionIntended> _takenBack = [];
    private readonly HashSet<(RunId Run, string Want, string Place)> _heirs = []; // who has joined an effect and may have been left it
    private int _strokes;
    private readonly Dictionary<(string Want, string Place), (string ActionId, RunId Run)> _makers = [];
    private readonly HashSet<(string Want, string Place)> _marks = [];

    /// <summary>How often what happened.</summary>
    public Dictionary<string, int> Seen { get; } = [];

    public IReadOnlyList<Standing> Stands => _standing;

    /// <summary>Whether an operator may have said of something of this run that it is so.</summary>
    public bool IsBlurred(RunId run) => _blurred.Contains(run);

    public void Check()
    {
        foreach (var entry in log)
        {
            TakeStrokes(entry.Position);
            switch (entry.Kind)
            {
                case EntryKinds.ActionIntended:
                    Intend(entry, Body.Read<ActionIntended>(entry));
                    break;
                case EntryKinds.ActionVerified or EntryKinds.ActionNotApplied or EntryKinds.ActionDiverged or EntryKinds.ActionRefused:
                    Settle(entry, Body.Read<ActionObserved>(entry));
                    break;
                case EntryKinds.ActionUnknown:
                    _blurred.Add(entry.Run);
                    break;
                case EntryKinds.ClaimReleased:
                    var released = Body.Read<ClaimReleased>(entry).ActionIds;
                    foreach (var gone in _standing.Where(s => released.Contains(s.ActionId)).ToArray())
                    {
                        Assert.True(
                            _standing.Exists(s => s != gone && !released.Contains(s.ActionId) && s.Claim.Intent == gone.Claim.Intent && s.Claim.Resource.Path == gone.Claim.Resource.Path && s.IsLive(entry.At)),
                            $"{At(entry)}: '{gone.Claim.Intent}' on {gone.Claim.Resource} was left to others, and there are none");
                        _standing.Remove(gone);
                    }

                    break;
                case EntryKinds.ConflictRaised:
                    var raised = Body.Read<ConflictRaised>(entry);
                    _raised.Add((entry.Run, raised.ActionId, raised.OtherRun, raised.OtherActionId));
                    break;
                case EntryKinds.ConflictRuled:
                    var ruled = Body.Read<ConflictRuled>(entry);
                    _ruled.Add((entry.Run, ruled.ActionId, ruled.OtherRun, ruled.OtherActionId, ruled.Outcome));
                    break;
            }
        }

        TakeStrokes(long.MaxValue);
        Assert.True(_holds.Count == 0, $"held for ever: {string.Join(", ", _holds.Keys)}");
        foreach (var (run, action, otherRun, otherAction) in _raised.Where(r => r.Run != r.OtherRun))
        {
            Assert.True(_raised.Contains((otherRun, otherAction, run, action)), $"the conflict of {action} of {run} with {otherAction} of {otherRun} is on record in one run alone");
        }

        foreach (var (run, action, otherRun, otherAction, outcome) in _ruled.Where(r => r.Run != r.OtherRun))
        {
            string[] theirs = outcome switch { "overrules" => ["overruled"], "overruled" => ["overrules"], "stands" => ["yields", "waits"], _ => ["stands"] };
            Assert.True(theirs.Any(o => _ruled.Contains((otherRun, otherAction, run, action, o))), $"the ruling '{outcome}' on {action} of {run} and {otherAction} of {otherRun} is on record in one run alone");
            Assert.True(_raised.Contains((run, action, otherRun, otherAction)), $"{action} of {run} was ruled on against {otherAction}, and no conflict was raised");
        }
    }

    private static string At(Entry entry) => $"entry {entry.Position} ({entry.Run} #{entry.Seq})";

    private void Count(string what) => Seen[what] = Seen.GetValueOrDefault(what) + 1;

    private void Intend(Entry entry, ActionIntended intended)
    {
        foreach (var (id, (other, run)) in _holds)
        {
            var overlap = intended.Claims!.FirstOrDefault(c => other.Claims!.Any(o => o.Resource.Overlaps(c.Resource)));
            Assert.True(id == intended.ActionId || overlap is null, $"{At(entry)}: {intended.Action} {intended.ActionId} holds {overlap?.Resource} while {other.Action} {id} of {run} does");
        }

        if (!intended.Undo)
        {
            foreach (var stands in _standing.Where(s => s.ActionId != intended.ActionId && s.IsLive(entry.At) && intended.Claims!.Any(c => c.Opposes(s.Claim))))
            {
                Assert.True(intended.Overrules?.Contains(stands.ActionId) == true, $"{At(entry)}: {intended.ActionId} is against '{stands.Claim.Intent}' on {stands.Claim.Resource} of {stands.Run}, which stands and was not overruled");
                Assert.True(stands.Run == entry.Run || _raised.Contains((entry.Run, intended.ActionId, stands.Run, stands.ActionId)), $"{At(entry)}: a conflict with {stands.ActionId} was ruled on and never raised");
                Count("overruled");
            }
        }
        else
        {
            foreach (var wanted in _standing.Where(s =>
                s.ActionId != intended.ActionId && s.IsLive(entry.At) && intended.Releases?.Contains(s.ActionId) != true
                && intended.Claims!.Any(c => c.Intent == s.Claim.Intent && c.Resource.Path == s.Claim.Resource.Path)))
            {
                Assert.Fail($"{At(entry)}: {intended.ActionId} undoes '{wanted.Claim.Intent}' on {wanted.Claim.Resource}, which {wanted.ActionId} of {wanted.Run} still wants");
            }

            Count("undo begun");
        }

        if (_holds.TryGetValue(intended.ActionId, out var first) && first.Intended.Undo != intended.Undo)
        {
            _takenBack[intended.ActionId] = first.Intended; // an operator's word on what is in doubt
        }

        _holds[intended.ActionId] = (intended, entry.Run);
        _intents[intended.ActionId] = intended;
    }

    private void Settle(Entry entry, ActionObserved observed)
    {
        _holds.Remove(observed.ActionId);
        if (_takenBack.Remove(observed.ActionId, out var first) && observed.Undo != first.Undo && entry.Kind != EntryKinds.ActionVerified)
        {
            // That it was not taken back is settled; whether it had happened is not.
            _holds[observed.ActionId] = (first, entry.Run);
        }

        if (entry.Kind != EntryKinds.ActionVerified)
        {
            Count(entry.Kind);
            return;
        }

        Count(observed.Claims is null ? observed.Undo ? "undone" : "done" : "joined");
        if (observed.Undo)
        {
            _standing.RemoveAll(s => s.ActionId == observed.ActionId || observed.Releases?.Contains(s.ActionId) == true);
            return;
        }

        var claims = observed.Claims ?? _intents[observed.ActionId].Claims!;

        if (!_blurred.Contains(entry.Run))
        {
            foreach (var claim in claims)
            {
                Assert.True(_marks.Contains((claim.Intent, claim.Resource.Name)), $"{At(entry)}: '{claim.Intent}' on {claim.Resource} was recorded as verified, and the wall did not have it just then");
            }
        }

        foreach (var claim in claims)
        {
            // What is wider than what overruled it stands on around it.
            _standing.RemoveAll(s => s.ActionId != observed.ActionId && claim.Opposes(s.Claim) && s.Claim.Resource.Path.StartsWith(claim.Resource.Path, StringComparison.Ordinal));
            _standing.RemoveAll(s => s.ActionId == observed.ActionId && s.Claim.Resource.Path == claim.Resource.Path);
            _standing.Add(new Standing(observed.ActionId, entry.Run, claim, observed.StandsUntil));
            _heirs.Add((entry.Run, claim.Intent, claim.Resource.Name));
        }
    }

    /// <summary>What the wall took before that entry.</summary>
    private void TakeStrokes(long position)
    {
        for (; _strokes < wall.Strokes.Count && wall.Strokes[_strokes].Position < position; _strokes++)
        {
            var stroke = wall.Strokes[_strokes];
            Assert.True(_holds.ContainsKey(stroke.ActionId), $"the wall was called for {stroke.ActionId} of {stroke.Run} after entry {stroke.Position}, and it holds nothing then");
            if (!stroke.Applied)
            {
                continue;
            }

            var mark = (stroke.Want, stroke.Place);
            if (stroke.Undo)
            {
                var maker = _makers.GetValueOrDefault(mark);
                Assert.True(maker.Run == stroke.Run || _heirs.Contains((stroke.Run, stroke.Want, stroke.Place)), $"{stroke.ActionId} of {stroke.Run} took back '{stroke.Want}' at {stroke.Place}, which {maker.ActionId} of {maker.Run} had made");
                _marks.Remove(mark);
                Count("wiped");
            }
            else
            {
                foreach (var other in stroke.Want == "watch" ? [] : new[] { "block", "allow" })
                {
                    _marks.Remove((other, stroke.Place));
                }

                _marks.Add(mark);
                _makers[mark] = (stroke.ActionId, stroke.Run);
                Count("set");
            }
        }
    }

    internal sealed record Standing(string ActionId, RunId Run, Claim Claim, long? Until)
    {
        public bool IsLive(long at) => Until is not { } until || until > at;
    }
}
