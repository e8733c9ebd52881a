using Xunit;

namespace Signalbox.Tests.HistoryChecker;

public sealed class A_run_that_leaves_its_definition
{
    private readonly JournalWriter _journal = GoodHistory.Write();

    [Fact]
    public void Begins_with_something_else()
    {
        _journal.Remove("r-b", 0);
        Assert.Equal(["I3 r-b seq 0: expected 'run.started' outside of any visit as the first entry; got 'state.entered' in 'Triage' visit 1"], _journal.Check());
    }

    [Fact]
    public void Starts_twice()
    {
        _journal.Insert(2, _journal.Entries[0]);
        Assert.Equal(["I3 r-a seq 2: expected 'run.started' as the first entry alone; got one that is Pending"], _journal.Check());
    }

    [Fact]
    public void Starts_elsewhere()
    {
        _journal.Remove("r-a", 0, 27).Add(_journal.Entries[0] with { Run = "r-c", Body = _journal.Entries[0].Body.Replace("k-2", "k-3", StringComparison.Ordinal) }, GoodHistory.Enter("r-c", "Act", 1, null, "engine", "{}"));
        Assert.Equal(["I3 r-c seq 1: expected the start state 'Triage'; got 'Act'"], _journal.Check());
    }

    [Fact]
    public void Works_before_its_first_state()
    {
        _journal.Swap("r-b", 1);
        Assert.Equal("I3 r-b seq 1: expected 'run.leased' in a visit; got 'Triage' visit 1", _journal.Check().First());
    }

    [Fact]
    public void Has_the_definition_of_another_workflow()
    {
        _journal.Change("r-a", 0, e => e with { Body = e.Body.Replace("\"version\":1", "\"version\":2", StringComparison.Ordinal) });
        Assert.Equal(["I3 r-a seq 0: expected the definition of 'alert' version 2; got that of 'alert' version 1"], _journal.Check());
    }

    [Fact]
    public void Makes_a_transition_that_its_state_does_not_declare()
    {
        _journal.Remove("r-a", 24, 3).Add(GoodHistory.Enter("r-a", "Triage", 4, "Ask", "workflow:alert", "{}"));
        Assert.Equal(["I3 r-a seq 24: expected a transition that 'Ask' declares (Closed, Lost); got 'Triage'"], _journal.Check());
    }

    [Fact]
    public void Leaves_an_end()
    {
        _journal.Insert(25, GoodHistory.Enter("r-a", "Lost", 5, "Closed", "workflow:alert", "{}"));
        Assert.Equal("I3 r-a seq 25: expected a transition that 'Closed' declares (none); got 'Lost'", _journal.Check().First());
    }

    [Fact]
    public void Comes_from_a_state_it_was_not_in()
    {
        _journal.Change("r-a", 13, e => e with { Body = e.Body.Replace("\"Act\"", "\"Triage\"", StringComparison.Ordinal) });
        Assert.Equal(["I3 r-a seq 13: expected a transition from 'Act'; got one from 'Triage'"], _journal.Check());
    }

    [Fact]
    public void Skips_a_visit()
    {
        _journal.Change("r-a", 24, e => e with { Visit = 5 }).Change("r-a", 25, e => e with { Visit = 5 });
        Assert.Equal(["I3 r-a seq 24: expected visit 4; got 5"], _journal.Check());
    }

    [Fact]
    public void Records_a_step_of_an_earlier_visit()
    {
        _journal.Swap("r-a", 6);
        Assert.Equal(["I3 r-a seq 7: expected 'step.failed' in 'Act' visit 2; got 'Triage' visit 1"], _journal.Check());
    }

    [Fact]
    public void Records_a_step_in_another_state()
    {
        _journal.Change("r-a", 5, e => e with { State = "Ask" });
        Assert.Equal(["I3 r-a seq 5: expected 'step.completed' in 'Triage' visit 1; got 'Ask' visit 1"], _journal.Check());
    }

    [Fact]
    public void Enters_the_state_for_cancels_uncancelled()
    {
        _journal.Remove("r-b", 13);
        Assert.Equal(
            [
                $"I3 r-b seq 13: expected a waiting run to be leased when its time has come; got {JournalWriter.Start + 410}, and its first time is {JournalWriter.Start + 9_000_000}",
                "I3 r-b seq 15: expected a transition that 'Triage' declares (Act, Closed); got 'Cleanup'",
                "I3 r-b seq 16: expected a cancel.requested before run.canceled; got none",
            ],
            _journal.Check());
    }

    [Fact]
    public void Is_canceled_without_the_state_for_cancels()
    {
        _journal.Remove("r-b", 16).Change("r-b", 16, e => e with { State = "Triage", Visit = 1 });
        Assert.Equal(["I3 r-b seq 16: expected the state 'Cleanup', which the definition declares for it, before run.canceled; got 'Triage', which is no end"], _journal.Check());
    }

    [Fact]
    public void Completes_where_there_is_no_end()
    {
        _journal.Remove("r-a", 24).Change("r-a", 24, e => e with { State = "Ask", Visit = 3 });
        Assert.Equal(["I3 r-a seq 24: expected run.completed only in an end declared a success; got 'Ask', which is no end"], _journal.Check());
    }

    [Fact]
    public void Completes_in_an_end_that_is_a_failure()
    {
        _journal.Change("r-a", 24, e => e with { State = "Lost" }).Change("r-a", 25, e => e with { State = "Lost" });
        Assert.Equal(["I3 r-a seq 25: expected run.completed only in an end declared a success; got 'Lost', which is a failure"], _journal.Check());
    }

    [Fact]
    public void Fails_for_an_end_it_did_not_reach()
    {
        _journal.Change("r-b", 4, e => e with { Body = """{"code":"ended_without_success","reason":"x"}""" });
        Assert.Equal(
            [
                "I3 r-b seq 4: expected ended_without_success only in an end declared a failure; got 'Triage', which is no end",
                "I3 r-b seq 5: expected no retry of a run that reached the end 'Triage'; got one",
            ],
            _journal.Check());
    }

    [Fact]
    public void Goes_on_after_its_end()
    {
        _journal.Insert(26, new("r-a", "signal.received") { Actor = "person:eve", Body = """{"name":"x","value":1}""" });
        Assert.Equal(["I3 r-a seq 26: expected nothing that drives the run after 'run.completed'; got 'signal.received'"], _journal.Check());
    }

    [Fact]
    public void Has_an_entry_of_no_declared_kind()
    {
        _journal.Change("r-a", 3, e => e with { Kind = "step.begun" });
        Assert.Equal(["I3 r-a seq 3: expected a declared kind; got 'step.begun'"], _journal.Check());
    }

    [Fact]
    public void Has_a_body_of_the_wrong_shape()
    {
        _journal.Change("r-b", 8, e => e with { Body = """{"code":7,"reason":"x"}""" }).Change("r-b", 9, e => e with { Body = "" });
        Assert.Equal(
            [
                "I3 r-b seq 8: expected a body with the text 'code'; got 7",
                "I3 r-b seq 9: expected a body of 'run.resumed'; got none",
                "I3 r-b seq 10: expected 'run.leased' of a run that is Pending or Running or Waiting; got one that is Held",
            ],
            _journal.Check());
    }
}
