namespace Signalbox.HistoryChecker.Rules;

/// <summary>How far one direction of an action (doing or undoing) has come.</summary>
internal enum Phase
{
    None,
    Intended,
    Executed,
    Unknown,
    Verified,
    NotApplied,
    Diverged,
    Unverified,
    Refused,
    Settled,
}

/// <summary>One direction of an action, as the journal tells it.</summary>
internal sealed class Course
{
    public Phase Phase { get; set; }

    /// <summary>The position of the first intent; null without one.</summary>
    public long? IntentPosition { get; set; }

    public long Attempt { get; set; }

    public bool MadeByUs { get; set; }

    /// <summary>The target answered a call for the last intent, and not with an error.</summary>
    public bool IsAnswered { get; set; }

    /// <summary>An operator took it as done; nobody looked.</summary>
    public bool IsAccepted { get; set; }

    /// <summary>The seq of the entry that set <see cref="Phase"/>.</summary>
    public long Seq { get; set; }

    /// <summary>Past its intent, and nobody has said what became of it.</summary>
    public bool IsUnsettled => IntentPosition is not null && Phase is Phase.Intended or Phase.Executed or Phase.Unknown;
}

/// <summary>One action of one run, by its id.</summary>
internal sealed class ActionRecord(string id, string run)
{
    public string Id { get; } = id;

    public string Run { get; } = run;

    public string Name { get; set; } = "";

    public (string Scope, string Step) Step { get; set; }

    public string? ArgumentsHash { get; set; }

    public string TargetClass { get; set; } = "";

    /// <summary>The resource in the target's state; null where the action is not the one that was asked about, or its arguments are unknown.</summary>
    public string? Resource { get; set; }

    public Course Do { get; } = new();

    public Course Undo { get; } = new();

    /// <summary>The direction that the last intent took, to which an <c>action.executed</c> belongs.</summary>
    public Course? Intended { get; set; }

    public bool IsUnsettled => Do.IsUnsettled || Undo.IsUnsettled;

    /// <summary>Whether a target of this class promises one effect an action.</summary>
    public bool IsAtMostOnce => TargetClass is "T0" or "T1" or "T2";
}
