namespace Signalbox.CommandLine.Checking;

/// <summary>Something in a store that is not as it must be. <paramref name="Run"/> and <paramref name="Seq"/> say where, if it is at one place.</summary>
internal sealed record Fault(string Code, RunId? Run, long? Seq, string Expected, string Got);

/// <summary>The stable codes of faults.</summary>
internal static class FaultCodes
{
    /// <summary>The hash of an entry is not that of its content after the entry before.</summary>
    public const string HashWrong = "hash_wrong";

    /// <summary>A run's entries do not count 0, 1, 2, …</summary>
    public const string SeqGap = "seq_gap";

    /// <summary>The positions of the store's log do not count 1, 2, 3, …</summary>
    public const string PositionGap = "position_gap";

    /// <summary>The positions of a run's entries do not rise.</summary>
    public const string PositionOrder = "position_order";

    /// <summary>The time of an entry is before that of the entry before.</summary>
    public const string TimeFell = "time_fell";

    /// <summary>The epoch of an entry is below that of the entry before.</summary>
    public const string EpochFell = "epoch_fell";

    /// <summary>A body is not of its kind's shape.</summary>
    public const string BodyUnreadable = "body_unreadable";

    /// <summary>The run's row is not what its entries make.</summary>
    public const string RowDiffers = "row_differs";

    /// <summary>A claim, or what is used of a limit, is not what the entries make.</summary>
    public const string ClaimDiffers = "claim_differs";

    /// <summary>What is left of an erased run is not what was left when it was erased.</summary>
    public const string ErasureBroken = "erasure_broken";

    /// <summary>A payload that an entry refers to is missing or altered.</summary>
    public const string PayloadMissing = "payload_missing";

    /// <summary>The workflow's definition is missing, altered or none.</summary>
    public const string DefinitionMissing = "definition_missing";

    /// <summary>A transition that the workflow's definition does not declare.</summary>
    public const string TransitionUndeclared = "transition_undeclared";

    /// <summary>A run ended as a success in a state that its definition declares none.</summary>
    public const string EndUndeclared = "end_undeclared";
}
