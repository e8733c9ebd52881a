using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Runs;

public sealed class Runs_that_speak_to_each_other
{
    private static Flow Parent() => new(async visit =>
    {
        var children = await Task.WhenAll(
            visit.Branch("a", b => b.StartChild("child", new Note("", 1))),
            visit.Branch("b", b => b.StartChild("child", new Note("", 2))));
        var ends = await Task.WhenAll(children.Select((c, i) => visit.Branch($"end{i}", b => b.ChildEnd(c))));
        return visit.GoTo(Step.Done, new Note(string.Join(' ', ends.Select(e => $"{e.Status}:{e.State}"))));
    });

    private static Flow Child() => new(async visit =>
    {
        await visit.Delay(TimeSpan.FromMinutes(visit.Case.Number));
        return visit.GoTo(visit.Case.Number == 1 ? Step.Done : Step.Bad);
    })
    { Name = "child" };

    [Fact]
    public async Task Start_children_and_await_their_ends()
    {
        await using var bench = await Bench.StartAsync(signalbox => signalbox.Add(Parent()).Add(Child()));
        await bench.RunAsync();

        Assert.Equal("Completed:Done Failed:Bad", (await bench.NoteAsync()).Text);
        Assert.Equal(3, (await bench.Harness.RunsAsync()).Count);
        Assert.All((await bench.Harness.RunsAsync()).Where(r => r.Row.Workflow == "child"), r => Assert.Equal(bench.Run, r.Row.Parent));
    }

    [Fact]
    public async Task Start_each_child_once_and_hear_each_end_once_wherever_a_crash_comes()
    {
        await CrashTest.RunAsync(
            () => new CrashScenario
            {
                Configure = signalbox => signalbox.Add(Parent()).Add(Child()),
                Drive = async harness =>
                {
                    await harness.StartRunAsync("flow", new Note());
                    await harness.RunUntilIdleAsync();
                },
                Check = harness => Bench.CheckAsync(harness),
            },
            new CrashTestOptions { TasksMax = 60 });
    }

    [Fact]
    public async Task Learn_of_a_child_that_failed_was_canceled_or_was_abandoned()
    {
        Flow parent = new(async visit => visit.GoTo(Step.Done, new Note((await visit.ChildEnd(await visit.StartChild("child", new Note()))) is var end ? $"{end.Status}: {end.Reason}" : "")));
        Flow child = new(_ => throw new InvalidOperationException("no luck")) { Name = "child" };
        await using var bench = await Bench.StartAsync(signalbox => signalbox.Add(parent).Add(child));
        await bench.RunAsync();

        Assert.Equal("Failed: no luck", (await bench.NoteAsync()).Text);
    }

    [Fact]
    public async Task Fail_when_they_start_a_workflow_that_the_program_lacks()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.StartChild("nobody", new Note());
            return visit.GoTo(Step.Done);
        }));

        Assert.Equal("This program has no workflow 'nobody'; it has: flow v1. (Parameter 'name')", (await bench.RunAsync()).Reason);
    }

    [Fact]
    public async Task Send_each_signal_once_wherever_a_crash_comes()
    {
        await CrashTest.RunAsync(
            () => new CrashScenario
            {
                Configure = signalbox => signalbox
                    .Add(new Flow(async visit =>
                    {
                        await visit.Send(new RunId(visit.Case.Text), "news", 1);
                        await visit.Send(new RunId(visit.Case.Text), "news", 1);
                        return visit.GoTo(Step.Done);
                    }))
                    .Add(new Flow(async visit =>
                    {
                        var sum = 0;
                        while ((await visit.WaitFor<int>("news", TimeSpan.FromHours(1))) is { Arrived: true } signal)
                        {
                            sum += signal.Value;
                        }

                        return visit.GoTo(Step.Done, new Note("", sum));
                    })
                    { Name = "reader" }),
                Drive = async harness =>
                {
                    var reader = await harness.StartRunAsync("reader", new Note());
                    await harness.StartRunAsync("flow", new Note(reader.Value));
                    await harness.RunUntilIdleAsync();
                    Assert.Equal(2, (await harness.CaseAsync<Note>(reader)).Number);
                },
                Check = harness => Bench.CheckAsync(harness),
            },
            new CrashTestOptions { TasksMax = 60 });
    }

    [Fact]
    public async Task Go_on_when_the_other_one_has_ended_or_never_was()
    {
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await visit.Send(new RunId("r-nobody"), "news", 1);
            return visit.GoTo(Step.Done);
        }));

        Assert.Equal(RunStatus.Completed, (await bench.RunAsync()).Status);
        Assert.Single(await bench.EntriesAsync(EntryKinds.SignalSent));
    }
}
