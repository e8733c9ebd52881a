using Signalbox.Journal;
using Signalbox.Storage;
using static Signalbox.Testing.StoreMoves;

namespace Signalbox.Testing;

internal static class Waiting
{
    public static async Task A_run_that_waits_for_a_time_is_given_at_that_time_and_not_before(StoreHarness harness)
    {
        var due = harness.Clock.GetUtcNow().AddHours(1);
        var run = (await harness.ParkAsync(Wait("nap", due: due))).Row.Run;
        var early = await harness.LeaseAsync();
        Expect.Sequence([], early.Runs, "Given before the time");
        Expect.Equal(due, early.NextDue, "When the next run comes due");
        harness.Clock.Advance(TimeSpan.FromHours(1) - TimeSpan.FromMicroseconds(1));
        Expect.Sequence([], (await harness.LeaseAsync()).Runs, "Given a microsecond before the time");
        harness.Clock.Advance(TimeSpan.FromMicroseconds(1));
        var lease = await harness.LeaseAsync();
        Expect.Sequence([run], lease.Runs.Select(r => r.Row.Run), "Given at the time");
        Expect.Equal(null, lease.NextDue, "When the next run comes due, if none waits for a time");
        Expect.Equal(1, lease.Runs[0].Waits.Length, "Open waits of a run that woke: the run itself completes them");
    }

    public static async Task The_earliest_of_its_waits_wakes_a_run(StoreHarness harness)
    {
        var now = harness.Clock.GetUtcNow();
        await harness.ParkAsync(Wait("late", due: now.AddHours(3)), Wait("signal", "go"), Ask("soon", now.AddHours(1)), Wait("later", "stop", now.AddHours(2)));
        Expect.Equal(now.AddHours(1), (await harness.LeaseAsync()).NextDue, "When the run comes due");
    }

    public static async Task The_next_due_time_is_that_of_the_workflows_asked_for(StoreHarness harness)
    {
        await harness.ParkAsync(Wait("nap", due: harness.Clock.GetUtcNow().AddHours(1)));
        Expect.Equal(null, (await harness.LeaseAsync(workflows: new WorkflowVersion("other", 1))).NextDue, "When the next run of another workflow comes due");
    }

    public static async Task A_run_that_waits_for_a_signal_is_woken_by_it(StoreHarness harness)
    {
        var run = (await harness.ParkAsync(Wait("go", "go"))).Row.Run;
        Expect.Sequence([], (await harness.LeaseAsync()).Runs, "Given before the signal");
        Expect.Equal(RunStatus.Pending, Expect.Committed(await harness.CommitAsync(run, Signal("go"))).Head!.Row.Status, "The status after the signal");
        var lease = (await harness.LeaseAsync()).Runs.Single();
        var signal = lease.Mailbox.Single();
        var after = Expect.Committed(await harness.CommitAsync(lease, Waited("go", signal.Seq))).Head!;
        Expect.That(after.Mailbox.IsEmpty && after.Waits.IsEmpty, "A completed wait and its consumed signal must be gone.");
    }

    public static async Task A_signal_of_another_name_lies_in_the_mailbox_and_wakes_nobody(StoreHarness harness)
    {
        var run = (await harness.ParkAsync(Wait("go", "go"))).Row.Run;
        await harness.CommitAsync(run, Signal("stop"));
        await harness.ExpectStatusAsync(run, RunStatus.Waiting);
        Expect.Equal("stop", (await harness.HeadAsync(run)).Mailbox.Single().Name, "The signal in the mailbox");
    }

    public static async Task Signals_may_come_first_and_keep_their_order(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        foreach (var name in new[] { "b", "a", "b" })
        {
            await harness.CommitAsync(run, Signal(name));
        }

        var lease = (await harness.LeaseAsync()).Runs.Single();
        Expect.Sequence([(2L, "b"), (3L, "a"), (4L, "b")], lease.Mailbox.Select(s => (s.Seq, s.Name)), "The mailbox");
        var after = Expect.Committed(await harness.CommitAsync(lease, Wait("w", "b"), Waited("w", 2))).Head!;
        Expect.Sequence([3L, 4L], after.Mailbox.Select(s => s.Seq), "The mailbox after the first was consumed");
    }

    public static async Task A_run_does_not_park_past_a_signal_that_came_meanwhile(StoreHarness harness)
    {
        var lease = await harness.DriveAsync();
        await harness.CommitAsync(lease.Row.Run, Signal("go"));
        var park = new Commit { Run = lease.Row.Run, Epoch = lease.Row.Epoch, ExpectedSeq = lease.Seq, Entries = [Wait("go", "go"), Parked] };
        Expect.Refused(await harness.Store.CommitAsync(park, default), CommitStatus.SeqMoved);
        await harness.ExpectStatusAsync(lease.Row.Run, RunStatus.Running);
    }

    public static async Task Parking_and_a_signal_at_once_never_leave_a_run_asleep(StoreHarness harness)
    {
        for (var round = 0; round < 20; round++)
        {
            var lease = await harness.DriveAsync();
            var park = Task.Run(async () =>
            {
                var seq = lease.Seq;
                while (await harness.Store.CommitAsync(new Commit { Run = lease.Row.Run, Epoch = lease.Row.Epoch, ExpectedSeq = seq, Entries = [Wait("go", "go"), Parked] }, default) is { Status: CommitStatus.SeqMoved } moved)
                {
                    seq = moved.Head!.Seq;
                    if (!moved.Head.Mailbox.IsEmpty)
                    {
                        return;
                    }
                }
            });
            var signal = Task.Run(() => harness.CommitAsync(lease.Row.Run, Signal("go")));
            await park;
            Expect.Committed(await signal);
            Expect.That((await harness.HeadAsync(lease.Row.Run)).Row.Status != RunStatus.Waiting, "A run sleeps beside the signal that it waits for.");
            Expect.Committed(await harness.CommitAsync(lease.Row.Run, Completed));
        }
    }

    public static async Task The_first_answer_counts_and_wakes_the_run(StoreHarness harness)
    {
        var run = (await harness.ParkAsync(Ask("block", harness.Clock.GetUtcNow().AddHours(1)))).Row.Run;
        Expect.Equal(RunStatus.Pending, Expect.Committed(await harness.CommitAsync(run, Answer("block"))).Head!.Row.Status, "The status after the answer");
        Expect.Refused(await harness.CommitAsync(run, Answer("block", "no")), CommitStatus.Refused, "approval_not_open");
    }

    public static async Task Of_many_answers_at_once_one_counts(StoreHarness harness)
    {
        var run = (await harness.ParkAsync(Ask("block"))).Row.Run;
        var results = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => Task.Run(() => harness.CommitAsync(run, Answer("block")))));
        Expect.Equal(1, results.Count(r => r.IsCommitted), "How many of twelve answers at once were taken");
    }

    public static async Task An_answer_counts_until_the_instant_of_expiry(StoreHarness harness)
    {
        var due = harness.Clock.GetUtcNow().AddHours(1);
        var inTime = (await harness.ParkAsync(Ask("block", due))).Row.Run;
        var late = (await harness.ParkAsync(Ask("block", due))).Row.Run;
        harness.Clock.Advance(TimeSpan.FromHours(1) - TimeSpan.FromMicroseconds(1));
        Expect.Committed(await harness.CommitAsync(inTime, Answer("block")));
        harness.Clock.Advance(TimeSpan.FromMicroseconds(1));
        Expect.Refused(await harness.CommitAsync(late, Answer("block")), CommitStatus.Refused, "approval_expired");
        Expect.Equal(1, (await harness.HeadAsync(late)).Waits.Length, "Open questions after an answer that came too late");
    }

    public static async Task A_clock_set_back_does_not_bring_an_expired_question_back(StoreHarness harness)
    {
        var run = (await harness.ParkAsync(Ask("block", harness.Clock.GetUtcNow().AddHours(1)))).Row.Run;
        harness.Clock.Advance(TimeSpan.FromHours(2));
        await harness.StartAsync();
        harness.Clock.Jump(TimeSpan.FromHours(-2));
        Expect.Refused(await harness.CommitAsync(run, Answer("block")), CommitStatus.Refused, "approval_expired");
    }

    public static async Task A_withdrawn_wait_is_gone_and_wakes_nobody(StoreHarness harness)
    {
        var lease = await harness.DriveAsync();
        var due = harness.Clock.GetUtcNow().AddHours(1);
        await harness.CommitAsync(lease, Wait("a", "go"), Wait("b", due: due), Ask("c"), Draft(EntryKinds.WaitWithdrawn, step: "b"), Draft(EntryKinds.ApprovalWithdrawn, step: "c"), Parked);
        Expect.Sequence(["a"], (await harness.HeadAsync(lease.Row.Run)).Waits.Select(w => w.Step), "The open waits");
        Expect.Equal(null, (await harness.LeaseAsync()).NextDue, "When the next run comes due");
    }

    public static async Task A_request_to_end_wakes_a_run_that_waits(StoreHarness harness)
    {
        var run = (await harness.ParkAsync(Wait("go", "go"))).Row.Run;
        await harness.CommitAsync(run, Cancel);
        Expect.Sequence([run], (await harness.LeaseAsync()).Runs.Select(r => r.Row.Run), "Given after the request");
    }
}
