using Signalbox.Storage;

namespace Signalbox.Testing;

/// <summary>What a harness is made of; everything has a default.</summary>
public sealed record HarnessOptions
{
    /// <summary>Decides the order of everything and all random bits.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>The time; by default a clock of the harness's own, which begins at 2026-01-01T00:00:00Z.</summary>
    public ManualClock? Clock { get; init; }

    /// <summary>The store, which the caller disposes; by default one in memory.</summary>
    public IRunStore? Store { get; init; }

    /// <summary>Whether a worker that died by a crash point is followed by a new one, at once, without waiting for its lease to end.</summary>
    public bool RestartsAfterCrash { get; init; } = true;

    /// <summary>Whether a worker is started with the harness.</summary>
    public bool StartsWorker { get; init; } = true;

    /// <summary>How much simulated time one call may let pass before what is still at work counts as never ending.</summary>
    public TimeSpan TimeMax { get; init; } = TimeSpan.FromDays(3660);
}
