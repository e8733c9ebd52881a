using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>Erases what a run was about: checks that nobody counts on it any more and that its chain is whole, seals what is left, and has the store empty the rest in the same transaction.</summary>
internal static class RunErasure
{
    public const string Role = "admin";

    private const int Page = 500;
    private const int Attempts = 10;

    public static async ValueTask<CommandResult> EraseAsync(IRunStore store, EraseRun erase, Caller caller, CancellationToken cancellationToken)
    {
        if (!Caller.IsIn(caller.Roles, [Role]))
        {
            return new("erase_role", $"{caller.Actor} has not the role '{Role}', which may erase. Nothing was erased.", erase.Run);
        }

        if (string.IsNullOrWhiteSpace(erase.Reason))
        {
            return new("erase_reason", "An erasure needs a reason, which is all that will be left to say why. Nothing was erased.", erase.Run);
        }

        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            if (await store.FindAsync(erase.Run, cancellationToken) is not { } head)
            {
                return RunCommands.NotFound(erase.Run);
            }

            var draft = Draft(erase, caller, new RunErased(erase.Reason, 0, 0, ""));
            if (head.Refuses(draft, 0) is { } refusal)
            {
                return new(refusal.Code, refusal.Why, erase.Run, head.Row.Status);
            }

            var (erased, unsettled) = await SealAsync(store, head, erase.Reason, cancellationToken);
            if (unsettled is not null)
            {
                return new("action_unsettled", $"Nobody knows yet whether action '{unsettled}' of run '{erase.Run}' happened, and to find out needs what would be erased. Nothing was erased. See: signalbox actions {erase.Run}", erase.Run, head.Row.Status);
            }

            var result = await store.CommitAsync(new Commit { Run = erase.Run, ExpectedSeq = head.Seq, Entries = [Draft(erase, caller, erased)] }, cancellationToken);
            if (result.Status != CommitStatus.SeqMoved)
            {
                return RunCommands.Describe(result, erase.Run, $"What run '{erase.Run}' was about is erased: {erased.Bodies} bodies of {erased.Entries} entries. That it ran, through which states and by whom, stays.");
            }
        }

        throw new StoreUnavailableException("run_busy", $"Run '{erase.Run}' was written to each time that it was to be erased. Nothing was erased; try again.");
    }

    private static EntryDraft Draft(EraseRun erase, Caller caller, RunErased body) => new() { Kind = EntryKinds.RunErased, Actor = caller.Actor, Cause = "erased", Body = Body.Write(body) };

    /// <summary>Reads the whole journal: its seal, or the name of an action that is not settled.</summary>
    /// <exception cref="JournalDamagedException">The chain is not whole; what is left of it would be vouched for although somebody had altered it.</exception>
    private static async ValueTask<(RunErased Erased, string? Unsettled)> SealAsync(IRunReader store, RunHead head, string reason, CancellationToken cancellationToken)
    {
        var (previous, seal) = (EntryHash.Origin, EntryHash.Origin);
        var intended = new Dictionary<string, (string Action, int Visit, ScopedStep Step)>();
        long bodies = 0;
        for (long seq = 0; seq <= head.Seq;)
        {
            var page = await store.ReadAsync(head.Row.Run, seq, Page, cancellationToken);
            foreach (var entry in page.TakeWhile(e => e.Seq <= head.Seq))
            {
                if (entry.Seq != seq || !EntryHash.Compute(previous.Span, entry).AsSpan().SequenceEqual(entry.Hash.Span))
                {
                    throw new JournalDamagedException(head.Row.Run, seq, "its chain is not whole, and so it is not erased: what is left could not be vouched for");
                }

                Note(entry, intended);
                seal = EntryHash.Seal(seal.Span, entry);
                previous = entry.Hash;
                bodies += entry.Body.IsEmpty ? 0 : 1;
                seq++;
            }

            if (page.Count == 0)
            {
                throw new JournalDamagedException(head.Row.Run, seq, "it is missing");
            }
        }

        return (new RunErased(reason, head.Seq + 1, bodies, Convert.ToHexStringLower(seal.Span)), intended.Values.FirstOrDefault().Action);
    }

    private static void Note(Entry entry, Dictionary<string, (string Action, int Visit, ScopedStep Step)> intended)
    {
        switch (entry.Kind)
        {
            case EntryKinds.ActionIntended:
                var intent = Body.Read<ActionIntended>(entry);
                intended[intent.ActionId] = (intent.Action, entry.Visit, new ScopedStep(entry.Scope, entry.Step));
                break;
            case EntryKinds.ActionVerified or EntryKinds.ActionNotApplied or EntryKinds.ActionDiverged or EntryKinds.ActionUnverified or EntryKinds.ActionRefused:
                intended.Remove(Body.Read<ActionObserved>(entry).ActionId);
                break;
            case EntryKinds.ActionSettled:
                foreach (var step in Body.Read<ActionSettled>(entry).Steps)
                {
                    foreach (var id in intended.Where(i => i.Value.Visit == entry.Visit && i.Value.Step == step).Select(i => i.Key).ToArray())
                    {
                        intended.Remove(id);
                    }
                }

                break;
        }
    }
}
