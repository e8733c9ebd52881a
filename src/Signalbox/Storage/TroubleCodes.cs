namespace Signalbox;

/// <summary>The stable codes of why a run is held or failed. Listed in docs/errors.md; never reused for something else.</summary>
public static class TroubleCodes
{
    /// <summary>Failed: the state's handler threw.</summary>
    public const string HandlerFailed = "handler_failed";

    /// <summary>Failed: the handler asked for a transition that its state does not declare.</summary>
    public const string UndeclaredTransition = "undeclared_transition";

    /// <summary>Failed: an end was reached that the workflow declares no success.</summary>
    public const string EndedWithoutSuccess = "ended_without_success";

    /// <summary>Failed: a limit was reached (visits, steps, active time, sizes).</summary>
    public const string LimitReached = "limit_reached";

    /// <summary>Failed: an operator abandoned a held run.</summary>
    public const string Abandoned = "abandoned";

    /// <summary>Held: the target cannot say whether an action happened.</summary>
    public const string ActionInDoubt = "action_in_doubt";

    /// <summary>Held: recorded effects that the handler no longer asks for, and a new effect or a transition after them.</summary>
    public const string EffectsNotAskedAgain = "effects_not_asked_again";

    /// <summary>Held: workers died while they drove it, and it alone.</summary>
    public const string Quarantined = "quarantined";

    /// <summary>Held: an entry or a payload is missing or altered.</summary>
    public const string JournalDamaged = "journal_damaged";

    /// <summary>Held: the recorded case does not fit the program's type.</summary>
    public const string CaseUnreadable = "case_unreadable";

    /// <summary>Held: the engine or the store failed in a way that it should not.</summary>
    public const string EngineFailed = "engine_failed";

    /// <summary>Held: the run is in a state that its workflow's code no longer has.</summary>
    public const string StateUnknown = "state_unknown";

    /// <summary>Held: the program has no handler for an action of the run that is in doubt.</summary>
    public const string ActionUnknown = "action_unregistered";
}
