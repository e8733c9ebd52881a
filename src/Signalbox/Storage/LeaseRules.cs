using Signalbox.Journal;

namespace Signalbox.Storage;

/// <summary>What a worker asks for. <paramref name="Idle"/>: it drives nothing at the moment, so that it may take a run to be driven alone.</summary>
public sealed record LeaseRequest(string Worker, IReadOnlyCollection<WorkflowVersion> Workflows, int Max, bool Idle);

/// <summary>
/// The runs given. <paramref name="NextDue"/> is when the next waiting run comes due. <paramref name="AloneWaits"/>: a run waits to be driven
/// alone; the worker should drain what it has, then ask again.
/// </summary>
public sealed record LeaseResult(IReadOnlyList<RunHead> Runs, DateTimeOffset? NextDue, bool AloneWaits)
{
    /// <summary>
    /// What the store has at hand of each run, in the order of <see cref="Runs"/>: its entries from the one before the current visit on, as far as it cares to go. Fewer runs, or fewer
    /// entries: the driver reads the rest itself.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<Entry>> Visits { get; init; } = [];
}

/// <summary>
/// Who gets a run after a worker's death. A death says little about a run that did new work before it; two in a row without a new step make
/// it a suspect, which is driven alone; deaths while alone quarantine it. Pure.
/// </summary>
public static class LeaseRules
{
    /// <summary>From so many unclean take-overs in a row without a new step on, the run is driven alone.</summary>
    public const int DeathsUntilAlone = 2;

    /// <summary>So many deaths while alone quarantine it. More than one, since a machine may die by chance just then.</summary>
    public const int DeathsAloneUntilQuarantine = 3;

    /// <summary>
    /// How often workers died of a run, or may have, while it was driven alone. Of the runs whose worker died those with the fewest are taken over first, then the oldest: among many suspects each gets
    /// its turn, the innocent go on, and no run is quarantined because it always comes first.
    /// </summary>
    public static int Suspicion(RunRow row)
    {
        ArgumentNullException.ThrowIfNull(row);
        return row.DeathsAlone + (row.Alone ? 1 : 0);
    }

    /// <summary>What to append so that <paramref name="worker"/> drives a run that nobody drives.</summary>
    public static EntryDraft Take(RunHead head, string worker)
    {
        ArgumentNullException.ThrowIfNull(head);
        return Draft(head, worker, new RunLeased(worker), "it can go on");
    }

    /// <summary>
    /// What to append about a run whose worker died: a lease, or its quarantine. Null: it is to be driven alone, and
    /// <paramref name="idle"/> is false. <paramref name="sinceLease"/> are its entries after <see cref="RunRow.LeaseSeq"/>.
    /// </summary>
    public static EntryDraft? TakeOver(RunHead head, IReadOnlyList<Entry> sinceLease, string worker, bool idle)
    {
        ArgumentNullException.ThrowIfNull(head);
        var worked = sinceLease.Any(e => IsWork(e.Kind));
        var deaths = worked ? 1 : head.Row.Deaths + 1;
        var deathsAlone = worked ? 0 : Suspicion(head.Row);
        if (deathsAlone >= DeathsAloneUntilQuarantine)
        {
            return new EntryDraft
            {
                Kind = EntryKinds.RunHeld,
                State = head.Row.State,
                Visit = head.Row.Visit,
                Actor = "engine",
                Cause = "quarantine",
                Body = Body.Write(new Trouble(
                    TroubleCodes.Quarantined,
                    $"Its worker died {deaths} times in a row in state '{head.Row.State}' without a new step, {deathsAlone} times while it drove nothing else. See what the state's handler does, then: signalbox release {head.Row.Run} --retry")),
            };
        }

        var alone = deaths >= DeathsUntilAlone;
        return alone && !idle ? null : Draft(head, worker, new RunLeased(worker, deaths, alone, deathsAlone), $"worker '{head.Row.Worker}' died");
    }

    private static EntryDraft Draft(RunHead head, string worker, RunLeased body, string cause) => new()
    {
        Kind = EntryKinds.RunLeased,
        State = head.Row.State,
        Visit = head.Row.Visit,
        Actor = "worker:" + worker,
        Cause = cause,
        Body = Body.Write(body),
    };

    private static bool IsWork(string kind) => kind is not (
        EntryKinds.RunLeased or EntryKinds.StepStarted or EntryKinds.StepAttemptFailed or EntryKinds.BudgetReserved or EntryKinds.SignalReceived or EntryKinds.CancelRequested
        or EntryKinds.ApprovalAnswered or EntryKinds.ApprovalIgnored);
}
