using Xunit;
using static Signalbox.Tests.HistoryChecker.Acting;

namespace Signalbox.Tests.HistoryChecker;

public sealed class What_policies_say
{
    private readonly JournalWriter _journal = With("r-1", "r-2");

    [Fact]
    public void Lets_an_action_pass()
    {
        _journal.Add(Judge("allow"), Intend("r-1", "a"), Verdict("r-1", "a"));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Stops_an_action()
    {
        _journal.Add(Judge("refuse"), Judge("allow", "hours"), Intend("r-1", "a"), Intend("r-1", "b"));
        Assert.Equal(["I8 r-1 seq 6: expected no intent of 'a', which the policy 'never' refused at seq 4; got one"], _journal.Check());
    }

    [Fact]
    public void Asks_a_person()
    {
        _journal.Add(Judge("ask"), Intend("r-1", "a"));
        Assert.Equal(["I8 r-1 seq 5: expected an approval of 'a', of which the policy 'never' asks a person at seq 4; got an intent without one"], _journal.Check());
    }

    [Fact]
    public void Is_what_the_policy_says_last()
    {
        _journal.Add(Judge("refuse"), Judge("allow"), Intend("r-1", "a"));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Is_said_anew_when_the_run_is_tried_again()
    {
        _journal.Add(
            Judge("refuse"), Verdict("r-1", "a", "action.refused", madeByUs: null), new("r-1", "run.failed") { State = "Act", Visit = 2, Body = """{"code":"x","reason":"y"}""" }, new("r-1", "run.retried") { Actor = Starter },
            GoodHistory.Lease("r-1", "w-1", "Act", 2), Intend("r-1", "a"));
        Assert.Empty(_journal.Check());
        _journal.Insert(9, Judge("refuse"));
        Assert.Single(_journal.Check());
    }

    [Fact]
    public void Does_not_stop_an_operator_from_taking_it_back()
    {
        _journal.Add(Judge("allow"), Intend("r-1", "a"), Verdict("r-1", "a"), Judge("refuse"), Intend("r-1", "a", undo: true), Verdict("r-1", "a", undo: true));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Of_a_limit_holds_over_all_runs()
    {
        _journal.Add(Intend("r-1", "a", limits: [Limit(2)]), Intend("r-2", "b", limits: [Limit(1)]), Intend("r-2", "c", limits: [Limit(3, name: "other")]), Intend("r-1", "d", limits: [Limit(1)]));
        Assert.Equal(["I16 r-1 seq 5: expected at most 3 of 'blocks' in 1000 µs; got 4 with this intent"], _journal.Check());
    }

    [Theory]
    [InlineData(10, 0)]
    [InlineData(11, 1)]
    public void Of_a_limit_holds_for_any_window(int window, int violations)
    {
        // Ten microseconds lie between two entries; a window has its end in it, not its beginning.
        _journal.Add(Intend("r-1", "a", limits: [Limit(3, window)]), Intend("r-2", "b", limits: [Limit(1, window)]), Intend("r-2", "c", limits: [Limit(2, window)]));
        Assert.Equal(violations == 0 ? 0 : 1, _journal.Check().Count(v => v.Contains("4 with this", StringComparison.Ordinal)));
    }

    [Fact]
    public void Of_a_limit_does_not_count_what_was_never_intended()
    {
        _journal.Add(Intend("r-1", "a", limits: [Limit(3)]), Verdict("r-2", "b", "action.refused", madeByUs: null), Intend("r-2", "c", limits: [Limit(0)]));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Of_a_limit_is_passed_by_nobodys_leave()
    {
        _journal.Add(Intend("r-1", "a", limits: [new { name = "blocks", amount = 9, max = long.MaxValue, window = 1000 }]));
        Assert.Equal(["I16 r-1 seq 4: expected an approval of 'a' that lets it pass the limit 'blocks'; got none"], _journal.Check());
    }

    private static object Limit(long amount, long window = 1000, string name = "blocks") => new { name, amount, max = 3, window };

    private static WrittenEntry Judge(string verdict, string policy = "never") => Of("r-1", "policy.judged", "a", new { actionId = "a", action = "block", policy, verdict, reason = "so" });
}
