using Xunit;
using static Signalbox.Tests.HistoryChecker.Acting;

namespace Signalbox.Tests.HistoryChecker;

public sealed class Claims_that_get_along
{
    private const string Host = "host/web", Root = "host/web/root";

    private readonly JournalWriter _journal = With("r-1", "r-2").Add(Intend("r-1", "a", [Block(Host)]), Verdict("r-1", "a"));

    [Fact]
    public void Stand_side_by_side()
    {
        _journal.Add(Verdict("r-2", "b", madeByUs: null, claims: [Block(Host)]), Intend("r-2", "c", [Block(Root)]), Verdict("r-2", "c"));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Are_not_joined_while_another_action_is_at_work()
    {
        _journal.Swap("r-1", 4).Remove("r-1", 4).Add(Verdict("r-2", "b", madeByUs: null, claims: [Block(Host)]));
        Assert.Equal(["I9 r-2 seq 4: expected nobody to be before 'b' at 'block' of host/web; got 'block' of host/web by 'a' of run 'r-1', held since seq 4"], _journal.Check());
    }

    [Fact]
    public void Keep_an_effect_that_another_action_wants()
    {
        _journal.Add(Verdict("r-2", "b", madeByUs: null, claims: [Block(Host)]), Undo(["a"]));
        Assert.Equal(["I9 r-1 seq 6: expected nobody else to want what 'a-undo' takes back; got 'block' of host/web by 'b' of run 'r-2', standing since seq 4"], _journal.Check());
    }

    [Fact]
    public void Keep_a_wider_effect_that_another_action_relies_on()
    {
        _journal.Add(Verdict("r-2", "b", madeByUs: null, claims: [Block(Root)]), Undo(["a"]));
        Assert.Single(_journal.Check());
    }

    [Fact]
    public void Do_not_keep_what_another_action_has_made_for_itself()
    {
        _journal.Add(Intend("r-2", "b", [Block(Root)]), Verdict("r-2", "b"), Undo(["a"]));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Keep_nothing_once_they_are_released()
    {
        _journal.Add(Verdict("r-2", "b", madeByUs: null, claims: [Block(Host)]), Release("r-2", "b"), Undo(["a"]));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Of_the_same_run_are_taken_back_together()
    {
        _journal.Add(Verdict("r-1", "b", madeByUs: null, claims: [Block(Host)]), Undo(["a", "b"]));
        Assert.Empty(_journal.Check());
        _journal.Change("r-1", 7, _ => Undo(["a"]));
        Assert.Single(_journal.Check());
    }

    [Fact]
    public void Inherit_the_effect_of_one_that_is_released()
    {
        // b relies on a's effect on the same host; a is released, so the effect is b's, and a wider one that c takes back does not concern it.
        _journal.Add(
            Verdict("r-2", "b", madeByUs: null, claims: [Block(Host)]), Release("r-1", "a"), Intend("r-1", "c", [Block("host")]), Verdict("r-1", "c"), Intend("r-1", "c", [Block("host")], undo: true));
        Assert.Empty(_journal.Check());
        _journal.Remove("r-1", 6);
        Assert.Single(_journal.Check()); // a stands and made it: b only joined
    }

    private static WrittenEntry Undo(string[] releases) => Intend("r-1", "a-undo", [Block(Host)], undo: true, releases: releases);
}
