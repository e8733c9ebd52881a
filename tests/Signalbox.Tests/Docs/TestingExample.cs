using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Docs;

// docs/testing.md shows what stands between the two markers; The_documents compares.
// <testing>
public sealed class A_refund
{
    [Fact]
    public async Task Asks_a_person_when_the_model_is_unsure()
    {
        var clock = new ManualClock();
        var model = new ScriptedChatClient(clock, ScriptedReply.Json(new Opinion(Pay: true, Confidence: 0.3, "not sure")));
        await using var harness = await WorkflowHarness.StartAsync(Refunds(model, new Orders()), new HarnessOptions { Clock = clock });

        var run = await harness.StartRunAsync("refund", new RefundCase("o-1", 12.5m));
        await harness.RunUntilIdleAsync();
        Assert.Equal(RunStatus.Waiting, (await harness.GetAsync(run)).Status);

        await harness.Client().AnswerAsync(run, "yes");
        await harness.RunUntilIdleAsync();
        Assert.Equal("Done", (await harness.GetAsync(run)).State);
    }

    [Fact]
    public async Task Pays_once_wherever_a_worker_dies() => await CrashTest.RunAsync(() =>
    {
        var orders = new Orders();
        var model = ScriptedChatClient.ByTurn(
            TimeProvider.System,
            ScriptedReply.ToolCall("order_history", new Dictionary<string, object?> { ["order"] = "o-1" }),
            ScriptedReply.Json(new Opinion(Pay: true, Confidence: 0.9, "nothing came back")));
        return new CrashScenario
        {
            Configure = Refunds(model, orders),
            Drive = async harness =>
            {
                await harness.StartRunAsync("refund", new RefundCase("o-1", 12.5m), key: "ticket-4711");
                await harness.RunUntilIdleAsync();
            },
            Effects = () => orders.Paid,
        };
    });

    private static Action<SignalboxBuilder> Refunds(IChatClient model, Orders orders) => signalbox =>
    {
        signalbox.Services.AddSingleton(orders);
        signalbox.AddWorkflow<RefundFlow>().AddAction<PayBack, PayBackHandler>("pay_back").AddTool(OrderHistory.Tool);
        signalbox.AddModel("scripted", model).UseLadder(new Ladder(new Tier("only", "scripted")));
    };
}

// </testing>
