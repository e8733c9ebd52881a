using Signalbox.Journal;
using Xunit;

namespace Signalbox.Tests.Runs;

public sealed class A_transition
{
    [Fact]
    public async Task That_is_not_declared_fails_the_run_in_its_state_with_both_names()
    {
        await using var bench = await Bench.OfAsync(new Flow(Flow.GoesTo(Step.Three)));

        var row = await bench.RunAsync();

        Assert.Equal((RunStatus.Failed, "One", TroubleCodes.UndeclaredTransition), (row.Status, row.State, row.ReasonCode));
        Assert.Equal("State 'One' of workflow 'flow' v1 does not lead to 'Three'; it declares: Two, Done, Bad.", row.Reason);
    }

    [Fact]
    public async Task Carries_the_next_case_and_says_why_and_by_whom()
    {
        await using var bench = await Bench.OfAsync(new Flow(
            visit => Task.FromResult(visit.GoTo(Step.Two, visit.Case with { Number = visit.Case.Number + 1, Lines = ["a", "b"] }, "because")),
            visit => Task.FromResult(visit.GoTo(Step.Done, visit.Case with { Number = visit.Case.Number + 1 }))));
        await bench.RunAsync(new Note("text", 40));

        var note = await bench.NoteAsync();
        Assert.Equal(("text", 42), (note.Text, note.Number));
        Assert.Equal(["a", "b"], note.Lines!);
        var entered = (await bench.EntriesAsync(EntryKinds.StateEntered))[1];
        Assert.Equal(("Two", 2, "workflow:flow", "because", "One"), (entered.State, entered.Visit, entered.Actor, entered.Cause, Body.Read<StateEntered>(entered).From));
    }

    [Fact]
    public async Task Without_a_next_case_carries_the_one_of_its_entry()
    {
        await using var bench = await Bench.OfAsync(new Flow(Flow.GoesTo(Step.Done)));
        await bench.RunAsync(new Note("kept", 7));

        Assert.Equal(new Note("kept", 7), await bench.NoteAsync());
    }

    [Fact]
    public async Task With_a_large_case_keeps_it_as_a_payload()
    {
        var text = new string('x', 10_000);
        await using var bench = await Bench.OfAsync(new Flow(Flow.GoesTo(Step.Two), Flow.GoesTo(Step.Done)));
        await bench.RunAsync(new Note(text));

        Assert.Equal(text, (await bench.NoteAsync()).Text);
        Assert.Single((await bench.EntriesAsync(EntryKinds.StateEntered)).Select(e => Body.Read<StateEntered>(e).Case.Reference!.Value).Distinct());
    }

    [Fact]
    public async Task To_an_end_that_is_a_success_completes_the_run()
    {
        await using var bench = await Bench.OfAsync(new Flow(Flow.GoesTo(Step.Done)));
        var row = await bench.RunAsync();

        Assert.Equal((RunStatus.Completed, "Done", 2, null), (row.Status, row.State, row.Visit, row.Reason));
        Assert.False(row.IsOpen);
    }

    [Fact]
    public async Task To_an_end_that_is_no_success_fails_the_run_and_cannot_be_retried()
    {
        await using var bench = await Bench.OfAsync(new Flow(Flow.GoesTo(Step.Bad)));
        var row = await bench.RunAsync();

        Assert.Equal((RunStatus.Failed, "Bad", TroubleCodes.EndedWithoutSuccess), (row.Status, row.State, row.ReasonCode));
        Assert.Equal("It reached the end 'Bad', which its workflow declares no success.", row.Reason);
        Assert.Equal(
            ("not_failed", $"Run '{bench.Run}' reached the end 'Bad', which its workflow declares no success; there is nothing to try again. Start a new run."),
            await bench.RetryAsync() is var refused ? (refused.Code, refused.Message) : default);
    }

    [Fact]
    public async Task Of_a_handler_that_returns_null_fails_and_says_what_to_return()
    {
        await using var bench = await Bench.OfAsync(new Flow(_ => Task.FromResult<Next>(null!)));

        Assert.Equal("The handler of state 'One' returned null. It must say where the run goes: return visit.GoTo(…).", (await bench.RunAsync()).Reason);
    }

    [Fact]
    public async Task To_a_state_that_was_visited_before_is_a_visit_of_its_own()
    {
        var calls = 0;
        await using var bench = await Bench.OfAsync(new Flow(
            async visit =>
            {
                var n = await visit.Read("count", _ => Task.FromResult(++calls));
                return visit.GoTo(n < 3 ? Step.Two : Step.Done, new Note(visit.Case.Text + visit.Number));
            },
            Flow.GoesTo(Step.One))
        { Also = [(Step.Two, Step.One)] });
        await bench.RunAsync();

        Assert.Equal(3, calls);
        Assert.Equal("135", (await bench.NoteAsync()).Text);
    }

    [Fact]
    public async Task With_a_case_that_the_programs_type_cannot_read_any_more_holds_the_run()
    {
        var gate = new Gate();
        await using var bench = await Bench.OfAsync(new Flow(async visit =>
        {
            await gate.PassAsync();
            return visit.GoTo(Step.Done);
        }));
        await bench.StartRunAsync();
        await bench.Harness.SettleAsync();
        await bench.Harness.CrashAndRestartAsync(signalbox => signalbox.Workflows.Add(_ => new OtherCase()));

        var row = await bench.IdleAsync();
        Assert.Equal((RunStatus.Held, TroubleCodes.CaseUnreadable), (row.Status, row.ReasonCode));
        Assert.StartsWith("The case recorded at entry 1 is no Strict: ", row.Reason, StringComparison.Ordinal);
        Assert.EndsWith($" Change the type so that it reads what is recorded, then: signalbox release {bench.Run} --retry", row.Reason, StringComparison.Ordinal);

        gate.Open();
        await bench.Harness.CrashAndRestartAsync(Bench.Configured(signalbox => signalbox.Add(new Flow(Flow.GoesTo(Step.Done))), bench.Target));
        await bench.ReleaseAsync(ReleaseVerb.Retry);
        Assert.Equal(RunStatus.Completed, (await bench.IdleAsync()).Status);
    }

    public sealed record Strict(DateTimeOffset Text);

    private sealed class OtherCase() : Workflow<Step, Strict>("flow", 1)
    {
        protected override void Define(StateMachine<Step, Strict> states)
        {
            states.Start(Step.One, visit => Task.FromResult(visit.GoTo(Step.Done))).To(Step.Two, Step.Done, Step.Bad);
            states.State(Step.Two, visit => Task.FromResult(visit.GoTo(Step.Done))).To(Step.Three, Step.Done, Step.Bad);
            states.State(Step.Three, visit => Task.FromResult(visit.GoTo(Step.Done))).To(Step.Done, Step.Bad);
            states.End(Step.Done);
            states.End(Step.Bad, success: false);
        }
    }

    [Fact]
    public async Task Into_a_state_that_the_programs_code_no_longer_has_holds_the_run()
    {
        // The catalog refuses a changed definition at start-up; a run that gets past it (a store written by another program) is held, not lost.
        await using var bench = await Bench.OfAsync(new Flow(Flow.GoesTo(Step.Done)));
        var definition = new WorkflowDefinition("flow", 1, "Gone", [new StateDefinition("Gone") { To = ["Done"] }, new StateDefinition("Done", "success")]);
        bench.ChecksHistory = false;
        var run = new RunId("r-elsewhere");
        await RunCommands.ExecuteAsync(bench.Harness.Store, new StartRun(run, "flow", 1, new RawJson(definition.ToJson()), "Gone", Bodies.Json(new Note()), null, null), new Caller("client:other", []), CancellationToken.None);
        await bench.Harness.RunUntilIdleAsync();

        var row = await bench.Harness.GetAsync(run);
        Assert.Equal((RunStatus.Held, TroubleCodes.StateUnknown), (row.Status, row.ReasonCode));
        Assert.Equal("Workflow 'flow' v1 of this program has no state 'Gone'. Restore it, then: signalbox release r-elsewhere --retry", row.Reason);
    }
}
