using System.Text.Json.Serialization;

namespace Signalbox;

/// <summary>Evidence of any type: what matters to whoever weighs what is missing.</summary>
public interface IEvidence
{
    /// <summary>The source that was asked.</summary>
    string Source { get; }

    /// <summary>Whether there is no answer.</summary>
    bool IsMissing { get; }

    /// <summary>Why it is missing, such as <c>timed out after 2 s</c>; null when found. Text from outside.</summary>
    string? Reason { get; }
}

/// <summary>What a source answered, or a typed <em>missing</em>. A slow or broken source never loses what the others found.</summary>
public sealed record Evidence<T> : IEvidence
{
    [JsonConstructor]
    internal Evidence(string source, T? value, string? reason)
    {
        Source = source;
        Value = value;
        Reason = reason;
    }

    /// <summary>The source that was asked.</summary>
    public string Source { get; }

    /// <summary>What it answered; null or default when missing.</summary>
    public T? Value { get; }

    /// <summary>Why it is missing, such as <c>timed out after 2 s</c>; null when found.</summary>
    public string? Reason { get; }

    /// <summary>Whether there is no answer.</summary>
    [JsonIgnore]
    public bool IsMissing => Reason is not null;
}

/// <summary>Makes evidence, for sources of one's own and for tests.</summary>
public static class Evidence
{
    /// <summary>Evidence that was found.</summary>
    public static Evidence<T> Found<T>(string source, T value) => new(source, value, null);

    /// <summary>Evidence that is missing, and why.</summary>
    public static Evidence<T> Missing<T>(string source, string reason) => new(source, default, reason);
}

/// <summary>A source of evidence: asked by an argument, answering a value that can be written as JSON. What the answer depends on besides is not part of any key.</summary>
public sealed class EvidenceSource<TArgument, T>(string name, Func<TArgument, CancellationToken, Task<T>> ask)
{
    /// <summary>Its name, part of the step's key and of the cache's: where queries are cached, one name stands for one source in the whole program.</summary>
    public string Name { get; } = name;

    /// <summary>The question for one argument.</summary>
    public EvidenceQuery<T> For(TArgument argument) =>
        new(Name, Journal.Bodies.Json(argument), cancellationToken => ask(argument, cancellationToken), StepOptions.Once with { Within = TimeSpan.FromSeconds(10), Type = "evidence" });
}

/// <summary>A question to a source, with its time limit (10 s and one attempt unless said otherwise). It is not cached unless said.</summary>
public sealed class EvidenceQuery<T>
{
    private readonly Func<CancellationToken, Task<T>> _ask;

    internal EvidenceQuery(string source, Journal.RawJson argument, Func<CancellationToken, Task<T>> ask, StepOptions options, Sharing? sharing = null)
    {
        Source = source;
        Argument = argument;
        _ask = ask;
        Options = options;
        Shared = sharing;
    }

    internal string Source { get; }

    internal Journal.RawJson Argument { get; }

    internal StepOptions Options { get; }

    /// <summary>With whom the answer is shared, and for how long; null: with nobody.</summary>
    internal Sharing? Shared { get; }

    /// <summary>The same question under another time limit for each attempt.</summary>
    public EvidenceQuery<T> Within(TimeSpan limit) => new(Source, Argument, _ask, Options with { Within = limit }, Shared);

    /// <summary>The same question, asked so many times before it counts as missing.</summary>
    public EvidenceQuery<T> Attempts(int attempts) => new(Source, Argument, _ask, Options with { Attempts = attempts }, Shared);

    /// <summary>
    /// The same question, content with an answer that any run of this process asked for less than <paramref name="timeToLive"/> ago. Equal questions that are under way at once are
    /// asked once, each under its own time limit. A failure is never kept. The record says that the answer came from the cache and how old it was; a crash loses the cache and no record.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The time is not positive.</exception>
    public EvidenceQuery<T> CachedFor(TimeSpan timeToLive)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeToLive, TimeSpan.Zero);
        return new(Source, Argument, _ask, Options, new Sharing(timeToLive, IsOfRun: false));
    }

    /// <summary>
    /// The same question, content with any answer that the same run has got in this process, in whichever of its visits and branches. Other runs ask for themselves. Otherwise as
    /// <see cref="CachedFor"/>.
    /// </summary>
    public EvidenceQuery<T> CachedForRun() => new(Source, Argument, _ask, Options, new Sharing(TimeSpan.MaxValue, IsOfRun: true));

    internal async Task<Evidence<T>> GatherAsync(VisitScope scope)
    {
        try
        {
            return Evidence.Found(Source, await scope.Engine.StepAsync<T>(scope.ScopeName, Source, Argument, cancellationToken => AskAsync(scope, cancellationToken), Options));
        }
        catch (StepFailedException e) when (e.Code != "unreadable")
        {
            return Evidence.Missing<T>(Source, e.Reason);
        }
    }

    private async Task<StepResult> AskAsync(VisitScope scope, CancellationToken cancellationToken) =>
        Shared is not { } sharing
            ? StepResult.Of(await _ask(cancellationToken))
            : StepResult.Of(await scope.Engine.Engine.Queries.GetAsync(
                QueryKey.Of<T>(sharing.IsOfRun ? scope.Run : null, Source, Argument), sharing.TimeToLive, async asking => Journal.Bodies.Json(await _ask(asking)), cancellationToken));
}

/// <summary>Asks several sources at once.</summary>
public static class GatherExtensions
{
    /// <summary>Asks a source and records what it answers, or that it is missing and why.</summary>
    public static Task<Evidence<T>> Gather<T>(this VisitScope visit, EvidenceQuery<T> query)
    {
        ArgumentNullException.ThrowIfNull(visit);
        ArgumentNullException.ThrowIfNull(query);
        return query.GatherAsync(visit);
    }

    /// <summary>Asks any number of questions of one type side by side, and gives what came of them in the same order. Equal ones among them are an error: they would be one step.</summary>
    public static async Task<IReadOnlyList<Evidence<T>>> Gather<T>(this VisitScope visit, IReadOnlyList<EvidenceQuery<T>> queries)
    {
        ArgumentNullException.ThrowIfNull(queries);
        return await Task.WhenAll(queries.Select(visit.Gather));
    }

    /// <summary>Asks two sources side by side.</summary>
    public static async Task<(Evidence<T1> First, Evidence<T2> Second)> Gather<T1, T2>(this VisitScope visit, EvidenceQuery<T1> first, EvidenceQuery<T2> second)
    {
        var (a, b) = (visit.Gather(first), visit.Gather(second));
        return (await a, await b);
    }

    /// <summary>Asks three sources side by side.</summary>
    public static async Task<(Evidence<T1> First, Evidence<T2> Second, Evidence<T3> Third)> Gather<T1, T2, T3>(
        this VisitScope visit, EvidenceQuery<T1> first, EvidenceQuery<T2> second, EvidenceQuery<T3> third)
    {
        var (a, b, c) = (visit.Gather(first), visit.Gather(second), visit.Gather(third));
        return (await a, await b, await c);
    }

    /// <summary>Asks four sources side by side.</summary>
    public static async Task<(Evidence<T1> First, Evidence<T2> Second, Evidence<T3> Third, Evidence<T4> Fourth)> Gather<T1, T2, T3, T4>(
        this VisitScope visit, EvidenceQuery<T1> first, EvidenceQuery<T2> second, EvidenceQuery<T3> third, EvidenceQuery<T4> fourth)
    {
        var (a, b, c, d) = (visit.Gather(first), visit.Gather(second), visit.Gather(third), visit.Gather(fourth));
        return (await a, await b, await c, await d);
    }
}
