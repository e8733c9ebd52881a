using Microsoft.Extensions.AI;

namespace Signalbox.CommandLine.Tests;

public enum Gate { Triage, Investigate, Decide, Escalate, Block, Closed }

public sealed record GateCase(string Ip, string Text = "");

public sealed record GateVerdict(string Decision, double Confidence, string Reason);

public sealed record BlockAddress(string Ip);

/// <summary>A target in memory, which can be made to hide what it has.</summary>
public sealed class GateTarget
{
    public HashSet<string> Blocked { get; } = [];

    public bool IsSilent { get; set; }
}

public sealed class BlockAddressHandler(GateTarget target) : ActionHandler<BlockAddress>
{
    public override TargetClass TargetClass => TargetClass.T4;

    public override ActionPolicy Policy => new() { Looks = 1, Pause = TimeSpan.Zero };

    public override ApprovalRule? Approval(BlockAddress action) => null; // a person has said so in the state before

    public override Task<Observation> ProbeAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken) => Task.FromResult(
        target.IsSilent ? Observation.Unclear("the list cannot be read")
        : target.Blocked.Contains(action.Ip) ? Observation.So($"{action.Ip} stands on line 1 of the deny list")
        : Observation.NotSo($"{action.Ip} is not on the deny list"));

    public override Task<string?> ExecuteAsync(BlockAddress action, ActionContext context, CancellationToken cancellationToken)
    {
        target.Blocked.Add(action.Ip);
        return Task.FromResult<string?>("204 No Content");
    }
}

/// <summary>Answers every question with the same verdict.</summary>
public sealed class GateModel : IChatClient
{
    public Task<ChatResponse> GetResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        Task.FromResult(new ChatResponse(new ChatMessage(ChatRole.Assistant, """{"decision":"block","confidence":0.71,"reason":"14 failed logins from an address that no asset knows"}"""))
        {
            ModelId = "claude-haiku-5-5",
            FinishReason = ChatFinishReason.Stop,
            Usage = new UsageDetails { InputTokenCount = 1812, OutputTokenCount = 64, CachedInputTokenCount = 1024 },
        });

    public IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(IEnumerable<ChatMessage> messages, ChatOptions? options = null, CancellationToken cancellationToken = default) =>
        throw new NotSupportedException();

    public object? GetService(Type serviceType, object? serviceKey = null) => null;

    public void Dispose()
    {
    }
}

/// <summary>Has a step of every sort that the command line shows: a missing source, a model call, a question, an action.</summary>
public sealed class GateWorkflow(GateModel model) : Workflow<Gate, GateCase>("gate", 1)
{
    private static readonly EvidenceSource<string, int> s_logins = new("login-history", (_, _) => Task.FromResult(14));
    private static readonly EvidenceSource<string, int> s_threats = new("threat-feed", (_, _) => throw new IOException("the feed answers 503"));

    protected override void Define(StateMachine<Gate, GateCase> states)
    {
        states.Start(Gate.Triage, TriageAsync).To(Gate.Investigate, Gate.Closed);
        states.State(Gate.Investigate, InvestigateAsync).To(Gate.Decide);
        states.State(Gate.Decide, DecideAsync).To(Gate.Escalate, Gate.Block);
        states.State(Gate.Escalate, EscalateAsync).To(Gate.Block, Gate.Closed);
        states.State(Gate.Block, BlockAsync).To(Gate.Closed);
        states.End(Gate.Closed);
        states.EscalatesTo(Gate.Escalate);
    }

    private async Task<Next> TriageAsync(Visit<Gate, GateCase> visit)
    {
        if (visit.Case.Ip == "fail")
        {
            throw new FormatException("'fail' is not an address");
        }

        await visit.Read("parse", visit.Case.Ip, (ip, _) => Task.FromResult(new { ip, family = 4 }));
        return visit.GoTo(Gate.Investigate, because: "an address from outside");
    }

    private async Task<Next> InvestigateAsync(Visit<Gate, GateCase> visit)
    {
        var (_, threats) = await visit.Gather(s_logins.For(visit.Case.Ip), s_threats.For(visit.Case.Ip).Attempts(2));
        return visit.GoTo(Gate.Decide, because: threats.IsMissing ? $"without the threat feed: {threats.Reason}" : null);
    }

    private async Task<Next> DecideAsync(Visit<Gate, GateCase> visit)
    {
        var verdict = await visit.Ask<GateVerdict>("verdict", model, [new(ChatRole.System, "You judge alerts."), new(ChatRole.User, $"Alert: {visit.Case.Text}")]);
        return visit.GoTo(Gate.Escalate, because: $"confidence {verdict.Value.Confidence} is below 0.9");
    }

    private async Task<Next> EscalateAsync(Visit<Gate, GateCase> visit)
    {
        var answer = await visit.Approve(new Question($"Block {visit.Case.Ip}?", "block", "close") { Details = new { visit.Case.Ip, confidence = 0.71 }, Within = TimeSpan.FromHours(8), Safe = "close" });
        return visit.GoTo(answer.Choice == "block" ? Gate.Block : Gate.Closed, because: $"{answer.By ?? "nobody"} said {answer.Choice}");
    }

    private async Task<Next> BlockAsync(Visit<Gate, GateCase> visit)
    {
        var outcome = await visit.Act(new BlockAddress(visit.Case.Ip));
        return visit.GoTo(Gate.Closed, because: $"the action is {outcome.Status}");
    }
}
