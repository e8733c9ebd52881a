using Signalbox.HistoryChecker;
using Xunit;

namespace Signalbox.Tests.HistoryChecker;

public sealed class A_targets_log_beside_the_journal
{
    private const string Block = """{"actionId":"a-1","op":"block","resource":"192.0.2.7","applied":true}""";
    private const string Unblock = """{"actionId":"a-1","op":"unblock","resource":"192.0.2.7","applied":true}""";

    private readonly JournalWriter _journal = GoodHistory.Write();

    [Fact]
    public void Has_the_effect_of_a_verified_action()
    {
        Assert.Empty(Check(Block));
        Assert.Equal(["I6 r-a seq 11: expected an effect of doing 'a-1', which is verified as made by us; got none"], Check());
    }

    [Fact]
    public void Does_not_need_one_that_stood_before()
    {
        _journal.Change("r-a", 11, _ => GoodHistory.Verdict("r-a", "action.verified", "a-1", madeByUs: false));
        Assert.Empty(Check());
    }

    [Fact]
    public void Has_no_effect_without_an_intent()
    {
        Assert.Equal(
            ["I4 -: expected an action.intended of 'a-2'; got an effect 'block' of 'a-2' (target log:2) without one"],
            Check(Block, Block.Replace("a-1", "a-2", StringComparison.Ordinal)));
    }

    [Fact]
    public void Has_no_effect_of_an_action_that_was_only_probed()
    {
        _journal.Remove("r-a", 9, 2).Change("r-a", 9, _ => GoodHistory.Verdict("r-a", "action.verified", "a-1", madeByUs: false));
        Assert.Equal(["I4 r-a: expected an action.intended of 'a-1'; got an effect 'block' of 'a-1' (target log:1) without one"], Check(Block));
    }

    [Fact]
    public void Has_no_effect_before_its_intent()
    {
        Assert.Equal(
            ["I4 r-a: expected the intent of 'a-1' to be on disk before its effect; got an effect 'block' of 'a-1' (target log:1) after position 9, and the intent at 10"],
            Check(Block.Replace("true}", "true,\"after\":9}", StringComparison.Ordinal)));
    }

    [Fact]
    public void Has_the_arguments_that_were_intended()
    {
        Assert.Equal(
            [$"I4 r-a: expected the intended arguments {GoodHistory.ArgumentsHash}; got an effect 'block' of 'a-1' (target log:1) with {JournalWriter.Sha256("{}")}"],
            Check(Block.Replace("true}", "true,\"arguments\":{}}", StringComparison.Ordinal)));
    }

    [Fact]
    public void Has_the_resource_that_was_intended()
    {
        Assert.Equal(
            ["I4 r-a: expected the intended resource '192.0.2.7'; got an effect 'block' of 'a-1' (target log:1) on '192.0.2.8'"],
            Check(Block.Replace("192.0.2.7", "192.0.2.8", StringComparison.Ordinal)));
    }

    [Fact]
    public void Has_an_effect_once()
    {
        Assert.Equal(["I5 r-a: expected one effect 'block' of 'a-1' at a T1 target; got effect 2 (target log:2)"], Check(Block, Block));
    }

    [Fact]
    public void May_have_it_twice_where_the_target_promises_only_a_state()
    {
        _journal.Change("r-a", 9, _ => GoodHistory.Intend("r-a", "a-1", targetClass: "T3"));
        Assert.Empty(Check(Block, Block));
    }

    [Theory]
    [InlineData("action.not_applied", "NotApplied")]
    [InlineData("action.refused", "Refused")]
    public void Has_no_effect_of_an_action_that_came_to_nothing(string kind, string phase)
    {
        _journal.Change("r-a", 11, _ => GoodHistory.Verdict("r-a", kind, "a-1", madeByUs: false));
        Assert.Empty(Check());
        Assert.Equal([$"I6 r-a seq 11: expected no effect of doing 'a-1', which ended as {phase}; got 1"], Check(Block));
    }

    [Fact]
    public void Has_no_effect_that_nobody_settled()
    {
        _journal.Change("r-a", 11, _ => GoodHistory.Verdict("r-a", "action.diverged", "a-1", madeByUs: false));
        Assert.Equal(["I6 r-a seq 11: expected the effect of 'a-1' to be verified, undone or settled before the run ended; got Diverged"], Check(Block));
    }

    [Fact]
    public void May_have_one_that_was_undone()
    {
        Undo();
        Assert.Empty(Check(Block, Unblock));
        Assert.Equal(["I6 r-a seq 13: expected an effect of undoing 'a-1', which is verified as made by us; got none"], Check(Block));
        Assert.Equal(["I5 r-a: expected one effect 'unblock' of 'a-1' at a T1 target; got effect 2 (target log:3)"], Check(Block, Unblock, Unblock));
    }

    [Fact]
    public void Has_no_undoing_that_was_not_intended()
    {
        Assert.Equal(["I4 r-a: expected an action.intended that undoes 'a-1'; got an effect 'unblock' of 'a-1' (target log:2) without one"], Check(Block, Unblock));
    }

    [Fact]
    public void Does_not_count_what_the_target_refused()
    {
        Assert.Empty(Check(Block, Block.Replace("true", "false", StringComparison.Ordinal)));
    }

    private void Undo()
    {
        _journal.Change("r-a", 11, _ => GoodHistory.Verdict("r-a", "action.diverged", "a-1", madeByUs: false));
        _journal.Insert(12, GoodHistory.Intend("r-a", "a-1", undo: true)).Insert(13, GoodHistory.Verdict("r-a", "action.verified", "a-1", madeByUs: true, undo: true));
    }

    private IEnumerable<string> Check(params string[] log) => _journal.Check(new HistoryOptions { TargetLog = log, Action = "block", Resource = "address" });
}
