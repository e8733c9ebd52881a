using Signalbox.HistoryChecker.Format;

namespace Signalbox.HistoryChecker.Rules;

/// <summary>An action's standing claim was ended by another action, against which it could not stand.</summary>
internal readonly record struct Overruled(long Position, string Action, string By);

/// <summary>
/// I9, over all runs in the order of the log: nobody touches a resource while another action is between its intent and its settlement there; an action has all of its claims from one entry on, or waits for
/// all of them; who waits longer comes first; nothing is done against a claim that stands without a ruling that both runs have on record; and nothing is taken back that another action still wants.
/// </summary>
internal sealed class Claims(Findings findings)
{
    private readonly ClaimIndex _index = new();
    private readonly Conflicts _conflicts = new(findings);
    private readonly Dictionary<string, ActionClaims> _actions = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Run, string Scope, string Step), ActionClaims> _waiting = [];
    private readonly Dictionary<string, HashSet<ActionClaims>> _queuedOfRun = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<Told>> _toBeTold = new(StringComparer.Ordinal);

    /// <summary>The claims that rulings ended.</summary>
    public List<Overruled> Overruled { get; } = [];

    /// <summary>The actions whose claims were released though their effect stays, and where.</summary>
    public List<(long Position, string Action)> Released { get; } = [];

    public void Take(Entry entry, Body body)
    {
        MustBeTold(entry.Run);
        switch (entry.Kind)
        {
            case "action.proposed": Announce(entry, body); break;
            case "claim.queued": Queue(entry, body); break;
            case "claim.freed": Free(entry, body); break;
            case "claim.withdrawn" or "approval.withdrawn": Withdraw(entry); break;
            case "claim.released": Release(entry, body); break;
            case "run.held": Unqueue(entry.Run); break;
            case "action.intended": Intend(entry, body); break;
            case "action.verified": Verify(entry, body); break;
            case "action.not_applied" or "action.diverged" or "action.unverified" or "action.refused": GiveUp(entry, body); break;
            case "conflict.raised": _conflicts.Raise(entry, body); break;
            case "conflict.ruled": _conflicts.Rule(entry, body); break;
        }
    }

    public void End()
    {
        foreach (var action in _actions.Values.Where(a => a.Place is not null && !a.IsTold))
        {
            // One whose time has come still counts here: the entry that says so has not been written.
            if (!action.All.Where(c => c.Form == ClaimForm.Queued).Any(c => _index.Overlapping(c.Claim.Path, long.MinValue).Any(o => IsBefore(o, action, action.Place!.Value))))
            {
                findings.Add("I9", action.Run, action.All[0].Seq, $"a claim.freed for '{action.Id}', which waits for nobody any more", "none");
            }
        }

        foreach (var run in _toBeTold.Keys.ToArray())
        {
            MustBeTold(run);
        }

        _conflicts.End();
    }

    private void Announce(Entry entry, Body body)
    {
        var action = Of(entry, body.Text("actionId"));
        action.Announced = Read(entry, body) ?? [];
        action.Priority = Math.Max(action.Priority, body.OptionalNumber("priority") ?? 0);
    }

    private void Queue(Entry entry, Body body)
    {
        var action = Of(entry, body.Text("actionId"));
        var claims = Read(entry, body) ?? [];
        if (claims.Count == 0)
        {
            findings.Add("I9", entry, $"claims that '{action.Id}' waits for", "none");
        }

        if (action.All.Find(c => c.Form == ClaimForm.Held) is { } held)
        {
            findings.Add("I9", entry, $"'{action.Id}' to hold nothing while it waits", $"{held}");
        }

        if (action.Place is { } place && !(action.IsTold && claims.Any(c => _index.Overlapping(c.Path, entry.At).Any(o => IsBefore(o, action, place)))))
        {
            findings.Add("I9", entry, $"one place of '{action.Id}' in the queue", "a second one");
        }

        Leave(action);

        MustBeAnnounced(entry, action, claims);
        action.Priority = Math.Max(action.Priority, body.OptionalNumber("priority") ?? 0);
        (action.Announced, action.IsTold) = (claims, false);
        var due = body.OptionalNumber("due");
        foreach (var claim in claims)
        {
            _index.Add(new(action, claim, ClaimForm.Queued, entry) { Until = due });
        }

        _waiting[(entry.Run, entry.Scope, entry.Step)] = action;
        _queuedOfRun.TryAdd(entry.Run, []);
        _queuedOfRun[entry.Run].Add(action);
    }

    private void Free(Entry entry, Body body)
    {
        var action = Of(entry, body.Text("actionId"));
        if (action.Place is not { } place || action.IsTold)
        {
            findings.Add("I9", entry, $"'{action.Id}' to be queued when it is its turn", action.IsTold ? "a second claim.freed" : "a claim.freed without a claim.queued");
            return;
        }

        action.IsTold = true;
        var before = action.All.Where(c => c.Form == ClaimForm.Queued).SelectMany(c => _index.Overlapping(c.Claim.Path, entry.At)).FirstOrDefault(o => IsBefore(o, action, place));
        if (before is not null)
        {
            findings.Add("I9", entry, $"nobody to be before '{action.Id}' when it is its turn", $"{before}");
        }
    }

    private void Withdraw(Entry entry)
    {
        if (_waiting.TryGetValue((entry.Run, entry.Scope, entry.Step), out var action))
        {
            Leave(action);
        }
    }

    private void Release(Entry entry, Body body)
    {
        var ids = body.Texts("actionIds");
        MustBeOfTheRun(entry, ids);
        foreach (var left in body.Flag("coHeld") ? ids.SelectMany(i => Of(entry, i).All.ToArray()).Where(c => c.Form == ClaimForm.Standing && Heir(c, entry.At, ids) is null) : [])
        {
            findings.Add("I9", entry, "others to want what is left to them", $"nobody but {left}");
        }

        foreach (var id in ids)
        {
            Released.Add((entry.Position, id));
            foreach (var standing in Of(entry, id).All.Where(c => c.Form == ClaimForm.Standing).ToArray())
            {
                _index.Remove(standing);
                if (standing.Made && Heir(standing, entry.At, []) is { } heir)
                {
                    heir.Made = true; // the effect stays, and is now that of who has wanted it longest
                }
            }
        }
    }

    private LiveClaim? Heir(LiveClaim left, long at, string[] except) => _index.Overlapping(left.Claim.Path, at)
        .Where(c => c.Form == ClaimForm.Standing && c.Claim.Path == left.Claim.Path && c.Claim.Intent == left.Claim.Intent && !except.Contains(c.Owner.Id, StringComparer.Ordinal)).MinBy(c => c.Position);

    private void Unqueue(string run)
    {
        foreach (var action in _queuedOfRun.GetValueOrDefault(run)?.ToArray() ?? [])
        {
            Leave(action);
        }
    }

    private void Intend(Entry entry, Body body)
    {
        var action = Of(entry, body.Text("actionId"));
        var claims = Read(entry, body) ?? [];
        var undo = body.Flag("undo");
        var priority = body.OptionalNumber("priority") ?? 0;
        var held = action.All.Where(c => c.Form == ClaimForm.Held && c.Undo == undo).Select(c => c.Claim).ToArray();
        if (held.Length > 0 && !Same(held, claims))
        {
            findings.Add("I9", entry, $"all the claims of '{action.Id}' to be held from one entry on ({List(held)})", List(claims));
        }

        MustBeAnnounced(entry, action, claims);
        MustBeFree(entry, action, claims);
        var releases = body.Texts("releases");
        if (undo)
        {
            MustNotBeWanted(entry, action, claims, releases);
            MustBeOfTheRun(entry, releases);
        }
        else
        {
            MustBeRuled(entry, action, claims, body.Texts("overrules"), body.OptionalNumber("approval") is not null, priority);
        }

        Leave(action);
        action.Priority = Math.Max(action.Priority, priority);
        var made = action.All.Where(c => c.Made).Select(c => c.Claim.Path).ToHashSet(StringComparer.Ordinal);
        foreach (var own in action.All.Where(c => (c.Form == ClaimForm.Held && c.Undo == undo) || (c.Form == ClaimForm.Standing && !undo)).ToArray())
        {
            _index.Remove(own);
        }

        foreach (var claim in claims)
        {
            _index.Add(new(action, claim, ClaimForm.Held, entry) { Undo = undo, Made = made.Contains(claim.Path) });
        }
    }

    private void Verify(Entry entry, Body body)
    {
        var action = Of(entry, body.Text("actionId"));
        var stated = Read(entry, body);
        if (body.Flag("undo"))
        {
            var releases = body.Texts("releases");
            MustBeOfTheRun(entry, releases);
            foreach (var id in releases)
            {
                EndAll(id, c => c.Form == ClaimForm.Standing);
            }

            EndAll(action.Id, _ => true);
            Leave(action);
            return;
        }

        var held = action.All.Where(c => c.Form == ClaimForm.Held && !c.Undo).ToArray();
        if (stated is not null && !Same(stated, held.Select(c => c.Claim)))
        {
            // It joins what stands already, or says only now what it has a stake in.
            MustBeFree(entry, action, stated);
            MustBeRuled(entry, action, stated, body.Texts("overrules"), approved: false, body.OptionalNumber("priority") ?? 0);
        }

        Leave(action);
        action.Priority = Math.Max(action.Priority, body.OptionalNumber("priority") ?? 0);
        var madeByUs = body.Flag("madeByUs");
        var made = action.All.Where(c => c.Made).Select(c => c.Claim.Path).ToHashSet(StringComparer.Ordinal);
        var until = body.OptionalNumber("standsUntil");
        var claims = stated ?? [.. held.Select(c => c.Claim)];
        EndAll(action.Id, c => !c.Undo);
        foreach (var claim in claims)
        {
            foreach (var against in _index.Overlapping(claim.Path, entry.At).Where(o => o.Owner != action && o.Form == ClaimForm.Standing && o.Claim.Opposes(claim)))
            {
                Overruled.Add(new(entry.Position, against.Owner.Id, action.Id));
                _index.Remove(against);
            }

            if (until is null || until > entry.At)
            {
                _index.Add(new(action, claim, ClaimForm.Standing, entry) { Until = until, Made = madeByUs || made.Contains(claim.Path) });
            }
        }
    }

    /// <summary>What was to be done is not done, or is over as soon as it has happened (unverified): it holds nothing. What was to be taken back and was not stands as before.</summary>
    private void GiveUp(Entry entry, Body body)
    {
        var undo = body.Flag("undo");
        var action = Of(entry, body.Text("actionId"));
        Leave(action);
        EndAll(action.Id, c => c.Form == ClaimForm.Held && c.Undo == undo);
    }

    private void MustBeAnnounced(Entry entry, ActionClaims action, IReadOnlyList<ClaimBody> claims)
    {
        if (action.Announced is { } announced && !Same(announced, claims))
        {
            findings.Add("I9", entry, $"all the claims that '{action.Id}' was proposed or queued with ({List(announced)})", List(claims));
        }
    }

    /// <summary>Nobody holds what overlaps, and nobody has waited for it longer.</summary>
    private void MustBeFree(Entry entry, ActionClaims action, IReadOnlyList<ClaimBody> claims)
    {
        var place = action.Place ?? entry.Position;
        foreach (var other in Others(action, claims, entry.At).Select(o => o.Other).Where(o => IsBefore(o, action, place)).DistinctBy(o => (o.Owner, o.Form)))
        {
            findings.Add("I9", entry, $"nobody to be before '{action.Id}' at {List(claims)}", $"{other}");
        }
    }

    private void MustBeRuled(Entry entry, ActionClaims action, IReadOnlyList<ClaimBody> claims, string[] overrules, bool approved, long priority)
    {
        foreach (var standing in Others(action, claims, entry.At).Where(o => o.Other.Form == ClaimForm.Standing && o.Other.Claim.Opposes(o.Own)).Select(o => o.Other).DistinctBy(o => o.Owner))
        {
            var missing = !overrules.Contains(standing.Owner.Id, StringComparer.Ordinal) ? $"'{entry.Kind}' that overrules nothing" : _conflicts.Missing(action, standing, approved, priority);
            if (missing is { } what)
            {
                findings.Add("I9", entry, Expected(action.Id, standing), what);
            }
            else if (standing.Owner.Run != entry.Run)
            {
                _toBeTold.TryAdd(entry.Run, []);
                _toBeTold[entry.Run].Add(new(entry, action.Id, standing));
            }
        }
    }

    /// <summary>The other runs know of what they were overruled in before anything more happens in the run that does it.</summary>
    private void MustBeTold(string run)
    {
        if (_toBeTold.Remove(run, out var told))
        {
            foreach (var (intent, action, standing) in told)
            {
                if (_conflicts.MissingAcross(action, standing.Owner.Run, standing.Owner.Id) is { } what)
                {
                    findings.Add("I9", intent, Expected(action, standing), what);
                }
            }
        }
    }

    private static string Expected(string action, LiveClaim standing) => $"a ruling in both runs before '{action}' acts against {standing}";

    private void MustNotBeWanted(Entry entry, ActionClaims action, IReadOnlyList<ClaimBody> claims, string[] releases)
    {
        var wanted = Others(action, claims, entry.At).Where(o => o.Other.Form == ClaimForm.Standing && o.Other.Claim.Intent == o.Own.Intent
            && (o.Other.Claim.Path == o.Own.Path || (!o.Other.Made && o.Other.Claim.Path.StartsWith(o.Own.Path, StringComparison.Ordinal))));
        foreach (var (_, other) in wanted.Where(o => !releases.Contains(o.Other.Owner.Id, StringComparer.Ordinal)).DistinctBy(o => o.Other.Owner))
        {
            findings.Add("I9", entry, $"nobody else to want what '{action.Id}' takes back", $"{other}");
        }
    }

    private void MustBeOfTheRun(Entry entry, string[] ids)
    {
        foreach (var id in ids)
        {
            if (_actions.TryGetValue(id, out var action) && action.Run != entry.Run)
            {
                findings.Add("I9", entry, "claims of this run's own actions to end", $"those of '{id}' of run '{action.Run}'");
            }
        }
    }

    private IEnumerable<(ClaimBody Own, LiveClaim Other)> Others(ActionClaims action, IReadOnlyList<ClaimBody> claims, long at) =>
        claims.SelectMany(c => _index.Overlapping(c.Path, at).Where(o => o.Owner != action).Select(o => (c, o)));

    private static bool IsBefore(LiveClaim other, ActionClaims action, long place) =>
        other.Owner != action && (other.Form == ClaimForm.Held || (other.Form == ClaimForm.Queued && other.Position < place));

    /// <summary>It waits no more.</summary>
    private void Leave(ActionClaims action)
    {
        EndAll(action.Id, c => c.Form == ClaimForm.Queued);
        action.IsTold = false;
        _queuedOfRun.GetValueOrDefault(action.Run)?.Remove(action);
    }

    private void EndAll(string id, Func<LiveClaim, bool> which)
    {
        foreach (var claim in _actions.GetValueOrDefault(id)?.All.Where(which).ToArray() ?? [])
        {
            _index.Remove(claim);
        }
    }

    private ActionClaims Of(Entry entry, string id)
    {
        if (!_actions.TryGetValue(id, out var action))
        {
            _actions.Add(id, action = new(id, entry.Run));
        }

        return action;
    }

    private IReadOnlyList<ClaimBody>? Read(Entry entry, Body body)
    {
        var claims = ClaimBody.Read(body);
        foreach (var claim in claims ?? [])
        {
            if (ClaimBody.PathOf(claim.Name) is { } path && path != claim.Path)
            {
                findings.Add("I9", entry, $"'{claim.Name}' to lie at '{path}'", $"'{claim.Path}'");
            }
        }

        return claims;
    }

    private static bool Same(IEnumerable<ClaimBody> one, IEnumerable<ClaimBody> other) => one.Select(c => (c.Path, c.Intent)).ToHashSet().SetEquals(other.Select(c => (c.Path, c.Intent)));

    private sealed record Told(Entry Intent, string Action, LiveClaim Standing);

    private static string List(IEnumerable<ClaimBody> claims) => string.Join(", ", claims) is { Length: > 0 } list ? list : "none";
}
