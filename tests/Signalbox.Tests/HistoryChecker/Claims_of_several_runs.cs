using Xunit;
using static Signalbox.Tests.HistoryChecker.Acting;

namespace Signalbox.Tests.HistoryChecker;

public sealed class Claims_of_several_runs
{
    private const string Host = "host/web", Root = "host/web/root", Other = "host/db";

    private readonly JournalWriter _journal = With("r-1", "r-2", "r-3");

    [Fact]
    public void Are_held_one_after_the_other()
    {
        _journal.Add(Intend("r-1", "a", [Block(Host)]), Intend("r-2", "b", [Block(Other)]), Verdict("r-1", "a"), Intend("r-2", "c", [Block(Root)]), Verdict("r-2", "c"), Verdict("r-2", "b"));
        Assert.Empty(_journal.Check());
    }

    [Theory]
    [InlineData(Host, Host)]
    [InlineData(Host, Root)]
    [InlineData(Root, Host)]
    public void Are_not_held_together_where_they_overlap(string one, string other)
    {
        _journal.Add(Intend("r-1", "a", [Block(one)]), Intend("r-2", "b", [Block(Other), Block(other)]), Verdict("r-1", "a"), Verdict("r-2", "b"));
        Assert.Equal([$"I9 r-2 seq 4: expected nobody to be before 'b' at 'block' of {Other}, 'block' of {other}; got 'block' of {one} by 'a' of run 'r-1', held since seq 4"], _journal.Check());
    }

    [Fact]
    public void Are_not_held_together_by_two_actions_of_one_run()
    {
        _journal.Add(Intend("r-1", "a", [Block(Host)]), Intend("r-1", "b", [Block(Host)]), Verdict("r-1", "a"), Verdict("r-1", "b"));
        Assert.Single(_journal.Check());
    }

    [Fact]
    public void Of_addresses_overlap_with_their_networks()
    {
        object network = new { resource = new { name = "ip/192.0.2.0/24", path = "ip/4/" + Bits(24) }, intent = "block" };
        object address = new { resource = new { name = "ip/192.0.2.7", path = "ip/4/" + Bits(32) }, intent = "block" };
        object next = new { resource = new { name = "ip/192.0.3.7", path = "ip/4/11000000000000000000001100000111" }, intent = "block" };
        _journal.Add(Intend("r-1", "a", [network]), Intend("r-2", "b", [address]), Intend("r-3", "c", [next]));
        Assert.Equal(["I9 r-2 seq 4: expected nobody to be before 'b' at 'block' of ip/192.0.2.7; got 'block' of ip/192.0.2.0/24 by 'a' of run 'r-1', held since seq 4"], _journal.Check());
    }

    [Theory]
    [InlineData("ip/::ffff:192.0.2.7")]
    [InlineData("ip/192.0.2.7")]
    [InlineData("ip/192.0.2.7/32")]
    public void Of_one_address_lie_at_one_path(string name)
    {
        _journal.Add(Intend("r-1", "a", [new { resource = new { name, path = "ip/4/" + Bits(32) }, intent = "block" }]));
        Assert.Empty(_journal.Check());
        _journal.Add(Intend("r-2", "b", [new { resource = new { name, path = "ip/6/0101" }, intent = "block" }]));
        Assert.Equal([$"I9 r-2 seq 4: expected '{name}' to lie at 'ip/4/{Bits(32)}'; got 'ip/6/0101'"], _journal.Check());
    }

    [Fact]
    public void Are_not_freed_while_nobody_knows_what_became_of_the_action()
    {
        _journal.Add(Intend("r-1", "a", [Block(Host)]), Verdict("r-1", "a", "action.unknown", madeByUs: null), Intend("r-2", "b", [Block(Host)]));
        Assert.Equal(["I9 r-2 seq 4: expected nobody to be before 'b' at 'block' of host/web; got 'block' of host/web by 'a' of run 'r-1', held since seq 4"], _journal.Check());
    }

    [Theory]
    [InlineData("action.not_applied")]
    [InlineData("action.diverged")]
    [InlineData("action.refused")]
    public void Are_free_after_each_settlement(string kind)
    {
        _journal.Add(Intend("r-1", "a", [Block(Host)]), Verdict("r-1", "a", kind, madeByUs: null), Intend("r-2", "b", [Allow(Host)]), Verdict("r-2", "b"));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Are_taken_all_at_once()
    {
        _journal.Add(Intend("r-1", "a", [Block(Host)]), Intend("r-1", "a", [Block(Host), Block(Other)], attempt: 2));
        Assert.Equal(["I9 r-1 seq 5: expected all the claims of 'a' to be held from one entry on ('block' of host/web); got 'block' of host/web, 'block' of host/db"], _journal.Check());
    }

    [Fact]
    public void Are_those_that_were_waited_for()
    {
        _journal.Add(
            Intend("r-1", "a", [Block(Host)]), Queue("r-2", "b", Block(Host), Block(Other)), Verdict("r-1", "a"), Free("r-2", "b"), Intend("r-2", "b", [Block(Host)]));
        Assert.Equal(["I9 r-2 seq 6: expected all the claims that 'b' was proposed or queued with ('block' of host/web, 'block' of host/db); got 'block' of host/web"], _journal.Check());
    }

    [Fact]
    public void Are_not_waited_for_by_who_holds_others()
    {
        _journal.Add(Intend("r-1", "a", [Block(Host)]), Intend("r-2", "b", [Block(Other)]), Queue("r-2", "b", Block(Host)), Verdict("r-1", "a"), Free("r-2", "b"));
        Assert.Equal("I9 r-2 seq 5: expected 'b' to hold nothing while it waits; got 'block' of host/db by 'b' of run 'r-2', held since seq 4", _journal.Check().First());
    }

    [Fact]
    public void Are_had_in_the_order_of_the_queue()
    {
        _journal.Add(
            Intend("r-1", "a", [Block(Root)]), Queue("r-2", "b", Block(Host)), Queue("r-3", "c", Block(Host)), Verdict("r-1", "a"), Free("r-2", "b"), Intend("r-2", "b", [Block(Host)]), Verdict("r-2", "b"),
            Free("r-3", "c"), Intend("r-3", "c", [Block(Host)]), Verdict("r-3", "c"));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Are_not_had_by_who_comes_later_than_the_queue()
    {
        _journal.Add(Intend("r-1", "a", [Block(Root)]), Queue("r-2", "b", Block(Host)), Intend("r-3", "c", [Block("host/web/anna")]), Verdict("r-1", "a"), Verdict("r-3", "c"), Free("r-2", "b"));
        Assert.Equal(["I9 r-3 seq 4: expected nobody to be before 'c' at 'block' of host/web/anna; got 'block' of host/web by 'b' of run 'r-2', queued since seq 4"], _journal.Check());
    }

    [Fact]
    public void Are_not_told_to_be_free_while_somebody_is_before()
    {
        _journal.Add(Intend("r-1", "a", [Block(Host)]), Queue("r-2", "b", Block(Host)), Queue("r-3", "c", Block(Host)), Verdict("r-1", "a"), Free("r-3", "c"), Free("r-2", "b"));
        Assert.Equal(["I9 r-3 seq 5: expected nobody to be before 'c' when it is its turn; got 'block' of host/web by 'b' of run 'r-2', queued since seq 4"], _journal.Check());
    }

    [Fact]
    public void Are_told_to_be_free_once_and_to_who_waits()
    {
        _journal.Add(Queue("r-2", "b", Block(Host)), Free("r-2", "b"), Free("r-2", "b"), Free("r-3", "c"));
        Assert.Equal(
            [
                "I9 r-2 seq 6: expected 'b' to be queued when it is its turn; got a second claim.freed",
                "I9 r-3 seq 4: expected 'c' to be queued when it is its turn; got a claim.freed without a claim.queued",
            ],
            _journal.Check());
    }

    [Fact]
    public void Are_waited_for_in_one_place()
    {
        _journal.Add(Intend("r-1", "a", [Block(Host)]), Queue("r-2", "b", Block(Host)), Queue("r-2", "b", Block(Host)));
        Assert.Equal(["I9 r-2 seq 5: expected one place of 'b' in the queue; got a second one"], _journal.Check());
    }

    [Fact]
    public void Leave_nobody_waiting_for_nobody()
    {
        _journal.Add(Intend("r-1", "a", [Block(Host)]), Queue("r-2", "b", Block(Host)));
        Assert.Empty(_journal.Check());
        _journal.Add(Verdict("r-1", "a"));
        Assert.Equal(["I9 r-2 seq 4: expected a claim.freed for 'b', which waits for nobody any more; got none"], _journal.Check());
    }

    [Theory]
    [InlineData("claim.withdrawn")]
    [InlineData("action.refused")]
    public void Are_waited_for_no_more_after(string kind)
    {
        _journal.Add(Intend("r-1", "a", [Block(Root)]), Queue("r-2", "b", Block(Host)));
        _journal.Add(kind == "claim.withdrawn" ? Of("r-2", kind, "b") : Verdict("r-2", "b", kind, madeByUs: null), Intend("r-3", "c", [Block("host/web/anna")]));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Are_waited_for_no_more_while_an_operator_is_needed()
    {
        _journal.Add(Intend("r-1", "a", [Block(Root)]), Queue("r-2", "b", Block(Host)), new("r-2", "run.held") { State = "Act", Visit = 2, Body = """{"code":"x","reason":"y"}""" }, Intend("r-3", "c", [Block("host/web/anna")]));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Are_waited_for_no_longer_than_until_due()
    {
        var due = JournalWriter.Start + 145; // the next entry is the fifteenth
        _journal.Add(Intend("r-1", "a", [Block(Root)]), Queue("r-2", "b", Block(Host)), Intend("r-3", "c", [Block("host/web/anna")]));
        _journal.Change("r-2", 4, e => e with { Body = e.Body.Replace("\"behind\"", $"\"due\":{due},\"behind\"", StringComparison.Ordinal) });
        Assert.Empty(_journal.Check());
        _journal.Change("r-2", 4, e => e with { Body = e.Body.Replace($"{due}", $"{due + 10}", StringComparison.Ordinal) });
        Assert.Single(_journal.Check());
    }

    [Fact]
    public void Stay_with_an_action_that_is_to_be_taken_back_and_is_not()
    {
        _journal.Add(
            Intend("r-1", "a", [Block(Host)]), Verdict("r-1", "a"), Intend("r-1", "a", [Block(Host)], undo: true), Verdict("r-1", "a", "action.not_applied", madeByUs: null, undo: true), Intend("r-2", "b", [Allow(Host)]));
        Assert.Equal(["I9 r-2 seq 4: expected a ruling in both runs before 'b' acts against 'block' of host/web by 'a' of run 'r-1', standing since seq 5; got 'action.intended' that overrules nothing"], _journal.Check());
    }

    private static string Bits(int length) => "11000000000000000000001000000111"[..length];
}
