using Signalbox.HistoryChecker;
using Xunit;

namespace Signalbox.Tests.HistoryChecker;

/// <summary>A blind target answered, and nobody can look whether it is so.</summary>
public sealed class An_action_left_unverified
{
    private const string Block = """{"actionId":"a-1","op":"block","resource":"192.0.2.7","applied":true}""";

    private readonly JournalWriter _journal = GoodHistory.Write()
        .Change("r-a", 9, _ => GoodHistory.Intend("r-a", "a-1", targetClass: "T4"))
        .Change("r-a", 11, _ => GoodHistory.Verdict("r-a", "action.unverified", "a-1", madeByUs: false));

    [Fact]
    public void Is_settled()
    {
        Assert.Empty(_journal.Check());
        Assert.Empty(Check(Block));
        Assert.Empty(Check()); // the answer may have been no true one
    }

    [Fact]
    public void Was_intended()
    {
        _journal.Remove("r-a", 9, 2).Change("r-a", 9, _ => GoodHistory.Verdict("r-a", "action.unverified", "a-1", madeByUs: false));
        Assert.Equal(["I4 r-a seq 9: expected an action.intended of 'a-1' before it; got 'action.unverified' without one"], _journal.Check());
    }

    [Fact]
    public void Was_answered_without_an_error()
    {
        _journal.Change("r-a", 10, e => e with { Body = """{"actionId":"a-1","error":"no answer within 5 s","microseconds":5}""" });
        Assert.Equal(["I6 r-a seq 11: expected an answer of the target to 'a-1' before it is left unverified; got none without an error"], _journal.Check());
    }

    [Fact]
    public void Was_called()
    {
        _journal.Remove("r-a", 10);
        Assert.Equal(["I6 r-a seq 10: expected an answer of the target to 'a-1' before it is left unverified; got none without an error"], _journal.Check());
    }

    [Fact]
    public void Was_answered_since_it_was_last_intended()
    {
        _journal
            .Insert(11, GoodHistory.Verdict("r-a", "action.not_applied", "a-1", madeByUs: false))
            .Insert(12, GoodHistory.Intend("r-a", "a-1", targetClass: "T4", attempt: 2));
        Assert.Equal(["I6 r-a seq 13: expected an answer of the target to 'a-1' before it is left unverified; got none without an error"], _journal.Check());
    }

    [Fact]
    public void Is_not_left_so_after_it_was_settled()
    {
        _journal.Insert(12, GoodHistory.Verdict("r-a", "action.unverified", "a-1", madeByUs: false));
        Assert.Equal(["I6 r-a seq 12: expected an answer of the target to 'a-1' before it is left unverified; got Unverified at seq 11"], _journal.Check());
    }

    [Theory]
    [InlineData("T1")]
    [InlineData("T3")]
    public void Has_a_target_that_cannot_be_asked(string targetClass)
    {
        _journal.Change("r-a", 9, _ => GoodHistory.Intend("r-a", "a-1", targetClass: targetClass));
        Assert.Equal([$"I6 r-a seq 11: expected 'a-1' to be looked at, which a {targetClass} target allows; got it is left unverified"], _journal.Check());
    }

    [Fact]
    public void Is_nobodys_for_sure()
    {
        _journal.Change("r-a", 11, _ => GoodHistory.Verdict("r-a", "action.unverified", "a-1", madeByUs: true));
        Assert.Equal(["I6 r-a seq 11: expected nobody to know whose effect 'a-1' is; got it is made by us, and unverified"], _journal.Check());
    }

    [Fact]
    public void Is_not_intended_again()
    {
        _journal
            .Insert(12, GoodHistory.Intend("r-a", "a-1", targetClass: "T4", attempt: 2))
            .Insert(13, new WrittenEntry("r-a", "action.executed") { State = "Act", Visit = 2, Step = "block/-/1", Body = """{"actionId":"a-1","microseconds":5}""" })
            .Insert(14, GoodHistory.Verdict("r-a", "action.unverified", "a-1", madeByUs: false));
        Assert.Equal(["I5 r-a seq 12: expected no intent of action 'a-1' after seq 11 ended it as answered; got attempt 2"], _journal.Check());
    }

    [Fact]
    public void Is_not_called_again_once_it_was_answered()
    {
        _journal.Insert(11, new WrittenEntry("r-a", "action.executed") { State = "Act", Visit = 2, Step = "block/-/1", Body = """{"actionId":"a-1","microseconds":5,"attempt":2}""" });
        Assert.Equal(["I5 r-a seq 11: expected no second call for 'a-1' at a T4 target that has answered one; got another action.executed"], _journal.Check());
    }

    [Fact]
    public void Has_one_effect_in_the_targets_log() =>
        Assert.Equal(["I5 r-a: expected one effect 'block' of 'a-1' at a T4 target; got effect 2 (target log:2)"], Check(Block, Block));

    private IEnumerable<string> Check(params string[] log) => _journal.Check(new HistoryOptions { TargetLog = log, Action = "block", Resource = "address" });
}
