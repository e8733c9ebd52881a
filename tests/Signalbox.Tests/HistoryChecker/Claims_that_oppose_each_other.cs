using Xunit;
using static Signalbox.Tests.HistoryChecker.Acting;

namespace Signalbox.Tests.HistoryChecker;

public sealed class Claims_that_oppose_each_other
{
    private const string Host = "host/web", Root = "host/web/root";

    private readonly JournalWriter _journal = With("r-1", "r-2").Add(Intend("r-1", "a", [Block(Host)]), Verdict("r-1", "a"));

    [Fact]
    public void Need_a_ruling_on_record_in_both_runs()
    {
        _journal.Add([.. Raise("r-2", "b", "r-1", "a"), .. Rule("r-2", "b", "r-1", "a", "priority", "overrules", "overruled"), Intend("r-2", "b", [Allow(Root)], overrules: ["a"], priority: 1), Verdict("r-2", "b")]);
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Do_not_pass_without_a_word()
    {
        _journal.Add(Intend("r-2", "b", [Allow(Root)]));
        Assert.Equal([Expected("'action.intended' that overrules nothing")], _journal.Check());
    }

    [Theory]
    [InlineData(0, "no conflict.raised in run 'r-2'")]
    [InlineData(1, "no conflict.raised in run 'r-1'")]
    [InlineData(2, "no conflict.ruled in run 'r-2'")]
    [InlineData(3, "no conflict.ruled that says 'overruled' in run 'r-1'")]
    public void Need_each_entry_of_it_before_anything_is_done(int missing, string told)
    {
        WrittenEntry[] entries = [.. Raise("r-2", "b", "r-1", "a"), .. Rule("r-2", "b", "r-1", "a", "priority", "overrules", "overruled")];
        _journal.Add([.. entries.Where((_, i) => i != missing)]).Add(Intend("r-2", "b", [Allow(Root)], overrules: ["a"], priority: 1), Verdict("r-2", "b"), entries[missing]);
        Assert.Contains(_journal.Check(), v => v.EndsWith("; got " + told, StringComparison.Ordinal));
    }

    [Fact]
    public void May_be_told_to_the_other_run_right_after_the_intent()
    {
        WrittenEntry[] entries = [.. Raise("r-2", "b", "r-1", "a"), .. Rule("r-2", "b", "r-1", "a", "priority", "overrules", "overruled")];
        _journal.Add(entries[0], entries[2], Intend("r-2", "b", [Allow(Root)], overrules: ["a"], priority: 1), entries[1], entries[3], Verdict("r-2", "b")); // one transaction
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Are_settled_by_the_last_ruling()
    {
        _journal.Add([
            .. Raise("r-2", "b", "r-1", "a"), .. Rule("r-2", "b", "r-1", "a", "priority", "overrules", "overruled"), .. Rule("r-2", "b", "r-1", "a", "yield", "yields", "stands"),
            Intend("r-2", "b", [Allow(Root)], overrules: ["a"], priority: 1)]);
        Assert.Equal([Expected("a conflict.ruled that says 'yields' in run 'r-2'", 7)], _journal.Check());
    }

    [Fact]
    public void Need_the_higher_priority_where_that_rules()
    {
        _journal.Change("r-1", 4, _ => Intend("r-1", "a", [Block(Host)], priority: 1));
        _journal.Add([.. Raise("r-2", "b", "r-1", "a"), .. Rule("r-2", "b", "r-1", "a", "priority", "overrules", "overruled"), Intend("r-2", "b", [Allow(Root)], overrules: ["a"], priority: 1)]);
        Assert.Equal([Expected("a ruling by priority, and 1 is not above 1", 6)], _journal.Check());
    }

    [Theory]
    [InlineData("wait", "a ruling by 'wait', which overrules nothing")]
    [InlineData("yield", "a ruling by 'yield', which overrules nothing")]
    [InlineData("person", "a ruling by a person, and no approval")]
    public void Are_not_overruled_by(string by, string told)
    {
        _journal.Add([.. Raise("r-2", "b", "r-1", "a"), .. Rule("r-2", "b", "r-1", "a", by, "overrules", "overruled"), Intend("r-2", "b", [Allow(Root)], overrules: ["a"], priority: 1)]);
        Assert.Equal([Expected(told, 6)], _journal.Check());
    }

    [Fact]
    public void Of_one_run_are_ruled_by_the_run_itself()
    {
        _journal.Add([Raise("r-1", "b", "r-1", "a")[0], Rule("r-1", "b", "r-1", "a", "run", "overrules", "overruled")[0], Intend("r-1", "b", [Allow(Host)], overrules: ["a"]), Verdict("r-1", "b")]);
        Assert.Empty(_journal.Check());
        var other = With("r-1", "r-2").Add(Intend("r-1", "a", [Block(Host)]), Verdict("r-1", "a"));
        other.Add([.. Raise("r-2", "b", "r-1", "a"), .. Rule("r-2", "b", "r-1", "a", "run", "overrules", "overruled"), Intend("r-2", "b", [Allow(Root)], overrules: ["a"])]);
        Assert.Equal([Expected("a ruling by the run itself, and the claim is another one's", 6)], other.Check());
    }

    [Fact]
    public void Oppose_whichever_of_them_says_so()
    {
        _journal.Change("r-1", 4, _ => Intend("r-1", "a", [Claim(Host, "block")])).Add(Intend("r-2", "b", [Claim(Root, "allow", "block")]));
        Assert.Single(_journal.Check());
        _journal.Change("r-2", 4, _ => Intend("r-2", "b", [Allow(Root)]));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Are_joined_only_as_ruled()
    {
        _journal.Add(Verdict("r-2", "b", claims: [Allow(Root)], madeByUs: null));
        Assert.Equal([Expected("'action.verified' that overrules nothing")], _journal.Check());

        var ruled = With("r-1", "r-2").Add(Intend("r-1", "a", [Block(Host)]), Verdict("r-1", "a"));
        ruled.Add([.. Raise("r-2", "b", "r-1", "a"), .. Rule("r-2", "b", "r-1", "a", "priority", "overrules", "overruled"), Join("\"overrules\":[\"a\"],\"priority\":1")]);
        Assert.Empty(ruled.Check());
        ruled.Change("r-2", 6, _ => Join("\"overrules\":[\"a\"]"));
        Assert.Equal([Expected("a ruling by priority, and 0 is not above 0", 6)], ruled.Check());

        static WrittenEntry Join(string members) => Verdict("r-2", "b", claims: [Allow(Root)], madeByUs: null) is var joins ? joins with { Body = $"{joins.Body[..^1]},{members}}}" } : null!;
    }

    [Fact]
    public void End_when_one_is_overruled()
    {
        _journal.Add([
            .. Raise("r-2", "b", "r-1", "a"), .. Rule("r-2", "b", "r-1", "a", "priority", "overrules", "overruled"), Intend("r-2", "b", [Allow(Host)], overrules: ["a"], priority: 1), Verdict("r-2", "b"),
            Intend("r-2", "c", [Allow(Root)]), Verdict("r-2", "c"), Intend("r-1", "d", [Block(Host)])]);
        Assert.Equal(2, _journal.Check().Count()); // against b and c, not against a
    }

    [Fact]
    public void End_with_a_release()
    {
        _journal.Add(Release("r-1", "a"), Intend("r-2", "b", [Allow(Root)]), Verdict("r-2", "b"));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Are_released_in_their_own_run_and_not_before_they_are_settled()
    {
        _journal.Add(Release("r-2", "a"));
        Assert.Equal(["I9 r-2 seq 4: expected claims of this run's own actions to end; got those of 'a' of run 'r-1'"], _journal.Check());

        var early = With("r-1", "r-2").Add(Intend("r-1", "a", [Block(Host)]), Release("r-1", "a"), Intend("r-2", "b", [Block(Root)]));
        Assert.Equal(["I9 r-2 seq 4: expected nobody to be before 'b' at 'block' of host/web/root; got 'block' of host/web by 'a' of run 'r-1', held since seq 4"], early.Check());
    }

    [Fact]
    public void End_with_their_time()
    {
        _journal.Add(Intend("r-2", "b", [Allow(Root)])); // the eleventh entry
        _journal.Change("r-1", 5, _ => Verdict("r-1", "a", standsUntil: JournalWriter.Start + 110));
        Assert.Empty(_journal.Check());
        _journal.Change("r-1", 5, _ => Verdict("r-1", "a", standsUntil: JournalWriter.Start + 111));
        Assert.Single(_journal.Check());
        _journal.Change("r-1", 5, _ => Verdict("r-1", "a", standsUntil: JournalWriter.Start + 100)); // over when it is verified
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void End_when_the_effect_is_taken_back()
    {
        _journal.Add(Intend("r-1", "a-undo", [Block(Host)], undo: true, releases: ["a"]), Verdict("r-1", "a-undo", undo: true, releases: ["a"]), Intend("r-2", "b", [Allow(Root)]), Verdict("r-2", "b"));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Are_not_ended_by_another_runs_undo()
    {
        _journal.Add(Verdict("r-2", "b-undo", undo: true, releases: ["a"]) with { Body = """{"actionId":"b-undo","action":"block","undo":true,"releases":["a"]}""" });
        Assert.Equal(["I9 r-2 seq 4: expected claims of this run's own actions to end; got those of 'a' of run 'r-1'"], _journal.Check());
    }

    [Fact]
    public void Are_on_record_in_both_runs_also_where_nobody_acts()
    {
        _journal.Add([Raise("r-2", "b", "r-1", "a")[0], .. Rule("r-2", "b", "r-1", "a", "person", "stands", "stands")]);
        Assert.Equal(
            [
                "I9 r-1 seq 6: expected a conflict.raised of 'a' with 'b' before it is ruled; got none",
                "I9 r-2 seq 4: expected a conflict.raised of 'a' with 'b' in run 'r-1' too; got none",
            ],
            _journal.Check());
        _journal.Remove("r-1", 6);
        Assert.Contains("I9 r-2 seq 5: expected a conflict.ruled in run 'r-1' that goes with 'stands'; got none", _journal.Check());
    }

    [Fact]
    public void Are_ruled_in_words_that_there_are()
    {
        _journal.Add([.. Raise("r-2", "b", "r-1", "a"), .. Rule("r-2", "b", "r-1", "a", "dice", "wins", "loses")]);
        Assert.Equal(2, _journal.Check().Count(v => v.StartsWith("I3 ", StringComparison.Ordinal)));
    }

    [Fact]
    public void Are_told_to_runs_that_have_ended()
    {
        _journal.Add(GoodHistory.Enter("r-1", "Ask", 3, "Act", "workflow:alert", "{}"), GoodHistory.Enter("r-1", "Closed", 4, "Ask", "workflow:alert", "{}"), new("r-1", "run.completed") { State = "Closed", Visit = 4 });
        _journal.Add([.. Raise("r-2", "b", "r-1", "a"), .. Rule("r-2", "b", "r-1", "a", "yield", "yields", "stands"), Release("r-1", "a"), Intend("r-2", "b", [Allow(Root)]), Verdict("r-2", "b")]);
        Assert.Empty(_journal.Check());
    }

    private static string Expected(string got, int seq = 4) =>
        $"I9 r-2 seq {seq}: expected a ruling in both runs before 'b' acts against 'block' of host/web by 'a' of run 'r-1', standing since seq 5; got {got}";
}
