using Signalbox.Journal;
using Xunit;

namespace Signalbox.Tests.Journal;

public sealed class Microseconds_of_the_journal
{
    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(1, 0, 1)]
    [InlineData(9, 0, 1)]
    [InlineData(10, 1, 1)]
    [InlineData(-1, -1, 0)]
    [InlineData(-10, -1, -1)]
    [InlineData(-11, -2, -1)]
    public void Are_whole_ones_before_and_after_a_time(long ticks, long before, long after)
    {
        var time = DateTimeOffset.UnixEpoch.AddTicks(ticks);

        Assert.Equal((before, after), (Microseconds.From(time), Microseconds.Ceiling(time)));
    }

    [Fact]
    public void Have_a_time_whatever_their_number()
    {
        Assert.Equal(DateTimeOffset.MinValue, Microseconds.ToTime(long.MinValue));
        Assert.Equal(DateTimeOffset.MaxValue.AddTicks(-9), Microseconds.ToTime(long.MaxValue));
        Assert.True(Microseconds.ToTime(Microseconds.From(DateTimeOffset.MaxValue)) <= DateTimeOffset.MaxValue);
        Assert.True(Microseconds.Ceiling(DateTimeOffset.MaxValue) > Microseconds.From(DateTimeOffset.MaxValue));
    }
}
