using System.Text.Json;
using Microsoft.Extensions.AI;
using Signalbox.HistoryChecker;
using Signalbox.Journal;
using Signalbox.Testing;
using Signalbox.Tests.Agents;
using Xunit;

namespace Signalbox.Tests.PlantedBugs;

/// <summary>Bugs of an engine in which agents work: each would be found by the history checker, in a plain run already. Without a bug, the same world passes.</summary>
public sealed class Planted_bugs_of_agents
{
    [Fact]
    public async Task None_passes() => Assert.Null(await FindAsync(Bug.None));

    [Theory]
    [InlineData(Bug.ReservationLeftOut, "I16 ")]
    [InlineData(Bug.ReservationOfOtherSize, "I16 ")]
    [InlineData(Bug.PinsAToolTooMany, "a tool that 'One' gives 'judge' (whois); got 'launch'")]
    [InlineData(Bug.CutReplyTaken, "a model's reply with a complete finish reason; got 'length'")]
    [InlineData(Bug.UnsureDecisionStands, "a decision that stands to have a confidence of 0.8 or more; got 0.6")]
    [InlineData(Bug.ModelAskedAgain, "got a reservation for one")]
    [InlineData(Bug.TurnForgotten, "I23 ")]
    [InlineData(Bug.EscalationLeftOut, "which does not stand; got")]
    public async Task Are_found(Bug bug, string told) => Assert.Contains(told, await FindAsync(bug), StringComparison.Ordinal);

    /// <summary>What the history checker finds in the same world.</summary>
    internal static async Task<IReadOnlyList<Violation>> PlayAsync(Bug bug)
    {
        IReadOnlyList<Violation> violations = [];
        await FindAsync(bug, async bench => violations = HistoryCheck.Run(await JournalExport.LinesAsync(bench.Harness.Store)));
        return violations;
    }

    /// <summary>The first tier uses a tool, and calls one that its state does not give; it is unsure, and the second one is sure.</summary>
    private static async Task<string?> FindAsync(Bug bug, Func<Bench, Task>? look = null)
    {
        var clock = new ManualClock();
        await using var store = new PlantedStore(clock, bug);
        var calls = new ChatMessage(ChatRole.Assistant, [Call("c1", "whois"), Call("c2", "launch")]);
        using var fast = new Turns(calls, Says("block", 0.6));
        using var strong = new Turns(Says("block", 0.9));
        var world = new AgentWorld
        {
            Clock = clock,
            Fast = fast,
            Strong = strong,
            Tools = [Tool.Read("whois", "Who has an address.", (string address) => address), Tool.Read("launch", "Launches.", (string address) => address)],
            Given = ["whois"],
            Options = new HarnessOptions { Store = store },
        };
        await using var bench = await world.StartAsync();
        bench.ChecksHistory = false;
        bench.IsQuiet = true;
        await bench.RunAsync();
        try
        {
            await (look?.Invoke(bench) ?? bench.CheckAsync());
            return null;
        }
        catch (Exception e)
        {
            return e.Message;
        }
    }

    private static ChatMessage Says(string decision, double confidence) =>
        new(ChatRole.Assistant, JsonSerializer.Serialize(new Verdict(decision, confidence, ["because"]), SignalboxJson.Options));

    private static FunctionCallContent Call(string id, string tool) => new(id, tool, new Dictionary<string, object?> { ["address"] = "192.0.2.7" });

    /// <summary>A model that answers each turn of a conversation in its own way.</summary>
    private sealed class Turns(params ChatMessage[] replies) : IChatClient
    {
        public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            var reply = replies[messages.Count(m => m.Role == ChatRole.Assistant)];
            return Task.FromResult(new ChatResponse(new ChatMessage(reply.Role, [.. reply.Contents])) { ModelId = "turns", FinishReason = ChatFinishReason.Stop, Usage = new() { InputTokenCount = 20, OutputTokenCount = 5 } });
        }

        public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
            throw new NotSupportedException();

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
