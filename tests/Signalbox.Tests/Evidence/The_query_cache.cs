using Signalbox.Journal;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Evidence;

public sealed class The_query_cache
{
    private readonly ManualClock _clock = new();

    private static QueryKey Key(int n) => QueryKey.Of<string>(null, "s", Json(n));

    private static RawJson Json<T>(T value) => Bodies.Json(value);

    private static RawJson OfBytes(int bytes) => Json(new string('x', bytes - 2));

    /// <summary>Whether it has to ask.</summary>
    private static async Task<bool> AsksAsync(QueryCache cache, int n, RawJson value) =>
        (await cache.GetAsync(Key(n), TimeSpan.FromHours(1), _ => Task.FromResult(value), default)).Age is null;

    [Fact]
    public async Task Keeps_so_many_answers_and_lets_the_one_go_that_was_not_used_for_longest()
    {
        var cache = new QueryCache(_clock, new RunLimits { CachedAnswersMax = 3 });
        foreach (var n in new[] { 1, 2, 3 })
        {
            Assert.True(await AsksAsync(cache, n, Json(n)));
        }

        Assert.False(await AsksAsync(cache, 1, Json(1)));
        Assert.True(await AsksAsync(cache, 4, Json(4)));

        Assert.False(await AsksAsync(cache, 1, Json(1)));
        Assert.False(await AsksAsync(cache, 3, Json(3)));
        Assert.False(await AsksAsync(cache, 4, Json(4)));
        Assert.True(await AsksAsync(cache, 2, Json(2)));
    }

    [Fact]
    public async Task Keeps_so_many_bytes()
    {
        var cache = new QueryCache(_clock, new RunLimits { CachedBytesMax = 1000 });
        for (var n = 1; n <= 11; n++)
        {
            await AsksAsync(cache, n, OfBytes(100));
        }

        Assert.False(await AsksAsync(cache, 2, OfBytes(100)));
        Assert.False(await AsksAsync(cache, 11, OfBytes(100)));
        Assert.True(await AsksAsync(cache, 1, OfBytes(100)));
    }

    [Fact]
    public async Task Counts_an_answer_that_takes_the_place_of_an_older_one_once()
    {
        var cache = new QueryCache(_clock, new RunLimits { CachedBytesMax = 1000 });
        await AsksAsync(cache, 1, OfBytes(100));
        for (var i = 0; i < 20; i++)
        {
            _clock.Advance(TimeSpan.FromMinutes(59));
            Assert.False(await AsksAsync(cache, 1, OfBytes(100))); // stays, although the other is replaced again and again
            Assert.True((await cache.GetAsync(Key(2), TimeSpan.FromMinutes(1), _ => Task.FromResult(OfBytes(100)), default)).Age is null);
            _clock.Advance(TimeSpan.FromMinutes(1));
            await AsksAsync(cache, 1, OfBytes(100));
        }
    }

    [Theory]
    [InlineData(125, false)]
    [InlineData(126, true)]
    public async Task Keeps_no_answer_larger_than_an_eighth_of_it(int bytes, bool asksAgain)
    {
        var cache = new QueryCache(_clock, new RunLimits { CachedBytesMax = 1000 });
        Assert.True(await AsksAsync(cache, 1, OfBytes(bytes)));
        Assert.Equal(asksAgain, await AsksAsync(cache, 1, OfBytes(bytes)));
    }

    [Fact]
    public async Task Of_no_size_still_asks_once_what_is_asked_at_once()
    {
        var cache = new QueryCache(_clock, new RunLimits { CachedAnswersMax = 0 });
        var (answer, calls) = (new TaskCompletionSource<RawJson>(), 0);
        Task<CachedAnswer> GetAsync() => cache.GetAsync(Key(1), TimeSpan.FromHours(1), _ => { calls++; return answer.Task; }, default);
        var (first, second) = (GetAsync(), GetAsync());
        answer.SetResult(Json(7));

        Assert.Equal(("7", "7"), ((await first).Value.ToString(), (await second).Value.ToString()));
        Assert.Equal(1, calls);
        Assert.True(await AsksAsync(cache, 1, Json(7)));
    }

    [Fact]
    public async Task Never_keeps_or_gives_what_comes_after_all_have_gone()
    {
        var cache = new QueryCache(_clock, new RunLimits());
        var answer = new TaskCompletionSource<RawJson>();
        using var gone = new CancellationTokenSource();
        var waiting = cache.GetAsync(Key(1), TimeSpan.FromHours(1), _ => answer.Task, gone.Token);
        gone.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        answer.SetResult(Json("late"));

        Assert.Equal("\"new\"", (await cache.GetAsync(Key(1), TimeSpan.FromHours(1), _ => Task.FromResult(Json("new")), default)).Value.ToString());
    }

    [Fact]
    public async Task Keeps_the_younger_of_two_answers_whichever_comes_last()
    {
        var cache = new QueryCache(_clock, new RunLimits());
        var (old, young) = (new TaskCompletionSource<RawJson>(), new TaskCompletionSource<RawJson>());
        var first = cache.GetAsync(Key(1), TimeSpan.FromHours(1), _ => old.Task, default);
        _clock.Advance(TimeSpan.FromMinutes(5));
        var second = cache.GetAsync(Key(1), TimeSpan.FromMinutes(1), _ => young.Task, default); // the other began too long ago for it
        young.SetResult(Json("young"));
        old.SetResult(Json("old"));

        Assert.Equal(("\"old\"", "\"young\""), ((await first).Value.ToString(), (await second).Value.ToString()));
        var kept = await cache.GetAsync(Key(1), TimeSpan.FromHours(1), _ => throw new InvalidOperationException("asked"), default);
        Assert.Equal(("\"young\"", TimeSpan.Zero), (kept.Value.ToString(), kept.Age));
    }

    [Fact]
    public async Task Asks_for_nobody_who_has_gone_already()
    {
        var cache = new QueryCache(_clock, new RunLimits());
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            cache.GetAsync(Key(1), TimeSpan.FromHours(1), _ => throw new InvalidOperationException("asked"), new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task Lets_each_go_on_in_his_own_context_while_the_asker_keeps_his()
    {
        // The asker's handler never gives its context back once it has the answer; the other must have been told before.
        var cache = new QueryCache(_clock, new RunLimits());
        var answer = new TaskCompletionSource<RawJson>();
        var (asker, joiner) = (new RunContext(TaskScheduler.Default), new RunContext(TaskScheduler.Default));
        using var limit = new CancellationTokenSource();
        using var joined = new SemaphoreSlim(0);
        using var release = new ManualResetEventSlim();
        var first = asker.RunAsync(async () =>
        {
            var waiting = cache.GetAsync(Key(1), TimeSpan.FromHours(1), _ => answer.Task, limit.Token);
            joined.Release();
            await waiting;
            Assert.True(release.Wait(TimeSpan.FromSeconds(20)));
        });
        await joined.WaitAsync(TimeSpan.FromSeconds(20));
        var second = joiner.RunAsync(async () =>
        {
            var waiting = cache.GetAsync(Key(1), TimeSpan.FromHours(1), _ => throw new InvalidOperationException("asked"), limit.Token);
            joined.Release();
            await waiting;
            Assert.Same(joiner, SynchronizationContext.Current);
        });
        await joined.WaitAsync(TimeSpan.FromSeconds(20));
        answer.SetResult(Json(7));

        await second.WaitAsync(TimeSpan.FromSeconds(20));
        Assert.False(first.IsCompleted);
        release.Set();
        await first.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task Gives_each_the_answer_to_his_own_question_on_many_threads_at_once()
    {
        var cache = new QueryCache(TimeProvider.System, new RunLimits { CachedAnswersMax = 8 });
        var asked = new int[16];
        await Task.WhenAll(Enumerable.Range(0, 16).Select(i => new RunContext(TaskScheduler.Default).RunAsync(async () =>
        {
            var random = new SeededEntropy((ulong)i + 1);
            for (var round = 0; round < 2000; round++)
            {
                var n = random.Below(16);
                using var limit = new CancellationTokenSource();
                var waiting = cache.GetAsync(
                    Key(n),
                    TimeSpan.FromHours(1),
                    async _ =>
                    {
                        Interlocked.Increment(ref asked[n]);
                        await Task.Yield();
                        return Json(n);
                    },
                    limit.Token);
                if (random.Below(10) == 0)
                {
                    limit.Cancel();
                }

                try
                {
                    Assert.Equal(Json(n).ToString(), (await waiting).Value.ToString());
                }
                catch (OperationCanceledException)
                {
                    Assert.True(limit.IsCancellationRequested);
                }
            }
        }))).WaitAsync(TimeSpan.FromSeconds(60));

        Assert.All(asked, times => Assert.InRange(times, 1, 16 * 2000 - 1));
        Assert.InRange(asked.Sum(), 16, 16 * 2000 / 10 * 9);
    }
}
