using Xunit;

namespace Signalbox.Tests.HistoryChecker;

public sealed class A_step_that_was_recorded
{
    private readonly JournalWriter _journal = GoodHistory.Write();

    [Fact]
    public void Has_no_second_result()
    {
        _journal.Insert(6, _journal.Entries[5]);
        Assert.Equal(["I3 r-a seq 6: expected one result of 'look/-/1' in visit 1; got step.completed after the step.completed of seq 5"], _journal.Check());
    }

    [Fact]
    public void Has_no_failure_beside_its_result()
    {
        _journal.Change("r-a", 6, e => e with { Step = "look/-/1" });
        Assert.Equal(["I3 r-a seq 6: expected one result of 'look/-/1' in visit 1; got step.failed after the step.completed of seq 5"], _journal.Check());
    }

    [Fact]
    public void May_have_another_in_another_scope()
    {
        _journal.Insert(6, _journal.Entries[5] with { Scope = "left" });
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Is_not_recorded_again_after_a_retry_when_it_succeeded()
    {
        _journal.Change("r-b", 3, e => e with { Kind = "step.completed", Body = """{"result":1,"microseconds":5}""" });
        Assert.Equal(["I3 r-b seq 7: expected one result of 'look/-/1' in visit 1; got step.completed after the step.completed of seq 3"], _journal.Check());
    }

    [Fact]
    public void Is_not_asked_again_without_a_retry()
    {
        _journal.Change("r-b", 4, e => e with { Kind = "run.released", Body = "" }).Remove("r-b", 5);
        Assert.Equal(["I3 r-b seq 6: expected one result of 'look/-/1' in visit 1; got step.completed after the step.failed of seq 3"], _journal.Check());
    }

    [Fact]
    public void Names_its_step()
    {
        _journal.Change("r-a", 5, e => e with { Step = "" });
        Assert.Equal(["I3 r-a seq 5: expected a step key with 'step.completed'; got none"], _journal.Check());
    }
}
