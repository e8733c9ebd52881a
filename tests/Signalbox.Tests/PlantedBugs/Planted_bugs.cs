using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.PlantedBugs;

/// <summary>The honesty of the other tests: each bug here would be found, by the history checker or by the crash test. Without a bug, the same worlds pass.</summary>
public sealed class Planted_bugs
{
    private sealed class ActsBeforeItsIntent(FaultyTarget target) : FaultyHandler<Block>(target)
    {
        protected override string Resource(Block action) => action.Address;

        public override async Task<Observation> ProbeAsync(Block action, ActionContext context, CancellationToken cancellationToken)
        {
            var seen = await base.ProbeAsync(action, context, cancellationToken);
            if (seen.Kind == ObservationKind.NotSo)
            {
                await base.ExecuteAsync(action, context, cancellationToken);
            }

            return seen;
        }
    }

    private sealed class AnotherIdForEachAttempt(FaultyTarget target) : FaultyHandler<Block>(target)
    {
        protected override string Resource(Block action) => action.Address;

        public override Task<string?> ExecuteAsync(Block action, ActionContext context, CancellationToken cancellationToken) =>
            base.ExecuteAsync(action, context with { ActionId = $"{Target.Log.Count:x32}" }, cancellationToken);
    }

    private sealed class CallsAVerdictWithoutALook(FaultyTarget target) : FaultyHandler<Block>(target)
    {
        protected override string Resource(Block action) => action.Address;

        public override Task<Observation> VerifyAsync(Block action, ActionContext context, CancellationToken cancellationToken) => Task.FromResult(Observation.So("surely"));
    }

    [Fact]
    public async Task None_passes_in_every_world()
    {
        Assert.Null(await FindInTheCrashTestAsync(Bug.None));
        Assert.Null(await FindAmongZombiesAsync(Bug.None));
        Assert.Null(await FindInTheCrashTestAsync<BlockHandler>());
    }

    [Theory]
    [InlineData(Bug.StepRecordedTwice, "I3")]
    [InlineData(Bug.SeqGap, "I1")]
    [InlineData(Bug.HashWrong, "I19")]
    [InlineData(Bug.SignalConsumedTwice, "I3")]
    [InlineData(Bug.LostTransition, null)]
    [InlineData(Bug.LostStep, null)]
    [InlineData(Bug.DoubleStartForOneKey, "I12")]
    [InlineData(Bug.HalfACommit, "I3")]
    [InlineData(Bug.PayloadLost, null)]
    [InlineData(Bug.OtherRunsCommitLost, null)]
    public async Task In_a_store_or_a_journal_are_found(Bug bug, string? invariant)
    {
        var found = await FindInTheCrashTestAsync(bug);

        Assert.NotNull(found);
        if (invariant is not null)
        {
            Assert.Contains($"{invariant} ", found, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Of_a_park_that_overlooks_a_signal_are_found()
    {
        Assert.Null(await FindAmongWakeUpsAsync(Bug.None));
        Assert.NotNull(await FindAmongWakeUpsAsync(Bug.WakeUpLost));
    }

    [Theory]
    [InlineData(Bug.EpochUnchecked)]
    [InlineData(Bug.LeaseGivenTwice)]
    public async Task In_the_fencing_are_found(Bug bug) => Assert.NotNull(await FindAmongZombiesAsync(bug));

    [Fact]
    public async Task Of_an_act_before_its_intent_are_found() => Assert.Contains("I4 ", await FindInTheCrashTestAsync<ActsBeforeItsIntent>(), StringComparison.Ordinal);

    [Fact]
    public async Task Of_an_action_id_that_is_new_for_each_attempt_are_found() => Assert.Contains("I4 ", await FindInTheCrashTestAsync<AnotherIdForEachAttempt>(), StringComparison.Ordinal);

    [Fact]
    public async Task Of_a_verification_that_does_not_look_are_found() => Assert.NotNull(await FindInTheCrashTestAsync<CallsAVerdictWithoutALook>());

    private static Task<string?> FindInTheCrashTestAsync<THandler>()
        where THandler : ActionHandler<Block> => FindAsync(() =>
        {
            var target = new FaultyTarget();
            return Scenario(Bug.None, target, signalbox => signalbox.AddAction<Block, THandler>("block"));
        });

    private static Task<string?> FindInTheCrashTestAsync(Bug bug) => FindAsync(() =>
    {
        var target = new FaultyTarget();
        return Scenario(bug, target, signalbox => signalbox.AddAction<Block, BlockHandler>("block"));
    });

    private static async Task<string?> FindAsync(Func<CrashScenario> scenario)
    {
        try
        {
            await CrashTest.RunAsync(scenario, new CrashTestOptions { TasksMax = 60, RandomReplays = 5 });
            return null;
        }
        catch (CrashTestException e)
        {
            return e.Message;
        }
    }

    private static CrashScenario Scenario(Bug bug, FaultyTarget target, Action<SignalboxBuilder> actions)
    {
        Flow parent = new(
            async visit =>
            {
                var large = await visit.Read("large", _ => Task.FromResult(new string('x', 5000)));
                await visit.Act(new Block("192.0.2.7"));
                return visit.GoTo(Step.Two, new Note("", large.Length));
            },
            async visit =>
            {
                var first = await visit.WaitFor<int>("word");
                var second = await visit.WaitFor<int>("word", TimeSpan.FromHours(1));
                var child = await visit.StartChild("child", new Note("child"));
                await visit.ChildEnd(child);
                return visit.GoTo(Step.Done, new Note("", first.Value + second.Value));
            });
        return new CrashScenario
        {
            Store = clock => new PlantedStore(clock, bug),
            Configure = signalbox =>
            {
                Microsoft.Extensions.DependencyInjection.ServiceCollectionServiceExtensions.AddSingleton(signalbox.Services, target);
                signalbox.Add(parent).Add(new Flow(Flow.GoesTo(Step.Done)) { Name = "child" });
                actions(signalbox);
            },
            Drive = async harness =>
            {
                var run = await harness.StartRunAsync("flow", new Note("x"), "k-1");
                Assert.Equal(run, await harness.StartRunAsync("flow", new Note("x"), "k-1") is var again && bug == Bug.DoubleStartForOneKey ? run : again);
                await harness.RunUntilIdleAsync();
                await harness.Client().SignalAsync(run, "word", 1);
                await harness.SettleAsync();
                await harness.Client().SignalAsync(run, "word", 1);
                await harness.RunUntilIdleAsync();
            },
            Effects = target.Tell,
            Check = async harness =>
            {
                await Bench.CheckAsync(harness, target);
                Assert.All(await harness.RunsAsync(), r => Assert.False(r.Row.IsOpen, $"Run '{r.Row.Run}' is {r.Row.Status}, and nothing will ever end it."));
            },
        };
    }

    /// <summary>A signal comes at any moment of a run's way to its wait.</summary>
    private static async Task<string?> FindAmongWakeUpsAsync(Bug bug)
    {
        for (var moment = 5; moment < 80; moment++)
        {
            var clock = new ManualClock();
            await using var store = new PlantedStore(clock, bug);
            var bench = await Bench.OfAsync(
                new Flow(async visit =>
                {
                    await visit.WaitFor<int>("word");
                    return visit.GoTo(Step.Done);
                }),
                options: new HarnessOptions { Clock = clock, Store = store });
            bench.ChecksHistory = false;
            await using var _ = bench;
            await bench.StartRunAsync();
            Task? sent = null;
            bench.Harness.Worker.Process.BeforeEachTask += () => sent ??= bench.Harness.Scheduler.Steps >= moment ? bench.SignalAsync("word", 1) : null;
            await bench.IdleAsync();
            await (sent ?? bench.SignalAsync("word", 1));
            try
            {
                Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
                await bench.CheckAsync();
            }
            catch (Exception e)
            {
                return e.Message;
            }
        }

        return null;
    }

    /// <summary>A worker stands still and goes on as a zombie while another drives its run.</summary>
    private static async Task<string?> FindAmongZombiesAsync(Bug bug)
    {
        for (ulong seed = 1; seed <= 5; seed++)
        {
            var clock = new ManualClock();
            await using var store = new PlantedStore(clock, bug);
            var gate = new Gate();
            var bench = await Bench.OfAsync(
                new Flow(async visit =>
                {
                    await gate.PassAsync();
                    for (var i = 0; i < 5; i++)
                    {
                        await visit.Read("who", i, (_, _) => Task.FromResult(SimulatedProcess.OfThisCode!.Name));
                    }

                    return visit.GoTo(Step.Done);
                }),
                options: new HarnessOptions { Seed = seed, Clock = clock, Store = store });
            bench.ChecksHistory = false;
            await using var _ = bench;
            await bench.StartRunAsync();
            await bench.Harness.SettleAsync();
            var zombie = bench.Harness.Worker;
            if (bug != Bug.LeaseGivenTwice)
            {
                zombie.Pause();
            }

            await bench.Harness.StartWorkerAsync();
            await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(bug == Bug.LeaseGivenTwice ? 1 : 40));
            zombie.Continue();
            gate.Open();
            try
            {
                await bench.IdleAsync();
                await bench.CheckAsync();
            }
            catch (Exception e)
            {
                return e.Message;
            }
        }

        return null;
    }
}
