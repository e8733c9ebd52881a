using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Evidence;

/// <summary>Workflows that ask one source, whose answers come when the test says so or after a delay by the clock.</summary>
public sealed class A_cached_query
{
    private static readonly TimeSpan s_tenMinutes = TimeSpan.FromMinutes(10);

    private readonly ManualClock _clock = new();
    private int _calls;

    /// <summary>Answers with the number of the call, after two seconds.</summary>
    private EvidenceSource<string, int> Source(Func<int, CancellationToken, Task>? before = null) => new("threats", async (_, cancellationToken) =>
    {
        var call = ++_calls;
        await (before?.Invoke(call, cancellationToken) ?? Task.Delay(TimeSpan.FromSeconds(2), _clock, cancellationToken));
        return call;
    });

    private Task<Bench> OfAsync(params Flow[] flows) => Bench.StartAsync(
        signalbox =>
        {
            foreach (var flow in flows)
            {
                signalbox.Add(flow);
            }
        },
        options: new HarnessOptions { Clock = _clock });

    private static Flow Asking(EvidenceQuery<int> query, string name = "flow") => new(async visit =>
    {
        var evidence = await visit.Gather(query);
        return visit.GoTo(Step.Done, new Note(evidence.Reason ?? "found", evidence.Value));
    })
    { Name = name };

    private static async Task<Note> EndAsync(Bench bench, RunId run)
    {
        Assert.Equal(RunStatus.Completed, (await bench.Harness.GetAsync(run)).Status);
        return await bench.Harness.CaseAsync<Note>(run);
    }

    private static async Task<StepCompleted> RecordedAsync(Bench bench, RunId run) =>
        Body.Read<StepCompleted>(Assert.Single(await bench.Harness.JournalAsync(run), e => e.Kind == EntryKinds.StepCompleted));

    [Fact]
    public async Task Is_asked_once_for_two_runs_that_ask_at_once()
    {
        await using var bench = await OfAsync(Asking(Source().For("192.0.2.7").CachedFor(s_tenMinutes)));
        var first = await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(1));
        var second = await bench.StartRunAsync();
        await bench.IdleAsync();

        Assert.Equal(1, _calls);
        Assert.Equal((1, 1), ((await EndAsync(bench, first)).Number, (await EndAsync(bench, second)).Number));
        var (asked, joined) = (await RecordedAsync(bench, first), await RecordedAsync(bench, second));
        Assert.Equal((null, 2_000_000L), (asked.CachedMicroseconds, asked.Microseconds));
        Assert.Equal((2_000_000L, 1_000_000L), (joined.CachedMicroseconds, joined.Microseconds)); // as old as the asking, which is as old as the answer may be
        Assert.Equal(asked.Result.ToString(), joined.Result.ToString());
        Assert.Equal("evidence", joined.Type);
    }

    [Fact]
    public async Task Is_answered_from_what_was_kept_until_its_time_is_over()
    {
        await using var bench = await OfAsync(Asking(Source().For("192.0.2.7").CachedFor(s_tenMinutes)));
        var runs = new List<RunId>();
        foreach (var pause in new[] { TimeSpan.Zero, s_tenMinutes - TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(1) })
        {
            await bench.Harness.AdvanceAsync(pause);
            runs.Add(await bench.StartRunAsync());
            await bench.IdleAsync();
        }

        // Asked at 0 s and answered at 2 s; asked for again at 9 min 59 s and at 10 min.
        Assert.Equal(new long?[] { null, 599_000_000, null }, await Task.WhenAll(runs.Select(async r => (await RecordedAsync(bench, r)).CachedMicroseconds)));
        Assert.Equal(new[] { 1, 1, 2 }, await Task.WhenAll(runs.Select(async r => (await EndAsync(bench, r)).Number)));
    }

    [Fact]
    public async Task Takes_nothing_that_is_older_than_it_says_itself_whatever_others_say()
    {
        var source = Source();
        await using var bench = await OfAsync(
            Asking(source.For("a").CachedFor(TimeSpan.FromHours(1)), "hour"), Asking(source.For("a").CachedFor(TimeSpan.FromMinutes(1)), "minute"));
        async Task<int> AskAsync(string workflow)
        {
            var run = await bench.StartRunAsync(workflow: workflow);
            await bench.IdleAsync();
            return (await EndAsync(bench, run)).Number;
        }

        Assert.Equal(1, await AskAsync("minute"));
        await bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(1, await AskAsync("hour"));
        Assert.Equal(2, await AskAsync("minute"));
        Assert.Equal(2, await AskAsync("hour"));
    }

    [Fact]
    public async Task Is_another_one_with_another_argument_or_another_type_of_answer()
    {
        var (numbers, texts) = (Source(), new EvidenceSource<string, string>("threats", (_, _) => Task.FromResult($"text {++_calls}")));
        await using var bench = await OfAsync(new Flow(async visit =>
        {
            var a = await visit.Gather(numbers.For("a").CachedFor(s_tenMinutes));
            var b = await visit.Gather(numbers.For("b").CachedFor(s_tenMinutes));
            var c = await visit.Gather(texts.For("a").CachedFor(s_tenMinutes));
            return visit.GoTo(Step.Done, new Note($"{a.Value} {b.Value} {c.Value}"));
        }));
        await bench.RunAsync();

        Assert.Equal("1 2 text 3", (await bench.NoteAsync()).Text);
    }

    [Fact]
    public async Task For_the_run_is_asked_once_across_its_visits_and_branches_and_by_each_run_for_itself()
    {
        var query = Source().For("192.0.2.7").CachedForRun();
        await using var bench = await OfAsync(new Flow(
            async visit =>
            {
                var both = await Task.WhenAll(visit.Branch("a", b => b.Gather(query)), visit.Branch("b", b => b.Gather(query)));
                return visit.GoTo(Step.Two, new Note($"{both[0].Value} {both[1].Value}"));
            },
            async visit => visit.GoTo(Step.Done, visit.Case with { Text = $"{visit.Case.Text} {(await visit.Gather(query)).Value}" })));
        var first = await bench.StartRunAsync();
        var second = await bench.StartRunAsync();
        await bench.IdleAsync();

        Assert.Equal(2, _calls);
        Assert.Equal(["1 1 1", "2 2 2"], new[] { (await EndAsync(bench, first)).Text, (await EndAsync(bench, second)).Text }.Order());
    }

    [Fact]
    public async Task That_is_not_cached_is_asked_each_time()
    {
        await using var bench = await OfAsync(Asking(Source().For("192.0.2.7")));
        var first = await bench.StartRunAsync();
        await bench.StartRunAsync();
        await bench.IdleAsync();

        Assert.Equal(2, _calls);
        Assert.Null((await RecordedAsync(bench, first)).CachedMicroseconds);
    }

    [Fact]
    public async Task That_fails_fails_for_all_who_wait_for_it_and_is_not_kept()
    {
        var source = Source(async (call, cancellationToken) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(2), _clock, cancellationToken);
            _ = call == 1 ? throw new IOException("no route") : 0;
        });
        await using var bench = await OfAsync(Asking(source.For("a").CachedFor(s_tenMinutes)));
        var first = await bench.StartRunAsync();
        var second = await bench.StartRunAsync();
        await bench.IdleAsync();
        Assert.Equal(("IOException: no route", "IOException: no route", 1), ((await EndAsync(bench, first)).Text, (await EndAsync(bench, second)).Text, _calls));

        var third = await bench.StartRunAsync();
        await bench.IdleAsync();
        Assert.Equal(("found", 2), ((await EndAsync(bench, third)).Text, _calls));
    }

    [Fact]
    public async Task That_failed_is_tried_again_once_for_all_who_may_try_again()
    {
        var source = Source(async (call, cancellationToken) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(2), _clock, cancellationToken);
            _ = call == 1 ? throw new IOException("no route") : 0;
        });
        await using var bench = await OfAsync(Asking(source.For("a").CachedFor(s_tenMinutes).Attempts(2)));
        var first = await bench.StartRunAsync();
        var second = await bench.StartRunAsync();
        await bench.IdleAsync();

        Assert.Equal((2, 2, 2), ((await EndAsync(bench, first)).Number, (await EndAsync(bench, second)).Number, _calls));
    }

    [Fact]
    public async Task That_one_gives_up_goes_on_for_the_others()
    {
        var source = Source();
        await using var bench = await OfAsync(
            Asking(source.For("a").CachedFor(s_tenMinutes), "patient"), Asking(source.For("a").CachedFor(s_tenMinutes).Within(TimeSpan.FromSeconds(1)), "hasty"));
        var patient = await bench.StartRunAsync(workflow: "patient");
        await bench.Harness.SettleAsync();
        var hasty = await bench.StartRunAsync(workflow: "hasty");
        await bench.IdleAsync();

        Assert.Equal(("timed out after 1 s", "found", 1), ((await EndAsync(bench, hasty)).Text, (await EndAsync(bench, patient)).Text, _calls));
    }

    [Fact]
    public async Task That_its_asker_gives_up_goes_on_for_the_others_and_is_kept()
    {
        var source = Source();
        await using var bench = await OfAsync(
            Asking(source.For("a").CachedFor(s_tenMinutes), "patient"), Asking(source.For("a").CachedFor(s_tenMinutes).Within(TimeSpan.FromSeconds(1)), "hasty"));
        var hasty = await bench.StartRunAsync(workflow: "hasty");
        await bench.Harness.SettleAsync();
        var patient = await bench.StartRunAsync(workflow: "patient");
        await bench.IdleAsync();
        Assert.Equal(("timed out after 1 s", "found", 1), ((await EndAsync(bench, hasty)).Text, (await EndAsync(bench, patient)).Text, _calls));

        hasty = await bench.StartRunAsync(workflow: "hasty");
        await bench.IdleAsync();
        Assert.Equal(("found", 1), ((await EndAsync(bench, hasty)).Text, _calls));
    }

    [Fact]
    public async Task Whose_asker_is_canceled_goes_on_for_the_others()
    {
        CancellationToken asking = default;
        var source = Source((_, cancellationToken) => Task.Delay(TimeSpan.FromSeconds(2), _clock, asking = cancellationToken));
        await using var bench = await OfAsync(Asking(source.For("a").CachedFor(s_tenMinutes)));
        var first = await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        var second = await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        Assert.True((await bench.Harness.Client().CancelAsync(first, "enough")).IsAccepted);
        await bench.Harness.SettleAsync();
        Assert.Equal(RunStatus.Canceled, (await bench.Harness.GetAsync(first)).Status);
        await bench.IdleAsync();

        Assert.Equal((1, 1, false), ((await EndAsync(bench, second)).Number, _calls, asking.IsCancellationRequested));
    }

    [Fact]
    public async Task Is_canceled_when_nobody_waits_for_it_any_more()
    {
        CancellationToken asking = default;
        var source = Source((_, cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, _clock, asking = cancellationToken));
        await using var bench = await OfAsync(Asking(source.For("a").CachedFor(s_tenMinutes)));
        var first = await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        var second = await bench.StartRunAsync();
        await bench.Harness.SettleAsync();

        await bench.Harness.Client().CancelAsync(first, "enough");
        await bench.Harness.SettleAsync();
        Assert.False(asking.IsCancellationRequested);

        await bench.Harness.Client().CancelAsync(second, "enough");
        await bench.Harness.SettleAsync();
        Assert.True(asking.IsCancellationRequested);
        Assert.Equal(1, _calls);
    }

    [Fact]
    public async Task That_fails_after_its_asker_has_gone_is_asked_anew_by_who_still_waits()
    {
        // As by a source whose services went with the visit of its asker.
        var gone = new TaskCompletionSource();
        var source = Source((call, cancellationToken) => call == 1 ? gone.Task : Task.Delay(TimeSpan.FromSeconds(2), _clock, cancellationToken));
        await using var bench = await OfAsync(Asking(source.For("a").CachedFor(s_tenMinutes)));
        var first = await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        var others = new[] { await bench.StartRunAsync(), await bench.StartRunAsync(), await bench.StartRunAsync() };
        await bench.Harness.SettleAsync();
        await bench.Harness.Client().CancelAsync(first, "enough");
        await bench.Harness.SettleAsync();
        gone.SetException(new ObjectDisposedException("HttpClient"));
        await bench.IdleAsync();

        Assert.Equal(new[] { 2, 2, 2 }, await Task.WhenAll(others.Select(async r => (await EndAsync(bench, r)).Number)));
        Assert.Equal(2, _calls);
    }

    [Fact]
    public async Task That_somebody_has_given_up_is_joined_by_nobody_new()
    {
        // One dead connection must not starve all that come while anybody still waits for it.
        var source = Source((call, cancellationToken) => call == 1 ? new TaskCompletionSource().Task : Task.CompletedTask);
        await using var bench = await OfAsync(
            Asking(source.For("a").Within(TimeSpan.FromHours(1)).CachedFor(TimeSpan.FromHours(2)), "patient"),
            Asking(source.For("a").Within(TimeSpan.FromSeconds(5)).Attempts(2).CachedFor(TimeSpan.FromHours(2)), "hasty"));
        var patient = await bench.StartRunAsync(workflow: "patient");
        await bench.Harness.SettleAsync();
        var hasty = await bench.StartRunAsync(workflow: "hasty");
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(6));

        Assert.Equal((2, 2), ((await EndAsync(bench, hasty)).Number, _calls));
        Assert.Equal(RunStatus.Running, (await bench.Harness.GetAsync(patient)).Status);
        await bench.IdleAsync();
        Assert.Equal("timed out after 60 min", (await EndAsync(bench, patient)).Text);
    }

    [Fact]
    public async Task That_answers_too_much_for_a_step_is_not_kept_to_fail_again()
    {
        var source = new EvidenceSource<string, string>("threats", (_, _) => Task.FromResult(++_calls == 1 ? new string('x', 2000) : "x"));
        await using var bench = await Bench.StartAsync(signalbox =>
        {
            signalbox.Limits = new RunLimits { ResultBytesMax = 1000 };
            signalbox.Add(new Flow(async visit => visit.GoTo(Step.Done, new Note((await visit.Gather(source.For("a").Attempts(2).CachedFor(s_tenMinutes))).Reason ?? "found"))));
        });
        await bench.RunAsync();

        Assert.Equal(("found", 2), ((await bench.NoteAsync()).Text, _calls));
    }

    [Fact]
    public async Task That_was_recorded_is_not_asked_again_after_a_crash_although_the_cache_is_gone()
    {
        var gate = new Gate();
        var source = Source((_, _) => Task.CompletedTask);
        await using var bench = await OfAsync(new Flow(async visit =>
        {
            var evidence = await visit.Gather(source.For("a").CachedFor(s_tenMinutes));
            await gate.PassAsync();
            return visit.GoTo(Step.Done, new Note("", evidence.Value));
        }));
        var first = await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        var second = await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        gate.Open();
        await bench.Harness.CrashAndRestartAsync();
        await bench.IdleAsync();

        Assert.Equal((1, 1, 1), ((await EndAsync(bench, first)).Number, (await EndAsync(bench, second)).Number, _calls));
        var third = await bench.StartRunAsync();
        await bench.IdleAsync();
        Assert.Equal(2, (await EndAsync(bench, third)).Number);
    }

    [Fact]
    public async Task Ends_as_without_the_crash_wherever_its_process_dies()
    {
        var report = await CrashTest.RunAsync(() =>
        {
            TimeProvider? clock = null;
            var source = new EvidenceSource<string, int>("threats", async (ip, cancellationToken) =>
            {
                await Task.Delay(TimeSpan.FromSeconds(1), clock!, cancellationToken);
                return ip.Length;
            });
            var flow = new Flow(
                async visit =>
                {
                    var (a, b) = await visit.Gather(source.For("192.0.2.7").CachedFor(s_tenMinutes), source.For("192.0.2.77").CachedForRun());
                    return visit.GoTo(Step.Two, new Note("", a.Value + b.Value));
                },
                async visit =>
                {
                    var both = await visit.Gather([source.For("192.0.2.7").CachedFor(s_tenMinutes), source.For("192.0.2.77").CachedForRun()]);
                    return visit.GoTo(Step.Done, visit.Case with { Number = visit.Case.Number + both.Sum(e => e.Value) });
                });
            return new CrashScenario
            {
                Configure = Bench.Configured(s => s.Add(flow), new FaultyTarget()),
                Drive = async harness =>
                {
                    clock = harness.Clock;
                    await harness.StartRunAsync("flow", new Note("a"));
                    await harness.StartRunAsync("flow", new Note("b"));
                    await harness.RunUntilIdleAsync();
                },
                Check = async harness =>
                {
                    Assert.All(await harness.RunsAsync(), r => Assert.Equal(RunStatus.Completed, r.Row.Status));
                    await Bench.CheckAsync(harness);
                },
            };
        });
        TestContext.Current.TestOutputHelper!.WriteLine(report.ToString());
        Assert.True(report.Crashes > 50);
    }

    [Fact]
    public async Task Leaves_no_run_stuck_whatever_sources_and_runs_do()
    {
        for (var seed = 1UL; seed <= 200; seed++)
        {
            var clock = new ManualClock();
            var random = new SeededEntropy(seed);
            var limits = new[] { 1, 3, 8, 30 };
            var source = new EvidenceSource<int, int>("threats", async (n, cancellationToken) =>
            {
                switch (random.Below(6))
                {
                    case 0:
                        throw new IOException("no route");
                    case 1:
                        await new TaskCompletionSource().Task; // ignores its cancellation
                        break;
                    case 2:
                        await Task.Delay(Timeout.InfiniteTimeSpan, clock, cancellationToken);
                        break;
                    default:
                        await Task.Delay(TimeSpan.FromSeconds(random.Below(6)), clock, cancellationToken);
                        break;
                }

                return n * 11;
            });
            await using var bench = await Bench.OfAsync(
                new Flow(async visit =>
                {
                    var all = await visit.Gather([.. Enumerable.Range(1, 3).Select(n => source.For(n).Within(TimeSpan.FromSeconds(limits[random.Below(4)])).Attempts(1 + random.Below(3)).CachedFor(TimeSpan.FromSeconds(20)))]);
                    Assert.All(all.Index().Where(e => !e.Item.IsMissing), e => Assert.Equal((e.Index + 1) * 11, e.Item.Value));
                    return visit.GoTo(Step.Done);
                }),
                options: new HarnessOptions { Clock = clock, Seed = seed });
            bench.IsQuiet = true;
            var runs = new List<RunId>();
            for (var i = 0; i < 8; i++)
            {
                runs.Add(await bench.StartRunAsync());
                await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(random.Below(4)));
                if (random.Below(4) == 0)
                {
                    await bench.Harness.Client().CancelAsync(runs[random.Below(runs.Count)], "enough");
                }
            }

            var begun = clock.GetUtcNow();
            await bench.IdleAsync();
            foreach (var run in runs)
            {
                Assert.True((await bench.Harness.GetAsync(run)).Status is RunStatus.Completed or RunStatus.Canceled, $"seed {seed}: run '{run}' is {(await bench.Harness.GetAsync(run)).Status}");
            }

            Assert.True(clock.GetUtcNow() - begun < TimeSpan.FromSeconds(95), $"seed {seed}"); // three attempts of 30 s and their pauses
        }
    }
}
