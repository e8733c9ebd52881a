using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Runs;

public sealed class A_run_that_is_canceled
{
    private static readonly Block s_block = new("192.0.2.7");

    [Fact]
    public async Task Before_any_worker_had_it_ends_without_being_entered()
    {
        var entered = 0;
        await using var bench = await Bench.OfAsync(new Flow(visit =>
        {
            entered++;
            return Task.FromResult(visit.GoTo(Step.Done));
        }));
        await bench.StartRunAsync();
        Assert.Equal("It will end when its actions are settled, as soon as a worker that knows its workflow drives it.", (await bench.CancelAsync()).Message);

        Assert.Equal(RunStatus.Canceled, (await bench.IdleAsync()).Status);
        Assert.Equal(0, entered);
    }

    [Fact]
    public async Task While_it_waits_withdraws_its_waits_and_questions()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await Task.WhenAll(visit.WaitFor<int>("go"), visit.Delay(TimeSpan.FromDays(1)), visit.Approve(new Question("Well?", "yes", "no")));
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        Assert.Equal(RunStatus.Waiting, (await bench.RowAsync()).Status);
        await bench.CancelAsync();

        Assert.Equal(RunStatus.Canceled, (await bench.IdleAsync()).Status);
        Assert.Equal(2, (await bench.EntriesAsync(EntryKinds.WaitWithdrawn)).Count);
        Assert.Single(await bench.EntriesAsync(EntryKinds.ApprovalWithdrawn));
        Assert.Equal("approval_not_open", (await bench.AnswerAsync("yes")).Code);
    }

    [Fact]
    public async Task While_a_read_is_at_work_stops_it_and_records_nothing_of_it()
    {
        var token = CancellationToken.None;
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Read<int>("long", async ct =>
            {
                token = ct;
                await Task.Delay(Timeout.InfiniteTimeSpan, ct);
                return 1;
            });
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        await bench.CancelAsync();
        await bench.Harness.SettleAsync(); // no time passes

        Assert.Equal(RunStatus.Canceled, (await bench.RowAsync()).Status);
        Assert.True(token.IsCancellationRequested);
        Assert.DoesNotContain(await bench.JournalAsync(), e => e.Kind.StartsWith("step.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task With_an_action_past_its_intent_settles_it_first()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Act(s_block);
            return visit.GoTo(Step.Done);
        }));
        bench.Target.Faults.Enqueue(TargetFault.HangsAfterEffect);
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        await bench.CancelAsync();
        await bench.Harness.SettleAsync();
        Assert.Equal(RunStatus.Running, (await bench.RowAsync()).Status);
        await bench.IdleAsync();

        Assert.Equal(RunStatus.Canceled, (await bench.RowAsync()).Status);
        Assert.Equal(
            "run.started state.entered run.leased action.probed action.intended cancel.requested action.executed action.verified run.canceled", await bench.KindsAsync());
        Assert.Equal(["192.0.2.7"], bench.Target.Resources); // verified effects stay
    }

    [Fact]
    public async Task With_an_intended_action_that_a_crash_left_undone_does_not_do_it_any_more()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Act(s_block);
            return visit.GoTo(Step.Done);
        }));
        bench.Target.Faults.Enqueue(TargetFault.HangsBeforeEffect);
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        await bench.CancelAsync();
        await bench.Harness.CrashAndRestartAsync();
        await bench.IdleAsync();

        Assert.Equal(RunStatus.Canceled, (await bench.RowAsync()).Status);
        Assert.Equal("not done: the run is ending", (await bench.BodyAsync<ActionObserved>(EntryKinds.ActionNotApplied)).Reason);
        Assert.Empty(bench.Target.Log);
    }

    [Fact]
    public async Task Between_an_actions_look_and_its_intent_does_not_intend_it_any_more()
    {
        for (var moment = 1; moment < 60; moment++)
        {
            await using var bench = await Bench.OfAsync(new Flow(
                async visit =>
                {
                    await visit.Act(s_block);
                    return visit.GoTo(Step.Done);
                },
                Two: async visit =>
                {
                    await visit.Undo(s_block);
                    return visit.GoTo(Step.Done);
                })
            { OnCancel = Step.Two });
            bench.IsQuiet = true;
            await bench.StartRunAsync();
            await bench.Harness.SettleAsync(moment);
            await bench.CancelAsync();
            await bench.IdleAsync();

            // Whatever the moment: each action of a visit is settled within it, and in the end nothing stands.
            if ((await bench.RowAsync()).Status == RunStatus.Canceled)
            {
                Assert.Empty(bench.Target.Resources);
            }

            foreach (var visit in (await bench.JournalAsync()).Where(e => e.Kind.StartsWith("action.", StringComparison.Ordinal)).GroupBy(e => (e.Visit, e.Step)))
            {
                Assert.True(visit.Last().Kind is EntryKinds.ActionVerified or EntryKinds.ActionNotApplied, visit.Last().Kind);
            }
        }
    }

    [Fact]
    public async Task Goes_to_the_state_that_is_declared_for_it_and_cleans_up_there()
    {
        await using var bench = await Bench.OfAsync(new Flow(
            async visit =>
            {
                await visit.Act(s_block);
                await visit.WaitFor<int>("never");
                return visit.GoTo(Step.Done);
            },
            Two: async visit =>
            {
                await visit.Undo(s_block);
                await visit.Delay(TimeSpan.FromHours(1));
                return visit.GoTo(Step.Done, visit.Case with { Text = "cleaned" });
            })
        { OnCancel = Step.Two });
        await bench.RunAsync(new Note("kept"));
        await bench.CancelAsync();
        await bench.IdleAsync();

        Assert.Equal((RunStatus.Canceled, "Done"), ((await bench.RowAsync()).Status, (await bench.RowAsync()).State));
        Assert.Equal("cleaned", (await bench.NoteAsync()).Text);
        Assert.Empty(bench.Target.Resources);
    }

    [Fact]
    public async Task Twice_is_told_so_and_nothing_is_changed()
    {
        await using var bench = await Bench.OfAsync(new Flow(
            Flow.GoesTo(Step.Done),
            Two: async visit =>
            {
                await visit.WaitFor<int>("never");
                return visit.GoTo(Step.Done);
            })
        { OnCancel = Step.Two });
        await bench.StartRunAsync();
        await bench.CancelAsync();
        await bench.IdleAsync();
        Assert.Equal(RunStatus.Waiting, (await bench.RowAsync()).Status);

        var twice = await bench.CancelAsync();
        Assert.Equal(("cancel_requested_already", $"Somebody asked already that run '{bench.Run}' be canceled; nothing was changed."), (twice.Code, twice.Message));
        await bench.SignalAsync("never", 1);
        Assert.Equal(RunStatus.Canceled, (await bench.IdleAsync()).Status);
    }

    [Fact]
    public async Task While_it_is_held_ends()
    {
        await using var bench = await Bench.OfAsync(
            new Flow(async visit =>
            {
                await visit.Act(s_block);
                return visit.GoTo(Step.Done);
            }),
            new FaultyTarget { SilentAfterCalls = 1 });
        bench.Target.Faults.Enqueue(TargetFault.ThrowsAfterEffect);
        Assert.Equal(RunStatus.Held, (await bench.RunAsync()).Status);
        await bench.CancelAsync();

        // What is in doubt must be settled first, and the target still cannot tell.
        Assert.Equal((RunStatus.Held, TroubleCodes.ActionInDoubt), ((await bench.IdleAsync()).Status, (await bench.RowAsync()).ReasonCode));
        bench.Target.SilentAfterCalls = null;
        await bench.ReleaseAsync(ReleaseVerb.Retry);
        Assert.Equal(RunStatus.Canceled, (await bench.IdleAsync()).Status);
    }

    [Theory]
    [InlineData(Step.Done, RunStatus.Completed)]
    [InlineData(Step.Bad, RunStatus.Failed)]
    public async Task After_its_end_is_refused(Step end, RunStatus status)
    {
        await using var bench = await Bench.OfAsync(new Flow(Flow.GoesTo(end)));
        await bench.RunAsync();

        var refused = await bench.CancelAsync();
        Assert.Equal(("run_ended", $"Run '{bench.Run}' is {status} and cannot be canceled. Start a new run to undo its effects."), (refused.Code, refused.Message));
    }

    [Fact]
    public async Task Cancels_its_children()
    {
        Flow child = new(async visit =>
        {
            await visit.WaitFor<int>("never");
            return visit.GoTo(Step.Done);
        })
        { Name = "child" };
        Flow parent = new(async visit =>
        {
            var run = await visit.StartChild("child", new Note());
            var end = await visit.ChildEnd(run);
            return visit.GoTo(Step.Done, new Note($"{end.Status}"));
        });
        await using var bench = await Bench.StartAsync(signalbox => signalbox.Add(parent).Add(child));
        await bench.RunAsync();
        await bench.CancelAsync();
        await bench.Harness.RunUntilIdleAsync();

        Assert.Equal([RunStatus.Canceled, RunStatus.Canceled], (await bench.Harness.RunsAsync()).Select(r => r.Row.Status));
    }

    [Fact]
    public async Task With_a_state_declared_for_it_cancels_its_children_too()
    {
        Flow child = new(async visit =>
        {
            await visit.WaitFor<int>("never");
            return visit.GoTo(Step.Done);
        })
        { Name = "child" };
        Flow parent = new(async visit =>
        {
            await visit.StartChild("child", new Note());
            await visit.WaitFor<int>("never");
            return visit.GoTo(Step.Done);
        })
        { OnCancel = Step.Two };
        await using var bench = await Bench.StartAsync(signalbox => signalbox.Add(parent).Add(child));
        await bench.RunAsync();
        await bench.CancelAsync();
        await bench.Harness.RunUntilIdleAsync();

        Assert.Equal([RunStatus.Canceled, RunStatus.Canceled], (await bench.Harness.RunsAsync()).Select(r => r.Row.Status));
    }
}
