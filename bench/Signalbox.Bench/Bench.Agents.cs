using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.AI;
using Signalbox.Storage;

namespace Signalbox.Bench;

internal sealed partial class Bench
{
    /// <summary>Rounds that do not count. A short conversation runs for long in code that the runtime is still compiling anew, and what that costs would be most of the figure.</summary>
    private const int WarmUps = 2;

    private const string Work = "position >= (SELECT min(position) FROM entries WHERE kind = 'run.leased')";

    /// <summary>
    /// Long conversations, one after the other: against the same program without the engine, against a bare loop that writes the same entries in the same transactions, and against one that writes the
    /// bare messages, each for itself.
    /// </summary>
    public async Task<IReadOnlyList<Figure>> ConversationAsync(int turns = 50, int conversations = 100)
    {
        var calls = turns * conversations;
        var (cpu, withFlushes, flushes, speed, bareSpeed, allocated) = (new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>(), new List<double>());
        var (lateCpu, lateAllocated, lateBytes) = (new List<double>(), new List<double>(), new List<double>());
        var (said, content, file, bareFile) = (0.0, 0.0, 0.0, 0.0);
        for (var round = 0; round < rounds + WarmUps; round++)
        {
            var empty = Fresh("conversation");
            await (await World.OpenAsync(empty)).DisposeAsync();
            var emptyBytes = BytesOnDisk(empty);

            var db = Fresh("conversation");
            Use used;
            TalkingModel model;
            await using (var world = await World.OpenAsync(db, concurrency: 1, turns))
            {
                model = world.Model;
                await StartAllAsync(conversations, i => world.Client.StartAsync("agent", new StepsCase(turns, Seed: i)));
                model.Calls = [];
                var before = Use.Now();
                await world.StartAsync();
                await world.UntilNoneIsOpenAsync();
                used = Use.Now() - before;
                await ThrowUnlessAllCompletedAsync(world, conversations);
            }

            var without = await WithoutEngineAsync(turns, conversations);
            var messages = model.Conversation.Select(m => JsonSerializer.SerializeToUtf8Bytes(m, AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(ChatMessage)))).Select(Minified).ToList();
            using var bare = BareLoop.Of(messages, conversations, Db("messages"));
            var raw = bare.Run(_ => 1);
            var sizes = BareLoop.BatchSizes(db, Work);
            using var same = BareLoop.From(db, Db("bare"), Work);
            var beforeLoop = Use.Now();
            same.Run(i => i < sizes.Length ? sizes[i] : 1);
            var flushing = Use.Now() - beforeLoop;
            if (round < WarmUps)
            {
                continue;
            }

            cpu.Add((used.Cpu - without.Cpu - flushing.Cpu).TotalMilliseconds / calls);
            withFlushes.Add((used.Cpu - without.Cpu).TotalMilliseconds / calls);
            flushes.Add(flushing.Cpu.TotalMilliseconds / calls);
            speed.Add(calls / Seconds(db, "kind IN ('agent.began', 'step.completed', 'decision.made')"));
            bareSpeed.Add(calls / raw.TotalSeconds);
            allocated.Add((used.Allocated - without.Allocated) / (double)calls);
            lateCpu.Add(Late(model.Calls, turns, (a, b) => (b.Cpu - a.Cpu).TotalMicroseconds));
            lateAllocated.Add(Late(model.Calls, turns, (a, b) => b.Allocated - a.Allocated));
            lateBytes.Add(BytesOfTurn(db, turns - 1) / (double)BytesOfTurn(db, 5));
            said = messages.Sum(m => m.Length);
            content = BytesOfContent(db) / (double)conversations;
            file = (BytesOnDisk(db) - emptyBytes) / (double)conversations;
            bareFile = bare.BytesOnDisk() / (double)conversations;
        }

        var what = $"a {turns}-call conversation";
        return
        [
            new Figure($"{what}: CPU a call, its tool's included, beside its commits ({Median(withFlushes):N3} ms with them)", $"{Median(cpu):N3} ms", $"{Median(flushes):N3} ms of commits", "—", "≤ 1 ms", Median(cpu) <= 1),
            new Figure($"{what}: speed, beside its messages as bare rows (3 commits a call beside 2)", $"{Median(speed):N0} calls/s", $"{Median(bareSpeed):N0} calls/s", $"{Median(speed) / Median(bareSpeed):P0}", "—", null),
            new Figure($"{what}: allocated a call", $"{Median(allocated) / 1024:N1} KiB", "—", "—", "—", null),
            new Figure($"{what}: bodies and payloads as stored", $"{content / 1024:N0} KiB", $"{said / 1024:N0} KiB of messages", $"{content / said:N2} ×", "≤ 1.5 ×", content <= 1.5 * said),
            new Figure($"{what}: growth of the file", $"{file / 1024:N0} KiB", $"{bareFile / 1024:N0} KiB", $"{file / bareFile:N2} ×", "≤ 2 ×", file <= 2 * bareFile),
            new Figure($"{what}: the last turns beside the fifth, CPU", $"{Median(lateCpu):N2} ×", "—", "—", "≤ 1.1 ×", Median(lateCpu) <= 1.1),
            new Figure($"{what}: the last turns beside the fifth, allocated", $"{Median(lateAllocated):N2} ×", "—", "—", "≤ 1.1 ×", Median(lateAllocated) <= 1.1),
            new Figure($"{what}: turn {turns - 1} beside turn 5, bytes of entries", $"{Median(lateBytes):N2} ×", "—", "—", "≤ 1.1 ×", Median(lateBytes) <= 1.1),
        ];
    }

    /// <summary>The engine alone, on the in-memory store: what a call of an agent costs in CPU before any disk.</summary>
    public async Task<Figure> ConversationInMemoryAsync(int turns = 50, int conversations = 100)
    {
        var calls = turns * conversations;
        var (cpu, allocated) = (new List<double>(), new List<double>());
        for (var round = 0; round < rounds + WarmUps; round++)
        {
            Use used;
            await using (var world = await World.OpenAsync(null, concurrency: 1, turns))
            {
                await StartAllAsync(conversations, i => world.Client.StartAsync("agent", new StepsCase(turns, Seed: i)));
                var before = Use.Now();
                await world.StartAsync();
                await world.UntilNoneIsOpenAsync();
                used = Use.Now() - before;
                await ThrowUnlessAllCompletedAsync(world, conversations);
            }

            var without = await WithoutEngineAsync(turns, conversations);
            if (round >= WarmUps)
            {
                cpu.Add((used.Cpu - without.Cpu).TotalMicroseconds / calls);
                allocated.Add((used.Allocated - without.Allocated) / (double)calls);
            }
        }

        return new Figure($"a {turns}-call conversation: the engine alone, in memory ({Median(allocated) / 1024:N1} KiB allocated a call)", $"{Median(cpu):N0} µs CPU a call", "—", "—", "—", null);
    }

    /// <summary>Many agents side by side, against a bare loop that writes the same entries in the same transactions.</summary>
    public async Task<Figure> AgentsAsync(int runs = 500, int turns = 6)
    {
        var (ours, bare, batches, cpu) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        const int ShortWarmUps = 4 * WarmUps; // a round has fewer calls
        for (var round = 0; round < rounds + ShortWarmUps; round++)
        {
            var db = Fresh("agents");
            Use used;
            await using (var world = await World.OpenAsync(db, concurrency: runs, turns))
            {
                await StartAllAsync(runs, i => world.Client.StartAsync("agent", new StepsCase(turns, Seed: i)));
                var before = Use.Now();
                await world.StartAsync();
                await world.UntilNoneIsOpenAsync();
                used = Use.Now() - before;
                await ThrowUnlessAllCompletedAsync(world, runs);
            }

            var sizes = BareLoop.BatchSizes(db, Work);
            using var loop = BareLoop.From(db, Db("bare"), Work);
            var raw = loop.Run(i => i < sizes.Length ? sizes[i] : 1).TotalSeconds;
            if (round >= ShortWarmUps)
            {
                cpu.Add(used.Cpu.TotalMilliseconds / (runs * turns));
                ours.Add(runs / Seconds(db, Work));
                bare.Add(runs / raw);
                batches.Add(sizes.Average());
            }
        }

        return Compare($"{runs:N0} agents × {turns} turns (batches of {Median(batches):N0} entries, {Median(cpu):N3} ms CPU a call)", "decisions/s", ours, bare, 0.40, "≥ 40 %");
    }

    /// <summary>The same program without the engine: the conversation in a list, the model and the tool called.</summary>
    private static async Task<Use> WithoutEngineAsync(int turns, int conversations)
    {
        var model = new TalkingModel(turns) { Calls = [] };
        var before = Use.Now();
        for (var i = 0; i < conversations; i++)
        {
            List<ChatMessage> conversation = [new(ChatRole.System, "You judge alerts."), new(ChatRole.User, "Is it?")];
            for (var turn = 0; turn < turns; turn++)
            {
                var reply = (await model.GetResponseAsync(conversation)).Messages[0];
                conversation.Add(reply);
                foreach (var call in reply.Contents.OfType<FunctionCallContent>())
                {
                    conversation.Add(new ChatMessage(ChatRole.Tool, [new FunctionResultContent(call.CallId, Tools.Answer("192.0.2.7", "logins", turn % 30))]));
                }
            }
        }

        return Use.Now() - before;
    }

    /// <summary>What the last five turns but one cost beside the five from the fifth on.</summary>
    private static double Late(List<(int Turn, TimeSpan Cpu, long Allocated)> calls, int turns, Func<(int Turn, TimeSpan Cpu, long Allocated), (int Turn, TimeSpan Cpu, long Allocated), double> cost)
    {
        var costs = calls.Zip(calls.Skip(1)).Where(c => c.Second.Turn == c.First.Turn + 1).ToLookup(c => c.First.Turn, c => cost(c.First, c.Second));
        return Median([.. Enumerable.Range(turns - 5, 5).SelectMany(turn => costs[turn])]) / Median([.. Enumerable.Range(5, 5).SelectMany(turn => costs[turn])]);
    }

    private static async Task ThrowUnlessAllCompletedAsync(World world, int runs)
    {
        var completed = await world.Client.ListAsync(new RunQuery { Statuses = [RunStatus.Completed], Limit = runs });
        if (completed.Count != runs)
        {
            var other = (await world.Client.ListAsync(new RunQuery { Limit = runs })).First(r => r.Status != RunStatus.Completed);
            throw new InvalidOperationException($"Only {completed.Count} of {runs} runs completed; run '{other.Run}' is {other.Status}: {other.Reason}");
        }
    }

    private static byte[] Minified(byte[] json)
    {
        using var document = JsonDocument.Parse(json);
        return JsonSerializer.SerializeToUtf8Bytes(document.RootElement);
    }

    /// <summary>The database and its payload files, once what is in the write-ahead log stands in the database.</summary>
    private static long BytesOnDisk(string db)
    {
        Checkpoint(db);
        var payloads = Directory.GetDirectories(Path.GetDirectoryName(db)!, Path.GetFileName(db) + "*").SelectMany(d => Directory.GetFiles(d, "*", SearchOption.AllDirectories));
        return payloads.Prepend(db).Sum(f => new FileInfo(f).Length);
    }

    private static void Checkpoint(string db)
    {
        using var connection = new SqliteConnection($"Data Source={db};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
        command.ExecuteNonQuery();
    }

    private static long BytesOfContent(string db) => Number(db, "SELECT (SELECT coalesce(sum(length(body)), 0) FROM entries) + (SELECT coalesce(sum(length(bytes)), 0) FROM payloads)");

    /// <summary>The bytes of the entries between the replies of one turn and of the next, in the first run.</summary>
    private static long BytesOfTurn(string db, int turn) => Number(db, string.Create(CultureInfo.InvariantCulture, $"""
        SELECT sum(length(body) + length(scope) + length(step) + length(actor) + length(cause) + length(kind) + length(state) + length(salt) + length(hash)) FROM entries
        WHERE run = 1 AND seq > (SELECT seq FROM entries WHERE run = 1 AND kind = 'step.completed' AND step LIKE 'turn-{turn - 1}/%')
          AND seq <= (SELECT seq FROM entries WHERE run = 1 AND kind = 'step.completed' AND step LIKE 'turn-{turn}/%')
        """));

    private static long Number(string db, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={db};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    /// <summary>What this process has used up.</summary>
    private readonly record struct Use(TimeSpan Cpu, long Allocated)
    {
        public static Use Now() => new(Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes(precise: true));

        public static Use operator -(Use a, Use b) => new(a.Cpu - b.Cpu, a.Allocated - b.Allocated);
    }
}
