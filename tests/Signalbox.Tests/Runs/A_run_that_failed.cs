using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Runs;

public sealed class A_run_that_failed
{
    [Fact]
    public async Task Failed_in_its_state_by_what_its_handler_threw()
    {
        await using var bench = await Bench.OfAsync(new Flow(Flow.GoesTo(Step.Two), _ => throw new InvalidOperationException("The roof is on fire.")));
        var row = await bench.RunAsync();

        Assert.Equal((RunStatus.Failed, "Two", TroubleCodes.HandlerFailed, "The roof is on fire."), (row.Status, row.State, row.ReasonCode, row.Reason));
        Assert.False(row.IsOpen || row.IsOver);
    }

    [Fact]
    public async Task Keeps_its_successes_and_effects_when_retried_and_asks_failures_again()
    {
        var (good, bad) = (0, 0);
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Read("good", _ => Task.FromResult(++good));
            await visit.Act(new Block("192.0.2.7"));
            await visit.Read("bad", _ => ++bad < 2 ? throw new IOException("down") : Task.FromResult(1), StepOptions.Once);
            return visit.GoTo(Step.Done);
        }));
        await bench.RunAsync();
        Assert.Equal(RunStatus.Failed, (await bench.RowAsync()).Status);
        Assert.Equal("Its last visit is open again; what had failed is asked again.", (await bench.RetryAsync()).Message);

        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Equal((1, 2), (good, bad));
        Assert.Single(bench.Target.Log);
        Assert.Equal(2, (await bench.RowAsync()).Visit); // the same visit was reopened
    }

    [Fact]
    public async Task Asks_missing_evidence_again_when_retried()
    {
        var calls = 0;
        var source = new EvidenceSource<string, int>("feed", (_, _) => ++calls < 2 ? throw new IOException("down") : Task.FromResult(7));
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var found = await visit.Gather(source.For("x"));
            return found.IsMissing ? throw new InvalidOperationException(found.Reason) : visit.GoTo(Step.Done, new Note("", found.Value));
        }));
        Assert.Equal("IOException: down", (await bench.RunAsync()).Reason);
        await bench.RetryAsync();
        await bench.IdleAsync();

        Assert.Equal(7, (await bench.NoteAsync()).Number);
    }

    [Fact]
    public async Task Tries_an_action_that_was_not_applied_again_when_retried_as_another_attempt_of_the_same_action()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
            (await visit.Act(new Block("192.0.2.7"))).Match(_ => visit.GoTo(Step.Done), why => throw new InvalidOperationException(why), _ => visit.GoTo(Step.Bad), _ => visit.GoTo(Step.Bad))));
        for (var i = 0; i < 3; i++)
        {
            bench.Target.Faults.Enqueue(TargetFault.ThrowsBeforeEffect);
        }

        Assert.Equal(RunStatus.Failed, (await bench.RunAsync()).Status);
        await bench.RetryAsync();

        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        var intents = (await bench.EntriesAsync(EntryKinds.ActionIntended)).Select(Body.Read<ActionIntended>).ToArray();
        Assert.Single(intents.Select(i => i.ActionId).Distinct());
        Assert.True(intents[1].Attempt > intents[0].Attempt);
    }

    [Fact]
    public async Task Asks_its_waits_and_questions_again_when_retried()
    {
        var fails = true;
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var question = visit.Approve(new Question("Go on?", "yes", "no"));
            await visit.Read("check", _ => Task.FromResult(1));
            if (fails)
            {
                await visit.WaitFor<int>("fail");
                throw new InvalidOperationException("not yet");
            }

            return visit.GoTo(Step.Done, new Note((await question).Choice));
        }));
        await bench.RunAsync();
        await bench.SignalAsync("fail", 1);
        Assert.Equal(RunStatus.Failed, (await bench.IdleAsync()).Status);
        Assert.Single(await bench.EntriesAsync(EntryKinds.ApprovalWithdrawn));
        Assert.Equal("approval_not_open", (await bench.AnswerAsync("yes")).Code);

        fails = false;
        await bench.RetryAsync();
        Assert.Equal(RunStatus.Waiting, (await bench.IdleAsync()).Status);
        await bench.AnswerAsync("yes");
        await bench.IdleAsync();
        Assert.Equal("yes", (await bench.NoteAsync()).Text);
    }

    [Theory]
    [InlineData(RunStatus.Completed)]
    [InlineData(RunStatus.Waiting)]
    public async Task Is_the_only_one_that_can_be_retried(RunStatus status)
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            if (status == RunStatus.Waiting)
            {
                await visit.WaitFor<int>("never");
            }

            return visit.GoTo(Step.Done);
        }));
        await bench.RunAsync();

        var refused = await bench.RetryAsync();
        Assert.Equal(("not_failed", $"Run '{bench.Run}' is {status}; only a failed run can be retried."), (refused.Code, refused.Message));
    }
}
