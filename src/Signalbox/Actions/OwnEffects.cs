using Signalbox.Journal;

namespace Signalbox;

/// <summary>What this run has done and not undone: what an undo may take back.</summary>
internal sealed class OwnEffects(VisitEngine visit)
{
    /// <summary>What this run has done of an action and not undone: the ids, and whether the effect is ours to take back.</summary>
    public async Task<(IReadOnlyList<string> Ids, bool IsOurs)> FindAsync(string action, string argumentsHash)
    {
        var (ids, isOurs) = await ReadAsync(action, argumentsHash);
        if (!isOurs && ids.Count > 0)
        {
            // Whoever made it may have left it to us.
            var own = await visit.Engine.Store.ClaimsAsync(new ClaimQuery { Run = visit.Row.Run, Phases = [ClaimPhase.Standing], Limit = 10_000 }, visit.Abandoned);
            isOurs = own.Any(r => r.Made && ids.Contains(r.ActionId, StringComparer.Ordinal));
        }

        return (ids, isOurs);
    }

    /// <summary>
    /// What this run has done of an action and not undone since: the ids, and whether the effect is its own. It is where this run has called the target for it, which it does only after a look that
    /// showed it not to stand, whatever was seen right afterwards.
    /// </summary>
    private async Task<(List<string> Ids, bool IsOurs)> ReadAsync(string action, string argumentsHash)
    {
        var isOurs = false;
        var ids = new List<string>();
        var undos = new HashSet<string>();
        for (long from = 0; ;)
        {
            var page = await visit.Journal.ReadAsync(from, 1000);
            if (page.Count == 0)
            {
                return (ids, isOurs);
            }

            from = page[^1].Seq + 1;
            foreach (var entry in page)
            {
                switch (entry.Kind)
                {
                    case EntryKinds.ActionIntended when Body.Read<ActionIntended>(entry) is var intended && intended.Action == action && intended.ArgumentsHash == argumentsHash:
                        Add(intended.Undo, intended.ActionId);
                        break;
                    case EntryKinds.ActionExecuted when Body.Read<ActionExecuted>(entry) is { Undo: false } executed && ids.Contains(executed.ActionId):
                        isOurs = true;
                        break;
                    case EntryKinds.ActionVerified or EntryKinds.ActionUnverified when Body.Read<ActionObserved>(entry) is var seen:
                        if (seen.Action == action && seen.ArgumentsHash == argumentsHash)
                        {
                            Add(seen.Undo, seen.ActionId);
                        }

                        if (seen.Undo && (undos.Contains(seen.ActionId) || ids.Contains(seen.ActionId)))
                        {
                            isOurs = false;
                            ids.Clear();
                        }
                        else if (ids.Contains(seen.ActionId))
                        {
                            isOurs |= seen.MadeByUs;
                        }

                        break;
                    case EntryKinds.ConflictRuled when Body.Read<ConflictRuled>(entry) is { Outcome: "overruled" } ruled && ids.Contains(ruled.ActionId):
                        isOurs = false; // if it came to that: then what stands there is not ours any more
                        break;
                    case EntryKinds.ClaimReleased when Body.Read<ClaimReleased>(entry).ActionIds is var released && ids.RemoveAll(released.Contains) > 0:
                        isOurs = false;
                        break;
                }
            }
        }

        void Add(bool undo, string id)
        {
            if (undo)
            {
                undos.Add(id);
            }
            else if (!ids.Contains(id))
            {
                ids.Add(id);
            }
        }
    }
}
