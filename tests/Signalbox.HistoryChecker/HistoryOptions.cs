namespace Signalbox.HistoryChecker;

/// <summary>What there is beside the journal. Every part is optional; a part that is given is taken as complete.</summary>
public sealed record HistoryOptions
{
    /// <summary>What the clients were told, as JSON lines (I11).</summary>
    public IEnumerable<string>? Acknowledgements { get; init; }

    /// <summary>
    /// The target's own log in its own order, as JSON lines <c>{"actionId","op","resource","applied"}</c> (I4 to I6). More members sharpen that where the target can
    /// give them: <c>after</c>, the last position that was on disk when the effect happened (I4), <c>arguments</c> (I4), and <c>fence</c>, the epoch that a T2 target was called with (I7). A line
    /// <c>{"tombstone":true,"actionId"}</c> says that the target shall do nothing more of that action (I7). Lines as in <see cref="TargetLooks"/> may stand in between.
    /// </summary>
    public IEnumerable<string>? TargetLog { get; init; }

    /// <summary>The name of the action whose target's log that is, where runs act on other targets too; null if it is the log of every target.</summary>
    public string? TargetLogAction { get; init; }

    /// <summary>The target's state at the end: one resource a line, <c>#</c> begins a comment (I10). Needs <see cref="Action"/> and <see cref="Resource"/>.</summary>
    public IEnumerable<string>? TargetState { get; init; }

    /// <summary>How the target was looked at, in its order, as JSON lines <c>{"look":true,"actionId","so":true,"at":microseconds}</c> (I21); one that could not say has no <c>so</c>, and counts for nothing.</summary>
    public IEnumerable<string>? TargetLooks { get; init; }

    /// <summary>Whether every verdict after looks must say how they agreed (I21). Null: if one of the journal does.</summary>
    public bool? AgreementRequired { get; init; }

    /// <summary>The name of the action that puts a resource into the target's state.</summary>
    public string? Action { get; init; }

    /// <summary>The name of the action that takes a resource out of the target's state, whose claim is against the other's. Without it, what was overruled may be there or not.</summary>
    public string? Against { get; init; }

    /// <summary>The member of that action's arguments that is the resource.</summary>
    public string? Resource { get; init; }

    /// <summary>What the runs of a workflow may use up, all agents together, as JSON lines <c>{"workflow","calls","tokens","micros","rejections"}</c> (I16); what is left out has no limit.</summary>
    public IEnumerable<string>? Budgets { get; init; }

    /// <summary>What errors call the journal.</summary>
    public string JournalName { get; init; } = "journal";

    /// <summary>What errors call the acknowledgements.</summary>
    public string AcknowledgementsName { get; init; } = "acknowledgements";

    /// <summary>What errors call the budgets.</summary>
    public string BudgetsName { get; init; } = "budgets";

    /// <summary>What errors call the target's log.</summary>
    public string TargetLogName { get; init; } = "target log";

    /// <summary>What errors call the log of looks.</summary>
    public string TargetLooksName { get; init; } = "target looks";

    /// <summary>What errors call the target's state.</summary>
    public string TargetStateName { get; init; } = "target state";
}
