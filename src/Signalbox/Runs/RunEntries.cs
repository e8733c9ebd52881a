using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>Entries that more than one part writes.</summary>
internal static class RunEntries
{
    /// <summary>The signal by which a parent learns of its child's end.</summary>
    public const string ChildEnded = "child.ended";

    public static IReadOnlyList<EntryDraft> Start(RunStarted started, Payload definition, string state, RawJson @case, string actor, string cause)
    {
        var (placed, payloads) = Bodies.Place(@case);
        return
        [
            new EntryDraft { Kind = EntryKinds.RunStarted, Actor = actor, Cause = cause, Body = Body.Write(started), Payloads = [definition] },
            new EntryDraft
            {
                Kind = EntryKinds.StateEntered,
                State = state,
                Visit = 1,
                Actor = actor,
                Cause = "the run starts",
                Body = Body.Write(new StateEntered(null, placed)),
                Payloads = payloads,
            },
        ];
    }

    public static IEnumerable<EntryDraft> Withdraw(RunHead head, string actor, string cause) => head.Waits.Select(w => new EntryDraft
    {
        Kind = w.Kind switch
        {
            WaitKind.Approval or WaitKind.Approved => EntryKinds.ApprovalWithdrawn,
            WaitKind.Claim => EntryKinds.ClaimWithdrawn,
            _ => EntryKinds.WaitWithdrawn,
        },
        State = head.Row.State,
        Visit = head.Row.Visit,
        Scope = w.Scope,
        Step = w.Step,
        Actor = actor,
        Cause = cause,
    });

    public static IReadOnlyList<Commit> TellParent(RunRow row, RunStatus status, string? reason) => row.Parent is not { } parent
        ? []
        : [new Commit
        {
            Run = parent,
            Entries =
            [
                new EntryDraft
                {
                    Kind = EntryKinds.SignalReceived,
                    Actor = "run:" + row.Run,
                    Cause = $"the child run is {status}",
                    Body = Body.Write(new SignalReceived(row.ParentStep ?? ChildEnded, Bodies.Json(new ChildEnd(row.Run, status, row.State, reason)))),
                },
            ],
        }];
}

/// <summary>How a child run ended.</summary>
public sealed record ChildEnd(RunId Run, RunStatus Status, string State, string? Reason);
