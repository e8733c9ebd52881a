using Signalbox.Journal;
using Signalbox.Testing;
using Signalbox.Tests.Agents;
using Xunit;

namespace Signalbox.Tests.Runs;

/// <summary>What the author's code does outside of its run's context, behind its back or after its visit, harms neither its run nor the others of the worker.</summary>
public sealed class Code_that_has_left_its_runs_context
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact(Timeout = 60_000)]
    public async Task Asks_an_agent_in_the_runs_context()
    {
        var clock = new ManualClock();
        var agent = AgentWorld.NewAgent();
        await using var bench = await Bench.StartAsync(
            signalbox => signalbox
                .AddModel("fast-1", ScriptedChatClient.Answering(clock, _ => AgentWorld.Says("block", 0.99)), new ModelOptions { Price = new Price(1, 5) })
                .UseLadder(new Ladder(new Tier("fast", "fast-1")))
                .Add(new Flow(async visit =>
                {
                    await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding); // goes on in the thread pool
                    Assert.Null(SynchronizationContext.Current);
                    var decision = await visit.Decide(agent, "192.0.2.7").ConfigureAwait(false);
                    return visit.GoTo(Step.Done, new Note(decision.Answer!.Decision));
                })
                { Agent = "judge", Also = [(Step.One, Step.Three)] }),
            options: new HarnessOptions { Clock = clock });
        await bench.StartRunAsync();
        while ((await bench.RowAsync()).IsOpen)
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await bench.Harness.SettleAsync();
            await Task.Yield();
        }

        Assert.Equal((RunStatus.Completed, null), ((await bench.RowAsync()).Status, (await bench.RowAsync()).Reason));
    }

    [Fact]
    public async Task Keeps_no_run_from_being_parked_unless_it_is_in_a_step()
    {
        var gate = new Gate();
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await Task.WhenAll(
                visit.Branch("wait", branch => branch.WaitFor<int>("news")),
                visit.Branch("work", async branch =>
                {
                    await gate.PassAsync(); // no step: nobody sees that something is at work
                    return new Signal<int>(await branch.Read("ask", _ => Task.FromResult(true)), 0);
                }));
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        Assert.Equal(RunStatus.Waiting, (await bench.RowAsync()).Status);
        gate.Open();
        await bench.Harness.SettleAsync();
        Assert.Empty(await bench.EntriesAsync(EntryKinds.StepCompleted)); // the visit is over

        await bench.SignalAsync("news", 1);
        Assert.Equal((RunStatus.Completed, 2), ((await bench.IdleAsync()).Status, gate.Passes));
    }

    [Fact]
    public async Task Can_still_ask_whether_its_visit_is_over()
    {
        VisitScope? left = null;
        await using var bench = await Bench.OfAsync(new Flow(visit =>
        {
            left = visit;
            return Task.FromResult(visit.GoTo(Step.Done));
        }));
        await bench.RunAsync();

        Assert.True(left!.CancellationToken.IsCancellationRequested);
    }

    [Fact(Timeout = 60_000)]
    public async Task Finds_the_next_one_in_the_context_although_it_has_set_another()
    {
        var context = new RunContext(TaskScheduler.Default);
        var seen = new TaskCompletionSource<SynchronizationContext?>(TaskCreationOptions.RunContinuationsAsynchronously);
        context.Post(
            _ =>
            {
                context.Post(_ => seen.SetResult(SynchronizationContext.Current), null);
                SynchronizationContext.SetSynchronizationContext(null);
            },
            null);

        Assert.Same(context, await seen.Task.WaitAsync(Limit));
    }

    /// <summary>As an <c>async void</c>, or the callback of a <c>Progress</c>: on a thread of the pool it would end the process, and with it every other run.</summary>
    [Fact]
    public async Task Fails_its_own_run_when_what_it_has_posted_throws()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            Forget();
            await visit.Read("ask", async ct =>
            {
                await Task.Delay(TimeSpan.FromMinutes(1), ct);
                return 1;
            }, new() { Within = TimeSpan.FromHours(1) });
            return visit.GoTo(Step.Done);

            static async void Forget()
            {
                await Task.Yield();
                throw new InvalidOperationException("Nobody awaits it.");
            }
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();

        var row = await bench.RowAsync();
        Assert.Equal(
            (RunStatus.Failed, TroubleCodes.HandlerFailed, "What a handler of the run had left to itself (an async void, a callback) threw InvalidOperationException: Nobody awaits it."),
            (row.Status, row.ReasonCode, row.Reason));
    }
}
