using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Search;
using Signalbox.Sqlite;
using Signalbox.Storage;

namespace Signalbox.Bench;

internal sealed partial class Bench
{
    private const int EntriesOfARun = 50;

    /// <summary>A journal of so many entries of made-up runs: how long searches take, how far the index is behind commits, how large it is.</summary>
    public async Task<IReadOnlyList<Figure>> SearchAsync(int entries)
    {
        var db = Fresh("search");
        foreach (var left in Directory.GetFiles(Path.GetDirectoryName(db)!, Path.GetFileName(db) + "-index*"))
        {
            File.Delete(left);
        }

        var figures = new List<Figure>();
        await using var store = await SqliteRunStore.OpenAsync(new SqliteStoreOptions { Path = db }, default);
        var made = new MadeUpRuns(seed: 7);
        var runs = entries / EntriesOfARun;
        for (var i = 0; i < runs; i += 100)
        {
            await Task.WhenAll(Enumerable.Range(i, Math.Min(100, runs - i)).Select(n => CommitAsync(store, made.Run(n))));
        }

        await using var index = new SqliteIndex(db, store);
        var begun = Stopwatch.GetTimestamp();
        var cpu = Process.GetCurrentProcess().TotalProcessorTime;
        await index.CatchUpAsync();
        var status = await index.StatusAsync(default);
        var took = Stopwatch.GetElapsedTime(begun);
        cpu = Process.GetCurrentProcess().TotalProcessorTime - cpu;
        var journal = new FileInfo(db).Length + new FileInfo(db + "-wal").Length;
        var name = $"search, {status.Position:N0} entries of {runs:N0} runs";
        figures.Add(new($"{name}: making the index ({cpu.TotalMicroseconds / status.Position:N0} µs CPU an entry)", $"{status.Position / took.TotalSeconds:N0} entries/s", "—", "—", "—", null));
        figures.Add(new($"{name}: bytes of the index beside the journal", $"{status.Bytes / 1048576.0:N0} MiB", $"{journal / 1048576.0:N0} MiB", $"{(double)status.Bytes / journal:P0}", "—", null));

        var all = new List<double>();
        foreach (var (kind, query) in made.Queries(runs))
        {
            var times = new List<double>();
            var hits = 0L;
            for (var i = 0; i < 60; i++)
            {
                var asked = query(new Random(i));
                var at = Stopwatch.GetTimestamp();
                hits += (await index.SearchAsync(asked, default)).Hits.Count;
                times.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
            }

            times.RemoveRange(0, 10); // the first ones warm the page cache and the code
            if (!kind.StartsWith("ranked", StringComparison.Ordinal))
            {
                all.AddRange(times);
            }

            figures.Add(new($"{name}: newest 50, {kind} ({hits / 60.0:N0} hits a page), p50 / p95", $"{Percentile(times, 0.5):N1} / {Percentile(times, 0.95):N1} ms", "—", "—", "—", null));
        }

        figures.Add(new($"{name}: newest 50, the whole mix but the ranked ones, p50 / p95", $"{Percentile(all, 0.5):N1} / {Percentile(all, 0.95):N1} ms", "—", "—", "p95 ≤ 50 ms", Percentile(all, 0.95) <= 50));
        figures.Add(await LagAsync(store, index, made, runs));
        return figures;
    }

    /// <summary>From a commit's answer to the first search that finds it, while 2,000 entries a second are committed beside it.</summary>
    private static async Task<Figure> LagAsync(SqliteRunStore store, SqliteIndex index, MadeUpRuns made, int runs)
    {
        const int Seconds = 20;
        const int RunsASecond = 2000 / EntriesOfARun;
        await using var tail = new LogTail(store, TimeProvider.System);
        using var stopping = new CancellationTokenSource();
        var feeding = index.FeedAsync(tail, stopping.Token);
        var cpu = Process.GetCurrentProcess().TotalProcessorTime;
        var begun = Stopwatch.GetTimestamp();
        var committed = 0;
        var writing = Task.Run(async () =>
        {
            for (var i = 0; i < Seconds * RunsASecond; i++)
            {
                await CommitAsync(store, made.Run(runs + i));
                committed += EntriesOfARun;
                if (TimeSpan.FromSeconds((i + 1.0) / RunsASecond) - Stopwatch.GetElapsedTime(begun) is { Ticks: > 0 } early)
                {
                    await Task.Delay(early);
                }
            }

            return Stopwatch.GetElapsedTime(begun);
        });
        var lags = new List<double>();
        for (var i = 0; !writing.IsCompleted; i++)
        {
            var word = $"probe{i}";
            await CommitAsync(store, made.Probe(word));
            var at = Stopwatch.GetTimestamp();
            while ((await index.SearchAsync(new SearchQuery { Text = word, Limit = 1 }, default)).Hits.Count == 0)
            {
                await Task.Delay(5);
            }

            lags.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
            await Task.Delay(100);
        }

        var rate = committed / (await writing).TotalSeconds;
        cpu = Process.GetCurrentProcess().TotalProcessorTime - cpu;
        await stopping.CancelAsync();
        await feeding;
        return new(
            $"findable after its commit while {rate:N0} entries/s are committed ({cpu.TotalSeconds / Stopwatch.GetElapsedTime(begun).TotalSeconds:N2} cores for all of it), p50 / p95 / longest of {lags.Count}",
            $"{Percentile(lags, 0.5):N0} / {Percentile(lags, 0.95):N0} / {lags.Max():N0} ms", "—", "—", "≤ 1 s at 2,000/s", lags.Max() <= 1000 && rate >= 1900);
    }

    private static double Percentile(List<double> values, double share)
    {
        var sorted = values.Order().ToArray();
        return sorted[Math.Min(sorted.Length - 1, (int)(share * sorted.Length))];
    }

    private static async Task CommitAsync(SqliteRunStore store, (RunId Run, List<EntryDraft> Entries) run)
    {
        foreach (var some in run.Entries.Chunk(10))
        {
            var result = await store.CommitAsync(new Commit { Run = run.Run, Entries = some }, default);
            if (result.Status != CommitStatus.Committed)
            {
                throw new InvalidOperationException($"A made-up commit was answered with {result.Status}.");
            }
        }
    }

    /// <summary>Runs of an analyst of alerts, as they look: prompts, answers, tool calls with log lines, transitions. Words by Zipf's law; the same seed, the same text.</summary>
    private sealed class MadeUpRuns
    {
        private static readonly string[] Workflows = ["alert-response", "order-check", "message-triage"];
        private static readonly string[] States = ["Triage", "Investigate", "Decide", "Execute", "Closed"];
        private readonly string[] _words;
        private readonly Payload _definition = Payload.Of("{\"name\":\"made-up\"}"u8.ToArray());
        private readonly Payload _prompt;
        private readonly int _seed;

        public MadeUpRuns(int seed)
        {
            _seed = seed;
            var random = new Random(seed);
            string[] syllables = ["ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu", "pra", "que", "ris", "sto", "tun", "val", "wex", "yor", "zen", "ter"];
            _words = [.. Enumerable.Range(0, 30_000).Select(_ => string.Concat(Enumerable.Range(0, random.Next(1, 5)).Select(_ => syllables[random.Next(syllables.Length)]))).Distinct()];
            _prompt = Payload.Of(Message("system", Text(random, 300)));
        }

        public (RunId Run, List<EntryDraft> Entries) Run(int number)
        {
            var random = new Random((_seed * 1_000_003) + number);
            var run = new RunId($"r-{number:x13}");
            var entries = new List<EntryDraft>
            {
                Draft(EntryKinds.RunStarted, new RunStarted(Workflows[number % 3], 1, RawJson.To(_definition.Hash), $"alert-{number}", new Dictionary<string, string> { ["team"] = $"team-{number % 20}" }), "", 0) with { Payloads = [_definition] },
            };
            for (var visit = 1; visit <= 3; visit++)
            {
                Visit(entries, random, number, visit, States[(visit + number) % States.Length]);
            }

            while (entries.Count < EntriesOfARun)
            {
                entries.Add(Draft(EntryKinds.SignalReceived, new SignalReceived("note", Json(Text(random, 12))), States[number % States.Length], 3));
            }

            return (run, entries);
        }

        /// <summary>A run of so many entries in the states of a definition, one visit after the other, to its end.</summary>
        public (RunId Run, List<EntryDraft> Entries) Dense(WorkflowDefinition definition, int number, int count)
        {
            var random = new Random((_seed * 1_000_003) + number);
            var drawn = Payload.Of(definition.ToJson());
            var state = definition.States.First(s => s.Name == definition.Start);
            string? from = null;
            var entries = new List<EntryDraft> { Draft(EntryKinds.RunStarted, new RunStarted(definition.Name, definition.Version, RawJson.To(drawn.Hash), $"dense-{number}"), "", 0) with { Payloads = [drawn] } };
            for (var visit = 1; entries.Count < count - 1; visit++)
            {
                Visit(entries, random, number, visit, state.Name, from);
                StateDefinition[] next = [.. definition.States.Where(s => s.To.Count > 0 && state.To.Contains(s.Name))];
                (from, state) = (state.Name, next.Length == 0 ? state : next[random.Next(next.Length)]);
            }

            var last = entries[count - 2];
            entries.RemoveRange(count - 1, entries.Count - count + 1);
            entries.Add(new() { Kind = EntryKinds.RunCompleted, State = last.State, Visit = last.Visit, Actor = "engine" });
            return (new RunId($"r-dense{number:x8}"), entries);
        }

        public (RunId Run, List<EntryDraft> Entries) Probe(string word) => (RunId.New(Entropy.System),
            [Draft(EntryKinds.RunStarted, new RunStarted("probe", 1, RawJson.To(_definition.Hash), Labels: new Dictionary<string, string> { ["word"] = word }), "", 0) with { Payloads = [_definition] }]);

        /// <summary>The mix: what people look for.</summary>
        public IEnumerable<(string Kind, Func<Random, SearchQuery> Query)> Queries(int runs)
        {
            yield return ("a frequent word", r => new SearchQuery { Text = _words[r.Next(50)] });
            yield return ("a rare word", r => new SearchQuery { Text = _words[r.Next(5_000, _words.Length)] });
            yield return ("two words", r => new SearchQuery { Text = $"{_words[r.Next(200)]} {_words[r.Next(2_000)]}" });
            yield return ("a phrase", r => new SearchQuery { Text = $"\"{_words[r.Next(100)]} {_words[r.Next(100)]}\"" });
            yield return ("a prefix of two letters", r => new SearchQuery { Text = _words[r.Next(1_000)][..2] + "*" });
            yield return ("a prefix of up to five letters", r => new SearchQuery { Text = _words[r.Next(10_000)] is { Length: > 5 } word ? word[..5] + "*" : _words[r.Next(10_000)] + "*" });
            yield return ("an address", r => new SearchQuery { Text = Ip(r) });
            yield return ("the beginning of an address", r => new SearchQuery { Text = $"10.{r.Next(4)}.*" });
            yield return ("a run's id", r => new SearchQuery { Text = $"r-{r.Next(runs):x13}" });
            yield return ("a word in one workflow", r => new SearchQuery { Text = _words[r.Next(500)], Workflow = Workflows[r.Next(3)] });
            yield return ("a word in rejected calls", r => new SearchQuery { Text = _words[r.Next(500)], Kinds = ["tool.*"] });
            yield return ("a word of one run", r => new SearchQuery { Text = _words[r.Next(500)], Run = new RunId($"r-{r.Next(runs):x13}") });
            yield return ("a word and a label", r => new SearchQuery { Text = _words[r.Next(500)], Labels = new Dictionary<string, string> { ["team"] = $"team-{r.Next(20)}" } });
            yield return ("a word and a word that must not occur", r => new SearchQuery { Text = $"{_words[r.Next(500)]} -{_words[r.Next(20)]}" });
            yield return ("a frequent word among the older ones", r => new SearchQuery { Text = _words[r.Next(50)], Until = DateTimeOffset.UtcNow.AddSeconds(-30) });
            yield return ("filters alone", r => new SearchQuery { Workflow = Workflows[r.Next(3)], State = States[r.Next(5)], Agent = "analyst", Code = r.Next(2) == 0 ? "unknown_tool" : null });
            yield return ("nothing asked", _ => new SearchQuery());
            yield return ("ranked, two words", r => new SearchQuery { Text = $"{_words[r.Next(200)]} {_words[r.Next(2_000)]}", ByRank = true });
        }

        private void Visit(List<EntryDraft> entries, Random random, int number, int visit, string state, string? from = null)
        {
            entries.Add(Draft(EntryKinds.StateEntered, new StateEntered(from, Json(new { sourceIp = Ip(random), account = User(random) })), state, visit) with { Cause = Text(random, 8), Actor = "workflow:made-up" });
            entries.Add(Draft(EntryKinds.AgentBegan, new AgentBegan("analyst", RawJson.To(_prompt.Hash)), state, visit) with { Payloads = [_prompt] });
            for (var turn = 1; turn <= 4; turn++)
            {
                entries.Add(Draft(EntryKinds.BudgetReserved, new BudgetReserved("analyst", "small", new Spending { Calls = 1 }), state, visit));
                var asked = Payload.Of(Message("user", Text(random, 60) + " " + Ip(random)));
                var call = new ModelCall("small", [asked.Hash], new RawJson(Message("assistant", Text(random, 80))), "stop", 900, 120, Agent: "analyst", Tier: "small", Turn: turn);
                entries.Add(Draft(EntryKinds.StepCompleted, new StepCompleted(null, Json<object?>(null), 900_000, Model: call, Type: "model"), state, visit) with { Step = $"analyst.small.{turn}/-/1", Payloads = [asked] });
                entries.Add(turn == 3 && number % 5 == 0
                    ? Draft(EntryKinds.ToolRejected, new ToolRejected("analyst", "small", turn, $"toolu_{random.Next():x8}", "wois", null, "unknown_tool", Text(random, 12)), state, visit)
                    : Draft(EntryKinds.StepCompleted, new StepCompleted(Json(new { address = Ip(random) }), Json(Lines(random)), 20_000, Tool: new ToolCalled("analyst", "small", turn, $"toolu_{random.Next():x8}"), Type: "tool"), state, visit) with { Step = "logins/-/1" });
            }

            entries.Add(number % 4 == 0
                ? Draft(EntryKinds.StepFailed, new StepFailed("timed_out", Text(random, 10), null, 2_000_000, 3, "evidence"), state, visit) with { Step = "threats/-/1" }
                : Draft(EntryKinds.StepCompleted, new StepCompleted(null, Json(new { score = random.Next(100), note = Text(random, 15) }), 30_000, Type: "evidence"), state, visit) with { Step = "threats/-/1" });
            entries.Add(Draft(EntryKinds.DecisionMade, new DecisionMade($"d{visit}", "analyst", "verdict", Json(new { verdict = "block_ip", address = Ip(random) }), 0.5 + (random.NextDouble() / 2), new Dictionary<string, double>(), [Text(random, 20)], "small", "small", true), state, visit));
        }

        private static EntryDraft Draft<T>(string kind, T body, string state, int visit) => new() { Kind = kind, State = state, Visit = visit, Actor = "engine", Body = Body.Write(body) };

        private static RawJson Json<T>(T value) => new(JsonSerializer.SerializeToUtf8Bytes(value));

        private static byte[] Message(string role, string text) => JsonSerializer.SerializeToUtf8Bytes(new { role, contents = new[] { new Dictionary<string, string> { ["$type"] = "text", ["text"] = text } } });

        private static string Ip(Random random) => $"10.{random.Next(4)}.{random.Next(200)}.{random.Next(250)}";

        private static string User(Random random) => $"user{random.Next(5_000)}@host-{random.Next(300)}";

        private static string Lines(Random random) => string.Join('\n', Enumerable.Range(0, 4).Select(_ =>
            $"sshd[{random.Next(60_000)}]: Failed password for {User(random)} from {Ip(random)} port {random.Next(1024, 65_536)} ssh2"));

        private string Text(Random random, int words)
        {
            var text = new StringBuilder();
            for (var i = 0; i < words; i++)
            {
                // Zipf's law, near enough: the k-th word about 1/k as often as the first.
                text.Append(i == 0 ? "" : " ").Append(_words[(int)Math.Pow(_words.Length, random.NextDouble()) - 1]);
            }

            return text.Append('.').ToString();
        }
    }
}
