using Signalbox.Journal;

namespace Signalbox.Storage;

/// <summary>
/// What a store does with a commit between reading the run's head and writing rows, the same for every store: conditions,
/// then sealing. Pure but for the salt.
/// </summary>
public static class CommitRules
{
    /// <summary>
    /// Why the commit must be refused on the run and the claims as they are, or null. <paramref name="keyHolder"/> is the run that holds the key a start asks for; <paramref name="at"/> is the store's time in
    /// microseconds since 1970.
    /// </summary>
    public static CommitResult? Check(Commit commit, RunHead? head, RunHead? keyHolder, IClaimTable claims, long at)
    {
        ArgumentNullException.ThrowIfNull(commit);
        if (commit.Entries.Count == 0)
        {
            throw new ArgumentException($"A commit to run '{commit.Run}' has no entry.", nameof(commit));
        }

        var starts = commit.Entries[0].Kind == EntryKinds.RunStarted;
        if (starts && head is null)
        {
            return keyHolder is null ? null : new(CommitStatus.KeyTaken, keyHolder, []);
        }

        if (head is null)
        {
            return new(CommitStatus.RunNotFound, null, []);
        }

        if (commit.Epoch is { } epoch && (epoch != head.Row.Epoch || head.Row.Status != RunStatus.Running))
        {
            return new(CommitStatus.LeaseLost, head, []);
        }

        if (commit.ExpectedSeq is { } expected && expected != head.Seq)
        {
            return new(CommitStatus.SeqMoved, head, []);
        }

        var concernsClaims = false;
        foreach (var draft in commit.Entries)
        {
            if (head.Refuses(draft, at) is { } refusal)
            {
                return new(CommitStatus.Refused, head, [], refusal);
            }

            concernsClaims |= ClaimRules.Concerns(draft.Kind);
        }

        if (Erases(commit) && LiveClaim(commit.Run, claims, at) is { } live)
        {
            return new(CommitStatus.Refused, head, [], new("run_has_claims", $"Action '{live.Action}' of run '{commit.Run}' has a claim on {live.Claim.Resource} ({live.Phase}), by which others find who acted; nothing was erased. End it first: signalbox claims release {commit.Run} {live.ActionId}"));
        }

        return concernsClaims && ClaimRules.Check(commit.Entries, claims, at) is { } taken ? new(CommitStatus.ClaimsRefused, head, [], Claims: taken) : null;
    }

    /// <summary>What sealed entries make of the claims. True if somebody who queues may have their turn now: then <see cref="ClaimRules.Turns"/> is to be committed with them.</summary>
    public static bool Apply(IReadOnlyList<Entry> entries, IClaimTable claims)
    {
        ArgumentNullException.ThrowIfNull(entries);
        var turns = false;
        foreach (var entry in entries)
        {
            turns |= ClaimRules.Concerns(entry.Kind) && ClaimRules.Apply(entry, claims);
        }

        return turns;
    }

    /// <summary>Whether a commit erases what its run was about: then the store empties every earlier entry of the run in the same transaction (<see cref="EntryHash.Erase"/>), and forgets the payloads that it alone refers to, but for its definition.</summary>
    public static bool Erases(Commit commit)
    {
        ArgumentNullException.ThrowIfNull(commit);
        for (var i = 0; i < commit.Entries.Count; i++)
        {
            if (commit.Entries[i].Kind == EntryKinds.RunErased)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The key under which a commit starts a run, if it does and has one.</summary>
    public static (string Workflow, string Key)? StartKey(Commit commit)
    {
        ArgumentNullException.ThrowIfNull(commit);
        if (commit.Entries[0].Kind != EntryKinds.RunStarted)
        {
            return null;
        }

        var body = System.Text.Json.JsonSerializer.Deserialize(commit.Entries[0].Body.Span, BodyJson.Default.RunStarted)!;
        return body.Key is null ? null : (body.Workflow, body.Key);
    }

    /// <summary>
    /// The commit's entries as they are stored, chained to <paramref name="head"/>, and the head after them. Positions count
    /// up from <paramref name="position"/>; <paramref name="at"/> is the store's time in microseconds since 1970.
    /// </summary>
    public static (RunHead Head, Entry[] Entries) Seal(Commit commit, RunHead? head, long position, long at, Entropy entropy)
    {
        ArgumentNullException.ThrowIfNull(commit);
        ArgumentNullException.ThrowIfNull(entropy);
        var entries = new Entry[commit.Entries.Count];
        for (var i = 0; i < entries.Length; i++)
        {
            var draft = commit.Entries[i];
            var salt = ReadOnlyMemory<byte>.Empty;
            if (!draft.Body.IsEmpty)
            {
                var bytes = new byte[EntryHash.SaltLength];
                entropy.Fill(bytes);
                salt = bytes;
            }

            var hash = new byte[EntryHash.Length];
            var entry = new Entry
            {
                Position = position + i,
                Run = commit.Run,
                Seq = (head?.Seq ?? -1) + 1,
                Epoch = (head?.Row.Epoch ?? 0) + (draft.Kind == EntryKinds.RunLeased ? 1 : 0),
                At = at,
                Kind = draft.Kind,
                State = draft.State.Length == 0 ? head?.Row.State ?? "" : draft.State,
                Visit = draft.Visit == 0 ? head?.Row.Visit ?? 0 : draft.Visit,
                Scope = draft.Scope,
                Step = draft.Step,
                Actor = draft.Actor,
                Cause = draft.Cause,
                Body = draft.Body,
                Salt = salt,
                Hash = hash, // of all the rest, which has to be there first
            };
            EntryHash.Compute((head?.Hash ?? EntryHash.Origin).Span, entry, hash);
            entries[i] = entry;
            head = RunHead.Apply(head, entry);
        }

        return (head!, entries);
    }

    private static ClaimRow? LiveClaim(RunId run, IClaimTable claims, long at) => claims.OfRun(run).FirstOrDefault(c => c.IsLive(at));
}
