using Xunit;

namespace Signalbox.Tests.HistoryChecker;

public sealed class A_wait_and_its_signal
{
    private readonly JournalWriter _journal = GoodHistory.Write();

    [Fact]
    public void End_only_what_is_open()
    {
        _journal.Change("r-a", 23, e => e with { Step = "gone/-/1" });
        Assert.Equal(
            [
                "I3 r-a seq 23: expected an open wait 'gone/-/1'; got wait.completed without one",
                "I3 r-a seq 24: expected no open wait at 'state.entered'; got 'go/-/1', open since seq 15",
            ],
            _journal.Check());
    }

    [Fact]
    public void End_once()
    {
        _journal.Insert(24, _journal.Entries[23]);
        Assert.Equal(["I3 r-a seq 24: expected an open wait 'go/-/1'; got wait.completed after the wait.completed of seq 23"], _journal.Check());
    }

    [Fact]
    public void Are_consumed_once()
    {
        _journal.Insert(16, _journal.Entries[15] with { Step = "go/-/2" }).Insert(25, _journal.Entries[24] with { Step = "go/-/2" });
        Assert.Equal(["I3 r-a seq 25: expected the signal of seq 21 to be consumed once; got a second time; the first was seq 24"], _journal.Check());
    }

    [Fact]
    public void Are_not_consumed_before_they_arrive()
    {
        _journal.Change("r-a", 23, e => e with { Body = """{"signalSeq":24}""" });
        Assert.Equal(["I3 r-a seq 23: expected a signal received at seq 24, before it is consumed; got none"], _journal.Check());
    }

    [Fact]
    public void Have_one_name()
    {
        _journal.Insert(16, new("r-a", "signal.received") { Actor = "person:carl", Body = """{"name":"other","value":1}""" });
        _journal.Change("r-a", 24, e => e with { Body = """{"signalSeq":16}""" });
        Assert.Equal(["I3 r-a seq 24: expected the signal 'go'; got 'other'"], _journal.Check());
    }

    [Fact]
    public void Do_not_end_by_a_time_that_was_not_asked_for()
    {
        _journal.Change("r-a", 23, e => e with { Body = "{}" });
        Assert.Equal(["I3 r-a seq 23: expected the signal 'go' to end a wait without a time; got no signal"], _journal.Check());
    }

    [Fact]
    public void Do_not_end_before_their_time()
    {
        _journal.Change("r-b", 15, e => e with { Kind = "wait.completed", Body = "{}" });
        Assert.Equal([$"I3 r-b seq 15: expected the time {JournalWriter.Start + 9_000_000} to have come; got {JournalWriter.Start + 430}"], _journal.Check());
    }

    [Fact]
    public void Are_withdrawn_before_the_visit_ends()
    {
        _journal.Remove("r-b", 15);
        Assert.Equal(["I3 r-b seq 15: expected no open wait at 'state.entered'; got 'nap/-/1', open since seq 11"], _journal.Check());
    }

    [Fact]
    public void Are_opened_once()
    {
        _journal.Insert(16, _journal.Entries[15]);
        Assert.Equal(["I3 r-a seq 16: expected one open wait 'go/-/1'; got a second one; the first is open since seq 15"], _journal.Check());
    }

    [Fact]
    public void Are_not_opened_again_after_their_end()
    {
        _journal.Insert(24, _journal.Entries[15]);
        Assert.Equal("I3 r-a seq 24: expected 'go/-/1' not to be waited for again in visit 3; got wait.opened after the wait.completed of seq 23", _journal.Check().First());
    }

    [Fact]
    public void Wait_for_something()
    {
        _journal.Change("r-b", 11, e => e with { Body = "{}" });
        Assert.Equal(["I3 r-b seq 11: expected a wait for a time or a signal; got neither"], _journal.Check());
    }
}
