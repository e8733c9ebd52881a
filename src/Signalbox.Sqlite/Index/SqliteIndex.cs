using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using SQLitePCL;
using Signalbox.Journal;
using Signalbox.Queries;
using Signalbox.Search;
using Signalbox.Sqlite.Files;
using Signalbox.Sqlite.Index;
using Signalbox.Storage;

namespace Signalbox.Sqlite;

/// <summary>
/// A search index in a SQLite file of its own beside the store (its name with <c>-index</c>). It may be deleted at any time: it is made anew from the log, as is one that is damaged or of another version. One process feeds
/// it, off the way of commits; all others read it, and say how far it has come. A crash loses nothing: its rows and its cursor move together, and the log has the rest. Safe to call from several threads.
/// </summary>
public sealed class SqliteIndex : ISearchIndex, IAsyncDisposable
{
    private const int RankedMax = 10_000;
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(10);

    private readonly StorePaths _paths;
    private readonly IRunReader _reader;
    private readonly Redactor _redactor;
    private readonly TimeProvider _clock;
    private readonly IndexReaders _readers;
    private readonly IndexFeeder _feeder;

    /// <summary>The index of the store at <paramref name="store"/>, which <paramref name="reader"/> reads. Opens nothing yet.</summary>
    public SqliteIndex(string store, IRunReader reader, Redactor? redactor = null, TimeProvider? clock = null, ILogger? logger = null)
    {
        ArgumentNullException.ThrowIfNull(reader);
        _paths = new StorePaths(store);
        _reader = reader;
        _redactor = redactor ?? Redactor.None;
        _clock = clock ?? TimeProvider.System;
        _readers = new IndexReaders(_paths);
        _feeder = new IndexFeeder(_paths, reader, _redactor, _clock, logger ?? NullLogger.Instance, [new StatisticsTables()]);
    }

    /// <summary>Whether this process may feed the index: it acts as the user whose store it is, so that the files stay that user's.</summary>
    public bool MayFeed => !OperatingSystem.IsLinux() || Native.Status(_paths.Database).User == Native.EffectiveUser();

    /// <summary>
    /// Feeds the index from the log until it is canceled, or the tail is disposed; while another process does, it stands by. Never throws for what goes wrong: it logs it once, waits and tries again.
    /// </summary>
    public Task FeedAsync(LogTail tail, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(tail);
        return Task.Run(() => _feeder.FollowAsync(tail, cancellationToken), CancellationToken.None);
    }

    /// <summary>
    /// Brings the index to where the log ends now, or, <paramref name="anew"/>, makes it from the beginning. False: it is not for this process to do (another one feeds it, or it is another user's).
    /// <paramref name="progress"/> is told the position after each page.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The disk is full or fails; what was taken in stays.</exception>
    public async Task<bool> CatchUpAsync(bool anew = false, Action<long>? progress = null, CancellationToken cancellationToken = default)
    {
        try
        {
            return MayFeed && await _feeder.CatchUpAsync(anew, progress, cancellationToken);
        }
        catch (IndexGapException)
        {
            return true; // the status says so
        }
        catch (Exception e) when (SqliteErrors.Translate(e, _paths.Index) is var told && told != e)
        {
            throw told;
        }
    }

    /// <inheritdoc />
    public async ValueTask<SearchPage> SearchAsync(SearchQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        if (query.Limit is < 1 or > 1000)
        {
            throw new SearchQueryException(string.Create(CultureInfo.InvariantCulture, $"A search lists from 1 to 1,000 entries; got {query.Limit}."));
        }

        var terms = SearchText.Parse(query.Text);
        var match = IndexMatch.Of(terms, query);
        var after = PageMark.Parse(query.After, query.ByRank && match is not null);
        using var limit = new CancellationTokenSource(Within, _clock);
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            var about = await AboutAsync(limited.Token);
            var (from, to) = await BoundsAsync(query, about.Position, limited.Token);
            to = Math.Min(to, after.Top);
            var found = about.Position == 0 || from > to ? [] : await ReadAsync(connection => Find(connection, match, query, from, to, after.Offset, limited.Token), [], limited.Token);
            var hits = new List<SearchHit>(found.Count);
            foreach (var position in found.Take(query.Limit))
            {
                if (await HitAsync(position, terms, limited.Token) is { } hit)
                {
                    hits.Add(hit);
                }
            }

            var next = found.Count <= query.Limit ? null : (query.ByRank && match is not null ? new PageMark(to, after.Offset + query.Limit) : new PageMark(found[query.Limit - 1] - 1, 0)).ToString();
            return new SearchPage(hits, next, await StatusAsync(about, cancellationToken));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new SearchQueryException($"The search took longer than {Within.TotalSeconds:N0} s and was ended. Narrow it: a rarer word, a longer beginning, a filter, a shorter time.");
        }
    }

    /// <inheritdoc />
    public async ValueTask<IndexStatus> StatusAsync(CancellationToken cancellationToken) => await StatusAsync(await AboutAsync(cancellationToken), cancellationToken);

    /// <inheritdoc />
    public async ValueTask<Statistics> StatisticsAsync(StatisticsQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        var now = _clock.GetUtcNow();
        var about = await AboutAsync(cancellationToken);
        return about.Position == 0
            ? new Statistics { Since = query.Since ?? now, Until = query.Until ?? now, UpTo = 0 }
            : await ReadAsync(connection => StatisticsTables.Read(connection, query, now, IndexFile.About(connection)?.Position ?? 0), new Statistics { Since = query.Since ?? now, Until = query.Until ?? now, UpTo = 0 }, cancellationToken);
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _readers.Dispose();
        return ValueTask.CompletedTask;
    }

    private static List<long> Find(SqliteConnection connection, string? match, SearchQuery query, long from, long to, int offset, CancellationToken cancellationToken)
    {
        if (match is null)
        {
            // Everything matches, and positions are dense.
            var count = (int)Math.Min(query.Limit + 1, to - from + 1);
            return [.. Enumerable.Range(0, count).Select(i => to - i)];
        }

        var found = new List<(double Rank, long Position)>();
        var most = query.ByRank ? RankedMax : query.Limit + 1;
        if ((IndexFile.About(connection)?.Position ?? 0) < to)
        {
            return []; // it was thrown away in between
        }

        for (var table = IndexFile.TableOf(to); table >= IndexFile.TableOf(from) && found.Count < most; table--)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var name = IndexFile.TableName(table);
            using var command = connection.CreateCommand();
#pragma warning disable CA2100 // The name of one of our tables.
            command.CommandText = $"SELECT rowid, {(query.ByRank ? $"bm25({name}, 1.0, 2.0, 0.0)" : "0.0")} FROM {name} WHERE {name} MATCH $match AND rowid >= $from AND rowid <= $to ORDER BY rowid DESC LIMIT $max";
#pragma warning restore CA2100
            command.Parameters.AddWithValue("$match", match);
            command.Parameters.AddWithValue("$from", from);
            command.Parameters.AddWithValue("$to", to);
            command.Parameters.AddWithValue("$max", most - found.Count);
            using var row = command.ExecuteReader();
            while (row.Read())
            {
                found.Add((row.GetDouble(1), row.GetInt64(0)));
            }
        }

        return query.ByRank
            ? [.. found.OrderBy(f => f.Rank).ThenByDescending(f => f.Position).Skip(offset).Take(query.Limit + 1).Select(f => f.Position)]
            : found.ConvertAll(f => f.Position);
    }

    /// <summary>The positions that the query's time allows: times never fall within a store.</summary>
    private async ValueTask<(long From, long To)> BoundsAsync(SearchQuery query, long last, CancellationToken cancellationToken)
    {
        var from = query.Since is { } since ? await FirstAsync(Microseconds.Ceiling(since), last, cancellationToken) : 1;
        var to = query.Until is { } until ? await FirstAsync(Microseconds.Ceiling(until), last, cancellationToken) - 1 : last;
        return (from, to);
    }

    /// <summary>The first position of that time or later, at most one after the last.</summary>
    private async ValueTask<long> FirstAsync(long at, long last, CancellationToken cancellationToken)
    {
        long low = 1;
        var high = last + 1;
        while (low < high)
        {
            var middle = low + ((high - low) / 2);
            if (await AtAsync(middle) >= at)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return low;

        async ValueTask<long> AtAsync(long position) => await _reader.ReadLogAsync(position - 1, 1, cancellationToken) is [var entry] ? entry.At : long.MaxValue;
    }

    private async ValueTask<SearchHit?> HitAsync(long position, IReadOnlyList<SearchTerm> terms, CancellationToken cancellationToken)
    {
        if (await _reader.ReadLogAsync(position - 1, 1, cancellationToken) is not [var entry] || entry.Position != position)
        {
            return null;
        }

        var text = await EntryText.OfAsync(entry, _redactor, _reader.FindPayloadAsync, cancellationToken);
        var workflow = await _reader.FindAsync(entry.Run, cancellationToken) is { } head ? head.Row.Workflow : "";
        return new SearchHit(
            entry.Position, entry.Run, entry.Seq, entry.At, workflow, entry.Kind, entry.State, entry.Visit, _redactor.Text(entry.Scope), _redactor.Text(entry.Step), _redactor.Text(entry.Actor), SearchContext.Of(text, terms));
    }

    private async ValueTask<IndexAbout> AboutAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(_paths.Index))
        {
            return Empty("There is no index yet.");
        }

        try
        {
            var about = await _readers.ReadAsync(IndexFile.About, cancellationToken);
            return about is null ? Empty("The index is just being made.")
                : about.Shape != IndexFile.Shape(_feeder.Parts) ? Empty("The index is of another version; the program that feeds it makes it anew.")
                : await IndexFeeder.IndexOfAsync(_reader, about.Position, about.Hash, cancellationToken) ? about
                : Empty("The index was made from another log, as after a store was set back; the program that feeds it makes it anew.");
        }
        catch (SqliteException e)
        {
            return Empty(Unreadable(e));
        }
    }

    private static IndexAbout Empty(string trouble) => new("", 0, [], false, trouble);

    private static string Unreadable(SqliteException e) => $"The index cannot be read ({e.Message.TrimEnd('.')}). The program that feeds it makes it anew where it is damaged; 'signalbox search --rebuild' does so at once.";

    /// <summary>Reads from the index; of one that was thrown away just now, <paramref name="nothing"/>.</summary>
    private async ValueTask<T> ReadAsync<T>(Func<SqliteConnection, T> read, T nothing, CancellationToken cancellationToken)
    {
        try
        {
            return await _readers.ReadAsync(read, cancellationToken);
        }
        catch (SqliteException e) when (e.SqliteErrorCode is raw.SQLITE_CANTOPEN || !File.Exists(_paths.Index))
        {
            return nothing;
        }
        catch (SqliteException e)
        {
            throw new StoreUnavailableException("index_unreadable", Unreadable(e), e);
        }
    }

    private async ValueTask<IndexStatus> StatusAsync(IndexAbout about, CancellationToken cancellationToken)
    {
        var position = about.Position;
        var lacking = await _reader.ReadLogAsync(position, 1, cancellationToken) is [var next] ? next : null;
        var end = lacking is null ? position : await _reader.FindLogEndAsync(lacking.Position, cancellationToken);
        var behind = lacking is null ? TimeSpan.Zero : _clock.GetUtcNow() - lacking.Time;
        return new IndexStatus(position, end, behind > TimeSpan.Zero ? behind : TimeSpan.Zero, IndexLock.IsHeld(_paths), IndexFile.Bytes(_paths), about.Trouble);
    }

    /// <summary>Where a page ended: the highest position that the next one may have, and, by rank, how many of those have been shown.</summary>
    private readonly record struct PageMark(long Top, int Offset)
    {
        public static PageMark Parse(string? text, bool byRank)
        {
            if (text is null)
            {
                return new PageMark(long.MaxValue, 0);
            }

            var parts = text.Split('.');
            return parts.Length == 2 && long.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var top) && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var offset)
                && offset < RankedMax && (byRank || offset == 0)
                ? new PageMark(top, offset)
                : throw new SearchQueryException("The place to go on after is not one that a page of this search gave. Begin again without it.");
        }

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Top}.{Offset}");
    }
}
