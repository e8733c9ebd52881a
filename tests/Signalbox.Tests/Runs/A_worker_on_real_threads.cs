using Microsoft.Extensions.DependencyInjection;
using Signalbox.Journal;
using Xunit;

namespace Signalbox.Tests.Runs;

/// <summary>What no simulation shows: threads that are held, clocks that go on, and a store that breaks in the middle.</summary>
public sealed class A_worker_on_real_threads
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Ends_its_stop_although_a_handler_holds_its_thread_and_others_have_settled()
    {
        var (count, entered) = (0, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        using var goOn = new ManualResetEventSlim();
        await using var world = new World(visit =>
        {
            if (Interlocked.Increment(ref count) == 2)
            {
                entered.SetResult();
            }

            if (visit.Case.Text == "holds")
            {
                goOn.Wait(Limit, CancellationToken.None);
            }

            return visit.Case.Text == "holds" ? Task.FromResult(visit.GoTo(Step.Done)) : Hang(visit);

            static async Task<Next> Hang(Visit<Step, Note> visit)
            {
                await visit.Read("ask", async ct =>
                {
                    await Task.Delay(Timeout.InfiniteTimeSpan, ct);
                    return 1;
                });
                return visit.GoTo(Step.Done);
            }
        });
        var good = await world.StartRunAsync("hangs");
        var bad = await world.StartRunAsync("holds");
        var working = world.WorkAsync();
        try
        {
            await entered.Task.WaitAsync(Limit);
            await world.Stopping.CancelAsync();
            await working.WaitAsync(Limit);

            Assert.True(world.Store.IsRetired);
            Assert.Equal((RunStatus.Pending, null), await RowAsync(good));
            Assert.Equal(RunStatus.Running, (await RowAsync(bad)).Status);
        }
        finally
        {
            goOn.Set();
        }

        // Whoever is next takes it over; what its handler makes of it, once it is let go, is recorded nowhere.
        await world.WorkUntilEndAsync(bad);
        Assert.DoesNotContain(await world.Store.ReadAsync(bad, 0, 1000, CancellationToken.None), e => e.Epoch == 1 && e.Kind == EntryKinds.RunCompleted);

        async Task<(RunStatus Status, string? Worker)> RowAsync(RunId run) => await world.Client.FindAsync(run) is { } row ? (row.Status, row.Status == RunStatus.Pending ? row.Worker : null) : default;
    }

    [Fact]
    public async Task Gives_its_runs_back_and_beats_no_more_when_the_store_breaks_as_nobody_foresaw()
    {
        await using var world = new World(async visit =>
        {
            await visit.Read("ask", async ct =>
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, ct);
                return 1;
            });
            return visit.GoTo(Step.Done);
        });
        var run = await world.StartRunAsync("");
        var working = world.WorkAsync();
        await world.Client.WaitUntilAsync(run, row => row.Status == RunStatus.Running).WaitAsync(Limit);
        world.Store.LeaseFails = new InvalidOperationException("It breaks.");

        Assert.Equal("It breaks.", (await Assert.ThrowsAsync<InvalidOperationException>(() => working.WaitAsync(Limit))).Message);
        Assert.True(world.Store.IsRetired);
        Assert.Equal(RunStatus.Pending, (await world.Client.FindAsync(run))!.Status);
    }

    [Fact]
    public async Task Dies_loudly_when_it_cannot_give_a_sign_of_life_any_more()
    {
        await using var world = new World(Flow.GoesTo(Step.Done).Invoke);
        world.Options.Heartbeat = TimeSpan.FromMilliseconds(20);
        var working = world.WorkAsync();
        await world.WorkUntilEndAsync(await world.StartRunAsync(""), working);
        world.Store.HeartbeatFails = new InvalidOperationException("It breaks.");

        Assert.Equal("It breaks.", (await Assert.ThrowsAsync<InvalidOperationException>(() => working.WaitAsync(Limit))).Message);
    }

    [Fact]
    public async Task Holds_a_run_whose_question_could_not_be_recorded_rather_than_letting_it_sleep_for_ever()
    {
        using var goOn = new ManualResetEventSlim();
        await using var world = new World(async visit =>
        {
            var asked = visit.Branch("ask", branch => branch.WaitFor<int>("answer"));
            await visit.Branch("work", branch => branch.Read("work", async ct =>
            {
                await Task.Run(() => goOn.Wait(Limit, ct), ct);
                return 1;
            }));
            await asked;
            return visit.GoTo(Step.Done);
        });
        var failed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Store.BeforeCommit = commit => commit.Entries.Any(e => e.Kind == EntryKinds.WaitOpened) && failed.TrySetResult()
            ? throw new InvalidOperationException("It breaks.")
            : Task.CompletedTask;
        var run = await world.StartRunAsync("");
        var working = world.WorkAsync();
        await failed.Task.WaitAsync(Limit);
        goOn.Set();
        var row = await world.Client.WaitUntilAsync(run, r => r.Status is RunStatus.Held or RunStatus.Waiting).WaitAsync(Limit);

        Assert.Equal((RunStatus.Held, TroubleCodes.EngineFailed), (row.Status, row.ReasonCode));
        await world.Stopping.CancelAsync();
        await working.WaitAsync(Limit);
    }

    [Fact]
    public async Task Tells_a_handler_nothing_of_what_fails_after_its_visit()
    {
        var (told, over) = (new List<Exception>(), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        var (begun, goOn) = (new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        await using var world = new World(async visit =>
        {
            visit.CancellationToken.Register(() => over.TrySetResult());
            try
            {
                await visit.Read("ask", _ => Task.FromResult(1));
            }
            catch (Exception e)
            {
                told.Add(e); // and would now do what only a handler may do that goes on
            }

            return visit.GoTo(Step.Done);
        });
        world.Store.BeforeCommit = async commit =>
        {
            if (commit.Entries.Any(e => e.Kind == EntryKinds.StepCompleted))
            {
                begun.SetResult();
                await goOn.Task;
                throw new InvalidOperationException("It breaks.");
            }
        };
        var run = await world.StartRunAsync("");
        var working = world.WorkAsync();
        await begun.Task.WaitAsync(Limit);
        await world.Client.CancelAsync(run, "enough");
        await over.Task.WaitAsync(Limit);
        goOn.SetResult();

        Assert.Equal(RunStatus.Canceled, (await world.Client.WaitForEndAsync(run).WaitAsync(Limit)).Status);
        await world.Stopping.CancelAsync();
        await working.WaitAsync(Limit);
        Assert.Empty(told);
    }

    private sealed class World : IAsyncDisposable
    {
        private readonly ServiceProvider _services;

        public World(Func<Visit<Step, Note>, Task<Next>> handler)
        {
            var services = new ServiceCollection();
            services.AddSignalbox(signalbox =>
            {
                signalbox.Add(new Flow(visit => handler(visit))).UseStore(_ => Store);
                signalbox.Worker.StopWithin = signalbox.Worker.LeaveWithin = TimeSpan.FromMilliseconds(500);
                signalbox.Worker.Poll = TimeSpan.FromMilliseconds(20);
                Options = signalbox.Worker;
            });
            _services = services.BuildServiceProvider();
        }

        public FaultyStore Store { get; } = new();

        public WorkerOptions Options { get; private set; } = null!;

        public CancellationTokenSource Stopping { get; } = new();

        public RunClient Client => _services.GetRequiredService<RunClient>();

        public async Task<RunId> StartRunAsync(string text) => (await Client.StartAsync("flow", new Note(text))).Run;

        /// <summary>A worker's whole life, until it is stopped.</summary>
        public Task WorkAsync() => new Worker(_services.GetRequiredService<Engine>(), Options).WorkAsync(Stopping.Token);

        public async Task WorkUntilEndAsync(RunId run, Task? working = null)
        {
            using var stopping = new CancellationTokenSource();
            working ??= new Worker(_services.GetRequiredService<Engine>(), Options).WorkAsync(stopping.Token);
            await Task.WhenAny(Client.WaitForEndAsync(run), working).WaitAsync(Limit);
            Assert.False((await Client.FindAsync(run))!.IsOpen);
            await stopping.CancelAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await Stopping.CancelAsync();
            Stopping.Dispose();
            await _services.DisposeAsync();
        }
    }
}
