using Signalbox.Testing;

namespace MessageTriage.Tests;

public sealed class Crashing_anywhere
{
    [Fact]
    public async Task Comes_to_the_same_label()
    {
        var report = await CrashTest.RunAsync(() => new CrashScenario
        {
            Configure = TriageDesk.Configure,
            Drive = async harness =>
            {
                await harness.StartRunAsync(RouteByBoth.WorkflowName, new MessageCase("Our package: delayed!", ["parcel_is_late", "parcel_is_lost", "out_of_scope"]), key: "m-1");
                await harness.RunUntilIdleAsync();
            },
        });
        Assert.True(report.Crashes > 20);
    }
}
