using Signalbox.Journal;
using Signalbox.Storage;

namespace Signalbox;

/// <summary>Somebody else drives the run now. This worker records nothing more of it.</summary>
internal sealed class LeaseLostException(RunId run) : Exception($"Run '{run}' was taken over by another worker. This worker recorded nothing more; the other one goes on.");

/// <summary>
/// The driver's way to its run's journal: every append is conditional on the lease, waits out a full disk, and is folded into the record of the
/// visit. Lives in the run's context.
/// </summary>
internal sealed class RunJournal(IRunStore store, RunHead head, StoreOutage outage, TimeProvider clock, CancellationToken abandoned)
{
    private readonly int _epoch = head.Row.Epoch;
    private readonly List<(ScopedStep Step, Func<EntryDraft> Draft)> _notes = [];
    private readonly HashSet<long> _ahead = [];
    private int _appending;
    private TaskCompletionSource? _drained;
    private long _seen;

    public RunId Run => Head.Row.Run;

    public RunHead Head { get; private set; } = head;

    public VisitRecord Record { get; private set; } = new();

    /// <summary>The time of the newest entry known: the store's clock, as far as the run may see it.</summary>
    public long Now { get; private set; }

    /// <summary>Reads the current visit, up to the lease, and checks its chain. <paramref name="atHand"/> are its first entries, if the store gave them along.</summary>
    /// <exception cref="JournalDamagedException">An entry is missing or altered.</exception>
    public async Task LoadAsync(IReadOnlyList<Entry> atHand, CancellationToken cancellationToken)
    {
        const int Page = 1000;
        Record = new VisitRecord();
        _ahead.Clear();
        var from = Math.Max(0, Head.Row.VisitSeq - 1);
        ReadOnlyMemory<byte> previous = default;
        _seen = from - 1;
        while (_seen < Head.Seq)
        {
            // No further than the head: what has come since is not in its mailbox, and must not count as seen.
            var page = atHand.Count > 0 ? atHand : await store.ReadAsync(Run, _seen + 1, (int)Math.Min(Page, Head.Seq - _seen), cancellationToken);
            atHand = [];
            if (page.Count == 0)
            {
                throw new JournalDamagedException(Run, _seen + 1, $"it is missing; the journal goes on to {Head.Seq}");
            }

            foreach (var entry in page)
            {
                CheckChain(entry, _seen, previous);
                previous = entry.Hash;
                _seen = entry.Seq;
                if (entry.Seq >= Head.Row.VisitSeq)
                {
                    Fold(entry);
                }
            }
        }
    }

    /// <summary>Notes that something has begun. It is written with the next commit, and not at all once it is over.</summary>
    public void Note(ScopedStep step, Func<EntryDraft> draft) => _notes.Add((step, draft));

    /// <summary>Forgets what <see cref="Note"/> noted and nobody has written.</summary>
    public void Forget(ScopedStep step)
    {
        for (var i = _notes.Count - 1; i >= 0; i--)
        {
            if (_notes[i].Step == step)
            {
                _notes.RemoveAt(i);
            }
        }
    }

    /// <summary>Forgets all notes: the visit that they belong to is over.</summary>
    public void ForgetNotes() => _notes.Clear();

    /// <summary>Writes the notes that no commit has taken along.</summary>
    public async Task FlushNotesAsync()
    {
        if (_notes.Count > 0)
        {
            await AppendAsync([]);
        }
    }

    /// <summary>Appends under the lease.</summary>
    /// <exception cref="LeaseLostException">Nothing was written.</exception>
    public Task<CommitResult> AppendAsync(IReadOnlyList<EntryDraft> drafts, IReadOnlyList<Commit>? also = null) => CommitAsync(drafts, null, also);

    /// <summary>Appends under the lease, unless claims, limits or the run itself refuse it; the result says which.</summary>
    /// <exception cref="LeaseLostException">Nothing was written.</exception>
    public Task<CommitResult> TryTakeAsync(IReadOnlyList<EntryDraft> drafts, IReadOnlyList<Commit> also) => CommitAsync(drafts, null, also, mayBeRefused: true);

    /// <summary>Appends if the run has no entry that this driver has not seen; false, and the unseen ones are folded, if it has.</summary>
    /// <exception cref="LeaseLostException">Nothing was written.</exception>
    public async Task<bool> TryAppendAsync(IReadOnlyList<EntryDraft> drafts, IReadOnlyList<Commit>? also = null)
    {
        if (_ahead.Count > 0)
        {
            await RefreshAsync();
            return false;
        }

        if ((await CommitAsync(drafts, _seen, also)).IsCommitted)
        {
            return true;
        }

        await RefreshAsync();
        return false;
    }

    /// <summary>Completes when no append is on its way.</summary>
    public Task DrainAsync()
    {
        if (_appending == 0)
        {
            return Task.CompletedTask;
        }

        _drained ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return _drained.Task;
    }

    /// <summary>Reads the value of a body, from its payload where it is one.</summary>
    /// <exception cref="JournalDamagedException">The payload is missing or altered.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ResolveAsync(RawJson value, long seq)
    {
        if (value.Reference is not { } hash)
        {
            return value.Utf8;
        }

        return await store.FindPayloadAsync(hash, abandoned) ?? throw new JournalDamagedException(Run, seq, $"its payload {hash} is missing or altered");
    }

    /// <summary>Reads entries of this run.</summary>
    public async Task<IReadOnlyList<Entry>> ReadAsync(long fromSeq, int max) => await store.ReadAsync(Run, fromSeq, max, abandoned);

    /// <summary>Folds entries that others have appended.</summary>
    public async Task RefreshAsync()
    {
        var fresh = await store.FindAsync(Run, abandoned) ?? throw new JournalDamagedException(Run, 0, "its row is gone");
        while (_seen < fresh.Seq)
        {
            foreach (var entry in await store.ReadAsync(Run, _seen + 1, (int)Math.Min(1000, fresh.Seq - _seen), abandoned))
            {
                if (entry.Seq <= _seen)
                {
                    continue; // another branch has read it meanwhile
                }

                if (!_ahead.Remove(entry.Seq))
                {
                    Fold(entry);
                }

                _seen = entry.Seq;
            }
        }

        Head = fresh.Seq >= Head.Seq ? fresh : Head;
    }

    private async Task<CommitResult> CommitAsync(IReadOnlyList<EntryDraft> drafts, long? expectedSeq, IReadOnlyList<Commit>? also, bool mayBeRefused = false)
    {
        EntryDraft[] notes = _notes.Count == 0 ? [] : [.. _notes.Select(n => n.Draft())];
        var commit = new Commit { Run = Run, Epoch = _epoch, ExpectedSeq = expectedSeq, Entries = notes.Length == 0 ? drafts : [.. notes, .. drafts], Also = also ?? [] };
        _notes.Clear();
        _appending++;
        try
        {
            CommitResult result;
            try
            {
                result = await store.CommitAsync(commit, abandoned);
                outage.End();
            }
            catch (StoreUnavailableException e) when (!abandoned.IsCancellationRequested)
            {
                result = await WriteLaterAsync(commit, e);
            }

            if (result.Status is CommitStatus.LeaseLost or CommitStatus.RunNotFound)
            {
                throw new LeaseLostException(Run);
            }

            if (result.Status is CommitStatus.Refused or CommitStatus.ClaimsRefused && !mayBeRefused)
            {
                throw new InvalidOperationException($"The engine appended to run '{Run}' what is refused ({result.Refusal?.Code ?? result.Claims!.Code}): {result.Refusal?.Why}");
            }

            Head = result.Head!.Seq >= Head.Seq && result.IsCommitted ? result.Head : Head;
            Take(result.Entries);
            return notes.Length == 0 || !result.IsCommitted ? result : result with { Entries = result.Entries.Skip(notes.Length).ToArray() };
        }
        finally
        {
            if (--_appending == 0)
            {
                _drained?.TrySetResult();
                _drained = null;
            }
        }
    }

    /// <summary>A full disk is no reason to lose a result that was paid for: it is held in memory and tried again until the worker is abandoned.</summary>
    private async Task<CommitResult> WriteLaterAsync(Commit commit, StoreUnavailableException reason)
    {
        var pause = TimeSpan.FromMilliseconds(100);
        while (true)
        {
            outage.Begin(reason);
            await Task.Delay(pause, clock, abandoned);
            try
            {
                var result = await store.CommitAsync(commit, abandoned);
                outage.End();
                return result;
            }
            catch (StoreUnavailableException e) when (!abandoned.IsCancellationRequested)
            {
                reason = e;
                pause = pause < TimeSpan.FromSeconds(5) ? pause * 2 : pause;
            }
        }
    }

    private void Take(IReadOnlyList<Entry> entries)
    {
        foreach (var entry in entries)
        {
            if (entry.Seq <= _seen)
            {
                continue; // read by another branch, before the store's answer came here
            }

            if (entry.Seq == _seen + 1 && _ahead.Count == 0)
            {
                _seen = entry.Seq;
            }
            else
            {
                _ahead.Add(entry.Seq);
            }

            Fold(entry);
        }
    }

    private void Fold(Entry entry)
    {
        Now = Math.Max(Now, entry.At);
        if (entry.Kind == EntryKinds.StateEntered && Record.Entered is not null)
        {
            Record = new VisitRecord();
        }

        Record.Fold(entry);
    }

    private void CheckChain(Entry entry, long seen, ReadOnlyMemory<byte> previous)
    {
        if (entry.Seq != seen + 1)
        {
            throw new JournalDamagedException(Run, seen + 1, $"it is missing; the next one is {entry.Seq}");
        }

        if (entry.Seq == 0)
        {
            previous = EntryHash.Origin;
        }

        if (!previous.IsEmpty && !EntryHash.Compute(previous.Span, entry).AsSpan().SequenceEqual(entry.Hash.Span))
        {
            throw new JournalDamagedException(Run, entry.Seq, "its hash does not fit its content and the entry before it");
        }
    }
}
