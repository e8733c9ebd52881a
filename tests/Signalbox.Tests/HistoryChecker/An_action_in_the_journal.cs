using Xunit;

namespace Signalbox.Tests.HistoryChecker;

public sealed class An_action_in_the_journal
{
    private readonly JournalWriter _journal = GoodHistory.Write();

    [Fact]
    public void Has_its_intent_before_its_effect()
    {
        _journal.Swap("r-a", 9);
        Assert.Equal(["I4 r-a seq 9: expected an action.intended of 'a-1' before it; got 'action.executed' without one"], _journal.Check());
    }

    [Fact]
    public void Has_an_intent_where_we_made_the_effect()
    {
        _journal.Remove("r-a", 9, 2);
        Assert.Equal(["I4 r-a seq 9: expected an action.intended of 'a-1' before it; got 'action.verified' without one"], _journal.Check());
    }

    [Fact]
    public void Needs_none_where_the_effect_stood_before()
    {
        _journal.Remove("r-a", 9, 2).Change("r-a", 9, _ => GoodHistory.Verdict("r-a", "action.verified", "a-1", madeByUs: false));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void States_the_hash_of_its_arguments()
    {
        var other = JournalWriter.Sha256("""{"address":"192.0.2.8","minutes":60}""");
        _journal.Change("r-a", 9, e => e with { Body = e.Body.Replace(GoodHistory.ArgumentsHash, other, StringComparison.Ordinal) });
        Assert.Equal([$"I4 r-a seq 9: expected argumentsHash {GoodHistory.ArgumentsHash}; got {other}"], _journal.Check());
    }

    [Fact]
    public void States_the_hash_of_arguments_in_a_payload()
    {
        var reference = _journal.Payload("""{"minutes":60,"address":"192.0.2.8"}""");
        _journal.Change("r-a", 9, e => e with { Body = e.Body.Replace("{ \"minutes\": 6e1, \"address\": \"192.0.2.7\" }", reference, StringComparison.Ordinal) });
        var actual = JournalWriter.Sha256("""{"address":"192.0.2.8","minutes":60}""");
        Assert.Equal([$"I4 r-a seq 9: expected argumentsHash {actual}; got {GoodHistory.ArgumentsHash}"], _journal.Check());
    }

    [Fact]
    public void Keeps_its_arguments_over_its_attempts()
    {
        var hash = JournalWriter.Sha256("{}");
        _journal.Insert(11, GoodHistory.Intend("r-a", "a-1", attempt: 2) with
        {
            Body = $$"""{"actionId":"a-1","action":"block","arguments":{},"argumentsHash":"{{hash}}","targetClass":"T1","attempt":2}""",
        });
        Assert.Equal([$"I4 r-a seq 11: expected action 'a-1' to keep the arguments {GoodHistory.ArgumentsHash}; got {hash}"], _journal.Check());
    }

    [Fact]
    public void Belongs_to_one_run()
    {
        _journal.Insert(8, GoodHistory.Verdict("r-b", "action.refused", "a-1", madeByUs: false) with { State = "Triage", Visit = 1 });
        Assert.Equal(["I4 r-b seq 8: expected action 'a-1' to be the 'block' of run 'r-a' alone; got a 'block'"], _journal.Check());
    }

    [Fact]
    public void Numbers_its_attempts()
    {
        _journal.Insert(10, GoodHistory.Intend("r-a", "a-1"));
        Assert.Equal(["I5 r-a seq 10: expected attempt 2 of action 'a-1'; got attempt 1"], _journal.Check());
    }

    [Fact]
    public void May_be_tried_again_before_it_is_verified()
    {
        _journal.Insert(11, GoodHistory.Verdict("r-a", "action.not_applied", "a-1", madeByUs: false)).Insert(12, GoodHistory.Intend("r-a", "a-1", attempt: 2));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Is_not_intended_again_once_verified()
    {
        _journal.Insert(12, GoodHistory.Intend("r-a", "a-1", attempt: 2)).Insert(13, GoodHistory.Verdict("r-a", "action.verified", "a-1", madeByUs: true));
        Assert.Equal(["I5 r-a seq 12: expected no intent of action 'a-1' after seq 11 verified it; got attempt 2"], _journal.Check());
    }

    [Fact]
    public void Is_settled_before_its_visit_ends()
    {
        _journal.Remove("r-a", 11);
        Assert.Equal(
            [
                "I3 r-a seq 12: expected no unsettled action at 'state.entered'; got 'block' (a-1), Executed at seq 10",
                "I3 r-a seq 23: expected no unsettled action at 'state.entered'; got 'block' (a-1), Executed at seq 10",
                "I3 r-a seq 24: expected no unsettled action at 'run.completed'; got 'block' (a-1), Executed at seq 10",
            ],
            _journal.Check());
    }

    [Fact]
    public void Is_settled_by_an_operator_where_the_target_cannot_say()
    {
        _journal.Change("r-a", 11, _ => GoodHistory.Verdict("r-a", "action.unknown", "a-1", madeByUs: false))
            .Insert(12, new("r-a", "action.settled") { Actor = "person:anna", Body = """{"verb":"accept","steps":[{"scope":"","step":"block/-/1"}]}""" });
        Assert.Empty(_journal.Check());
        _journal.Change("r-a", 12, e => e with { Body = """{"verb":"accept","steps":[{"scope":"","step":"block/-/2"}]}""" });
        Assert.Equal("I3 r-a seq 14: expected no unsettled action at 'state.entered'; got 'block' (a-1), Unknown at seq 11", _journal.Check().First());
    }

    [Fact]
    public void Names_the_class_of_its_target()
    {
        _journal.Change("r-a", 9, _ => GoodHistory.Intend("r-a", "a-1", targetClass: "T5"));
        Assert.Equal(["I3 r-a seq 9: expected a target class from T0 to T4; got 'T5'"], _journal.Check());
    }

    [Fact]
    public void Is_intended_by_who_drives_the_run()
    {
        _journal.Change("r-a", 8, e => e with { Kind = "run.released", Body = "", Step = "" });
        Assert.Equal("I3 r-a seq 9: expected 'action.intended' of a run that is Running; got one that is Pending", _journal.Check().First());
    }
}
