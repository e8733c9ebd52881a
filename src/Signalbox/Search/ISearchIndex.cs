namespace Signalbox.Search;

/// <summary>
/// Finds entries by their text. Derived from the log by a reader that follows it, disposable, and never ahead of it: what it has is exactly what the entries up to <see cref="IndexStatus.Position"/> say.
/// Safe to call from several threads.
/// </summary>
public interface ISearchIndex
{
    /// <summary>Entries that match, in the order asked for, at most <see cref="SearchQuery.Limit"/>.</summary>
    /// <exception cref="SearchQueryException">The text is no query.</exception>
    ValueTask<SearchPage> SearchAsync(SearchQuery query, CancellationToken cancellationToken);

    /// <summary>How far it has come.</summary>
    ValueTask<IndexStatus> StatusAsync(CancellationToken cancellationToken);

    /// <summary>What runs came to in a stretch of time, of the entries that it has read.</summary>
    ValueTask<Queries.Statistics> StatisticsAsync(Queries.StatisticsQuery query, CancellationToken cancellationToken);
}

/// <summary>
/// What to look for. All words of <see cref="Text"/> must occur in one entry; <c>"two words"</c> is a phrase, <c>begin*</c> a prefix, <c>-word</c> must not occur; a token with inner punctuation, such as <c>192.0.2.7</c> or <c>tool_use_id</c>, is
/// found exactly. Everything given must hold; an empty text with filters lists what they match.
/// </summary>
public sealed record SearchQuery
{
    /// <summary>The longest text, in characters.</summary>
    public const int TextMax = 1000;

    /// <summary>The words.</summary>
    public string Text { get; init; } = "";

    /// <summary>Of this workflow.</summary>
    public string? Workflow { get; init; }

    /// <summary>Written in this state.</summary>
    public string? State { get; init; }

    /// <summary>Of one of these kinds (see <see cref="Journal.EntryKinds"/>; <c>tool.*</c> for a family); empty for any.</summary>
    public IReadOnlyList<string> Kinds { get; init; } = [];

    /// <summary>Of this agent.</summary>
    public string? Agent { get; init; }

    /// <summary>Of this tier.</summary>
    public string? Tier { get; init; }

    /// <summary>With this outcome code: how a step failed, why a call was rejected, why a decision climbed.</summary>
    public string? Code { get; init; }

    /// <summary>Of this run.</summary>
    public RunId? Run { get; init; }

    /// <summary>Of runs with these labels.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary>Written at this time or later.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Written before this time.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>Whether the best matches come first (of the newest 10,000), in place of the newest.</summary>
    public bool ByRank { get; init; }

    /// <summary>Go on after the page whose <see cref="SearchPage.Next"/> this is.</summary>
    public string? After { get; init; }

    /// <summary>How many at most, from 1 to 1,000.</summary>
    public int Limit { get; init; } = 50;
}

/// <summary>A page of hits. <paramref name="Next"/> asks for the next one; null: there is none. <paramref name="Status"/> is how far the index was.</summary>
public sealed record SearchPage(IReadOnlyList<SearchHit> Hits, string? Next, IndexStatus Status);

/// <summary>An entry that was found. <paramref name="Context"/> is the text around what was looked for, masked; text from outside.</summary>
public sealed record SearchHit(
    long Position, RunId Run, long Seq, long At, string Workflow, string Kind, string State, int Visit, string Scope, string Step, string Actor, IReadOnlyList<ContextPiece> Context);

/// <summary>A piece of context; <paramref name="IsMatch"/>: it is what was looked for.</summary>
public sealed record ContextPiece(string Text, bool IsMatch);

/// <summary>How far an index has come: it holds the entries up to <paramref name="Position"/> of <paramref name="LogEnd"/>. <paramref name="Behind"/> is the age of the oldest entry that it lacks. <paramref name="IsFed"/>: somebody feeds it now.</summary>
public sealed record IndexStatus(long Position, long LogEnd, TimeSpan Behind, bool IsFed, long Bytes, string? Trouble = null)
{
    /// <summary>How many entries it lacks.</summary>
    public long Lag => Math.Max(0, LogEnd - Position);
}

/// <summary>A text that is no query: what is wrong with it, and where.</summary>
public sealed class SearchQueryException(string message) : Exception(message);
