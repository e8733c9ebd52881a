using Signalbox.Journal;
using Signalbox.Storage;
using static Signalbox.Testing.StoreMoves;

namespace Signalbox.Testing;

internal static class Leasing
{
    public static async Task A_pending_run_is_given_under_a_new_epoch_with_a_record_of_it(StoreHarness harness)
    {
        var lease = await harness.DriveAsync();
        Expect.Equal((RunStatus.Running, 1, "w-1", 2L), (lease.Row.Status, lease.Row.Epoch, lease.Row.Worker, lease.Row.LeaseSeq), "A leased run");
        var entry = (await harness.Store.ReadAsync(lease.Row.Run, lease.Row.LeaseSeq, 1, default)).Single();
        Expect.Equal((EntryKinds.RunLeased, "worker:w-1", 1), (entry.Kind, entry.Actor, entry.Epoch), "The entry of the lease");
    }

    public static async Task What_a_lease_hands_along_of_a_run_is_the_beginning_of_its_visit(StoreHarness harness)
    {
        var first = await harness.StartAsync();
        var second = await harness.StartAsync();
        var leased = await harness.LeaseAsync(max: 2);
        Expect.Sequence([first, second], leased.Runs.Select(r => r.Row.Run), "Runs given");
        for (var i = 0; i < leased.Visits.Count; i++)
        {
            var run = leased.Runs[i].Row;
            var visit = await harness.Store.ReadAsync(run.Run, Math.Max(0, run.VisitSeq - 1), leased.Visits[i].Count, default);
            Expect.Sequence(visit.Select(e => (e.Run, e.Seq, Convert.ToHexString(e.Hash.Span))), leased.Visits[i].Select(e => (e.Run, e.Seq, Convert.ToHexString(e.Hash.Span))), "Entries handed along");
        }
    }

    public static async Task A_worker_gets_only_runs_of_the_workflows_and_versions_it_has(StoreHarness harness)
    {
        var mine = await harness.StartAsync("mine", 2);
        await harness.StartAsync("mine", 1);
        await harness.StartAsync("other", 2);
        Expect.Sequence([mine], (await harness.LeaseAsync(workflows: new WorkflowVersion("mine", 2))).Runs.Select(r => r.Row.Run), "Runs given for 'mine' v2");
        Expect.Sequence([], (await harness.LeaseAsync(workflows: new WorkflowVersion("none", 2))).Runs, "Runs given for a workflow that has none");
    }

    public static async Task Those_ready_longest_come_first_and_no_more_than_asked_for(StoreHarness harness)
    {
        var runs = new List<RunId>();
        for (var i = 0; i < 5; i++)
        {
            runs.Add(await harness.StartAsync(i % 2 == 0 ? Flow : "second"));
            harness.Clock.Advance(TimeSpan.FromSeconds(1));
        }

        WorkflowVersion[] both = [new("second", 1), new(Flow, 1)];
        Expect.Sequence(runs.Take(3), (await harness.LeaseAsync(max: 3, workflows: both)).Runs.Select(r => r.Row.Run), "The first three given");
        Expect.Sequence(runs.Skip(3), (await harness.LeaseAsync(max: 3, workflows: both)).Runs.Select(r => r.Row.Run), "Those given next");
        Expect.Sequence([], (await harness.LeaseAsync(max: 3, workflows: both)).Runs, "Given when nothing is left");
    }

    public static async Task A_run_is_given_to_one_worker_however_many_ask(StoreHarness harness)
    {
        var runs = new HashSet<RunId>();
        for (var i = 0; i < 40; i++)
        {
            runs.Add(await harness.StartAsync());
        }

        var given = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            var mine = new List<RunId>();
            while (await harness.LeaseAsync("w-" + i.Number(), max: 3) is { Runs.Count: > 0 } lease)
            {
                mine.AddRange(lease.Runs.Select(r => r.Row.Run));
            }

            return mine;
        })));
        var all = given.SelectMany(g => g).ToArray();
        Expect.Equal(40, all.Length, "How many leases were given of 40 runs to workers that live");
        Expect.That(runs.SetEquals(all), "A run was given twice, or not at all.");
    }

    public static async Task A_run_of_a_worker_that_lives_is_left_to_it(StoreHarness harness)
    {
        var lease = await harness.DriveAsync();
        for (var i = 0; i < 5; i++)
        {
            harness.Clock.Advance(Lease / 2);
            Expect.That(await harness.Store.HeartbeatAsync("w-1", Lease, default), "A worker that was not silent too long was told that its leases are void.");
            Expect.Sequence([], (await harness.LeaseAsync("w-2")).Runs, "Given to a second worker");
        }

        Expect.Committed(await harness.CommitAsync(lease, Step()));
    }

    public static async Task A_dead_workers_run_is_taken_over_and_the_dead_writes_no_more(StoreHarness harness)
    {
        var old = await harness.DriveAsync();
        harness.Die();
        var taken = (await harness.LeaseAsync("w-2")).Runs.Single();
        Expect.Equal((old.Row.Run, 2, "w-2", 1, false), (taken.Row.Run, taken.Row.Epoch, taken.Row.Worker, taken.Row.Deaths, taken.Row.Alone), "The run after the take-over");
        Expect.Refused(await harness.CommitAsync(old, Step()), CommitStatus.LeaseLost);
        Expect.Committed(await harness.CommitAsync(taken, Step()));
        Expect.That(!await harness.Store.HeartbeatAsync("w-1", Lease, default), "A worker whose leases were voided was not told.");
        Expect.That(await harness.Store.HeartbeatAsync("w-1", Lease, default), "A worker that was told once is alive again.");
    }

    public static async Task A_silent_worker_is_told_even_if_nobody_took_its_runs(StoreHarness harness)
    {
        await harness.DriveAsync();
        harness.Clock.Advance(Lease);
        Expect.That(!await harness.Store.HeartbeatAsync("w-1", Lease, default), "A lease ends at the instant it was given for, and then the worker is told.");
    }

    public static async Task A_retired_workers_runs_go_on_at_once(StoreHarness harness)
    {
        var lease = await harness.DriveAsync();
        await harness.Store.RetireAsync("w-1", default);
        Expect.Sequence([lease.Row.Run], (await harness.LeaseAsync("w-2")).Runs.Select(r => r.Row.Run), "Given after the first worker retired");
    }

    public static async Task Orphans_come_before_what_is_ready(StoreHarness harness)
    {
        var orphan = await harness.DriveAsync();
        harness.Die();
        await harness.StartAsync();
        Expect.Sequence([orphan.Row.Run], (await harness.LeaseAsync("w-2", max: 1)).Runs.Select(r => r.Row.Run), "The first given");
    }

    public static async Task Orphans_of_other_workflows_are_left(StoreHarness harness)
    {
        await harness.DriveAsync();
        harness.Die();
        Expect.Sequence([], (await harness.LeaseAsync("w-2", workflows: new WorkflowVersion(Flow, 2))).Runs, "Given to a worker that has another version");
    }

    public static async Task After_two_deaths_without_a_step_a_run_is_driven_alone(StoreHarness harness)
    {
        var suspect = await harness.DriveAsync();
        harness.Die();
        await harness.LeaseAsync("w-2");
        harness.Die();
        var ready = await harness.StartAsync();

        var busy = await harness.LeaseAsync("w-3", idle: false);
        Expect.That(busy.Runs.Count == 0 && busy.AloneWaits, $"A busy worker must be given nothing and told that a run waits to be driven alone; got {busy.Runs.Count} runs, AloneWaits {busy.AloneWaits}.");
        var idle = await harness.LeaseAsync("w-3");
        Expect.Sequence([suspect.Row.Run], idle.Runs.Select(r => r.Row.Run), "An idle worker gets the suspect and nothing beside it");
        Expect.Equal((true, 2), (idle.Runs[0].Row.Alone, idle.Runs[0].Row.Deaths), "Alone, and deaths");
        Expect.Sequence([ready], (await harness.LeaseAsync("w-4")).Runs.Select(r => r.Row.Run), "The run that is ready goes to another worker");
    }

    public static async Task New_work_clears_a_run_of_suspicion(StoreHarness harness)
    {
        await harness.DriveAsync();
        for (var i = 2; i < 6; i++)
        {
            harness.Die();
            var lease = (await harness.LeaseAsync("w-" + i.Number())).Runs.Single();
            Expect.Equal((1, false), (lease.Row.Deaths, lease.Row.Alone), "Deaths and alone of a run that did new work before each death");
            Expect.Committed(await harness.CommitAsync(lease, Step("s" + i.Number())));
        }
    }

    public static async Task A_run_that_kills_its_worker_again_and_again_is_held(StoreHarness harness)
    {
        var run = (await harness.DriveAsync()).Row.Run;
        for (var i = 2; (await harness.HeadAsync(run)).Row.Status == RunStatus.Running; i++)
        {
            Expect.That(i < 10, "A run whose workers died nine times without a step is still being driven.");
            harness.Die();
            await harness.LeaseAsync("w-" + i.Number());
        }

        var row = (await harness.HeadAsync(run)).Row;
        Expect.Equal((RunStatus.Held, TroubleCodes.Quarantined), (row.Status, row.ReasonCode), "The run after the last death");
        Expect.Sequence([], (await harness.LeaseAsync("w-last")).Runs, "Given while it is held");
    }

    public static async Task Of_several_suspects_each_gets_its_turn_before_one_is_driven_alone_again(StoreHarness harness)
    {
        RunId[] runs = [await harness.StartAsync(), await harness.StartAsync(), await harness.StartAsync()];
        await harness.LeaseAsync();
        harness.Die();
        await harness.LeaseAsync("w-2");
        var alone = new List<RunId>();
        for (var i = 3; i < 6; i++)
        {
            harness.Die();
            alone.Add((await harness.LeaseAsync("w-" + i.Number())).Runs.Single().Row.Run);
        }

        Expect.Sequence(runs, alone, "Driven alone, one after the other, each by a worker that died");
    }

    public static async Task A_run_given_back_in_good_order_counts_no_death(StoreHarness harness)
    {
        var lease = await harness.DriveAsync();
        Expect.Committed(await harness.CommitAsync(lease, Draft(EntryKinds.RunReleased)));
        var again = (await harness.LeaseAsync("w-2")).Runs.Single();
        Expect.Equal((2, 0), (again.Row.Epoch, again.Row.Deaths), "Epoch and deaths");
    }
}
