using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Runs;

public sealed class Versions
{
    private static Flow Waiting(int version = 1, params (Step, Step)[] also) => new(async visit =>
    {
        await visit.WaitFor<int>("go");
        return visit.GoTo(Step.Done, new Note($"v{version}"));
    })
    { Version = version, Also = also };

    [Fact]
    public async Task Of_the_same_number_and_another_definition_are_refused_while_runs_are_open_and_the_runs_are_named()
    {
        await using var bench = await Bench.OfAsync(Waiting());
        var names = new List<RunId>();
        for (var i = 0; i < 12; i++)
        {
            names.Add(await bench.StartRunAsync());
        }

        await bench.IdleAsync();
        await bench.Harness.Worker.StopAsync();
        var refused = await Assert.ThrowsAsync<WorkflowFaultsException>(() => bench.Harness.StartWorkerAsync(signalbox => signalbox.Add(Waiting(1, (Step.One, Step.Three)))));

        Assert.Equal(
            "The workflows of this program cannot run, for 1 reason:\n  - Workflow 'flow' v1 has changed, and these open runs began under the definition it had before: "
            + string.Join(", ", names.AsEnumerable().Reverse().Take(10)) + ", …. Give the changed workflow version 2 and register both, or let the runs end first.",
            refused.Message);
    }

    [Fact]
    public async Task Of_the_same_number_and_another_definition_are_taken_when_no_run_is_open()
    {
        await using var bench = await Bench.OfAsync(Waiting());
        await bench.RunAsync();
        await bench.SignalAsync("go", 1);
        await bench.IdleAsync();
        await bench.Harness.CrashAndRestartAsync(signalbox => signalbox.Add(Waiting(1, (Step.One, Step.Three))));
        await bench.RunAsync();

        Assert.Equal(RunStatus.Waiting, (await bench.RowAsync()).Status);
    }

    [Fact]
    public async Task Run_side_by_side_and_each_run_stays_on_its_own()
    {
        await using var bench = await Bench.OfAsync(Waiting());
        var first = await bench.StartRunAsync();
        await bench.IdleAsync();
        await bench.Harness.CrashAndRestartAsync(signalbox => signalbox.Add(Waiting()).Add(Waiting(2, (Step.One, Step.Three))));
        var second = await bench.StartRunAsync();
        var old = await bench.Harness.StartRunAsync("flow", new Note(), version: 1);
        foreach (var run in new[] { first, second, old })
        {
            await bench.Harness.Client().SignalAsync(run, "go", 1);
        }

        await bench.IdleAsync();
        Assert.Equal(["v1", "v2", "v1"], await Task.WhenAll(new[] { first, second, old }.Select(async r => (await bench.Harness.CaseAsync<Note>(r)).Text)));
    }

    [Fact]
    public async Task Registered_twice_are_refused()
    {
        var refused = await Assert.ThrowsAsync<WorkflowFaultsException>(() => WorkflowHarness.StartAsync(signalbox => signalbox.Add(Waiting()).Add(Waiting())));

        Assert.Equal("The configuration of Signalbox cannot run, for 1 reason:\n  - Workflow 'flow' v1 is registered twice.", refused.Message);
    }

    [Fact]
    public async Task Of_a_run_that_are_not_there_any_more_leave_it_listed_and_untouched()
    {
        await using var bench = await Bench.OfAsync(Waiting());
        await bench.RunAsync();
        await bench.Harness.CrashAndRestartAsync(signalbox => signalbox.Add(Waiting(2)));
        await bench.SignalAsync("go", 1);
        await bench.Harness.AdvanceAsync(TimeSpan.FromMinutes(1));

        Assert.Equal((RunStatus.Pending, 1), ((await bench.RowAsync()).Status, (await bench.RowAsync()).Version));
    }
}
