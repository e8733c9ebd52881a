using Signalbox.Journal;
using Signalbox.Storage;
using static Signalbox.Testing.ClaimMoves;
using static Signalbox.Testing.StoreMoves;

namespace Signalbox.Testing;

internal static class Claiming
{
    private const string Network = "192.0.2.0/24";
    private const string Address = "192.0.2.7";
    private static readonly TimeSpan Tick = TimeSpan.FromMicroseconds(1);

    public static async Task An_action_gets_all_that_it_claims_or_nothing(StoreHarness harness)
    {
        var holder = await harness.HoldAsync(Block("192.0.2.7"), Block("web-01"));
        var other = (await harness.DriveAsync()).Row.Run;
        ExpectInTheWay(await harness.CommitAsync(other, Intend(other, Block("192.0.2.8"), Block("192.0.2.7"), Block("web-02"))), ClaimRefusal.Held, holder);
        Expect.Equal(0, (await harness.ClaimsAsync(other)).Count, "Claims of an action that could not have all of them");
        Expect.Committed(await harness.TryAsync(Block("192.0.2.8"), Block("web-02")));
        Expect.Sequence(
            [(ClaimPhase.Hold, "ip/192.0.2.7", "block"), (ClaimPhase.Hold, "account/web-01", "block")],
            (await harness.ClaimsAsync(holder)).OrderByDescending(r => r.Claim.Resource.Name).Select(r => (r.Phase, r.Claim.Resource.Name, r.Claim.Intent)),
            "The claims of the one who was first");
    }

    public static async Task A_hold_keeps_out_what_contains_it_and_what_it_contains_and_nothing_beside_it(StoreHarness harness)
    {
        var holder = await harness.HoldAsync(Block(Network), Block("2001:db8::/32"), Block("web-01/root"));
        var other = (await harness.DriveAsync()).Row.Run;
        foreach (var overlapping in new[] { Network, Address, "192.0.2.128/25", "192.0.2.0/23", "0.0.0.0/0", "::ffff:192.0.2.9", "2001:db8::1", "2001:db8:1::/48", "2001::/16", "web-01", "web-01/root", "web-01/root/key" })
        {
            ExpectInTheWay(await harness.CommitAsync(other, Intend(other, Block(overlapping))), ClaimRefusal.Held, holder);
            Expect.Sequence([holder], (await OverlappingAsync(harness, overlapping)).Select(r => r.Run).Distinct(), $"Whose claims overlap {overlapping}");
        }

        foreach (var beside in new[] { "192.0.3.0/24", "192.0.1.255", "2001:db9::/32", "web-01/ro", "web-01/roo", "web-01/root2", "web-0", "web-012", "web-02/root" })
        {
            Expect.Committed(await harness.TryAsync(Block(beside)));
        }
    }

    public static async Task Among_many_claims_those_that_overlap_are_found(StoreHarness harness)
    {
        var parts = new[] { "a", "b", "é", "\uFFFD", "😀", "a%", "ab" };
        var paths = parts.SelectMany(p => parts.SelectMany(q => new[] { p, p + "/" + q, p + "/" + q + "/" + p })).ToArray();
        var run = await harness.StartAsync();
        Expect.Committed(await harness.CommitAsync(run, [.. paths.Distinct().Select((path, i) => Intend(run, "act-" + i.Number(), [Allow(path)]))]));
        var all = await harness.ClaimsAsync();
        foreach (var path in paths.Append("c").Append("a/a/a/a").Append("😀/zz"))
        {
            var wanted = all.Where(r => r.Claim.Resource.Overlaps(Allow(path).Resource)).Select(r => r.Claim.Resource.Path).Order(StringComparer.Ordinal);
            Expect.Sequence(wanted, (await OverlappingAsync(harness, path)).Select(r => r.Claim.Resource.Path).Order(StringComparer.Ordinal), $"The claims that overlap '{path}'");
            var refused = await harness.CommitAsync(await harness.StartAsync(), Intend(run, "another", [Allow(path)]));
            Expect.Sequence(wanted, (refused.Claims?.InTheWay ?? []).Select(r => r.Claim.Resource.Path).Order(StringComparer.Ordinal), $"The claims that are in the way of '{path}'");
            if (refused.IsCommitted)
            {
                Expect.Committed(await harness.CommitAsync(refused.Head!.Row.Run, Observed(EntryKinds.ActionNotApplied, run, "another")));
            }
        }
    }

    public static async Task An_actions_own_claims_are_never_in_its_way(StoreHarness harness)
    {
        var lease = await harness.DriveAsync();
        var run = lease.Row.Run;
        Expect.Committed(await harness.CommitAsync(run, Propose(run, Block(Address))));
        Expect.Committed(await harness.CommitAsync(run, Queue(run, harness.Clock.GetUtcNow().AddHours(1), Block(Address), Block(Network))));
        Expect.Committed(await harness.CommitAsync(run, Intend(run, Block(Address), Block(Network))));
        Expect.Committed(await harness.CommitAsync(run, Intend(run, Block(Address))));
        await harness.ExpectPhasesAsync(run, ClaimPhase.Hold);
        Expect.Committed(await harness.CommitAsync(run, Verified(run)));
        Expect.Committed(await harness.CommitAsync(run, Undo(run, Block(Address))));
        await harness.ExpectPhasesAsync(run, ClaimPhase.Hold);
    }

    public static async Task Another_action_of_the_same_run_is_an_other(StoreHarness harness)
    {
        var run = await harness.HoldAsync(Block(Address));
        ExpectInTheWay(await harness.CommitAsync(run, Intend(run, "again", [Block(Address)])), ClaimRefusal.Held, run);
    }

    public static async Task A_hold_keeps_everybody_out_until_it_is_settled(StoreHarness harness)
    {
        foreach (var (kind, stands) in new[] { (EntryKinds.ActionVerified, true), (EntryKinds.ActionNotApplied, false), (EntryKinds.ActionDiverged, false), (EntryKinds.ActionUnverified, false), (EntryKinds.ActionRefused, false) })
        {
            var holder = await harness.HoldAsync(Block(Address));
            ExpectInTheWay(await harness.TryAsync(Block(Address)), ClaimRefusal.Held, holder);
            Expect.Committed(await harness.CommitAsync(holder, Observed(kind, holder, made: true)));
            await harness.ExpectPhasesAsync(holder, stands ? [ClaimPhase.Standing] : []);
            var next = await harness.TryAsync(Block(Address));
            Expect.Committed(next);
            Expect.Committed(await harness.CommitAsync(next.Head!.Row.Run, NotApplied(next.Head.Row.Run)));
            if (stands)
            {
                Expect.Committed(await harness.CommitAsync(holder, Release(holder)));
            }
        }
    }

    public static async Task An_outcome_that_is_not_known_frees_nothing(StoreHarness harness)
    {
        var holder = await harness.HoldAsync(Block(Address));
        Expect.Committed(await harness.CommitAsync(holder, Observed(EntryKinds.ActionUnknown, holder)));
        Expect.Committed(await harness.CommitAsync(holder, Held));
        harness.Clock.Advance(TimeSpan.FromDays(400));
        ExpectInTheWay(await harness.TryAsync(Block(Address)), ClaimRefusal.Held, holder);
        await harness.ExpectPhasesAsync(holder, ClaimPhase.Hold);
    }

    public static async Task A_proposal_is_seen_and_in_nobodys_way(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        Expect.Committed(await harness.CommitAsync(run, Propose(run, Block(Address))));
        var row = (await harness.ClaimsAsync(run)).Single();
        Expect.Equal((ClaimPhase.Proposal, "act", "act", "", 2L, 3), (row.Phase, row.Action, row.Step, row.Scope, (await harness.HeadAsync(run)).Seq, row.Priority), "A claim that is proposed");
        Expect.Equal(Block(Address), row.Claim, "What it claims");
        var other = await harness.StartAsync();
        Expect.Committed(await harness.CommitAsync(other, Intend(other, Block(Address))));
        Expect.Committed(await harness.CommitAsync(run, Draft(EntryKinds.ApprovalWithdrawn, step: "act")));
        Expect.Equal(0, (await harness.ClaimsAsync(run)).Count, "Claims after the proposal was withdrawn");
    }

    public static async Task Equal_intents_stand_beside_each_other_and_opposed_ones_only_if_overruled(StoreHarness harness)
    {
        var blocker = await harness.StandAsync(Block(Address));
        var second = await harness.StandAsync(Block(Network), made: false);
        ExpectInTheWay(await harness.TryAsync(Allow(Address)), ClaimRefusal.Opposed, blocker, second);
        ExpectInTheWay(await harness.TryAsync(Allow("192.0.2.8")), ClaimRefusal.Opposed, second);
        var allower = (await harness.DriveAsync()).Row.Run;
        ExpectInTheWay(await harness.CommitAsync(allower, Intend(allower, "act", [Allow(Address)], overrules: [blocker])), ClaimRefusal.Opposed, second);
        Expect.Committed(await harness.CommitAsync(allower, Intend(allower, "act", [Allow(Address)], overrules: [blocker, second])));
        await harness.ExpectPhasesAsync(blocker, ClaimPhase.Standing);
        Expect.Committed(await harness.CommitAsync(allower, Verified(allower)));
        await harness.ExpectPhasesAsync(blocker);
        await harness.ExpectPhasesAsync(second, ClaimPhase.Standing); // for the rest of the network
        await harness.ExpectPhasesAsync(allower, ClaimPhase.Standing);
    }

    public static async Task Who_joins_what_stands_has_to_get_its_claims(StoreHarness harness)
    {
        var holder = await harness.HoldAsync(Block(Address));
        var joins = (await harness.DriveAsync()).Row.Run;
        var join = Observed(EntryKinds.ActionVerified, joins, claims: [Block(Address)]);
        ExpectInTheWay(await harness.CommitAsync(joins, join), ClaimRefusal.Held, holder);
        Expect.Committed(await harness.CommitAsync(holder, Verified(holder)));
        Expect.Committed(await harness.CommitAsync(joins, join));
        Expect.Equal((true, false), ((await harness.ClaimsAsync(holder)).Single().Made, (await harness.ClaimsAsync(joins)).Single().Made), "Whose effect it is");
    }

    public static async Task What_others_still_want_is_not_taken_back_and_ends_up_as_theirs(StoreHarness harness)
    {
        var maker = await harness.StandAsync(Block(Address));
        var first = await harness.StandAsync(Block(Address), made: false);
        var second = await harness.StandAsync(Block(Address), made: false);
        var wider = await harness.StandAsync(Block(Network));
        ExpectInTheWay(await harness.CommitAsync(maker, Undo(maker, Block(Address))), ClaimRefusal.CoHeld, first, second);
        Expect.Committed(await harness.CommitAsync(maker, Release(maker)));
        await harness.ExpectPhasesAsync(maker);
        Expect.Sequence([true, false], new[] { await harness.ClaimsAsync(first), await harness.ClaimsAsync(second) }.Select(r => r.Single().Made), "Whether the effect is now that of the first, of the second");
        Expect.Committed(await harness.CommitAsync(first, Undo(first, Block(Address), second)));
        Expect.Committed(await harness.CommitAsync(first, Observed(EntryKinds.ActionVerified, first, undo: true, made: true, releases: [second])));
        Expect.Sequence([wider], (await harness.ClaimsAsync()).Select(r => r.Run), "Whose claims stand at last");
    }

    public static async Task What_was_to_be_taken_back_and_was_not_stands_as_before(StoreHarness harness)
    {
        var until = harness.Clock.GetUtcNow().AddHours(1);
        var run = await harness.StandAsync(Block(Address), until);
        Expect.Committed(await harness.CommitAsync(run, Undo(run, Block(Address))));
        Expect.Committed(await harness.CommitAsync(run, Observed(EntryKinds.ActionNotApplied, run, undo: true)));
        var row = (await harness.ClaimsAsync(run)).Single();
        Expect.Equal((ClaimPhase.Standing, true, false, (long?)Microseconds.From(until)), (row.Phase, row.Made, row.Undo, row.Until), "What could not be taken back");
    }

    public static async Task A_hold_to_take_back_does_not_expire_with_what_it_takes_back(StoreHarness harness)
    {
        var until = harness.Clock.GetUtcNow().AddMinutes(10);
        var run = await harness.StandAsync(Block(Address), until);
        Expect.Committed(await harness.CommitAsync(run, Undo(run, Block(Address))));
        harness.Clock.Advance(TimeSpan.FromMinutes(10));
        ExpectInTheWay(await harness.TryAsync(Allow(Address)), ClaimRefusal.Held, run);
        await harness.ExpectPhasesAsync(run, ClaimPhase.Hold);
    }

    public static async Task What_stands_expires_at_its_instant_by_the_clock_of_the_store(StoreHarness harness)
    {
        var run = await harness.StandAsync(Block(Address), harness.Clock.GetUtcNow().AddMinutes(10));
        var allower = (await harness.DriveAsync()).Row.Run;
        harness.Clock.Advance(TimeSpan.FromMinutes(10) - Tick);
        ExpectInTheWay(await harness.CommitAsync(allower, Intend(allower, Allow(Address))), ClaimRefusal.Opposed, run);
        await harness.ExpectPhasesAsync(run, ClaimPhase.Standing);
        harness.Clock.Advance(Tick);
        await harness.ExpectPhasesAsync(run);
        await ExpectListAsync(harness, new ClaimQuery { WithExpired = true }, run);
        Expect.Committed(await harness.CommitAsync(allower, Intend(allower, Allow(Address))));
        harness.Clock.Jump(TimeSpan.FromMinutes(-10));
        await harness.ExpectPhasesAsync(run);
        Expect.Committed(await harness.CommitAsync(allower, Verified(allower)));
        await ExpectListAsync(harness, new ClaimQuery { WithExpired = true }, allower);
    }

    public static async Task The_queue_is_first_come_first_served(StoreHarness harness)
    {
        var holder = await harness.HoldAsync(Block(Address));
        var waiters = new[] { await harness.QueueAsync(Block(Network)), await harness.QueueAsync(Allow(Address), Allow("web-01")), await harness.QueueAsync(Block(Address)) };
        var late = (await harness.DriveAsync()).Row.Run;
        ExpectInTheWay(await harness.CommitAsync(late, Intend(late, Block("192.0.2.200"))), ClaimRefusal.Held, waiters[0]);
        ExpectInTheWay(await harness.CommitAsync(late, Intend(late, Block("web-01"))), ClaimRefusal.Held, waiters[1]);
        ExpectInTheWay(await harness.CommitAsync(waiters[1], Intend(waiters[1], Allow(Address), Allow("web-01"))), ClaimRefusal.Held, holder, waiters[0]);
        foreach (var (waiter, behind) in waiters.Zip(waiters.Skip(1).Append(late)))
        {
            await harness.ExpectTurnsAsync(waiter, 0);
            Expect.Committed(await harness.CommitAsync(holder, NotApplied(holder)));
            await harness.ExpectTurnsAsync(waiter, 1);
            await harness.ExpectTurnsAsync(behind, 0);
            await harness.ExpectStatusAsync(waiter, RunStatus.Pending);
            var given = (await harness.LeaseAsync()).Runs.Single();
            Expect.Equal(waiter, given.Row.Run, "Given to the worker after a turn");
            Expect.Committed(await harness.CommitAsync(given, Intend(waiter, [.. (await harness.ClaimsAsync(waiter)).Select(r => r.Claim)])));
            holder = waiter;
        }
    }

    public static async Task Who_queues_at_what_is_free_is_told_at_once(StoreHarness harness)
    {
        var run = (await harness.DriveAsync()).Row.Run;
        Expect.Committed(await harness.CommitAsync(run, Queue(run, harness.Clock.GetUtcNow().AddHours(1), Block(Address)), Parked));
        await harness.ExpectTurnsAsync(run, 1);
        await harness.ExpectStatusAsync(run, RunStatus.Pending);
    }

    public static async Task A_turn_is_given_in_the_transaction_that_frees(StoreHarness harness)
    {
        var holder = await harness.HoldAsync(Block(Address));
        var waiter = await harness.QueueAsync(Block(Address));
        var freeing = Expect.Committed(await harness.CommitAsync(holder, NotApplied(holder))).Entries.Single();
        var turn = (await harness.Store.ReadLogAsync(freeing.Position, 1, default)).SingleOrDefault();
        Expect.Equal((waiter, EntryKinds.ClaimFreed, freeing.At, "act"), (turn?.Run, turn?.Kind, turn?.At, turn?.Step), "The entry after the one that frees");
        Expect.Equal(IdOf(waiter), Body.Read<ClaimFreed>(turn!).ActionId, "Whose turn it is");
        await harness.ExpectStatusAsync(waiter, RunStatus.Pending);
        Expect.That((await harness.ClaimsAsync(waiter)).Single() is { Phase: ClaimPhase.Queued, Told: true }, "Who was told that it is its turn does not stand in the queue as told.");
    }

    public static async Task What_comes_along_gives_turns_too(StoreHarness harness)
    {
        var holder = await harness.HoldAsync(Block(Address));
        var waiter = await harness.QueueAsync(Block(Address));
        Expect.Committed(await harness.Store.CommitAsync(
            new Commit { Run = await harness.StartAsync(), Entries = [Step()], Also = [new Commit { Run = holder, Entries = [NotApplied(holder)] }] }, default));
        await harness.ExpectTurnsAsync(waiter, 1);
    }

    public static async Task Who_has_been_told_is_not_told_again(StoreHarness harness)
    {
        var (first, second) = (await harness.HoldAsync(Block("192.0.2.1")), await harness.HoldAsync(Block("192.0.2.2")));
        var waiter = await harness.QueueAsync(Block("192.0.2.1"));
        Expect.Committed(await harness.CommitAsync(first, NotApplied(first)));
        Expect.Committed(await harness.CommitAsync(second, NotApplied(second)));
        await harness.ExpectTurnsAsync(waiter, 1);
    }

    public static async Task All_whose_turn_it_is_are_told(StoreHarness harness)
    {
        var holder = await harness.HoldAsync(Block(Network));
        var waiters = new[] { await harness.QueueAsync(Block("192.0.2.1")), await harness.QueueAsync(Block("192.0.2.2")), await harness.QueueAsync(Block("192.0.2.1"), Block("192.0.2.3")) };
        Expect.Committed(await harness.CommitAsync(holder, NotApplied(holder)));
        await harness.ExpectTurnsAsync(waiters[0], 1);
        await harness.ExpectTurnsAsync(waiters[1], 1);
        await harness.ExpectTurnsAsync(waiters[2], 0);
    }

    public static async Task Who_leaves_the_queue_lets_those_behind_it_pass(StoreHarness harness)
    {
        foreach (var leaves in new Func<RunId, EntryDraft>[] { _ => Unqueue, _ => Held, run => Observed(EntryKinds.ActionRefused, run) })
        {
            var holder = await harness.HoldAsync(Block(Address));
            var (first, second) = (await harness.QueueAsync(Block(Network)), await harness.QueueAsync(Block("192.0.2.9")));
            Expect.Committed(await harness.CommitAsync(first, leaves(first)));
            Expect.Equal((0, 0), ((await harness.ClaimsAsync(first)).Count, (await harness.HeadAsync(first)).Waits.Count(w => w.Kind == WaitKind.Claim)), "Claims and waits of who left the queue");
            await harness.ExpectTurnsAsync(second, 1);
            Expect.Committed(await harness.CommitAsync(second, Unqueue, Completed));
            Expect.Committed(await harness.CommitAsync(first, Completed));
            Expect.Committed(await harness.CommitAsync(holder, NotApplied(holder)));
        }
    }

    public static async Task A_quarantined_run_leaves_the_queue(StoreHarness harness)
    {
        var holder = await harness.HoldAsync(Block(Address));
        var waiter = await harness.QueueAsync(Block(Network));
        var behind = await harness.QueueAsync(Block("192.0.2.9"));
        Expect.Committed(await harness.CommitAsync(holder, Completed));
        harness.Clock.Advance(TimeSpan.FromMinutes(1));
        Expect.Committed(await harness.CommitAsync(waiter, Cancel));
        for (var deaths = 0; deaths <= LeaseRules.DeathsUntilAlone + LeaseRules.DeathsAloneUntilQuarantine; deaths++)
        {
            await harness.LeaseAsync("w-" + deaths.Number(), max: 1);
            harness.Die();
        }

        await harness.ExpectStatusAsync(waiter, RunStatus.Held);
        Expect.Equal(0, (await harness.ClaimsAsync(waiter)).Count, "Claims of a quarantined run that queued");
        await harness.ExpectTurnsAsync(behind, 1);
    }

    public static async Task A_place_in_the_queue_expires_at_its_instant(StoreHarness harness)
    {
        var holder = await harness.HoldAsync(Block(Address));
        var waiter = await harness.QueueAsync(Block(Network));
        var late = (await harness.DriveAsync()).Row.Run;
        harness.Clock.Advance(TimeSpan.FromHours(1) - Tick);
        ExpectInTheWay(await harness.CommitAsync(late, Intend(late, Block("192.0.2.9"))), ClaimRefusal.Held, waiter);
        harness.Clock.Advance(Tick);
        Expect.Committed(await harness.CommitAsync(late, Intend(late, Block("192.0.2.9"))));
        ExpectInTheWay(await harness.CommitAsync(late, Intend(late, "again", [Block(Address)])), ClaimRefusal.Held, holder);
        Expect.Sequence([waiter], (await harness.LeaseAsync()).Runs.Select(r => r.Row.Run).Where(r => r == waiter), "Given when its place expired");
    }

    public static async Task A_refused_commit_writes_nothing(StoreHarness harness)
    {
        var holder = await harness.HoldAsync(Block(Address));
        var (run, other) = (await harness.StartAsync(), await harness.StartAsync());
        var refused = await harness.Store.CommitAsync(
            new Commit { Run = run, Entries = [Step(), Propose(run, Block("web-01")), Intend(run, Block(Address))], Also = [new Commit { Run = other, Entries = [Signal("go")] }] }, default);
        ExpectInTheWay(refused, ClaimRefusal.Held, holder);
        Expect.Equal((1L, 1L), ((await harness.HeadAsync(run)).Seq, (await harness.HeadAsync(other)).Seq), "The last seq of the run and of the one that came along");
        Expect.Sequence([holder], (await harness.ClaimsAsync()).Select(r => r.Run), "Whose claims there are");
    }

    public static async Task What_comes_along_and_cannot_have_its_claims_is_left_out(StoreHarness harness)
    {
        await harness.HoldAsync(Block(Address));
        var (run, other) = (await harness.StartAsync(), await harness.StartAsync());
        Expect.Committed(await harness.Store.CommitAsync(new Commit { Run = run, Entries = [Step()], Also = [new Commit { Run = other, Entries = [Intend(other, Block(Address))] }] }, default));
        Expect.Equal(1L, (await harness.HeadAsync(other)).Seq, "The last seq of the run that could not have its claims");
    }

    public static async Task Of_many_intents_at_once_one_gets_the_claim(StoreHarness harness)
    {
        for (var round = 0; round < 10; round++)
        {
            var runs = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => harness.StartAsync()));
            var results = await Task.WhenAll(runs.Select((run, i) => Task.Run(() => harness.CommitAsync(run, Intend(run, Block(i % 2 == 0 ? Network : Address))))));
            Expect.Equal(1, results.Count(r => r.IsCommitted), "How many of eight overlapping intents at once were written");
            Expect.Equal(7, results.Count(r => r.Claims?.Code == ClaimRefusal.Held), "How many of them were told that it is held");
            var winner = results.Single(r => r.IsCommitted).Head!.Row.Run;
            Expect.Committed(await harness.CommitAsync(winner, NotApplied(winner)));
        }
    }

    public static async Task Of_many_who_queue_at_once_each_gets_its_turn_once(StoreHarness harness)
    {
        var holder = await harness.HoldAsync(Block(Address));
        var runs = new List<RunHead>();
        for (var i = 0; i < 8; i++)
        {
            runs.Add(await harness.DriveAsync());
        }

        var due = harness.Clock.GetUtcNow().AddHours(1);
        var freed = Task.Run(() => harness.CommitAsync(holder, NotApplied(holder)));
        await Task.WhenAll(runs.Select(run => Task.Run(async () => Expect.Committed(await harness.CommitAsync(run, Queue(run.Row.Run, due, Block(Address)), Parked)))));
        Expect.Committed(await freed);
        for (var served = 0; served < runs.Count; served++)
        {
            var given = (await harness.LeaseAsync()).Runs;
            Expect.Equal(1, given.Count, $"Runs that can go on after {served} of those that queued were served");
            Expect.Committed(await harness.CommitAsync(given[0], Intend(given[0].Row.Run, Block(Address)), NotApplied(given[0].Row.Run), Completed));
        }

        foreach (var run in runs)
        {
            await harness.ExpectTurnsAsync(run.Row.Run, 1);
        }
    }

    public static async Task A_limit_is_reached_by_all_runs_together_and_not_passed(StoreHarness harness)
    {
        var limit = new LimitUse("blocks", 2, 5, (long)TimeSpan.FromHours(1).TotalMicroseconds);
        await UseAsync(limit);
        harness.Clock.Advance(TimeSpan.FromMinutes(30));
        await UseAsync(limit);
        var run = (await harness.DriveAsync()).Row.Run;
        ExpectLimit(await harness.CommitAsync(run, Intend(run, "act", [], limit: limit)), limit, used: 4);
        var now = Microseconds.From(harness.Clock.GetUtcNow());
        Expect.Sequence(
            [4L, 2L, 0L, 0L],
            [await harness.Store.UsedAsync("blocks", 0, default), await harness.Store.UsedAsync("blocks", now - 1, default), await harness.Store.UsedAsync("blocks", now, default), await harness.Store.UsedAsync("mails", 0, default)],
            "What is used in all, since now, after now, and of another limit");
        Expect.Equal(1L + 1, (await harness.HeadAsync(run)).Seq, "The last seq of a run that would pass the limit");
        Expect.Committed(await harness.CommitAsync(run, Intend(run, "act", [], limit: limit with { Amount = 1 })));
        Expect.Committed(await harness.CommitAsync(run, Intend(run, "other", [], limit: limit with { Name = "mails" })));

        // The first use is out of the window at the very instant at which it is an hour old.
        harness.Clock.Advance(TimeSpan.FromMinutes(30) - Tick);
        ExpectLimit(await harness.CommitAsync(run, Intend(run, "late", [], limit: limit)), limit, used: 5);
        harness.Clock.Advance(Tick);
        Expect.Committed(await harness.CommitAsync(run, Intend(run, "late", [], limit: limit)));
        ExpectLimit(await harness.CommitAsync(run, Intend(run, "later", [], limit: limit)), limit, used: 5);

        async Task UseAsync(LimitUse use)
        {
            var other = (await harness.DriveAsync()).Row.Run;
            Expect.Committed(await harness.CommitAsync(other, Intend(other, "act", [], limit: use)));
        }
    }

    public static async Task Of_many_intents_at_once_no_more_than_the_limit_are_written(StoreHarness harness)
    {
        var limit = new LimitUse("blocks", 1, 3, (long)TimeSpan.FromHours(1).TotalMicroseconds);
        var runs = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => harness.StartAsync()));
        var results = await Task.WhenAll(runs.Select(run => Task.Run(() => harness.CommitAsync(run, Intend(run, "act", [], limit: limit)))));
        Expect.Equal((3, 5), (results.Count(r => r.IsCommitted), results.Count(r => r.Claims?.Code == ClaimRefusal.LimitReached)), "How many of eight were written, and told that the limit is reached");
    }

    public static async Task The_list_of_claims_can_be_filtered(StoreHarness harness)
    {
        var standing = await harness.StandAsync(Block(Address));
        var holding = await harness.HoldAsync(Allow("web-02"), Block("192.0.2.200"));
        var queued = await harness.QueueAsync(Block(Network), Block("web-01"));
        await ExpectListAsync(harness, new ClaimQuery { Run = queued }, queued, queued);
        await ExpectListAsync(harness, new ClaimQuery { Phases = [ClaimPhase.Hold] }, holding, holding);
        await ExpectListAsync(harness, new ClaimQuery { Phases = [ClaimPhase.Standing, ClaimPhase.Queued] }, standing, queued, queued);
        await ExpectListAsync(harness, new ClaimQuery { Overlapping = [Block("192.0.2.7").Resource] }, standing, queued);
        await ExpectListAsync(harness, new ClaimQuery { Overlapping = [Block("192.0.2.7").Resource, Block("192.0.2.0/25").Resource, Block("web-02/root").Resource] }, standing, holding, queued);
        await ExpectListAsync(harness, new ClaimQuery { Overlapping = [Block("192.0.2.7").Resource], Phases = [ClaimPhase.Queued], Run = queued }, queued);
        await ExpectListAsync(harness, new ClaimQuery { Overlapping = [Block("192.0.2.7").Resource], Run = holding });
        await ExpectListAsync(harness, new ClaimQuery { Overlapping = [] });
        await ExpectListAsync(harness, new ClaimQuery { Run = harness.NewRun() });
    }

    public static async Task The_pages_of_the_list_of_claims_leave_nothing_out_and_repeat_nothing(StoreHarness harness)
    {
        for (var i = 0; i < 7; i++)
        {
            await harness.HoldAsync([.. Enumerable.Range(0, 1 + (i % 3)).Select(n => Block($"host-{i.Number()}/{n.Number()}"))]);
        }

        var all = await harness.ClaimsAsync();
        Expect.Equal(13, all.Count, "Claims in all");
        Expect.Sequence(all.OrderBy(r => r.Position).ThenBy(r => r.Claim.Resource.Path, StringComparer.Ordinal), all, "The order of the list");
        foreach (var size in new[] { 1, 2, 3, 5, 13 })
        {
            var pages = new List<ClaimRow>();
            while (await harness.Store.ClaimsAsync(new ClaimQuery { Limit = size, After = pages.Count == 0 ? null : pages[^1].Position }, default) is { Count: > 0 } page)
            {
                Expect.That(page.Count >= Math.Min(size, all.Count - pages.Count) && page.Count < size + 3, $"A page of {page.Count} claims where {size} are asked for.");
                pages.AddRange(page);
            }

            Expect.Sequence(all, pages, $"The list in pages of {size}");
        }
    }

    [NeedsDurability]
    public static async Task Claims_and_limits_are_there_after_opening_again(StoreHarness harness)
    {
        var limit = new LimitUse("blocks", 3, 3, (long)TimeSpan.FromHours(1).TotalMicroseconds);
        var standing = await harness.StandAsync(new Claim(Block("web-01").Resource, "block", ["allow", "trust"]), harness.Clock.GetUtcNow().AddMinutes(10));
        var holder = await harness.HoldAsync(Block(Address));
        Expect.Committed(await harness.CommitAsync(holder, Intend(holder, "limited", [], limit: limit)));
        var waiter = await harness.QueueAsync(Block(Network), Allow("web-02"));
        var before = await harness.ClaimsAsync();
        await harness.ReopenAsync();
        Expect.Sequence(before, await harness.ClaimsAsync(), "The claims after opening again");
        ExpectInTheWay(await harness.CommitAsync(standing, Intend(standing, "again", [Block(Address)])), ClaimRefusal.Held, holder, waiter);
        ExpectLimit(await harness.CommitAsync(standing, Intend(standing, "limited", [], limit: limit)), limit, used: 3);
        Expect.Committed(await harness.CommitAsync(holder, NotApplied(holder)));
        await harness.ExpectTurnsAsync(waiter, 1);
    }

    private static void ExpectLimit(CommitResult result, LimitUse limit, long used)
    {
        ExpectInTheWay(result, ClaimRefusal.LimitReached);
        Expect.Equal((limit, used), (result.Claims!.Limit, result.Claims.Used), "The limit that would be passed, and how much of it is used");
    }

    private static async Task<IReadOnlyList<ClaimRow>> OverlappingAsync(StoreHarness harness, string where) =>
        await harness.Store.ClaimsAsync(new ClaimQuery { Overlapping = [Block(where).Resource] }, default);

    private static async Task ExpectListAsync(StoreHarness harness, ClaimQuery query, params RunId[] runs) =>
        Expect.Sequence(runs, (await harness.Store.ClaimsAsync(query, default)).Select(r => r.Run), "Whose claims are listed");
}
