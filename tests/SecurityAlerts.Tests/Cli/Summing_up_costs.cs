using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Tests;

public sealed class Summing_up_costs : IDisposable
{
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    [Fact]
    public async Task Gives_what_the_rows_of_the_runs_say()
    {
        var runs = new List<RunId>();
        await using (var host = await AnalystHost.StartAsync(_store.Path))
        {
            runs.Add(await host.StartRunAsync("192.0.2.7"));
            runs.Add(await host.StartRunAsync("198.51.100.1"));
        }

        var lines = (await _store.RunAsync("costs", "--json", "--by-run")).Lines.Select(l => JsonDocument.Parse(l).RootElement).ToArray();

        var rows = new List<Spending>();
        foreach (var run in runs)
        {
            var spent = (await _store.FindAsync(run)).Row.Spent;
            rows.Add(spent);
            Assert.Equal(spent, Sum(lines.Where(l => l.TryGetProperty("run", out var id) && id.GetString() == run.Value)));
        }

        var all = rows[0] + rows[1];
        Assert.Equal(all, Sum(lines.Where(l => l.TryGetProperty("agent", out _) && !l.TryGetProperty("run", out _))));
        Assert.Equal((2, all), (lines[^1].GetProperty("runsWithAgents").GetInt32(), Sum([lines[^1]])));
    }

    [Fact]
    public async Task Tells_them_by_agent_tier_and_model()
    {
        await TwoRunsAsync();

        var outcome = await _store.RunAsync("costs");

        Assert.Equal(
            """
            AGENT    TIER    MODEL     COST     CALLS  IN     OUT  REJECTED  AT WORK
            analyst  strong  m-strong  $2.50    1      1,000  50   0         1.0 s
            analyst  fast    m-fast    $0.0021  3      300    30   2         21 ms

            3 runs, 2 of them with agents: 4 model calls, 1,300 tokens in, 80 out, $2.50, 1.0 s at work, 2 rejections

            """,
            outcome.Output);
        Assert.Equal((0, ""), (outcome.Exit, outcome.Error));
    }

    [Fact]
    public async Task Tells_them_by_run()
    {
        await TwoRunsAsync();

        Assert.Equal(
            """
            RUN  AGENT    TIER    MODEL     COST     CALLS  IN     OUT  REJECTED  AT WORK
            r-b  analyst  fast    m-fast    $0.0007  1      100    10   0         7 ms
            r-a  analyst  strong  m-strong  $2.50    1      1,000  50   0         1.0 s
            r-a  analyst  fast    m-fast    $0.0014  2      200    20   2         14 ms

            """,
            (await _store.RunAsync("costs", "--by-run")).Output.Split("\n\n")[0] + "\n");
    }

    [Fact]
    public async Task Counts_what_a_lost_process_had_reserved()
    {
        await _store.WriteAsync(async journals =>
        {
            var run = await journals.StartAsync("r-a");
            await ReserveAsync(journals, run, "left/analyst#2/fast/sample-2", "m-fast", 100, 10, 700);
        });

        var line = JsonDocument.Parse((await _store.RunAsync("costs", "--json")).Lines[0]).RootElement;

        Assert.Equal(("analyst", "fast", "m-fast", 700), (line.GetProperty("agent").GetString(), line.GetProperty("tier").GetString(), line.GetProperty("model").GetString(), line.GetProperty("micros").GetInt32()));
    }

    [Theory]
    [InlineData(3, "--label", "team=red")]
    [InlineData(0, "--workflow", "window")]
    [InlineData(1, "--limit", "2")]
    [InlineData(4, "--after", "r-c")]
    public async Task Takes_the_runs_that_a_list_would(int calls, params string[] filter)
    {
        await TwoRunsAsync();

        var outcome = await _store.RunAsync(["costs", "--json", .. filter]);

        Assert.Equal(calls, JsonDocument.Parse(outcome.Lines[^1]).RootElement.GetProperty("calls").GetInt32());
    }

    [Fact]
    public async Task Says_how_to_go_on_where_there_are_more()
    {
        await TwoRunsAsync();

        Assert.Equal("There are more. The next ones: the same command with --after r-c\n", (await _store.RunAsync("costs", "--limit", "1")).Error);
    }

    [Fact]
    public async Task Says_when_there_is_nothing()
    {
        await _store.WriteAsync(journals => journals.StartAsync("r-a"));

        Assert.Equal("1 run, 0 of them with agents: nothing was used up\n", (await _store.RunAsync("costs")).Output);
        Assert.Equal("The store 'FOLDER/signalbox.db' has no such run.\n", (await _store.RunAsync("costs", "--workflow", "window")).Error);
    }

    /// <summary>A run whose agent climbs, a run whose agent does not, and one without.</summary>
    private Task<TestStore> TwoRunsAsync() => _store.WriteAsync(async journals =>
    {
        var one = await journals.StartAsync("r-a", null, ("team", "red"));
        await TurnAsync(journals, one, "analyst/fast", 1, "m-fast", 100, 10, 700, 7_000);
        await journals.AppendAsync(one, EntryKinds.ToolRejected, new ToolRejected("analyst", "fast", 1, "c1", "whois", null, "unknown_tool", "none"), step: "call-1.0/-/1", scope: "analyst/fast");
        await journals.AppendAsync(one, EntryKinds.AnswerRejected, new AnswerRejected("analyst", "fast", 2, "no"), step: "answer-2/-/1", scope: "analyst/fast");
        await TurnAsync(journals, one, "analyst/fast", 2, "m-fast", 100, 10, 700, 6_000);
        await journals.AppendAsync(one, EntryKinds.StepFailed, new StepFailed("failed", "x", null, 1_000, 1, "tool", new ToolCalled("analyst", "fast", 2, "c1")), step: "feed/-/1", scope: "analyst/fast");
        await TurnAsync(journals, one, "analyst/strong", 1, "m-strong", 1_000, 50, 2_500_000, 1_000_000);
        await TurnAsync(journals, await journals.StartAsync("r-b"), "analyst/fast", 1, "m-fast", 100, 10, 700, 7_000);
        await journals.StartAsync("r-c");
    });

    private static async Task TurnAsync(Journals journals, RunId run, string scope, int turn, string model, long input, long output, long micros, long microseconds)
    {
        var reserved = await ReserveAsync(journals, run, scope, model, input + 50, output + 100, micros + 1_000, turn);
        var spent = new Spending { Calls = 1, InputTokens = input, OutputTokens = output, Micros = micros, Microseconds = microseconds };
        var call = new ModelCall(model + "-2026", [], Journals.Json("[]"), "stop", input, output, Agent: "analyst", Tier: scope.Split('/')[1], Turn: turn);
        await journals.AppendAsync(run, EntryKinds.StepCompleted, new StepCompleted(null, Journals.Json("null"), microseconds, 1, call, "model", null, new Settlement(reserved, spent)), step: $"turn-{turn}/-/1", scope: scope);
    }

    private static async Task<Spending> ReserveAsync(Journals journals, RunId run, string scope, string model, long input, long output, long micros, int turn = 1)
    {
        var amount = new Spending { Calls = 1, InputTokens = input, OutputTokens = output, Micros = micros };
        await journals.AppendAsync(run, EntryKinds.BudgetReserved, new BudgetReserved("analyst", model, amount), step: $"turn-{turn}/-/1", scope: scope);
        return amount;
    }

    private static Spending Sum(IEnumerable<JsonElement> lines) => lines.Aggregate(Spending.None, (sum, l) => sum + new Spending
    {
        Calls = Of(l, "calls"),
        InputTokens = Of(l, "inputTokens"),
        OutputTokens = Of(l, "outputTokens"),
        Micros = Of(l, "micros"),
        Microseconds = Of(l, "microseconds"),
        Rejections = Of(l, "rejections"),
    });

    private static long Of(JsonElement line, string member) => line.GetProperty(member).GetInt64();
}
