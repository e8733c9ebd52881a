using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Workflows;

public sealed class A_definition
{
    private sealed class Declared(Action<StateMachine<Step, Note>> define, string name = "flow", int version = 1) : Workflow<Step, Note>(name, version)
    {
        protected override void Define(StateMachine<Step, Note> states) => define(states);
    }

    public sealed class TwoOfOneName
    {
        [System.Text.Json.Serialization.JsonPropertyName("a")]
        public int First { get; set; }

        [System.Text.Json.Serialization.JsonPropertyName("a")]
        public int Second { get; set; }
    }

    private sealed class Unwritable() : Workflow<Step, TwoOfOneName>("flow", 1)
    {
        protected override void Define(StateMachine<Step, TwoOfOneName> states)
        {
            states.Start(Step.One, visit => Task.FromResult(visit.GoTo(Step.Done))).To(Step.Two, Step.Done, Step.Bad);
            states.State(Step.Two, visit => Task.FromResult(visit.GoTo(Step.Done))).To(Step.Three);
            states.State(Step.Three, visit => Task.FromResult(visit.GoTo(Step.Done))).To(Step.Done);
            states.End(Step.Done);
            states.End(Step.Bad, success: false);
        }
    }

    private static readonly Handler s_go = Flow.GoesTo(Step.Done);

    [Fact]
    public void With_many_faults_names_them_all_at_once()
    {
        var refused = Assert.Throws<WorkflowFaultsException>(() => new Declared(
            states =>
            {
                states.Start(Step.One, visit => s_go(visit)).To(Step.Two, Step.Two, (Step)77);
                states.State(Step.Two, visit => s_go(visit));
                states.State(Step.Two, visit => s_go(visit));
                states.State(Step.Three, null!);
                states.Start(Step.Bad, visit => s_go(visit)).To(Step.Bad);
                states.EscalatesTo(Step.Three);
                states.OnCancel(Step.Done);
            },
            "a/b",
            0).Bind(check: true));

        Assert.Equal(
            """
            Workflow 'a/b' v0 cannot run, for 16 reasons:
              - State 'Two' is declared twice.
              - State 'Three' has no handler.
              - It has two starts, 'One' and 'Bad'; a workflow begins in one state.
              - Its name has 1 to 100 characters, no '/' and no control character; got 'a/b'.
              - Its version counts from 1; got 0.
              - It has no end. Declare one: states.End(state).
              - State 'Three' is a member of the enum but not declared: it has no handler and is no end.
              - State 'Done' is a member of the enum but not declared: it has no handler and is no end.
              - State 'Three' is named for escalation or cancelling but not declared.
              - State 'Done' is named for escalation or cancelling but not declared.
              - State 'One' leads to '77', which is not declared.
              - State 'One' leads to 'Two' twice.
              - State 'Two' has no way out. Declare its transitions with To(...), or declare it as an end.
              - State 'One' leads to no end.
              - State 'Bad' cannot be reached from the start 'One'.
              - State 'Bad' leads to no end.
            """.ReplaceLineEndings("\n"), refused.Message);
        Assert.Equal(16, refused.Faults.Count);
    }

    [Fact]
    public void Without_a_start_says_how_to_declare_one()
    {
        var refused = Assert.Throws<WorkflowFaultsException>(() => new Declared(states =>
        {
            foreach (var state in Enum.GetValues<Step>())
            {
                states.End(state);
            }
        }).Bind(check: true));

        Assert.Equal("Workflow 'flow' v1 cannot run, for 1 reason:\n  - It has no start. Declare one: states.Start(state, handler).", refused.Message);
    }

    [Fact]
    public void Whose_escalation_cannot_be_reached_is_refused()
    {
        var refused = Assert.Throws<WorkflowFaultsException>(() => new Declared(states =>
        {
            states.Start(Step.One, visit => s_go(visit)).To(Step.Done, Step.Bad);
            states.State(Step.Two, visit => s_go(visit)).To(Step.Done);
            states.State(Step.Three, visit => s_go(visit)).To(Step.Done);
            states.End(Step.Done);
            states.End(Step.Bad);
            states.EscalatesTo(Step.Two);
            states.OnCancel(Step.Three);
        }).Bind(check: true));

        Assert.Equal(["State 'Two' cannot be reached from the start 'One'."], refused.Faults);
    }

    [Fact]
    public void Whose_case_cannot_be_written_is_refused()
    {
        var refused = Assert.Throws<WorkflowFaultsException>(() => new Unwritable().Bind(check: true));

        Assert.StartsWith("Its case TwoOfOneName cannot be written as JSON: ", Assert.Single(refused.Faults), StringComparison.Ordinal);
    }

    [Fact]
    public async Task At_fault_stops_the_program_together_with_all_others()
    {
        var refused = await Assert.ThrowsAsync<WorkflowFaultsException>(() => WorkflowHarness.StartAsync(signalbox =>
        {
            signalbox.Workflows.Add(_ => new Declared(_ => { }, "first"));
            signalbox.Workflows.Add(_ => new Declared(_ => { }, "second"));
            signalbox.AddAction<Block, BlockHandler>("block").AddAction<Block, BlockHandler>("block");
        }));

        Assert.Equal(4, refused.Faults.Count);
        Assert.Contains("Action 'block' is registered twice.", refused.Faults);
        Assert.Contains("Action type Block is registered twice, as 'block' and 'block'.", refused.Faults);
        Assert.Contains("Workflow 'second' v1 cannot run, for 7 reasons:", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Has_a_fingerprint_that_follows_from_its_declarations_alone()
    {
        var definition = new FlowWorkflow(new Flow(s_go)).Bind(check: true).Definition;
        var same = new FlowWorkflow(new Flow(s_go, s_go, s_go)).Bind(check: true).Definition; // other code, the same declarations

        Assert.Equal("6203fbfafeaf4e6427d03cdc80e966e47e9db1b095f7f04f26ed2406faa67e97", definition.Fingerprint);
        Assert.Equal(definition.Fingerprint, same.Fingerprint);
        foreach (var other in new[]
        {
            new Flow(s_go) { Version = 2 }, new Flow(s_go) { Name = "other" }, new Flow(s_go) { OnCancel = Step.Two }, new Flow(s_go) { Also = [(Step.One, Step.Three)] },
        })
        {
            Assert.NotEqual(definition.Fingerprint, new FlowWorkflow(other).Bind(check: true).Definition.Fingerprint);
        }
    }

    [Fact]
    public void Is_stored_as_canonical_json_and_read_back()
    {
        var definition = new FlowWorkflow(new Flow(s_go) { OnCancel = Step.Two }).Bind(check: true).Definition;
        var json = definition.ToJson();

        Assert.Equal(
            """{"name":"flow","onCancel":"Two","start":"One","states":[{"name":"One","to":["Two","Done","Bad"]},{"name":"Two","to":["Three","Done","Bad"]},{"name":"Three","to":["Done","Bad"]},{"end":"success","name":"Done","to":[]},{"end":"failure","name":"Bad","to":[]}],"version":1}""",
            System.Text.Encoding.UTF8.GetString(json));
        Assert.Equal(definition.Fingerprint, WorkflowDefinition.FromJson(json).Fingerprint);
    }

    [Fact]
    public void Draws_itself()
    {
        Assert.Equal(
            """
            stateDiagram-v2
                [*] --> One
                One --> Two
                One --> Done
                One --> Bad
                Two --> Three
                Two --> Done
                Two --> Bad
                Three --> Done
                Three --> Bad
                Done --> [*] : success
                Bad --> [*] : failure

            """.ReplaceLineEndings("\n"), new FlowWorkflow(new Flow(s_go)).Bind(check: true).Definition.ToMermaid());
    }
}
