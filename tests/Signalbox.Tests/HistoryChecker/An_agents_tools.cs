using Xunit;
using static Signalbox.Tests.HistoryChecker.GoodHistory;

namespace Signalbox.Tests.HistoryChecker;

/// <summary>I18: nothing runs but what the state gives, the visit has pinned and the model asked for.</summary>
public sealed class An_agents_tools
{
    private readonly JournalWriter _journal = Write();

    [Fact]
    public void Are_those_of_its_state()
    {
        _journal.Change("r-j", 7, e => Reply("fast", 1, Calls(("c1", "launch"), ("c2", "who_is")))).Change("r-j", 8, e => e with { Step = "launch/-/1" });
        Assert.Equal(["I18 r-j seq 8: expected a tool that 'Triage' gives 'judge' (whois, warn_all); got 'launch'"], _journal.Check());
    }

    [Fact]
    public void Are_those_of_its_state_when_an_attempt_fails_too()
    {
        _journal.Insert(8, Call("fast", 1, "c1", "launch", "step.attempt_failed"));
        Assert.Equal("I18 r-j seq 8: expected a tool that 'Triage' gives 'judge' (whois, warn_all); got 'launch'", _journal.Check().First());
    }

    [Fact]
    public void Are_those_that_were_pinned()
    {
        _journal.Change("r-j", 3, e => e with { Body = $$"""{"agent":"judge","configuration":{{Pinned.Replace("""{"name":"whois","description":"Who.","schema":{}},""", "", StringComparison.Ordinal)}} }""" });
        Assert.Equal(["I18 r-j seq 8: expected a tool that was pinned at seq 3 (warn_all); got 'whois'"], _journal.Check());
    }

    [Fact]
    public void Are_not_pinned_beyond_those_of_its_state()
    {
        _journal.Change("r-j", 3, e => e with { Body = $$"""{"agent":"judge","configuration":{{Pinned.Replace("\"unavailable\":{}", "\"unavailable\":{\"launch\":\"gone\"}", StringComparison.Ordinal)}} }""" });
        Assert.Equal(["I18 r-j seq 3: expected tools that 'Triage' gives 'judge' (whois, warn_all); got 'launch'"], _journal.Check());
    }

    [Fact]
    public void Belong_to_an_agent_that_the_state_declares()
    {
        _journal.Change("r-j", 3, e => e with { Body = e.Body.Replace("\"judge\"", "\"jury\"", StringComparison.Ordinal) });
        Assert.Equal(
            ["I18 r-j seq 3: expected an agent that 'Triage' declares (judge); got 'jury'", "I18 r-j seq 3: expected the configuration of 'jury'; got that of 'judge'"],
            _journal.Check().Take(2));
    }

    [Fact]
    public void Are_called_by_an_agent_that_has_begun()
    {
        _journal.Change("r-j", 8, e => e with { Scope = "other/fast" });
        Assert.Contains("I18 r-j seq 8: expected an agent.began of 'judge' before it; got 'step.completed' in 'other/fast'", _journal.Check());
    }

    [Fact]
    public void Say_whose_call_they_were()
    {
        _journal.Change("r-j", 8, e => e with { Body = """{"result":1,"microseconds":3,"type":"tool"}""" });
        Assert.Equal("I18 r-j seq 8: expected whose call of 'whois' it was; got none", _journal.Check().First());
    }

    [Fact]
    public void Are_called_as_the_reply_says()
    {
        _journal.Change("r-j", 8, e => Call("fast", 1, "c9", "whois"));
        Assert.Equal(
            [
                "I18 r-j seq 8: expected a call that the reply of turn 1 makes (c1 of whois, c2 of who_is); got 'c9' of 'whois'",
                "I23 r-j seq 10: expected an answer to the call 'c1' of 'whois' before turn 2; got none",
            ],
            _journal.Check());
    }

    [Fact]
    public void Are_called_for_the_last_turn_alone()
    {
        _journal.Insert(14, Call("fast", 1, "c1", "whois", "step.attempt_failed"));
        Assert.Equal(["I18 r-j seq 14: expected a call of the turn before it, 2; got one of turn 1"], _journal.Check());
    }

    [Fact]
    public void Are_not_called_where_the_call_was_rejected()
    {
        _journal.Insert(10, Call("fast", 1, "c2", "whois") with { Step = "whois/-/2" });
        Assert.Equal(["I18 r-j seq 10: expected the call 'c2' not to be carried out, as it was rejected; got 'step.completed' after a tool.rejected"], _journal.Check());
    }

    [Fact]
    public void Are_not_rejected_when_they_were_called()
    {
        _journal.Insert(10, _journal.Entries.Single(e => e.Kind == "tool.rejected") is var rejected ? rejected with { Step = "call-1.0/-/1", Body = rejected.Body.Replace("\"c2\"", "\"c1\"", StringComparison.Ordinal) } : null!);
        Assert.Equal(["I18 r-j seq 10: expected one answer to the call 'c1'; got a tool.rejected after a step.completed"], _journal.Check());
    }

    [Fact]
    public void Answer_each_call_once()
    {
        _journal.Insert(9, Call("fast", 1, "c1", "whois") with { Step = "whois/-/2" });
        Assert.Equal(["I18 r-j seq 9: expected one answer to the call 'c1'; got 'step.completed' after a step.completed"], _journal.Check());
    }

    [Fact]
    public void Answer_every_call_before_the_next_turn()
    {
        _journal.Remove("r-j", 9);
        Assert.Equal(["I23 r-j seq 9: expected an answer to the call 'c2' of 'who_is' before turn 2; got none"], _journal.Check());
    }

    [Fact]
    public void Are_bound_to_what_it_does()
    {
        // The action begins before any model has asked for it.
        _journal.Insert(4, _journal.Entries.Single(e => e is { Run: "r-j", Kind: "action.verified" })).Remove("r-j", 22);
        Assert.Equal(["I18 r-j seq 4: expected a call of a tool that 'Triage' gives 'judge' (whois, warn_all), not answered yet, before the action 'warn' begins; got none"], _journal.Check());
    }

    [Fact]
    public void Do_not_act_once_more_after_a_retry_where_the_decision_stands()
    {
        // The decision stands, the action was not applied, and the run fails later: nobody asks for the action again.
        _journal.Change("r-j", 21, e => e with { Kind = "action.not_applied" });
        _journal.Insert(27, new("r-j", "run.retried") { Actor = "person:anna" }).Insert(27, InTriage("run.failed", "", "", """{"code":"handler_failed","reason":"x"}""") with { Step = "" });
        _journal.Insert(29, Lease("r-j", "w-1", "Triage", 1)).Insert(30, InTriage("action.verified", "judge", "warn", """{"actionId":"a-9","action":"warn"}"""));
        Assert.Equal(["I18 r-j seq 30: expected nothing more of the action 'warn', which ended as action.not_applied in an asking that stands; got 'action.verified'"], _journal.Check());
    }
}
