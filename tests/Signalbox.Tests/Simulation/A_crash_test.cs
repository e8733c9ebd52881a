using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Simulation;

public sealed class A_crash_test
{
    /// <summary>A workflow that counts its entries in a field of the world, outside every record: what a crash test is there to find.</summary>
    private static CrashScenario Careless()
    {
        var count = 0;
        return new CrashScenario
        {
            Configure = signalbox => signalbox.Add(new Flow(async visit =>
            {
                count++;
                await visit.Read("something", _ => Task.FromResult(1));
                return visit.GoTo(Step.Done, new Note("", count));
            })),
            Drive = async harness =>
            {
                await harness.StartRunAsync("flow", new Note());
                await harness.RunUntilIdleAsync();
            },
        };
    }

    [Fact]
    public async Task Names_the_point_the_seed_and_the_difference()
    {
        var found = await Assert.ThrowsAsync<CrashTestException>(() => CrashTest.RunAsync(Careless, new CrashTestOptions { Seed = 3 }));

        Assert.StartsWith("With a crash before append 1 was written (seed 3) it ended otherwise than without.\n\nExpected:\nrun r-", found.Message, StringComparison.Ordinal);
        Assert.Contains("""case {"text":"","number":1}""", found.Message, StringComparison.Ordinal);
        Assert.Contains("""case {"text":"","number":2}""", found.Message, StringComparison.Ordinal);
        Assert.Contains("run.completed", found.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Repeats_a_replay_that_failed()
    {
        await Assert.ThrowsAsync<CrashTestException>(() => CrashTest.ReplayAsync(Careless, 3, new CrashPoint(CrashKind.BeforeAppend, 1)));
        await CrashTest.ReplayAsync(Careless, 3); // without a crash there is nothing to find
    }

    [Fact]
    public async Task Tries_each_append_before_and_after_each_lease_and_each_task()
    {
        var points = new HashSet<CrashPoint>();
        var report = await CrashTest.RunAsync(
            () => new CrashScenario
            {
                Configure = signalbox => signalbox.Add(new Flow(Flow.GoesTo(Step.Done))),
                Drive = async harness =>
                {
                    await harness.StartRunAsync("flow", new Note());
                    await harness.RunUntilIdleAsync();
                    points.UnionWith(harness.Crashes);
                },
            },
            new CrashTestOptions { RandomReplays = 0 });

        Assert.Equal((1, 1), (report.Appends, report.Leases));
        Assert.Equal(1 + 2 + 1 + report.Tasks, report.Replays);
        Assert.Equal(report.Replays - 1, report.Crashes);
        Assert.Equal(report.Crashes, points.Count);
    }
}
