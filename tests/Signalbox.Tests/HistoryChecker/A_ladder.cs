using Xunit;
using static Signalbox.Tests.HistoryChecker.GoodHistory;

namespace Signalbox.Tests.HistoryChecker;

/// <summary>A decision is what the pinned ladder makes of it, and climbs rung by rung.</summary>
public sealed class A_ladder
{
    private readonly JournalWriter _journal = Write();

    [Theory]
    [InlineData(1.1, "1.1")]
    [InlineData(-0.1, "-0.1")]
    public void Has_confidences_that_are_probabilities(double confidence, string got)
    {
        _journal.Change("r-j", 17, e => Decide("fast", confidence, stands: false));
        Assert.Equal([$"I3 r-j seq 17: expected a confidence from 0 to 1; got {got}"], _journal.Check());
    }

    [Fact]
    public void Lets_stand_what_reaches_its_threshold()
    {
        _journal.Change("r-j", 25, e => Decide("strong", 0.8, stands: true));
        Assert.Empty(_journal.Check());
        _journal.Change("r-j", 25, e => Decide("strong", 0.79, stands: true));
        Assert.Equal(["I3 r-j seq 25: expected a decision that stands to have a confidence of 0.8 or more; got 0.79"], _journal.Check());
    }

    [Fact]
    public void Has_thresholds_of_its_own_for_kinds()
    {
        _journal.Change("r-j", 17, e => Decide("fast", 0.5, stands: true, "close")).Remove("r-j", 18, 9);
        Assert.Empty(_journal.Check());
        _journal.Change("r-j", 17, e => Decide("fast", 0.49, stands: true, "close"));
        Assert.Equal(["I3 r-j seq 17: expected a decision that stands to have a confidence of 0.5 or more; got 0.49"], _journal.Check());
    }

    [Fact]
    public void Lets_nothing_stand_against_an_objection()
    {
        _journal.Change("r-j", 25, e => e with { Body = e.Body.Replace("\"signals\"", "\"objection\":\"never\",\"signals\"", StringComparison.Ordinal) });
        Assert.Equal(["I3 r-j seq 25: expected a decision that stands to have no objection against it; got 'never'"], _journal.Check());
    }

    [Fact]
    public void Has_one_decision_on_each_rung()
    {
        _journal.Insert(18, Decide("fast", 0.6, stands: false) with { Step = "decision/-/2" });
        Assert.Equal(["I3 r-j seq 18: expected one decision of tier 'fast' in 'judge'; got a second one after that of seq 17"], _journal.Check());
    }

    [Fact]
    public void Has_an_answer_behind_each_decision()
    {
        _journal.Remove("r-j", 15, 2);
        Assert.Equal(["I23 r-j seq 15: expected an answer of tier 'fast' before its decision; got turn 2, whose answer was rejected"], _journal.Check());
    }

    [Fact]
    public void Is_climbed_when_a_decision_does_not_stand()
    {
        _journal.Remove("r-j", 18);
        Assert.Equal(["I3 r-j seq 18: expected an escalation after the decision of seq 17, which does not stand; got tier 'strong'"], _journal.Check());
    }

    [Fact]
    public void Is_climbed_before_the_visit_ends()
    {
        _journal.Change("r-j", 25, e => Decide("strong", 0.7, stands: false));
        Assert.Equal(["I3 r-j seq 27: expected an escalation after the decision of seq 25, which does not stand; got 'state.entered'"], _journal.Check());
    }

    [Fact]
    public void Is_left_where_the_run_is_canceled()
    {
        _journal.Change("r-j", 25, e => Decide("strong", 0.7, stands: false)).Insert(26, new("r-j", "cancel.requested") { Actor = "person:anna" })
            .Change("r-j", 28, e => Enter("r-j", "Cleanup", 2, "Triage", "engine", "{}")).Change("r-j", 29, e => e with { Kind = "run.canceled", State = "Cleanup" });
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Is_climbed_to_the_next_rung_or_a_person()
    {
        _journal.Change("r-j", 18, e => Escalate("fast", "oracle", "d-fast"));
        Assert.Equal(
            ["I3 r-j seq 18: expected an escalation from 'fast' to 'strong' or a person; got one to 'oracle'", "I3 r-j seq 19: expected 'oracle' after the escalation of seq 18; got tier 'strong'"],
            _journal.Check());
    }

    [Fact]
    public void Ends_with_a_person()
    {
        _journal.Change("r-j", 18, e => Escalate("fast", "person", "d-fast"));
        Assert.Equal(["I3 r-j seq 19: expected 'person' after the escalation of seq 18; got tier 'strong'"], _journal.Check());
    }

    [Fact]
    public void Has_no_rung_above_the_last_but_a_person()
    {
        _journal.Change("r-j", 25, e => Decide("strong", 0.7, stands: false)).Insert(26, Escalate("strong", "fast", "d-strong"));
        Assert.Equal(["I3 r-j seq 26: expected an escalation from 'strong' to a person; got one to 'fast'"], _journal.Check());
    }

    [Fact]
    public void Is_not_climbed_from_a_person()
    {
        _journal.Insert(19, Escalate("person", "strong", null));
        Assert.Equal("I3 r-j seq 19: expected a tier that was pinned at seq 3 (fast, strong); got 'person'", _journal.Check().First());
    }

    [Fact]
    public void Is_climbed_once_from_each_rung()
    {
        _journal.Insert(19, Escalate("fast", "strong", "d-fast") with { Step = "escalation/-/2" });
        Assert.Equal(["I3 r-j seq 19: expected one escalation from 'fast' in 'judge'; got a second one after that of seq 18"], _journal.Check());
    }

    [Fact]
    public void Names_the_decision_that_climbs()
    {
        _journal.Change("r-j", 18, e => Escalate("fast", "strong", "d-other"));
        Assert.Equal(["I3 r-j seq 18: expected the decision 'd-fast' to climb; got 'd-other'"], _journal.Check());
    }

    [Fact]
    public void Is_not_climbed_when_a_decision_stands()
    {
        _journal.Change("r-j", 17, e => Decide("fast", 0.9, stands: true));
        Assert.Equal(
            ["I3 r-j seq 18: expected no escalation after the decision of seq 17, which stands; got one from 'fast' to 'strong'", "I3 r-j seq 19: expected no further tier after the decision of seq 17, which stands; got tier 'strong'"],
            _journal.Check().Take(2));
    }

    [Fact]
    public void Begins_with_its_first_rung()
    {
        _journal.Remove("r-j", 4, 15);
        Assert.Equal("I3 r-j seq 4: expected the first tier 'fast' to be asked first; got 'strong'", _journal.Check().First());
    }

    [Fact]
    public void Has_decisions_that_are_judged_when_all_is_over()
    {
        _journal.Add(new WrittenEntry("r-j", "decision.judged") { Actor = "person:anna", Body = """{"decision":"d-fast","verdict":"wrong"}""" });
        Assert.Empty(_journal.Check());
        _journal.Add(new WrittenEntry("r-a", "decision.judged") { Actor = "person:anna", Body = """{"decision":"d-fast","verdict":"wrong"}""" });
        Assert.Equal(["I3 r-a seq 27: expected a decision of this run to be judged; got 'd-fast'"], _journal.Check());
    }

    [Fact]
    public void Has_decisions_to_judge()
    {
        _journal.Change("r-j", 26, e => e with { Body = """{"decision":"d-other","verdict":"right"}""" });
        Assert.Equal(["I3 r-j seq 26: expected a decision of this run to be judged; got 'd-other'"], _journal.Check());
        _journal.Change("r-j", 26, e => e with { Body = """{"decision":"d-strong","verdict":"perhaps"}""" });
        Assert.Equal(["I3 r-j seq 26: expected a verdict that is right or wrong; got 'perhaps'"], _journal.Check());
    }
}
