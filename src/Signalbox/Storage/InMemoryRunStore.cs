using Signalbox.Journal;

namespace Signalbox.Storage;

/// <summary>Keeps everything in memory, for tests: the same rules as every store, no durability. Calls complete synchronously.</summary>
public sealed class InMemoryRunStore(TimeProvider? clock = null, Entropy? entropy = null) : IRunStore, IStoreFacts
{
    private readonly Lock _lock = new();
    private readonly TimeProvider _clock = clock ?? TimeProvider.System;
    private readonly Entropy _entropy = entropy ?? Entropy.System;
    private readonly List<Entry> _log = [];
    private readonly Dictionary<RunId, RunHead> _heads = [];
    private readonly Dictionary<RunId, List<Entry>> _entries = [];
    private readonly Dictionary<(string, string), RunId> _keys = [];
    private readonly List<RunId> _order = [];
    private readonly Dictionary<PayloadHash, ReadOnlyMemory<byte>> _payloads = [];
    private readonly Dictionary<PayloadHash, HashSet<RunId>> _references = [];
    private readonly Dictionary<string, DateTimeOffset> _workers = [];
    private readonly List<Action<RunChange>> _subscribers = [];
    private readonly MemoryClaimTable _claims = new();
    private readonly IClaimTable? _through;
    private long _lastAt;
    private bool _turns;

    /// <summary>A store that looks at its claims through something, as the contract's own test does.</summary>
    internal InMemoryRunStore(TimeProvider clock, Entropy entropy, Func<IClaimTable, IClaimTable> through)
        : this(clock, entropy) => _through = through(_claims);

    private IClaimTable Claims => _through ?? _claims;

    /// <inheritdoc />
    public ValueTask<CommitResult> CommitAsync(Commit commit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(commit);
        cancellationToken.ThrowIfCancellationRequested();
        var changes = new List<RunChange>();
        CommitResult result;
        lock (_lock)
        {
            result = Append(commit, Now(), changes);
            foreach (var other in result.IsCommitted ? commit.Also : [])
            {
                Append(other, _lastAt, changes);
            }

            GiveTurns(changes);
        }

        Tell(changes);
        return ValueTask.FromResult(result);
    }

    /// <inheritdoc />
    public ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        cancellationToken.ThrowIfCancellationRequested();
        var changes = new List<RunChange>();
        var given = new List<RunHead>();
        var aloneWaits = false;
        DateTimeOffset? nextDue;
        lock (_lock)
        {
            var now = Now();
            var known = _heads.Values.Where(h => request.Workflows.Contains(new WorkflowVersion(h.Row.Workflow, h.Row.Version))).ToList();
            foreach (var orphan in known.Where(h => h.Row.Status == RunStatus.Running && !IsAlive(h.Row.Worker!)).OrderBy(h => LeaseRules.Suspicion(h.Row)).ToList())
            {
                if (given.Count >= request.Max || given.Any(h => h.Row.Alone))
                {
                    break;
                }

                var since = _entries[orphan.Row.Run].Skip((int)orphan.Row.LeaseSeq + 1).ToArray();
                if (LeaseRules.TakeOver(orphan, since, request.Worker, request.Idle && given.Count == 0) is not { } draft)
                {
                    aloneWaits = true;
                    continue;
                }

                Give(orphan, draft, now);
            }

            foreach (var head in known.Where(h => h.ReadyAt <= now).OrderBy(h => h.ReadyAt).ToList())
            {
                if (given.Count >= request.Max || given.Any(h => h.Row.Alone) || aloneWaits)
                {
                    break;
                }

                Give(head, LeaseRules.Take(head, request.Worker), now);
            }

            GiveTurns(changes);
            nextDue = known.Select(h => _heads[h.Row.Run].ReadyAt).Where(due => due > now).Order().Select(due => (DateTimeOffset?)Microseconds.ToTime(due!.Value)).FirstOrDefault();
        }

        Tell(changes);
        return ValueTask.FromResult(new LeaseResult(given, nextDue, aloneWaits));

        void Give(RunHead head, EntryDraft draft, long now)
        {
            var result = Append(new Commit { Run = head.Row.Run, Entries = [draft] }, now, changes);
            if (draft.Kind == EntryKinds.RunLeased)
            {
                given.Add(result.Head!);
            }
        }
    }

    /// <inheritdoc />
    public ValueTask<bool> HeartbeatAsync(string worker, TimeSpan lease, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var wasAlive = !_workers.TryGetValue(worker, out var until) || until > _clock.GetUtcNow();
            _workers[worker] = _clock.GetUtcNow() + lease;
            return ValueTask.FromResult(wasAlive);
        }
    }

    /// <inheritdoc />
    public ValueTask RetireAsync(string worker, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            _workers.Remove(worker);
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public IDisposable Subscribe(Action<RunChange> onChange)
    {
        lock (_lock)
        {
            _subscribers.Add(onChange);
        }

        return new Subscription(() =>
        {
            lock (_lock)
            {
                _subscribers.Remove(onChange);
            }
        });
    }

    /// <inheritdoc />
    public ValueTask<RunHead?> FindAsync(RunId run, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return ValueTask.FromResult(_heads.GetValueOrDefault(run));
        }
    }

    /// <inheritdoc />
    public ValueTask<RunHead?> FindByKeyAsync(string workflow, string key, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return ValueTask.FromResult(_keys.TryGetValue((workflow, key), out var run) ? _heads[run] : null);
        }
    }

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<RunHead>> ListAsync(RunQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        lock (_lock)
        {
            var runs = Enumerable.Reverse(_order);
            if (query.After is { } after)
            {
                runs = runs.SkipWhile(r => r != after).Skip(1);
            }

            IReadOnlyList<RunHead> found = runs.Select(r => _heads[r]).Where(h => Matches(query, h)).Take(query.Limit).ToArray();
            return ValueTask.FromResult(found);
        }
    }

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<Entry>> ReadAsync(RunId run, long fromSeq, int max, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            IReadOnlyList<Entry> entries = _entries.TryGetValue(run, out var all) ? all.Skip((int)fromSeq).Take(max).ToArray() : [];
            return ValueTask.FromResult(entries);
        }
    }

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<Entry>> ReadLogAsync(long position, int max, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            IReadOnlyList<Entry> entries = _log.Skip((int)position).Take(max).ToArray();
            return ValueTask.FromResult(entries);
        }
    }

    /// <inheritdoc />
    public ValueTask<IReadOnlyList<ClaimRow>> ClaimsAsync(ClaimQuery query, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(query);
        lock (_lock)
        {
            var rows = query.Overlapping is { } resources ? resources.SelectMany(r => _claims.Overlapping(r.Path)).Distinct() : _claims.All;
            var now = Now();
            var matching = rows.Where(r => (query.Run is null || r.Run == query.Run) && (query.Phases.Count == 0 || query.Phases.Contains(r.Phase)) && !(r.Position <= query.After) && (query.WithExpired || r.IsLive(now)))
                .OrderBy(r => r.Position).ThenBy(r => r.Claim.Resource.Path, StringComparer.Ordinal).ToArray();
            IReadOnlyList<ClaimRow> found = [.. matching.Where((row, i) => i < query.Limit || row.Position == matching[query.Limit - 1].Position)];
            return ValueTask.FromResult(found);
        }
    }

    /// <inheritdoc />
    public ValueTask<long> UsedAsync(string limit, long after, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return ValueTask.FromResult(_claims.Used(limit, after));
        }
    }

    /// <inheritdoc />
    public ValueTask<ReadOnlyMemory<byte>?> FindPayloadAsync(PayloadHash hash, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            return ValueTask.FromResult<ReadOnlyMemory<byte>?>(_payloads.TryGetValue(hash, out var bytes) ? bytes : default(ReadOnlyMemory<byte>?));
        }
    }

    /// <inheritdoc />
    public ValueTask<StoreFacts> FactsAsync(CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            var now = Now();
            return ValueTask.FromResult(new StoreFacts("memory", "in this process's memory", _log.Count)
            {
                Runs = _heads.Values.GroupBy(h => h.Row.Status).ToDictionary(g => g.Key, g => (long)g.Count()),
                Definitions = [.. _heads.Values.GroupBy(h => (new WorkflowVersion(h.Row.Workflow, h.Row.Version), h.Row.Fingerprint)).Select(g => new DefinitionUse(g.Key.Item1, g.Key.Fingerprint, g.Count(), g.Count(h => h.Row.IsOpen)))],
                ReadySince = _heads.Values.Select(h => h.ReadyAt).Where(ready => ready <= now).Min(),
                Workers = new Dictionary<string, DateTimeOffset>(_workers),
            });
        }
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private CommitResult Append(Commit commit, long at, List<RunChange> changes)
    {
        var head = _heads.GetValueOrDefault(commit.Run);
        var key = CommitRules.StartKey(commit);
        var holder = key is { } k && _keys.TryGetValue(k, out var run) ? _heads[run] : null;
        if (CommitRules.Check(commit, head, holder, Claims, at) is { } refused)
        {
            return refused;
        }

        var (after, entries) = CommitRules.Seal(commit, head, _log.Count + 1, at, _entropy);
        foreach (var payload in commit.Entries.SelectMany(d => d.Payloads))
        {
            _payloads.TryAdd(payload.Hash, payload.Bytes);
            (_references.TryGetValue(payload.Hash, out var runs) ? runs : _references[payload.Hash] = []).Add(commit.Run);
        }

        if (head is null)
        {
            _order.Add(commit.Run);
            _entries[commit.Run] = [];
            if (key is { } taken)
            {
                _keys[taken] = commit.Run;
            }
        }

        if (head is not null && CommitRules.Erases(commit))
        {
            Erase(head);
        }

        _log.AddRange(entries);
        _entries[commit.Run].AddRange(entries);
        _heads[commit.Run] = after;
        _turns |= CommitRules.Apply(entries, Claims);
        if (head?.Row.Status != after.Row.Status || commit.Epoch is null)
        {
            changes.Add(new RunChange(commit.Run, after.Row.Status, after.Row.CancelRequested, commit.Epoch is null));
        }

        return new(CommitStatus.Committed, after, entries);
    }

    private void Erase(RunHead head)
    {
        var entries = _entries[head.Row.Run];
        for (var i = 0; i < entries.Count; i++)
        {
            _log[(int)entries[i].Position - 1] = entries[i] = EntryHash.Erase(entries[i]);
        }

        if (head.Row.Key is { } key)
        {
            _keys.Remove((head.Row.Workflow, key));
        }

        foreach (var (hash, runs) in _references.Where(r => r.Key.Value != head.Row.Fingerprint && r.Value.Remove(head.Row.Run) && r.Value.Count == 0).ToArray())
        {
            _references.Remove(hash);
            _payloads.Remove(hash);
        }
    }

    private void GiveTurns(List<RunChange> changes)
    {
        if (_turns)
        {
            foreach (var turn in ClaimRules.Turns(Claims, _lastAt))
            {
                Append(turn, _lastAt, changes);
            }

            _turns = false;
        }
    }

    private static bool Matches(RunQuery query, RunHead head)
    {
        var row = head.Row;
        return (query.Workflow is null || row.Workflow == query.Workflow)
            && (query.Version is null || row.Version == query.Version)
            && (query.Statuses.Count == 0 || query.Statuses.Contains(row.Status))
            && (query.State is null || row.State == query.State)
            && (query.IdPrefix is null || row.Run.Value.StartsWith(query.IdPrefix, StringComparison.Ordinal))
            && (query.Key is null || row.Key == query.Key)
            && query.Labels.All(l => row.Labels.TryGetValue(l.Key, out var value) && value == l.Value)
            && (query.Since is null || row.StartedAt >= query.Since)
            && (query.Until is null || row.StartedAt < query.Until)
            && (query.ChangedSince is null || row.ChangedAt >= query.ChangedSince)
            && (query.MicrosMin is null || row.Spent.Micros >= query.MicrosMin)
            && (query.ChangedBefore is null || row.ChangedAt < query.ChangedBefore)
            && (query.IsErased is null || row.IsErased == query.IsErased)
            && (query.FingerprintIsNot is null || row.Fingerprint != query.FingerprintIsNot)
            && (!query.AsksAPerson || head.Waits.Any(w => w.Kind == WaitKind.Approval));
    }

    private long Now() => _lastAt = Math.Max(_lastAt, Microseconds.From(_clock.GetUtcNow()));

    private bool IsAlive(string worker) => _workers.TryGetValue(worker, out var until) && until > _clock.GetUtcNow();

    private void Tell(List<RunChange> changes)
    {
        if (changes.Count == 0)
        {
            return;
        }

        Action<RunChange>[] subscribers;
        lock (_lock)
        {
            subscribers = [.. _subscribers];
        }

        foreach (var change in changes)
        {
            foreach (var subscriber in subscribers)
            {
                try
                {
                    subscriber(change);
                }
                catch (Exception)
                {
                    // The commit stands, whatever a listener makes of the hint; and the others are told too.
                }
            }
        }
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}
