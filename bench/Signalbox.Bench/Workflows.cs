using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.AI;

namespace Signalbox.Bench;

internal enum Phase { Work, Done }

internal sealed record StepsCase(int Steps, int Bytes = 0, int Seed = 0);

internal sealed record EmptyCase;

/// <summary>What the benchmarks watch in the workflows.</summary>
internal sealed class Watch
{
    public TaskCompletionSource<long> FirstEntered { get; set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Gate { get; set; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Dictionary<int, long> StepAt { get; } = [];

    public int Entered;
}

/// <summary>So many reads, one after the other. <c>Bytes</c>: each answers a text of that size that does not compress.</summary>
internal sealed class StepsFlow(Watch watch) : Workflow<Phase, StepsCase>("steps", 1)
{
    protected override void Define(StateMachine<Phase, StepsCase> states)
    {
        states.Start(Phase.Work, WorkAsync).To(Phase.Done);
        states.End(Phase.Done);
    }

    private async Task<Next> WorkAsync(Visit<Phase, StepsCase> visit)
    {
        Interlocked.Increment(ref watch.Entered);
        watch.FirstEntered.TrySetResult(Stopwatch.GetTimestamp());
        for (var i = 0; i < visit.Case.Steps; i++)
        {
            if (visit.Case.Bytes == 0)
            {
                await visit.Read("step", i, static (n, _) => Task.FromResult(n * 2));
            }
            else
            {
                await visit.Read("large", i, (n, _) => Task.FromResult(Noise(visit.Case.Bytes, visit.Case.Seed + n)));
            }
        }

        return visit.GoTo(Phase.Done);
    }

    private static string Noise(int length, int seed)
    {
        var bytes = new byte[length * 3 / 4];
        new Random(seed).NextBytes(bytes);
        return Convert.ToBase64String(bytes);
    }
}

/// <summary>Many recorded steps, then a gate that only a second process opens: what recovery has to read.</summary>
internal sealed class GateFlow(Watch watch) : Workflow<Phase, StepsCase>("gate", 1)
{
    protected override void Define(StateMachine<Phase, StepsCase> states)
    {
        states.Start(Phase.Work, WorkAsync).To(Phase.Done);
        states.End(Phase.Done);
    }

    private async Task<Next> WorkAsync(Visit<Phase, StepsCase> visit)
    {
        watch.FirstEntered.TrySetResult(Stopwatch.GetTimestamp());
        for (var i = 0; i < visit.Case.Steps; i++)
        {
            watch.StepAt[i] = Stopwatch.GetTimestamp();
            await visit.Read("step", i, static (n, _) => Task.FromResult(n * 2));
        }

        watch.StepAt[visit.Case.Steps] = Stopwatch.GetTimestamp();
        await visit.WaitFor<string>("open");
        return visit.GoTo(Phase.Done);
    }
}

/// <summary>One state, one wait.</summary>
internal sealed class ParkFlow(Watch watch) : Workflow<Phase, EmptyCase>("park", 1)
{
    protected override void Define(StateMachine<Phase, EmptyCase> states)
    {
        states.Start(Phase.Work, WorkAsync).To(Phase.Done);
        states.End(Phase.Done);
    }

    private async Task<Next> WorkAsync(Visit<Phase, EmptyCase> visit)
    {
        Interlocked.Increment(ref watch.Entered);
        watch.FirstEntered.TrySetResult(Stopwatch.GetTimestamp());
        await visit.WaitFor<string>("go");
        return visit.GoTo(Phase.Done);
    }
}

/// <summary>So many model calls, each with the last question and answer.</summary>
internal sealed class ModelFlow(IChatClient model) : Workflow<Phase, StepsCase>("model", 1)
{
    protected override void Define(StateMachine<Phase, StepsCase> states)
    {
        states.Start(Phase.Work, WorkAsync).To(Phase.Done);
        states.End(Phase.Done);
    }

    private async Task<Next> WorkAsync(Visit<Phase, StepsCase> visit)
    {
        for (var i = 0; i < visit.Case.Steps; i++)
        {
            await visit.Ask<ModelReply>("ask", model, [new(ChatRole.System, Instructions), new(ChatRole.User, $"Question {i}: is 192.0.2.{i % 250} an intruder?")]);
        }

        return visit.GoTo(Phase.Done);
    }

    private static readonly string Instructions = string.Concat(Enumerable.Repeat("You judge alerts. Answer in JSON. ", 60));
}

internal sealed record ModelReply(string Answer, double Confidence, IReadOnlyList<string> Reasons);

/// <summary>Answers at once, so that only the engine's own time is left.</summary>
internal sealed class InstantModel : IChatClient
{
    private static readonly string Reply = JsonSerializer.Serialize(
        new ModelReply("no", 0.9, ["It is a documentation address.", "Nobody has ever logged in from there."]), JsonSerializerOptions.Web);

    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, Reply)) { FinishReason = ChatFinishReason.Stop, ModelId = "instant", Usage = new() { InputTokenCount = 500, OutputTokenCount = 40 } });

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}
