using Xunit;

namespace Signalbox.Tests.HistoryChecker;

public sealed class A_question_and_its_answer
{
    private readonly JournalWriter _journal = GoodHistory.Write();

    [Fact]
    public void Are_one_to_one()
    {
        _journal.Change("r-a", 21, e => e with { Kind = "approval.answered" });
        Assert.Equal(["I3 r-a seq 21: expected an open question 'may/-/1'; got approval.answered after the approval.answered of seq 17"], _journal.Check());
    }

    [Fact]
    public void Belong_to_one_visit()
    {
        // Answered for visit 2, recorded after the run went on to visit 3, which asks the same.
        _journal.Change("r-a", 17, e => e with { State = "Act", Visit = 2 });
        Assert.Equal(["I3 r-a seq 17: expected 'approval.answered' in 'Ask' visit 3; got 'Act' visit 2"], _journal.Check());
    }

    [Fact]
    public void Share_a_choice()
    {
        _journal.Change("r-a", 17, e => e with { Body = """{"choice":"maybe"}""" });
        Assert.Equal(["I3 r-a seq 17: expected one of the choices (yes, no); got 'maybe'"], _journal.Check());
    }

    [Fact]
    public void Meet_in_time()
    {
        _journal.Change("r-a", 14, e => e with { Body = e.Body.Replace($"{JournalWriter.Start + 1000}", $"{JournalWriter.Start + 180}", StringComparison.Ordinal) });
        Assert.Equal([$"I3 r-a seq 17: expected an answer in time; got approval.answered at {JournalWriter.Start + 180} with the limit {JournalWriter.Start + 180}"], _journal.Check());
    }

    [Fact]
    public void Do_not_run_out_of_time_early()
    {
        _journal.Insert(16, new("r-a", "approval.expired") { State = "Ask", Visit = 3, Step = "may/-/1", Body = """{"choice":"no"}""" }).Remove("r-a", 18);
        Assert.Equal($"I3 r-a seq 16: expected a question that has run out of time; got approval.expired at {JournalWriter.Start + 170} with the limit {JournalWriter.Start + 1000}", _journal.Check().First());
    }

    [Fact]
    public void Run_out_of_time_with_the_safe_choice()
    {
        _journal.Change("r-a", 14, e => e with { Body = e.Body.Replace($"{JournalWriter.Start + 1000}", $"{JournalWriter.Start + 160}", StringComparison.Ordinal) });
        _journal.Insert(16, new("r-a", "approval.expired") { State = "Ask", Visit = 3, Step = "may/-/1", Body = """{"choice":"yes"}""" });
        _journal.Change("r-a", 18, e => e with { Kind = "approval.ignored" }).Remove("r-a", 19);
        Assert.Equal("I3 r-a seq 16: expected the safe choice 'no'; got 'yes'", _journal.Check().First());
    }

    [Fact]
    public void Are_withdrawn_before_the_visit_ends()
    {
        _journal.Change("r-a", 17, e => e with { Kind = "approval.ignored" }).Remove("r-a", 18, 2);
        Assert.Equal(["I3 r-a seq 22: expected no open wait at 'state.entered'; got 'may/-/1', open since seq 14"], _journal.Check());
    }

    [Fact]
    public void Are_not_withdrawn_as_a_wait()
    {
        _journal.Insert(16, new("r-a", "wait.withdrawn") { State = "Ask", Visit = 3, Step = "may/-/1" });
        Assert.Equal(["I3 r-a seq 16: expected an open wait 'may/-/1'; got wait.withdrawn without one"], _journal.Check());
    }

    [Fact]
    public void Offer_choices()
    {
        _journal.Change("r-a", 14, e => e with { Body = """{"title":"Block?","choices":[]}""" });
        Assert.Equal(
            ["I3 r-a seq 14: expected a question with choices; got none", "I3 r-a seq 17: expected one of the choices (); got 'yes'"],
            _journal.Check());
    }
}
