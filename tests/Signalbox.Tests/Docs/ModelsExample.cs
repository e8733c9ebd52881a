using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Docs;

// docs/testing.md shows what stands between the two markers; The_documents compares.
// <models>
public sealed class A_refund_whose_model
{
    private static readonly string s_file = Path.Combine(AppContext.BaseDirectory, "refund.jsonl");

    [Fact]
    public async Task Was_recorded_is_decided_without_it()
    {
        using (var recording = RecordingChatClient.RecordOrReplay(RealModel(), s_file))   // asks only for what the file lacks
        {
            Assert.Equal("Done", await StateAfterAsync(recording));
        }

        using var replay = RecordingChatClient.Replay(s_file);                            // never asks anybody
        Assert.Equal("Done", await StateAfterAsync(replay));
    }

    [Fact]
    public async Task Does_its_worst_ends_or_waits_for_a_person()
    {
        for (var seed = 1ul; seed <= 50; seed++)
        {
            var clock = new ManualClock();
            var model = new MaliciousChatClient(seed) { Clock = clock, Obey = 0.2, TextCharacters = 10_000 };
            Assert.True(await StateAfterAsync(model, clock, seed) is "Done" or "AskPerson", $"seed {seed}: {string.Join(", ", model.Moves)}");
        }
    }

    private static async Task<string> StateAfterAsync(IChatClient model, ManualClock? clock = null, ulong seed = 1)
    {
        await using var harness = await WorkflowHarness.StartAsync(
            signalbox =>
            {
                signalbox.Services.AddSingleton<Orders>();
                signalbox.AddWorkflow<RefundFlow>().AddAction<PayBack, PayBackHandler>("pay_back").AddTool(OrderHistory.Tool);
                signalbox.AddModel("tested", model).UseLadder(new Ladder(new Tier("only", "tested")));
            },
            new HarnessOptions { Clock = clock ?? new ManualClock(), Seed = seed });
        var run = await harness.StartRunAsync("refund", new RefundCase("o-1", 12.5m));
        await harness.RunUntilIdleAsync();
        return (await harness.GetAsync(run)).State;
    }

    private static ScriptedChatClient RealModel() =>   // an Anthropic or OpenAI client in life
        new(TimeProvider.System, ScriptedReply.Json(new Opinion(Pay: true, Confidence: 0.9, "a regular customer")).Used(input: 210, output: 24));
}

// </models>
