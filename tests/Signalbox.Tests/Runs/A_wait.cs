using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Runs;

public sealed class A_wait
{
    private sealed class Watched(List<string> seen) : IDisposable
    {
        public void Dispose() => seen.Add("disposed");
    }

    [Fact]
    public async Task For_a_time_ends_when_it_has_come_and_not_before()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Delay(TimeSpan.FromDays(30));
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        var begun = bench.Harness.Clock.GetUtcNow();
        await bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(RunStatus.Waiting, (await bench.RowAsync()).Status);
        await bench.IdleAsync();

        Assert.Equal(TimeSpan.FromDays(30), bench.Harness.Clock.GetUtcNow() - begun);
        Assert.Equal("run.started state.entered run.leased wait.opened run.waiting run.leased wait.completed state.entered run.completed", await bench.KindsAsync());
    }

    [Fact]
    public async Task Fixes_its_due_time_when_first_asked_whatever_crashes_and_wakes_after()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var until = visit.Branch("timer", async b =>
            {
                await b.Delay(TimeSpan.FromHours(1));
                return 0;
            });
            await Task.WhenAny(until, visit.WaitFor<int>("never"), visit.WaitFor<int>("nudge"));
            await until;
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        var begun = bench.Harness.Clock.GetUtcNow();
        await bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(20));
        await bench.SignalAsync("nudge", 1);
        await bench.Harness.SettleAsync();
        await bench.Harness.CrashAndRestartAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(20));
        await bench.Harness.RunUntilAsync(bench.Run, RunStatus.Completed);

        Assert.InRange((bench.Harness.Clock.GetUtcNow() - begun).TotalSeconds, 3600, 3602);
    }

    [Fact]
    public async Task For_a_signal_that_comes_later_is_woken_by_it()
    {
        await using var bench = await Bench.OfAsync(Waiting());
        await bench.RunAsync();
        Assert.Equal(RunStatus.Waiting, (await bench.RowAsync()).Status);
        Assert.Equal("Signal 'go' lies in the run's mailbox.", (await bench.SignalAsync("go", "now")).Message);
        await bench.IdleAsync();

        Assert.Equal("now", (await bench.NoteAsync()).Text);
    }

    [Fact]
    public async Task For_a_signal_that_came_before_does_not_wait()
    {
        await using var bench = await Bench.OfAsync(Waiting());
        await bench.StartRunAsync();
        await bench.SignalAsync("go", "early");
        await bench.IdleAsync();

        Assert.Equal("early", (await bench.NoteAsync()).Text);
        Assert.Empty(await bench.EntriesAsync(EntryKinds.RunWaiting));
    }

    [Fact]
    public async Task Takes_signals_of_its_name_in_the_order_of_their_arrival_each_once()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var words = new List<string>();
            for (var i = 0; i < 3; i++)
            {
                words.Add((await visit.WaitFor<string>("word")).Value!);
            }

            return visit.GoTo(Step.Done, new Note(string.Join(' ', words)));
        }));
        await bench.StartRunAsync();
        await bench.SignalAsync("word", "one");
        await bench.SignalAsync("other", "no");
        await bench.SignalAsync("word", "two");
        await bench.IdleAsync();
        await bench.SignalAsync("word", "three");
        await bench.IdleAsync();

        Assert.Equal("one two three", (await bench.NoteAsync()).Text);
        Assert.Equal("other", Assert.Single((await bench.Harness.HeadAsync(bench.Run)).Mailbox).Name);
    }

    [Fact]
    public async Task Of_two_branches_for_one_name_takes_one_signal_each()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var both = await Task.WhenAll(visit.Branch("a", b => b.WaitFor<string>("word")), visit.Branch("b", b => b.WaitFor<string>("word")));
            return visit.GoTo(Step.Done, new Note(string.Join(' ', both.Select(s => s.Value).Order())));
        }));
        await bench.StartRunAsync();
        await bench.SignalAsync("word", "one");
        await bench.IdleAsync();
        Assert.Single((await bench.Harness.HeadAsync(bench.Run)).Waits);
        await bench.SignalAsync("word", "two");
        await bench.IdleAsync();

        Assert.Equal("one two", (await bench.NoteAsync()).Text);
        Assert.Equal(2, (await bench.EntriesAsync(EntryKinds.WaitCompleted)).Select(e => Body.Read<WaitCompleted>(e).SignalSeq).Distinct().Count());
    }

    [Fact]
    public async Task For_a_signal_ends_without_it_when_its_time_limit_passes()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var signal = await visit.WaitFor<string>("go", TimeSpan.FromHours(1));
            return visit.GoTo(Step.Done, new Note($"{signal.Arrived} {signal.Value}"));
        }));
        await bench.RunAsync();

        Assert.Equal("False ", (await bench.NoteAsync()).Text);
        Assert.Null((await bench.BodyAsync<WaitCompleted>(EntryKinds.WaitCompleted)).SignalSeq);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task For_whichever_comes_first_of_a_signal_and_a_time_ends_with_that(bool signaled)
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var signal = visit.WaitFor<string>("go");
            var delay = visit.Delay(TimeSpan.FromHours(1));
            var first = await Task.WhenAny(signal, delay);
            return visit.GoTo(Step.Done, new Note(first == signal ? "signal" : "time"));
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        if (signaled)
        {
            await bench.SignalAsync("go", "");
        }

        await bench.IdleAsync();

        Assert.Equal(signaled ? "signal" : "time", (await bench.NoteAsync()).Text);
        Assert.Equal(signaled ? "delay" : "go", (await bench.EntryAsync(EntryKinds.WaitWithdrawn)).Step.Split('/')[0]);
        Assert.Empty((await bench.Harness.HeadAsync(bench.Run)).Waits);
    }

    [Fact]
    public async Task Whose_signal_comes_while_the_run_is_being_parked_is_not_lost()
    {
        // The signal arrives between the handler's last look and the append that parks the run, whatever the order of the simulation.
        for (ulong seed = 1; seed <= 30; seed++)
        {
            Bench? world = null;
            await using var bench = world = await Bench.OfAsync(
                new Flow(async visit =>
                {
                    var wait = visit.WaitFor<string>("go");
                    await visit.Read("send", async __ =>
                    {
                        await SimulatedProcess.OfThisCode!.YieldAsync();
                        _ = world!.SignalAsync("go", "now");
                        return 1;
                    });
                    return visit.GoTo(Step.Done, new Note((await wait).Value!));
                }),
                options: new HarnessOptions { Seed = seed });
            await bench.RunAsync();

            Assert.Equal("now", (await bench.NoteAsync()).Text);
        }
    }

    [Fact]
    public async Task Holds_no_lease_no_worker_no_services_and_no_handler()
    {
        var seen = new List<string>();
        VisitScope? left = null;
        var token = CancellationToken.None;
        Func<IServiceProvider, Workflow> create = services =>
        {
            services.GetRequiredService<Watched>();
            return new FlowWorkflow(new Flow(async visit =>
            {
                left = visit;
                token = visit.CancellationToken;
                try
                {
                    await visit.WaitFor<string>("go");
                    return visit.GoTo(Step.Done);
                }
                finally
                {
                    seen.Add("finally");
                }
            }));
        };
        await using var bench = await Bench.StartAsync(signalbox =>
        {
            signalbox.Services.AddScoped(_ => new Watched(seen));
            signalbox.Workflows.Add(create);
        });
        seen.Clear();
        var row = await bench.RunAsync();

        Assert.Equal((RunStatus.Waiting, null), (row.Status, row.Worker));
        Assert.Equal(["disposed"], seen);
        Assert.True(token.IsCancellationRequested);

        // A call on the visit that is over does nothing and never completes.
        var before = (await bench.JournalAsync()).Count;
        var late = left!.Read("late", _ => Task.FromResult(seen.Count));
        var lateWait = left.WaitFor<string>("go");
        await bench.SignalAsync("other", "");
        await bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(1));
        Assert.False(late.IsCompleted || lateWait.IsCompleted);
        Assert.Equal(before + 1, (await bench.JournalAsync()).Count);

        await bench.SignalAsync("go", "");
        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
    }

    [Fact]
    public async Task Of_one_branch_is_recorded_while_another_still_works()
    {
        var gate = new Gate();
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await Task.WhenAll(
                visit.Branch("wait", b => b.WaitFor<string>("go")),
                visit.Branch("work", b => b.Read("long", async _ =>
                {
                    await gate.PassAsync();
                    return new Signal<string>(true, "");
                })));
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();

        Assert.Equal(RunStatus.Running, (await bench.RowAsync()).Status);
        Assert.Equal("go", Assert.Single((await bench.Harness.HeadAsync(bench.Run)).Waits).Name);

        gate.Open();
        Assert.Equal(RunStatus.Waiting, (await bench.IdleAsync()).Status);
        await bench.SignalAsync("go", "");
        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
        Assert.Equal(1, gate.Passes);
    }

    [Fact]
    public async Task That_a_branch_opened_is_not_opened_again_when_another_branch_asks_first_after_waking()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            var a = visit.Branch("a", b => b.WaitFor<string>("a"));
            var b = visit.Branch("b", b => b.WaitFor<string>("b"));
            await Task.WhenAll(a, b);
            return visit.GoTo(Step.Done, new Note((await a).Value + (await b).Value));
        }));
        await bench.RunAsync();
        await bench.SignalAsync("b", "2");
        await bench.IdleAsync();
        await bench.SignalAsync("a", "1");
        await bench.IdleAsync();

        Assert.Equal("12", (await bench.NoteAsync()).Text);
        Assert.Equal(2, (await bench.EntriesAsync(EntryKinds.WaitOpened)).Count);
    }

    private static Flow Waiting() => new(async visit => visit.GoTo(Step.Done, new Note((await visit.WaitFor<string>("go")).Value!)));
}
