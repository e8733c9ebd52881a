using System.Runtime.CompilerServices;
using System.Text.Json;
using Signalbox.Journal;
using Signalbox.Search;
using Signalbox.Storage;

namespace Signalbox.Queries;

/// <summary>
/// The one place that answers questions about runs: the command line, the HTTP API and the dashboard all ask here, and so give the same answers. Reads committed entries only, changes nothing, needs none of the
/// workflows' code, and masks what is marked for redaction. Safe to call from several threads.
/// </summary>
public sealed class RunQueries(IRunReader reader, TimeProvider clock, ISearchIndex? index = null, Redactor? redactor = null)
{
    /// <summary>How many bytes of a value that is stored apart a list of entries shows; <see cref="EntryAsync"/> shows all.</summary>
    public const int ListedBytesMax = 8 * 1024;

    /// <summary>How many entries a list has at most.</summary>
    public const int ListedMax = 1_000;

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
    public async Task<IReadOnlyList<RunHead>> RunsAsync(RunQuery query, CancellationToken cancellationToken)
    {
        var runs = await reader.ListAsync(query, cancellationToken);
        return ReferenceEquals(_redactor, Redactor.None) ? runs : [.. runs.Select(_redactor.Head)];
    }

    /// <summary>The run, masked, or null.</summary>
    public async Task<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken) => await reader.FindAsync(run, cancellationToken) is { } head ? _redactor.Head(head) : null;

    /// <summary>Everything about a run, or null if there is none of that id. Reads its whole journal once.</summary>
    public async Task<RunView?> ViewAsync(RunId run, CancellationToken cancellationToken)
    {
        if (await reader.FindAsync(run, cancellationToken) is not { } head)
        {
            return null;
        }

        var fold = new RunViewFold(_redactor);
        await foreach (var entry in EntriesOfAsync(head, cancellationToken))
        {
            fold.Add(entry);
        }

        return fold.View(head, await DefinitionAsync(head.Row, cancellationToken));
    }

    /// <summary>The actions of a run alone; none where there is no such run.</summary>
    public async Task<IReadOnlyList<ActionView>> ActionsAsync(RunId run, CancellationToken cancellationToken)
    {
        var fold = new ActionFold(_redactor);
        await FoldAsync(run, fold, cancellationToken);
        return fold.Actions;
    }

    /// <summary>What the agents of a run used up, by agent, tier and model, the dearest first; none where there is no such run.</summary>
    public async Task<IReadOnlyList<CostView>> CostsAsync(RunId run, CancellationToken cancellationToken)
    {
        var fold = new CostFold();
        await FoldAsync(run, fold, cancellationToken);
        return fold.Costs;
    }

    /// <summary>What several runs used up together, the dearest first.</summary>
    public static IReadOnlyList<CostView> Sum(IEnumerable<CostView> costs) => CostFold.Sum(costs);

    /// <summary>A run's entries from its first to <paramref name="lastSeq"/> as they are stored, masked: what they refer to stays apart. Read page by page, so that no run is too long.</summary>
    public async IAsyncEnumerable<Entry> JournalAsync(RunId run, long lastSeq, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var entry in reader.EntriesAsync(run, lastSeq: lastSeq, cancellationToken: cancellationToken))
        {
            yield return _redactor.Entry(entry);
        }
    }

    /// <summary>Entries of a run from <paramref name="fromSeq"/> on, with what they refer to in place, at most <paramref name="max"/> (1 to <see cref="ListedMax"/>). A value longer than <see cref="ListedBytesMax"/> is cut.</summary>
    public async Task<IReadOnlyList<EntryView>> EntriesAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(fromSeq);
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(max, ListedMax);
        var views = new List<EntryView>();
        foreach (var entry in await reader.ReadAsync(run, fromSeq, max, cancellationToken))
        {
            views.Add(await ResolvedBody.ViewAsync(reader, entry, _redactor, ListedBytesMax, cancellationToken));
        }

        return views;
    }

    /// <summary>One entry, whole, or null.</summary>
    public async Task<EntryView?> EntryAsync(RunId run, long seq, CancellationToken cancellationToken) =>
        seq >= 0 && await reader.ReadAsync(run, seq, 1, cancellationToken) is [var entry] && entry.Seq == seq
            ? await ResolvedBody.ViewAsync(reader, entry, _redactor, int.MaxValue, cancellationToken)
            : null;

    /// <summary>
    /// What models were asked and answered in a run, word for word: one conversation for each tier that was asked, in the order of their beginnings. <paramref name="scope"/>: that scope alone, and those within it (a
    /// tier's samples); the empty one is the visit itself. Holds all of it in memory.
    /// </summary>
    public async Task<IReadOnlyList<ConversationView>> ConversationsAsync(RunId run, string? scope, CancellationToken cancellationToken)
    {
        if (await reader.FindAsync(run, cancellationToken) is not { } head)
        {
            return [];
        }

        var fold = new ConversationFold(reader, _redactor, run, scope);
        await foreach (var entry in EntriesOfAsync(head, cancellationToken))
        {
            await fold.AddAsync(entry, cancellationToken);
        }

        return await fold.EndAsync(cancellationToken);
    }

    /// <summary>The same of the entries from <paramref name="fromSeq"/> to <paramref name="lastSeq"/> alone, for who has read those before: what an agent worked under is there only where it began among them.</summary>
    internal async Task<IReadOnlyList<ConversationView>> ConversationsAsync(RunId run, long fromSeq, long lastSeq, CancellationToken cancellationToken)
    {
        var fold = new ConversationFold(reader, _redactor, run, null);
        await foreach (var entry in reader.EntriesAsync(run, fromSeq, lastSeq, cancellationToken: cancellationToken))
        {
            await fold.AddAsync(entry, cancellationToken);
        }

        return await fold.EndAsync(cancellationToken);
    }

    /// <summary>The open questions to people, the one that is due first before those without a time limit, then the oldest first; at most <paramref name="max"/>. One that cannot be read is among them, and says so.</summary>
    public async Task<IReadOnlyList<ApprovalCard>> InboxAsync(int max, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(max, 1);
        var open = new List<(RunHead Head, OpenWait Wait)>();
        await foreach (var head in EveryAsync(new RunQuery { AsksAPerson = true }, cancellationToken))
        {
            open.AddRange(head.Waits.Where(w => w.Kind == WaitKind.Approval).Select(w => (head, w)));
        }

        var cards = new List<ApprovalCard>();
        foreach (var (head, wait) in open.OrderBy(o => o.Wait.Due ?? long.MaxValue).ThenBy(o => o.Head.Row.ChangedAt).Take(max))
        {
            cards.Add(await CardAsync(head, wait, cancellationToken));
        }

        return [.. cards.OrderBy(c => c.Wait.Due ?? long.MaxValue).ThenBy(c => c.AskedAt)];
    }

    /// <summary>The runs that a query asks for, the newest first, masked, page by page whatever its limit.</summary>
    public async IAsyncEnumerable<RunHead> EveryAsync(RunQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var head in reader.RunsAsync(query, cancellationToken))
        {
            yield return _redactor.Head(head);
        }
    }

    /// <summary>An open question of a run as its reader should see it before answering; one that cannot be read says so.</summary>
    public async Task<ApprovalCard> CardAsync(RunHead head, OpenWait wait, CancellationToken cancellationToken)
    {
        try
        {
            return await ApprovalCard.ReadAsync(reader, head, wait, _redactor, cancellationToken);
        }
        catch (Exception e) when (e is JournalDamagedException or ArgumentException)
        {
            return ApprovalCard.Unreadable(_redactor.Head(head), wait);
        }
    }

    /// <summary>Claims that match and have not expired.</summary>
    public async Task<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken) => await reader.ClaimsAsync(query, cancellationToken);

    /// <summary>
    /// Conflicts, the newest first, at most <paramref name="max"/>: those of all runs that the search index has, or without one those of the runs that claim something now.
    /// </summary>
    public async Task<IReadOnlyList<RunConflict>> ConflictsAsync(int max, CancellationToken cancellationToken) => [.. (await ConflictFold.ReadAsync(reader, index, max, cancellationToken)).Select(_redactor.Conflict)];

    /// <summary>Whether everything works: the store, its workers, its runs, the index, each with a verdict.</summary>
    public Task<SystemView> SystemAsync(CancellationToken cancellationToken) => SystemFold.ReadAsync(reader, clock, index, _redactor, cancellationToken);

    /// <summary>What runs came to in a stretch of time. From the index, as far as it has read; without one, the whole log is read for it.</summary>
    public async Task<Statistics> StatisticsAsync(StatisticsQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        query = query with { Until = query.Until ?? clock.GetUtcNow() };
        if (index is not null)
        {
            return await index.StatisticsAsync(query, cancellationToken);
        }

        var tables = new MemoryStatisticsTables();
        var fold = new StatisticsFold(tables);
        var position = 0L;
        await foreach (var entry in reader.LogAsync(cancellationToken: cancellationToken))
        {
            fold.Add(entry);
            position = entry.Position;
        }

        return StatisticsSum.Of(tables, query, position);
    }

    /// <summary>Entries by their text.</summary>
    /// <exception cref="StoreRefusedException"><c>search_unavailable</c>: this store has no index.</exception>
    /// <exception cref="SearchQueryException">The text is no query.</exception>
    public async Task<SearchPage> SearchAsync(SearchQuery query, CancellationToken cancellationToken) => index is not null
        ? await index.SearchAsync(query, cancellationToken)
        : throw new StoreRefusedException("search_unavailable", "This store has no search index, so that nothing can be found by its text. A SQLite store gets one from the program that owns it; runs are listed without.");

    private async Task FoldAsync(RunId run, IEntryFold fold, CancellationToken cancellationToken)
    {
        if (await reader.FindAsync(run, cancellationToken) is { } head)
        {
            await foreach (var entry in EntriesOfAsync(head, cancellationToken))
            {
                RunViewFold.TryAdd(fold, new EntryReading(entry));
            }
        }
    }

    private IAsyncEnumerable<Entry> EntriesOfAsync(RunHead head, CancellationToken cancellationToken) => reader.EntriesAsync(head.Row.Run, lastSeq: head.Seq, cancellationToken: cancellationToken);

    private async Task<WorkflowDefinition?> DefinitionAsync(RunRow row, CancellationToken cancellationToken)
    {
        if (row.Fingerprint.Length != 64 || await reader.FindPayloadAsync(new PayloadHash(row.Fingerprint), cancellationToken) is not { } stored)
        {
            return null;
        }

        try
        {
            return WorkflowDefinition.FromJson(stored.Span);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
