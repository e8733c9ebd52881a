using Signalbox.Testing;

namespace Signalbox.Store.Tests;

public sealed class A_manual_clock
{
    private readonly ManualClock _clock = new();

    [Fact]
    public void Stands_still_until_it_is_told_to_go_on()
    {
        var (now, stamp) = (_clock.GetUtcNow(), _clock.GetTimestamp());
        Assert.Equal(now, _clock.GetUtcNow());
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(now.AddSeconds(5), _clock.GetUtcNow());
        Assert.Equal(TimeSpan.FromSeconds(5), _clock.GetElapsedTime(stamp));
    }

    [Fact]
    public void Fires_timers_in_the_order_of_their_due_times_and_shows_each_its_own()
    {
        var start = _clock.GetUtcNow();
        var fired = new List<(string, double)>();
        using var late = Timer("late", 3);
        using var early = Timer("early", 1);
        using var equal = Timer("equal", 3);
        using var never = Timer("never", 60);
        Assert.Equal(start.AddSeconds(1), _clock.NextTimer);
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal([("early", 1), ("late", 3), ("equal", 3)], fired);
        Assert.Equal(start.AddSeconds(10), _clock.GetUtcNow());

        ITimer Timer(string name, int seconds) =>
            _clock.CreateTimer(_ => fired.Add((name, (_clock.GetUtcNow() - start).TotalSeconds)), null, TimeSpan.FromSeconds(seconds), Timeout.InfiniteTimeSpan);
    }

    [Fact]
    public void Fires_what_other_timers_set_and_periods_within_the_same_advance()
    {
        var fired = new List<string>();
        using var beat = _clock.CreateTimer(_ => fired.Add("beat"), null, TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(2));
        using var first = _clock.CreateTimer(
            _ => _clock.CreateTimer(_ => fired.Add("second"), null, TimeSpan.FromSeconds(2), Timeout.InfiniteTimeSpan), null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(["beat", "second", "beat"], fired);
        beat.Dispose();
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(3, fired.Count);
        Assert.Null(_clock.NextTimer);
    }

    [Fact]
    public async Task Ends_delays_and_runs_on_what_awaits_them()
    {
        var woken = new List<int>();
        var sleepers = new[] { Sleep(2), Sleep(1) };
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal([1, 2], woken);
        await Task.WhenAll(sleepers);

        async Task Sleep(int seconds)
        {
            await Task.Delay(TimeSpan.FromSeconds(seconds), _clock).ConfigureAwait(false);
            woken.Add(seconds);
        }
    }

    [Fact]
    public void Can_be_set_back_without_time_passing()
    {
        var fired = false;
        var (now, stamp) = (_clock.GetUtcNow(), _clock.GetTimestamp());
        using var timer = _clock.CreateTimer(_ => fired = true, null, TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan);
        _clock.Jump(TimeSpan.FromHours(-1));
        Assert.Equal((now.AddHours(-1), stamp, false), (_clock.GetUtcNow(), _clock.GetTimestamp(), fired));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.True(fired);
    }
}

public sealed class Seeded_entropy
{
    [Fact]
    public void Gives_the_same_bits_from_the_same_seed_on_every_machine()
    {
        var bytes = new byte[12];
        new SeededEntropy(42).Fill(bytes);
        Assert.Equal("956EEB2F2632D7BD03F166B2", Convert.ToHexString(bytes));
    }
}
