using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.Bench;

/// <summary>One line of the table: our figure, the raw limit beside it, their ratio, and what we aim at.</summary>
internal sealed record Figure(string What, string Ours, string Raw, string Ratio, string Goal, bool? Met);

/// <summary>The benchmarks. Each runs ours and its bare loop in turn, several times, and gives medians.</summary>
internal sealed partial class Bench(string folder, int rounds)
{
    private string Db(string name) => Path.Combine(folder, name + ".db");

    /// <summary>One run of so many sequential steps, each on disk before the next, against single commits of the same rows.</summary>
    public async Task<Figure> OneRunAsync(int steps = 3000)
    {
        var (ours, bare) = (new List<double>(), new List<double>());
        for (var round = 0; round < rounds + 1; round++)
        {
            var db = Fresh("one");
            await using (var world = await World.OpenAsync(db))
            {
                var run = await world.Client.StartAsync("steps", new StepsCase(steps));
                await world.StartAsync();
                await world.Client.WaitForEndAsync(run.Run);
            }

            const string Steps = "kind = 'step.completed'";
            var seconds = Seconds(db, Steps);
            using var loop = BareLoop.From(db, Db("bare"), Steps);
            var raw = loop.Run(_ => 1).TotalSeconds;
            if (round > 0)
            {
                ours.Add(steps / seconds);
                bare.Add(steps / raw);
            }
        }

        return Compare($"one run, {steps:N0} sequential durable steps", "steps/s", ours, bare, 0.70, "≥ 70 %");
    }

    /// <summary>Many runs at once, against a bare loop that writes the same entries in the same transactions.</summary>
    public async Task<Figure> ManyRunsAsync(int runs = 2000, int steps = 10)
    {
        var (ours, bare) = (new List<double>(), new List<double>());
        var batches = new List<double>();
        var cpu = new List<double>();
        const int WarmUp = 8; // until hot code is compiled anew: before that, compiling is a third of the CPU
        for (var round = 0; round < rounds + WarmUp; round++)
        {
            var db = Fresh("many");
            await using (var world = await World.OpenAsync(db, concurrency: runs))
            {
                await StartAllAsync(runs, i => world.Client.StartAsync("steps", new StepsCase(steps)));
                var before = Process.GetCurrentProcess().TotalProcessorTime;
                await world.StartAsync();
                await world.UntilNoneIsOpenAsync();
                var spent = (Process.GetCurrentProcess().TotalProcessorTime - before).TotalMicroseconds / (runs * steps);
                if (round >= WarmUp)
                {
                    cpu.Add(spent);
                }
            }

            // From the first lease to the last end: leases, transitions and ends are part of the work, on both sides.
            const string Work = "position >= (SELECT min(position) FROM entries WHERE kind = 'run.leased')";
            var seconds = Seconds(db, Work);
            var sizes = BareLoop.BatchSizes(db, Work);
            using var loop = BareLoop.From(db, Db("bare"), Work);
            var raw = loop.Run(i => i < sizes.Length ? sizes[i] : 1).TotalSeconds;
            if (round >= WarmUp)
            {
                ours.Add(runs * steps / seconds);
                bare.Add(runs * steps / raw);
                batches.Add(sizes.Average());
            }
        }

        return Compare($"{runs:N0} runs × {steps} durable steps (batches of {Median(batches):N0} entries, {Median(cpu):N0} µs CPU a step)", "steps/s", ours, bare, 0.40, "≥ 40 %");
    }

    /// <summary>The engine alone, on the in-memory store: what a durable step costs in CPU before any disk.</summary>
    public async Task<Figure> EngineAsync(int runs = 2000, int steps = 10)
    {
        var cpu = new List<double>();
        for (var round = 0; round < rounds + 1; round++)
        {
            await using var world = await World.OpenAsync(null, concurrency: runs);
            await StartAllAsync(runs, i => world.Client.StartAsync("steps", new StepsCase(steps)));
            var before = Process.GetCurrentProcess().TotalProcessorTime;
            await world.StartAsync();
            await world.UntilNoneIsOpenAsync();
            if (round > 0)
            {
                cpu.Add((Process.GetCurrentProcess().TotalProcessorTime - before).TotalMicroseconds / (runs * steps));
            }
        }

        return new Figure($"the engine alone, {runs:N0} runs × {steps} steps in memory", $"{Median(cpu):N1} µs CPU a step", "—", "—", "—", null);
    }

    /// <summary>Parked runs: memory and disk of each, and how soon a new process resumes one.</summary>
    public async Task<IReadOnlyList<Figure>> ParkedAsync(int runs = 100_000)
    {
        var db = Fresh("parked");
        await using (var world = await World.OpenAsync(db, concurrency: 1000))
        {
            await world.StartAsync();
            await StartAllAsync(runs, _ => world.Client.StartAsync("park", new EmptyCase()));
            await world.UntilAllWaitAsync();
        }

        // What a worker's process costs beside them: the same process, once on a store without a run.
        var memory = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            memory.Add(await InNewProcessAsync("--idle", db) - await InNewProcessAsync("--idle", Fresh("empty")));
        }

        await using (var world = await World.OpenAsync(db))
        {
            await world.Client.SignalAsync((await world.Client.ListAsync(new RunQuery { Limit = 1 }))[0].Run, "go", "now");
        }

        var bytes = new FileInfo(db).Length;
        var starts = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            // Each round resumes another run; the signal for the next one is put there by the child itself.
            starts.Add(await InNewProcessAsync("--resume", db));
        }

        return
        [
            new Figure($"{runs:N0} parked runs: working set", $"{Median(memory) / 1e6:N1} MB in all", "—", "—", "≤ 1 MB in all", Median(memory) <= 1_000_000),
            new Figure($"{runs:N0} parked runs: disk", $"{bytes / (double)runs:N0} B each", "—", "—", "≤ 2 KB each", bytes <= 2048L * runs),
            new Figure($"{runs:N0} parked runs: process start to the first resumed", $"{Median(starts):N2} s", "—", "—", "≤ 1 s", Median(starts) <= 1),
        ];
    }

    /// <summary>Called in a fresh process: opens the store, drives, and prints how long it took from the process's start to the first handler.</summary>
    public static async Task ResumeAsync(string db)
    {
        await using var world = await World.OpenAsync(db, concurrency: 64);
        await world.StartAsync();
        var entered = await world.Watch.FirstEntered.Task.WaitAsync(TimeSpan.FromSeconds(60));
        var now = Stopwatch.GetTimestamp();
        var sinceStart = DateTime.Now - Process.GetCurrentProcess().StartTime - Stopwatch.GetElapsedTime(entered, now);
        Console.WriteLine(sinceStart.TotalSeconds.ToString(CultureInfo.InvariantCulture));
        var next = await world.Client.ListAsync(new RunQuery { Statuses = [RunStatus.Waiting], Limit = 1 });
        await world.StopAsync();
        await world.Client.SignalAsync(next[0].Run, "go", "now");
    }

    /// <summary>Called in a fresh process: opens the store, lets the worker idle, and prints the working set.</summary>
    public static async Task IdleAsync(string db)
    {
        await using var world = await World.OpenAsync(db);
        await world.StartAsync();
        await Task.Delay(TimeSpan.FromSeconds(3));
        Console.WriteLine(Resident().ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>Recovery of a visit with many recorded steps, and what the last step costs beside an early one.</summary>
    public async Task<IReadOnlyList<Figure>> RecoveryAsync(int steps = 5000)
    {
        var (recovery, late) = (new List<double>(), new List<double>());
        for (var round = 0; round < rounds + 1; round++)
        {
            var db = Fresh("recovery");
            RunId run;
            double ratio;
            await using (var world = await World.OpenAsync(db))
            {
                run = (await world.Client.StartAsync("gate", new StepsCase(steps))).Run;
                await world.StartAsync();
                await world.Client.WaitUntilAsync(run, r => r.Status == RunStatus.Waiting);
                ratio = Cost(world.Watch, steps - 50, 50) / Cost(world.Watch, 25, 50);
                await world.StopAsync();
                await world.Client.SignalAsync(run, "open", "now");
            }

            await using (var world = await World.OpenAsync(db))
            {
                var begun = Stopwatch.GetTimestamp();
                await world.StartAsync();
                await world.Client.WaitForEndAsync(run);
                if (round > 0)
                {
                    recovery.Add(Stopwatch.GetElapsedTime(begun, world.Watch.StepAt[steps]).TotalSeconds);
                    late.Add(ratio);
                }
            }
        }

        return
        [
            new Figure($"recovery of a visit with {steps:N0} recorded steps", $"{Median(recovery):N3} s", "—", "—", "≤ 0.3 s", Median(recovery) <= 0.3),
            new Figure($"step {steps:N0} beside step 50", $"{Median(late):N2} ×", "—", "—", "≤ 1.1 ×", Median(late) <= 1.1),
        ];

        static double Cost(Watch watch, int from, int count) => Median([.. Enumerable.Range(from, count).Select(i => (double)(watch.StepAt[i + 1] - watch.StepAt[i]))]);
    }

    /// <summary>Bytes written to storage for large results that do not compress.</summary>
    public async Task<Figure> LargeStepsAsync(int steps = 100, int size = 1 << 20)
    {
        var ratios = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            var db = Fresh("large");
            var before = Machine.BytesWritten();
            await using (var world = await World.OpenAsync(db))
            {
                var run = await world.Client.StartAsync("steps", new StepsCase(steps, size, round * steps));
                await world.StartAsync();
                await world.Client.WaitForEndAsync(run.Run);
            }

            ratios.Add((Machine.BytesWritten() - before) / ((double)steps * size));
        }

        return new Figure($"bytes written for {steps} steps of 1 MB each (base64 noise)", $"{Median(ratios):N2} × the payload", "1.00 ×", $"{Median(ratios):N2}", "≤ 1.2 ×", Median(ratios) <= 1.2);
    }

    /// <summary>What the engine adds to a model call.</summary>
    public async Task<Figure> ModelCallAsync(int calls = 1000)
    {
        var cpu = new List<double>();
        for (var round = 0; round < rounds + 1; round++)
        {
            var db = Fresh("model");
            await using var world = await World.OpenAsync(db);
            var run = await world.Client.StartAsync("model", new StepsCase(calls));
            var before = Process.GetCurrentProcess().TotalProcessorTime;
            await world.StartAsync();
            await world.Client.WaitForEndAsync(run.Run);
            if (round > 0)
            {
                cpu.Add((Process.GetCurrentProcess().TotalProcessorTime - before).TotalMilliseconds / calls);
            }
        }

        return new Figure("the engine beside a model call (CPU, commit included)", $"{Median(cpu):N3} ms", "—", "—", "≤ 1 ms", Median(cpu) <= 1);
    }

    public static double Median(IReadOnlyList<double> values) => values.Count == 0 ? double.NaN : values.Order().ElementAt(values.Count / 2);

    private string Fresh(string name)
    {
        foreach (var file in Directory.GetFiles(folder, name + ".db*"))
        {
            File.Delete(file);
        }

        foreach (var payloads in Directory.GetDirectories(folder, name + ".db*"))
        {
            Directory.Delete(payloads, recursive: true);
        }

        return Db(name);
    }

    private static Figure Compare(string what, string unit, List<double> ours, List<double> bare, double goal, string wanted)
    {
        var ratio = Median([.. ours.Zip(bare, (a, b) => a / b)]);
        return new Figure(what, $"{Median(ours):N0} {unit}", $"{Median(bare):N0} {unit}", $"{ratio:P0}", wanted, ratio >= goal);
    }

    /// <summary>From the first to the last of the entries that match, by the store's own clock.</summary>
    private static double Seconds(string db, string where)
    {
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={db};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = $"SELECT (max(at) - min(at)) / 1e6 FROM entries WHERE {where}";
        return (double)command.ExecuteScalar()!;
    }

    private static async Task StartAllAsync(int count, Func<int, Task> start)
    {
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 256 }, async (i, _) => await start(i));
    }

    private static double Resident()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        using var self = Process.GetCurrentProcess();
        return self.WorkingSet64;
    }

    private static async Task<double> InNewProcessAsync(string what, string db)
    {
        using var child = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [what, db]) { RedirectStandardOutput = true })!;
        var line = await child.StandardOutput.ReadLineAsync();
        await child.WaitForExitAsync();
        return double.Parse(line ?? throw new InvalidOperationException("The process that was to measure said nothing."), CultureInfo.InvariantCulture);
    }
}

/// <summary>A host with a worker on a SQLite store.</summary>
internal sealed class World : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly IRunStore _store;

    private World(IHost host, IRunStore store)
    {
        _host = host;
        _store = store;
    }

    public RunClient Client => _host.Services.GetRequiredService<RunClient>();

    public Watch Watch => _host.Services.GetRequiredService<Watch>();

    public TalkingModel Model => _host.Services.GetRequiredService<TalkingModel>();

    public static async Task<World> OpenAsync(string? db, int concurrency = 64, int turns = 1)
    {
        IRunStore store = db is null ? new InMemoryRunStore() : await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = db }, CancellationToken.None);
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton<Watch>().AddSingleton<InstantTarget>().AddSingleton<IChatClient, InstantModel>().AddSingleton(new TalkingModel(turns));
        builder.Services.AddSignalbox(box =>
        {
            box.AddWorkflow<StepsFlow>().AddWorkflow<GateFlow>().AddWorkflow<ParkFlow>().AddWorkflow<ModelFlow>().UseStore(_ => store);
            box.AddWorkflow<AgentFlow>().AddModel("talker", services => services.GetRequiredService<TalkingModel>(), new ModelOptions { Price = new Price(1, 5) });
            box.AddWorkflow<BlocksFlow>().AddAction<Block, BlockHandler>("block");
            box.UseLadder(new Ladder(new Tier("fast", "talker"))).UseBudget(new Budget { Calls = 1_000, Tokens = 1_000_000_000, Money = 10_000 });
            foreach (var tool in Tools.All)
            {
                box.AddTool(tool);
            }

            box.Worker.Concurrency = concurrency;
        });
        return new World(builder.Build(), store);
    }

    public Task StartAsync() => _host.StartAsync();

    public Task StopAsync() => _host.StopAsync();

    public Task UntilNoneIsOpenAsync() => UntilNoneIsAsync(RunStatus.Pending, RunStatus.Running);

    public Task UntilAllWaitAsync() => UntilNoneIsAsync(RunStatus.Pending, RunStatus.Running);

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        await _store.DisposeAsync();
    }

    private async Task UntilNoneIsAsync(params RunStatus[] statuses)
    {
        // Looks rarely: a look costs what the benchmark measures.
        while ((await Client.ListAsync(new RunQuery { Statuses = statuses, Limit = 1 })).Count > 0)
        {
            await Task.Delay(250);
        }
    }
}
