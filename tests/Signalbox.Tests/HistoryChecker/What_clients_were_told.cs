using Signalbox.HistoryChecker;
using Xunit;

namespace Signalbox.Tests.HistoryChecker;

public sealed class What_clients_were_told
{
    private readonly JournalWriter _journal = GoodHistory.Write();

    [Theory]
    [InlineData("""{"request":"start","run":"r-z","reply":"ok"}""", "1 run.started (ok 1, unknown 0, refused 0; last acknowledgements:1); got 0")]
    [InlineData("""{"request":"signal","run":"r-z","name":"go","reply":"ok"}""", "1 signal.received 'go' (ok 1, unknown 0, refused 0; last acknowledgements:1); got 0")]
    [InlineData("""{"request":"answer","run":"r-z","choice":"yes","reply":"ok"}""", "1 approval.answered 'yes' (ok 1, unknown 0, refused 0; last acknowledgements:1); got 0")]
    [InlineData("""{"request":"cancel","run":"r-z","reply":"ok"}""", "1 cancel.requested (ok 1, unknown 0, refused 0; last acknowledgements:1); got 0")]
    [InlineData("""{"request":"retry","run":"r-z","reply":"ok"}""", "1 run.retried (ok 1, unknown 0, refused 0; last acknowledgements:1); got 0")]
    [InlineData("""{"request":"release","run":"r-z","reply":"ok"}""", "1 run.resumed (ok 1, unknown 0, refused 0; last acknowledgements:1); got 0")]
    public void Is_in_the_journal_if_it_was_acknowledged(string line, string expected)
    {
        Assert.Equal([$"I11 r-z: expected {expected}"], Check(line));
    }

    [Theory]
    [InlineData("""{"request":"start","run":"r-a","reply":"refused","code":"store_unavailable"}""", "r-a: expected 0 run.started (ok 0, unknown 0, refused 1; last acknowledgements:1); got 1")]
    [InlineData("""{"request":"signal","run":"r-a","name":"go","reply":"refused","code":"run_ended"}""", "r-a: expected 0 signal.received 'go' (ok 0, unknown 0, refused 1; last acknowledgements:1); got 1")]
    [InlineData("""{"request":"cancel","run":"r-b","reply":"refused","code":"run_ended"}""", "r-b: expected 0 cancel.requested (ok 0, unknown 0, refused 1; last acknowledgements:1); got 1")]
    public void Is_not_there_if_it_was_refused(string line, string expected)
    {
        Assert.Equal([$"I11 {expected}"], Check(line));
    }

    [Fact]
    public void Is_there_once()
    {
        _journal.Insert(21, _journal.Entries[20]);
        const string Go = """{"request":"signal","run":"r-a","name":"go","reply":"ok"}""";
        Assert.Equal(["I11 r-a: expected 1 signal.received 'go' (ok 1, unknown 0, refused 0; last acknowledgements:1); got 2"], Check(Go));
        Assert.Empty(Check(Go, Go));
    }

    [Fact]
    public void Is_there_at_most_once_if_nobody_knows()
    {
        const string Unknown = """{"request":"signal","run":"r-a","name":"go","reply":"unknown"}""";
        Assert.Empty(Check(Unknown));
        _journal.Insert(21, _journal.Entries[20]);
        Assert.Equal(["I11 r-a: expected 0 to 1 signal.received 'go' (ok 0, unknown 1, refused 0; last acknowledgements:1); got 2"], Check(Unknown));
    }

    [Fact]
    public void Counts_only_what_came_from_outside()
    {
        _journal.Insert(21, _journal.Entries[20] with { Actor = "run:r-child" });
        Assert.Empty(Check("""{"request":"signal","run":"r-a","name":"go","reply":"ok"}"""));
    }

    [Fact]
    public void Is_recorded_as_ignored_if_an_answer_was_refused()
    {
        _journal.Remove("r-a", 21);
        Assert.Equal(
            ["I11 r-a: expected 1 approval.ignored 'no' (ok 1, unknown 0, refused 0; last acknowledgements:1); got 0"],
            Check("""{"request":"answer","run":"r-a","choice":"no","reply":"refused","code":"approval_not_open"}"""));
    }

    [Fact]
    public void Is_the_answer_to_the_question_that_was_asked()
    {
        Assert.Equal(
            ["I11 r-a: expected 1 approval.answered 'yes' of 'must/-/1' (ok 1, unknown 0, refused 0; last acknowledgements:1); got 0"],
            Check("""{"request":"answer","run":"r-a","name":"must/-/1","choice":"yes","reply":"ok"}""", """{"request":"answer","run":"r-a","choice":"yes","reply":"refused","code":"approval_not_open"}"""));
    }

    [Fact]
    public void Names_the_run_that_has_the_key()
    {
        Assert.Equal(
            [
                "I11 r-b: expected run 'r-b' of 'alert' under the key 'k-1' (acknowledgements:1); got 'r-a'",
                "I11 r-b: expected run 'r-b' of 'alert' under the key 'k-9' (acknowledgements:2); got none",
            ],
            Check(
                """{"request":"start","run":"r-b","workflow":"alert","key":"k-1","reply":"refused","code":"key_taken"}""",
                """{"request":"start","run":"r-b","workflow":"alert","key":"k-9","reply":"ok","code":"ok"}"""));
    }

    [Fact]
    public void Holds_one_run_for_each_key()
    {
        _journal.Change("r-b", 0, e => e with { Body = e.Body.Replace("k-2", "k-1", StringComparison.Ordinal) });
        Assert.Equal(["I12 r-b seq 0: expected 'r-a' to be the only run of 'alert' under the key 'k-1'; got a second one"], Check());
    }

    private IEnumerable<string> Check(params string[] acknowledgements) => _journal.Check(new HistoryOptions { Acknowledgements = acknowledgements });
}
