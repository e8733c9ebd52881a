using Xunit;

namespace Signalbox.Tests.Runs;

public sealed class Limits
{
    [Fact]
    public async Task Of_visits_fail_a_run_that_goes_in_circles()
    {
        await using var bench = await StartAsync(new RunLimits { VisitsOfARunMax = 5 }, new Flow(Flow.GoesTo(Step.Two), Flow.GoesTo(Step.One)) { Also = [(Step.Two, Step.One)] });

        var row = await bench.RunAsync();
        Assert.Equal((RunStatus.Failed, TroubleCodes.LimitReached), (row.Status, row.ReasonCode));
        Assert.Equal("The run has had 5 visits, which is the limit (VisitsOfARunMax); it wanted to go from 'One' to 'Two'.", row.Reason);
    }

    [Fact]
    public async Task Of_steps_fail_a_visit_that_takes_no_end()
    {
        await using var bench = await StartAsync(new RunLimits { StepsOfAVisitMax = 10 }, new Flow(async visit =>
        {
            try
            {
                for (var i = 0; ; i++)
                {
                    await visit.Read("count", i, (n, _) => Task.FromResult(n));
                }
            }
            catch (Exception)
            {
                return visit.GoTo(Step.Done); // no handler turns a limit into a success
            }
        }));

        var row = await bench.RunAsync();
        Assert.Equal((RunStatus.Failed, "State 'One' has taken 10 steps in one visit, which is the limit (StepsOfAVisitMax)."), (row.Status, row.Reason));
    }

    [Fact]
    public async Task Of_active_time_fail_a_handler_that_hangs()
    {
        await using var bench = await StartAsync(new RunLimits { ActiveTimeOfAVisitMax = TimeSpan.FromMinutes(30) }, new Flow(async visit =>
        {
            await new TaskCompletionSource().Task;
            return visit.GoTo(Step.Done);
        }));

        var row = await bench.RunAsync();
        Assert.Equal((RunStatus.Failed, "State 'One' was at work for 30 min, which is the limit (ActiveTimeOfAVisitMax)."), (row.Status, row.Reason));
    }

    [Fact]
    public async Task Of_active_time_do_not_count_what_is_waited_for_durably()
    {
        await using var bench = await StartAsync(new RunLimits { ActiveTimeOfAVisitMax = TimeSpan.FromMinutes(30) }, new Flow(async visit =>
        {
            await visit.Delay(TimeSpan.FromDays(10));
            return visit.GoTo(Step.Done);
        }));

        Assert.Equal(RunStatus.Completed, (await bench.RunAsync()).Status);
    }

    [Fact]
    public async Task Of_size_fail_a_run_whose_next_case_is_too_large()
    {
        await using var bench = await StartAsync(new RunLimits { ResultBytesMax = 1000 }, new Flow(visit => Task.FromResult(visit.GoTo(Step.Done, new Note(new string('x', 2000))))));

        var row = await bench.RunAsync();
        Assert.Equal(RunStatus.Failed, row.Status);
    }

    private static Task<Bench> StartAsync(RunLimits limits, Flow flow) => Bench.StartAsync(signalbox =>
    {
        signalbox.Limits = limits;
        signalbox.Add(flow);
    });
}
