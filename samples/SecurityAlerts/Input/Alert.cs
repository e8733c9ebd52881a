namespace SecurityAlerts;

/// <summary>One alert of the queue. It is judged as of <see cref="AsOf"/>: no source may show anything later.</summary>
internal sealed record Alert(
    string Id,
    DateTimeOffset Time,
    DateTimeOffset AsOf,
    string Site,
    string Host,
    string Rule,
    string Severity,
    string Summary,
    string? SourceIp,
    IReadOnlyList<string> Users,
    int FailedCount,
    int SuccessCount,
    DateTimeOffset FirstSeen,
    DateTimeOffset LastSeen,
    IReadOnlyList<long> EvidenceSeq);

/// <summary>One line of a host's log. <see cref="Raw"/> is text from outside: shown, cut and quoted, never interpreted.</summary>
internal sealed record LogEvent(
    string Site,
    long Seq,
    DateTimeOffset Time,
    string Type,
    string Raw,
    string? SourceIp,
    string? User,
    bool? UserExists,
    string? Method,
    string? Key,
    int Repeats,
    string? Target,
    string? Command,
    long? AccountId = null);

/// <summary>What a threat list says about one address.</summary>
internal sealed record FeedEntry(string Indicator, int Score, string List, string AsOf);

/// <summary>A range of addresses that belongs to a known research scanner.</summary>
internal sealed record AllowedRange(System.Net.IPNetwork Range, string List);

/// <summary>A host that is watched: its accounts, and the addresses that belong to it or to its staff.</summary>
internal sealed record Asset(
    string Site,
    string Host,
    string Role,
    string Exposure,
    IReadOnlyList<System.Net.IPNetwork> InternalNetworks,
    IReadOnlyList<string> Accounts,
    IReadOnlyList<string> KnownSources);

/// <summary>Something in the input that could not be used as it stands: where it is, and what was expected and got.</summary>
/// <param name="File">The file's name, without its folder.</param>
/// <param name="Line">The line, from 1; null where the fault is the file's own.</param>
internal sealed record Fault(string File, int? Line, string What)
{
    public override string ToString() => Line is { } line ? $"{File}:{line}: {What}" : $"{File}: {What}";
}
