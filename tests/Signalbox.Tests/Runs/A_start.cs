using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Runs;

public sealed class A_start
{
    [Fact]
    public async Task Under_a_key_that_has_a_run_finds_that_run()
    {
        await using var bench = await Bench.OfAsync(new Flow(Flow.GoesTo(Step.Done)));
        var client = bench.Harness.Client();
        var first = await client.StartAsync("flow", new Note("one"), "k-1");
        await bench.Harness.RunUntilIdleAsync();
        var second = await client.StartAsync("flow", new Note("two"), "k-1");
        var other = await client.StartAsync("flow", new Note("three"), "k-2");

        Assert.Equal((true, false, true), (first.IsNew, second.IsNew, other.IsNew));
        Assert.Equal(first.Run, second.Run);
        Assert.Equal("one", (await bench.Harness.CaseAsync<Note>(first.Run)).Text);
        Assert.Equal(first.Run, (await client.FindAsync("flow", "k-1"))!.Run);
        await bench.Harness.RunUntilIdleAsync();
    }

    [Fact]
    public async Task Of_a_workflow_that_the_program_lacks_says_what_it_has()
    {
        await using var bench = await Bench.StartAsync(s => s.Add(new Flow(Flow.GoesTo(Step.Done))).Add(new Flow(Flow.GoesTo(Step.Done)) { Version = 2 }));

        var refused = await Assert.ThrowsAsync<ArgumentException>(() => bench.Harness.Client().StartAsync("flaw", new Note()));
        Assert.Equal("This program has no workflow 'flaw'; it has: flow v1, flow v2. (Parameter 'name')", refused.Message);
        refused = await Assert.ThrowsAsync<ArgumentException>(() => bench.Harness.Client().StartAsync("flow", new Note(), version: 3));
        Assert.Equal("This program has no workflow 'flow' v3; it has: flow v1, flow v2. (Parameter 'name')", refused.Message);
    }

    [Fact]
    public async Task With_the_case_of_another_workflow_is_refused()
    {
        await using var bench = await Bench.OfAsync(new Flow(Flow.GoesTo(Step.Done)));

        var refused = await Assert.ThrowsAsync<ArgumentException>(() => bench.Harness.Client().StartAsync("flow", new Block("x")));
        Assert.Equal("The case of workflow 'flow' v1 is a Note; got a Block. (Parameter 'case')", refused.Message);
    }

    [Fact]
    public async Task Is_on_record_with_its_labels_and_by_whom_before_any_worker_sees_it()
    {
        await using var bench = await Bench.OfAsync(new Flow(Flow.GoesTo(Step.Done)), options: new HarnessOptions { Seed = 3 });
        var labels = new Dictionary<string, string> { ["team"] = "blue" };
        var start = await bench.Harness.Client("person:anna").StartAsync("flow", new Note(), labels: labels);

        var row = await bench.Harness.GetAsync(start.Run);
        Assert.Equal((RunStatus.Pending, "One", 1, "blue"), (row.Status, row.State, row.Visit, row.Labels["team"]));
        Assert.All(await bench.Harness.JournalAsync(start.Run), e => Assert.Equal("person:anna", e.Actor));
    }

    [Fact]
    public async Task Of_a_run_that_is_not_there_is_what_commands_say()
    {
        await using var bench = await Bench.OfAsync(new Flow(Flow.GoesTo(Step.Done)));
        var client = bench.Harness.Client();
        var nobody = new RunId("r-nobody");
        foreach (var result in new[]
        {
            await client.SignalAsync(nobody, "go", 1), await client.AnswerAsync(nobody, "yes"), await client.CancelAsync(nobody, "x"), await client.RetryAsync(nobody, "x"),
            await client.ReleaseAsync(nobody, ReleaseVerb.Retry), await client.ReleaseAsync(nobody, ReleaseVerb.Abandon),
        })
        {
            Assert.Equal(("run_not_found", "The store has no run 'r-nobody'. See: signalbox runs", false), (result.Code, result.Message, result.IsAccepted));
        }
    }
}
