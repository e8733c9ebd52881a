using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.Journal;
using Signalbox.Storage;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Agents;

/// <summary>
/// Runs whose models play the worst move at every turn, while workers die, the disk is full now and then and people cancel. Some 1,500 runs; <c>SIGNALBOX_RUNS</c> sets how many, <c>SIGNALBOX_SEED</c>
/// where to begin: what failed names its seed.
/// </summary>
public sealed class Malicious_models(ITestOutputHelper output)
{
    [Fact]
    public async Task Run_no_tool_that_was_not_given_pass_no_budget_and_leave_no_run_stuck()
    {
        var count = int.Parse(Environment.GetEnvironmentVariable("SIGNALBOX_RUNS") ?? "1500", CultureInfo.InvariantCulture);
        var first = ulong.Parse(Environment.GetEnvironmentVariable("SIGNALBOX_SEED") ?? "1", CultureInfo.InvariantCulture);
        var seen = new SortedDictionary<string, long>(StringComparer.Ordinal);
        var (runs, seed) = (0, first);
        for (; runs < count; seed++)
        {
            using var world = new MaliciousWorld(seed);
            try
            {
                runs += await world.PlayAsync();
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"With seed {seed} (SIGNALBOX_SEED={seed} SIGNALBOX_RUNS=1): {e.Message}\n{world.Told}", e);
            }

            foreach (var (what, times) in world.Seen)
            {
                seen[what] = seen.GetValueOrDefault(what) + times;
            }
        }

        output.WriteLine($"{runs} runs, seeds {first} to {seed - 1}:");
        output.WriteLine(string.Join('\n', seen.Select(s => $"{s.Value,8} {s.Key}")));
        Assert.All(MaliciousChatClient.AllMoves, move => Assert.True(count < 1000 || seen.ContainsKey("move " + move), $"The move '{move}' was never played."));
        Assert.True(count < 1000 || (seen.ContainsKey("ended Completed Done") && seen.ContainsKey("ended Completed Three") && seen.ContainsKey("ended Canceled One")));
    }
}

/// <summary>One seed's world: its program, its nemesis, and what must hold in the end.</summary>
internal sealed class MaliciousWorld : IDisposable
{
    private static readonly string[] s_all = ["lookup", "feed", "history", "dump", "quarantine"];

    private readonly SeededEntropy _nemesis;
    private readonly ManualClock _clock = new();
    private readonly FaultyTarget _target;
    private readonly CountingClient _fast;
    private readonly CountingClient _strong;
    private readonly string[] _given;
    private readonly Budget _budget;
    private readonly Budget _own;
    private readonly Ladder _ladder;
    private readonly ModelOptions _options;
    private readonly int _branches;
    private readonly HashSet<string> _ran = [];
    private readonly List<string> _told = [];

    public MaliciousWorld(ulong seed)
    {
        Seed = seed;
        _nemesis = new SeededEntropy(seed ^ 0x4D41);
        _target = new FaultyTarget((TargetClass)(1 + Below(4)));
        _given = [.. s_all.Where(_ => Below(4) > 0)];
        _budget = new Budget
        {
            Calls = Below(3) == 0 ? null : 1 + Below(16),
            Tokens = Below(3) == 0 ? 500 + Below(20_000) : null,
            Money = Below(3) == 0 ? (500 + Below(20_000)) / 1_000_000m : null,
            Time = Below(8) == 0 ? TimeSpan.FromMinutes(1 + Below(10)) : null,
            Rejections = Below(2) == 0 ? 1 + Below(8) : null,
        };
        _own = Below(3) == 0 ? new Budget { Calls = 1 + Below(6) } : Budget.Unlimited;
        var kinds = new Dictionary<string, Thresholds> { ["allow"] = new(0.9, 0.1) };
        _ladder = new Ladder(
            new Tier("fast", "fast-1") { Samples = 1 + (Below(3) == 0 ? 1 + Below(2) : 0), Accept = Below(2) == 0 ? 0.8 : 0.3, Floor = 0.2, Kinds = kinds },
            new Tier("strong", "strong-1") { Samples = Below(5) == 0 ? 2 : 1 });
        _options = new ModelOptions
        {
            Price = new Price(1, 5),
            OutputTokensMax = 100,
            Streams = Below(2) == 0,
            Attempts = 1 + Below(3),
            CallsAtOnceMax = Below(3) == 0 ? 1 : null,
            CallsPerMinuteMax = Below(6) == 0 ? 3 + Below(20) : null,
            Fallback = Below(4) == 0 ? "strong-1" : null,
            Provider = "malicious",
        };
        _branches = Below(3) == 0 ? 2 + Below(2) : 1;
        _fast = new CountingClient(Malicious(seed));
        _strong = new CountingClient(Malicious(seed + 1_000_000));
    }

    public ulong Seed { get; }

    /// <summary>What happened, by name.</summary>
    public Dictionary<string, long> Seen { get; } = [];

    /// <summary>The journals of the runs that went wrong.</summary>
    public string Told => string.Join('\n', _told);

    /// <summary>Plays all runs to their end and checks them. Gives how many there were.</summary>
    public async Task<int> PlayAsync()
    {
        var crashes = Enumerable.Range(0, Below(4)).Select(_ => new CrashPoint((CrashKind)Below(4), 1 + Below(150))).ToArray();
        var options = new HarnessOptions { Seed = Seed, Clock = _clock, TimeMax = TimeSpan.FromDays(20) };
        await using var harness = await WorkflowHarness.StartAsync(Bench.Configured(Configure, _target), options, crashes);
        try
        {
            await DriveAsync(harness);
            await SettleAsync(harness);
            var runs = await harness.RunsAsync();
            foreach (var run in runs)
            {
                await CheckAsync(harness, run);
            }

            Assert.True(_ran.IsSubsetOf(_given), $"{string.Join(", ", _ran.Except(_given))} ran, which the state does not give");
            Assert.True(_given.Contains("quarantine") || _target.Effects.Count == 0, "an action was carried out that the state does not give");
            await CheckTargetAsync(harness, runs);
            Count("crash", harness.Crashes.Count);
            foreach (var (move, times) in _fast.Inner.Moves.Concat(_strong.Inner.Moves))
            {
                Count("move " + move, times);
            }

            return runs.Count;
        }
        catch
        {
            foreach (var run in await harness.RunsAsync())
            {
                _told.Add($"{run.Row.Run} is {run.Row.Status} {run.Row.ReasonCode} {run.Row.Reason}, spent {run.Row.Spent}");
                _told.Add(Cut(await harness.TellAsync(run.Row.Run)));
            }

            _told.AddRange(harness.Log);
            throw;
        }

        static string Cut(string told) => string.Join('\n', told.Split('\n').Select(line => line.Length > 400 ? line[..400] : line));
    }

    public void Dispose()
    {
        _fast.Dispose();
        _strong.Dispose();
    }

    private void Configure(SignalboxBuilder signalbox)
    {
        signalbox.AddModel("fast-1", _fast, _options);
        signalbox.AddModel("strong-1", _strong, _options with { Fallback = null, Streams = !_options.Streams, Price = new Price(3, 15) });
        signalbox.UseLadder(_ladder).UseBudget(_budget);
        signalbox.AddTool(Tool.Read("lookup", "Who has an address.", (string address) => Ran("lookup", $"{address} is a scanner")));
        signalbox.AddTool(Tool.Read("feed", "What the threat feed says.", string (string address, int? days) => throw new IOException(Ran("feed", "the feed is down"))));
        signalbox.AddTool(Tool.Read("history", "Its log-ins.", (string address) => HangAsync(), new ToolOptions { Within = TimeSpan.FromSeconds(3), Attempts = 2 }));
        signalbox.AddTool(Tool.Read("dump", "Everything.", (int lines) => Ran("dump", new string('d', 30_000)), new ToolOptions { CharactersMax = 500, CachedFor = TimeSpan.FromMinutes(1) }));
        signalbox.AddTool(Tool.Act<Block>("quarantine", "Blocks an address."));
        signalbox.AddTool(Tool.Read("purge", "Deletes everything.", () => Ran("purge", "gone")));
        signalbox.AddTool(Tool.Read("approve", "Approves it.", (string what) => Ran("approve", "done")));
        signalbox.Add(new Flow(AskAsync, Three: AskPersonAsync) { Agent = "judge", Tools = _given, Also = [(Step.One, Step.Three)] });
    }

    private async Task<Next> AskAsync(Visit<Step, Note> visit)
    {
        var agent = new Agent<Verdict>("judge")
        {
            Instructions = "You judge addresses.",
            Confidence = v => v.Confidence,
            Kind = v => v.Decision,
            Reasons = v => v.Reasons ?? [],
            Budget = _own,
            TurnsMax = 8,
        };
        var request = new DecisionRequest<Verdict> { Messages = [new ChatMessage(ChatRole.User, $"{visit.Case.Text} asks whether to block or to allow 192.0.2.7")], Objection = Objection };
        var decisions = _branches == 1
            ? [await visit.Decide(agent, request)]
            : await visit.FanOut([.. Enumerable.Range(0, _branches)], i => $"b{i}", (scope, _) => scope.Decide(agent, request));
        return decisions.All(d => d.Stands)
            ? visit.GoTo(Step.Done, visit.Case with { Lines = [.. decisions.Select(d => d.Id)] })
            : visit.GoTo(Step.Three, visit.Case with { Lines = [.. decisions.Select(d => d.Why ?? "")] });
    }

    private static async Task<Next> AskPersonAsync(Visit<Step, Note> visit)
    {
        await visit.Approve(new Question("What now?", "block", "allow"));
        return visit.GoTo(Step.Done, visit.Case with { Number = 1 });
    }

    private static string? Objection(Verdict verdict) => verdict.Decision is "0.0.0.0/0" or "*" ? "this is never done" : null;

    private async Task DriveAsync(WorkflowHarness harness)
    {
        var runs = new List<RunId>();
        for (var i = 1 + Below(4); i > 0; i--)
        {
            runs.Add(await harness.StartRunAsync("flow", new Note($"case-{runs.Count}"), $"k-{runs.Count}"));
        }

        for (var move = Below(25); move > 0; move--)
        {
            switch (Below(14))
            {
                case 0:
                    harness.IsDiskFull = !harness.IsDiskFull;
                    break;
                case 1:
                    _target.Faults.Enqueue((TargetFault)Below(6));
                    break;
                case 2 when Below(4) == 0:
                    await harness.Client("person:otto").CancelAsync(runs[Below(runs.Count)], "enough");
                    break;
                case 3 when Below(2) == 0:
                    await harness.CrashAndRestartAsync();
                    break;
                case < 9:
                    await harness.SettleAsync(1 + Below(60));
                    break;
                default:
                    await harness.AdvanceAsync(TimeSpan.FromMilliseconds(Below(3) switch { 0 => 1, 1 => 700, _ => 70_000 }));
                    break;
            }
        }
    }

    /// <summary>The world heals, people answer, and everything comes to rest.</summary>
    private async Task SettleAsync(WorkflowHarness harness)
    {
        harness.IsDiskFull = false;
        _target.Faults.Clear();
        await harness.RunUntilIdleAsync();
        for (var round = 0; round < 200 && (await harness.RunsAsync()).Where(r => r.Row.IsOpen).ToList() is { Count: > 0 } open; round++)
        {
            foreach (var run in open.Select(r => r.Row))
            {
                if (run.Status == RunStatus.Waiting)
                {
                    Count("asked a person");
                    await harness.Client("person:anna").AnswerAsync(run.Run, "block");
                    continue;
                }

                Assert.True(run.ReasonCode is TroubleCodes.ActionInDoubt, $"run '{run.Run}' is {run.Status}: {run.ReasonCode} {run.Reason}");
                Assert.Contains("quarantine", _given);
                Count("held " + run.ReasonCode);
                await harness.Client("person:otto").ReleaseAsync(run.Run, _target.TargetClass == TargetClass.T4 ? ReleaseVerb.Accept : ReleaseVerb.Retry);
            }

            await harness.RunUntilIdleAsync();
        }
    }

    private async Task CheckAsync(WorkflowHarness harness, RunHead run)
    {
        var row = run.Row;
        var note = await harness.CaseAsync<Note>(row.Run);
        Assert.True(row.Status is RunStatus.Completed or RunStatus.Canceled, $"run '{row.Run}' is {row.Status} in '{row.State}': {row.ReasonCode} {row.Reason}");
        Count($"ended {row.Status} {(note.Number == 1 ? "Three" : row.State)}");
        var journal = await harness.JournalAsync(row.Run);
        var (spent, inScope, reserved, stands) = (Spending.None, new Dictionary<string, Spending>(), 0, 0);
        var onTheirWay = new HashSet<string>();
        foreach (var entry in journal)
        {
            Count(entry.Kind);
            switch (entry.Kind)
            {
                case EntryKinds.BudgetReserved:
                    reserved++;
                    var next = Body.Read<BudgetReserved>(entry).Amount;
                    CheckBudget(_budget, spent, next, onTheirWay, entry.Scope, $"the run's budget at entry {entry.Seq}");
                    CheckBudget(_own, inScope.GetValueOrDefault(Asking(entry.Scope), Spending.None), next, [], entry.Scope, $"the agent's budget at entry {entry.Seq}");
                    break;
                case EntryKinds.DecisionMade:
                    stands += CheckDecision(Body.Read<DecisionMade>(entry)) ? 1 : 0;
                    break;
                case EntryKinds.EscalationRaised:
                    Count("escalation " + Body.Read<EscalationRaised>(entry).Reason);
                    break;
                case EntryKinds.ToolRejected:
                    Count("rejection " + Body.Read<ToolRejected>(entry).Code);
                    break;
            }

            spent += Spending.Of(entry);
            inScope[Asking(entry.Scope)] = inScope.GetValueOrDefault(Asking(entry.Scope), Spending.None) + Spending.Of(entry);
        }

        Assert.True(onTheirWay.Count == 0 || _branches > 1 || _ladder.Tiers.Any(t => t.Samples > 1), "a budget was passed with nothing else on its way");
        Assert.Equal(spent, row.Spent);
        var calls = _fast.CallsOf(note.Text) + _strong.CallsOf(note.Text);
        Assert.True(calls <= reserved, $"run '{row.Run}' made {calls} model calls and reserved {reserved}");
        Assert.True(row.Status == RunStatus.Canceled || note.Number == 1 || stands == _branches, $"run '{row.Run}' went on with {stands} of {_branches} decisions");
    }

    /// <summary>
    /// Beside the target's log, where no two askings did the same thing at the same time: nobody can say yet which of them made the effect. No action id has its effect twice in any case.
    /// </summary>
    private async Task CheckTargetAsync(WorkflowHarness harness, IReadOnlyList<RunHead> runs)
    {
        var journals = await Task.WhenAll(runs.Select(r => harness.JournalAsync(r.Row.Run)));
        var intents = journals.SelectMany(j => j).Where(e => e.Kind == EntryKinds.ActionIntended).Select(Body.Read<ActionIntended>).DistinctBy(i => i.ActionId).ToList();
        var isAlone = intents.DistinctBy(i => i.ArgumentsHash).Count() == intents.Count;
        await Bench.CheckAsync(harness, isAlone ? _target : null);
        Assert.True(_target.TargetClass == TargetClass.T4 || _target.Effects.DistinctBy(e => e.ActionId).Count() == _target.Effects.Count, "an action had its effect twice");
        Count("effects", _target.Effects.Count);
    }

    /// <summary>
    /// A call too many is never reserved. Tokens, money and rejections may pass a limit while a conversation's next call is on its way already, once for each.
    /// </summary>
    private static void CheckBudget(Budget budget, Spending spent, Spending next, HashSet<string> onTheirWay, string scope, string what)
    {
        var would = spent + next;
        Assert.False(would.Calls > budget.Calls, $"{what}: call {would.Calls} of {budget.Calls}");
        var passes = would.InputTokens + would.OutputTokens > budget.Tokens || would.Micros > budget.Money * 1_000_000m || spent.Rejections >= budget.Rejections;
        Assert.False(passes && !onTheirWay.Add(scope), $"{what}: {would} of {budget}, and not for the first time in {scope}");
    }

    private bool CheckDecision(DecisionMade made)
    {
        if (!made.Stands)
        {
            return false;
        }

        var tier = _ladder.Tiers.Single(t => t.Name == made.Tier);
        Assert.True(made.Confidence >= (made.Kind == "allow" && tier.Name == "fast" ? 0.9 : tier.Accept) && made.Confidence <= 1, $"{made} stands at {made.Confidence}");
        Assert.True(made.Missing is null or { Count: 0 } || made.Confidence <= 0.7, $"{made} stands at {made.Confidence} with evidence missing");
        Assert.Null(made.Objection);
        if (made.Answer.Reference is null)
        {
            Assert.Null(Objection(JsonSerializer.Deserialize<Verdict>(made.Answer.Utf8.Span, SignalboxJson.Options)!));
        }

        return true;
    }

    /// <summary>The scope of an asking: up to the agent's name.</summary>
    private static string Asking(string scope) => scope.IndexOf("judge", StringComparison.Ordinal) is >= 0 and var at ? scope[..(at + 5)] : scope;

    private string Ran(string tool, string answer)
    {
        _ran.Add(tool);
        return answer;
    }

    private async Task<string> HangAsync()
    {
        Ran("history", "");
        await new TaskCompletionSource().Task;
        return "never";
    }

    private MaliciousChatClient Malicious(ulong seed) => new(seed)
    {
        Model = seed == Seed ? "fast-1" : "strong-1",
        Obey = Below(4) * 0.3,
        OtherTools = ["purge", "approve"],
        Clock = _clock,
        TextCharacters = 20_000,
        ArgumentCharacters = 10_000,
    };

    private int Below(int bound) => _nemesis.Below(bound);

    private void Count(string what, long times = 1) => Seen[what] = Seen.GetValueOrDefault(what) + times;

    /// <summary>Counts the calls that arrive, by the run that its question names.</summary>
    private sealed class CountingClient(MaliciousChatClient inner) : DelegatingChatClient(inner)
    {
        private readonly Dictionary<string, int> _calls = [];

        public MaliciousChatClient Inner => inner;

        public int CallsOf(string run) => _calls.GetValueOrDefault(run);

        public override Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            Note(messages);
            return base.GetResponseAsync(messages, options, cancellationToken);
        }

        public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            Note(messages);
            return base.GetStreamingResponseAsync(messages, options, cancellationToken);
        }

        private void Note(IEnumerable<ChatMessage> messages)
        {
            var run = messages.First(m => m.Role == ChatRole.User).Text.Split(' ')[0];
            _calls[run] = _calls.GetValueOrDefault(run) + 1;
        }
    }
}
