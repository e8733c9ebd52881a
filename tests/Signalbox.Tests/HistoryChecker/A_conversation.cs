using Xunit;
using static Signalbox.Tests.HistoryChecker.GoodHistory;

namespace Signalbox.Tests.HistoryChecker;

/// <summary>I23: a reply that counts is complete, turns count up, and nothing is asked once it is decided.</summary>
public sealed class A_conversation
{
    private readonly JournalWriter _journal = Write();

    [Theory]
    [InlineData("", "none")]
    [InlineData("length", "'length'")]
    [InlineData("content_filter", "'content_filter'")]
    public void Goes_on_complete_replies_alone(string finish, string got)
    {
        _journal.Change("r-j", 16, e => Reply("fast", 3, Calls(), finish));
        Assert.Equal([$"I23 r-j seq 16: expected a model's reply with a complete finish reason; got {got}"], _journal.Check());
    }

    [Fact]
    public void Of_a_single_call_is_complete_too()
    {
        _journal.Change("r-a", 5, e => e with { Body = """{"result":1,"microseconds":5,"type":"model","model":{"model":"m","messages":[],"reply":[]}}""" });
        Assert.Equal(["I23 r-a seq 5: expected a model's reply with a complete finish reason; got none"], _journal.Check());
    }

    [Fact]
    public void Counts_its_turns()
    {
        _journal.Change("r-j", 15, e => Reserve("fast", 4)).Change("r-j", 16, e => Reply("fast", 4, Calls()));
        Assert.Equal(["I23 r-j seq 15: expected turn 3; got turn 4"], _journal.Check());
    }

    [Fact]
    public void Has_its_turns_in_steps_of_that_number()
    {
        _journal.Change("r-j", 16, e => Reply("fast", 4, Calls()) with { Step = e.Step });
        Assert.Equal("I23 r-j seq 16: expected the step of turn 4; got 'turn-3/-/1'", _journal.Check().First());
    }

    [Fact]
    public void Asks_another_model_only_when_the_first_has_failed()
    {
        _journal.Change("r-j", 15, e => e with { Step = "turn-3.2/-/1" }).Change("r-j", 16, e => e with { Step = "turn-3.2/-/1" });
        Assert.Equal(["I23 r-j seq 15: expected try 2 of turn 3 after try 1 has failed; got one without"], _journal.Check());

        _journal.Insert(15, InTriage("step.failed", "judge/fast", "turn-3", """{"code":"overloaded","reason":"x","microseconds":5,"attempts":4,"type":"model"}"""));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Ends_with_its_answer()
    {
        _journal.Insert(17, Reply("fast", 4, Calls())).Insert(17, Reserve("fast", 4));
        Assert.Equal(["I23 r-j seq 17: expected no turn after the answer of turn 3, which nothing rejected; got turn 4"], _journal.Check());
    }

    [Fact]
    public void Ends_with_its_tiers_decision()
    {
        _journal.Insert(18, Reply("fast", 4, Calls())).Insert(18, Reserve("fast", 4));
        Assert.Equal(["I23 r-j seq 18: expected no turn of tier 'fast' after its decision of seq 17; got 'budget.reserved'"], _journal.Check());
    }

    [Fact]
    public void Ends_with_its_tiers_escalation()
    {
        _journal.Change("r-j", 18, e => Escalate("fast", "strong", null)).Remove("r-j", 17).Insert(18, Reply("fast", 4, Calls())).Insert(18, Reserve("fast", 4));
        Assert.Equal(["I23 r-j seq 18: expected no turn of tier 'fast' after its escalation of seq 17; got 'budget.reserved'"], _journal.Check());
    }

    [Fact]
    public void Has_no_result_after_the_decision_either()
    {
        _journal.Swap("r-j", 16);
        Assert.Equal(
            ["I23 r-j seq 16: expected an answer of tier 'fast' before its decision; got turn 2, whose answer was rejected", "I23 r-j seq 17: expected no turn of tier 'fast' after its decision of seq 16; got 'step.completed'"],
            _journal.Check());
    }

    [Fact]
    public void Rejects_an_answer_once()
    {
        _journal.Insert(15, _journal.Entries.Single(e => e.Kind == "answer.rejected"));
        Assert.Equal(["I23 r-j seq 15: expected an answer to be rejected once, after its turn; got one of turn 2 after turn 2, whose answer was rejected"], _journal.Check());
    }

    [Fact]
    public void Belongs_to_its_agent_and_tier()
    {
        _journal.Change("r-j", 13, e => Reply("strong", 2, Calls()) with { Scope = "judge/fast" });
        Assert.Contains("I23 r-j seq 13: expected agent 'judge', tier 'fast', whose scope 'judge/fast' is; got agent 'judge', tier 'strong'", _journal.Check());
    }

    [Fact]
    public void Begins_once()
    {
        _journal.Insert(4, _journal.Entries.Single(e => e.Kind == "agent.began"));
        Assert.Equal(["I23 r-j seq 4: expected one asking in 'judge'; got a second agent.began after that of seq 3"], _journal.Check());
    }

    [Fact]
    public void Begins_anew_after_a_retry_when_its_decision_does_not_stand()
    {
        _journal.Change("r-j", 25, e => Decide("strong", 0.9, stands: false)).Remove("r-j", 26).Insert(26, Escalate("strong", "person", "d-strong"));
        Retry(27, whole: true);
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Does_not_begin_anew_after_a_retry_when_its_decision_stands()
    {
        Retry(27, whole: true);
        Assert.Equal(
            ["I23 r-j seq 30: expected one asking in 'judge'; got a second agent.began after that of seq 3", "I3 r-j seq 31: expected no call of 'turn-1/-/1' after its result of seq 7; got a reservation for one"],
            _journal.Check().Take(2));
    }

    [Fact]
    public void Does_not_begin_anew_without_a_retry()
    {
        _journal.Change("r-j", 25, e => Decide("strong", 0.9, stands: false)).Remove("r-j", 26).Insert(26, Escalate("strong", "person", "d-strong"));
        Retry(27, whole: true);
        _journal.Change("r-j", 27, e => e with { Kind = "run.released", Body = "" }).Remove("r-j", 28);
        Assert.Equal("I23 r-j seq 29: expected one asking in 'judge'; got a second agent.began after that of seq 3", _journal.Check().First());
    }

    [Fact]
    public void That_stands_asks_no_failed_tool_once_more_after_a_retry()
    {
        _journal.Change("r-j", 8, e => Call("fast", 1, "c1", "whois", "step.failed"));
        Retry(27, whole: false);
        Assert.Empty(_journal.Check());

        _journal.Insert(30, Call("fast", 1, "c1", "whois"));
        Assert.NotEmpty(_journal.Check());
    }

    /// <summary>The run fails, is retried and leased; perhaps everything of the agent comes again.</summary>
    private void Retry(int at, bool whole)
    {
        var again = _journal.Entries.Where(e => e.Run == "r-j").Skip(3).Take(at - 3).Where(e => whole && e.Kind != "action.verified").ToArray();
        _journal.Insert(at, Lease("r-j", "w-1", "Triage", 1)).Insert(at, new("r-j", "run.retried") { Actor = "person:anna" })
            .Insert(at, new("r-j", "run.failed") { State = "Triage", Visit = 1, Body = """{"code":"handler_failed","reason":"x"}""" });
        for (var i = 0; i < again.Length; i++)
        {
            _journal.Insert(at + 3 + i, again[i]);
        }
    }
}
