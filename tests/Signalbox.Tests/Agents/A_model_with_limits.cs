using System.Collections.Concurrent;
using FsCheck;
using FsCheck.Fluent;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Agents;

public sealed class A_model_with_limits
{
    private static readonly TimeSpan s_second = TimeSpan.FromSeconds(1);

    private readonly ManualClock _clock = new();

    private ModelRate Rate(int? callsAtOnce = null, int? callsPerMinute = null, long? tokensPerMinute = null, int queueMax = 100) => new(_clock, callsAtOnce, callsPerMinute, tokensPerMinute, queueMax);

    /// <summary>Enters from no synchronization context, so that whoever makes room has let the next one in when it returns.</summary>
    private static Task<IDisposable> Enter(ModelRate rate, long tokens = 0, CancellationToken cancellationToken = default)
    {
        var outside = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            return rate.EnterAsync(tokens, cancellationToken).AsTask();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outside);
        }
    }

    private static void End(Task<IDisposable> call) => call.Result.Dispose();

    private static string Entered(params Task[] calls) => string.Concat(calls.Select(call => call.IsCompletedSuccessfully ? '+' : '-'));

    [Fact]
    public void Lets_in_so_many_at_once_and_the_next_when_one_is_over()
    {
        var rate = Rate(callsAtOnce: 2);
        var (a, b, c, d) = (Enter(rate), Enter(rate), Enter(rate), Enter(rate));
        Assert.Equal("++--", Entered(a, b, c, d));

        End(a);
        End(a); // counts once
        Assert.Equal("+++-", Entered(a, b, c, d));
        End(b);
        Assert.Equal("++++", Entered(a, b, c, d));
    }

    [Fact]
    public void Lets_in_a_minutes_calls_at_first_and_the_others_as_the_minute_goes_by()
    {
        var rate = Rate(callsPerMinute: 3);
        var calls = Enumerable.Range(0, 6).Select(_ => Enter(rate)).ToArray();
        Assert.Equal("+++---", Entered(calls));

        _clock.Advance(20 * s_second - TimeSpan.FromMilliseconds(1));
        Assert.Equal("+++---", Entered(calls));
        _clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("++++--", Entered(calls));
        _clock.Advance(40 * s_second);
        Assert.Equal("++++++", Entered(calls));
        Assert.Null(_clock.NextTimer);
    }

    [Fact]
    public void Saves_up_no_more_than_a_minute()
    {
        var rate = Rate(callsPerMinute: 3);
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal("+++-", Entered([.. Enumerable.Range(0, 4).Select(_ => Enter(rate))]));
    }

    [Fact]
    public void Counts_tokens_as_they_were_told()
    {
        var rate = Rate(tokensPerMinute: 600);
        var (a, b, c) = (Enter(rate, 500), Enter(rate, 200), Enter(rate, 0));
        Assert.Equal("+--", Entered(a, b, c));
        _clock.Advance(10 * s_second); // 100 were left, 10 a second flow in
        Assert.Equal("+++", Entered(a, b, c));
    }

    [Fact]
    public void Lets_in_a_call_larger_than_a_minute_when_the_bucket_is_full_and_then_pays_its_debt()
    {
        var rate = Rate(tokensPerMinute: 600);
        Assert.Equal("+", Entered(Enter(rate, 60)));
        var (large, next) = (Enter(rate, 1200), Enter(rate, 1));
        _clock.Advance(5 * s_second);
        Assert.Equal("--", Entered(large, next));
        _clock.Advance(1 * s_second);
        Assert.Equal("+-", Entered(large, next));
        _clock.Advance(60 * s_second);
        Assert.Equal("+-", Entered(large, next));
        _clock.Advance(1 * s_second);
        Assert.Equal("++", Entered(large, next));
    }

    [Fact]
    public void Never_lets_a_small_call_overtake_a_large_one()
    {
        var rate = Rate(tokensPerMinute: 600);
        Assert.Equal("+", Entered(Enter(rate, 590)));
        var large = Enter(rate, 600);
        for (var second = 0; second < 58; second++)
        {
            Assert.Equal("--", Entered(large, Enter(rate, 1)));
            _clock.Advance(s_second);
        }

        Assert.False(large.IsCompleted);
        _clock.Advance(s_second);
        Assert.True(large.IsCompleted);
    }

    [Fact]
    public void Uses_up_a_call_that_was_over_at_once()
    {
        var rate = Rate(callsPerMinute: 1);
        End(Enter(rate));
        Assert.False(Enter(rate).IsCompleted);
    }

    [Theory]
    [InlineData(1, null, null, "1 call at once", null)]
    [InlineData(null, 1, null, "1 call a minute", 60)]
    [InlineData(null, null, 1000L, "1,000 tokens a minute", 54)]
    [InlineData(2, 1, 1000L, "1 call a minute", 60)]
    [InlineData(2, 30, 1000L, "1,000 tokens a minute", 54)]
    public void Refuses_a_call_when_too_many_wait_and_says_which_limit_holds_them_up(int? atOnce, int? calls, long? tokens, string limit, int? seconds)
    {
        var rate = Rate(atOnce, calls, tokens, queueMax: 2);
        Assert.Equal("+--", Entered(Enter(rate, 1000), Enter(rate, 900), Enter(rate, 1)));

        var refused = Assert.IsType<ModelException>(Enter(rate, 1).Exception?.InnerException);
        Assert.Equal(ModelTrouble.RateLimited, refused.Trouble);
        Assert.Equal($"No more calls of this model may wait than 2: its limit of {limit} holds them up. Let fewer runs work at once, or raise the limit or the number that may wait.", refused.Message);
        Assert.Equal(seconds, refused.RetryAfter?.TotalSeconds);
    }

    [Fact]
    public void Without_a_queue_lets_in_or_refuses()
    {
        var rate = Rate(callsAtOnce: 1, queueMax: 0);
        var first = Enter(rate);
        Assert.True(Enter(rate).IsFaulted);
        End(first);
        Assert.True(Enter(rate).IsCompletedSuccessfully);
    }

    [Fact]
    public void Forgets_at_once_who_gives_up_waiting()
    {
        using var giveUp = new CancellationTokenSource();
        var rate = Rate(tokensPerMinute: 600, queueMax: 2);
        var (first, large, small) = (Enter(rate, 595), Enter(rate, 600, giveUp.Token), Enter(rate, 5));
        Assert.Equal("+--", Entered(first, large, small));

        giveUp.Cancel();
        Assert.True(large.IsCanceled);
        Assert.Equal("+-+", Entered(first, large, small)); // who stood behind it needs to wait no longer
        Assert.Equal("-", Entered(Enter(rate, 1)));
    }

    [Fact]
    public void Does_not_let_in_who_has_given_up_before()
    {
        var rate = Rate(callsPerMinute: 1);
        Assert.True(Enter(rate, 0, new CancellationToken(canceled: true)).IsCanceled);
        Assert.Equal("+", Entered(Enter(rate)));
    }

    [Fact]
    public void Gives_a_call_that_was_let_in_its_place_also_if_it_is_given_up_afterwards()
    {
        using var giveUp = new CancellationTokenSource();
        var rate = Rate(callsAtOnce: 1);
        var (a, b, c) = (Enter(rate), Enter(rate, 0, giveUp.Token), Enter(rate));
        End(a);
        giveUp.Cancel();
        Assert.Equal("++-", Entered(a, b, c));
        End(b);
        Assert.Equal("+++", Entered(a, b, c));
    }

    [Fact]
    public void Lets_a_call_go_on_in_the_context_that_it_came_from_and_never_inside_whoever_made_room()
    {
        var rate = Rate(callsAtOnce: 1);
        var run = new Posts();
        var (first, log) = (Enter(rate), new List<string>());
        run.Within(() => _ = CallAsync());
        Assert.Empty(log);

        run.Within(() => End(first)); // from the same context, which awaits might take as leave to run on at once
        Assert.Empty(log);
        run.Pump();
        Assert.Equal(["in its context"], log);

        async Task CallAsync()
        {
            using var call = await rate.EnterAsync(0, CancellationToken.None);
            log.Add(SynchronizationContext.Current == run ? "in its context" : "elsewhere");
        }
    }

    [Theory]
    [InlineData(0, 1, 1L, 1)]
    [InlineData(1, 0, 1L, 1)]
    [InlineData(1, 1, 0L, 1)]
    [InlineData(1, 1, 1L, -1)]
    public void Has_limits_that_make_sense(int atOnce, int calls, long tokens, int queueMax) => Assert.Throws<ArgumentOutOfRangeException>(() => Rate(atOnce, calls, tokens, queueMax));

    [Fact]
    public void Bears_calls_of_any_size()
    {
        var rate = Rate(tokensPerMinute: 1);
        var (a, b, c) = (Enter(rate, long.MaxValue), Enter(rate, long.MaxValue), Enter(rate, 1));
        _clock.Advance(TimeSpan.FromDays(60));
        Assert.Equal("+--", Entered(a, b, c));
        _clock.Advance(TimeSpan.FromDays(300));
        Assert.Equal("+++", Entered(a, b, c));
    }

    [Fact]
    public void Keeps_its_limits_and_its_order_whatever_comes()
    {
        var seeds = Gen.Choose(0, int.MaxValue).ToArbitrary();
        Prop.ForAll(seeds, seed =>
        {
            var random = new Random(seed);
            var (atOnce, perMinute, tokens, queueMax) = (random.Next(1, 5), random.Next(1, 20), (long)random.Next(100, 1000), random.Next(0, 10));
            var clock = new ManualClock();
            var rate = new ModelRate(clock, atOnce, perMinute, tokens, queueMax);
            var (waiting, working) = (new List<(Task<IDisposable> Call, long Tokens, CancellationTokenSource GiveUp)>(), new List<IDisposable>());
            var begun = new List<(DateTimeOffset At, long Tokens)>();
            for (var step = 0; step < 100; step++)
            {
                switch (random.Next(5))
                {
                    case 0 or 1:
                        var (size, giveUp) = ((long)random.Next(0, 400), new CancellationTokenSource());
                        var call = Enter(rate, size, giveUp.Token);
                        Check(call.IsFaulted == (!call.IsCompletedSuccessfully && waiting.Count >= queueMax), "refused though there was room to wait, or not refused");
                        if (!call.IsFaulted)
                        {
                            waiting.Add((call, size, giveUp));
                        }

                        break;
                    case 2 when working.Count > 0:
                        var over = random.Next(working.Count);
                        var ended = working[over];
                        working.RemoveAt(over);
                        ended.Dispose();
                        break;
                    case 3 when waiting.Count > 0:
                        var given = random.Next(waiting.Count);
                        waiting[given].GiveUp.Cancel();
                        Check(waiting[given].Call.IsCanceled, "not canceled at once");
                        waiting.RemoveAt(given);
                        break;
                    default:
                        clock.Advance(random.Next(10_000) * TimeSpan.FromMilliseconds(1));
                        break;
                }

                Collect();
            }

            for (var rest = 0; waiting.Count > 0; rest++)
            {
                Check(rest < 3600, "somebody waits for ever"); // ten calls of 400 tokens at 100 a minute take 40 minutes
                working.ForEach(w => w.Dispose());
                working.Clear();
                clock.Advance(s_second);
                Collect();
            }

            return true;

            void Collect()
            {
                var entered = waiting.TakeWhile(w => w.Call.IsCompletedSuccessfully).ToArray();
                Check(waiting.Skip(entered.Length).All(w => !w.Call.IsCompleted), "somebody was overtaken");
                waiting.RemoveRange(0, entered.Length);
                foreach (var (call, size, _) in entered)
                {
                    working.Add(call.Result);
                    begun.Add((clock.GetUtcNow(), size)); // at most one advance later than it was
                }

                Check(working.Count <= atOnce, "too many at once");
                foreach (var from in entered.Length == 0 ? [] : begun)
                {
                    var since = begun.SkipWhile(b => b.At < from.At).ToArray();
                    var minutes = (clock.GetUtcNow() - from.At).TotalMinutes + (10.0 / 60);
                    Check(since.Length <= perMinute * (1 + minutes) + 1e-6, "too many calls");
                    Check(since.Sum(s => s.Tokens) <= (tokens * (1 + minutes)) + Math.Max(0, since.Max(s => s.Tokens) - tokens) + 1e-6, "too many tokens");
                }
            }

            static void Check(bool holds, string what)
            {
                if (!holds)
                {
                    throw new InvalidOperationException(what);
                }
            }
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }

    [Fact]
    public async Task May_be_used_from_several_threads()
    {
        var rate = Rate(callsAtOnce: 3, queueMax: 8);
        var (atWork, most, done) = (0, 0, 0);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(async () =>
        {
            for (var i = 0; i < 1000; i++)
            {
                using var giveUp = new CancellationTokenSource();
                try
                {
                    var entering = rate.EnterAsync(1, giveUp.Token);
                    if ((i + thread) % 5 == 0)
                    {
                        await giveUp.CancelAsync();
                    }

                    using var call = await entering;
                    var now = Interlocked.Increment(ref atWork);
                    InterlockedMax(ref most, now);
                    await Task.Yield();
                    Interlocked.Decrement(ref atWork);
                }
                catch (OperationCanceledException)
                {
                }

                Interlocked.Increment(ref done);
            }
        }))).WaitAsync(TimeSpan.FromMinutes(1));

        Assert.Equal((8000, 0), (done, atWork));
        Assert.InRange(most, 1, 3);
        Assert.Equal("+++-", Entered(Enter(rate), Enter(rate), Enter(rate), Enter(rate))); // no place was lost, none was won

        static void InterlockedMax(ref int most, int now)
        {
            for (var seen = Volatile.Read(ref most); now > seen && Interlocked.CompareExchange(ref most, now, seen) is var before && before != seen;)
            {
                seen = before;
            }
        }
    }

    /// <summary>A context like a run's: what is posted waits until it is pumped.</summary>
    private sealed class Posts : SynchronizationContext
    {
        private readonly ConcurrentQueue<(SendOrPostCallback Callback, object? State)> _queue = new();

        public override void Post(SendOrPostCallback d, object? state) => _queue.Enqueue((d, state));

        public void Within(Action work)
        {
            var outside = Current;
            SetSynchronizationContext(this);
            try
            {
                work();
            }
            finally
            {
                SetSynchronizationContext(outside);
            }
        }

        public void Pump() => Within(() =>
        {
            while (_queue.TryDequeue(out var item))
            {
                item.Callback(item.State);
            }
        });
    }
}
