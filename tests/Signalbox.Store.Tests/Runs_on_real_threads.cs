using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Signalbox.Queries;
using Signalbox.Sqlite;
using Signalbox.Storage;
using Signalbox.Testing;
using Signalbox.Tests;
using Check = Signalbox.HistoryChecker.HistoryCheck;
using CheckOptions = Signalbox.HistoryChecker.HistoryOptions;

namespace Signalbox.Store.Tests;

/// <summary>
/// A few hundred runs at once, on real threads and by the real clock, whose handlers leave their run's context in every way there is, while workers stop in the middle, some of them without waiting, people answer and cancel,
/// and clients and followers wait. What no simulation can show; the seed says what is done, and not in which order it comes.
/// </summary>
public sealed class Runs_on_real_threads(ITestOutputHelper output) : IDisposable
{
    private const int Runs = 240;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly string _folder = Directory.CreateTempSubdirectory("signalbox-threads-").FullName;

    public enum Stage { Work, Ask, Kept, Dropped }

    [Theory]
    [InlineData("memory")]
    [InlineData("SQLite")]
    public async Task End_as_they_must_wherever_their_code_goes(string store)
    {
        var seed = Environment.GetEnvironmentVariable("SIGNALBOX_SEED") is { Length: > 0 } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next();
        output.WriteLine($"seed {seed} (SIGNALBOX_SEED)");
        var world = new Disorder(seed);
        var target = new FaultyTarget(TargetClass.T1); // it remembers: a call of a worker that was given up may still come
        var log = new Log();
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.AddProvider(log).SetMinimumLevel(LogLevel.Warning));
        services.AddSingleton(world).AddSingleton(target);
        services.AddSignalbox(signalbox =>
        {
            signalbox.AddWorkflow<Errand>().AddAction<Mark, MarkHandler>("mark");
            if (store == "SQLite")
            {
                signalbox.UseSqlite(Path.Combine(_folder, "signalbox.db"));
            }
        });
        await using var provider = services.BuildServiceProvider();
        var client = provider.GetRequiredService<RunClient>();
        var runs = await Task.WhenAll(Enumerable.Range(0, Runs).Select(n => Task.Run(async () => world.Ids[n] = (await client.StartAsync("errand", new Case(n))).Run)));
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(Limit);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(limit.Token);
        var (answers, canceled) = (new ConcurrentDictionary<RunId, string>(), new ConcurrentDictionary<RunId, bool>());
        List<Task> around =
        [
            WorkAsync(provider.GetRequiredService<Engine>(), world, over.Token),
            Task.Run(() => AnswerAsync(client, world, answers, over.Token), CancellationToken.None),
            Task.Run(() => CancelAsync(client, world, canceled, over.Token), CancellationToken.None),
        ];
        var following = Task.Run(() => FollowAsync(provider.GetRequiredService<LogTail>(), over.Token), CancellationToken.None);
        try
        {
            await Task.WhenAll(runs.Select(run => client.WaitForEndAsync(run, limit.Token)));
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            Assert.Fail($"After {Limit.TotalSeconds:N0} s (seed {seed}) not all runs have ended:\n{await StandingAsync(client, runs)}\n{string.Join("\n", log.Lines)}");
        }

        await over.CancelAsync();
        await Task.WhenAll(around).WaitAsync(Limit, CancellationToken.None);

        foreach (var run in runs)
        {
            var row = (await client.FindAsync(run, CancellationToken.None))!;
            var must = canceled.ContainsKey(run) ? RunStatus.Canceled : answers.GetValueOrDefault(run) == "keep" ? RunStatus.Completed : RunStatus.Failed;
            Assert.True((must, must == RunStatus.Failed ? TroubleCodes.EndedWithoutSuccess : null) == (row.Status, row.ReasonCode), $"{run} must be {must} (seed {seed}): {row.Status} ({row.ReasonCode}) {row.Reason}");
        }

        Assert.Empty(world.Faults);
        Assert.DoesNotContain(log.Lines, line => line.Contains("failed", StringComparison.Ordinal) && !line.Contains(TroubleCodes.EndedWithoutSuccess, StringComparison.Ordinal));
        var followed = await following;
        Assert.True(followed.Count > Runs * 10);
        Assert.Equal(followed.Select((_, i) => i + 1L), followed);
        Assert.All(target.Log.Where(c => c.Applied).GroupBy(c => c.Resource), g => Assert.Single(g));
        var report = Check.Report(await JournalExport.LinesAsync(client.Store), new CheckOptions { TargetLog = target.ToCheckerLog() });
        Assert.True(report.Violations.Count == 0, $"The history checker found (seed {seed}):\n{string.Join("\n", report.Violations.Take(50))}");
        output.WriteLine($"{followed.Count} entries, {target.Log.Count} calls, {canceled.Count} runs canceled, {world.Passes} passes through handlers, {world.Lives} workers");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Workers come and go, two at a time; each of the first stops in the middle, every third of them with hardly any patience.</summary>
    private static async Task WorkAsync(Engine engine, Disorder world, CancellationToken over)
    {
        var random = new Random(world.Seed);
        var working = new List<Task>();
        while (!over.IsCancellationRequested)
        {
            var last = world.Lives >= 9;
            var life = CancellationTokenSource.CreateLinkedTokenSource(over);
            if (!last)
            {
                life.CancelAfter(random.Next(100, 500));
            }

            var patience = world.Lives++ % 3 == 2 ? TimeSpan.FromMilliseconds(1) : TimeSpan.FromSeconds(5);
            working.Add(new Worker(engine, new WorkerOptions { Concurrency = 100, Poll = TimeSpan.FromMilliseconds(100), StopWithin = patience }).WorkAsync(life.Token));
            working.RemoveAll(w => w.IsCompletedSuccessfully);
            if (last)
            {
                break;
            }

            if (working.Count > 1)
            {
                await await Task.WhenAny(working);
            }
        }

        await Task.WhenAll(working);
    }

    private static async Task AnswerAsync(RunClient client, Disorder world, ConcurrentDictionary<RunId, string> answers, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            foreach (var row in await client.ListAsync(new RunQuery { AsksAPerson = true, Limit = 100 }, CancellationToken.None))
            {
                var choice = world.Choose(row.Run.GetHashCode(), 1, 2) == 0 ? "keep" : "drop";

                // Two at once, who say different things: one of them counts.
                var said = await Task.WhenAll(
                    client.AnswerAsync(row.Run, choice, cancellationToken: CancellationToken.None).AsTask(),
                    Task.Run(() => client.AnswerAsync(row.Run, choice == "keep" ? "drop" : "keep", cancellationToken: CancellationToken.None).AsTask()));
                if (said.Count(s => s.IsAccepted) > 1)
                {
                    world.Faults.Add($"{row.Run} took two answers");
                }
                else if (Array.FindIndex(said, s => s.IsAccepted) is var first and >= 0)
                {
                    answers[row.Run] = (first == 0) == (choice == "keep") ? "keep" : "drop";
                }
            }

            await Task.Delay(5, CancellationToken.None);
        }
    }

    private static async Task CancelAsync(RunClient client, Disorder world, ConcurrentDictionary<RunId, bool> canceled, CancellationToken over)
    {
        for (var n = 0; n < Runs && !over.IsCancellationRequested; n++)
        {
            if (world.Choose(n, 2, 8) == 0)
            {
                await Task.Delay(world.Choose(n, 3, 60), CancellationToken.None);
                if ((await client.CancelAsync(world.Ids[n], "enough", CancellationToken.None)).Code == "ok")
                {
                    canceled[world.Ids[n]] = true;
                }
            }
        }
    }

    private static async Task<List<long>> FollowAsync(LogTail tail, CancellationToken over)
    {
        var positions = new List<long>();
        try
        {
            await foreach (var page in tail.FollowAsync(0, 50, over))
            {
                positions.AddRange(page.Select(e => e.Position));
            }
        }
        catch (OperationCanceledException)
        {
            // It follows for ever.
        }

        return positions;
    }

    /// <summary>Where each open run stands.</summary>
    private static async Task<string> StandingAsync(RunClient client, IEnumerable<RunId> runs)
    {
        var text = new StringBuilder();
        foreach (var run in runs)
        {
            if (await client.Store.FindAsync(run, CancellationToken.None) is { Row: { IsOpen: true } row } head)
            {
                var last = await client.Store.ReadAsync(run, Math.Max(0, head.Seq - 5), 6, CancellationToken.None);
                text.AppendLine(
                    CultureInfo.InvariantCulture,
                    $"{run} {row.Status} in {row.State} epoch {row.Epoch} by {row.Worker}, deaths {row.Deaths}, cancel {row.CancelRequested} {row.ReasonCode} {row.Reason}: {string.Join(" | ", last.Select(e => $"{e.Kind} {e.Scope} {e.Step}"))}; waits {string.Join(", ", head.Waits.Select(w => $"{w.Kind} {w.Name} {w.WakesAt}"))}");
            }
        }

        return text.ToString();
    }

    public sealed record Case(int Number, int Sum = 0);

    public sealed record Mark(string Place);

    /// <summary>What is done is the seed's; faults that are seen come here.</summary>
    public sealed class Disorder(int seed)
    {
        private readonly ConditionalWeakTable<SynchronizationContext, StrongBox<int>> _inside = [];
        private int _passes;

        public int Seed { get; } = seed;

        public int Lives { get; set; }

        public int Passes => _passes;

        public RunId[] Ids { get; } = new RunId[Runs];

        public ConcurrentBag<string> Faults { get; } = [];

        public void Pass() => Interlocked.Increment(ref _passes);

        /// <summary>The same for the same run and place, always.</summary>
        public int Choose(int number, int place, int max) => new Random(unchecked((((Seed * 31) + number) * 31) + place)).Next(max);

        /// <summary>What the engine calls, it calls in the run's context, and one thing at a time.</summary>
        public void EnterAndLeave(string what)
        {
            if (SynchronizationContext.Current is not RunContext context)
            {
                Faults.Add($"{what} was called outside of its run's context");
                return;
            }

            var inside = _inside.GetOrCreateValue(context);
            if (Interlocked.Increment(ref inside.Value) != 1)
            {
                Faults.Add($"{what} was called while something else of its run was at work");
            }

            Thread.SpinWait(200);
            Interlocked.Decrement(ref inside.Value);
        }

        /// <summary>Goes away from the run's context in one way or another; whoever awaits it without the context stays away, unless it was synchronous.</summary>
        public async Task LeaveAsync(int number, int place)
        {
            switch (Choose(number, place, 10))
            {
                case 0:
                    break;
                case 1:
                    await Task.Yield();
                    break;
                case 2:
                    await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
                    break;
                case 3:
                    await Task.Run(() => Thread.SpinWait(100)).ConfigureAwait(false);
                    break;
                case 4:
                    await Task.Delay(1 + Choose(number, place + 1, 4)).ConfigureAwait(false);
                    break;
                case 5:
                    var completed = new TaskCompletionSource(); // its continuation runs on the thread that completes it
                    new Thread(completed.SetResult) { IsBackground = true }.Start();
                    await completed.Task.ConfigureAwait(false);
                    break;
                case 6:
                    SynchronizationContext.SetSynchronizationContext(null);
                    await Task.Yield();
                    break;
                case 7:
                    await Task.Factory.StartNew(() => { }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
                    break;
                case 8:
                    using (var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(1)))
                    {
                        await timer.WaitForNextTickAsync().ConfigureAwait(false);
                    }

                    break;
                default:
                    await Task.WhenAll(Task.Run(() => { }), Task.CompletedTask).ConfigureAwait(ConfigureAwaitOptions.ContinueOnCapturedContext);
                    break;
            }
        }
    }

    private sealed class MarkHandler(FaultyTarget target, Disorder world) : FaultyHandler<Mark>(target)
    {
        protected override string Resource(Mark action) => action.Place;

        public override async Task<string?> ExecuteAsync(Mark action, ActionContext context, CancellationToken cancellationToken)
        {
            world.EnterAndLeave("execute");
            await world.LeaveAsync(context.ActionId[0], 40).ConfigureAwait(false);
            var answer = await base.ExecuteAsync(action, context, cancellationToken).ConfigureAwait(false);
            await world.LeaveAsync(context.ActionId[0], 41);
            return answer;
        }
    }

    private sealed class Errand(Disorder world) : Workflow<Stage, Case>("errand", version: 1)
    {
        private static readonly EvidenceSource<int, int> s_source = new("source", async (argument, _) =>
        {
            await Task.Delay(argument).ConfigureAwait(false);
            return argument;
        });

        protected override void Define(StateMachine<Stage, Case> states)
        {
            states.Start(Stage.Work, WorkAsync).To(Stage.Ask);
            states.State(Stage.Ask, AskAsync).To(Stage.Kept, Stage.Dropped);
            states.End(Stage.Kept);
            states.End(Stage.Dropped, success: false);
        }

        private async Task<Next> WorkAsync(Visit<Stage, Case> visit)
        {
            world.Pass();
            var n = visit.Case.Number;
            await world.LeaveAsync(n, 10).ConfigureAwait(Away(11));
            var first = await ReadAsync(visit, "first", 12).ConfigureAwait(Away(13));

            // Side by side: reads, actions, something to sleep for, so that the visit is parked and entered anew, and a message to another run.
            var sums = await Task.WhenAll(Enumerable.Range(0, 3).Select(b => visit.Branch($"b{b}", branch => BranchAsync(branch, b)))).ConfigureAwait(Away(14));
            await world.LeaveAsync(n, 15).ConfigureAwait(Away(16));
            var news = await visit.WaitFor<int>("news", TimeSpan.FromMilliseconds(400)).ConfigureAwait(Away(17));
            await world.LeaveAsync(n, 18).ConfigureAwait(Away(19));
            return visit.GoTo(Stage.Ask, visit.Case with { Sum = first + sums.Sum() + (news.Arrived ? 1 : 0) });

            bool Away(int place) => world.Choose(n, place, 2) == 0;

            async Task<int> BranchAsync(VisitScope branch, int b)
            {
                var place = 100 * (b + 1);
                await world.LeaveAsync(n, place).ConfigureAwait(Away(place + 1));
                switch (world.Choose(n, place + 2, 4))
                {
                    case 0:
                        await branch.Delay(TimeSpan.FromMilliseconds(world.Choose(n, place + 3, 30))).ConfigureAwait(Away(place + 4));
                        break;
                    case 1:
                        await branch.Send(world.Ids[(n + 1) % Runs], "news", n).ConfigureAwait(Away(place + 4));
                        break;
                    case 2:
                        await branch.Act(new Mark($"{n}-{b}")).ConfigureAwait(Away(place + 4));
                        break;
                    default:
                        var evidence = await branch.Gather(s_source.For(b).CachedFor(TimeSpan.FromMilliseconds(20)), s_source.For(b + 3)).ConfigureAwait(Away(place + 4));
                        Assert.False(evidence.First.IsMissing || evidence.Second.IsMissing);
                        break;
                }

                await world.LeaveAsync(n, place + 5).ConfigureAwait(Away(place + 6));
                return await ReadAsync(branch, "last", place + 7).ConfigureAwait(Away(place + 9));
            }
        }

        private async Task<Next> AskAsync(Visit<Stage, Case> visit)
        {
            world.Pass();
            var n = visit.Case.Number;
            await world.LeaveAsync(n, 30).ConfigureAwait(false);
            var answering = visit.Approve(new Question($"Keep {n}?", "keep", "drop"));
            var reading = ReadAsync(visit, "meanwhile", 32);
            await world.LeaveAsync(n, 34).ConfigureAwait(false);
            await reading.ConfigureAwait(false);
            var answer = await answering.ConfigureAwait(false);
            await world.LeaveAsync(n, 36).ConfigureAwait(false);
            return visit.GoTo(answer.Choice == "keep" ? Stage.Kept : Stage.Dropped);
        }

        private Task<int> ReadAsync(VisitScope scope, string name, int place) => scope.Read(name, place, async (argument, _) =>
        {
            world.EnterAndLeave("read");
            await world.LeaveAsync(argument, place).ConfigureAwait(false);
            return argument;
        });
    }

    private sealed class Log : ILoggerProvider, ILogger
    {
        public ConcurrentQueue<string> Lines { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        void ILogger.Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => Lines.Enqueue($"{logLevel}: {formatter(state, exception)} {exception?.GetType().Name}");

        public void Dispose()
        {
        }
    }
}
