using Signalbox.Journal;
using Signalbox.Storage;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Simulation;

public sealed class A_simulation
{
    private static Flow Everything(FaultyTarget target) => new(
        async visit =>
        {
            var source = new EvidenceSource<int, int>("feed", (n, _) => n % 3 == 0 ? throw new IOException("down") : Task.FromResult(n));
            var (a, b) = await visit.Gather(source.For(visit.Case.Number), source.For(visit.Case.Number + 1));
            var work = await Task.WhenAll(Enumerable.Range(0, 3).Select(i => visit.Branch($"b{i}", async branch =>
            {
                var n = await branch.Read("x", i, async (k, _) =>
                {
                    await Task.Yield();
                    return target.Faults.Count % 2 == 1 ? throw new IOException("flaky") : k;
                }, new() { Attempts = 20 });
                if (i == visit.Case.Number % 3)
                {
                    await branch.Delay(TimeSpan.FromMinutes(i + 1));
                }

                return n;
            })));
            return visit.GoTo(Step.Two, visit.Case with { Lines = [$"{a.Reason ?? "found"} {b.Reason ?? "found"} {work.Sum()}"] });
        },
        async visit =>
        {
            var outcome = await visit.Act(new Block($"192.0.2.{visit.Case.Number}"));
            var answer = visit.Case.Number % 2 == 0 ? (await visit.Approve(new Question("Keep it?", "yes", "no") { Within = TimeSpan.FromHours(1), Safe = "yes" })).Choice : "yes";
            return visit.GoTo(answer == "yes" ? Step.Done : Step.Three, visit.Case with { Text = $"{outcome.Status}" });
        },
        async visit =>
        {
            await visit.Undo(new Block($"192.0.2.{visit.Case.Number}"));
            return visit.GoTo(Step.Done);
        })
    { OnCancel = Step.Three };

    private static Task<Bench> StartAsync(ulong seed, FaultyTarget target) => Bench.OfAsync(Everything(target), target, new HarnessOptions { Seed = seed });

    [Fact]
    public async Task Of_one_seed_happens_the_same_way_each_time()
    {
        var told = new List<string>();
        for (var i = 0; i < 3; i++)
        {
            var target = new FaultyTarget();
            target.Faults.Enqueue(TargetFault.ThrowsBeforeEffect);
            await using var bench = await StartAsync(5, target);
            for (var n = 0; n < 6; n++)
            {
                await bench.StartRunAsync(new Note("", n));
            }

            await bench.Harness.RunUntilIdleAsync();
            told.Add(string.Join('\n', await JournalExport.LinesAsync(bench.Harness.Store)) + bench.Harness.Scheduler.Steps);
        }

        Assert.Equal(told[0], told[1]);
        Assert.Equal(told[0], told[2]);
    }

    [Fact]
    public async Task Of_other_seeds_happens_in_other_orders_and_comes_to_the_same()
    {
        var (orders, ends) = (new HashSet<string>(), new HashSet<string>());
        for (ulong seed = 1; seed <= 20; seed++)
        {
            await using var bench = await StartAsync(seed, new FaultyTarget());
            for (var n = 0; n < 4; n++)
            {
                await bench.StartRunAsync(new Note("", n));
            }

            await bench.Harness.RunUntilIdleAsync();
            var log = await bench.Harness.Store.ReadLogAsync(0, 10_000, CancellationToken.None);
            orders.Add(string.Join(' ', log.Select(e => $"{e.Run} {e.Kind} {e.Scope}")));
            ends.Add(string.Join('\n', await Task.WhenAll((await bench.Harness.RunsAsync()).OrderBy(r => r.Row.Run.Value, StringComparer.Ordinal).Select(async r =>
                $"{r.Row.Status} {r.Row.State} {(await bench.Harness.CaseAsync<Note>(r.Row.Run)).Text}"))));
        }

        Assert.InRange(orders.Count, 15, 20);
        Assert.Single(ends);
    }

    /// <summary>Forty seeds; SIGNALBOX_SEEDS=1000 tries as many (and from SIGNALBOX_SEED on).</summary>
    [Fact]
    public async Task With_everything_going_wrong_at_once_keeps_every_promise()
    {
        var first = ulong.Parse(Environment.GetEnvironmentVariable("SIGNALBOX_SEED") ?? "1", null);
        var last = first + ulong.Parse(Environment.GetEnvironmentVariable("SIGNALBOX_SEEDS") ?? "40", null) - 1;
        var seen = new Dictionary<string, int>();
        for (var seed = first; seed <= last; seed++)
        {
            var nemesis = new SeededEntropy(seed);
            var target = new FaultyTarget((TargetClass)(1 + (seed % 4)));
            await using var bench = await StartAsync(seed, target);
            (bench.IsQuiet, bench.ChecksHistory) = (true, false); // it is checked below, and told with its seed
            var harness = bench.Harness;
            var runs = new List<RunId>();
            for (var move = 0; move < 120; move++)
            {
                switch (nemesis.Below(30))
                {
                    case 0 or 1 or 12:
                        runs.Add(await bench.StartRunAsync(new Note("", runs.Count), key: $"k-{nemesis.Below(8)}"));
                        break;
                    case 2:
                        target.Faults.Enqueue((TargetFault)nemesis.Below(5));
                        break;
                    case 3:
                        target.UnclearLooks = nemesis.Below(3);
                        target.ThrowingLooks = nemesis.Below(2);
                        break;
                    case 4:
                        await harness.CrashAndRestartAsync();
                        break;
                    case 5:
                        harness.Worker.Pause();
                        await harness.StartWorkerAsync();
                        break;
                    case 6:
                        foreach (var worker in harness.Workers)
                        {
                            worker.Continue();
                        }

                        break;
                    case 7:
                        harness.IsDiskFull = nemesis.Below(3) == 0;
                        break;
                    case 8 when runs.Count > 0:
                        await harness.Client("person:anna").AnswerAsync(runs[nemesis.Below(runs.Count)], nemesis.Below(2) == 0 ? "yes" : "no");
                        break;
                    case 9 when runs.Count > 0 && nemesis.Below(3) == 0:
                        await harness.Client("person:anna").CancelAsync(runs[nemesis.Below(runs.Count)], "enough");
                        break;
                    case 10 when runs.Count > 0:
                        await harness.Client("person:anna").ReleaseAsync(runs[nemesis.Below(runs.Count)], (ReleaseVerb)(1 + nemesis.Below(3)));
                        break;
                    case 11 when runs.Count > 0:
                        await harness.Client("person:anna").RetryAsync(runs[nemesis.Below(runs.Count)], "again");
                        break;
                    case < 22:
                        await harness.SettleAsync(1 + nemesis.Below(40));
                        break;
                    default:
                        await harness.AdvanceAsync(TimeSpan.FromMilliseconds(nemesis.Below(3) switch { 0 => 1, 1 => 500, _ => 90_000 }));
                        break;
                }
            }

            // The world heals; then everything comes to rest, and nothing is stuck without a reason.
            harness.IsDiskFull = false;
            target.Faults.Clear();
            (target.UnclearLooks, target.ThrowingLooks) = (0, 0);
            foreach (var worker in harness.Workers)
            {
                worker.Continue();
            }

            await harness.RunUntilIdleAsync();
            for (var round = 0; round < 6; round++)
            {
                foreach (var held in (await harness.RunsAsync()).Where(r => r.Row.Status == RunStatus.Held))
                {
                    Assert.True(held.Row.ReasonCode is TroubleCodes.ActionInDoubt or TroubleCodes.Quarantined, $"seed {seed}: {held.Row.Reason}");
                    await harness.Client("person:otto").ReleaseAsync(
                        held.Row.Run, target.TargetClass == TargetClass.T4 && held.Row.ReasonCode == TroubleCodes.ActionInDoubt ? ReleaseVerb.Accept : ReleaseVerb.Retry);
                }

                await harness.RunUntilIdleAsync();
            }

            try
            {
                foreach (var run in await harness.RunsAsync())
                {
                    Assert.False(run.Row.IsOpen, $"run '{run.Row.Run}' is {run.Row.Status}: {run.Row.Reason}");
                    foreach (var what in (await harness.JournalAsync(run.Row.Run)).Select(e => e.Kind).Append($"ended {run.Row.Status} {run.Row.ReasonCode}"))
                    {
                        seen[what] = seen.GetValueOrDefault(what) + 1;
                    }
                }

                await bench.CheckAsync();
            }
            catch (Exception e)
            {
                var told = await Task.WhenAll((await harness.RunsAsync()).Where(r => e.Message.Contains(r.Row.Run.Value, StringComparison.Ordinal)).Select(r => harness.TellAsync(r.Row.Run)));
                throw new InvalidOperationException($"With seed {seed}: {e.Message}\n{string.Join('\n', told)}\n{string.Join('\n', target.Log)}", e);
            }
        }

        TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', seen.OrderBy(s => s.Key, StringComparer.Ordinal)));
    }

    [Fact]
    public async Task On_a_store_that_answers_from_other_threads_comes_to_the_same()
    {
        await using var store = new Elsewhere();
        await using var bench = await Bench.OfAsync(Everything(new FaultyTarget()), options: new HarnessOptions { Store = store, Clock = store.Clock });
        for (var n = 0; n < 5; n++)
        {
            await bench.StartRunAsync(new Note("", n));
        }

        await bench.Harness.RunUntilIdleAsync();
        await bench.Harness.CrashAndRestartAsync();
        await bench.Harness.RunUntilIdleAsync();
        Assert.All(await bench.Harness.RunsAsync(), r => Assert.Equal(RunStatus.Completed, r.Row.Status));
    }

    [Fact]
    public async Task Says_what_is_stuck_when_nobody_is_left_to_drive_it()
    {
        await using var bench = await Bench.OfAsync(new Flow(Flow.GoesTo(Step.Done)));
        await bench.StartRunAsync();
        await bench.Harness.Worker.CrashAsync();

        var stuck = await Assert.ThrowsAsync<InvalidOperationException>(() => bench.Harness.RunUntilIdleAsync());
        Assert.Equal($"No worker is left to drive run '{bench.Run}' is Pending in state 'One'.", stuck.Message);
    }

    /// <summary>A store in memory that answers each call from the thread pool.</summary>
    private sealed class Elsewhere : IRunStore
    {
        private readonly InMemoryRunStore _store;

        public Elsewhere() => _store = new InMemoryRunStore(Clock, new SeededEntropy(1));

        public ManualClock Clock { get; } = new();

        public ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken) => Away(() => _store.CommitAsync(commit, cancellationToken));

        public ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellationToken) => Away(() => _store.LeaseAsync(request, cancellationToken));

        public ValueTask<bool> HeartbeatAsync(string worker, TimeSpan lease, CancellationToken cancellationToken) => Away(() => _store.HeartbeatAsync(worker, lease, cancellationToken));

        public ValueTask RetireAsync(string worker, CancellationToken cancellationToken) => _store.RetireAsync(worker, cancellationToken);

        public IDisposable Subscribe(Action<RunChange> onChange) => _store.Subscribe(onChange);

        public ValueTask<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) => Away(() => _store.FindAsync(run, cancellationToken));

        public ValueTask<RunHead?> FindByKeyAsync(string workflow, string key, CancellationToken cancellationToken) => Away(() => _store.FindByKeyAsync(workflow, key, cancellationToken));

        public ValueTask<IReadOnlyList<RunHead>> ListAsync(RunQuery query, CancellationToken cancellationToken) => Away(() => _store.ListAsync(query, cancellationToken));

        public ValueTask<IReadOnlyList<Entry>> ReadAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken) => Away(() => _store.ReadAsync(run, fromSeq, max, cancellationToken));

        public ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken) => Away(() => _store.ReadLogAsync(position, max, cancellationToken));

        public ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken) => Away(() => _store.ClaimsAsync(query, cancellationToken));

        public ValueTask<ReadOnlyMemory<byte>?> FindPayloadAsync(PayloadHash hash, CancellationToken cancellationToken) => Away(() => _store.FindPayloadAsync(hash, cancellationToken));

        public ValueTask DisposeAsync() => _store.DisposeAsync();

        private static ValueTask<T> Away<T>(Func<ValueTask<T>> call) => new(Task.Run(() => call().AsTask()));
    }
}
