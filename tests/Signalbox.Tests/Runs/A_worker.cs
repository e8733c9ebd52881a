using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Runs;

public sealed class A_worker
{
    [Fact]
    public async Task That_died_is_followed_when_its_lease_ends_and_not_before()
    {
        await using var bench = await Bench.OfAsync(Hanging());
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        await bench.Harness.Worker.CrashAsync(voidsLeases: false);
        await bench.Harness.StartWorkerAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(29));
        Assert.Equal(1, (await bench.RowAsync()).Epoch);
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(3));

        var row = await bench.RowAsync();
        Assert.Equal((2, bench.Harness.Worker.Name), (row.Epoch, row.Worker));
        Assert.Equal($"worker '{bench.Harness.Workers[0].Name}' died", (await bench.EntriesAsync(EntryKinds.RunLeased))[1].Cause);
    }

    [Fact]
    public async Task That_stood_still_beyond_its_lease_records_nothing_more_of_its_runs()
    {
        for (ulong seed = 1; seed <= 10; seed++)
        {
            var calls = new List<string>();
            var gate = new Gate();
            await using var bench = await Bench.OfAsync(
                new Flow(async visit =>
                {
                    var who = SimulatedProcess.OfThisCode!.Name;
                    await gate.PassAsync();
                    var n = await visit.Read("who", _ =>
                    {
                        calls.Add(who);
                        return Task.FromResult(who);
                    });
                    await visit.Act(new Block("192.0.2.7"));
                    return visit.GoTo(Step.Done, new Note(n));
                }),
                options: new HarnessOptions { Seed = seed });
            await bench.StartRunAsync();
            await bench.Harness.SettleAsync();
            var zombie = bench.Harness.Worker;
            zombie.Pause();
            await bench.Harness.StartWorkerAsync();
            await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(40));
            zombie.Continue();
            gate.Open();
            await bench.IdleAsync();
            await bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(1));

            Assert.Equal((RunStatus.Completed, "w-2"), ((await bench.RowAsync()).Status, (await bench.NoteAsync()).Text));
            Assert.Contains("w-1", calls); // it worked in vain
            Assert.DoesNotContain((await bench.JournalAsync()).SkipWhile(e => e.Epoch < 2), e => e.Epoch < 2);
            Assert.Single(bench.Target.Effects);
            Assert.Contains(bench.Harness.Log, l => l.Contains($"Run '{bench.Run}' was taken over by another worker. This worker recorded nothing more; the other one goes on.", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task That_stood_still_between_intent_and_effect_cannot_act_at_a_target_that_takes_a_fence()
    {
        await using var bench = await Bench.OfAsync(
            new Flow(async visit => (await visit.Act(new Block("192.0.2.7"))).IsVerified ? visit.GoTo(Step.Two) : visit.GoTo(Step.Bad), Two: async visit =>
            {
                await visit.Undo(new Block("192.0.2.7"));
                return visit.GoTo(Step.Done);
            }),
            new FaultyTarget(TargetClass.T2));
        await bench.StartRunAsync();
        var zombie = bench.Harness.Worker;
        Action pause = () =>
        {
            if (!zombie.Process.IsPaused && bench.Target.Log.Count == 0 && bench.Target.Looks == 2)
            {
                zombie.Pause(); // after the barrier's look, before the call
            }
        };
        zombie.Process.BeforeEachTask += pause;
        await bench.Harness.SettleAsync();
        Assert.True(zombie.Process.IsPaused);
        await bench.Harness.StartWorkerAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(2));
        zombie.Process.BeforeEachTask -= pause;
        zombie.Continue();
        await bench.IdleAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(2));

        Assert.Equal(RunStatus.Completed, (await bench.RowAsync()).Status);
        Assert.Empty(bench.Target.Resources);
        Assert.Equal(["execute", "undo"], bench.Target.Effects.Select(c => c.Operation));
    }

    [Fact]
    public async Task That_was_silent_too_long_can_be_given_its_own_run_anew()
    {
        // As when a machine sleeps: all its timers come at once, and its lease has ended meanwhile.
        for (ulong seed = 1; seed <= 20; seed++)
        {
            var gate = new Gate();
            await using var bench = await Bench.OfAsync(
                new Flow(async visit =>
                {
                    await gate.PassAsync();
                    return visit.GoTo(Step.Done);
                }),
                options: new HarnessOptions { Seed = seed });
            await bench.StartRunAsync();
            await bench.Harness.SettleAsync();
            bench.Harness.Clock.Advance(TimeSpan.FromHours(8));
            await bench.Harness.SettleAsync();
            gate.Open();

            Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
            await bench.Harness.Worker.StopAsync();
        }
    }

    [Fact]
    public async Task Records_what_hangs_with_its_heartbeat()
    {
        await using var bench = await Bench.OfAsync(Hanging());
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(4));
        Assert.Empty(await bench.EntriesAsync(EntryKinds.StepStarted));
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(12));

        var started = await bench.EntryAsync(EntryKinds.StepStarted);
        Assert.Equal("hang/-/1", started.Step);
        Assert.Equal(Microseconds.From(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)), Body.Read<StepStarted>(started).StartedAt);
    }

    [Fact]
    public async Task That_stops_gracefully_leaves_every_run_resumable_at_once()
    {
        await using var bench = await Bench.OfAsync(Hanging());
        for (var i = 0; i < 5; i++)
        {
            await bench.StartRunAsync();
        }

        await bench.Harness.SettleAsync();
        var begun = bench.Harness.Clock.GetUtcNow();
        await bench.Harness.Worker.StopAsync();

        Assert.Equal(begun, bench.Harness.Clock.GetUtcNow());
        Assert.All(await bench.Harness.RunsAsync(), r => Assert.Equal((RunStatus.Pending, 0, null), (r.Row.Status, r.Row.Deaths, r.Row.Worker)));
        Assert.Equal("run.started state.entered run.leased run.released", await bench.KindsAsync());

        await bench.Harness.StartWorkerAsync(signalbox => signalbox.Add(new Flow(Flow.GoesTo(Step.Done))));
        await bench.Harness.RunUntilIdleAsync();
        Assert.All(await bench.Harness.RunsAsync(), r => Assert.Equal((RunStatus.Completed, 0), (r.Row.Status, r.Row.Deaths)));
    }

    [Fact]
    public async Task That_stops_gracefully_lets_an_action_settle_first()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Act(new Block("192.0.2.7"));
            return visit.GoTo(Step.Done);
        }));
        bench.Target.LateLooks = 3;
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        await bench.Harness.Worker.StopAsync();

        Assert.Equal("action.verified run.released", string.Join(' ', (await bench.JournalAsync()).TakeLast(2).Select(e => e.Kind)));
    }

    [Fact]
    public async Task That_stops_does_not_wait_for_ever_and_leaves_in_doubt_what_hangs()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Act(new Block("192.0.2.7"));
            return visit.GoTo(Step.Done);
        }));
        bench.Target.Faults.Enqueue(TargetFault.HangsAfterEffect);
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        var begun = bench.Harness.Clock.GetUtcNow();
        await bench.Harness.Worker.StopAsync();
        Assert.Equal(TimeSpan.FromSeconds(10), bench.Harness.Clock.GetUtcNow() - begun);

        await bench.Harness.StartWorkerAsync();
        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Single(bench.Target.Log);
    }

    [Fact]
    public async Task Drives_no_more_runs_at_once_than_it_may()
    {
        var (now, most) = (0, 0);
        await using var bench = await Bench.StartAsync(signalbox =>
        {
            signalbox.Worker.Concurrency = 3;
            signalbox.Add(new Flow(async visit =>
            {
                await visit.Read("work", async ct =>
                {
                    most = Math.Max(most, ++now);
                    await Task.Delay(TimeSpan.FromSeconds(1), visit_clock(), ct);
                    return --now;
                });
                return visit.GoTo(Step.Done);
            }));

            TimeProvider visit_clock() => (TimeProvider)signalbox.Services.First(d => d.ServiceType == typeof(TimeProvider)).ImplementationInstance!;
        });
        for (var i = 0; i < 10; i++)
        {
            await bench.StartRunAsync();
        }

        await bench.Harness.RunUntilIdleAsync();
        Assert.Equal(3, most);
        Assert.All(await bench.Harness.RunsAsync(), r => Assert.Equal(RunStatus.Completed, r.Row.Status));
    }

    [Fact]
    public async Task Quarantines_a_run_that_kills_it_and_lets_the_others_go_on()
    {
        await using var bench = await Bench.OfAsync(new Flow(visit =>
        {
            if (visit.Case.Text == "poison")
            {
                SimulatedProcess.OfThisCode!.Kill();
            }

            return Task.FromResult(visit.GoTo(Step.Done));
        }));
        var good = await bench.StartRunAsync(new Note("good 1"));
        var poison = await bench.StartRunAsync(new Note("poison"));
        for (var deaths = 1; (await bench.RowAsync()).Status != RunStatus.Held; deaths++)
        {
            Assert.True(deaths < 10);
            await bench.Harness.SettleAsync();
            if (bench.Harness.Worker.Process.IsDead)
            {
                await bench.Harness.CrashAndRestartAsync();
            }

            await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(2));
        }

        var row = await bench.RowAsync();
        Assert.Equal(TroubleCodes.Quarantined, row.ReasonCode);
        Assert.Equal(
            $"Its worker died 5 times in a row in state 'One' without a new step, 3 times while it drove nothing else. See what the state's handler does, then: signalbox release {poison} --retry", row.Reason);
        await bench.StartRunAsync(new Note("good 2"));
        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Equal(RunStatus.Completed, (await bench.Harness.GetAsync(good)).Status);

        Assert.True((await bench.Harness.Client().ReleaseAsync(poison, ReleaseVerb.Abandon)).IsAccepted);
    }

    [Fact]
    public async Task That_cannot_write_keeps_what_it_has_and_goes_on_when_it_can()
    {
        var calls = 0;
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var n = await visit.Read("paid", _ => Task.FromResult(++calls));
            await visit.Act(new Block("192.0.2.7"));
            return visit.GoTo(Step.Done, new Note("", n));
        }));
        await bench.StartRunAsync();
        var flips = new SeededEntropy(7);
        for (var i = 0; i < 200 && (await bench.RowAsync()).IsOpen; i++)
        {
            bench.Harness.IsDiskFull = flips.Below(4) > 0;
            await bench.Harness.AdvanceAsync(TimeSpan.FromMilliseconds(300));
        }

        bench.Harness.IsDiskFull = false;
        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Equal((1, 1), (calls, (await bench.NoteAsync()).Number));
        Assert.Single(bench.Target.Log);
        Assert.Equal(
            ["Warning: Runs cannot record just now (disk_full). They hold what they have and try again. The disk is full (simulated).", "Warning: The store can write again; runs go on."],
            bench.Harness.Log.Take(2)); // once for each outage, not for each run and attempt
    }

    [Fact]
    public async Task Does_not_touch_runs_of_workflows_and_versions_that_it_lacks()
    {
        await using var bench = await Bench.StartAsync(signalbox => signalbox.Add(new Flow(Flow.GoesTo(Step.Done))).Add(new Flow(Flow.GoesTo(Step.Done)) { Name = "other" }));
        await bench.StartRunAsync(workflow: "other");
        await bench.Harness.CrashAndRestartAsync(signalbox => signalbox.Add(new Flow(Flow.GoesTo(Step.Done))).Add(new Flow(Flow.GoesTo(Step.Done)) { Name = "other", Version = 2 }));
        await bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(1));

        Assert.Equal((RunStatus.Pending, 0), ((await bench.RowAsync()).Status, (await bench.RowAsync()).Epoch));
    }

    [Fact]
    public async Task Refuses_to_start_with_options_that_make_no_sense_and_names_all_faults()
    {
        var refused = await Assert.ThrowsAsync<WorkflowFaultsException>(() => WorkflowHarness.StartAsync(signalbox =>
        {
            signalbox.Worker.Concurrency = 0;
            signalbox.Worker.Heartbeat = TimeSpan.FromSeconds(20);
            signalbox.Worker.Poll = TimeSpan.Zero;
        }));

        Assert.Equal(
            """
            The configuration of Signalbox cannot run, for 4 reasons:
              - Concurrency is from 1 to 100,000; got 0.
              - Lease must be at least three times Heartbeat, which must be positive; got 00:00:30 and 00:00:20.
              - Poll must be positive; got 00:00:00.
              - No workflow is registered. Register one: AddWorkflow<MyWorkflow>().
            """.ReplaceLineEndings("\n"), refused.Message);
    }

    private static Flow Hanging() => new(async visit =>
    {
        await visit.Read<int>("hang", async ct =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, ct);
            return 1;
        }, new() { Within = TimeSpan.FromHours(1) });
        return visit.GoTo(Step.Done);
    });
}
