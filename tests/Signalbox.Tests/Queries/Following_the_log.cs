using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;
using Signalbox.Testing;
using Xunit;

namespace Signalbox.Tests.Queries;

public sealed class Following_the_log : IAsyncDisposable
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(30);
    private readonly ManualClock _clock = new();
    private readonly LogReader _reader = new();

    public ValueTask DisposeAsync() => _reader.DisposeAsync();

    [Fact]
    public async Task Each_entry_is_seen_once_and_in_order()
    {
        await using var tail = new LogTail(_reader, _clock);
        _reader.End = 5;
        var seen = new List<long>();
        await foreach (var page in tail.FollowAsync(1, 2, default))
        {
            seen.AddRange(page.Select(e => e.Position));
            if (seen.Count == 4)
            {
                _reader.End = 7;
            }
            else if (seen[^1] == 7)
            {
                break;
            }
        }

        Assert.Equal([2, 3, 4, 5, 6, 7], seen);
    }

    [Fact]
    public async Task Who_waits_is_told_after_the_interval_at_the_latest()
    {
        await using var tail = new LogTail(_reader, _clock, TimeSpan.FromSeconds(1));
        var waiting = tail.WaitAsync(0, default);
        await _reader.LookedAsync(1);
        _reader.End = 1;
        await TickAsync(waiting);
        Assert.True(await waiting.WaitAsync(s_limit));
    }

    [Fact(Timeout = 60_000)]
    public async Task Nobody_is_held_up_by_another_who_waits_in_a_context_that_stands_still()
    {
        await using var tail = new LogTail(_reader, _clock);
        var own = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(new StandingStill());
        try
        {
            _ = tail.WaitAsync(0, default);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(own);
        }

        _reader.End = 1;
        Assert.True(await tail.WaitAsync(0, default).WaitAsync(s_limit));
    }

    [Fact]
    public async Task One_look_serves_everybody_and_there_is_none_when_nobody_waits()
    {
        await using var tail = new LogTail(_reader, _clock);
        using var canceled = new CancellationTokenSource();
        var waiting = Enumerable.Range(0, 50).Select(_ => tail.WaitAsync(0, canceled.Token)).ToArray();
        await _reader.LookedAsync(1);
        Assert.True(_reader.AtOnceMax == 1);
        await canceled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(waiting).WaitAsync(s_limit));
        await UntilAsync(() => _clock.NextTimer is null);
    }

    [Fact]
    public async Task Who_waits_far_beyond_the_end_keeps_nobody_from_seeing_what_comes_before()
    {
        await using var tail = new LogTail(_reader, _clock);
        _reader.End = 10;
        var far = tail.WaitAsync(1_000_000, default);
        await _reader.LookedAsync(1);
        var near = tail.WaitAsync(10, default);
        _reader.End = 11;
        await TickAsync(near);
        Assert.True(await near.WaitAsync(s_limit));
        Assert.False(far.IsCompleted);
        Assert.True(await tail.WaitAsync(3, default).WaitAsync(s_limit));
    }

    [Fact]
    public async Task A_store_that_is_unavailable_for_a_while_is_waited_for()
    {
        await using var tail = new LogTail(_reader, _clock);
        _reader.Fails = new StoreUnavailableException("store_io", "not now");
        var waiting = tail.WaitAsync(0, default);
        await _reader.LookedAsync(1);
        _reader.Fails = null;
        _reader.End = 1;
        await TickAsync(waiting);
        Assert.True(await waiting.WaitAsync(s_limit));
    }

    [Fact]
    public async Task A_reader_that_breaks_is_told_to_all_who_wait_and_looked_at_anew_by_who_waits_next()
    {
        await using var tail = new LogTail(_reader, _clock);
        _reader.Fails = new InvalidCastException("unforeseen");
        var waiting = Enumerable.Range(0, 3).Select(i => tail.WaitAsync(i, default)).ToArray();
        foreach (var one in waiting)
        {
            Assert.Equal("unforeseen", (await Assert.ThrowsAsync<InvalidCastException>(() => one.WaitAsync(s_limit))).Message);
        }

        _reader.Fails = null;
        _reader.End = 3;
        Assert.True(await tail.WaitAsync(2, default).WaitAsync(s_limit));
    }

    [Fact]
    public async Task Disposal_ends_every_wait_and_every_following_even_while_the_reader_is_at_work()
    {
        var tail = new LogTail(_reader, _clock);
        _reader.Holds = true;
        var waiting = tail.WaitAsync(0, default);
        await _reader.LookedAsync(1);
        await tail.DisposeAsync().AsTask().WaitAsync(s_limit);
        Assert.False(await waiting.WaitAsync(s_limit));
        Assert.False(await tail.WaitAsync(0, default).WaitAsync(s_limit));
        await foreach (var page in tail.FollowAsync(0, 10, default))
        {
            Assert.Fail("It goes on after its end.");
        }

        await tail.DisposeAsync();
    }

    [Fact]
    public async Task A_change_in_this_process_is_seen_without_waiting_for_the_interval()
    {
        await using var store = new InMemoryRunStore(_clock, new SeededEntropy(1));
        await using var tail = new LogTail(store, _clock, TimeSpan.FromHours(1));
        var waiting = tail.WaitAsync(0, default);
        var definition = Payload.Of("{}"u8.ToArray());
        var start = new EntryDraft { Kind = EntryKinds.RunStarted, Body = Body.Write(new RunStarted("flow", 1, RawJson.To(definition.Hash))), Payloads = [definition] };
        await store.CommitAsync(new Commit { Run = new RunId("r-1"), Entries = [start] }, default);
        Assert.True(await waiting.WaitAsync(s_limit));
    }

    /// <summary>Lets the interval pass, once the look has set its timer; a look that was still under way may have seen the entry already.</summary>
    private async Task TickAsync(Task waiting)
    {
        await UntilAsync(() => waiting.IsCompleted || _clock.NextTimer is not null);
        _clock.Advance(TimeSpan.FromSeconds(1));
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(s_limit);
        while (!condition())
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    /// <summary>As that of a window whose thread is busy.</summary>
    private sealed class StandingStill : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state)
        {
        }
    }

    /// <summary>A log of so many entries, and nothing in them.</summary>
    private sealed class LogReader : IRunReader
    {
        private int _looks;
        private int _atOnce;

        public long End { get; set; }

        public Exception? Fails { get; set; }

        public bool Holds { get; set; }

        public int AtOnceMax { get; private set; }

        public Task LookedAsync(int times) => UntilAsync(() => Volatile.Read(ref _looks) >= times);

        public async ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken)
        {
            AtOnceMax = Math.Max(AtOnceMax, Interlocked.Increment(ref _atOnce));
            try
            {
                Interlocked.Increment(ref _looks);
                if (Holds)
                {
                    await Task.Delay(Timeout.Infinite, cancellationToken);
                }

                return Fails is { } fails ? throw fails : [.. Enumerable.Range(1, max).Select(i => position + i).Where(p => p <= End).Select(Entry)];
            }
            finally
            {
                Interlocked.Decrement(ref _atOnce);
            }
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        public ValueTask<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<RunHead?> FindByKeyAsync(string workflow, string key, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<IReadOnlyList<RunHead>> ListAsync(RunQuery query, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<IReadOnlyList<Entry>> ReadAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<long> UsedAsync(string limit, long after, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<ReadOnlyMemory<byte>?> FindPayloadAsync(PayloadHash hash, CancellationToken cancellationToken) => throw new NotSupportedException();

        private static Entry Entry(long position) => new()
        {
            Position = position,
            Run = new RunId("r-1"),
            Seq = position,
            Epoch = 0,
            At = position,
            Kind = EntryKinds.StepCompleted,
            State = "",
            Visit = 0,
            Scope = "",
            Step = "",
            Actor = "",
            Cause = "",
            Body = default,
            Salt = default,
            Hash = default,
        };
    }
}
