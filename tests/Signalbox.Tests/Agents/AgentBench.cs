using Microsoft.Extensions.AI;
using Signalbox.Testing;

namespace Signalbox.Tests.Agents;

/// <summary>An answer of the tests' agent.</summary>
public sealed record Verdict(string Decision, double Confidence, IReadOnlyList<string>? Reasons = null);

/// <summary>
/// A world in which state One asks an agent about 192.0.2.7 and goes to Done with what stands, or to Three with why a person must decide. Two tiers with a model each: fast and strong.
/// </summary>
internal sealed record AgentWorld
{
    public ManualClock Clock { get; init; } = new();

    public required IChatClient Fast { get; init; }

    public IChatClient? Strong { get; init; }

    public ModelOptions FastOptions { get; init; } = new() { Price = new Price(1, 5), OutputTokensMax = 100 };

    public Ladder Ladder { get; init; } = new(new Tier("fast", "fast-1"), new Tier("strong", "strong-1"));

    public Agent<Verdict> Agent { get; init; } = NewAgent();

    public Budget Budget { get; init; } = Budget.Default;

    public IReadOnlyList<Tool> Tools { get; init; } = [];

    /// <summary>The tools that the state gives; by default all there are.</summary>
    public string[]? Given { get; init; }

    public Func<Verdict, string?>? Objection { get; init; }

    public IReadOnlyList<IEvidence> Evidence { get; init; } = [];

    public Action<SignalboxBuilder> More { get; init; } = _ => { };

    /// <summary>Is passed after the decision, before the transition.</summary>
    public Gate? Gate { get; init; }

    /// <summary>Whether the handler throws after the decision.</summary>
    public Func<bool> Fails { get; init; } = () => false;

    public HarnessOptions Options { get; init; } = new();

    /// <summary>The decision that the handler was last given.</summary>
    public Decision<Verdict>? Last { get; private set; }

    public static Agent<Verdict> NewAgent() => new("judge")
    {
        Instructions = "You judge addresses.",
        Confidence = v => v.Confidence,
        Kind = v => v.Decision,
        Reasons = v => v.Reasons ?? [],
    };

    public static ScriptedReply Says(string decision, double confidence) => ScriptedReply.Json(new Verdict(decision, confidence, ["because"]));

    public Action<SignalboxBuilder> Configure => signalbox =>
    {
        signalbox.AddModel("fast-1", Fast, FastOptions);
        signalbox.AddModel("strong-1", Strong ?? new ScriptedChatClient(Clock), new ModelOptions { Price = new Price(3, 15), OutputTokensMax = 100 });
        signalbox.UseLadder(Ladder).UseBudget(Budget);
        foreach (var tool in Tools)
        {
            signalbox.AddTool(tool);
        }

        More(signalbox);
        signalbox.Add(new Flow(AskAsync) { Agent = "judge", Tools = Given ?? [.. Tools.Select(t => t.Name)], Also = [(Step.One, Step.Three)] });
    };

    public Task<Bench> StartAsync() => Bench.StartAsync(Configure, options: Options with { Clock = Clock });

    private async Task<Next> AskAsync(Visit<Step, Note> visit)
    {
        var decision = await visit.Decide(Agent, new DecisionRequest<Verdict> { Messages = [new ChatMessage(ChatRole.User, "192.0.2.7")], Evidence = Evidence, Objection = Objection });
        Last = decision;
        await (Gate?.PassAsync() ?? Task.CompletedTask);
        if (Fails())
        {
            throw new InvalidOperationException("It fails on purpose.");
        }

        return decision.Stands
            ? visit.GoTo(Step.Done, new Note($"{decision.Answer!.Decision} by {decision.Tier}"), because: decision.Kind)
            : visit.GoTo(Step.Three, new Note($"person: {decision.Reason}"), because: decision.Why);
    }
}
