using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Runs;

public sealed class A_visit_that_is_entered_anew
{
    [Fact]
    public async Task Sees_the_same_time_and_the_same_ids_as_before()
    {
        var seen = new List<string>();
        var gate = new Gate();
        Bench? world = null;
        await using var bench = world = await Bench.OfAsync(new Flow(async visit =>
        {
            var times = new List<DateTimeOffset> { visit.Now };
            await visit.Read("a", ct => After(3, world!, ct));
            times.Add(visit.Now);
            await visit.Branch("b", async b =>
            {
                await b.Read("a", ct => After(4, world!, ct));
                times.Add(b.Now);
                return 1;
            });
            times.Add(visit.Now);
            await visit.Delay(TimeSpan.FromMinutes(1));
            times.Add(visit.Now);
            seen.Add(string.Join(' ', times.Select(t => t.ToString("HH:mm:ss", null))) + " " + visit.NewId("x") + visit.NewId("y"));
            await gate.PassAsync();
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(2));
        await bench.Harness.CrashAndRestartAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(2));
        gate.Open();
        await bench.IdleAsync();

        Assert.Equal(2, seen.Count);
        Assert.Equal(seen[0], seen[1]);
        Assert.StartsWith("00:00:00 00:00:03 00:00:07 00:00:07 00:01:07 ", seen[0], StringComparison.Ordinal);
        Assert.NotEqual(seen[0][^36..], seen[0][^72..^36]);
    }

    [Fact]
    public async Task Gets_what_was_recorded_however_its_branches_finish_this_time()
    {
        for (ulong seed = 1; seed <= 20; seed++)
        {
            var order = new SeededEntropy(seed);
            var gate = new Gate();
            await using var bench = await Bench.OfAsync(
                new Flow(async visit =>
                {
                    var all = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => visit.Branch($"b{i}", async b =>
                    {
                        await Yields(order.Below(5));
                        var first = await b.Read("x", i, async (n, _) =>
                        {
                            await Yields(order.Below(9));
                            return n;
                        });
                        var nested = await Task.WhenAll(Enumerable.Range(0, 2).Select(k => b.Branch("n", async c =>
                        {
                            await Yields(order.Below(5));
                            return await c.Read("x", i, async (n, _) =>
                            {
                                await Yields(order.Below(9));
                                return (10 * n) + k;
                            });
                        })));
                        return $"{first}{string.Join("", nested)}";
                    })));
                    if (gate.Passes == 0)
                    {
                        await gate.PassAsync();
                    }

                    return visit.GoTo(Step.Done, new Note(string.Join(' ', all)));
                }),
                options: new HarnessOptions { Seed = seed });
            await bench.StartRunAsync();
            await bench.Harness.SettleAsync();
            var recorded = (await bench.EntriesAsync(EntryKinds.StepCompleted)).Count;
            gate.Open();
            await bench.Harness.CrashAndRestartAsync();
            await bench.IdleAsync();

            Assert.Equal("001 11011 22021 33031", (await bench.NoteAsync()).Text);
            Assert.Equal((12, 12), (recorded, (await bench.EntriesAsync(EntryKinds.StepCompleted)).Count));
            Assert.Contains("b0/n#2", (await bench.JournalAsync()).Select(e => e.Scope));
        }
    }

    [Fact]
    public async Task Runs_changed_code_for_what_has_no_record_yet()
    {
        var gate = new Gate();
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var n = await visit.Read("old", _ => Task.FromResult(1));
            await gate.PassAsync();
            return visit.GoTo(Step.Done, new Note("", n));
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        await bench.Harness.CrashAndRestartAsync(Bench.Configured(signalbox => signalbox.Add(new Flow(async visit =>
        {
            var m = await visit.Read("new", _ => Task.FromResult(10));
            var n = await visit.Read("old", _ => Task.FromResult(100));
            return visit.GoTo(Step.Done, new Note("", m + n));
        })), bench.Target));
        await bench.IdleAsync();

        Assert.Equal(11, (await bench.NoteAsync()).Number);
    }

    [Fact]
    public async Task With_a_recorded_effect_that_it_no_longer_asks_for_is_held_before_a_new_effect()
    {
        await using var bench = await ChangedAsync(async visit =>
        {
            await visit.Act(new Block("192.0.2.8"));
            return visit.GoTo(Step.Done);
        });

        var row = await bench.IdleAsync();
        Assert.Equal((RunStatus.Held, TroubleCodes.EffectsNotAskedAgain), (row.Status, row.ReasonCode));
        Assert.Equal(
            "State 'One' has recorded effects that its handler no longer asks for (block/24eee3fe74a28e0a7396215b574852fb/1), and now wants a new effect. Restore the code (release --retry), accept the effects (--accept) or undo them (--undo).",
            row.Reason);
        Assert.Equal(["192.0.2.7"], bench.Target.Resources);
    }

    [Fact]
    public async Task With_a_recorded_effect_that_it_no_longer_asks_for_is_held_before_a_transition()
    {
        await using var bench = await ChangedAsync(Flow.GoesTo(Step.Done));

        var row = await bench.IdleAsync();
        Assert.Equal((RunStatus.Held, TroubleCodes.EffectsNotAskedAgain), (row.Status, row.ReasonCode));
        Assert.EndsWith("and now wants to go to 'Done'. Restore the code (release --retry), accept the effects (--accept) or undo them (--undo).", row.Reason, StringComparison.Ordinal);

        // Released with the same code, it is held again.
        await bench.ReleaseAsync(ReleaseVerb.Retry);
        Assert.Equal(RunStatus.Held, (await bench.IdleAsync()).Status);
    }

    [Theory]
    [InlineData(ReleaseVerb.Accept, RunStatus.Completed, "192.0.2.7")]
    [InlineData(ReleaseVerb.Undo, RunStatus.Completed, "")]
    [InlineData(ReleaseVerb.Abandon, RunStatus.Failed, "192.0.2.7")]
    public async Task With_effects_no_longer_asked_for_goes_on_as_an_operator_says(ReleaseVerb verb, RunStatus status, string resources)
    {
        await using var bench = await ChangedAsync(Flow.GoesTo(Step.Done));
        await bench.IdleAsync();
        await bench.ReleaseAsync(verb);

        Assert.Equal(status, (await bench.IdleAsync()).Status);
        Assert.Equal(resources, string.Join(' ', bench.Target.Resources));
    }

    [Fact]
    public async Task With_effects_no_longer_asked_for_goes_on_when_the_code_is_restored()
    {
        await using var bench = await ChangedAsync(Flow.GoesTo(Step.Done));
        await bench.IdleAsync();
        await bench.Harness.CrashAndRestartAsync(Bench.Configured(signalbox => signalbox.Add(new Flow(async visit =>
        {
            await visit.Act(new Block("192.0.2.7"));
            return visit.GoTo(Step.Done);
        })), bench.Target));
        await bench.ReleaseAsync(ReleaseVerb.Retry);

        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Single(bench.Target.Log);
    }

    [Fact]
    public async Task Is_held_for_a_question_a_child_and_a_message_no_longer_asked_for_as_for_an_action()
    {
        Handler[] effects =
        [
            async visit =>
            {
                await visit.Approve(new Question("Well?", "yes", "no"));
                return visit.GoTo(Step.Done);
            },
            async visit =>
            {
                await visit.StartChild("flow", new Note("child"));
                await visit.WaitFor<int>("never");
                return visit.GoTo(Step.Done);
            },
            async visit =>
            {
                await visit.Send(new RunId("r-x"), "news", 1);
                await visit.WaitFor<int>("never");
                return visit.GoTo(Step.Done);
            },
        ];
        foreach (var effect in effects)
        {
            var target = new FaultyTarget();
            await using var bench = await Bench.OfAsync(new Flow(visit => visit.Case.Text == "child" ? Flow.GoesTo(Step.Done)(visit) : effect(visit)), target);
            await bench.StartRunAsync();
            await bench.Harness.SettleAsync();
            await bench.Harness.CrashAndRestartAsync(Bench.Configured(signalbox => signalbox.Add(new Flow(Flow.GoesTo(Step.Done))), target));
            await bench.AnswerAsync("yes");
            await bench.SignalAsync("never", 1);

            Assert.Equal((RunStatus.Held, TroubleCodes.EffectsNotAskedAgain), ((await bench.IdleAsync()).Status, (await bench.RowAsync()).ReasonCode));
        }
    }

    /// <summary>A run whose first handler has blocked an address and then stood still, and whose program then changed.</summary>
    private static async Task<Bench> ChangedAsync(Handler changed)
    {
        var gate = new Gate();
        var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Act(new Block("192.0.2.7"));
            await gate.PassAsync();
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        Assert.Equal(1, gate.Passes);
        await bench.Harness.CrashAndRestartAsync(Bench.Configured(signalbox => signalbox.Add(new Flow(changed)), bench.Target));
        return bench;
    }

    private static async Task<int> After(int seconds, Bench bench, CancellationToken cancellationToken)
    {
        await Task.Delay(TimeSpan.FromSeconds(seconds), bench.Harness.Clock, cancellationToken);
        return seconds;
    }

    private static async Task Yields(int times)
    {
        for (var i = 0; i < times; i++)
        {
            await Task.Yield();
        }
    }
}
