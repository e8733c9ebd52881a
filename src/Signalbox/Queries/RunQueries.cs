using Signalbox.Search;
using Signalbox.Storage;

namespace Signalbox.Queries;

/// <summary>
/// The one place that answers questions about runs: the command line, the HTTP API and the dashboard all ask here, and so give the same answers. Reads committed entries only, changes nothing, needs none of the
/// workflows' code, and masks what is marked for redaction. Safe to call from several threads.
/// </summary>
public sealed class RunQueries(IRunReader reader, TimeProvider clock, ISearchIndex? index = null, Redactor? redactor = null)
{
    private readonly Redactor _redactor = redactor ?? Redactor.None;

    /// <summary>The store that is read.</summary>
    public IRunReader Reader => reader;

    /// <summary>The clock by which ages are told.</summary>
    public TimeProvider Clock => clock;

    /// <summary>The search index; null where this store has none.</summary>
    public ISearchIndex? Index => index;

    /// <summary>What masks text that is shown.</summary>
    public Redactor Redactor => _redactor;

    /// <summary>Runs that match, the newest start first, masked.</summary>
    public async Task<IReadOnlyList<RunHead>> RunsAsync(RunQuery query, CancellationToken cancellationToken) => await reader.ListAsync(query, cancellationToken);

    /// <summary>The run, or null.</summary>
    public async Task<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) => await reader.FindAsync(run, cancellationToken);

    /// <summary>Everything about a run, or null if there is none of that id.</summary>
    public Task<RunView?> ViewAsync(RunId run, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Entries of a run from <paramref name="fromSeq"/> on, whole, at most <paramref name="max"/>.</summary>
    public Task<IReadOnlyList<EntryView>> EntriesAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>One entry, whole, or null.</summary>
    public Task<EntryView?> EntryAsync(RunId run, long seq, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>What the agents of a run were asked and answered, word for word: one conversation for each tier that was asked. <paramref name="scope"/>: that one alone.</summary>
    public Task<IReadOnlyList<ConversationView>> ConversationsAsync(RunId run, string? scope, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>The open questions to people, the one that is due first before those without a time limit, then the oldest first; at most <paramref name="max"/>.</summary>
    public Task<IReadOnlyList<ApprovalCard>> InboxAsync(int max, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>Claims that match and have not expired.</summary>
    public async Task<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken) => await reader.ClaimsAsync(query, cancellationToken);

    /// <summary>What runs came to in a stretch of time. From the index, as far as it has read; without one, the whole log is read for it.</summary>
    public async Task<Statistics> StatisticsAsync(StatisticsQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        query = query with { Until = query.Until ?? clock.GetUtcNow() };
        if (index is not null)
        {
            return await index.StatisticsAsync(query, cancellationToken);
        }

        const int PageSize = 1000;
        var tables = new MemoryStatisticsTables();
        var fold = new StatisticsFold(tables);
        for (long position = 0; ;)
        {
            var page = await reader.ReadLogAsync(position, PageSize, cancellationToken);
            foreach (var entry in page)
            {
                fold.Add(entry);
            }

            position = page.Count > 0 ? page[^1].Position : position;
            if (page.Count < PageSize)
            {
                return StatisticsSum.Of(tables, query, position);
            }
        }
    }

    /// <summary>Entries by their text.</summary>
    /// <exception cref="StoreRefusedException"><c>search_unavailable</c>: this store has no index.</exception>
    /// <exception cref="SearchQueryException">The text is no query.</exception>
    public Task<SearchPage> SearchAsync(SearchQuery query, CancellationToken cancellationToken) => throw new NotImplementedException();
}
