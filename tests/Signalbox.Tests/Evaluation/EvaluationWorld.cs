using System.Globalization;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Evaluation;

/// <summary>
/// A workflow whose cases say themselves what the tiers answer: <c>fast=block@0.6 strong=allow@0.9</c>. What stands ends in Done, the rest asks a person in Three. Other words: <c>fail</c>,
/// <c>close</c> (without asking anybody), <c>forever</c> (waits for a signal that never comes), <c>forbidden</c> (the workflow objects to any answer), <c>slow</c> (a model takes two seconds).
/// </summary>
internal sealed class EvaluationWorld
{
    public ManualClock Clock { get; } = new();

    public Ladder Ladder { get; init; } = new(new Tier("fast", "fast-1"), new Tier("strong", "strong-1"));

    public string Name { get; init; } = "flow";

    public Action<SignalboxBuilder> Configure => signalbox => signalbox
        .AddModel("fast-1", new CaseModel("fast", Clock), new ModelOptions { Price = new Price(1, 5), OutputTokensMax = 100 })
        .AddModel("strong-1", new CaseModel("strong", Clock), new ModelOptions { Price = new Price(10, 50), OutputTokensMax = 100 })
        .UseLadder(Ladder)
        .Add(new Flow(AskAsync, Three: AskPersonAsync) { Name = Name, Agent = "judge", Also = [(Step.One, Step.Three)] });

    public Task<Bench> StartAsync() => Bench.StartAsync(Configure, options: new HarnessOptions { Clock = Clock });

    /// <summary>Evaluates within the simulation, so that the order of everything follows from the seed.</summary>
    public static async Task<EvaluationReport> RunAsync(
        Bench bench, Evaluation<Note> evaluation, IReadOnlyList<EvaluationCase<Note>> cases, string configuration = "both", IProgress<EvaluationProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var process = bench.Harness.Scheduler.CreateProcess("evaluation");
        var evaluating = Task.Factory.StartNew(() => evaluation.RunAsync(bench.Harness.Client(), cases, configuration, progress, cancellationToken), CancellationToken.None, TaskCreationOptions.None, process).Unwrap();
        for (var i = 0; i < 100 && !evaluating.IsCompleted; i++)
        {
            await bench.Harness.RunUntilIdleAsync();
            await bench.Harness.AdvanceAsync(TimeSpan.FromSeconds(30));
        }

        Assert.True(evaluating.IsCompleted);
        return await evaluating;
    }

    public static EvaluationCase<Note> Case(string id, string text, string? right = null, params string[] harmful) =>
        new(id, new Note(text), right is null ? null : new Truth(right.Split('|')) { Harmful = harmful });

    private static async Task<Next> AskAsync(Visit<Step, Note> visit)
    {
        var text = visit.Case.Text;
        switch (text)
        {
            case "fail":
                throw new InvalidOperationException("this case fails");
            case "close":
                return visit.GoTo(Step.Done, new Note("close"));
            case "forever":
                await visit.WaitFor<Note>("never");
                break;
        }

        var decision = await visit.Decide(Agents.AgentWorld.NewAgent(), new DecisionRequest<Agents.Verdict>
        {
            Messages = [new ChatMessage(ChatRole.User, text)],
            Objection = _ => text.Contains("forbidden", StringComparison.Ordinal) ? "nothing may be done here" : null,
        });
        return decision.Stands ? visit.GoTo(Step.Done, new Note(decision.Answer!.Decision)) : visit.GoTo(Step.Three, because: decision.Why);
    }

    private static async Task<Next> AskPersonAsync(Visit<Step, Note> visit)
    {
        var answer = await visit.Approve(new Question("What now?", "block", "allow"));
        return visit.GoTo(Step.Done, new Note(answer.Choice));
    }

    /// <summary>A model that answers what the case tells its tier to, and breaks where it tells it nothing.</summary>
    private sealed class CaseModel(string tier, TimeProvider clock) : IChatClient
    {
        public async Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default)
        {
            var text = messages.First(m => m.Role == ChatRole.User).Text;
            var reply = text.Split(' ').FirstOrDefault(word => word.StartsWith(tier + "=", StringComparison.Ordinal)) is { } told
                && told[(tier.Length + 1)..].Split('@') is [var kind, var sure]
                ? ScriptedReply.Json(new Agents.Verdict(kind, double.Parse(sure, CultureInfo.InvariantCulture)))
                : ScriptedReply.Throw(new ModelException(ModelTrouble.InvalidRequest, "it is told nothing"));
            using var one = new ScriptedChatClient(clock, text.Contains("slow", StringComparison.Ordinal) ? reply.After(TimeSpan.FromSeconds(2)) : reply) { Model = tier + "-1" };
            return await one.GetResponseAsync(messages, options, cancellationToken);
        }

        public async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
            IEnumerable<ChatMessage> messages, ChatOptions? options = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            foreach (var update in (await GetResponseAsync(messages, options, cancellationToken)).ToChatResponseUpdates())
            {
                yield return update;
            }
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => serviceType.IsInstanceOfType(this) ? this : null;

        public void Dispose()
        {
        }
    }
}
