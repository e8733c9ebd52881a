using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Storage;

namespace Signalbox.Server.Api;

/// <summary>
/// Entries as they are committed, as server-sent events. The id of an event is its position in the log, so that whoever was cut off goes on where it was. Nothing is buffered for a reader: each is as far as it has read, and one
/// that stops reading is dropped.
/// </summary>
internal sealed class EventStream(RunQueries queries, LogTail tail, StreamSlots slots, IOptions<SignalboxServerOptions> options, TimeProvider clock, IHostApplicationLifetime lifetime)
{
    private const int PageSize = 200;
    private static readonly TimeSpan Beat = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Stalled = TimeSpan.FromSeconds(30);
    private static readonly SseItem<string> Heartbeat = new("{}", "beat");

    public static void Map(RouteGroupBuilder api) => api.MapGet("/events", async (HttpContext context, EventStream stream) => await stream.OpenAsync(context)).Reads<EntryEvent>(
        "events",
        "Entries as they are committed, as server-sent events (text/event-stream) of the type 'entry'; 'beat' shows that the connection lives. The id is the entry's position; Last-Event-ID goes on after it, else 'after', else from now on.",
        new("run", "Of this run."), new("after", "After this position; 0 for all there are.", "integer"), new("bodies", "With the entries' bodies, masked; payloads stay apart.", "boolean"));

    private async Task<IResult> OpenAsync(HttpContext context)
    {
        var query = new ApiQuery(context);
        var (run, bodies) = (query.Run("run"), query.Flag("bodies"));
        var after = context.Request.Headers["Last-Event-ID"] is [var last] && long.TryParse(last, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var position)
            ? position
            : query.Whole("after", 0, long.MaxValue);
        if (run is { } id && await queries.FindAsync(id, context.RequestAborted) is null)
        {
            throw ApiQuery.NotFound(id);
        }

        var end = await queries.Reader.FindLogEndAsync(cancellationToken: context.RequestAborted);
        var slot = slots.TryTake(context.Caller().Actor) ?? throw Problems.Exception(StatusCodes.Status429TooManyRequests, "too_many_streams", "As many event streams are open as there may be, in all or for this caller. Close some, or try again later.");
        context.Response.RegisterForDispose(slot);
        var ends = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping); // a server that stops waits for nobody who only listens
        context.Response.RegisterForDispose(ends);
        return TypedResults.ServerSentEvents(WatchedAsync(context, EventsAsync(context, run, Math.Min(after ?? end, end), end, bodies, ends.Token, context.RequestAborted), context.RequestAborted));
    }

    /// <summary>Drops a reader that takes nothing more, so that it holds no place for ever.</summary>
    private async IAsyncEnumerable<SseItem<string>> WatchedAsync(HttpContext context, IAsyncEnumerable<SseItem<string>> events, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var stalled = clock.CreateTimer(_ => context.Abort(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        await foreach (var item in events.WithCancellation(cancellationToken))
        {
            stalled.Change(Stalled, Timeout.InfiniteTimeSpan);
            yield return item;
            stalled.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    private async IAsyncEnumerable<SseItem<string>> EventsAsync(HttpContext context, RunId? run, long after, long end, bool bodies, CancellationToken ends, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var told = clock.GetUtcNow();
        yield return Heartbeat; // so that the reader knows at once that it is connected
        var position = after;
        if (run is { } one && after < end && await queries.FindAsync(one, cancellationToken) is { } head)
        {
            // What one run has done already is read from its own journal, not searched for in everybody's.
            await foreach (var entry in queries.JournalAsync(one, head.Seq, cancellationToken))
            {
                if (entry.Position > after && entry.Position <= end)
                {
                    yield return Item(entry, bodies);
                }
            }

            position = end;
        }

        while (!ends.IsCancellationRequested && AccessHandler.IsStillIn(context, options.Value, clock))
        {
            // Entries of other runs are no sign of life to who listens to one.
            var page = await queries.Reader.ReadLogAsync(position, PageSize, cancellationToken);
            foreach (var entry in page)
            {
                position = entry.Position;
                if (run is null || entry.Run == run)
                {
                    told = clock.GetUtcNow();
                    yield return Item(entry, bodies);
                }
            }

            var woken = page.Count > 0 ? Woken.Grown : await WaitAsync(position, told + Beat - clock.GetUtcNow(), ends);
            if (woken == Woken.Closed)
            {
                yield break;
            }

            if (woken == Woken.TimedOut || clock.GetUtcNow() - told >= Beat)
            {
                told = clock.GetUtcNow();
                yield return Heartbeat;
            }
        }
    }

    private enum Woken
    {
        Grown,
        TimedOut,
        Closed,
    }

    private async Task<Woken> WaitAsync(long position, TimeSpan most, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(most > TimeSpan.Zero ? most : TimeSpan.Zero, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await tail.WaitAsync(position, either.Token) ? Woken.Grown : Woken.Closed;
        }
        catch (OperationCanceledException)
        {
            return cancellationToken.IsCancellationRequested ? Woken.Closed : Woken.TimedOut;
        }
    }

    private SseItem<string> Item(Entry entry, bool bodies) => new(
        JsonSerializer.Serialize(
            new EntryEvent(
                entry.Position, entry.Run, entry.Seq, entry.At, entry.Kind, entry.State, entry.Visit, entry.Scope, entry.Step, entry.Actor, queries.Redactor.Text(entry.Cause),
                bodies && !entry.Body.IsEmpty ? queries.Redactor.Json(new RawJson(entry.Body)) : null),
            ApiJson.Options),
        "entry")
    { EventId = entry.Position.ToString(System.Globalization.CultureInfo.InvariantCulture) };
}

/// <summary>Counts open streams, in all and by caller.</summary>
internal sealed class StreamSlots(IOptions<SignalboxServerOptions> options)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _open = new(StringComparer.Ordinal);
    private int _all;

    /// <summary>A place, given back when disposed; null if there is none.</summary>
    public IDisposable? TryTake(string actor)
    {
        lock (_lock)
        {
            var own = _open.GetValueOrDefault(actor);
            if (_all >= options.Value.StreamsMax || own >= options.Value.StreamsPerCallerMax)
            {
                return null;
            }

            _all++;
            _open[actor] = own + 1;
            return new Slot(this, actor);
        }
    }

    private void Give(string actor)
    {
        lock (_lock)
        {
            _all--;
            if (--_open[actor] == 0)
            {
                _open.Remove(actor);
            }
        }
    }

    private sealed class Slot(StreamSlots slots, string actor) : IDisposable
    {
        private int _given;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _given, 1) == 0)
            {
                slots.Give(actor);
            }
        }
    }
}
