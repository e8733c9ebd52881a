using Signalbox.HistoryChecker;
using Xunit;
using static Signalbox.Tests.HistoryChecker.Acting;

namespace Signalbox.Tests.HistoryChecker;

/// <summary>An action is verified by three looks over 20 µs; its verdict is the sixth entry, at 60 µs.</summary>
public sealed class A_verdict_after_looks
{
    private readonly JournalWriter _journal = With("r-1").Add(Intend("r-1", "a"), Verdict("r-1", "a", agreement: new { looks = 3, over = 20, looksWanted = 3, overWanted = 20 }));

    [Fact]
    public void Has_as_many_as_were_wanted() => Assert.Empty(_journal.Check());

    [Theory]
    [InlineData(2, 20, "2 over 20 µs")]
    [InlineData(3, 19, "3 over 19 µs")]
    public void Has_no_fewer_and_no_shorter(int looks, int over, string got)
    {
        _journal.Change("r-1", 5, _ => Verdict("r-1", "a", agreement: new { looks, over, looksWanted = 3, overWanted = 20 }));
        Assert.Equal([$"I21 r-1 seq 5: expected 3 looks that agree over 20 µs before 'a' is verified; got {got}"], _journal.Check());
    }

    [Fact]
    public void Has_one_where_nothing_was_wanted()
    {
        _journal.Change("r-1", 5, _ => Verdict("r-1", "a", agreement: new { over = 20 }));
        Assert.Equal(["I21 r-1 seq 5: expected 1 looks that agree over 0 µs before 'a' is verified; got 0 over 20 µs"], _journal.Check());
    }

    [Fact]
    public void Says_how_they_agreed()
    {
        _journal.Add(Intend("r-1", "b"), Verdict("r-1", "b"));
        Assert.Equal(["I21 r-1 seq 7: expected the agreement of the looks at 'b', which is verified; got none"], _journal.Check());
        Assert.Empty(_journal.Check(new HistoryOptions { AgreementRequired = false }));
    }

    [Fact]
    public void Need_not_say_so_in_a_journal_from_before()
    {
        _journal.Change("r-1", 5, _ => Verdict("r-1", "a"));
        Assert.Empty(_journal.Check());
        Assert.Single(_journal.Check(new HistoryOptions { AgreementRequired = true }));
    }

    [Fact]
    public void Has_none_where_an_operator_took_it_as_done()
    {
        _journal.Add(Intend("r-1", "b"), Verdict("r-1", "b", probes: null));
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Is_what_the_targets_log_shows()
    {
        Assert.Empty(CheckLooks((false, 10), (true, 35), (true, 45), (true, 55)));
        Assert.Empty(CheckLooks((true, 20), (true, 30), (true, 40), (true, 60), (false, 61)));
    }

    [Theory]
    [InlineData("2 over 10 µs", false, 35, true, 45, true, 55)]
    [InlineData("3 over 19 µs", true, 36, true, 45, true, 55)]
    [InlineData("0 over 0 µs", true, 35, true, 45, false, 55)]
    [InlineData("2 over 10 µs", true, 45, true, 55, true, 61)]
    public void Is_not_what_the_targets_log_does_not_show(string got, bool so1, int at1, bool so2, int at2, bool so3, int at3)
    {
        Assert.Equal([$"I21 r-1 seq 5: expected 3 looks in a row over 20 µs in the target's log before 'a' is verified; got {got}"], CheckLooks((so1, at1), (so2, at2), (so3, at3)));
    }

    [Fact]
    public void Is_not_what_an_unclear_look_shows()
    {
        var unclear = Line(true, 45).Replace("\"so\":true,", "", StringComparison.Ordinal);
        Assert.Single(_journal.Check(new HistoryOptions { TargetLooks = [Line(true, 35), unclear, Line(true, 55)] }));
        Assert.Empty(_journal.Check(new HistoryOptions { TargetLooks = [Line(true, 30), Line(true, 35), unclear, Line(true, 55)] }));
    }

    [Fact]
    public void Of_an_undo_has_looks_that_show_it_gone()
    {
        _journal.Change("r-1", 5, _ => Verdict("r-1", "a", undo: true, madeByUs: null, agreement: new { looks = 2, over = 0, looksWanted = 2 }));
        Assert.Empty(CheckLooks((true, 35), (false, 45), (false, 55)));
        Assert.Single(CheckLooks((true, 45), (true, 55)));
    }

    [Fact]
    public void May_have_its_looks_in_the_targets_log()
    {
        var effect = """{"actionId":"a","op":"block","resource":"192.0.2.7","applied":true}""";
        Assert.Empty(_journal.Check(new HistoryOptions { TargetLog = [effect, Line(true, 35), Line(true, 45), Line(true, 55)] }));
        Assert.Single(_journal.Check(new HistoryOptions { TargetLog = [effect, Line(true, 35)] }));
        Assert.Empty(_journal.Check(new HistoryOptions { TargetLog = [effect] })); // it kept no log of looks
    }

    [Fact]
    public void Cannot_be_checked_against_a_look_without_a_time()
    {
        var e = Assert.Throws<BadInputException>(() => _journal.Check(new HistoryOptions { TargetLooks = ["""{"look":true,"actionId":"a","so":true}"""] }).ToList());
        Assert.Equal("target looks:1: the member 'at' is missing", e.Message);
    }

    private IEnumerable<string> CheckLooks(params (bool So, int At)[] looks) => _journal.Check(new HistoryOptions { TargetLooks = looks.Select(l => Line(l.So, l.At)) });

    private static string Line(bool so, int at) => $$"""{"look":true,"actionId":"a","so":{{(so ? "true" : "false")}},"at":{{JournalWriter.Start + at}}}""";
}
