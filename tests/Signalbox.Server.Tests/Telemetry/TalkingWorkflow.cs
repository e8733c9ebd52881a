using System.ComponentModel;
using Microsoft.Extensions.AI;
using Signalbox.Testing;

namespace Signalbox.Server.Tests.Telemetry;

public sealed record Verdict(string Decision, double Confidence, IReadOnlyList<string> Reasons);

/// <summary>An agent is asked, calls a tool twice at once, the second call answers first, and a call is of a tool that does not exist; then it answers.</summary>
public sealed class TalkingWorkflow : Workflow<Stage, Matter>
{
    public const string Talking = "talking";

    private static readonly Agent<Verdict> s_keeper = new("keeper")
    {
        Instructions = "You say whether a matter is settled.",
        Confidence = v => v.Confidence,
        Kind = v => v.Decision,
        Reasons = v => v.Reasons,
    };

    public TalkingWorkflow()
        : base(Talking, 1)
    {
    }

    public static Tool Look { get; } = Tool.Read("look", "What is known of a matter.", async ([Description("its number")] int number, CancellationToken token) =>
    {
        await Task.Delay(TimeSpan.FromMilliseconds(number == 1 ? 30 : 0), TimeProvider.System, token);
        return number > 100 ? new string('é', number) : $"matter {number} has password=hunter2";
    });

    public static ScriptedChatClient Model() => ScriptedChatClient.ByTurn(
        TimeProvider.System,
        Call("look", "c1", 1).And(Call("look", "c2", 2)),
        Call("lok", "c3", 3),
        Call("look", "c4", 12_000),
        ScriptedReply.Json(new Verdict("settled", 0.9, ["it is \"known\""])));

    protected override void Define(StateMachine<Stage, Matter> states)
    {
        states.Start(Stage.Look, LookAsync).To(Stage.Wait, Stage.Done).Agent("keeper", "look");
        states.State(Stage.Wait, visit => Task.FromResult(visit.GoTo(Stage.Done))).To(Stage.Done);
        states.End(Stage.Done);
        states.EscalatesTo(Stage.Wait);
    }

    private static async Task<Next> LookAsync(Visit<Stage, Matter> visit)
    {
        var decision = await visit.Decide(s_keeper, new DecisionRequest<Verdict> { Messages = [new ChatMessage(ChatRole.User, $"Is matter {visit.Case.Number} settled?")] });
        return visit.GoTo(Stage.Done, because: decision.Kind);
    }

    private static ScriptedReply Call(string tool, string id, int number) => ScriptedReply.ToolCall(tool, new Dictionary<string, object?> { ["number"] = number }, id);
}
