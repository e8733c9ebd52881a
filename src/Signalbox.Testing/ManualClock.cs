namespace Signalbox.Testing;

/// <summary>
/// A clock that stands still until it is told to go on. Timers fire during <see cref="Advance"/>, on its thread, in the order of their due
/// times (equal ones in the order in which they were set), each while the clock shows its due time; what awaits them runs on from there as
/// its own scheduler has it. A timer that is due at once fires with the next <see cref="Advance"/>, be it of zero. Safe to call from several threads.
/// </summary>
public sealed class ManualClock : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly List<ManualTimer> _armed = [];
    private DateTimeOffset _now;
    private long _ticks;
    private long _armings;

    /// <summary>A clock that shows <paramref name="start"/>, or 2026-01-01T00:00:00Z.</summary>
    public ManualClock(DateTimeOffset? start = null) => _now = (start ?? new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)).ToUniversalTime();

    /// <inheritdoc />
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <inheritdoc />
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>When the next timer is due by this clock; null if none is set.</summary>
    public DateTimeOffset? NextTimer
    {
        get
        {
            lock (_lock)
            {
                return First(long.MaxValue) is { } timer ? _now.AddTicks(Math.Max(0, timer.Due - _ticks)) : null;
            }
        }
    }

    /// <inheritdoc />
    public override DateTimeOffset GetUtcNow()
    {
        lock (_lock)
        {
            return _now;
        }
    }

    /// <inheritdoc />
    public override long GetTimestamp()
    {
        lock (_lock)
        {
            return _ticks;
        }
    }

    /// <inheritdoc />
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Lets so much time pass and fires every timer that comes due in it, those set by other timers included.</summary>
    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        long target;
        lock (_lock)
        {
            target = _ticks + by.Ticks;
        }

        while (TakeDue(target) is { } timer)
        {
            timer.Fire();
        }
    }

    /// <summary>Sets the time of day, forwards or backwards, as an operator would: no timer notices, no time passes.</summary>
    public void Jump(TimeSpan by)
    {
        lock (_lock)
        {
            _now += by;
        }
    }

    private ManualTimer? TakeDue(long target)
    {
        lock (_lock)
        {
            var timer = First(target);
            var reached = Math.Max(_ticks, timer?.Due ?? target);
            _now = _now.AddTicks(reached - _ticks);
            _ticks = reached;
            if (timer is not null)
            {
                _armed.Remove(timer);
                if (timer.Period > 0)
                {
                    Arm(timer, reached + timer.Period);
                }
            }

            return timer;
        }
    }

    private ManualTimer? First(long until) => _armed.Where(t => t.Due <= until).OrderBy(t => t.Due).ThenBy(t => t.Arming).FirstOrDefault();

    private void Arm(ManualTimer timer, long due)
    {
        timer.Due = due;
        timer.Arming = _armings++;
        _armed.Add(timer);
    }

    private sealed class ManualTimer(ManualClock clock, TimerCallback callback, object? state) : ITimer
    {
        private bool _disposed;

        public long Due { get; set; }

        public long Arming { get; set; }

        public long Period { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (clock._lock)
            {
                if (_disposed)
                {
                    return false;
                }

                clock._armed.Remove(this);
                Period = period == Timeout.InfiniteTimeSpan ? 0 : period.Ticks;
                if (dueTime != Timeout.InfiniteTimeSpan)
                {
                    clock.Arm(this, clock._ticks + dueTime.Ticks);
                }

                return true;
            }
        }

        public void Dispose()
        {
            lock (clock._lock)
            {
                _disposed = true;
                clock._armed.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
