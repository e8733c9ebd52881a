namespace SecurityAlerts;

/// <summary>The states of an alert's run. Stored by name.</summary>
internal enum AlertState
{
    Triage,
    Investigate,
    Decide,
    Execute,
    Verify,
    Rollback,
    Escalate,
    Closed,
}
