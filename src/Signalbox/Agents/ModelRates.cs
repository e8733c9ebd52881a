using System.Globalization;

namespace Signalbox;

/// <summary>
/// How many calls a model may be asked for by this process, whatever run they belong to: so many at once, so many a minute, so many tokens a minute; a limit that is null does
/// not hold. A minute's limit is a bucket that holds one minute's worth, is full at first and fills evenly, as the providers' own are: in any time span no more than the limit and
/// what flowed in meanwhile. Who comes first is served first, also if a later, smaller call could begin at once, so that a large one is never overtaken for ever. Safe to
/// use from several threads.
/// </summary>
internal sealed class ModelRate
{
    private static readonly TimeSpan s_timerMax = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _queue = new();
    private readonly TimeProvider _clock;
    private readonly int? _callsAtOnce;
    private readonly int? _callsPerMinute;
    private readonly long? _tokensPerMinute;
    private readonly int _queueMax;
    private readonly Bucket? _calls;
    private readonly Bucket? _tokens;
    private readonly ITimer _timer;
    private int _atWork;

    /// <param name="clock">The clock that the minutes go by.</param>
    /// <param name="callsAtOnce">How many calls may be at work at the same time.</param>
    /// <param name="callsPerMinute">How many calls may begin in a minute.</param>
    /// <param name="tokensPerMinute">How many tokens, as told when they enter, the calls of a minute may have.</param>
    /// <param name="queueMax">How many calls may wait; zero if none may.</param>
    public ModelRate(TimeProvider clock, int? callsAtOnce, int? callsPerMinute, long? tokensPerMinute, int queueMax)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(callsAtOnce ?? 1, 1, nameof(callsAtOnce));
        ArgumentOutOfRangeException.ThrowIfLessThan(callsPerMinute ?? 1, 1, nameof(callsPerMinute));
        ArgumentOutOfRangeException.ThrowIfLessThan(tokensPerMinute ?? 1, 1, nameof(tokensPerMinute));
        ArgumentOutOfRangeException.ThrowIfNegative(queueMax);
        _clock = clock;
        (_callsAtOnce, _callsPerMinute, _tokensPerMinute, _queueMax) = (callsAtOnce, callsPerMinute, tokensPerMinute, queueMax);
        var (now, minute) = (clock.GetTimestamp(), 60 * clock.TimestampFrequency);
        _calls = callsPerMinute is { } calls ? new(calls, minute, now) : null;
        _tokens = tokensPerMinute is { } tokens ? new(tokens, minute, now) : null;
        _timer = clock.CreateTimer(static rate => ((ModelRate)rate!).LetIn(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>
    /// Waits until a call with about so many tokens may begin. The call is over when what is returned is disposed, which counts once; the minute's share is used up either way.
    /// More tokens than a minute has wait for a full bucket and leave it in debt. Who cancels leaves the queue at once. Waits as long as it takes: the time limit is the token's.
    /// </summary>
    /// <exception cref="ModelException">As many calls wait as may: <see cref="ModelTrouble.RateLimited"/>, with the limit that holds them up.</exception>
    /// <exception cref="OperationCanceledException">The call was given up before it could begin; it has used nothing.</exception>
    public async ValueTask<IDisposable> EnterAsync(long tokens, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        cancellationToken.ThrowIfCancellationRequested();
        var waiter = new Waiter(this, tokens, cancellationToken);
        var entering = new List<Waiter>();
        try
        {
            lock (_lock)
            {
                var now = _clock.GetTimestamp();
                var holdUp = TakeReady(entering, now) ?? HoldUpOf(tokens, now);
                if (holdUp is null)
                {
                    Begin(tokens, now);
                    return new Call(this);
                }

                if (_queue.Count >= _queueMax)
                {
                    throw Full(holdUp);
                }

                _queue.AddLast(waiter.Place);
                SetTimer(holdUp);
            }
        }
        finally
        {
            entering.ForEach(other => other.Enter());
        }

        var leaving = cancellationToken.UnsafeRegister(static waiter => ((Waiter)waiter!).Leave(), waiter);
        try
        {
            return await waiter.Entered;
        }
        finally
        {
            leaving.Unregister();
        }
    }

    private void Begin(long tokens, long now)
    {
        _atWork++;
        _calls?.Take(1, now);
        _tokens?.Take(tokens, now);
    }

    private void End()
    {
        lock (_lock)
        {
            _atWork--;
        }

        LetIn();
    }

    /// <summary>Lets in who may begin now. Not inside the lock: if nobody's context stands between, the call itself runs on from here.</summary>
    private void LetIn()
    {
        var entering = new List<Waiter>();
        lock (_lock)
        {
            SetTimer(TakeReady(entering, _clock.GetTimestamp()));
        }

        entering.ForEach(waiter => waiter.Enter());
    }

    /// <summary>Takes who may begin from the front of the queue. What holds up the next one; null if nobody is left.</summary>
    private HoldUp? TakeReady(List<Waiter> entering, long now)
    {
        while (_queue.First is { } first)
        {
            if (HoldUpOf(first.Value.Tokens, now) is { } holdUp)
            {
                return holdUp;
            }

            _queue.RemoveFirst();
            Begin(first.Value.Tokens, now);
            entering.Add(first.Value);
        }

        return null;
    }

    /// <summary>The limit that a call has to wait for longest; null if it may begin. One that ends with somebody else's call counts as the longest, for nobody knows when.</summary>
    private HoldUp? HoldUpOf(long tokens, long now)
    {
        if (_atWork >= _callsAtOnce)
        {
            return new(Counted(_callsAtOnce.Value, "call") + " at once", null);
        }

        var (calls, share) = (_calls?.ReadyAt(1) ?? now, _tokens?.ReadyAt(tokens) ?? now);
        return Math.Max(calls, share) <= now ? null
            : calls >= share ? new(Counted(_callsPerMinute!.Value, "call") + " a minute", Until(calls))
            : new(Counted(_tokensPerMinute!.Value, "token") + " a minute", Until(share));

        // Whole milliseconds, as the system's timers count them.
        TimeSpan Until(long ready) => TimeSpan.FromMilliseconds((long)Math.Ceiling(_clock.GetElapsedTime(now, ready).TotalMilliseconds));
    }

    /// <summary>For the front of the queue. Timers have a longest time; one that fires too early is set again.</summary>
    private void SetTimer(HoldUp? holdUp) =>
        _timer.Change(holdUp?.Wait is { } wait ? (wait < s_timerMax ? wait : s_timerMax) : Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

    private ModelException Full(HoldUp holdUp) => new(
        ModelTrouble.RateLimited,
        $"No more calls of this model may wait than {_queueMax.ToString("N0", CultureInfo.InvariantCulture)}: its limit of {holdUp.Limit} holds them up. Let fewer runs work at once, or raise the limit or the number that may wait.",
        holdUp.Wait);

    private static string Counted(long count, string noun) => string.Create(CultureInfo.InvariantCulture, $"{count:N0} {noun}{(count == 1 ? "" : "s")}");

    private sealed record HoldUp(string Limit, TimeSpan? Wait);

    /// <summary>A minute's worth of something, known by when it will be full again: so nothing has to be filled, and nothing is rounded but up, to one tick of the clock.</summary>
    private sealed class Bucket(long perMinute, long minute, long now)
    {
        private const long MinutesMax = 100_000;

        private long _fullAt = now;

        /// <summary>When it holds so much; more than it can hold counts as full.</summary>
        public long ReadyAt(long amount) => _fullAt - Math.Max(0, minute - FillingTime(amount));

        public void Take(long amount, long at) => _fullAt = Math.Max(_fullAt, at) + FillingTime(amount);

        private long FillingTime(long amount) => (long)Int128.Min((((Int128)amount * minute) + perMinute - 1) / perMinute, (Int128)MinutesMax * minute);
    }

    /// <summary>
    /// Someone in the queue. What it awaits is completed in the synchronization context that it came with, whose <c>Post</c> only queues (every run has one: <see cref="RunContext"/>);
    /// so the call goes on there, owned by the run's scheduler, and never on the thread of whoever made room. For the same reason the source may not ask for asynchronous
    /// continuations: those would go to the thread pool, past a simulated scheduler.
    /// </summary>
    private sealed class Waiter
    {
        private readonly ModelRate _rate;
        private readonly CancellationToken _cancellationToken;
        private readonly SynchronizationContext? _context = SynchronizationContext.Current;
        private readonly TaskCompletionSource<IDisposable> _entered = new();

        public Waiter(ModelRate rate, long tokens, CancellationToken cancellationToken)
        {
            _rate = rate;
            _cancellationToken = cancellationToken;
            Tokens = tokens;
            Place = new(this);
        }

        public long Tokens { get; }

        public LinkedListNode<Waiter> Place { get; }

        public Task<IDisposable> Entered => _entered.Task;

        public void Enter() => Complete(static waiter => waiter._entered.SetResult(new Call(waiter._rate)));

        /// <summary>Does nothing for one who was let in: that call may begin, and finds out by itself that it is not wanted.</summary>
        public void Leave()
        {
            lock (_rate._lock)
            {
                if (Place.List is null)
                {
                    return;
                }

                _rate._queue.Remove(Place);
            }

            Complete(static waiter => waiter._entered.SetCanceled(waiter._cancellationToken));
            _rate.LetIn(); // who stood behind may be smaller
        }

        private void Complete(Action<Waiter> how)
        {
            if (_context is null)
            {
                how(this);
            }
            else
            {
                _context.Post(_ => how(this), null);
            }
        }
    }

    private sealed class Call(ModelRate rate) : IDisposable
    {
        private int _isOver;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isOver, 1) == 0)
            {
                rate.End();
            }
        }
    }
}
