using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Agents;

/// <summary>Two agents in branches of one state, each with a model and a tool of its own, each also trying the other's tool.</summary>
public sealed class Agents_side_by_side
{
    private enum Stage
    {
        Ask,
        Person,
        Done,
    }

    private sealed class TwoAgents : Workflow<Stage, Note>
    {
        public TwoAgents()
            : base("flow", 1)
        {
        }

        protected override void Define(StateMachine<Stage, Note> states)
        {
            states.Start(Stage.Ask, AskAsync).To(Stage.Done, Stage.Person).Agent("logins", "login_history").Agent("threats", "threat_feed");
            states.State(Stage.Person, visit => Task.FromResult(visit.GoTo(Stage.Done))).To(Stage.Done);
            states.End(Stage.Done);
            states.EscalatesTo(Stage.Person);
        }

        private static Agent<Verdict> Agent(string name) => new(name) { Instructions = $"You look at {name}.", Confidence = v => v.Confidence };

        private static async Task<Next> AskAsync(Visit<Stage, Note> visit)
        {
            var decisions = await visit.FanOut(["logins", "threats"], name => name, (scope, name) => scope.Decide(Agent(name), "192.0.2.7"));
            return visit.GoTo(Stage.Done, new Note(string.Join("; ", decisions.Select(d => $"{d.Agent}: {d.Answer?.Decision} by {d.Tier} after {string.Join(",", d.Dossier.Findings.Select(f => f.Answer))}"))));
        }
    }

    private static CrashScenario Scenario()
    {
        var clock = new ManualClock();
        var logins = ScriptedChatClient.ByTurn(clock, Call("threat_feed"), Call("login_history"), AgentWorld.Says("allow", 0.9));
        var threats = ScriptedChatClient.ByTurn(clock, Call("threat_feed"), Call("login_history"), AgentWorld.Says("block", 0.9));
        Action<SignalboxBuilder> configure = box =>
        {
            box.AddModel("logins-1", logins).AddModel("threats-1", threats)
                .UseLadder(new Ladder(new Tier("fast", "logins-1")), agent: "logins").UseLadder(new Ladder(new Tier("fast", "threats-1")), agent: "threats")
                .AddTool(Tool.Read("login_history", "Log-ins.", () => "no log-in")).AddTool(Tool.Read("threat_feed", "The feed.", () => "a scanner"));
            box.Workflows.Add(_ => new TwoAgents());
        };
        return new CrashScenario
        {
            Configure = configure,
            Drive = async harness =>
            {
                await harness.StartRunAsync("flow", new Note(), "k");
                await harness.RunUntilIdleAsync();
            },
            Check = async harness =>
            {
                var run = Assert.Single(await harness.RunsAsync());
                Assert.Equal("logins: allow by fast after \"no log-in\"; threats: block by fast after \"a scanner\"", (await harness.CaseAsync<Note>(run.Row.Run)).Text);
                var rejected = (await harness.JournalAsync(run.Row.Run)).Where(e => e.Kind == EntryKinds.ToolRejected).Select(Body.Read<ToolRejected>).Select(r => (r.Agent, r.Tool, r.Code)).Order();
                Assert.Equal([("logins", "threat_feed", RejectionCodes.NotGiven), ("threats", "login_history", RejectionCodes.NotGiven)], rejected);
                Assert.InRange(logins.Requests.Count + threats.Requests.Count, 6, 6 + (2 * harness.Crashes.Count)); // asked twice is only what was under way
                Assert.All([.. logins.Requests], r => Assert.Equal("login_history", Assert.Single(r.Options!.Tools!).Name));
                await Bench.CheckAsync(harness);
            },
        };

        static ScriptedReply Call(string tool) => ScriptedReply.ToolCall(tool, new Dictionary<string, object?>());
    }

    [Fact]
    public async Task Each_have_their_own_tools_and_turns_whatever_crashes() => Assert.True((await CrashTest.RunAsync(Scenario)).Crashes > 50);
}
