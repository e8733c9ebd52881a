using Signalbox;

namespace SecurityAlerts;

/// <summary>What may be set about how alerts are answered.</summary>
internal sealed record ResponseOptions
{
    /// <summary>How long a source is waited for. Later it is missing, and the run goes on.</summary>
    public TimeSpan SourceLimit { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>An analyst that is less sure than this is not believed: the next tier decides.</summary>
    public double AcceptAt { get; init; } = 0.75;

    /// <summary>One that is less sure than this has nothing to hand on: a person decides at once.</summary>
    public double FloorAt { get; init; } = 0.4;

    /// <summary>How many model calls a tier has for one alert.</summary>
    public int TurnsMax { get; init; } = 20;

    /// <summary>What may be spent on one alert.</summary>
    public Budget Budget { get; init; } = Budget.Default;

    /// <summary>After how many blocks in an hour a person is asked about each further one.</summary>
    public int BlocksAnHour { get; init; } = 1000;
}
