namespace Signalbox;

/// <summary>
/// A claim as the store keeps it, derived from entries by <see cref="Storage.ClaimRules"/>. <paramref name="Position"/> is the position of the entry that brought it into its phase: among queued
/// ones it says whose turn it is. Times are microseconds since 1970.
/// </summary>
/// <param name="Claim">The claim.</param>
/// <param name="Phase">How far it has come.</param>
/// <param name="ActionId">The action.</param>
/// <param name="Action">The action's name.</param>
/// <param name="Run">The run that acts.</param>
/// <param name="Scope">The scope of the action's step.</param>
/// <param name="Step">The action's step.</param>
/// <param name="Position">Of the entry that brought it into its phase.</param>
/// <param name="At">When that was.</param>
/// <param name="Priority">The action's, for <see cref="ConflictRule.Priority"/>.</param>
/// <param name="Until">When a standing one expires, and a queued one gives up; null for never.</param>
/// <param name="Made">Whether what stands is the effect of this action, or of one that it has outlived as co-holder.</param>
/// <param name="Undo">Whether it is held to take an effect back.</param>
/// <param name="Told">Whether a queued one has been told that it is its turn.</param>
public sealed record ClaimRow(
    Claim Claim, ClaimPhase Phase, string ActionId, string Action, RunId Run, string Scope, string Step, long Position, long At, int Priority = 0, long? Until = null, bool Made = false, bool Undo = false,
    bool Told = false)
{
    /// <summary>Whether it counts at that time. A hold always does: that of an undo keeps the expiry of what it takes back, in case that stands again.</summary>
    public bool IsLive(long at) => Phase == ClaimPhase.Hold || Until is not { } until || until > at;
}

/// <summary>Which claims to read. Everything given must hold.</summary>
public sealed record ClaimQuery
{
    /// <summary>Those that overlap one of these resources; null for any.</summary>
    public IReadOnlyList<Resource>? Overlapping { get; init; }

    /// <summary>Those of this run.</summary>
    public RunId? Run { get; init; }

    /// <summary>Those in one of these phases; empty for any.</summary>
    public IReadOnlyCollection<ClaimPhase> Phases { get; init; } = [];

    /// <summary>Whether to list also what has expired and is not forgotten yet.</summary>
    public bool WithExpired { get; init; }

    /// <summary>Only those that lie after this position in the list's order.</summary>
    public long? After { get; init; }

    /// <summary>How many at most, from 1 to 10,000, in the order of their position; more where one action's claims would be torn apart, so that <see cref="After"/> leaves none out.</summary>
    public int Limit { get; init; } = 1_000;
}
