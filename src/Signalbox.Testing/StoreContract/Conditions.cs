using Signalbox.Journal;
using Signalbox.Storage;
using static Signalbox.Testing.StoreMoves;

namespace Signalbox.Testing;

internal static class Conditions
{
    public static async Task A_commit_that_expects_another_seq_is_refused(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        Expect.Refused(await harness.Store.CommitAsync(new Commit { Run = run, ExpectedSeq = 0, Entries = [Step()] }, default), CommitStatus.SeqMoved);
        Expect.Refused(await harness.Store.CommitAsync(new Commit { Run = run, ExpectedSeq = 2, Entries = [Step()] }, default), CommitStatus.SeqMoved);
        Expect.Committed(await harness.Store.CommitAsync(new Commit { Run = run, ExpectedSeq = 1, Entries = [Step()] }, default));
    }

    public static async Task Of_many_commits_that_expect_the_same_seq_one_is_written(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        for (var round = 0; round < 10; round++)
        {
            var seq = (await harness.HeadAsync(run)).Seq;
            var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(async () =>
                await harness.Store.CommitAsync(new Commit { Run = run, ExpectedSeq = seq, Entries = [Step()] }, default))));
            Expect.Equal(1, results.Count(r => r.IsCommitted), "How many of eight commits that expect the same seq were written");
            Expect.Equal(7, results.Count(r => r.Status == CommitStatus.SeqMoved), "How many of them were told SeqMoved");
        }
    }

    public static async Task A_commit_under_another_epoch_is_refused(StoreHarness harness)
    {
        var lease = await harness.DriveAsync();
        foreach (var epoch in new[] { 0, 2 })
        {
            Expect.Refused(await harness.Store.CommitAsync(new Commit { Run = lease.Row.Run, Epoch = epoch, Entries = [Step()] }, default), CommitStatus.LeaseLost);
        }

        Expect.Committed(await harness.CommitAsync(lease, Step()));
    }

    public static async Task A_commit_under_the_epoch_of_a_run_that_nobody_drives_is_refused(StoreHarness harness)
    {
        var waiting = await harness.ParkAsync(Wait("go", "go"));
        Expect.Refused(await harness.CommitAsync(waiting, Step()), CommitStatus.LeaseLost);
    }

    public static async Task If_one_entry_of_a_commit_is_refused_none_is_written(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        Expect.Refused(await harness.CommitAsync(run, Step(), Step(), Answer("nobody-asked")), CommitStatus.Refused, "approval_not_open");
        Expect.Equal(1L, (await harness.HeadAsync(run)).Seq, "The run's last seq after a refused commit");
    }

    public static async Task The_entries_of_a_commit_stand_together(StoreHarness harness)
    {
        var runs = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => harness.StartAsync()));
        var results = await Task.WhenAll(runs.Select(run => Task.Run(async () =>
        {
            var all = new List<CommitResult>();
            for (var i = 0; i < 20; i++)
            {
                all.Add(Expect.Committed(await harness.CommitAsync(run, Step("a"), Step("b"), Step("c"))));
            }

            return all;
        })));
        foreach (var result in results.SelectMany(r => r))
        {
            var first = result.Entries[0];
            Expect.Sequence([first.Position, first.Position + 1, first.Position + 2], result.Entries.Select(e => e.Position), "The positions of a commit's entries");
            Expect.Sequence([first.Seq, first.Seq + 1, first.Seq + 2], result.Entries.Select(e => e.Seq), "Their seqs");
        }
    }

    public static async Task A_run_that_has_ended_takes_no_signal_and_is_not_canceled(StoreHarness harness)
    {
        foreach (var end in new[] { Completed, Failed, Draft(EntryKinds.RunCanceled) })
        {
            var lease = await harness.DriveAsync();
            Expect.Committed(await harness.CommitAsync(lease, end));
            Expect.Refused(await harness.CommitAsync(lease.Row.Run, Signal("go")), CommitStatus.Refused, "run_ended");
            Expect.Refused(await harness.CommitAsync(lease.Row.Run, Cancel), CommitStatus.Refused, "run_ended");
        }
    }

    public static async Task A_run_is_asked_to_end_once(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        Expect.That(Expect.Committed(await harness.CommitAsync(run, Cancel)).Head!.Row.CancelRequested, "A cancel request does not show in the row.");
        Expect.Refused(await harness.CommitAsync(run, Cancel), CommitStatus.Refused, "cancel_requested_already");
    }

    public static async Task What_agents_use_up_is_kept_with_the_run(StoreHarness harness)
    {
        var lease = await harness.DriveAsync();
        Expect.Committed(await harness.CommitAsync(lease, Reserved, Reserved, Settled, Rejected));
        var spent = (await harness.HeadAsync(lease.Row.Run)).Row.Spent;
        Expect.Equal(
            new Spending { Calls = 2, InputTokens = 1_020, OutputTokens = 205, Micros = 3_100, Microseconds = 1_234, Rejections = 1 }, spent, "What is spent after two reservations, of which one is settled, and a rejected call");
        Expect.Committed(await harness.CommitAsync(lease, Step()));
        Expect.Equal(spent, (await harness.HeadAsync(lease.Row.Run)).Row.Spent, "What is spent after a step that costs nothing");
    }

    public static async Task Only_a_failed_run_is_retried_and_only_a_held_one_released(StoreHarness harness)
    {
        var lease = await harness.DriveAsync();
        var run = lease.Row.Run;
        Expect.Refused(await harness.CommitAsync(run, Draft(EntryKinds.RunRetried)), CommitStatus.Refused, "not_failed");
        Expect.Refused(await harness.CommitAsync(run, Draft(EntryKinds.RunResumed)), CommitStatus.Refused, "not_held");
        var held = Expect.Committed(await harness.CommitAsync(lease, Held)).Head!.Row;
        Expect.Equal((RunStatus.Held, "action_in_doubt", "the firewall is silent"), (held.Status, held.ReasonCode, held.Reason), "A held run");
        Expect.Committed(await harness.CommitAsync(run, Draft(EntryKinds.RunResumed)));
        await harness.ExpectStatusAsync(run, RunStatus.Pending);
        var again = (await harness.LeaseAsync()).Runs.Single();
        Expect.Committed(await harness.CommitAsync(again, Failed));
        Expect.Committed(await harness.CommitAsync(run, Draft(EntryKinds.RunRetried)));
        await harness.ExpectStatusAsync(run, RunStatus.Pending);
    }

    public static async Task What_comes_along_is_written_with_the_commit(StoreHarness harness)
    {
        var parent = await harness.DriveAsync();
        var child = harness.NewRun();
        var result = await harness.Store.CommitAsync(
            new Commit
            {
                Run = parent.Row.Run,
                Epoch = parent.Row.Epoch,
                Entries = [Draft(EntryKinds.ChildStarted, Body.Write(new ChildStarted(child, Flow)))],
                Also = [new Commit { Run = child, Entries = [Started(parent: parent.Row.Run), Entered("Work", 1)] }],
            },
            default);
        Expect.Committed(result);
        Expect.Sequence([EntryKinds.ChildStarted], result.Entries.Select(e => e.Kind), "The entries in the answer are the commit's own");
        Expect.Equal(parent.Row.Run, (await harness.HeadAsync(child)).Row.Parent, "The child's parent");
    }

    public static async Task What_comes_along_and_is_refused_is_left_out_and_refuses_nothing_else(StoreHarness harness)
    {
        var ended = await harness.DriveAsync();
        await harness.CommitAsync(ended, Completed);
        var (run, other) = (await harness.StartAsync(), await harness.StartAsync());
        Expect.Committed(await harness.Store.CommitAsync(
            new Commit
            {
                Run = run,
                Entries = [Step()],
                Also =
                [
                    new Commit { Run = ended.Row.Run, Entries = [Signal("late")] },
                    new Commit { Run = harness.NewRun(), Entries = [Signal("nobody")] },
                    new Commit { Run = other, Entries = [Signal("go")] },
                ],
            },
            default));
        Expect.Equal(1, (await harness.HeadAsync(other)).Mailbox.Length, "Signals in the mailbox of the run that refuses nothing");
        Expect.Equal(RunStatus.Completed, (await harness.HeadAsync(ended.Row.Run)).Row.Status, "The status of the run that refused");
    }

    public static async Task What_comes_along_is_not_written_if_the_commit_is_refused(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        var child = harness.NewRun();
        var refused = await harness.Store.CommitAsync(
            new Commit { Run = run, ExpectedSeq = 0, Entries = [Step()], Also = [new Commit { Run = child, Entries = [Started()] }] }, default);
        Expect.Refused(refused, CommitStatus.SeqMoved);
        Expect.That(await harness.Store.FindAsync(child, default) is null, "A refused commit's companion was written.");
    }

    public static async Task A_canceled_call_writes_nothing(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        try
        {
            await harness.Store.CommitAsync(new Commit { Run = run, Entries = [Step()] }, new CancellationToken(canceled: true));
        }
        catch (OperationCanceledException)
        {
            Expect.Equal(1L, (await harness.HeadAsync(run)).Seq, "The run's last seq after a canceled call");
            return;
        }

        throw new ContractViolationException("A commit with a canceled token must throw OperationCanceledException.");
    }

    public static async Task An_entry_is_dated_by_the_clock_of_the_store(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        harness.Clock.Advance(TimeSpan.FromTicks(12_345_678));
        var entry = Expect.Committed(await harness.CommitAsync(run, Step())).Entries[0];
        Expect.Equal(Microseconds.From(harness.Clock.GetUtcNow()), entry.At, "The date of an entry");
    }

    public static async Task An_entry_is_never_dated_before_another_even_if_the_clock_is_set_back(StoreHarness harness)
    {
        var run = await harness.StartAsync();
        var before = Expect.Committed(await harness.CommitAsync(run, Step())).Entries[0].At;
        harness.Clock.Jump(TimeSpan.FromHours(-3));
        Expect.Equal(before, Expect.Committed(await harness.CommitAsync(run, Step())).Entries[0].At, "The date of an entry after the clock was set back");
        await harness.StartAsync();
    }
}
