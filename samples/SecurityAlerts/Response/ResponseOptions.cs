namespace SecurityAlerts;

/// <summary>What may be set about how alerts are answered.</summary>
internal sealed record ResponseOptions
{
    /// <summary>How long a source is waited for. Later it is missing, and the run goes on.</summary>
    public TimeSpan SourceLimit { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>An analyst that is less sure than this is not believed: a person decides.</summary>
    public double AcceptAt { get; init; } = 0.75;
}
