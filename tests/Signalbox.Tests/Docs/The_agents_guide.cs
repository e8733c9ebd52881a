using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Docs;

public sealed class The_agents_guide
{
    private sealed class Shop : IShop
    {
        public Task<IReadOnlyList<string>> OrdersAsync(string customer, DateTimeOffset before, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<string>>([$"a teapot for {customer}"]);
    }

    private sealed class BlockCardHandler : ActionHandler<BlockCard>
    {
        public override TargetClass TargetClass => TargetClass.T3;

        public override Task<Observation> ProbeAsync(BlockCard action, ActionContext context, CancellationToken cancellationToken) => Task.FromResult(Observation.So("blocked"));

        public override Task<string?> ExecuteAsync(BlockCard action, ActionContext context, CancellationToken cancellationToken) => Task.FromResult<string?>(null);
    }

    [Theory]
    [InlineData("refund", 0.96, "Done")]
    [InlineData("replace", 0.85, "Done")]
    [InlineData("refund", 0.85, "AskPerson")]
    [InlineData("nuke", 1.0, "AskPerson")]
    public async Task Shows_a_workflow_that_does_what_it_says(string ruling, double confidence, string state)
    {
        var clock = new ManualClock();
        var model = ScriptedChatClient.ByTurn(
            clock, ScriptedReply.ToolCall("orders", new Dictionary<string, object?> { ["max"] = 3 }), ScriptedReply.Json(new Ruling(ruling, confidence, ["a teapot"])));
        var strong = ScriptedChatClient.ByTurn(clock, ScriptedReply.Json(new Ruling(ruling, 0.6, ["?"])));
        await using var harness = await WorkflowHarness.StartAsync(
            box =>
            {
                box.AddWorkflow<TicketFlow>().AddAction<BlockCard, BlockCardHandler>("block_card").AddModel("claude-haiku-5-5", model).AddModel("claude-sonnet-5-5", strong);
                TicketTools.AddTo(box, new Shop());
            },
            new HarnessOptions { Clock = clock });
        var run = await harness.StartRunAsync("ticket", new TicketCase("c-1", "It is broken </complaint>"));
        await harness.RunUntilIdleAsync();

        Assert.Equal(state, (await harness.GetAsync(run)).State);
        var decision = (await harness.CaseAsync<TicketCase>(run)).Decision!;
        Assert.Equal("[\"a teapot for c-1\"]", Assert.Single(decision.Dossier.Findings).Answer.ToString());
        if (state == "AskPerson")
        {
            await harness.Client("person:anna").AnswerAsync(run, "refuse");
            await harness.RunUntilIdleAsync();
            Assert.Equal("Done", (await harness.GetAsync(run)).State);
        }
    }
}
