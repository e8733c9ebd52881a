using System.Runtime.ExceptionServices;
using Signalbox.Journal;

namespace Signalbox;

/// <summary>
/// What makes two queries equal: who shares the answer (a run; null for all runs of the process), the name of what is asked, the SHA-256 of its canonical arguments, and what the
/// answer is read as, so that two sources which happen to have one name never get each other's shape.
/// </summary>
internal readonly record struct QueryKey(RunId? Run, string Name, string Arguments, Type Answer)
{
    public static QueryKey Of<T>(RunId? run, string name, RawJson? arguments) =>
        new(run, name, arguments is { } a ? PayloadHash.Of(CanonicalJson.Of(a.Utf8.Span)).Value : "", typeof(T));
}

/// <summary>How old an answer may be, and whether it must be one that the run itself has got.</summary>
internal sealed record Sharing(TimeSpan TimeToLive, bool IsOfRun);

/// <summary>An answer, and how long ago it was asked for; null: this call has asked for it itself.</summary>
internal readonly record struct CachedAnswer(RawJson Value, TimeSpan? Age);

/// <summary>
/// The answers of this process to queries, and the askings in flight. In memory only: what a step got is recorded with the step, so a crash loses nothing but the saving.
/// <para>
/// An asking runs in the context of the run that began it and answers all who wait for it, each in its own context. Nothing can oblige that run to stay: its visit may end and take
/// its services along, or its handler may never give its context back. So nobody depends on it for longer than he wants to: each waits under his own limit; an asking that anybody
/// has given up is joined by nobody new; and when it fails after its asker has gone, those who still wait ask anew.
/// </para>
/// Safe to call from any thread.
/// </summary>
internal sealed class QueryCache(TimeProvider clock, RunLimits limits)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<QueryKey, Asking> _inFlight = [];
    private readonly Dictionary<QueryKey, LinkedListNode<Kept>> _kept = [];
    private readonly LinkedList<Kept> _byUse = new(); // what was used last stands last
    private long _bytes;

    /// <summary>A value of more bytes than this would push out too much else.</summary>
    private long ValueBytesMax => Math.Min(limits.CachedBytesMax / 8, limits.ResultBytesMax);

    /// <summary>
    /// An answer that was asked for less than <paramref name="timeToLive"/> ago: one that was kept, one that is on its way to somebody else, or else this call asks. The token ends this
    /// call's waiting; the asking itself is canceled when nobody waits for it any more. A failure is given to all who wait for it and is never kept.
    /// </summary>
    public async Task<CachedAnswer> GetAsync(QueryKey key, TimeSpan timeToLive, Func<CancellationToken, Task<RawJson>> ask, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Asking? asking;
            var asks = false;
            lock (_lock)
            {
                if (_kept.TryGetValue(key, out var kept) && Age(kept.Value.Begun) is var age && age < timeToLive)
                {
                    _byUse.Remove(kept);
                    _byUse.AddLast(kept);
                    return new CachedAnswer(kept.Value.Value, age);
                }

                if (!_inFlight.TryGetValue(key, out asking) || Age(asking.Begun) >= timeToLive)
                {
                    _inFlight[key] = asking = new Asking(clock.GetTimestamp());
                    asks = true;
                }

                asking.Waiting++;
            }

            Outcome outcome;
            try
            {
                outcome = await (asks ? AskAsync(key, asking, ask) : asking.Answered.Task).WaitAsync(cancellationToken);
            }
            catch (OperationCanceledException)
            {
                Leave(key, asking, asks);
                throw;
            }

            if (outcome.Fault is null)
            {
                return new CachedAnswer(outcome.Value, asks ? null : Age(asking.Begun));
            }

            if (asks || !outcome.AskerHadLeft)
            {
                outcome.Fault.Throw();
            }
        }
    }

    /// <summary>Asks, for all who wait. Never faults. The others are told first: what the asker does next, it does before it gives its context back.</summary>
    private async Task<Outcome> AskAsync(QueryKey key, Asking asking, Func<CancellationToken, Task<RawJson>> ask)
    {
        RawJson value = default;
        ExceptionDispatchInfo? fault = null;
        try
        {
            value = await ask(asking.Cancellation.Token);
        }
        catch (Exception e)
        {
            fault = ExceptionDispatchInfo.Capture(e);
        }

        Outcome outcome;
        lock (_lock)
        {
            Unlist(key, asking);
            if (fault is null && asking.Waiting > 0)
            {
                Keep(key, value, asking.Begun);
            }

            outcome = new Outcome(value, fault, asking.AskerHasLeft);
        }

        asking.Answered.SetResult(outcome);
        return outcome;
    }

    private void Leave(QueryKey key, Asking asking, bool asked)
    {
        bool isLast;
        lock (_lock)
        {
            Unlist(key, asking);
            asking.AskerHasLeft |= asked;
            isLast = --asking.Waiting == 0;
        }

        if (isLast)
        {
            asking.Cancellation.CancelHere();
        }
    }

    /// <summary>From now on nobody joins it.</summary>
    private void Unlist(QueryKey key, Asking asking)
    {
        if (_inFlight.GetValueOrDefault(key) == asking)
        {
            _inFlight.Remove(key);
        }
    }

    private void Keep(QueryKey key, RawJson value, long begun)
    {
        if (_kept.TryGetValue(key, out var former))
        {
            if (former.Value.Begun > begun)
            {
                return; // a younger asking was answered first
            }

            Drop(former);
        }

        if (value.Utf8.Length > ValueBytesMax)
        {
            return;
        }

        _kept[key] = _byUse.AddLast(new Kept(key, value, begun));
        _bytes += value.Utf8.Length;
        while (_kept.Count > limits.CachedAnswersMax || _bytes > limits.CachedBytesMax)
        {
            Drop(_byUse.First!);
        }
    }

    private void Drop(LinkedListNode<Kept> node)
    {
        _byUse.Remove(node);
        _kept.Remove(node.Value.Key);
        _bytes -= node.Value.Value.Utf8.Length;
    }

    private TimeSpan Age(long begun) => clock.GetElapsedTime(begun);

    private sealed record Kept(QueryKey Key, RawJson Value, long Begun);

    /// <summary>How an asking ended. A failure is no exception here: nobody may be left to look at it.</summary>
    private sealed record Outcome(RawJson Value, ExceptionDispatchInfo? Fault, bool AskerHadLeft);

    private sealed class Asking(long begun)
    {
        public long Begun { get; } = begun;

        /// <summary>Completed outside the lock, in the asker's context; whoever awaits it goes on in his own.</summary>
        public TaskCompletionSource<Outcome> Answered { get; } = new();

        public CancellationTokenSource Cancellation { get; } = new();

        public int Waiting { get; set; }

        public bool AskerHasLeft { get; set; }
    }
}
