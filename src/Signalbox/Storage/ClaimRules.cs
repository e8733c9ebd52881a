using Signalbox.Journal;

namespace Signalbox.Storage;

/// <summary>What a store keeps of claims and limits, across runs: what <see cref="ClaimRules"/> reads and writes within one transaction.</summary>
public interface IClaimTable
{
    /// <summary>The claims whose path begins with that one, or whose path that one begins with, in no particular order.</summary>
    IReadOnlyList<ClaimRow> Overlapping(string path);

    /// <summary>The claims of an action.</summary>
    IReadOnlyList<ClaimRow> Of(string actionId);

    /// <summary>The claims of a run.</summary>
    IReadOnlyList<ClaimRow> OfRun(RunId run);

    /// <summary>The queued claims, the first in the queue first.</summary>
    IReadOnlyList<ClaimRow> Queued();

    /// <summary>Keeps a claim, in the place of the one of the same action and path.</summary>
    void Put(ClaimRow row);

    /// <summary>Forgets the claim of the same action and path.</summary>
    void Remove(ClaimRow row);

    /// <summary>How much of a limit was used up after that time (microseconds since 1970).</summary>
    long Used(string limit, long after);

    /// <summary>Notes that so much of a limit is used up. What is older than <paramref name="forget"/> need not be kept.</summary>
    void Use(string limit, long at, long amount, long forget);
}

/// <summary>Why claims cannot be had, and whose are in the way.</summary>
public sealed record ClaimRefusal(string Code, IReadOnlyList<ClaimRow> InTheWay, LimitUse? Limit = null, long Used = 0)
{
    /// <summary>Others hold them, or wait for them and came first.</summary>
    public const string Held = "claim_held";

    /// <summary>What is against them stands.</summary>
    public const string Opposed = "claim_opposed";

    /// <summary>Others still want the effect that was to be undone.</summary>
    public const string CoHeld = "claim_coheld";

    /// <summary>Claims were to be left to others, and there are none.</summary>
    public const string NotCoHeld = "claim_not_coheld";

    /// <summary>A limit would be passed.</summary>
    public const string LimitReached = "limit_reached";
}

/// <summary>
/// What entries do to the claims and limits that all runs share, the same for every store: whether claims can be taken (all of an action's, or none), what becomes of them, and whose turn it is then. Because they
/// are taken all at once, and whoever holds some waits for no others, there is no deadlock; because nobody takes a hold before somebody who queues for an overlapping one, nobody waits for ever. Pure but for the table.
/// </summary>
public static class ClaimRules
{
    private const int ClaimsMax = 100;
    private const int AgainstMax = 20;
    private const int IntentCharactersMax = 100;

    /// <summary>Whether an entry of this kind can concern claims or limits.</summary>
    public static bool Concerns(string kind) => kind is EntryKinds.ActionProposed or EntryKinds.ActionIntended or EntryKinds.ActionVerified or EntryKinds.ActionNotApplied or EntryKinds.ActionDiverged
        or EntryKinds.ActionUnverified or EntryKinds.ActionRefused or EntryKinds.ClaimQueued or EntryKinds.ClaimFreed or EntryKinds.ClaimReleased or EntryKinds.ClaimWithdrawn or EntryKinds.ApprovalWithdrawn or EntryKinds.ApprovalAnswered or EntryKinds.ApprovalExpired or EntryKinds.RunHeld or EntryKinds.RunErased;

    /// <summary>Why a commit must be refused on the claims as they are, or null. <paramref name="at"/> is the store's time in microseconds since 1970.</summary>
    public static ClaimRefusal? Check(IReadOnlyList<EntryDraft> drafts, IClaimTable table, long at)
    {
        ArgumentNullException.ThrowIfNull(drafts);
        ArgumentNullException.ThrowIfNull(table);
        foreach (var draft in drafts)
        {
            if (Check(draft, table, at) is { } refusal)
            {
                return refusal;
            }
        }

        return null;
    }

    /// <summary>What an entry makes of the claims.</summary>
    /// <returns>Whether somebody who queues may have their turn now.</returns>
    public static bool Apply(Entry entry, IClaimTable table)
    {
        ArgumentNullException.ThrowIfNull(entry);
        ArgumentNullException.ThrowIfNull(table);
        switch (entry.Kind)
        {
            case EntryKinds.ActionProposed:
                var proposed = Body.Read<ActionProposed>(entry);
                var queuedBefore = table.Of(proposed.ActionId).Any(r => r.Phase == ClaimPhase.Queued);
                Put(entry, table, proposed.ActionId, proposed.Action, proposed.Claims, ClaimPhase.Proposal, proposed.Undo, proposed.Priority);
                return queuedBefore;
            case EntryKinds.ClaimQueued:
                var queued = Body.Read<ClaimQueued>(entry);
                Put(entry, table, queued.ActionId, queued.Action, queued.Claims, ClaimPhase.Queued, queued.Undo, queued.Priority, queued.Due);
                return true;
            case EntryKinds.ClaimFreed:
                foreach (var told in table.Of(Body.Read<ClaimFreed>(entry).ActionId).Where(r => r.Phase == ClaimPhase.Queued))
                {
                    table.Put(told with { Told = true });
                }

                return false;
            case EntryKinds.ActionIntended:
                var intended = Body.Read<ActionIntended>(entry);
                foreach (var limit in intended.Limits ?? [])
                {
                    table.Use(limit.Name, entry.At, limit.Amount, entry.At - limit.Window);
                }

                return Hold(entry, table, intended);
            case EntryKinds.ActionVerified or EntryKinds.ActionNotApplied or EntryKinds.ActionDiverged or EntryKinds.ActionUnverified or EntryKinds.ActionRefused:
                return Settle(entry, table, Body.Read<ActionObserved>(entry));
            case EntryKinds.ClaimReleased:
                foreach (var actionId in Body.Read<ClaimReleased>(entry).ActionIds)
                {
                    Release(table, actionId, entry.At);
                }

                return true;
            case EntryKinds.ApprovalAnswered when Body.Read<ApprovalAnswered>(entry).Choice is not (OpenApproval.Reject or OpenApproval.Edit):
                return false;
            case EntryKinds.ClaimWithdrawn or EntryKinds.ApprovalWithdrawn or EntryKinds.ApprovalAnswered or EntryKinds.ApprovalExpired:
                var waiting = Waiting(entry, table);
                foreach (var row in waiting)
                {
                    table.Remove(row);
                }

                return waiting.Any(r => r.Phase == ClaimPhase.Queued);
            case EntryKinds.RunHeld:
                // It may be held for long. Whoever queues behind it goes on; it queues anew when it is released.
                var queuing = table.OfRun(entry.Run).Where(r => r.Phase == ClaimPhase.Queued).ToArray();
                Remove(table, queuing);
                return queuing.Length > 0;
            case EntryKinds.RunErased:
                // Only what has expired can be left, for nothing is erased that somebody still counts on.
                var left = table.OfRun(entry.Run);
                foreach (var row in left)
                {
                    table.Remove(row);
                }

                return left.Count > 0;
            default:
                return false;
        }
    }

    /// <summary>
    /// The entries that tell queued actions that it is their turn. To be asked at the end of a transaction in which <see cref="Apply"/> gave true; <paramref name="at"/> is its time.
    /// </summary>
    public static IReadOnlyList<Commit> Turns(IClaimTable table, long at)
    {
        ArgumentNullException.ThrowIfNull(table);
        var turns = new List<Commit>();
        var before = new PathSet();
        foreach (var action in table.Queued().GroupBy(r => r.ActionId))
        {
            // Whoever waits behind somebody who waits needs no look at what is held: where many wait, only the first at each place do.
            var rows = action.ToArray();
            var waits = rows.Any(r => before.Overlaps(r.Claim.Resource.Path));
            foreach (var row in rows.Where(r => r.IsLive(at)))
            {
                before.Add(row.Claim.Resource.Path);
            }

            if (waits || rows[0].Told || rows.Any(r => table.Overlapping(r.Claim.Resource.Path).Any(other => other.Phase == ClaimPhase.Hold && other.ActionId != r.ActionId)))
            {
                continue;
            }

            turns.Add(new Commit
            {
                Run = rows[0].Run,
                Entries =
                [
                    new EntryDraft
                    {
                        Kind = EntryKinds.ClaimFreed,
                        Scope = rows[0].Scope,
                        Step = rows[0].Step,
                        Actor = "engine",
                        Cause = $"nobody is before '{rows[0].Action}' at {string.Join(", ", rows.Select(r => r.Claim.Resource.Name))} any more",
                        Body = Body.Write(new ClaimFreed(rows[0].ActionId)),
                    },
                ],
            });
        }

        return turns;
    }

    /// <summary>The claims of an action as they can be taken: each resource once, and not too many.</summary>
    /// <exception cref="ArgumentException">They cannot.</exception>
    internal static IReadOnlyList<Claim> Fit(IReadOnlyList<Claim>? claims, string action)
    {
        var fit = new Dictionary<string, Claim>();
        foreach (var claim in claims ?? [])
        {
            if (claim?.Resource is null || new[] { claim.Intent }.Concat(claim.Against ?? []).Any(i => string.IsNullOrWhiteSpace(i) || i.Length > IntentCharactersMax || i.Any(char.IsControl)) || claim.Against?.Count > AgainstMax)
            {
                throw new ArgumentException($"A claim of action '{action}' needs a resource, an intent of 1 to {IntentCharactersMax} characters and at most {AgainstMax} intents that it is against; got '{claim}'.", nameof(claims));
            }

            if (fit.TryGetValue(claim.Resource.Path, out var other) && other.Intent != claim.Intent)
            {
                throw new ArgumentException($"Action '{action}' claims {claim.Resource} twice, as '{other.Intent}' and as '{claim.Intent}'. One action wants one thing of a resource: declare one intent for both.", nameof(claims));
            }

            fit.TryAdd(claim.Resource.Path, claim);
        }

        return fit.Count <= ClaimsMax
            ? [.. fit.Values]
            : throw new ArgumentException($"Action '{action}' claims {fit.Count:N0} resources; the limit is {ClaimsMax}. Claim what contains them, such as their network, or make it several actions.", nameof(claims));
    }

    private static ClaimRefusal? Check(EntryDraft draft, IClaimTable table, long at)
    {
        switch (draft.Kind)
        {
            case EntryKinds.ActionIntended:
                var intended = Body.Read<ActionIntended>(draft);
                return Check(table, intended.ActionId, intended.Claims ?? [], intended.Undo, intended.Overrules ?? [], intended.Releases ?? [], at) ?? CheckLimits(table, intended.Limits ?? [], at);
            case EntryKinds.ActionVerified:
                // One that was intended holds its claims already; one that joins what stands has to get them.
                return Body.Read<ActionObserved>(draft) is { Claims: { Count: > 0 } claims } joins ? Check(table, joins.ActionId, claims, joins.Undo, joins.Overrules ?? [], [], at) : null;
            case EntryKinds.ClaimReleased when Body.Read<ClaimReleased>(draft) is { CoHeld: true } released:
                return released.ActionIds.SelectMany(table.Of).Any(r => r.Phase == ClaimPhase.Standing && !CoHolders(table, r, released.ActionIds, at).Any()) ? new ClaimRefusal(ClaimRefusal.NotCoHeld, []) : null;
            default:
                return null;
        }
    }

    private static ClaimRefusal? Check(IClaimTable table, string actionId, IReadOnlyList<Claim> claims, bool undo, IReadOnlyList<string> overrules, IReadOnlyList<string> releases, long at)
    {
        // Who has waited too long has lost their place.
        var own = table.Of(actionId).FirstOrDefault(r => r.Phase == ClaimPhase.Queued && r.IsLive(at))?.Position ?? long.MaxValue;
        var others = claims.SelectMany(c => table.Overlapping(c.Resource.Path).Select(row => (Claim: c, Row: row))).Where(o => o.Row.ActionId != actionId && o.Row.IsLive(at)).ToArray();
        if (others.Where(o => IsBefore(o.Row, actionId, own)).Select(o => o.Row).Distinct().ToArray() is { Length: > 0 } before)
        {
            return new ClaimRefusal(ClaimRefusal.Held, before);
        }

        var standing = others.Where(o => o.Row.Phase == ClaimPhase.Standing);
        if (undo)
        {
            var wanted = standing.Where(o => o.Row.Claim.Intent == o.Claim.Intent && !releases.Contains(o.Row.ActionId, StringComparer.Ordinal) && (!o.Row.Made || o.Row.Claim.Resource.Path == o.Claim.Resource.Path));
            return wanted.Select(o => o.Row).Distinct().ToArray() is { Length: > 0 } coHolders ? new ClaimRefusal(ClaimRefusal.CoHeld, coHolders) : null;
        }

        var against = standing.Where(o => o.Claim.Opposes(o.Row.Claim) && !overrules.Contains(o.Row.ActionId, StringComparer.Ordinal)).Select(o => o.Row).Distinct().ToArray();
        return against.Length > 0 ? new ClaimRefusal(ClaimRefusal.Opposed, against) : null;
    }

    private static ClaimRefusal? CheckLimits(IClaimTable table, IReadOnlyList<LimitUse> limits, long at)
    {
        foreach (var limit in limits)
        {
            var used = table.Used(limit.Name, at - limit.Window);
            if (used + limit.Amount > limit.Max)
            {
                return new ClaimRefusal(ClaimRefusal.LimitReached, [], limit, used);
            }
        }

        return null;
    }

    /// <summary>Whether a claim of another action must be settled, or has its turn, first.</summary>
    private static bool IsBefore(ClaimRow other, string actionId, long position) =>
        other.ActionId != actionId && (other.Phase == ClaimPhase.Hold || (other.Phase == ClaimPhase.Queued && other.Position < position));

    private static void Put(Entry entry, IClaimTable table, string actionId, string action, IReadOnlyList<Claim>? claims, ClaimPhase phase, bool undo, int priority, long? until = null)
    {
        foreach (var claim in claims ?? [])
        {
            table.Put(new ClaimRow(claim, phase, actionId, action, entry.Run, entry.Scope, entry.Step, entry.Position, entry.At, priority, until, Undo: undo));
        }
    }

    /// <summary>An intent holds its claims. An action that stands and is to be taken back keeps what is known of its effect.</summary>
    private static bool Hold(Entry entry, IClaimTable table, ActionIntended intended)
    {
        var before = table.Of(intended.ActionId).ToDictionary(r => r.Claim.Resource.Path);
        foreach (var claim in intended.Claims ?? [])
        {
            var stood = before.Remove(claim.Resource.Path, out var row) ? row : null;
            if (intended.Undo && stood is { Phase: ClaimPhase.Hold, Undo: false })
            {
                continue; // an action in doubt that is to be taken back: it is held for the action itself until that is settled
            }

            table.Put(new ClaimRow(
                claim, ClaimPhase.Hold, intended.ActionId, intended.Action, entry.Run, entry.Scope, entry.Step, entry.Position, entry.At, intended.Priority, stood is { Phase: ClaimPhase.Queued } ? null : stood?.Until,
                stood?.Made == true, intended.Undo));
        }

        foreach (var left in before.Values)
        {
            table.Remove(left);
        }

        return before.Count > 0;
    }

    private static bool Settle(Entry entry, IClaimTable table, ActionObserved observed)
    {
        var rows = table.Of(observed.ActionId);
        if (entry.Kind == EntryKinds.ActionVerified && !observed.Undo)
        {
            IReadOnlyList<Claim> claims = observed.Claims ?? [.. rows.Select(r => r.Claim)];
            foreach (var claim in claims)
            {
                foreach (var other in table.Overlapping(claim.Resource.Path).Where(o => o.ActionId != observed.ActionId && o.Phase == ClaimPhase.Standing).ToArray())
                {
                    if (claim.Opposes(other.Claim) && other.Claim.Resource.Path.StartsWith(claim.Resource.Path, StringComparison.Ordinal))
                    {
                        // What is wider than what overrules it stands on, around it.
                        table.Remove(other);
                    }
                    else if (!other.IsLive(entry.At))
                    {
                        Remove(table, other, [other.ActionId], entry.At);
                    }
                }

                var made = observed.MadeByUs || rows.Any(r => r.Made && r.Claim.Resource.Path == claim.Resource.Path);
                var row = new ClaimRow(
                    claim, ClaimPhase.Standing, observed.ActionId, observed.Action, entry.Run, entry.Scope, entry.Step, entry.Position, entry.At, Math.Max(observed.Priority, rows.Select(r => r.Priority).DefaultIfEmpty().Max()),
                    observed.StandsUntil, made);
                if (observed.StandsUntil is { } until && until <= entry.At)
                {
                    table.Remove(row);
                }
                else
                {
                    table.Put(row);
                }
            }

            return true;
        }

        if (entry.Kind == EntryKinds.ActionVerified)
        {
            foreach (var actionId in (observed.Releases ?? []).Append(observed.ActionId))
            {
                Remove(table, table.Of(actionId));
            }

            return true;
        }

        // An effect that was to be taken back and was not, of the action itself: it stands as before.
        foreach (var row in rows)
        {
            if (row.Undo && row.Made)
            {
                table.Put(row with { Phase = ClaimPhase.Standing, Undo = false, Position = entry.Position, At = entry.At });
            }
            else if (row.Phase != ClaimPhase.Standing && row.Undo == observed.Undo)
            {
                table.Remove(row);
            }
        }

        return rows.Count > 0;
    }

    /// <summary>A standing claim ends and its effect stays: it is now that of who has wanted it longest of those that are left.</summary>
    private static void Release(IClaimTable table, string actionId, long at)
    {
        foreach (var row in table.Of(actionId).Where(r => r.Phase == ClaimPhase.Standing))
        {
            Remove(table, row, [actionId], at);
        }
    }

    /// <summary>Forgets a standing claim whose effect stays.</summary>
    private static void Remove(IClaimTable table, ClaimRow row, IReadOnlyList<string> except, long at)
    {
        table.Remove(row);
        if (row.Made && CoHolders(table, row, except, at).MinBy(r => r.Position) is { } heir)
        {
            table.Put(heir with { Made = true });
        }
    }

    private static IEnumerable<ClaimRow> CoHolders(IClaimTable table, ClaimRow row, IReadOnlyList<string> except, long at) => table.Overlapping(row.Claim.Resource.Path).Where(r =>
        r.Phase == ClaimPhase.Standing && r.Claim.Intent == row.Claim.Intent && r.Claim.Resource.Path == row.Claim.Resource.Path && !except.Contains(r.ActionId, StringComparer.Ordinal) && r.IsLive(at));

    private static ClaimRow[] Waiting(Entry entry, IClaimTable table)
    {
        var actionId = ActionRunner.ActionId(entry.Run, entry.Visit, new ScopedStep(entry.Scope, entry.Step));
        return [.. table.Of(actionId).Where(r => r.Phase == ClaimPhase.Queued || (r.Phase == ClaimPhase.Proposal && entry.Kind != EntryKinds.ClaimWithdrawn))];
    }

    private static void Remove(IClaimTable table, IReadOnlyList<ClaimRow> rows)
    {
        foreach (var row in rows)
        {
            table.Remove(row);
        }
    }

    /// <summary>Paths, and whether another one lies within one of them or contains one.</summary>
    private sealed class PathSet
    {
        private readonly SortedSet<string> _paths = new(StringComparer.Ordinal);

        public void Add(string path) => _paths.Add(path);

        public bool Overlaps(string path)
        {
            if (_paths.Max is not { } last)
            {
                return false;
            }

            // What begins with the path comes right behind it; what the path begins with is, of those before it, no further back than their common beginning says.
            if (string.CompareOrdinal(path, last) <= 0 && _paths.GetViewBetween(path, last).Min!.StartsWith(path, StringComparison.Ordinal))
            {
                return true;
            }

            for (var length = path.Length; length > 0;)
            {
                var part = path[..length];
                if (string.CompareOrdinal(_paths.Min, part) > 0)
                {
                    return false;
                }

                var above = _paths.GetViewBetween(_paths.Min!, part).Max!;
                var common = path.AsSpan().CommonPrefixLength(above);
                if (common == above.Length)
                {
                    return true;
                }

                length = Math.Min(common, length - 1);
            }

            return false;
        }
    }
}
