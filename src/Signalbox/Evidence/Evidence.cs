using System.Text.Json.Serialization;

namespace Signalbox;

/// <summary>Evidence of any type: what matters to whoever weighs what is missing.</summary>
public interface IEvidence
{
    /// <summary>The source that was asked.</summary>
    string Source { get; }

    /// <summary>Whether there is no answer.</summary>
    bool IsMissing { get; }

    /// <summary>Why it is missing; null when found.</summary>
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

/// <summary>A source of evidence: asked by an argument, answering a value that can be written as JSON.</summary>
public sealed class EvidenceSource<TArgument, T>(string name, Func<TArgument, CancellationToken, Task<T>> ask)
{
    /// <summary>Its name, part of the step's key.</summary>
    public string Name { get; } = name;

    /// <summary>The question for one argument.</summary>
    public EvidenceQuery<T> For(TArgument argument) =>
        new(Name, Journal.Bodies.Json(argument), cancellationToken => ask(argument, cancellationToken), StepOptions.Once with { Within = TimeSpan.FromSeconds(10), Type = "evidence" });
}

/// <summary>A question to a source, with its time limit (10 s and one attempt unless said otherwise).</summary>
public sealed class EvidenceQuery<T>
{
    private readonly Func<CancellationToken, Task<T>> _ask;

    internal EvidenceQuery(string source, Journal.RawJson argument, Func<CancellationToken, Task<T>> ask, StepOptions options)
    {
        Source = source;
        Argument = argument;
        _ask = ask;
        Options = options;
    }

    internal string Source { get; }

    internal Journal.RawJson Argument { get; }

    internal StepOptions Options { get; }

    /// <summary>The same question under another time limit for each attempt.</summary>
    public EvidenceQuery<T> Within(TimeSpan limit) => new(Source, Argument, _ask, Options with { Within = limit });

    /// <summary>The same question, asked so many times before it counts as missing.</summary>
    public EvidenceQuery<T> Attempts(int attempts) => new(Source, Argument, _ask, Options with { Attempts = attempts });

    internal async Task<Evidence<T>> GatherAsync(VisitScope scope)
    {
        try
        {
            return Evidence.Found(Source, await scope.Engine.StepAsync<T>(
                scope.ScopeName, Source, Argument, async cancellationToken => StepResult.Of(await _ask(cancellationToken)), Options));
        }
        catch (StepFailedException e) when (e.Code != "unreadable")
        {
            return Evidence.Missing<T>(Source, e.Reason);
        }
    }
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
