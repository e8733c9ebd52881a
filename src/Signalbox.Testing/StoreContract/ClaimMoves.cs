using System.Net;
using Signalbox.Journal;
using Signalbox.Storage;
using static Signalbox.Testing.StoreMoves;

namespace Signalbox.Testing;

/// <summary>What the facts about claims, limits and approvals do to a store, in few words. A run's actions are told apart by their steps.</summary>
internal static class ClaimMoves
{
    public const string Hash = "the hash of the arguments";

    public static Claim Block(string where) => new(Of(where), "block", ["allow"]);

    public static Claim Allow(string where) => new(Of(where), "allow");

    public static string IdOf(RunId run, string step = "act") => ActionRunner.ActionId(run, 1, new ScopedStep("", step));

    public static EntryDraft Propose(RunId run, params Claim[] claims) =>
        Draft(EntryKinds.ActionProposed, Body.Write(new ActionProposed(IdOf(run), "act", Json("{}"), Hash, "Keyed", Flow, 1, "", "workflow:contract", Claims: claims, Priority: 3)), "act");

    public static EntryDraft Intend(RunId run, params Claim[] claims) => Intend(run, "act", claims);

    public static EntryDraft Intend(
        RunId run, string step, IReadOnlyList<Claim> claims, bool undo = false, IReadOnlyList<RunId>? overrules = null, IReadOnlyList<RunId>? releases = null, LimitUse? limit = null, long? approval = null, string hash = Hash) =>
        Draft(
            EntryKinds.ActionIntended,
            Body.Write(new ActionIntended(
                IdOf(run, step), "act", Json("{}"), hash, "Keyed", undo, Claims: claims, Approval: approval, Overrules: overrules is null ? null : [.. overrules.Select(r => IdOf(r))],
                Releases: releases is null ? null : [.. releases.Select(r => IdOf(r))], Limits: limit is null ? null : [limit])),
            step);

    public static EntryDraft Undo(RunId run, Claim claim, params RunId[] releases) => Intend(run, "act", [claim], undo: true, releases: releases);

    public static EntryDraft Observed(string kind, RunId run, string step = "act", bool made = false, bool undo = false, IReadOnlyList<Claim>? claims = null, DateTimeOffset? until = null, IReadOnlyList<RunId>? releases = null) =>
        Draft(
            kind,
            Body.Write(new ActionObserved(
                IdOf(run, step), "act", null, null, made, undo, Claims: claims, StandsUntil: until is { } at ? Microseconds.From(at) : null, Releases: releases is null ? null : [.. releases.Select(r => IdOf(r))])),
            step);

    public static EntryDraft Verified(RunId run, DateTimeOffset? until = null) => Observed(EntryKinds.ActionVerified, run, made: true, until: until);

    public static EntryDraft NotApplied(RunId run) => Observed(EntryKinds.ActionNotApplied, run);

    public static EntryDraft Queue(RunId run, DateTimeOffset due, params Claim[] claims) =>
        Draft(EntryKinds.ClaimQueued, Body.Write(new ClaimQueued(IdOf(run), "act", claims, [], Microseconds.From(due))), "act");

    public static EntryDraft Unqueue => Draft(EntryKinds.ClaimWithdrawn, step: "act");

    public static EntryDraft Release(RunId of) => Draft(EntryKinds.ClaimReleased, Body.Write(new ClaimReleased([IdOf(of)])));

    public static EntryDraft AskToAct(
        RunId run, DateTimeOffset? due = null, int quorum = 1, TimeSpan? validFor = null, IReadOnlyList<string>? barred = null) =>
        Draft(
            EntryKinds.ApprovalRequested,
            Body.Write(new ApprovalRequested(
                "Act?", [OpenApproval.Approve, OpenApproval.Reject, OpenApproval.Edit], null, due is { } at ? Microseconds.From(at) : null, OpenApproval.Reject,
                new ApprovalTerms(
                    ["approver"], quorum, [OpenApproval.Approve, OpenApproval.Reject, OpenApproval.Edit], barred, (long)(validFor ?? TimeSpan.FromHours(1)).TotalMicroseconds, OpenApproval.Reject, IdOf(run), Hash))),
            "act");

    public static EntryDraft Say(string actor, string choice = OpenApproval.Approve, string role = "approver", string? hash = Hash) =>
        Draft(EntryKinds.ApprovalAnswered, Body.Write(new ApprovalAnswered(choice, null, [role], hash)), "act") with { Actor = actor };

    /// <summary>A new run that is driven and holds the claims.</summary>
    public static async Task<RunId> HoldAsync(this StoreHarness harness, params Claim[] claims)
    {
        var run = (await harness.DriveAsync()).Row.Run;
        Expect.Committed(await harness.CommitAsync(run, Intend(run, claims)));
        return run;
    }

    /// <summary>A new run that is driven and whose claims stand.</summary>
    public static async Task<RunId> StandAsync(this StoreHarness harness, Claim claim, DateTimeOffset? until = null, bool made = true)
    {
        var run = (await harness.DriveAsync()).Row.Run;
        Expect.Committed(made
            ? await harness.CommitAsync(run, Intend(run, claim), Verified(run, until))
            : await harness.CommitAsync(run, Observed(EntryKinds.ActionVerified, run, claims: [claim], until: until)));
        return run;
    }

    /// <summary>A new run that waits in the queue for its claims, for an hour.</summary>
    public static async Task<RunId> QueueAsync(this StoreHarness harness, params Claim[] claims)
    {
        var lease = await harness.DriveAsync();
        Expect.Committed(await harness.CommitAsync(lease, Queue(lease.Row.Run, harness.Clock.GetUtcNow().AddHours(1), claims), Parked));
        return lease.Row.Run;
    }

    /// <summary>Tries to have a new run hold the claims.</summary>
    public static async Task<CommitResult> TryAsync(this StoreHarness harness, params Claim[] claims)
    {
        var run = (await harness.DriveAsync()).Row.Run;
        return await harness.CommitAsync(run, Intend(run, claims));
    }

    public static async Task<IReadOnlyList<ClaimRow>> ClaimsAsync(this StoreHarness harness, RunId? run = null) => await harness.Store.ClaimsAsync(new ClaimQuery { Run = run }, default);

    /// <summary>Expects a refusal on the claims of these runs.</summary>
    public static void ExpectInTheWay(CommitResult result, string code, params RunId[] runs)
    {
        Expect.Equal(CommitStatus.ClaimsRefused, result.Status, "The answer to a commit whose claims cannot be had");
        Expect.That(result.Entries.Count == 0, $"A refused commit came back with {result.Entries.Count} entries.");
        Expect.Equal(code, result.Claims?.Code, "The code of its refusal");
        Expect.Sequence(runs.Select(r => IdOf(r)).Order(), result.Claims!.InTheWay.Select(r => r.ActionId).Distinct().Order(), "The actions in the way");
    }

    public static async Task ExpectPhasesAsync(this StoreHarness harness, RunId run, params ClaimPhase[] phases) =>
        Expect.Sequence(phases, (await harness.ClaimsAsync(run)).Select(r => r.Phase), $"The phases of the claims of run '{run}'");

    /// <summary>How often the run was told that it is its turn.</summary>
    public static async Task ExpectTurnsAsync(this StoreHarness harness, RunId run, int times) =>
        Expect.Equal(times, (await harness.Store.ReadAsync(run, 0, int.MaxValue, default)).Count(e => e.Kind == EntryKinds.ClaimFreed), $"How often run '{run}' was told that it is its turn");

    private static Resource Of(string where) =>
        IPNetwork.TryParse(where, out var network) ? Resource.Network(network) : IPAddress.TryParse(where, out var address) ? Resource.Address(address) : Resource.Of("account", where.Split('/'));
}
