using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Actions;

public sealed class A_verification
{
    private static readonly Block s_block = new("192.0.2.7");

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private static Flow Acting() => new(async visit =>
    {
        var outcome = await visit.Act(s_block);
        return visit.GoTo(outcome.IsVerified ? Step.Done : Step.Bad, new Note($"{outcome.Status}: {outcome.Reason}", outcome.MadeByUs ? 1 : 0));
    });

    private static FaultyTarget Target(Verification verification) => new() { Policy = new ActionPolicy { Verification = verification } };

    private static async Task<Agreement> AgreementAsync(Bench bench) => (await bench.BodyAsync<ActionObserved>(EntryKinds.ActionVerified)).Agreement!;

    [Fact]
    public async Task Is_one_look_by_default_and_says_so()
    {
        await using var bench = await Bench.OfAsync(Acting());
        await bench.RunAsync();

        Assert.Equal(new Agreement(1, 0, 1, 0), await AgreementAsync(bench));
        Assert.Equal(3, bench.Target.Looks); // before the intent, after it, after the call
    }

    [Fact]
    public async Task Takes_as_many_agreeing_looks_as_its_policy_wants_over_the_window()
    {
        await using var bench = await Bench.OfAsync(Acting(), Target(new Verification { Agreeing = 3, Over = Seconds(30), Every = Seconds(10) }));
        var begun = bench.Harness.Clock.GetUtcNow();
        await bench.RunAsync();

        Assert.Equal(new Agreement(4, 30_000_000, 3, 30_000_000), await AgreementAsync(bench));
        Assert.Equal(Seconds(30), bench.Harness.Clock.GetUtcNow() - begun);
        Assert.Equal("Verified: ", (await bench.NoteAsync()).Text);
    }

    [Fact]
    public async Task Begins_the_row_anew_when_a_look_shows_otherwise()
    {
        await using var bench = await Bench.OfAsync(Acting(), Target(new Verification { Agreeing = 3, Every = Seconds(1), Within = Seconds(60) }));
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(Seconds(1.5)); // two looks agree
        bench.Target.LateLooks = 1;
        await bench.IdleAsync();

        Assert.Equal(new Agreement(3, 2_000_000, 3, 0), await AgreementAsync(bench));
        Assert.Equal(6, (await bench.BodyAsync<ActionObserved>(EntryKinds.ActionVerified)).Probes);
    }

    [Fact]
    public async Task Gives_a_slow_target_its_time_and_calls_it_once()
    {
        await using var bench = await Bench.OfAsync(Acting(), Target(new Verification { Every = Seconds(10), Within = Seconds(120) }));
        bench.Target.LateLooks = 11;
        await bench.RunAsync();

        Assert.Equal("Verified: ", (await bench.NoteAsync()).Text);
        Assert.Single(bench.Target.Log);
    }

    [Fact]
    public async Task Of_what_is_not_shown_in_its_time_has_diverged()
    {
        await using var bench = await Bench.OfAsync(Acting(), Target(new Verification { Every = Seconds(50), Within = Seconds(120) }));
        bench.Target.Faults.Enqueue(TargetFault.Lies);
        var begun = bench.Harness.Clock.GetUtcNow();
        await bench.RunAsync();

        Assert.Equal("Diverged: the target answered, but 4 looks within 2 min do not show it: '192.0.2.7' is not in the set", (await bench.NoteAsync()).Text);
        Assert.Equal(Seconds(120), bench.Harness.Clock.GetUtcNow() - begun); // the last look is at the end of the time, not at the next multiple
    }

    [Fact]
    public async Task Of_what_comes_and_goes_has_diverged_and_is_not_done_again()
    {
        var clock = new ManualClock();
        var target = new FaultyTarget
        {
            Policy = new ActionPolicy { Verification = new Verification { Agreeing = 20, Every = Seconds(1), Within = Seconds(60) } },
            Visibility = new TargetVisibility(clock, 7) { FlapMax = TimeSpan.FromDays(1) },
        };
        target.Faults.Enqueue(TargetFault.ThrowsAfterEffect);
        await using var bench = await Bench.OfAsync(Acting(), target, new HarnessOptions { Clock = clock });
        bench.ChecksHistory = false; // the run leaves an effect behind that nobody has verified or undone, and the checker says so
        await bench.RunAsync();

        var note = (await bench.NoteAsync()).Text;
        Assert.Matches("^Diverged: the target answered, but shows it now and then only, in [0-9]+ of 6[1-9] looks within 60 s: ", note);
        Assert.Single(target.Log);
    }

    [Fact]
    public async Task Of_what_the_target_cannot_tell_is_in_doubt_after_its_time_and_not_before()
    {
        await using var bench = await Bench.OfAsync(Acting(), Target(new Verification { Every = Seconds(10), Within = Seconds(60) }));
        var begun = bench.Harness.Clock.GetUtcNow();
        bench.Target.SilentAfterCalls = 1;
        Assert.Equal(RunStatus.Held, (await bench.RunAsync()).Status);
        Assert.InRange((bench.Harness.Clock.GetUtcNow() - begun).TotalSeconds, 60, 75);

        bench.Target.SilentAfterCalls = null;
        await bench.ReleaseAsync(ReleaseVerb.Retry);
        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Single(bench.Target.Log);
    }

    [Fact]
    public async Task Of_what_is_so_already_takes_the_same_agreement()
    {
        await using var bench = await Bench.OfAsync(Acting(), Target(new Verification { Agreeing = 3, Over = Seconds(20), Every = Seconds(10) }));
        bench.Target.Put("192.0.2.7");
        await bench.RunAsync();

        Assert.Equal("Verified: it is so already", (await bench.NoteAsync()).Text);
        Assert.Equal(new Agreement(3, 20_000_000, 3, 20_000_000), await AgreementAsync(bench));
        Assert.Empty(bench.Target.Log);
    }

    [Fact]
    public async Task Of_what_stops_being_so_while_it_is_looked_at_is_done_after_all()
    {
        await using var bench = await Bench.OfAsync(Acting(), Target(new Verification { Agreeing = 3, Every = Seconds(10) }));
        bench.Target.Put("192.0.2.7");
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(Seconds(15));
        bench.Target.Take("192.0.2.7");
        await bench.IdleAsync();

        Assert.Equal(("Verified: ", 1), ((await bench.NoteAsync()).Text, (await bench.NoteAsync()).Number));
        Assert.Equal(["192.0.2.7"], bench.Target.Resources);
    }

    [Fact]
    public async Task Of_an_undo_takes_the_same_agreement()
    {
        var target = Target(new Verification { Agreeing = 3, Every = Seconds(10) });
        await using var bench = await Bench.OfAsync(
            new Flow(async visit =>
            {
                await visit.Act(s_block);
                var undone = await visit.Undo(s_block);
                return visit.GoTo(Step.Done, new Note($"{undone.Status}: {undone.Reason}"));
            }),
            target);
        await bench.RunAsync();

        Assert.Equal("Verified: ", (await bench.NoteAsync()).Text);
        Assert.All(await bench.EntriesAsync(EntryKinds.ActionVerified), e => Assert.Equal(new Agreement(3, 20_000_000, 3, 0), Body.Read<ActionObserved>(e).Agreement));
        Assert.Equal([ObservationKind.NotSo, ObservationKind.NotSo, ObservationKind.NotSo], target.LookLog.TakeLast(3).Select(l => l.Shown));
    }

    [Fact]
    public async Task Begins_its_window_anew_after_a_crash_in_the_middle_of_it()
    {
        await using var bench = await Bench.OfAsync(Acting(), Target(new Verification { Agreeing = 3, Over = Seconds(60), Every = Seconds(20) }));
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(Seconds(50));
        var begun = bench.Harness.Clock.GetUtcNow();
        await bench.Harness.CrashAndRestartAsync();
        await bench.IdleAsync();

        Assert.Equal("Verified: found so when the target was asked", (await bench.NoteAsync()).Text);
        Assert.InRange(bench.Harness.Clock.GetUtcNow() - begun, Seconds(60), Seconds(90));
        Assert.Equal(new Agreement(4, 60_000_000, 3, 60_000_000), await AgreementAsync(bench));
        Assert.Single(bench.Target.Log);
    }

    [Fact]
    public async Task Of_what_a_slow_target_does_not_show_yet_after_a_crash_does_not_do_it_again()
    {
        await using var bench = await Bench.OfAsync(Acting(), Target(new Verification { Every = Seconds(10), Within = Seconds(120) }));
        bench.Target.LateLooks = 9;
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(Seconds(15));
        await bench.Harness.CrashAndRestartAsync();
        await bench.IdleAsync();

        Assert.Equal(RunStatus.Completed, (await bench.RowAsync()).Status);
        Assert.Single(bench.Target.Log);
    }

    [Fact]
    public async Task That_takes_its_time_is_seen_to_be_at_work()
    {
        await using var bench = await Bench.OfAsync(Acting(), Target(new Verification { Agreeing = 2, Over = Seconds(300), Every = Seconds(10) }));
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(Seconds(30));

        var started = await bench.EntryAsync(EntryKinds.StepStarted);
        Assert.StartsWith("block/", started.Step, StringComparison.Ordinal);
        await bench.IdleAsync();
        Assert.Single(await bench.EntriesAsync(EntryKinds.StepStarted));
    }

    [Fact]
    public async Task Of_what_an_operator_takes_back_waits_for_an_effect_that_may_still_come_to_be_seen()
    {
        var target = Target(new Verification { Every = Seconds(10), Within = Seconds(120) });
        await using var bench = await Bench.OfAsync(Acting(), target);
        target.SilentAfterCalls = 1;
        Assert.Equal(RunStatus.Held, (await bench.RunAsync()).Status);

        target.SilentAfterCalls = null;
        target.LateLooks = 5; // the effect stands, and is seen a minute from now
        await bench.ReleaseAsync(ReleaseVerb.Undo);
        await bench.IdleAsync();

        Assert.Empty(target.Resources);
        Assert.Equal(["execute", "undo"], target.Log.Select(c => c.Operation));
    }

    [Fact]
    public async Task Wanted_in_a_way_that_cannot_be_is_refused_at_start_up_with_every_fault()
    {
        var policy = new ActionPolicy { Verification = new Verification { Agreeing = 0, Over = Seconds(-1), Every = TimeSpan.Zero } };
        var one = await Assert.ThrowsAsync<WorkflowFaultsException>(() => Bench.OfAsync(Acting(), new FaultyTarget { Policy = policy }));
        Assert.Equal(
            [
                "The policy of action 'block': Agreeing must be 1 to 10,000 looks; got 0.",
                "The policy of action 'block': Over and Within must not be negative; got -00:00:01 and 00:00:00.",
                "The policy of action 'block': Every must be positive; got 00:00:00.",
            ],
            one.Faults);

        var two = await Assert.ThrowsAsync<WorkflowFaultsException>(() => Bench.OfAsync(Acting(), Target(new Verification { Over = Seconds(30), Within = TimeSpan.FromDays(1) })));
        Assert.Equal(
            [
                "The policy of action 'block': Agreeing must be 2 or more where looks are to agree over 30 s: one look spans no time.",
                "The policy of action 'block': Over and Within must not take more than 10,000 looks; got 30 s and 24 h with a look every 200 ms (Every, or else Pause).",
            ],
            two.Faults);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Comes_to_the_same_wherever_a_crash_comes(bool isLate)
    {
        var report = await CrashTest.RunAsync(() =>
        {
            var target = Target(new Verification { Agreeing = 3, Over = Seconds(20), Every = Seconds(10), Within = Seconds(120) });
            target.LateLooks = isLate ? 4 : 0;
            return new CrashScenario
            {
                Configure = Bench.Configured(
                    signalbox => signalbox.Add(new Flow(async visit =>
                    {
                        var done = await visit.Act(s_block);
                        var undone = await visit.Undo(s_block);
                        return visit.GoTo(Step.Done, new Note($"{done.Status} {undone.Status}"));
                    })),
                    target),
                Drive = async harness =>
                {
                    var run = await harness.StartRunAsync("flow", new Note());
                    await harness.RunUntilIdleAsync();
                    Assert.All(
                        (await harness.JournalAsync(run)).Where(e => e.Kind == EntryKinds.ActionVerified).Select(e => Body.Read<ActionObserved>(e).Agreement!),
                        a => Assert.True(a.Looks >= 3 && a.Over >= 20_000_000, a.ToString()));
                },
                Effects = target.Tell,
                Check = harness => Bench.CheckAsync(harness, target),
            };
        }, new CrashTestOptions { TasksMax = 100 });
        Assert.True(report.Crashes > 100, report.ToString());
    }
}
