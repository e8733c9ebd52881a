using Xunit;

namespace Signalbox.Tests.HistoryChecker;

public sealed class A_log_out_of_order
{
    [Fact]
    public void Has_a_position_twice()
    {
        Assert.Equal(["I1 r-a seq 5: expected a position after 5; got 5"], GoodHistory.Write().Change("r-a", 5, e => e with { Position = 5 }).Check());
    }

    [Fact]
    public void Has_a_time_before_an_earlier_one()
    {
        var (before, now) = (JournalWriter.Start + 50, JournalWriter.Start + 49);
        Assert.Equal([$"I1 r-a seq 5: expected a time not before {before}; got {now}"], GoodHistory.Write().Change("r-a", 5, e => e with { At = now }).Check());
    }
}
