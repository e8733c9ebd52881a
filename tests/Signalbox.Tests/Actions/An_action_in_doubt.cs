using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Actions;

public sealed class An_action_in_doubt
{
    private static readonly Block s_block = new("192.0.2.7");

    private static Flow Acting() => new(async visit =>
    {
        var outcome = await visit.Act(s_block);
        return visit.GoTo(outcome.IsVerified ? Step.Done : Step.Bad, new Note($"{outcome.Status}: {outcome.Reason}", outcome.MadeByUs ? 1 : 0));
    });

    /// <summary>A run whose action was called and may have had its effect: then the target can no longer tell.</summary>
    private static async Task<Bench> HeldAsync(TargetFault fault)
    {
        var bench = await Bench.OfAsync(Acting(), new FaultyTarget { SilentAfterCalls = 1 });
        bench.Target.Faults.Enqueue(fault);
        await bench.RunAsync();
        return bench;
    }

    [Fact]
    public async Task Holds_its_run_and_says_what_can_be_done()
    {
        await using var bench = await HeldAsync(TargetFault.ThrowsAfterEffect);

        var row = await bench.RowAsync();
        var id = Assert.Single(bench.Target.Log).ActionId;
        Assert.Equal((RunStatus.Held, TroubleCodes.ActionInDoubt), (row.Status, row.ReasonCode));
        Assert.Equal(
            $"Whether action 'block' ({id}) happened is unknown: the target cannot tell. Look at the target, then release the run: --retry asks the target again, --accept takes it as done, --undo takes it back.", row.Reason);
        Assert.Single(await bench.EntriesAsync(EntryKinds.ActionUnknown));
    }

    [Theory]
    [InlineData(TargetFault.ThrowsAfterEffect, 1)]
    [InlineData(TargetFault.ThrowsBeforeEffect, 1)]
    public async Task Is_settled_by_asking_the_target_again(TargetFault fault, int effects)
    {
        await using var bench = await HeldAsync(fault);
        bench.Target.SilentAfterCalls = null;
        Assert.True((await bench.ReleaseAsync(ReleaseVerb.Retry)).IsAccepted);

        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Equal(effects, bench.Target.Effects.Count);
    }

    [Fact]
    public async Task Stays_held_while_the_target_still_cannot_tell()
    {
        await using var bench = await HeldAsync(TargetFault.ThrowsAfterEffect);
        await bench.ReleaseAsync(ReleaseVerb.Retry);

        Assert.Equal(RunStatus.Held, (await bench.IdleAsync()).Status);
        Assert.Single(bench.Target.Log);
    }

    [Fact]
    public async Task Is_taken_as_done_on_an_operators_word()
    {
        await using var bench = await HeldAsync(TargetFault.ThrowsAfterEffect);
        await bench.ReleaseAsync(ReleaseVerb.Accept);

        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Equal("Verified: ", (await bench.NoteAsync()).Text);
        Assert.Equal("accepted by person:otto", (await bench.BodyAsync<ActionObserved>(EntryKinds.ActionVerified)).Proof);
        Assert.Single(bench.Target.Log);
    }

    [Fact]
    public async Task Is_taken_back_on_an_operators_word()
    {
        await using var bench = await HeldAsync(TargetFault.ThrowsAfterEffect);
        bench.Target.SilentAfterCalls = null;
        await bench.ReleaseAsync(ReleaseVerb.Undo);

        await bench.IdleAsync();
        Assert.Equal("NotApplied: undone on an operator's word", (await bench.NoteAsync()).Text);
        Assert.Empty(bench.Target.Resources);
        Assert.Equal(["execute", "undo"], bench.Target.Log.Select(c => c.Operation));
    }

    [Fact]
    public async Task That_is_being_taken_back_is_taken_back_once_wherever_a_crash_comes()
    {
        await CrashTest.RunAsync(() =>
        {
            var target = new FaultyTarget { SilentAfterCalls = 1 };
            return new CrashScenario
            {
                Configure = Bench.Configured(signalbox => signalbox.Add(Acting()), target),
                Drive = async harness =>
                {
                    var run = await harness.StartRunAsync("flow", new Note());
                    await harness.RunUntilIdleAsync();
                    target.SilentAfterCalls = null;
                    Assert.True((await harness.Client("person:otto").ReleaseAsync(run, ReleaseVerb.Undo)).IsAccepted);
                    await harness.RunUntilIdleAsync();
                },
                Effects = target.Tell,
                Check = harness => Bench.CheckAsync(harness, target),
            };
        }, new CrashTestOptions { TasksMax = 100 });
    }

    [Fact]
    public async Task Is_left_as_it_is_when_the_run_is_abandoned()
    {
        await using var bench = await HeldAsync(TargetFault.ThrowsAfterEffect);
        var reason = (await bench.RowAsync()).Reason;
        Assert.Equal("The run has ended as failed; what it did in the world stays.", (await bench.ReleaseAsync(ReleaseVerb.Abandon)).Message);

        var row = await bench.IdleAsync();
        Assert.Equal((RunStatus.Failed, TroubleCodes.Abandoned, $"Abandoned by person:otto while held: {reason}"), (row.Status, row.ReasonCode, row.Reason));
        Assert.Equal(["192.0.2.7"], bench.Target.Resources);
    }

    [Fact]
    public async Task At_a_blind_target_holds_after_a_crash_and_is_never_repeated_by_itself()
    {
        await using var bench = await Bench.OfAsync(Acting(), new FaultyTarget(TargetClass.T4));
        bench.Target.Faults.Enqueue(TargetFault.HangsAfterEffect);
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(5)); // the first looks are unclear, and that is as expected
        Assert.Single(bench.Target.Log);
        await bench.Harness.CrashAndRestartAsync();

        var row = await bench.IdleAsync();
        Assert.Equal((RunStatus.Held, TroubleCodes.ActionInDoubt), (row.Status, row.ReasonCode));
        Assert.Single(bench.Target.Log);

        await bench.ReleaseAsync(ReleaseVerb.Accept);
        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Single(bench.Target.Log);
    }

    [Fact]
    public async Task At_a_blind_target_is_taken_back_once_for_each_word_of_an_operator()
    {
        await using var bench = await Bench.OfAsync(Acting(), new FaultyTarget(TargetClass.T4));
        bench.Target.Faults.Enqueue(TargetFault.None);
        bench.Target.Faults.Enqueue(TargetFault.HangsAfterEffect);
        await bench.RunAsync();
        await bench.ReleaseAsync(ReleaseVerb.Undo);
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(5));
        Assert.Equal(["execute", "undo"], bench.Target.Log.Select(c => c.Operation));
        await bench.Harness.CrashAndRestartAsync();

        Assert.Equal(RunStatus.Held, (await bench.IdleAsync()).Status);
        Assert.Equal(["execute", "undo"], bench.Target.Log.Select(c => c.Operation));

        await bench.ReleaseAsync(ReleaseVerb.Undo);
        await bench.IdleAsync();
        Assert.Equal(["execute", "undo", "undo"], bench.Target.Log.Select(c => c.Operation));
        await bench.ReleaseAsync(ReleaseVerb.Abandon);
    }

    [Fact]
    public async Task Is_not_settled_by_a_word_that_was_given_for_an_earlier_doubt()
    {
        await using var bench = await Bench.OfAsync(
            new Flow(async visit =>
            {
                var outcome = await visit.Act(s_block);
                return outcome.IsVerified ? visit.GoTo(Step.Done) : throw new InvalidOperationException(outcome.Reason);
            }),
            new FaultyTarget { SilentAfterCalls = 1 });
        await bench.RunAsync();
        bench.Target.SilentAfterCalls = null;
        await bench.ReleaseAsync(ReleaseVerb.Undo);
        Assert.Equal(RunStatus.Failed, (await bench.IdleAsync()).Status);

        bench.Target.Faults.Enqueue(TargetFault.HangsAfterEffect);
        await bench.RetryAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(2));
        await bench.Harness.CrashAndRestartAsync();

        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Equal(["execute", "undo", "execute"], bench.Target.Log.Select(c => c.Operation));
    }

    [Fact]
    public async Task Is_held_when_the_program_has_lost_its_handler_and_goes_on_when_it_is_back()
    {
        var gate = new Gate();
        await using var bench = await Bench.OfAsync(Acting());
        bench.Target.Faults.Enqueue(TargetFault.HangsAfterEffect);
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        var id = Assert.Single(bench.Target.Log).ActionId;
        await bench.Harness.CrashAndRestartAsync(signalbox => signalbox.Add(Acting()));

        var row = await bench.IdleAsync();
        Assert.Equal((RunStatus.Held, TroubleCodes.ActionUnknown), (row.Status, row.ReasonCode));
        Assert.Equal($"Action 'block' ({id}) is in doubt, and this program has no handler of that name to ask the target. Register it, then: signalbox release {bench.Run} --retry", row.Reason);

        await bench.Harness.CrashAndRestartAsync(Bench.Configured(signalbox => signalbox.Add(Acting()), bench.Target));
        await bench.ReleaseAsync(ReleaseVerb.Retry);
        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Single(bench.Target.Log);
    }

    [Fact]
    public async Task Is_settled_before_anything_else_of_the_run_without_its_workflow()
    {
        var entered = 0;
        Handler handler = async visit =>
        {
            entered++;
            await visit.Act(s_block);
            return visit.GoTo(Step.Done);
        };
        await using var bench = await Bench.OfAsync(new Flow(handler));
        bench.Target.Faults.Enqueue(TargetFault.HangsAfterEffect);
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        await bench.Harness.CrashAndRestartAsync();
        var at = 0;
        bench.Target.UnclearLooks = int.MaxValue;
        await bench.IdleAsync();
        at = entered;

        Assert.Equal(1, at); // held before the handler was entered again
        Assert.Equal(RunStatus.Held, (await bench.RowAsync()).Status);
    }
}
