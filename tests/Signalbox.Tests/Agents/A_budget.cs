using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;
using static Signalbox.Tests.Agents.AgentWorld;

namespace Signalbox.Tests.Agents;

public sealed class A_budget
{
    private readonly ManualClock _clock = new();

    private static ScriptedReply Whois(int i) => ScriptedReply.ToolCall("whois", new Dictionary<string, object?> { ["address"] = $"192.0.2.{i}" }, "c" + i);

    private AgentWorld World(ScriptedChatClient fast, Budget budget) => new() { Clock = _clock, Fast = fast, Tools = [Tool.Read("whois", "Who.", (string address) => address)], Budget = budget };

    public static TheoryData<Budget, string> Budgets => new()
    {
        { new Budget { Calls = 3 }, "the run's budget does not suffice: 3 of 3 model calls are spent" },
        { new Budget { Tokens = 700 }, "the run's budget does not suffice: * of 700 tokens are spent, and the next call may take *" },
        { new Budget { Money = 0.0015m }, "the run's budget does not suffice: * of 0.0015 of its money is spent, and the next call may cost *" },
        { new Budget { Time = TimeSpan.FromSeconds(3) }, "the run's budget does not suffice: agents were at work for * of 3 s" },
    };

    [Theory]
    [MemberData(nameof(Budgets))]
    public async Task That_is_used_up_sends_the_decision_to_a_person_with_all_that_was_found(Budget budget, string why)
    {
        using var fast = ScriptedChatClient.ByTurn(_clock, Enumerable.Range(1, 15).Select(Whois));
        var world = World(fast, budget) with { Tools = [Tool.Read("whois", "Who.", async (string address) => { await Task.Delay(TimeSpan.FromSeconds(1), _clock); return address; })] };
        await using var bench = await world.StartAsync();
        var row = await bench.RunAsync();

        Assert.Equal(("person: budget", RunStatus.Completed), ((await bench.NoteAsync()).Text, row.Status));
        Assert.Matches("^" + System.Text.RegularExpressions.Regex.Escape(why).Replace("\\*", ".+", StringComparison.Ordinal) + "$", world.Last!.Why);
        Assert.Equal(fast.Requests.Count, world.Last.Dossier.Findings.Count);
        Assert.True(row.Spent.Calls <= (budget.Calls ?? int.MaxValue));
        Assert.True(row.Spent.InputTokens + row.Spent.OutputTokens <= (budget.Tokens ?? long.MaxValue));
        Assert.True(row.Spent.Money <= (budget.Money ?? decimal.MaxValue));
    }

    [Fact]
    public async Task Of_the_agents_own_bounds_one_asking()
    {
        using var fast = ScriptedChatClient.ByTurn(_clock, Enumerable.Range(1, 15).Select(Whois));
        var world = new AgentWorld
        {
            Clock = _clock,
            Fast = fast,
            Tools = [Tool.Read("whois", "Who.", (string address) => address)],
            Agent = new Agent<Verdict>("judge") { Instructions = "x", Confidence = v => v.Confidence, Budget = new Budget { Calls = 2 } },
        };
        await using var bench = await world.StartAsync();
        await bench.RunAsync();

        Assert.Equal("the agent's budget does not suffice: 2 of 2 model calls are spent", world.Last!.Why);
    }

    [Fact]
    public async Task Of_the_agents_own_is_shared_by_samples_side_by_side()
    {
        using var fast = ScriptedChatClient.Answering(_clock, _ => Says("block", 0.9).After(TimeSpan.FromSeconds(1)));
        var world = World(fast, Budget.Default) with
        {
            Agent = new Agent<Verdict>("judge") { Instructions = "x", Confidence = v => v.Confidence, Kind = v => v.Decision, Budget = new Budget { Calls = 3 } },
            Ladder = new Ladder(new Tier("fast", "fast-1") { Samples = 8 }),
        };
        await using var bench = await world.StartAsync();
        var row = await bench.RunAsync();

        Assert.Equal((3, 3), (fast.Requests.Count, row.Spent.Calls));
    }

    [Fact]
    public async Task That_could_not_be_reserved_before_the_run_was_canceled_buys_no_call()
    {
        using var fast = ScriptedChatClient.Answering(_clock, _ => Says("block", 0.9));
        var ladder = new Ladder(new Tier("fast", "fast-1"));
        await using var bench = await Bench.StartAsync(
            box => box.AddModel("fast-1", fast).UseLadder(ladder).Add(new Flow(async visit => visit.GoTo((await visit.Decide(NewAgent(), "x")).Stands ? Step.Done : Step.Three)) { Agent = "judge", Also = [(Step.One, Step.Three)] }),
            options: new HarnessOptions { Clock = _clock });
        await bench.StartRunAsync();
        for (var tasks = 0; (await bench.EntriesAsync(EntryKinds.AgentBegan)).Count == 0; tasks++)
        {
            Assert.True(tasks < 1000, "The agent has not begun.");
            await bench.Harness.SettleAsync(1);
        }

        bench.Harness.IsDiskFull = true;
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(1));
        await bench.CancelAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(1));
        bench.Harness.IsDiskFull = false;
        var row = await bench.IdleAsync();

        Assert.Equal((RunStatus.Canceled, 1), (row.Status, (await bench.EntriesAsync(EntryKinds.BudgetReserved)).Count));
        Assert.Empty(fast.Requests);
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Is_not_spent_by_a_call_whose_turn_comes_as_its_time_is_up(ulong seed)
    {
        using var fast = ScriptedChatClient.Answering(_clock, _ => Says("block", 0.9).After(TimeSpan.FromHours(1)));
        var limits = new ModelOptions { CallsAtOnceMax = 1, Attempts = 1, Within = TimeSpan.FromMinutes(1), BackoffMax = TimeSpan.Zero };
        await using var bench = await Bench.StartAsync(
            box => box.AddModel("fast-1", fast, limits).UseLadder(new Ladder(new Tier("fast", "fast-1"))).Add(new Flow(async visit =>
            {
                await visit.FanOut(["a", "b"], name => name, (scope, name) => scope.Decide(NewAgent(), name));
                return visit.GoTo(Step.Three);
            })
            { Agent = "judge", Also = [(Step.One, Step.Three)] }),
            options: new HarnessOptions { Clock = _clock, Seed = seed });
        var row = await bench.RunAsync(); // the second may wait for a minute, and the first takes until then

        Assert.Equal((1, 1), (row.Spent.Calls, fast.Requests.Count));
        await bench.EntryAsync(EntryKinds.BudgetReserved);
    }

    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 12).Select(i => (ulong)i)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Is_reserved_in_the_journal_before_the_attempt_that_it_was_for_is_given_up(ulong seed)
    {
        using var fast = ScriptedChatClient.Answering(_clock, _ => Says("block", 0.9));
        var limits = new ModelOptions { Attempts = 2, Within = TimeSpan.FromSeconds(10), BackoffMax = TimeSpan.FromSeconds(10), OutputTokensMax = 10 };
        await using var bench = await (World(fast, Budget.Default) with { FastOptions = limits }).StartAsync();
        await bench.StartRunAsync();
        for (var tasks = 0; (await bench.EntriesAsync(EntryKinds.AgentBegan)).Count == 0; tasks++)
        {
            Assert.True(tasks < 1000, "The agent has not begun.");
            await bench.Harness.SettleAsync(1);
        }

        bench.Harness.IsDiskFull = true;
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(20.1 + (0.4 * seed)));
        bench.Harness.IsDiskFull = false;
        var row = await bench.IdleAsync();

        Assert.Equal(
            [EntryKinds.BudgetReserved, EntryKinds.StepAttemptFailed, EntryKinds.BudgetReserved, EntryKinds.StepCompleted],
            (await bench.JournalAsync()).Select(e => e.Kind).Where(k => k is EntryKinds.BudgetReserved or EntryKinds.StepAttemptFailed or EntryKinds.StepCompleted));
        Assert.Single(fast.Requests);
        Assert.Equal(2, row.Spent.Calls);
    }

    [Fact]
    public async Task Is_never_refunded_by_what_a_provider_says_of_its_cache()
    {
        using var fast = new ScriptedChatClient(_clock, Says("block", 0.9).Used(1_000, 10, cached: 5_000));
        var world = World(fast, Budget.Default) with { FastOptions = new ModelOptions { Price = new Price(3, 15) { CachedInput = 0, CacheWrite = 0 }, OutputTokensMax = 100 } };
        await using var bench = await world.StartAsync();

        Assert.Equal(150, (await bench.RunAsync()).Spent.Micros);
        Assert.Equal(150, new Price(3, 15) { CachedInput = 0, CacheWrite = 0 }.Micros(1_000, 10, cached: 1_000, cacheWrite: 1_000));
    }

    [Fact]
    public async Task Is_reserved_durably_before_each_call_and_settled_after_it()
    {
        using var fast = ScriptedChatClient.ByTurn(_clock, Whois(1).Used(1_000, 10), Says("block", 0.9).Used(2_000, 20, 500));
        var world = new AgentWorld
        {
            Clock = _clock,
            Fast = fast,
            Tools = [Tool.Read("whois", "Who.", (string address) => address)],
            FastOptions = new ModelOptions { Price = new Price(1, 5) { CachedInput = 0.1m }, OutputTokensMax = 100 },
        };
        await using var bench = await world.StartAsync();
        var row = await bench.RunAsync();

        var kinds = (await bench.JournalAsync()).Where(e => e.Kind is EntryKinds.BudgetReserved or EntryKinds.StepCompleted).Select(e => e.Kind).ToList();
        Assert.Equal([EntryKinds.BudgetReserved, EntryKinds.StepCompleted, EntryKinds.StepCompleted, EntryKinds.BudgetReserved, EntryKinds.StepCompleted], kinds);
        Assert.Equal((2, 3_000, 30), (row.Spent.Calls, row.Spent.InputTokens, row.Spent.OutputTokens));
        Assert.Equal(1_000 + 50 + 1_500 + 50 + 100, row.Spent.Micros);
    }

    [Fact]
    public async Task Counts_a_call_whose_outcome_is_unknown_as_spent()
    {
        using var fast = new ScriptedChatClient(_clock, ScriptedReply.Throw(new ModelException(ModelTrouble.Cut, "cut")), ScriptedReply.Throw(new ModelException(ModelTrouble.RateLimited, "later")), Says("block", 0.9).Used(10, 10));
        await using var bench = await World(fast, Budget.Default).StartAsync();
        var row = await bench.RunAsync();

        var reserved = Body.Read<BudgetReserved>((await bench.EntriesAsync(EntryKinds.BudgetReserved))[0]).Amount;
        Assert.Equal(3, row.Spent.Calls);
        Assert.Equal(reserved.InputTokens + 10, row.Spent.InputTokens); // the cut one as reserved, the refused one not at all, the good one as it was
        Assert.Equal(reserved.OutputTokens + 10, row.Spent.OutputTokens);
    }

    [Fact]
    public async Task Counts_a_call_that_a_crash_cut_off_as_spent()
    {
        using var fast = new ScriptedChatClient(_clock, Says("block", 0.9).After(TimeSpan.FromSeconds(30)), Says("block", 0.9));
        await using var bench = await World(fast, new Budget { Calls = 2 }).StartAsync();
        await bench.StartRunAsync();
        await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(10));
        await bench.Harness.CrashAndRestartAsync();
        var row = await bench.IdleAsync();

        Assert.Equal(("block by fast", 2), ((await bench.NoteAsync()).Text, row.Spent.Calls));
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1)] // whoever waits for its turn looks at the budget again when it comes
    public async Task Is_shared_by_agents_side_by_side_and_never_passed(int? callsAtOnceMax)
    {
        using var fast = ScriptedChatClient.Answering(_clock, _ => Says("block", 0.9).After(TimeSpan.FromSeconds(1)));
        var answers = new List<bool>();
        await using var bench = await Bench.StartAsync(
            box => box.AddModel("fast-1", fast, new ModelOptions { OutputTokensMax = 10, CallsAtOnceMax = callsAtOnceMax }).UseLadder(new Ladder(new Tier("fast", "fast-1"))).UseBudget(new Budget { Calls = 5 }).Add(new Flow(async visit =>
            {
                var agent = NewAgent();
                var decisions = await visit.FanOut(Enumerable.Range(1, 12).ToList(), i => $"a{i}", (scope, i) => scope.Decide(agent, $"192.0.2.{i}"));
                answers.AddRange(decisions.Select(d => d.Stands));
                return visit.GoTo(Step.Done);
            })
            { Agent = "judge", Also = [(Step.One, Step.Three)] }),
            options: new HarnessOptions { Clock = _clock });
        var row = await bench.RunAsync();

        Assert.Equal((12, 5), (answers.Count, answers.Count(stands => stands)));
        Assert.Equal((5, 5), (fast.Requests.Count, row.Spent.Calls));
    }

    [Fact]
    public async Task Is_not_passed_by_calls_that_wait_for_their_turn()
    {
        using var fast = ScriptedChatClient.ByTurn(_clock, Says("block", 0.9).After(TimeSpan.FromSeconds(1)));
        var world = new AgentWorld
        {
            Clock = _clock,
            Fast = fast,
            FastOptions = new ModelOptions { OutputTokensMax = 100, CallsAtOnceMax = 1 },
            Ladder = new Ladder(new Tier("fast", "fast-1") { Samples = 6 }),
            Budget = new Budget { Calls = 3 },
        };
        await using var bench = await world.StartAsync();
        await bench.RunAsync();

        Assert.Equal(3, fast.Requests.Count);
    }

    [Fact]
    public async Task Belongs_to_the_run_across_its_states()
    {
        using var fast = ScriptedChatClient.ByTurn(_clock, Says("block", 0.9));
        var stands = new List<bool>();
        Handler asks(Step next) => async visit =>
        {
            stands.Add((await visit.Decide(NewAgent(), "192.0.2.7")).Stands);
            return visit.GoTo(next);
        };
        await using var bench = await Bench.StartAsync(
            box => box.AddModel("fast-1", fast, new ModelOptions { OutputTokensMax = 10 }).UseLadder(new Ladder(new Tier("fast", "fast-1"))).UseBudget(new Budget { Calls = 1 }, workflow: "flow")
                .Add(new Flow(asks(Step.One)) { Agent = "judge", Also = [(Step.One, Step.One), (Step.One, Step.Three)] }),
            options: new HarnessOptions { Clock = _clock });
        bench.ChecksHistory = true;
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync(200);

        Assert.True(stands[0]);
        Assert.All(stands.Skip(1), s => Assert.False(s));
    }
}
