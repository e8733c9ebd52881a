using Signalbox.Testing;
using Xunit;
using static Signalbox.Tests.Agents.AgentWorld;

namespace Signalbox.Tests.Agents;

public sealed class Samples_that_act
{
    /// <summary>The first sample is sure at once; each further one first blocks an address that no other blocks, so that two act side by side.</summary>
    private static CrashScenario Scenario()
    {
        var clock = new ManualClock();
        var target = new FaultyTarget();
        var calls = 0;
        var fast = ScriptedChatClient.Answering(clock, request => ++calls == 1 || request.Turn > 1
            ? Says("block", 0.9)
            : ScriptedReply.ToolCall("quarantine", new Dictionary<string, object?> { ["address"] = $"192.0.2.{calls}" }));
        var world = new AgentWorld
        {
            Clock = clock,
            Fast = fast,
            Tools = [Tool.Act<Block>("quarantine", "Blocks an address.")],
            Ladder = new Ladder(new Tier("fast", "fast-1") { Samples = 3 }),
        };
        return new CrashScenario
        {
            Configure = Bench.Configured(world.Configure, target),
            Drive = async harness =>
            {
                await harness.StartRunAsync("flow", new Note(), "k");
                await harness.RunUntilIdleAsync();
            },
            Check = harness => Bench.CheckAsync(harness, target),
        };
    }

    [Fact]
    public async Task Side_by_side_hold_no_run_for_what_one_of_them_did_before_a_crash() => Assert.True((await CrashTest.RunAsync(Scenario)).Crashes > 50);
}
