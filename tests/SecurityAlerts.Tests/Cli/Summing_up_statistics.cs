using System.Text.Json;
using Signalbox.Journal;

namespace Signalbox.CommandLine.Tests;

public sealed class Summing_up_statistics : IDisposable
{
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    [Fact]
    public async Task Shows_what_runs_came_to()
    {
        await WriteAsync();

        var outcome = await _store.RunAsync("stats");

        Assert.Equal(
            """
            2026-01-01 00:00:00Z to 2026-01-01 00:01:00Z  all workflows, up to entry 20

              runs      2 runs started, 2 ended: 1 Completed, 1 Failed
              autonomy  ████████████············  50 % of the ended runs, without a person asked

            Decisions by tier (bar: stood)
            TIER    ANSWERS  STOOD  CLIMBED
            fast    2        1      1        ████████████████████████
            person  1        1      0        ████████████████████████

            Escalations
            REASON          COUNT
            low_confidence  1      ████████████████████████

            Rejected tool calls
            CODE          COUNT
            unknown_tool  1      ████████████████████████

            Cost: $0.0007
            AGENT    TIER  MODEL   COST     CALLS  IN  OUT  REJECTED  AT WORK
            analyst  fast  m-fast  $0.0007  1      0   0    1         7 ms

            Latencies
            WHAT          COUNT  MEDIAN  P95    MAX
            approval      1      2.0 s   2.0 s  2.0 s
            run           1      3.0 s   3.0 s  3.0 s
            model:m-fast  1      7 ms    7 ms   7 ms

            Reliability, fast: 1 decision with a known outcome, 100 % right, calibration error 0.050, Brier 0.003
            CONFIDENCE  COUNT  SAID  RIGHT
            0.9 to 1.0  1      95 %  100 %  ████████████████████████

            """,
            outcome.Output);
        Assert.Equal((0, ""), (outcome.Exit, outcome.Error));
    }

    [Fact]
    public async Task Gives_programs_all_of_it_and_the_stretches_of_time()
    {
        await WriteAsync();

        var all = JsonDocument.Parse((await _store.RunAsync("stats", "--json")).Output).RootElement;

        Assert.Equal(
            ("2026-01-01T00:00:00.000000Z", 20, 2, 0.5, 1, 1), (all.GetProperty("since").GetString(), all.GetProperty("upTo").GetInt32(), all.GetProperty("started").GetInt32(), all.GetProperty("autonomy").GetDouble(),
                all.GetProperty("escalations").GetProperty("low_confidence").GetInt32(), all.GetProperty("ended").GetProperty("Failed").GetInt32()));
        Assert.Equal(2, all.GetProperty("buckets")[0].GetProperty("started").GetInt32());
        Assert.Equal(10, all.GetProperty("reliability")[0].GetProperty("bins").GetArrayLength());
    }

    [Theory]
    [InlineData(0, "--workflow", "window")]
    [InlineData(2, "--workflow", "door")]
    [InlineData(0, "--until", "2025-12-31")]
    [InlineData(2, "--since", "1h")]
    public async Task Takes_a_time_and_a_workflow(int started, params string[] args)
    {
        await WriteAsync();

        Assert.Equal(started, JsonDocument.Parse((await _store.RunAsync(["stats", "--json", .. args])).Output).RootElement.GetProperty("started").GetInt32());
    }

    [Fact]
    public async Task Costs_what_the_runs_themselves_say()
    {
        await using (var host = await AnalystHost.StartAsync(_store.Path))
        {
            await host.StartRunAsync("192.0.2.7");
            await host.StartRunAsync("198.51.100.1");
        }

        var stats = JsonDocument.Parse((await _store.RunAsync("stats", "--json", "--until", "2100-01-01")).Output).RootElement.GetProperty("costs").EnumerateArray().Select(c => c.GetRawText());
        var costs = (await _store.RunAsync("costs", "--json")).Lines[..^1];

        Assert.NotEmpty(costs);
        Assert.Equal(costs, stats);
    }

    private Task<TestStore> WriteAsync() => _store.WriteAsync(async journals =>
    {
        var one = await journals.StartAsync("r-a");
        var (amount, spent) = (new Spending { Calls = 1, Micros = 5_000 }, new Spending { Calls = 1, Micros = 700, Microseconds = 7_000 });
        await journals.AppendAsync(one, EntryKinds.BudgetReserved, new BudgetReserved("analyst", "m-fast", amount), step: "turn-1/-/1", scope: "analyst/fast");
        await journals.AppendAsync(
            one, EntryKinds.StepCompleted, new StepCompleted(null, Journals.Json("null"), 7_000, 1, new ModelCall("m-fast", [], Journals.Json("[]"), "stop", 0, 0), "model", null, new Settlement(amount, spent)),
            step: "turn-1/-/1", scope: "analyst/fast");
        await journals.AppendAsync(one, EntryKinds.ToolRejected, new ToolRejected("analyst", "fast", 1, "c1", "whois", null, "unknown_tool", "none"), step: "call-1.0/-/1", scope: "analyst/fast");
        await DecideAsync("d-1", 0.4, stands: false);
        await journals.AppendAsync(one, EntryKinds.EscalationRaised, new EscalationRaised("analyst", "fast", "person", "low_confidence", "0.4 is below 0.9"), scope: "analyst/fast");
        await journals.AskAsync(one);
        await journals.AppendAsync(one, EntryKinds.ApprovalAnswered, new ApprovalAnswered("yes"), visit: 1, step: "approval/-/1", actor: "person:anna");
        await journals.AppendAsync(one, EntryKinds.RunLeased, new RunLeased("w-1"));
        await DecideAsync("d-2", 0.95, stands: true);
        await journals.AppendAsync(one, EntryKinds.DecisionJudged, new DecisionJudged("d-2", "right"));
        await journals.FailAsync(one);
        await journals.CompleteAsync(await journals.StartAsync("r-b"));

        Task DecideAsync(string id, double confidence, bool stands) => journals.AppendAsync(
            one, EntryKinds.DecisionMade, new DecisionMade(id, "analyst", "close", Journals.Json("{}"), confidence, new Dictionary<string, double>(), [], "fast", "m-fast", stands), scope: "analyst/fast");
    });
}

public sealed class Drawing_workflows : IDisposable
{
    private readonly TestStore _store = new();

    public void Dispose() => _store.Dispose();

    [Fact]
    public async Task Marks_the_path_of_a_run()
    {
        await _store.WriteAsync(async journals =>
        {
            var run = await journals.StartAsync("r-a");
            await journals.EnterAsync(run, "Start", "Ask", "it is shut", 2);
            await journals.EnterAsync(run, "Ask", "Start", "nobody knows", 3);
        });

        Assert.Equal(Journals.Door.ToMermaid(), (await _store.RunAsync("diagram", "door")).Output);
        Assert.Equal(
            Journals.Door.ToMermaid() +
            """
                note right of Start : 2 visits
                classDef visited fill:#dbeafe,stroke:#1d4ed8,color:#111827
                classDef current fill:#1d4ed8,stroke:#1d4ed8,color:#ffffff
                class Ask visited
                class Start current

            """,
            (await _store.RunAsync("diagram", "r-a")).Output);
    }

    [Fact]
    public async Task Says_what_there_is_no_diagram_of()
    {
        await _store.WriteAsync(async journals => await journals.StartAsync("r-a"));

        Assert.StartsWith("definition_not_found: ", (await _store.RunAsync("diagram", "window")).Error, StringComparison.Ordinal);
    }
}
