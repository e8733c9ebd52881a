using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Actions;

public sealed class A_watched_action
{
    private static readonly Block s_block = new("192.0.2.7");
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    /// <summary>Acts in its first state and watches over an hour in the next.</summary>
    private static Flow Verifying(TimeSpan? every = null) => new(
        async visit =>
        {
            var outcome = await visit.Act(s_block);
            return visit.GoTo(Step.Two, new Note(outcome.ActionId));
        },
        async visit =>
        {
            var seen = await visit.Verify(s_block, TimeSpan.FromHours(1), every);
            Assert.Equal(visit.Case.Text, seen.ActionId);
            return visit.GoTo(Step.Done, new Note(seen.Match(v => $"verified: {v.Proof}", why => $"diverged: {why}", why => $"unseen: {why}"), seen.Agreement.Looks, [seen.SeenAt.ToString("u", CultureInfo.InvariantCulture)]));
        });

    /// <summary>Acts, has it watched for a day, and waits two for a drift.</summary>
    private static Flow Watching(bool undoes = false) => new(async visit =>
    {
        await visit.Act(s_block);
        var watch = await visit.Watch(s_block, every: TimeSpan.FromHours(1), over: TimeSpan.FromDays(1));
        if (undoes)
        {
            await visit.Delay(TimeSpan.FromHours(3));
            await visit.Undo(s_block);
        }

        var drifted = await visit.WaitFor<ActionDrifted>(ActionDrifted.Signal, within: TimeSpan.FromDays(2));
        return visit.GoTo(Step.Done, new Note(drifted.Value?.ToString() ?? "no drift", Lines: [watch.Value]));
    });

    private static async Task<RunRow> WatchAsync(Bench bench) => Assert.Single((await bench.Harness.RunsAsync()).Select(r => r.Row), r => r.Workflow == "signalbox.watch:block");

    [Fact]
    public async Task Is_verified_over_a_window_by_recorded_looks_with_the_run_parked_in_between()
    {
        await using var bench = await Bench.OfAsync(Verifying(TimeSpan.FromMinutes(25)));
        await bench.RunAsync();

        var note = await bench.NoteAsync();
        Assert.Equal(("verified: '192.0.2.7' is in the set", 4, "2026-01-01 01:00:00Z"), (note.Text, note.Number, note.Lines![0])); // at once, after 25, 50 and 60 minutes
        Assert.Equal(3, (await bench.EntriesAsync(EntryKinds.RunWaiting)).Count);
        Assert.Equal(4, (await bench.EntriesAsync(EntryKinds.StepCompleted)).Count(e => Body.Read<StepCompleted>(e).Type == "look"));
        Assert.Single(bench.Target.Log);
    }

    [Fact]
    public async Task Is_looked_at_eleven_times_unless_said_otherwise()
    {
        await using var bench = await Bench.OfAsync(Verifying());
        await bench.RunAsync();

        Assert.Equal(11, (await bench.NoteAsync()).Number);
    }

    [Fact]
    public async Task That_is_so_no_longer_has_diverged_and_it_says_what_was_seen_when()
    {
        await using var bench = await Bench.OfAsync(Verifying(s_minute));
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(s_minute * 5.5);
        bench.Target.Take("192.0.2.7");
        await bench.IdleAsync();

        var note = await bench.NoteAsync();
        Assert.Equal(("diverged: '192.0.2.7' is not in the set", 6, "2026-01-01 00:06:00Z"), (note.Text, note.Number, note.Lines![0]));
    }

    [Fact]
    public async Task That_the_target_cannot_show_for_a_while_is_looked_at_again_and_then_is_unseen()
    {
        await using var bench = await Bench.OfAsync(Verifying(s_minute));
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(s_minute * 2.5);
        bench.Target.UnclearLooks = 8; // two looks, four tries each
        await bench.Harness.AdvanceAsync(s_minute * 5);
        Assert.Equal(RunStatus.Waiting, (await bench.RowAsync()).Status);

        bench.Target.UnclearLooks = int.MaxValue;
        await bench.IdleAsync();
        Assert.Equal("unseen: the target cannot tell", (await bench.NoteAsync()).Text);
    }

    [Fact]
    public async Task That_was_undone_is_watched_to_stay_undone()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Act(s_block);
            await visit.Undo(s_block);
            var seen = await visit.Verify(s_block, s_minute);
            return visit.GoTo(Step.Done, new Note($"{seen.Status}: {seen.Proof}"));
        }));
        await bench.RunAsync();

        Assert.Equal("Verified: '192.0.2.7' is not in the set", (await bench.NoteAsync()).Text);
    }

    [Fact]
    public async Task That_was_so_already_can_be_watched()
    {
        await using var bench = await Bench.OfAsync(Verifying());
        bench.Target.Put("192.0.2.7");
        await bench.RunAsync();

        Assert.Equal("verified: '192.0.2.7' is in the set", (await bench.NoteAsync()).Text);
    }

    [Fact]
    public async Task That_was_never_verified_cannot_be_watched_and_it_says_so()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Act(new Block("192.0.2.8"));
            await visit.Verify(s_block, s_minute);
            return visit.GoTo(Step.Done);
        }));
        var row = await bench.RunAsync();

        Assert.Equal(RunStatus.Failed, row.Status);
        Assert.EndsWith("this run has not verified the action 'block' with these arguments, so that there is nothing to watch. Act first, and watch what is verified", row.Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(60, 0, "A watch looks at least once: 'every' is positive, and 'over' no shorter; got 00:00:00 and 00:01:00.")]
    [InlineData(60, 61, "A watch looks at least once: 'every' is positive, and 'over' no shorter; got 00:01:01 and 00:01:00.")]
    [InlineData(86_400, 1, "A watch over 24 h with a look every 1 s has more than 1,000 looks. Look less often, or not so long, or use visit.Watch.")]
    public async Task Over_a_window_that_cannot_be_fails_its_run_and_says_why(int over, int every, string why)
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Act(s_block);
            await visit.Verify(s_block, TimeSpan.FromSeconds(over), TimeSpan.FromSeconds(every));
            return visit.GoTo(Step.Done);
        }));

        Assert.Equal(why, (await bench.RunAsync()).Reason);
    }

    [Fact]
    public async Task Beyond_its_visit_is_watched_by_a_run_of_its_own_until_the_time_is_up()
    {
        await using var bench = await Bench.OfAsync(Watching());
        await bench.RunAsync();

        Assert.Equal("no drift", (await bench.NoteAsync()).Text);
        var watch = await WatchAsync(bench);
        Assert.Equal((RunStatus.Completed, "Ended", (RunId?)bench.Run), (watch.Status, watch.State, watch.Parent));
        var looks = (await bench.Harness.JournalAsync(watch.Run)).Where(e => e.Kind == EntryKinds.StepCompleted).Select(e => e.Time).ToList();
        Assert.Equal(24, looks.Count);
        Assert.Equal(new DateTimeOffset(2026, 1, 2, 0, 0, 0, TimeSpan.Zero), looks[^1]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task That_drifts_is_told_to_its_run_also_after_a_restart(bool restarts)
    {
        await using var bench = await Bench.OfAsync(Watching());
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromHours(5.5));
        if (restarts)
        {
            await bench.Harness.CrashAndRestartAsync();
        }

        bench.Target.Take("192.0.2.7");
        await bench.IdleAsync();

        var id = bench.Target.Log[0].ActionId;
        var expected = new ActionDrifted(
            "block", id, "'192.0.2.7' is not in the set", new DateTimeOffset(2026, 1, 1, 6, 0, 0, TimeSpan.Zero), new DateTimeOffset(2026, 1, 1, 5, 0, 0, TimeSpan.Zero));
        Assert.Equal(expected.ToString(), (await bench.NoteAsync()).Text);
        var watch = await WatchAsync(bench);
        Assert.Equal((RunStatus.Failed, "Drifted"), (watch.Status, watch.State));
        Assert.Equal([watch.Run.Value], (await bench.NoteAsync()).Lines);
    }

    [Fact]
    public async Task That_cannot_be_seen_any_more_counts_as_drifted_after_three_looks()
    {
        await using var bench = await Bench.OfAsync(Watching());
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromHours(1.5));
        bench.Target.UnclearLooks = 8;
        await bench.Harness.AdvanceAsync(TimeSpan.FromHours(3));
        Assert.Equal(RunStatus.Waiting, (await WatchAsync(bench)).Status);
        bench.Target.UnclearLooks = int.MaxValue;
        await bench.IdleAsync();

        Assert.Contains("Why = the target cannot tell", (await bench.NoteAsync()).Text, StringComparison.Ordinal);
        Assert.EndsWith("IsUnseen = True }", (await bench.NoteAsync()).Text, StringComparison.Ordinal);
        Assert.Equal("Drifted", (await WatchAsync(bench)).State);
    }

    [Fact]
    public async Task That_its_run_takes_back_has_not_drifted()
    {
        await using var bench = await Bench.OfAsync(Watching(undoes: true));
        await bench.RunAsync();

        Assert.Equal("no drift", (await bench.NoteAsync()).Text);
        var watch = await WatchAsync(bench);
        Assert.Equal((RunStatus.Completed, "Ended"), (watch.Status, watch.State));
        Assert.Equal("the run itself has taken it back", (await bench.Harness.JournalAsync(watch.Run)).Last(e => e.Kind == EntryKinds.StateEntered).Cause);
    }

    [Fact]
    public async Task Is_watched_on_when_its_run_has_ended_and_nobody_is_told()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Act(s_block);
            await visit.Watch(s_block, every: TimeSpan.FromHours(1), over: TimeSpan.FromDays(1));
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(s_minute);
        Assert.Equal(RunStatus.Completed, (await bench.RowAsync()).Status);
        bench.Target.Take("192.0.2.7");
        await bench.IdleAsync();

        Assert.Equal("Drifted", (await WatchAsync(bench)).State);
        Assert.Empty(await bench.EntriesAsync(EntryKinds.SignalReceived));
    }

    [Fact]
    public async Task Is_watched_no_longer_when_its_run_is_canceled()
    {
        await using var bench = await Bench.OfAsync(Watching());
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(s_minute);
        await bench.CancelAsync();
        await bench.IdleAsync();

        Assert.Equal(RunStatus.Canceled, (await WatchAsync(bench)).Status);
    }

    [Fact]
    public async Task Is_looked_at_more_often_than_one_visit_holds()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Act(s_block);
            await visit.Watch(s_block, every: s_minute, over: TimeSpan.FromHours(3));
            return visit.GoTo(Step.Done);
        }));
        await bench.RunAsync();

        var watch = await WatchAsync(bench);
        Assert.Equal(("Ended", 5), (watch.State, watch.Visit)); // 180 looks, 50 a visit, and the end
    }

    [Fact]
    public async Task Is_watched_by_programs_alone_that_have_its_handler()
    {
        await using var bench = await Bench.OfAsync(Watching());
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(s_minute);
        await bench.Harness.CrashAndRestartAsync(signalbox =>
        {
            signalbox.Services.AddSingleton(bench.Target);
            signalbox.AddAction<Note, NoteHandler>("note");
            signalbox.Add(new Flow(Flow.GoesTo(Step.Done)) { Name = "other" });
        });
        await bench.Harness.AdvanceAsync(TimeSpan.FromHours(30));
        Assert.Equal((RunStatus.Waiting, 1), ((await WatchAsync(bench)).Status, (await WatchAsync(bench)).Epoch));

        await bench.Harness.CrashAndRestartAsync(Bench.Configured(signalbox => signalbox.Add(Watching()), bench.Target));
        await bench.IdleAsync();
        Assert.Equal("Ended", (await WatchAsync(bench)).State);
    }

    [Fact]
    public async Task Is_watched_to_the_same_end_wherever_a_crash_comes()
    {
        await CrashTest.RunAsync(() =>
        {
            var target = new FaultyTarget();
            return new CrashScenario
            {
                Configure = Bench.Configured(
                    signalbox => signalbox.Add(new Flow(async visit =>
                    {
                        await visit.Act(s_block);
                        var seen = await visit.Verify(s_block, s_minute, s_minute / 2);
                        await visit.Watch(s_block, every: TimeSpan.FromHours(1), over: TimeSpan.FromHours(3));
                        await visit.WaitFor<int>("go");
                        var drifted = await visit.WaitFor<ActionDrifted>(ActionDrifted.Signal, within: TimeSpan.FromDays(1));
                        return visit.GoTo(Step.Done, new Note($"{seen.Status} {seen.Agreement.Looks} {drifted.Value?.Why}"));
                    })),
                    target),
                Drive = async harness =>
                {
                    var run = await harness.StartRunAsync("flow", new Note());
                    await harness.RunUntilAsync(run, RunStatus.Waiting);
                    await harness.AdvanceAsync(TimeSpan.FromHours(1.5));
                    target.Take("192.0.2.7");
                    await harness.RunUntilIdleAsync();
                    await harness.Client().SignalAsync(run, "go", 1);
                    await harness.RunUntilIdleAsync();
                    Assert.Equal("Verified 3 '192.0.2.7' is not in the set", (await harness.CaseAsync<Note>(run)).Text);
                },
                Effects = () => target.Effects.Select(e => e.Operation),
                Check = harness => Bench.CheckAsync(harness),
            };
        }, new CrashTestOptions { TasksMax = 100 });
    }

    [Fact]
    public void Is_watched_by_a_workflow_whose_definition_is_pinned()
    {
        // Another definition needs a new version of the watch, with this one beside it as long as there are runs of it.
        Assert.Equal(
            """{"name":"signalbox.watch:block","start":"Watching","states":[{"name":"Watching","to":["Watching","Drifted","Ended"]},{"end":"failure","name":"Drifted","to":[]},{"end":"success","name":"Ended","to":[]}],"version":1}""",
            System.Text.Encoding.UTF8.GetString(new WatchWorkflow("block").Bind(check: true).Definition.ToJson()));
    }

    private sealed class NoteHandler(FaultyTarget target) : FaultyHandler<Note>(target);
}
