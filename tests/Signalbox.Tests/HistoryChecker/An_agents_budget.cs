using Signalbox.HistoryChecker;
using Xunit;
using static Signalbox.Tests.HistoryChecker.GoodHistory;

namespace Signalbox.Tests.HistoryChecker;

/// <summary>I16: what a call may use up is reserved before it, and settled against that very reservation.</summary>
public sealed class An_agents_budget
{
    private readonly JournalWriter _journal = Write();

    [Fact]
    public void Has_a_reservation_before_each_paid_call()
    {
        _journal.Remove("r-j", 15);
        Assert.Equal(["I16 r-j seq 15: expected a budget.reserved of 'turn-3/-/1' under epoch 2 before it; got none that is not settled"], _journal.Check());
    }

    [Fact]
    public void Has_a_reservation_for_each_attempt()
    {
        _journal.Remove("r-j", 6);
        Assert.Equal(["I16 r-j seq 6: expected a budget.reserved of 'turn-1/-/1' under epoch 1 before it; got none that is not settled"], _journal.Check());
    }

    [Fact]
    public void Has_a_reservation_by_the_process_that_calls()
    {
        _journal.Remove("r-j", 12);
        Assert.Equal(["I16 r-j seq 12: expected a budget.reserved of 'turn-2/-/1' under epoch 2 before it; got none that is not settled"], _journal.Check());
    }

    [Fact]
    public void Has_one_reservation_for_an_attempt()
    {
        _journal.Insert(15, Reserve("fast", 3));
        Assert.Equal(["I16 r-j seq 16: expected one reservation for each attempt of 'turn-3/-/1'; got a second one; that of seq 15 is open"], _journal.Check());
    }

    [Fact]
    public void Has_no_reservation_for_what_is_answered()
    {
        _journal.Insert(8, Reserve("fast", 1));
        Assert.Equal(
            ["I3 r-j seq 8: expected no call of 'turn-1/-/1' after its result of seq 7; got a reservation for one", "I23 r-j seq 8: expected turn 2; got turn 1"],
            _journal.Check());
    }

    [Fact]
    public void Reserves_calls_one_by_one()
    {
        _journal.Change("r-j", 10, e => e with { Body = e.Body.Replace("\"calls\":1,", "", StringComparison.Ordinal) });
        Assert.Equal(["I16 r-j seq 10: expected a reservation of one call; got 0"], _journal.Check());
    }

    [Fact]
    public void Settles_what_was_reserved()
    {
        _journal.Change("r-j", 13, e => e with { Body = e.Body.Replace("\"micros\":350", "\"micros\":300", StringComparison.Ordinal) });
        Assert.Equal(
            ["I16 r-j seq 13: expected the reservation of seq 12 to be settled (1 calls, 100+50 tokens, 350 micros, 0 µs, 0 rejections); got 1 calls, 100+50 tokens, 300 micros, 0 µs, 0 rejections"],
            _journal.Check());
    }

    [Fact]
    public void Settles_what_the_model_states()
    {
        _journal.Change("r-j", 13, e => e with { Body = e.Body.Replace("\"inputTokens\":90,\"outputTokens\":10,\"micros\"", "\"inputTokens\":9,\"outputTokens\":10,\"micros\"", StringComparison.Ordinal) });
        Assert.Equal(["I16 r-j seq 13: expected the use that the model states: 1 call, 90+10 tokens; got 1 calls, 9+10 tokens, 140 micros, 7 µs, 0 rejections"], _journal.Check());
    }

    [Fact]
    public void Settles_an_estimate_where_the_model_states_nothing()
    {
        _journal.Change("r-j", 13, e => e with { Body = e.Body.Replace("\"inputTokens\":90,\"outputTokens\":10,\"agent\"", "\"agent\"", StringComparison.Ordinal) });
        Assert.Empty(_journal.Check());
    }

    [Fact]
    public void Settles_every_answer()
    {
        _journal.Change("r-j", 13, e => e with { Body = e.Body[..e.Body.IndexOf(",\"settlement\"", StringComparison.Ordinal)] + "}" });
        Assert.Equal(["I16 r-j seq 13: expected what 'turn-2/-/1' came to, with its result; got no settlement"], _journal.Check());
    }

    [Fact]
    public void Counts_a_failed_attempt_as_spent_unless_it_says_otherwise()
    {
        var before = HistoryCheck.Report(_journal.Seal()).Used["r-j"];
        _journal.Change("r-j", 5, e => e with { Body = """{"code":"timed_out","reason":"x","microseconds":5,"attempts":1,"type":"model"}""" });
        var after = HistoryCheck.Report(_journal.Seal());

        Assert.Empty(after.Violations);
        Assert.Equal(before + new Usage { InputTokens = 100, OutputTokens = 50, Micros = 350 }, after.Used["r-j"]);
    }

    [Theory]
    [InlineData("calls", 6, "I16 r-j seq 23: expected at most 6 model calls; got 7")]
    [InlineData("tokens", 699, "I16 r-j seq 23: expected at most 699 tokens; got 700")]
    [InlineData("micros", 1259, "I16 r-j seq 23: expected at most 1259 millionths of money; got 1260")]
    [InlineData("rejections", 1, "I16 r-j seq 15: expected at most 1 rejections before a further call; got 2")]
    public void Is_not_exceeded(string what, long limit, string expected)
    {
        Assert.Equal(expected, _journal.Check(Limited(what, limit)).First());
        Assert.Empty(_journal.Check(Limited(what, limit + 1)));
    }

    [Fact]
    public void Is_exceeded_by_no_more_than_was_in_flight()
    {
        // A sample beside this conversation uses 250 tokens more than it had reserved. Who asks without having seen that asks in good faith; the next one has seen it.
        var sample = Reply("fast", 1, Calls()) with { Scope = "judge/fast/sample-2" };
        _journal.Insert(6, sample with { Body = sample.Body.Replace("90", "390", StringComparison.Ordinal) }).Insert(4, Reserve("fast", 1) with { Scope = "judge/fast/sample-2" });

        Assert.Equal("I16 r-j seq 12: expected at most 300 tokens; got 650", _journal.Check(Limited("tokens", 300)).First());
        Assert.Equal("I16 r-j seq 8: expected at most 299 tokens, and 250 that were in flight; got 550", _journal.Check(Limited("tokens", 299)).ElementAt(1));
    }

    [Fact]
    public void Is_stated_once_for_a_workflow()
    {
        var options = Limited("calls", 1) with { Budgets = ["""{"workflow":"alert"}""", """{"workflow":"alert"}"""], BudgetsName = "b.jsonl" };
        Assert.Equal("b.jsonl:2: expected one budget for 'alert'; this is a second one", Assert.Throws<BadInputException>(() => HistoryCheck.Run(_journal.Seal(), options)).Message);
    }

    private static HistoryOptions Limited(string what, long limit) => new() { Budgets = [$$"""{"workflow":"alert","{{what}}":{{limit}}}"""] };
}
