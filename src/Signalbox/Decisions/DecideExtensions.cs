using Microsoft.Extensions.AI;

namespace Signalbox;

/// <summary>What an agent is asked to decide, beside its instructions.</summary>
public sealed record DecisionRequest<TAnswer>
{
    /// <summary>The question, as messages. Text from outside belongs into them as data, marked as such.</summary>
    public required IReadOnlyList<ChatMessage> Messages { get; init; }

    /// <summary>What was gathered before; what of it is missing caps the confidence.</summary>
    public IReadOnlyList<IEvidence> Evidence { get; init; } = [];

    /// <summary>
    /// The workflow's own rule: why an answer must not stand whoever gave it, or null. Decided by code alone, from what it closes over. An objection sends the decision up the ladder.
    /// </summary>
    public Func<TAnswer, string?>? Objection { get; init; }
}

/// <summary>Agents and the ladder.</summary>
public static class DecideExtensions
{
    /// <summary>
    /// Asks an agent that the state declares. Its tiers are asked in turn: a decision at or above a tier's threshold stands; between the thresholds, or when a tier gives no answer, the next tier decides,
    /// and is told what was found and said before; below, or after the last, a person must. Everything is recorded step by step: a crash goes on where it was. Model trouble, tools that do not exist,
    /// limits and budgets never throw: they climb.
    /// </summary>
    /// <exception cref="InvalidOperationException">The state does not declare the agent.</exception>
    public static Task<Decision<TAnswer>> Decide<TAnswer>(this VisitScope visit, Agent<TAnswer> agent, DecisionRequest<TAnswer> request)
    {
        ArgumentNullException.ThrowIfNull(visit);
        ArgumentNullException.ThrowIfNull(agent);
        ArgumentNullException.ThrowIfNull(request);
        return DecideAsync();

        async Task<Decision<TAnswer>> DecideAsync()
        {
            await visit.Engine.Context.EnterAsync();
            return await new LadderClimb<TAnswer>(visit, agent, request).DecideAsync();
        }
    }

    /// <summary>The same for one question in words.</summary>
    public static Task<Decision<TAnswer>> Decide<TAnswer>(this VisitScope visit, Agent<TAnswer> agent, string question, params IReadOnlyList<IEvidence> evidence) =>
        visit.Decide(agent, new DecisionRequest<TAnswer> { Messages = [new ChatMessage(ChatRole.User, question)], Evidence = evidence });

    /// <summary>
    /// Records what became of a decision: whether it was right. A decision that nobody judges is <em>unknown</em>, never right. The first judgement of a decision in this visit counts here.
    /// </summary>
    public static Task Judge<TAnswer>(this VisitScope visit, Decision<TAnswer> decision, bool right, string because)
    {
        ArgumentNullException.ThrowIfNull(visit);
        ArgumentNullException.ThrowIfNull(decision);
        return decision.Id.Length == 0
            ? Task.CompletedTask
            : visit.Engine.FactAsync(
                visit.ScopeName, "judge-" + decision.Id,
                step => visit.Engine.Draft(
                    Journal.EntryKinds.DecisionJudged, step, Journal.Body.Write(new Journal.DecisionJudged(decision.Id, right ? "right" : "wrong")), because));
    }

    /// <summary>
    /// Asks for each item side by side, each in a branch of its own under its name, and waits for all: several agents in one state, or one agent about several things.
    /// </summary>
    public static async Task<IReadOnlyList<TResult>> FanOut<TItem, TResult>(this VisitScope visit, IReadOnlyList<TItem> items, Func<TItem, string> name, Func<VisitScope, TItem, Task<TResult>> ask)
    {
        ArgumentNullException.ThrowIfNull(visit);
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(ask);
        return await Task.WhenAll(items.Select(item => visit.Branch(name(item), scope => ask(scope, item))));
    }
}
