using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Runs;

public sealed class A_workflow_that_crashes_anywhere
{
    [Fact]
    public async Task Ends_as_without_the_crash()
    {
        var report = await CrashTest.RunAsync(() =>
        {
            var target = new FaultyTarget();
            var flow = new Flow(
                async visit =>
                {
                    var n = await visit.Read("count", visit.Case.Text, (text, _) => Task.FromResult(text.Length));
                    var both = await Task.WhenAll(
                        visit.Branch("a", b => b.Read("x", async _ => { await Task.Yield(); return 1; })),
                        visit.Branch("b", b => b.Read("x", async _ => { await Task.Yield(); return 2; })));
                    return visit.GoTo(Step.Two, visit.Case with { Number = n + both.Sum() });
                },
                async visit =>
                {
                    var signal = await visit.WaitFor<string>("go");
                    await visit.Delay(TimeSpan.FromHours(2));
                    var answer = await visit.Approve(new Question("Block it?", "yes", "no"));
                    return visit.GoTo(Step.Three, visit.Case with { Text = signal.Value + answer.Choice });
                },
                async visit =>
                {
                    var outcome = await visit.Act(new Block("192.0.2.1"));
                    return outcome.Match(_ => visit.GoTo(Step.Done), _ => visit.GoTo(Step.Bad), _ => visit.GoTo(Step.Bad), _ => visit.GoTo(Step.Bad));
                });
            return new CrashScenario
            {
                Configure = Bench.Configured(s => s.Add(flow), target),
                Drive = async harness =>
                {
                    var run = await harness.StartRunAsync("flow", new Note("hello"));
                    await harness.RunUntilIdleAsync();
                    Assert.True((await harness.Client().SignalAsync(run, "go", "now")).IsAccepted);
                    await harness.RunUntilIdleAsync();
                    Assert.True((await harness.Client().AnswerAsync(run, "yes")).IsAccepted);
                    await harness.RunUntilIdleAsync();
                },
                Effects = target.Tell,
                Check = harness => Bench.CheckAsync(harness, target),
            };
        });
        TestContext.Current.TestOutputHelper!.WriteLine(report.ToString());
        Assert.True(report.Appends > 10);
    }
}
