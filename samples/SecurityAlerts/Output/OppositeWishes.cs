using Signalbox;
using Signalbox.Journal;
using Signalbox.Storage;

namespace SecurityAlerts;

/// <summary>Two actions that cannot both stand: who wanted what, who came later, and what was ruled.</summary>
/// <param name="What">What they are about, such as <c>192.0.2.7</c>.</param>
/// <param name="Later">The run whose action came later, by the id of its alert or request.</param>
/// <param name="Ruling">What was ruled; null while it is not.</param>
internal sealed record OppositeWish(string What, string Later, string LaterIntent, string Earlier, string EarlierIntent, ConflictRuled? Ruling)
{
    public override string ToString() => $"{What}: {LaterIntent} ({Later}) " + Ruling switch
    {
        null => $"is against {EarlierIntent} ({Earlier}): a person is asked",
        { Outcome: "overrules", Why: var why } => $"overrules {EarlierIntent} ({Earlier}): {why}",
        { Outcome: "waits", Why: var why } => $"waits for {EarlierIntent} ({Earlier}): {why}",
        { Why: var why } => $"gives way to {EarlierIntent} ({Earlier}): {why}",
    };
}

/// <summary>Reads them from the journals of both sides, for nothing else records them.</summary>
internal static class OppositeWishes
{
    public static async Task<IReadOnlyList<OppositeWish>> ReadAsync(IRunReader store, IReadOnlyDictionary<RunId, string> runs, CancellationToken cancellationToken)
    {
        var raised = new List<(RunId Run, ConflictRaised Conflict)>();
        var ruled = new Dictionary<(string, string), ConflictRuled>();
        foreach (var run in runs.Keys)
        {
            await foreach (var entry in store.EntriesAsync(run, cancellationToken: cancellationToken))
            {
                // Each side has its own entry. The one that came later found the other's claim there, or was the one that was ruled on.
                if (entry.Kind == EntryKinds.ConflictRaised && Body.Read<ConflictRaised>(entry) is { OtherPhase: not ClaimPhase.Proposal } conflict)
                {
                    raised.Add((run, conflict));
                }
                else if (entry.Kind == EntryKinds.ConflictRuled && Body.Read<ConflictRuled>(entry) is { Outcome: "overrules" or "yields" or "waits" } ruling)
                {
                    ruled[(ruling.ActionId, ruling.OtherActionId)] = ruling;
                }
            }
        }

        return [.. raised.DistinctBy(wish => (wish.Conflict.ActionId, wish.Conflict.OtherActionId)).Select(wish => new OppositeWish(
            wish.Conflict.Resource.StartsWith("ip/", StringComparison.Ordinal) ? wish.Conflict.Resource[3..] : wish.Conflict.Resource,
            runs[wish.Run],
            wish.Conflict.Intent,
            runs.GetValueOrDefault(wish.Conflict.OtherRun, wish.Conflict.OtherRun.Value),
            wish.Conflict.OtherIntent,
            ruled.GetValueOrDefault((wish.Conflict.ActionId, wish.Conflict.OtherActionId))))];
    }
}
